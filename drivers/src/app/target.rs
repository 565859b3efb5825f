//! What handlers are registered for, and conflicts between registrations.

use apptheory_core::events::{
    AnswerWriter, BatchSource, RecordReader, RouteTaken, Rule, Shape, SingleRoute,
};
use apptheory_core::http::JsonReading;
use apptheory_core::http::binding;
use apptheory_core::http::exchange::Access;
use apptheory_core::http::router::{Pattern, Segment};

use super::build::BuildError;
use super::handler::CheckParams;

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
    /// Requests below a prefix that no route matches.
    Fallback {
        prefix: String,
    },
    /// A route key of a WebSocket API.
    Message(String),
    /// Records of a source, by the name of their queue, stream, table and so on.
    Records(RecordReader, String),
    /// Records of a source in tumbling windows, and the ends of these windows.
    Window(RecordReader, String),
    WindowEnd(RecordReader, String),
    Topic(String),
    Event(Rule),
    Single(SingleRoute, AnswerWriter),
    Shape(Shape),
    Otherwise,
}

impl Target {
    pub(super) const fn is_of_requests(&self) -> bool {
        matches!(self, Self::Request { .. } | Self::AnyMethod { .. } | Self::Fallback { .. })
    }

    /// Returns who may call the handler, if the handler and the routers around it agree.
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

    /// Checks that the handler can read the parameters of the target's pattern. A pattern that does
    /// not parse is left to the router.
    pub(super) fn check_params(&self, check: CheckParams) -> Result<(), BuildError> {
        let pattern = match self {
            Self::Request { pattern, .. } | Self::AnyMethod { pattern } => pattern,
            // A fallback captures no parameters. What is not a request has no path, and its handler
            // no `Path`.
            Self::Fallback { .. }
            | Self::Message(_)
            | Self::Records(..)
            | Self::Window(..)
            | Self::WindowEnd(..)
            | Self::Topic(_)
            | Self::Event(_)
            | Self::Single(..)
            | Self::Shape(_)
            | Self::Otherwise => "/",
        };
        let Ok(pattern) = Pattern::parse(pattern) else { return Ok(()) };
        let names: Vec<&str> = pattern.segments().iter().filter_map(Segment::name).collect();
        check(&names).map_err(|binding::Error { name, expected, from }| {
            let (method, _, given) = self.names();
            // The name of the source stands for all parameters.
            let is_of_all = name == from.as_str();
            let expected =
                if is_of_all { expected.into_owned() } else { format!("{expected} for {name}") };
            BuildError::Path { method, given, expected }
        })
    }

    /// Checks that a handler of requests reads the body in one format at most, if each format has
    /// media types of its own. Messages and records have none.
    pub(super) fn check_formats(
        &self,
        formats: &[&'static str],
        json: JsonReading,
    ) -> Result<(), BuildError> {
        if !self.is_of_requests() || json != JsonReading::JsonTypes {
            return Ok(());
        }
        let Some((first, rest)) = formats.split_first() else { return Ok(()) };
        let Some(second) = rest.iter().find(|other| *other != first) else { return Ok(()) };
        let (method, _, given) = self.names();
        Err(BuildError::Formats { method, given, first, second })
    }

    /// Returns the method that registers the target, the name of its argument, and the argument.
    pub(super) fn names(&self) -> (&'static str, &'static str, String) {
        let quoted = |name: &String| format!("{name:?}");
        match self {
            Self::Request { method, pattern } => {
                ("route", "pattern", format!("{method} {pattern}"))
            }
            Self::AnyMethod { pattern } => ("any", "pattern", pattern.clone()),
            Self::Fallback { prefix } => ("fallback", "prefix", prefix.clone()),
            Self::Message(route_key) => ("websocket", "route key", quoted(route_key)),
            Self::Records(reader, name) => {
                let (method, what) = method_for(reader.source());
                let has_one_handler = has_one_handler(reader.source());
                let given = if has_one_handler { String::new() } else { quoted(name) };
                (method, what, given)
            }
            Self::Window(reader, name) | Self::WindowEnd(reader, name) => {
                let (method, what) = if reader.source() == BatchSource::Kinesis {
                    ("kinesis_window", "stream")
                } else {
                    ("dynamodb_window", "table")
                };
                (method, what, quoted(name))
            }
            Self::Topic(name) => ("sns", "topic", quoted(name)),
            Self::Event(rule) => ("event_bridge", "rule", rule.to_string()),
            Self::Single(route, _) => (route.method(), "name", route.to_string()),
            Self::Shape(shape) => ("on", "shape", shape.to_string()),
            Self::Otherwise => ("otherwise", "handler", String::new()),
        }
    }

    /// Returns the error for a handler that would never run.
    pub(super) fn never_runs(&self, taken: &RouteTaken) -> BuildError {
        let (method, what, given) = self.names();
        let reason = match taken {
            RouteTaken::Blank => format!("the {what} is blank; name one, or remove the handler"),
            RouteTaken::By(earlier) if matches!(self, Self::Event(_) | Self::Shape(_)) => format!(
                "{earlier}, registered before it, selects the same events; register the narrower \
                 {what} first, or remove one of the two"
            ),
            RouteTaken::By(_) if self.takes_all() => {
                "an earlier one takes all events; remove one of the two".into()
            }
            RouteTaken::By(_) if matches!(self, Self::Single(..)) => {
                "an earlier one answers the same events; remove one of the two".into()
            }
            RouteTaken::By(earlier) => format!(
                "the {what} {earlier:?} has a handler already; remove one of the two, or let one \
                 handler do the work of both"
            ),
        };
        BuildError::Event { method, given, reason }
    }

    /// Returns whether the handler takes all events of its kind, without a name.
    fn takes_all(&self) -> bool {
        if let Self::Records(reader, _) = self {
            return has_one_handler(reader.source());
        }
        matches!(self, Self::Otherwise)
    }

    pub(super) fn unguarded(&self) -> BuildError {
        let (method, _, given) = self.names();
        BuildError::Access { method, given }
    }
}

/// Returns whether a source has a single handler, because its records have no name to route by.
const fn has_one_handler(source: BatchSource) -> bool {
    matches!(source, BatchSource::Ses | BatchSource::CloudWatchLogs)
}

/// Returns the method that registers handlers of a source's records, and the name of its argument.
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
