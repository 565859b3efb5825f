//! What handlers are registered for, and what may be wrong with that.

use apptheory_core::events::{BatchSource, RouteTaken, Rule, Shape, SingleRoute};
use apptheory_core::http::exchange::Access;

use super::build::BuildError;

/// What a handler is registered for.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Request {
        method: String,
        pattern: String,
    },
    /// Requests of any of the [`METHODS`](super::router::METHODS).
    AnyMethod {
        pattern: String,
    },
    /// Requests below a prefix that nothing else serves.
    Fallback {
        prefix: String,
    },
    /// A route key of a WebSocket API.
    Message(String),
    /// Records of a source, by the name of what they are from.
    Records(BatchSource, String),
    /// Records of a source in tumbling windows, and the ends of these.
    Window(BatchSource, String),
    WindowEnd(BatchSource, String),
    Topic(String),
    Event(Rule),
    Single(SingleRoute),
    Shape(Shape),
    Otherwise,
}

impl Target {
    pub(super) const fn is_of_requests(&self) -> bool {
        matches!(self, Self::Request { .. } | Self::AnyMethod { .. } | Self::Fallback { .. })
    }

    /// Who may call it, if the handler and the routers around it agree.
    pub(super) fn agreed(&self, accesses: Vec<Vec<Access>>) -> Result<Access, BuildError> {
        for said in &accesses {
            let mut said = said.iter();
            let Some(first) = said.next() else { continue };
            if let Some(second) = said.find(|other| *other != first) {
                let (method, _, given) = self.names();
                let (first, second) = (first.to_string(), second.to_string());
                return Err(BuildError::AccessTwice { method, given, first, second });
            }
        }
        let mut accesses = accesses.into_iter().flatten();
        let Some(inner) = accesses.next() else { return Ok(Access::Public) };
        match accesses.find(|outer| *outer != inner) {
            None => Ok(inner),
            Some(outer) => {
                let (method, _, given) = self.names();
                let (inner, outer) = (inner.to_string(), outer.to_string());
                Err(BuildError::TwoAccesses { method, given, inner, outer })
            }
        }
    }

    /// The method that registers it, what its argument is called, and the argument.
    pub(super) fn names(&self) -> (&'static str, &'static str, String) {
        let quoted = |name: &String| format!("{name:?}");
        match self {
            Self::Request { method, pattern } => {
                ("route", "pattern", format!("{method} {pattern}"))
            }
            Self::AnyMethod { pattern } => ("any", "pattern", pattern.clone()),
            Self::Fallback { prefix } => ("fallback", "prefix", prefix.clone()),
            Self::Message(route_key) => ("websocket", "route key", quoted(route_key)),
            Self::Records(source, name) => {
                let (method, what) = method_for(*source);
                let given = if has_one_handler(*source) { String::new() } else { quoted(name) };
                (method, what, given)
            }
            Self::Window(source, name) | Self::WindowEnd(source, name) => {
                let (method, what) = if *source == BatchSource::Kinesis {
                    ("kinesis_window", "stream")
                } else {
                    ("dynamodb_window", "table")
                };
                (method, what, quoted(name))
            }
            Self::Topic(name) => ("sns", "topic", quoted(name)),
            Self::Event(rule) => ("event_bridge", "rule", rule.to_string()),
            Self::Single(route) => (route.method(), "name", route.to_string()),
            Self::Shape(shape) => ("on", "shape", shape.to_string()),
            Self::Otherwise => ("otherwise", "handler", String::new()),
        }
    }

    /// Why a handler would never run, and what to do.
    pub(super) fn never_runs(&self, taken: &RouteTaken) -> BuildError {
        let (method, what, given) = self.names();
        let reason = match taken {
            RouteTaken::Blank => format!("the {what} is blank; name one, or remove the handler"),
            RouteTaken::By(earlier) if matches!(self, Self::Event(_) | Self::Shape(_)) => format!(
                "{earlier}, registered before it, selects the same events; register the narrower \
                 {what} first, or remove one of the two"
            ),
            RouteTaken::By(_)
                if matches!(self, Self::Otherwise)
                    || matches!(self, Self::Records(source, _) if has_one_handler(*source)) =>
            {
                "an earlier one takes all events; remove one of the two".into()
            }
            RouteTaken::By(_) if matches!(self, Self::Single(_)) => {
                "an earlier one answers the same events; remove one of the two".into()
            }
            RouteTaken::By(earlier) => format!(
                "the {what} {earlier:?} has a handler already; remove one of the two, or let one \
                 handler do the work of both"
            ),
        };
        BuildError::Event { method, given, reason }
    }

    pub(super) fn unguarded(&self) -> BuildError {
        let (method, _, given) = self.names();
        BuildError::Access { method, given }
    }
}

/// Whether the records of a source name nothing to route by, so that one handler is for all of them.
const fn has_one_handler(source: BatchSource) -> bool {
    matches!(source, BatchSource::Ses | BatchSource::CloudWatchLogs)
}

/// The method that registers handlers of a source's records, and what its argument is called.
const fn method_for(source: BatchSource) -> (&'static str, &'static str) {
    match source {
        BatchSource::Sqs => ("sqs", "queue"),
        BatchSource::Kinesis => ("kinesis", "stream"),
        BatchSource::DynamoDbStream => ("dynamodb", "table"),
        BatchSource::Kafka => ("kafka", "topic"),
        BatchSource::S3 => ("s3", "bucket"),
        BatchSource::Ses => ("ses", "handler"),
        BatchSource::CodeCommit => ("codecommit", "repository"),
        BatchSource::ActiveMq => ("activemq", "queue"),
        BatchSource::RabbitMq => ("rabbitmq", "queue"),
        BatchSource::DocumentDb => ("documentdb", "database"),
        BatchSource::Firehose => ("firehose", "stream"),
        BatchSource::CloudWatchLogs => ("cloudwatch_logs", "handler"),
    }
}
