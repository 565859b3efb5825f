//! Tests of the event builders.

use core::net::Ipv4Addr;

use apptheory_core::events::{
    BatchEvent, Change, DynamoDbRecord, HttpSource, KinesisRecord, LambdaEvent, Rule, SqsRecord,
    WebSocketEvent,
};
use serde_json::{Value, json};

use crate::testkit::events::{
    self, EventBridgeEntry, ItemChange, KinesisEntry, SnsEntry, SqsEntry,
};
use crate::testkit::{TestRequest, Via, requests};

fn read_http(request: &TestRequest) -> (HttpSource, apptheory_core::http::Request) {
    let event = request.event().to_string();
    let LambdaEvent::Http(event) = LambdaEvent::read(&event).unwrap() else { panic!("{event}") };
    (event.source, event.request.normalize(None).unwrap())
}

#[test]
fn paths_and_queries_have_one_spelling() {
    let queried = [("b", "2"), ("b", "3"), ("a", "x y"), ("a", "!'()*~"), ("é", "&=")];
    let request = requests::request(" post ", "ping?z=1").body("hi").base64();
    let request = queried.iter().fold(request, |request, (name, value)| request.query(name, value));
    let event = request.event();
    assert_eq!(event["rawPath"], "/ping");
    let query = "a=x+y&a=%21%27%28%29%2A~&b=2&b=3&%C3%A9=%26%3D";
    assert_eq!(event["rawQueryString"], query);
    assert_eq!(event["queryStringParameters"], json!({"a": "x y", "b": "2", "é": "&="}));
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("aGk="), &json!(true)));

    for (given, path, query) in [
        (" /p ? a=1 ", "/p", " a=1"),
        ("", "/", ""),
        ("?", "/", ""),
        ("http://h/p", "/http://h/p", ""),
        ("/a?b=1?c", "/a", "b=1?c"),
    ] {
        let event = requests::get(given).event();
        assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!(path), &json!(query)));
        assert_eq!(event.get("queryStringParameters"), None);
    }
    assert_eq!(requests::request("", "").event()["requestContext"]["http"]["method"], "");
}

#[test]
fn requests_have_methods_and_typed_bodies() {
    for (method, request) in [
        ("GET", requests::get("/")),
        ("POST", requests::post("/")),
        ("PUT", requests::put("/")),
        ("PATCH", requests::patch("/")),
        ("DELETE", requests::delete("/")),
    ] {
        assert_eq!(request.event()["requestContext"]["http"]["method"], method);
    }
    let form = requests::post("/").form([("a b", "1&2"), ("é", "")]).event();
    assert_eq!(form["body"], "a+b=1%262&%C3%A9=");
    assert_eq!(form["headers"], json!({"content-type": "application/x-www-form-urlencoded"}));
    let json = requests::post("/").json(&[1]).event();
    assert_eq!(json["headers"], json!({"content-type": "application/json"}));
    let own = requests::post("/").header("Content-Type", "application/a+json").json(&[1]).event();
    assert_eq!(own["headers"], json!({"content-type": "application/a+json"}));
    let cookies = requests::get("/").cookie("c", "3").header("cookie", "a=1; b=2").event();
    assert_eq!(cookies["cookies"], json!(["a=1", "b=2", "c=3"]));
}

#[test]
fn load_balancers_leave_queries_encoded() {
    let lists = |path| {
        let event = requests::get(path).via(Via::LoadBalancer).event();
        event["multiValueQueryStringParameters"].clone()
    };
    assert_eq!(lists("/x?a=1&a=2&b"), json!({"a": ["1", "2"], "b": [""]}));
    assert_eq!(lists("/x?a%20b=%2B"), json!({"a%20b": ["%2B"]}));
    assert_eq!(lists("/x?bad=%zz"), json!({"bad": ["%zz"]}));
}

#[test]
fn each_service_vouches_for_what_it_knows() {
    for (via, source, address) in [
        (Via::FunctionUrl, HttpSource::FunctionUrl, "192.0.2.7"),
        (Via::HttpApi, HttpSource::ApiGatewayV2, "192.0.2.7"),
        (Via::HttpApiV1, HttpSource::ApiGatewayV1, "192.0.2.7"),
        (Via::RestApi, HttpSource::ApiGatewayV1, "192.0.2.7"),
        (Via::LoadBalancer, HttpSource::Alb, ""),
        (Via::VpcLattice, HttpSource::VpcLatticeV2, ""),
        (Via::VpcLatticeV1, HttpSource::VpcLatticeV1, ""),
    ] {
        let request = requests::get("/").from_address(Ipv4Addr::new(192, 0, 2, 7)).via(via);
        let (read, request) = read_http(&request.header("x-forwarded-for", "10.0.0.1"));
        let verified = request.source_provenance.source_ip().to_owned();
        assert_eq!((read, via.source(), &*verified), (source, source, address), "{via:?}");
        let hops = request.headers.first("x-forwarded-for");
        let forwards = matches!(via, Via::LoadBalancer | Via::VpcLattice | Via::VpcLatticeV1);
        assert_eq!(hops.ends_with("192.0.2.7"), forwards, "{via:?}: {hops}");
    }
}

