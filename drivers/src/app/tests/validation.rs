//! Validation of arguments, and the responses for broken rules.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::{Change, Rule};
use apptheory_core::http::RawRequest;
use apptheory_core::validation::Violations;
use garde::Validate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{builder, clock, get, serve, text};
use crate::app::events::Detail;
use crate::app::*;
use crate::clock::VirtualClock;

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Order {
    #[garde(length(min = 1), dive)]
    order_lines: Vec<Line>,
    #[garde(required, length(max = 3))]
    sold_to: Option<String>,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[garde(range(min = 1, max = 10))]
    how_many: u32,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "kebab-case")]
struct Page {
    #[garde(range(min = 10))]
    page_size: u32,
}

fn post(content_type: &str, body: &str) -> RawRequest<'static> {
    let mut request = RawRequest::new("POST", "/");
    request.headers.append("content-type", content_type);
    request.body = body.to_owned().into_bytes().into();
    request
}

fn answer(app: &AppService, clock: &VirtualClock, request: RawRequest<'_>) -> (u16, Value) {
    let response = serve(app, clock, request);
    (response.status, serde_json::from_str(text(&response)).unwrap_or_default())
}

/// Returns each broken rule as the client sees it: the member, the rule, and the text without the
/// member.
fn reported(answer: &(u16, Value)) -> Vec<[String; 3]> {
    assert_eq!(answer.0, 422, "{answer:?}");
    let error = &answer.1["error"];
    assert_eq!(error["code"], "app.validation_failed");
    assert_eq!(
        (&error["message"], &error["status_code"]),
        (&json!("validation failed"), &json!(422))
    );
    let rules = error["details"]["errors"].as_array().unwrap().iter().map(|rule| {
        let text = |member: &str| rule[member].as_str().unwrap().to_owned();
        let (field, message) = (text("field"), text("message"));
        let message = message.strip_prefix(&format!("{field} ")).unwrap_or(&message).to_owned();
        [field, text("rule"), message]
    });
    rules.collect()
}

