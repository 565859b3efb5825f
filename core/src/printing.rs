//! `Debug` output for types that hold data of clients: names, ids and sizes, but never contents. An
//! error or assertion can then not leak contents into logs.

use core::fmt;

/// A number of bytes, printed in place of their contents.
pub(crate) struct Hidden(pub(crate) usize);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

/// Implements `Debug` for a struct: prints the listed fields, and `..` for the others.
macro_rules! prints {
    ($name:ident<T>: $($member:ident),+) => {
        impl<T> core::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($member), &self.$member))+
                    .finish_non_exhaustive()
            }
        }
    };
    ($name:ident $(<$lifetime:lifetime>)?: $($member:ident),+) => {
        impl core::fmt::Debug for $name $(<$lifetime>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($member), &self.$member))+
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use prints;

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;
    use alloc::format;
    use alloc::string::{String, ToString as _};
    use core::fmt::Debug;

    use serde_json::json;

    use crate::eventbus::{Event, Ulid};
    use crate::events::{
        BatchEvent, BatchSource, EventBridgeEvent, EventInput, FirehoseResponse, LambdaEvent,
        Transformed, WebSocketEvent,
    };
    use crate::gateway::ConnectionReply;
    use crate::http::exchange::{Arrival, Call, PolicyDecision, Principal, TenantSource};
    use crate::http::platform::EventJson;
    use crate::http::{HeaderMap, HttpResponse, MultiMap, QueryString, RawRequest};
    use crate::idempotency::{Acquisition, IdempotencyKey};
    use crate::observe::Level;
    use crate::observe::profile::ProfileEvent;
    use crate::stream::sse::SseEvent;
    use crate::stream::{Collector, FrameConfig, FrameInput, FrameMachine, Head, Target};
    use crate::time::Timestamp;

    const SECRET: &str = "hush-hush";

    /// `Debug` prints bytes as numbers, and base64 as text.
    fn check(what: &str, value: &impl Debug) {
        let bytes = format!("{:?}", SECRET.as_bytes());
        for printed in [format!("{value:?}"), format!("{value:#?}")] {
            let flat: String = printed.split_whitespace().collect();
            let numbers: String = bytes.trim_matches(['[', ']']).split_whitespace().collect();
            for shown in [SECRET, "aHVzaC1odXNo", &numbers] {
                assert!(!flat.contains(shown), "{what}: {printed}");
            }
        }
    }

    fn raw_request() -> RawRequest<'static> {
        let mut raw = RawRequest::new("POST", &format!("/orders?token={SECRET}"));
        raw.headers.append("authorization", format!("Bearer {SECRET}"));
        raw.headers.append("cookie", format!("session={SECRET}"));
        let mut query = MultiMap::new();
        query.append("token", SECRET);
        raw.query = QueryString::from(query);
        raw.body = Cow::Borrowed(SECRET.as_bytes());
        let context = json!({"authorizer": {"lambda": {"token": SECRET}}}).to_string();
        raw.platform.request_context = EventJson::new(&context);
        raw.platform.stage_variables = EventJson::new(&context);
        raw
    }

    #[test]
    fn requests_and_responses_hide_what_is_in_them() {
        check("raw request", &raw_request());
        check("raw query", &raw_request().query);
        let request = raw_request().normalize(None).unwrap();
        check("headers", &request.headers);
        check("query", &request.query);
        check("cookies", &request.cookies);
        check("request", &request);
        check("platform", &request.platform);
        let arrival = Arrival { now: Timestamp::UNIX_EPOCH, remaining: None };
        check("call", &Call::unrouted(request, String::new(), arrival, TenantSource::Principal));
        let fields = || -> HeaderMap { [("x-secret", SECRET)].into_iter().collect() };
        check("policy", &PolicyDecision::rate_limited(fields()));
        let mut principal = Principal::new("u");
        principal.claims.insert("token".into(), SECRET.into());
        check("principal", &principal);

        let response: HttpResponse = HttpResponse::text(200, SECRET)
            .with_header("x-secret", SECRET)
            .with_cookie(format!("session={SECRET}"));
        check("response", &response);
        check("head", &Head::from(&response));
        let errors = crate::http::exchange::HttpSettings::default().error_style();
        check("collector", &Collector::new(response.clone(), None, errors));
        let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
        let (head, has_stream) = (Head::from(&response), true);
        let begin = FrameInput::Begin { head, prefix_len: 0, has_stream };
        check("input", &begin);
        machine.handle(begin).unwrap();
        check("machine", &machine);
        check("output", &machine.handle(FrameInput::Chunk { len: 1 }).unwrap());
        check("server-sent event", &SseEvent::new(SECRET));
        let mut logged = ProfileEvent::new(Timestamp::UNIX_EPOCH, Level::Error, SECRET);
        logged.error.stack_trace = SECRET;
        logged.request.user_id = SECRET;
        check("log event", &logged);
        check("error", &logged.error);
        check("request facts", &logged.request);
    }

    #[test]
    fn events_hide_what_they_carry() {
        let attribute = json!({"S": SECRET});
        let records = [
            (
                BatchSource::Sqs,
                json!({"messageId": "1", "body": SECRET, "receiptHandle": SECRET,
                    "eventSourceARN": "arn:aws:sqs:r:1:q", "eventSource": "aws:sqs"}),
            ),
            (
                BatchSource::Kinesis,
                json!({"eventID": "1", "eventSourceARN": "arn:aws:kinesis:r:1:stream/s",
                    "eventSource": "aws:kinesis",
                    "kinesis": {"data": "aHVzaC1odXNo", "sequenceNumber": "1", "partitionKey": "p"}}),
            ),
            (
                BatchSource::DynamoDbStream,
                json!({"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
                    "eventSourceARN": "arn:aws:dynamodb:r:1:table/t/stream/x",
                    "dynamodb": {"SequenceNumber": "1", "NewImage": {"a": attribute}}}),
            ),
        ];
        for (source, record) in &records {
            let event = json!({"Records": [record]}).to_string();
            let batch = BatchEvent::read(*source, &event).unwrap();
            check("batch", &batch);
            let record = &batch.record(0).unwrap();
            check("record", record);
            check("input", &EventInput::read(*source, record).unwrap());
        }
        let base64 = "aHVzaC1odXNo";
        for (source, event) in [
            (
                BatchSource::Kafka,
                json!({"records": {"t-0": [{"topic": "t", "offset": 1, "key": base64,
                    "value": base64, "headers": [{"token": SECRET.as_bytes()}]}]}}),
            ),
            (
                BatchSource::S3,
                json!({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": SECRET,
                    "sequencer": "0A"}}}]}),
            ),
            (
                BatchSource::Ses,
                json!({"Records": [{"ses": {"mail": {"messageId": "m", "source": SECRET,
                    "destination": [SECRET], "commonHeaders": {"subject": SECRET}},
                    "receipt": {"recipients": [SECRET]}}}]}),
            ),
            (
                BatchSource::CodeCommit,
                json!({"Records": [{"customData": SECRET, "eventSourceARN": "a:r"}]}),
            ),
            (
                BatchSource::ActiveMq,
                json!({"messages": [{"data": base64, "properties": {"token": SECRET}}]}),
            ),
            (BatchSource::RabbitMq, json!({"rmqMessagesByQueue": {"q::/": [{"data": base64}]}})),
            (
                BatchSource::DocumentDb,
                json!({"events": [{"event": {"documentKey": {"_id": SECRET},
                    "fullDocument": {"token": SECRET}}}]}),
            ),
            (
                BatchSource::Firehose,
                json!({"records": [{"recordId": "1", "data": base64,
                    "kinesisRecordMetadata": {"partitionKey": SECRET}}]}),
            ),
        ] {
            let event = event.to_string();
            let event = BatchEvent::read(source, &event).unwrap();
            let record = event.record(0).unwrap();
            check(source.trigger().as_str(), &EventInput::read(source, &record).unwrap());
            check("record", &record);
        }
        let transformed = Transformed::ok(SECRET).partition_key("k", SECRET);
        check("transformed", &transformed);
        let event = json!({"records": [{"recordId": "1"}]}).to_string();
        let event = BatchEvent::read(BatchSource::Firehose, &event).unwrap();
        check("answer", &FirehoseResponse::new(&event, [Some(transformed)], 1000).unwrap());
        let sns = json!({"EventSource": "aws:sns", "Sns": {"MessageId": "1", "Message": SECRET,
            "Subject": SECRET, "TopicArn": "arn:aws:sns:r:1:t"}});
        let sns = json!({"Records": [sns]}).to_string();
        check("sns", &LambdaEvent::read(&sns).unwrap());
        let event = json!({"id": "1", "source": "s", "detail-type": "t", "detail": {"a": SECRET}});
        check("eventbridge", &EventBridgeEvent::read(&event.to_string()).unwrap());
        let message = json!({"requestContext": {"routeKey": "$default", "connectionId": "c"},
            "headers": {"authorization": SECRET}, "body": SECRET});
        check("websocket", &WebSocketEvent::read(&message.to_string()).unwrap());
        let id = Ulid::new(Timestamp::UNIX_EPOCH, 1);
        let mut event = Event::new("t", "order.created")
            .id(id)
            .published_at(Timestamp::UNIX_EPOCH)
            .payload(&SECRET);
        event.metadata.insert("token".into(), SECRET.into());
        check("event", &event);
    }

    #[test]
    fn messages_and_kept_answers_are_hidden() {
        let reply = ConnectionReply { status: 200, body: SECRET.into(), ..Default::default() };
        check("reply", &reply);
        let completed = Acquisition::Completed { result: Some(SECRET.into()) };
        check("acquisition", &completed);
        check("key", &IdempotencyKey::new("shop", SECRET).unwrap());
    }
}
