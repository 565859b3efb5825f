use super::*;
use crate::events::{LambdaEvent, SingleRoute};

fn event(source: &str, version: &str) -> Json {
    json!({"version": version, "triggerSource": source, "region": "eu-west-1",
        "userPoolId": "eu-west-1_a", "userName": "ann", "callerContext": {"clientId": "c1"},
        "request": {"userAttributes": {"email": "ann@example.com", "email_verified": true},
            "clientMetadata": null, "groupConfiguration": null}, "response": {"kept": 1}})
}

fn route(event: &Json) -> Option<SingleRoute> {
    let text = event.to_string();
    let LambdaEvent::Single(event) = LambdaEvent::read(&text).unwrap() else { return None };
    Some(event.route().clone())
}

#[test]
fn cognito_triggers_are_recognised_by_their_trigger_source() {
    use CognitoTrigger::*;
    for (source, trigger) in [
        ("PreSignUp_ExternalProvider", PreSignUp),
        ("PostConfirmation_ConfirmForgotPassword", PostConfirmation),
        ("PreAuthentication_Authentication", PreAuthentication),
        ("PostAuthentication_Authentication", PostAuthentication),
        ("TokenGeneration_RefreshTokens", PreTokenGeneration),
        ("CustomMessage_ForgotPassword", CustomMessage),
        ("DefineAuthChallenge_Authentication", DefineAuthChallenge),
        ("CreateAuthChallenge_Authentication", CreateAuthChallenge),
        ("VerifyAuthChallengeResponse_Authentication", VerifyAuthChallenge),
        ("UserMigration_Authentication", UserMigration),
        ("CustomSMSSender_Authentication", CustomSmsSender),
        ("CustomEmailSender_SignUp", CustomEmailSender),
    ] {
        assert_eq!(route(&event(source, "1")), Some(SingleRoute::Cognito(trigger)), "{source}");
    }
    for other in ["PreSignUp", "PreSignup_SignUp", "InboundFederation_x", ""] {
        assert_eq!(route(&event(other, "1")), None, "{other}");
    }
    let mut other = event("PreSignUp_SignUp", "1");
    other["userPoolId"] = Json::Null;
    assert_eq!(route(&other), None);
}

#[test]
fn what_a_trigger_lacks_is_empty() {
    let text = event("PreSignUp_SignUp", "1").to_string();
    let read: CognitoEvent = json::read(text.as_bytes()).unwrap();
    assert_eq!((&*read.user_name, &*read.caller_context.client_id), ("ann", "c1"));
    assert_eq!(read.request.attribute("email"), "ann@example.com");
    assert_eq!(read.request.attribute("email_verified"), "true");
    assert_eq!((read.request.attribute("phone"), &*read.request.password), ("", ""));
    assert!(!alloc::format!("{read:?}").contains("ann"), "{read:?}");
}

fn answered(source: &str, version: &str, output: Json) -> Result<Json, String> {
    let text = event(source, version).to_string();
    let LambdaEvent::Single(event) = LambdaEvent::read(&text).unwrap() else { panic!() };
    event.answer(output).map_err(|error| {
        core::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    })
}

#[test]
fn the_event_comes_back_whole_with_the_response_filled() {
    let source = "PreSignUp_SignUp";
    let signed_up = SignUp { auto_confirm_user: true, ..SignUp::default() };
    let mut expected = event(source, "1");
    expected["response"] = json!({"kept": 1, "autoConfirmUser": true,
        "autoVerifyEmail": false, "autoVerifyPhone": false});
    assert_eq!(answered(source, "1", json!(signed_up)), Ok(expected));
    assert_eq!(answered(source, "1", Json::Null), Ok(event(source, "1")));
    assert!(answered(source, "1", json!([1])).unwrap_err().contains("not an object"));

    let next = |next: NextChallenge| {
        answered("DefineAuthChallenge_Authentication", "1", json!(next)).unwrap()["response"]
            .clone()
    };
    let ask = json!({"kept": 1, "challengeName": "CUSTOM_CHALLENGE", "issueTokens": false,
        "failAuthentication": false});
    assert_eq!(next(NextChallenge::Ask("CUSTOM_CHALLENGE".into())), ask);
    assert_eq!(next(NextChallenge::IssueTokens)["issueTokens"], true);
    let failed = next(NextChallenge::Fail);
    assert_eq!(
        (&failed["issueTokens"], &failed["failAuthentication"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn claims_are_written_as_the_version_of_the_trigger_has_them() {
    let source = "TokenGeneration_Authentication";
    let groups = CognitoGroups { groups_to_override: ["g".into()].into(), ..Default::default() };
    let claims = TokenClaims::default().id_claim("plan", "pro").without_id_claim("email");
    let first = answered(source, "1", json!(claims.clone().groups(groups))).unwrap();
    let expected = json!({"claimsToAddOrOverride": {"plan": "pro"},
        "claimsToSuppress": ["email"], "groupOverrideDetails":
        {"groupsToOverride": ["g"], "iamRolesToOverride": [], "preferredRole": null}});
    assert_eq!(first["response"]["claimsOverrideDetails"], expected);

    let more = claims.access_claim("level", 3).scope("a").without_scope("b");
    let second = answered(source, "2", json!(more.clone())).unwrap();
    let expected = json!({
        "idTokenGeneration":
            {"claimsToAddOrOverride": {"plan": "pro"}, "claimsToSuppress": ["email"]},
        "accessTokenGeneration": {"claimsToAddOrOverride": {"level": 3},
            "claimsToSuppress": [], "scopesToAdd": ["a"], "scopesToSuppress": ["b"]}});
    assert_eq!(second["response"]["claimsAndScopeOverrideDetails"], expected);

    // Version 1 would silently ignore them.
    assert!(answered(source, "1", json!(more)).unwrap_err().contains("version to 2"));
    let number = TokenClaims::default().id_claim("level", 3);
    assert!(answered(source, "1", json!(number)).unwrap_err().contains("claims must be strings"));
    assert!(answered(source, "2", json!({"other": 1})).unwrap_err().contains("TokenClaims"));
}