#[test]
fn callers_are_where_each_service_puts_them() {
    let claims = json!({"sub": "ann", "exp": 1_790_000_000, "groups": ["a", "b"]});
    for via in [Via::HttpApi, Via::HttpApiV1, Via::RestApi] {
        let (_, request) =
            read_http(&requests::get("/").claims(&claims).scopes(["orders:read"]).via(via));
        let read: Value = request.platform.claims().unwrap().unwrap();
        let expected = json!({"sub": "ann", "exp": "1790000000", "groups": "[a b]"});
        assert_eq!(read, expected, "{via:?}");
        assert_eq!(request.platform.scopes().unwrap().unwrap(), ["orders:read"], "{via:?}");

        let (_, request) =
            read_http(&requests::get("/").authorizer(&json!({"plan": "x"})).via(via));
        assert_eq!(request.platform.authorizer().unwrap(), Some(json!({"plan": "x"})), "{via:?}");
    }
    for via in [Via::FunctionUrl, Via::HttpApi, Via::RestApi] {
        let arn = "arn:aws:iam::000000000000:user/ann";
        let (_, request) = read_http(&requests::get("/").signed_by(arn).via(via));
        let identity = request.platform.iam_identity().unwrap().unwrap();
        assert_eq!(identity.user_arn.as_deref(), Some(arn), "{via:?}");
    }
    let (_, request) = read_http(&requests::get("/").principal_id("ann").via(Via::RestApi));
    assert_eq!(request.platform.principal_id().unwrap().as_deref(), Some("ann"));
}

#[test]
#[should_panic(expected = "send the request `.via(Via::HttpApi)`")]
fn a_function_url_checks_no_token() {
    let _ = requests::get("/").claims(&json!({})).event();
}

#[test]
#[should_panic(expected = "load balancers authenticate no callers")]
fn a_load_balancer_checks_nobody() {
    let _ = requests::get("/").signed_by("arn").via(Via::LoadBalancer).event();
}

fn batch(event: &str) -> BatchEvent<'_> {
    let LambdaEvent::Batch(batch) = LambdaEvent::read(event).unwrap() else { panic!("{event}") };
    batch
}

#[test]
fn messages_of_queues_have_what_their_handlers_read() {
    let again = SqsEntry::new("b").id("m7").attribute("ApproximateReceiveCount", "2");
    let event = events::sqs("orders", ["a".into(), again]).to_string();
    let batch = batch(&event);
    let records = batch.records().map(|record| SqsRecord::read(&record).unwrap());
    let [first, second] = records.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((&*first.message_id, &*first.body), ("msg-1", "a"));
    assert_eq!((&*second.message_id, &*second.body), ("m7", "b"));
    assert_eq!(second.attribute("ApproximateReceiveCount").as_deref(), Some("2"));
    assert!(batch.records().all(|record| record.name() == "orders"));

    let event = events::sqs_fifo("orders.fifo", [("g", "a"), ("h", "b")]);
    assert_eq!(event["Records"][1]["attributes"]["MessageGroupId"], "h");
    let attributed = SqsEntry::json(&[1]).message_attribute("tenant", "t1");
    let event = events::sqs("orders", [attributed]);
    assert_eq!(event["Records"][0]["body"], "[1]");
    let attribute = json!({"tenant": {"dataType": "String", "stringValue": "t1"}});
    assert_eq!(event["Records"][0]["messageAttributes"], attribute);

    let arn = "arn:aws:sqs:eu-west-1:1:other";
    assert_eq!(events::sqs(arn, ["a"])["Records"][0]["eventSourceARN"], arn);
}

#[test]
#[should_panic(expected = "names of FIFO queues end with `.fifo`: orders")]
fn a_fifo_queue_is_named_so() {
    let _ = events::sqs_fifo("orders", [("g", "a")]);
}

#[test]
fn records_of_streams_name_their_sequence_numbers() {
    let data = [KinesisEntry::new([0xff, 0]), KinesisEntry::json(&json!(7)).partition_key("k")];
    let event = events::kinesis("clicks", data).to_string();
    let batch = batch(&event);
    let records = batch.records().map(|record| KinesisRecord::read(&record).unwrap());
    let [first, second] = records.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((&*first.data, &*first.partition_key), (&[0xff, 0][..], "pk-1"));
    assert_eq!((&*second.data, &*second.sequence_number), (&b"7"[..], "2"));
    assert!(batch.records().all(|record| record.name() == "clicks"));
}

