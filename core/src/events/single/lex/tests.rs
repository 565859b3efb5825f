use alloc::string::ToString;

use super::*;
use crate::events::{LambdaEvent, SingleRoute};

fn event() -> Json {
    json!({
        "messageVersion": "1.0",
        "invocationSource": "DialogCodeHook",
        "inputMode": "Text",
        "sessionId": "s1",
        "inputTranscript": "s3cret",
        "bot": {"name": "shop", "localeId": "en_US", "aliasId": "TSTALIASID"},
        "sessionState": {
            "activeContexts": [{"name": "c"}],
            "sessionAttributes": {"kept": "1"},
            "intent": {"name": "Order", "state": "ReadyForFulfillment",
                "confirmationState": "Confirmed", "slots": {
                    "Item": {"shape": "Scalar", "value": {"originalValue": "Tea",
                        "interpretedValue": "tea", "resolvedValues": ["tea"]}},
                    "Extras": {"shape": "List", "values": [
                        {"shape": "Scalar", "value": {"originalValue": "milk"}},
                        {"shape": "Scalar", "value": {"originalValue": "rum",
                            "interpretedValue": null}}]},
                    "Size": null}},
        },
        "interpretations": [],
    })
}

fn answered(output: Json) -> Result<Json, String> {
    let text = event().to_string();
    let LambdaEvent::Single(event) = LambdaEvent::read(&text).unwrap() else { panic!("{text}") };
    event.answer(output).map_err(|error| {
        core::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    })
}

#[test]
fn a_turn_is_known_by_its_intent_and_read() {
    let text = event().to_string();
    let LambdaEvent::Single(single) = LambdaEvent::read(&text).unwrap() else { panic!("{text}") };
    assert_eq!(single.route(), &SingleRoute::Lex("Order".into()));
    for gone in ["invocationSource", "bot", "sessionState"] {
        let mut event = event();
        event[gone] = Json::Null;
        let text = event.to_string();
        assert!(matches!(LambdaEvent::read(&text), Ok(LambdaEvent::Other(_))), "{gone}");
    }
    let turn: LexTurn = json::read(text.as_bytes()).unwrap();
    assert_eq!((turn.invocation_source, turn.intent()), (LexSource::DialogCodeHook, "Order"));
    assert_eq!((turn.is_confirmed(), turn.is_denied()), (true, false));
    assert_eq!((turn.slot("Item"), turn.slot("Size"), turn.slot("Other")), ("tea", "", ""));
    assert_eq!(turn.slot_values("Extras").collect::<Vec<_>>(), ["milk", "rum"]);
    assert_eq!(turn.slot_values("Item").collect::<Vec<_>>(), ["tea"]);
    assert_eq!(turn.slot_values("Size").count(), 0);
    assert_eq!((turn.session_attribute("kept"), turn.session_attribute("x")), ("1", ""));
    let shown = alloc::format!("{turn:?}");
    assert!(shown.contains("Order") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn the_session_comes_back_with_what_the_handler_changed() {
    let mut expected = event()["sessionState"].clone();
    expected["dialogAction"] = json!({"type": "Delegate"});
    let answer = answered(json!(LexAnswer::delegate())).unwrap();
    assert_eq!(answer, json!({"sessionState": expected}));

    expected["dialogAction"] = json!({"type": "ElicitSlot", "slotToElicit": "Item"});
    expected["intent"]["state"] = "InProgress".into();
    expected["intent"]["slots"]["Item"] = Json::Null;
    expected["intent"]["slots"]["Size"] = scalar("large");
    expected["sessionAttributes"]["asked"] = "2".into();
    let elicit = LexAnswer::elicit_slot("Item").slot("Size", "large");
    let elicit = elicit.session_attribute("asked", "2").say("Tea?").say_ssml("<speak/>");
    assert_eq!(
        answered(json!(elicit.say_custom("{}"))).unwrap(),
        json!({"sessionState": expected, "messages": [
            {"contentType": "PlainText", "content": "Tea?"},
            {"contentType": "SSML", "content": "<speak/>"},
            {"contentType": "CustomPayload", "content": "{}"},
        ]})
    );
    for (answer, kind, state) in [
        (LexAnswer::confirm(), "ConfirmIntent", json!("InProgress")),
        (LexAnswer::fulfilled(), "Close", json!("Fulfilled")),
        (LexAnswer::failed(), "Close", json!("Failed")),
        (LexAnswer::elicit_intent("What else?"), "ElicitIntent", Json::Null),
    ] {
        let answer = answered(json!(answer)).unwrap();
        assert_eq!(answer["sessionState"]["dialogAction"]["type"], kind);
        assert_eq!(answer["sessionState"]["intent"]["state"], state, "{kind}");
    }
}

#[test]
fn what_lex_does_not_take_is_refused() {
    let many = (0..6).fold(LexAnswer::delegate(), |answer, _| answer.say("hi"));
    for (answer, why) in [
        (json!(many), "at most 5 messages"),
        (json!(LexAnswer::fulfilled().say("")), "1 to 1024 characters"),
        (json!(LexAnswer::fulfilled().say("é".repeat(1025))), "1 to 1024 characters"),
        (json!({"sessionState": {}}), "it is not a `LexAnswer`"),
    ] {
        let told = answered(answer).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
    answered(json!(LexAnswer::fulfilled().say("é".repeat(1024)))).unwrap();
}