#[test]
fn every_broken_rule_of_a_body_is_reported() {
    let clock = clock();
    let order = async |Valid(Json(order)): Valid<Json<Order>>| order.order_lines.len().to_string();
    let app = builder(&clock).post("/", order).build().unwrap();
    let ask = |body: &str| answer(&app, &clock, post("application/json", body));
    assert_eq!(ask(r#"{"orderLines": [{"howMany": 10}], "soldTo": "Ann"}"#), (200, json!(1)));
    assert_eq!(
        reported(&ask(r#"{"orderLines": [{"howMany": 1}, {"howMany": 12}, {"howMany": 0}]}"#)),
        [
            ["orderLines[1].howMany", "max", "must be <= 10"],
            ["orderLines[2].howMany", "min", "must be >= 1"],
            ["soldTo", "required", "is required"],
        ]
    );
    assert_eq!(
        reported(&ask(r#"{"orderLines": [], "soldTo": "Anna"}"#)),
        [
            ["orderLines", "min_length", "length must be >= 1"],
            ["soldTo", "max_length", "length must be <= 3"],
        ]
    );
    // A value of another type is not validated.
    let (status, shown) = ask(r#"{"orderLines": [{"howMany": "12"}]}"#);
    assert_eq!(
        (status, &shown["error"]["details"]["path"]),
        (422, &json!("orderLines[0].howMany"))
    );
    assert_eq!(answer(&app, &clock, post("text/plain", "{}")).0, 415);
}

#[test]
fn paths_queries_headers_and_forms_are_validated_under_their_wire_names() {
    #[derive(Deserialize, Validate)]
    #[serde(rename_all = "kebab-case")]
    struct Account {
        #[garde(pattern("^acct_"))]
        account_id: String,
    }
    #[derive(Deserialize, Validate)]
    #[serde(rename_all = "kebab-case")]
    struct Role {
        #[garde(ascii)]
        x_role: String,
    }
    let clock = clock();
    let all = async |Valid(Path(account)): Valid<Path<Account>>,
                     Valid(Query(page)): Valid<Query<Page>>,
                     Valid(Headers(role)): Valid<Headers<Role>>| {
        format!("{} {} {}", account.account_id, page.page_size, role.x_role)
    };
    let form = async |Valid(Form(page)): Valid<Form<Page>>| page.page_size.to_string();
    let app = builder(&clock).get("/accounts/{account-id}", all).post("/", form).build().unwrap();
    let ask = |path: &str, role: &str| {
        let mut request = get(path);
        request.headers.append("X-Role", role);
        answer(&app, &clock, request)
    };
    assert_eq!(ask("/accounts/acct_7?page-size=10", "admin").0, 200);
    let broken = ask("/accounts/7?page-size=10", "admin");
    assert_eq!(reported(&broken), [["account-id", "pattern", "must match pattern"]]);
    let broken = ask("/accounts/acct_7?page-size=9", "admin");
    assert_eq!(reported(&broken), [["page-size", "min", "must be >= 10"]]);
    let broken = ask("/accounts/acct_7?page-size=10", "é");
    assert_eq!(reported(&broken), [["x-role", "ascii", "must be ASCII"]]);
    // A value that is not a number gets the same error as without rules.
    assert_eq!(ask("/accounts/acct_7?page-size=x", "admin").0, 400);

    const FORM: &str = "application/x-www-form-urlencoded";
    assert_eq!(answer(&app, &clock, post(FORM, "page-size=10")), (200, json!(10)));
    let broken = answer(&app, &clock, post(FORM, "page-size=9"));
    assert_eq!(reported(&broken), [["page-size", "min", "must be >= 10"]]);
}

#[test]
fn every_rule_has_its_name_and_text() {
    #[derive(Deserialize, Validate)]
    struct All {
        #[garde(email)]
        email: String,
        #[garde(ip)]
        ip: String,
        #[garde(ipv4)]
        ipv4: String,
        #[garde(ipv6)]
        ipv6: String,
        #[garde(alphanumeric, contains("x"), prefix("a"), suffix("z"), length(chars, equal = 2))]
        text: String,
        #[garde(matches(text))]
        again: String,
        #[garde(inner(range(min = -0.5, max = 2.5)))]
        ratios: Vec<f64>,
        #[garde(custom(is_even))]
        even: u8,
    }
    fn is_even(number: &u8, (): &()) -> garde::Result {
        if number.is_multiple_of(2) {
            Ok(())
        } else {
            Err(garde::Error::new("an even number, please"))
        }
    }
    let body = json!({"email": "a", "ip": "a", "ipv4": "::1", "ipv6": "127.0.0.1", "text": "-",
        "again": "", "ratios": [-1, 0, 3], "even": 3});
    let clock = clock();
    let app = builder(&clock).post("/", async |_: Valid<Json<All>>| "kept").build().unwrap();
    let broken = answer(&app, &clock, post("application/json", &body.to_string()));
    let expected = [
        ["email", "email", "must be an email address"],
        ["ip", "ip", "must be an IP address"],
        ["ipv4", "ipv4", "must be an IPv4 address"],
        ["ipv6", "ipv6", "must be an IPv6 address"],
        ["text", "alphanumeric", "must be letters and digits"],
        ["text", "contains", "must contain x"],
        ["text", "prefix", "must begin with a"],
        ["text", "suffix", "must end with z"],
        ["text", "min_length", "length must be >= 2"],
        ["again", "matches", "must be the same as text"],
        ["ratios[0]", "min", "must be >= -0.5"],
        ["ratios[2]", "max", "must be <= 2.5"],
        ["even", "custom", "an even number, please"],
    ];
    let mut reported = reported(&broken);
    let members = |lines: &[[String; 3]]| {
        let mut members: Vec<_> = lines.iter().map(|[member, ..]| member.clone()).collect();
        members.dedup();
        members
    };
    assert_eq!(members(&reported), members(&expected.map(|line| line.map(str::to_owned))));
    for line in expected {
        let at = reported.iter().position(|rule| *rule == line);
        reported.remove(at.unwrap_or_else(|| panic!("{line:?} of {reported:?}")));
    }
    assert!(reported.is_empty(), "{reported:?}");
}

#[test]
fn a_rule_of_the_whole_value_has_no_member() {
    #[derive(Deserialize, Validate)]
    #[garde(custom(is_ordered))]
    struct Span {
        #[garde(skip)]
        from: u8,
        #[garde(skip)]
        to: u8,
    }
    fn is_ordered(span: &Span, (): &()) -> garde::Result {
        if span.from <= span.to {
            Ok(())
        } else {
            Err(garde::Error::new("it ends before it begins"))
        }
    }
    let clock = clock();
    let app = builder(&clock).post("/", async |_: Valid<Json<Span>>| "kept").build().unwrap();
    let broken = answer(&app, &clock, post("application/json", r#"{"from": 2, "to": 1}"#));
    assert_eq!(reported(&broken), [["", "custom", "it ends before it begins"]]);
}

#[test]
fn what_may_be_missing_is_checked_if_it_is_there() {
    let clock = clock();
    let optional = async |order: Option<Valid<Json<Order>>>| order.is_some().to_string();
    let reason = async |order: Result<Valid<Json<Order>>, AppError>| {
        order.err().map(|error| error.status()).unwrap_or_default().to_string()
    };
    let app = builder(&clock).post("/", optional).put("/", reason).build().unwrap();
    let ask = |body: &str| answer(&app, &clock, post("application/json", body));
    assert_eq!(ask(""), (200, json!(false)));
    assert_eq!(ask(r#"{"orderLines": [{"howMany": 1}], "soldTo": "A"}"#), (200, json!(true)));
    assert_eq!(reported(&ask(r#"{"orderLines": []}"#)).len(), 2);
    let put =
        RawRequest { method: "PUT".into(), ..post("application/json", r#"{"orderLines": []}"#) };
    assert_eq!(answer(&app, &clock, put), (200, json!(422)));
}

#[test]
fn a_validator_that_panics_is_a_masked_error() {
    #[derive(Deserialize, Validate)]
    struct Name(#[garde(custom(is_free))] String);
    fn is_free(name: &str, (): &()) -> garde::Result {
        assert_ne!(name, "Ann", "no list of names");
        Err(garde::Error::new("it is taken"))
    }
    let (clock, causes) = (clock(), Arc::new(Mutex::new(String::new())));
    let tell = Arc::clone(&causes);
    let app = builder(&clock)
        .post("/", async |_: Valid<Json<Name>>| "kept")
        .on_failure(move |failure| tell.lock().unwrap().push_str(&failure.to_string()));
    let app = app.build().unwrap();
    let (status, shown) = answer(&app, &clock, post("application/json", r#""Ann""#));
    assert_eq!((status, &shown["error"]["message"]), (500, &json!("internal error")));
    assert!(causes.lock().unwrap().contains("no list of names"));
    // The next request is validated as before.
    let broken = answer(&app, &clock, post("application/json", r#""Bob""#));
    assert_eq!(reported(&broken), [["", "custom", "it is taken"]]);
}

#[test]
fn the_number_and_the_size_of_reported_violations_are_bounded() {
    let clock = clock();
    let lines = async |_: Valid<Json<BTreeMap<String, Line>>>| "kept";
    let app = builder(&clock).post("/", lines).build().unwrap();
    let name = "é".repeat(4000);
    let lines: BTreeMap<_, _> =
        (0..150).map(|at| (format!("{at:03}{name}"), json!({"howMany": 0}))).collect();
    let broken = answer(&app, &clock, post("application/json", &json!(lines).to_string()));
    assert_eq!(reported(&broken).len(), Violations::MAX_REPORTED);
    assert_eq!(broken.1["error"]["details"]["omitted"], 50);
    assert!(broken.1.to_string().len() < 200 * Violations::MAX_FIELD_BYTES * 2);
}

#[test]
fn a_record_that_breaks_rules_fails_alone_and_the_log_says_which() {
    let (clock, causes) = (clock(), Arc::new(Mutex::new(Vec::new())));
    let shipped = Arc::new(Mutex::new(Vec::new()));
    let (tell, ship) = (Arc::clone(&causes), Arc::clone(&shipped));
    let app = builder(&clock)
        .sqs("q", move |Valid(Json(order)): Valid<Json<Order>>| {
            ship.lock().unwrap().push(order.sold_to.unwrap_or_default());
            core::future::ready(())
        })
        .dynamodb("t", async |change: Valid<Change<Line>>| assert!(change.0.old.is_some()))
        .event_bridge(Rule::source("shop"), async |_: Valid<Detail<Line>>| ())
        .on_failure(move |failure| tell.lock().unwrap().push(failure.to_string()))
        .build()
        .unwrap();
    let invoke = |event: &Value| {
        let answer = clock.run(app.invoke(&event.to_string(), Invocation::default()));
        answer.map(|json| serde_json::from_str::<Value>(&json).unwrap()).map_err(|_| ())
    };
    let failed = || core::mem::take(&mut *causes.lock().unwrap());
    const BROKEN: &str = "app.validation_failed: validation failed: ";

    let message = |id: &str, sold_to: &str| {
        let body = json!({"orderLines": [{"howMany": 1}], "soldTo": sold_to}).to_string();
        json!({"eventSource": "aws:sqs", "messageId": id, "eventSourceARN": "arn:q", "body": body})
    };
    let event =
        json!({"Records": [message("1", "Ann"), message("2", "secret"), message("3", "Bob")]});
    assert_eq!(invoke(&event), Ok(json!({"batchItemFailures": [{"itemIdentifier": "2"}]})));
    assert_eq!(*shipped.lock().unwrap(), ["Ann", "Bob"]);
    assert_eq!(failed(), [format!("{BROKEN}max_length of soldTo")]);

    // The old item may predate its rules, and is not validated.
    let image = |how_many: u8| json!({"howMany": {"N": how_many.to_string()}});
    let change = |old: u8, new: u8| {
        json!({"Records": [{"eventSource": "aws:dynamodb", "eventName": "MODIFY",
            "eventSourceARN": "a:table/t/stream/x", "dynamodb": {"SequenceNumber": "7",
            "OldImage": image(old), "NewImage": image(new)}}]})
    };
    assert_eq!(invoke(&change(99, 1)), Ok(json!({"batchItemFailures": []})));
    let again = json!({"batchItemFailures": [{"itemIdentifier": "7"}]});
    assert_eq!(invoke(&change(1, 99)), Ok(again));
    assert_eq!(failed(), [format!("{BROKEN}max of NewImage.howMany")]);

    let event = |how_many: u8| json!({"source": "shop", "detail-type": "t", "detail": {"howMany": how_many}});
    assert_eq!(invoke(&event(1)), Ok(Value::Null));
    assert_eq!(invoke(&event(0)), Err(()));
    assert_eq!(failed(), [format!("{BROKEN}min of detail.howMany")]);
}