#[test]
fn changes_of_tables_have_their_images() {
    let (old, new) = (json!({"id": 7, "tags": ["a"], "is": {"a": null}}), json!({"id": 8}));
    let changes = [
        ItemChange::insert(&new).keys(&json!({"id": 8})),
        ItemChange::modify(&old, &new),
        ItemChange::expire(&old),
    ];
    let event = events::dynamodb("orders", changes).to_string();
    let batch = batch(&event);
    let records: Vec<_> =
        batch.records().map(|record| DynamoDbRecord::read(&record).unwrap()).collect();
    let changes: Vec<Change<Value>> =
        records.iter().map(|record| record.change().unwrap()).collect();
    let (some_old, some_new) = (Some(old), Some(new));
    assert_eq!((&changes[0].old, &changes[0].new), (&None, &some_new));
    assert_eq!((&changes[1].old, &changes[1].new), (&some_old, &some_new));
    assert!(changes[2].is_expiry && changes[2].old == some_old && !changes[1].is_expiry);
    assert_eq!((records[1].table(), &*records[1].sequence_number), ("orders", "2"));
    assert_eq!(records[0].keys().unwrap().unwrap().integer("id"), Some(8));
}

#[test]
fn deliveries_of_logs_are_read() {
    let long = "x".repeat(70_000); // more than one block
    let event = events::cloudwatch_logs("logs", ["a", &long]).to_string();
    let batch = batch(&event);
    let record = KinesisRecord::read(&batch.records().next().unwrap()).unwrap();
    let logs = record.cloudwatch_logs().unwrap();
    let messages: Vec<_> = logs.log_events.iter().map(|event| &*event.message).collect();
    assert_eq!(messages, ["a", &long]);
    assert_eq!(logs.log_group, "/aws/lambda/apptheory-test");
}

#[test]
fn notifications_and_events_of_buses_are_read() {
    let messages = [SnsEntry::json(&json!({})).subject("s"), "m".into()];
    let event = events::sns("orders", messages).to_string();
    let LambdaEvent::Sns(records) = LambdaEvent::read(&event).unwrap() else { panic!("{event}") };
    assert_eq!((records[0].topic(), &*records[0].subject, &*records[1].message), {
        ("orders", "s", "m")
    });

    let entry = EventBridgeEntry::new("shop", "order.created").detail(&json!({"id": 7})).id("e7");
    let (named, scheduled) = (events::scheduled_rule("nightly"), events::schedule("default", "n"));
    for (event, rule) in [
        (events::event_bridge(entry), Rule::source("shop").detail_type("order.created")),
        (named, Rule::named("nightly")),
        (scheduled, Rule::schedule("default", "n")),
    ] {
        let event = event.to_string();
        let LambdaEvent::EventBridge(read) = LambdaEvent::read(&event).unwrap() else {
            panic!("{event}")
        };
        assert!(rule.selects(&read), "{rule}: {event}");
    }
}

#[test]
fn events_of_connections_are_read() {
    for (route_key, event_type) in
        [("$connect", "CONNECT"), ("say", "MESSAGE"), ("$disconnect", "DISCONNECT")]
    {
        let event = events::websocket(route_key, "conn-1", "hi").to_string();
        assert_eq!(LambdaEvent::read(&event).unwrap().name(), "websocket");
        let connection = WebSocketEvent::read(&event).unwrap().connection;
        assert_eq!((&*connection.route_key, &*connection.event_type), (route_key, event_type));
        let endpoint = "https://example.execute-api.us-east-1.amazonaws.com/dev";
        assert_eq!(connection.management_endpoint, endpoint);
    }
}

/// Code for those types needs members that nothing here reads.
#[test]
fn events_are_whole_to_the_types_of_aws_lambda_events() {
    use aws_lambda_events::{dynamodb, eventbridge, kinesis, sns, sqs};
    use serde::de::DeserializeOwned;

    fn read<T: DeserializeOwned>(event: Value) -> T {
        serde_json::from_value(event).unwrap()
    }

    let messages =
        events::sqs_fifo("q.fifo", [("g", SqsEntry::new("a").message_attribute("t", "1"))]);
    let messages: sqs::SqsEvent = read(messages);
    assert_eq!(messages.records[0].message_attributes["t"].string_value.as_deref(), Some("1"));
    let records: kinesis::KinesisEvent = read(events::kinesis("s", ["a"]));
    assert_eq!(records.records[0].kinesis.data.0, b"a");
    let changes = [ItemChange::expire(&json!({"id": 7})).keys(&json!({"id": 7}))];
    let changes: dynamodb::Event = read(events::dynamodb("t", changes));
    assert_eq!(changes.records[0].event_name, "REMOVE");
    let notifications: sns::SnsEvent = read(events::sns("t", ["a"]));
    assert_eq!(notifications.records[0].sns.message, "a");
    let event: eventbridge::EventBridgeEvent = read(events::schedule("default", "nightly"));
    assert_eq!(event.source, "aws.scheduler");
}
