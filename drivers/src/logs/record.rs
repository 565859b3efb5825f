//! Log lines for requests and events.

use apptheory_core::observe::{Level, LogRecord};
use serde_json::Value as Json;

use super::logger::SharedLogger;

/// Returns a hook for [`App::on_log`](crate::app::App::on_log) that logs every record with
/// `logger`: the record's event is the message, everything else is in fields. Empty fields are left
/// out, except those that every record has.
///
/// ```
/// use apptheory::logs::{LoggerConfig, LoggerFactory, record_to};
/// use apptheory::prelude::*;
///
/// let logger = LoggerFactory::new().console(&LoggerConfig::default())?;
/// let app = App::new().get("/", async || "hello").on_log(record_to(logger));
/// # app.build()?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn record_to(logger: SharedLogger) -> impl Fn(&LogRecord<'_>) + Send + Sync + 'static {
    move |record| {
        let ids = [
            ("request_id", &record.request_id),
            ("tenant_id", &record.tenant_id),
            ("trace_id", &record.trace_id),
        ];
        let ids = ids.into_iter().chain(record.about.iter().map(|(name, text)| (*name, text)));
        let filled = ids.filter(|(_, text)| !text.trim().is_empty());
        let own = [
            ("event", Json::from(record.event)),
            ("method", Json::from(&*record.method)),
            ("path", Json::from(&*record.path)),
            ("status", Json::from(record.status)),
            ("error_code", Json::from(&*record.error_code)),
        ];
        let duration = record.duration_ms.map(|time| ("duration_ms", Json::from(time)));
        let fields: Vec<(&str, Json)> = filled
            .map(|(name, text)| (name, Json::from(&**text)))
            .chain(own)
            .chain(duration)
            .collect();
        logger.log(record.level, record.event, &fields);
    }
}

/// Emits a `tracing` event for a record, with the target `apptheory::record`. Pass it to
/// [`App::on_log`](crate::app::App::on_log) to log every request and event with the log that
/// [`init`](super::init) sets up. Empty fields are left out.
///
/// ```
/// use apptheory::logs;
/// use apptheory::prelude::*;
///
/// let app = App::new().get("/", async || "hello").on_log(logs::record);
/// # app.build()?;
/// # Ok::<(), BuildError>(())
/// ```
pub fn record(record: &LogRecord<'_>) {
    fn filled(text: &str) -> Option<&str> {
        (!text.trim().is_empty()).then_some(text)
    }
    let about = |name| {
        let found = record.about.iter().find(|(known, _)| *known == name);
        found.and_then(|(_, text)| filled(text))
    };
    macro_rules! event {
        ($level:ident; $($name:ident),+) => {
            tracing::event!(
                target: "apptheory::record",
                tracing::Level::$level,
                request_id = filled(&record.request_id),
                trace_id = filled(&record.trace_id),
                tenant_id = filled(&record.tenant_id),
                method = filled(&record.method),
                path = filled(&record.path),
                status = (record.status > 0).then_some(record.status),
                error_code = filled(&record.error_code),
                duration_ms = record.duration_ms,
                $($name = about(stringify!($name)),)+
                "{}",
                record.event
            )
        };
        ($level:ident) => {
            event!(
                $level; trigger, correlation_id, source, detail_type, table_name, event_id,
                event_name, queue, stream, topic, bucket, repository, database, route_key, route,
                seen, stream_error_code, stream_ended, stream_chunks, stream_bytes
            )
        };
    }
    match record.level {
        Level::Trace => event!(TRACE),
        Level::Debug => event!(DEBUG),
        Level::Info => event!(INFO),
        Level::Warn => event!(WARN),
        Level::Error => event!(ERROR),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apptheory_core::observe::LogText;
    use apptheory_core::time::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::clock::ManualClock;
    use crate::logs::TestLogger;

    #[test]
    fn a_record_keeps_all_that_it_says() {
        let logger = TestLogger::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let hook = record_to(Arc::new(logger.clone()));
        hook(&LogRecord {
            request_id: LogText::from("r1"),
            tenant_id: LogText::from("t1"),
            trace_id: LogText::from("trace"),
            method: LogText::from("GET"),
            path: LogText::from("/a"),
            status: 503,
            error_code: LogText::from("app.overloaded"),
            duration_ms: Some(7),
            ..LogRecord::new(Level::Error, "request.completed")
        });
        hook(&LogRecord {
            about: vec![("trigger", LogText::from("sqs")), ("correlation_id", LogText::from(" "))],
            ..LogRecord::new(Level::Warn, "event.completed")
        });
        let entries = json!(logger.entries());
        let expected = json!([
            {"timestamp": "1970-01-01T00:00:00Z", "level": "error", "message": "request.completed",
             "fields": {"event": "request.completed", "method": "GET", "path": "/a", "status": "503",
                        "error_code": "app.overloaded", "duration_ms": "7"},
             "request_id": "r1", "tenant_id": "t1", "trace_id": "trace"},
            {"timestamp": "1970-01-01T00:00:00Z", "level": "warn", "message": "event.completed",
             "fields": {"event": "event.completed", "method": "", "path": "", "status": "0",
                        "error_code": "", "trigger": "sqs"}},
        ]);
        assert_eq!(entries, expected);
    }
}
