//! Names in ARNs.

/// The kind of an ARN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ArnKind {
    /// An SQS queue.
    SqsQueue,
    /// An SNS topic.
    SnsTopic,
    /// A Kinesis stream, or a consumer of a stream.
    KinesisStream,
    /// The stream of a DynamoDB table; its name is the table's.
    DynamoDbStream,
    /// An EventBridge rule, on any bus.
    EventBridgeRule,
    /// A CodeCommit repository.
    CodeCommitRepository,
}

/// Returns the name in an ARN, or an empty text if there is none.
///
/// | Kind | Name |
/// |---|---|
/// | queue, topic, repository | after the last `:` |
/// | stream | the first segment after `stream/`, or else after the last `:` and its first `/` |
/// | table | the first segment after `:table/` |
/// | rule | the last segment after `rule/` (after the bus, unless it is the default one) |
#[must_use]
pub fn name_from_arn(kind: ArnKind, arn: &str) -> &str {
    let arn = arn.trim();
    match kind {
        ArnKind::SqsQueue => after_last_colon(arn),
        ArnKind::SnsTopic | ArnKind::CodeCommitRepository => after_last_colon(arn).trim(),
        ArnKind::KinesisStream => stream(arn).trim(),
        ArnKind::DynamoDbStream => arn.split_once(":table/").map_or("", |(_, rest)| segment(rest)),
        ArnKind::EventBridgeRule => {
            let rest = arn.split_once("rule/").map_or("", |(_, rest)| rest);
            rest.rsplit('/').find(|segment| !segment.is_empty()).unwrap_or_default()
        }
    }
}

/// Returns the group and the name of an EventBridge Scheduler schedule from its ARN:
/// `arn:{partition}:scheduler:{region}:{account}:schedule/{group}/{name}`.
pub(super) fn schedule_from_arn(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.trim().splitn(6, ':');
    let (service, resource) = (parts.nth(2)?, parts.nth(2)?);
    let (group, name) = resource.strip_prefix("schedule/")?.split_once('/')?;
    (service == "scheduler" && !name.contains('/')).then_some((group, name))
}

fn stream(arn: &str) -> &str {
    if let Some((_, rest)) = arn.split_once("stream/") {
        return segment(rest);
    }
    let resource = after_last_colon(arn);
    resource.split_once('/').map_or(resource, |(_, rest)| rest)
}

fn after_last_colon(arn: &str) -> &str {
    arn.rsplit_once(':').map_or(arn, |(_, rest)| rest)
}

fn segment(rest: &str) -> &str {
    rest.split_once('/').map_or(rest, |(first, _)| first)
}

#[cfg(test)]
mod tests {
    use super::ArnKind::{
        self, DynamoDbStream, EventBridgeRule, KinesisStream, SnsTopic, SqsQueue,
    };
    use super::name_from_arn;

    #[test]
    fn names_are_found_where_each_service_puts_them() {
        let cases: [(ArnKind, &str, &str); 24] = [
            (SqsQueue, " arn:aws:sqs:eu-west-1:1:orders.fifo ", "orders.fifo"),
            (SqsQueue, "arn:aws:sqs:eu-west-1:1:", ""),
            (SqsQueue, "arn:aws:sqs:eu-west-1:1: x", " x"),
            (SqsQueue, "orders", "orders"),
            (SnsTopic, "arn:aws:sns:eu-west-1:1: news ", "news"),
            (SnsTopic, "arn:aws:sns:eu-west-1:1:news:5b-sub", "5b-sub"),
            (KinesisStream, "arn:aws:kinesis:eu-west-1:1:stream/clicks", "clicks"),
            (KinesisStream, "arn:aws:kinesis:eu-west-1:1:stream/clicks/consumer/c:1458", "clicks"),
            (KinesisStream, "arn:aws:kinesis:eu-west-1:1:stream/ clicks ", "clicks"),
            (KinesisStream, "arn:aws:kinesis:eu-west-1:1:stream/", ""),
            (KinesisStream, "arn:aws:kinesis:eu-west-1:1:stream1", "stream1"),
            (KinesisStream, "arn:x:/clicks", "clicks"),
            (DynamoDbStream, "arn:aws:dynamodb:eu-west-1:1:table/orders/stream/2026", "orders"),
            (DynamoDbStream, "arn:aws:dynamodb:eu-west-1:1:table/orders", "orders"),
            (DynamoDbStream, "a:table/orders/index/i/stream/x", "orders"),
            (DynamoDbStream, "a:table//stream/x", ""),
            (DynamoDbStream, "table/orders/stream/x", ""),
            (EventBridgeRule, "arn:aws:events:eu-west-1:1:rule/nightly", "nightly"),
            (EventBridgeRule, "arn:aws:events:eu-west-1:1:rule/own-bus/nightly", "nightly"),
            (EventBridgeRule, "arn:aws:events:eu-west-1:1:rule/aws.partner/x/1/nightly", "nightly"),
            (EventBridgeRule, "rule///nightly/", "nightly"),
            (EventBridgeRule, "rule/", ""),
            (EventBridgeRule, "arn:aws:events:eu-west-1:1:RULE/nightly", ""),
            (EventBridgeRule, "  ", ""),
        ];
        for (kind, arn, name) in cases {
            assert_eq!(name_from_arn(kind, arn), name, "{kind:?} {arn}");
        }
    }
}
