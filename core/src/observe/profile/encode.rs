//! Encodes one line of an event.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::config::ProfileConfig;
use super::error::ProfileError;
use super::event::ProfileEvent;
use super::names::{FIELDS, SAFE, SECONDS};
use super::validate;
use crate::hex::push_hex;
use crate::json;
use crate::observe::Fields;
use crate::observe::bounded::{Room, beginning};
use crate::observe::line::{MAX_LINE_BYTES, OMITTED};
use crate::printing::prints;
use crate::sanitize::Sanitizer;
use crate::time::Timestamp;

/// A checked logging profile, which encodes events as lines.
#[derive(Clone)]
pub struct LoggingProfile {
    config: ProfileConfig,
    /// The static enrichment, with its variables replaced.
    constants: Vec<(String, String)>,
    sanitizer: Sanitizer,
}

prints!(LoggingProfile: config);

/// An event lacks required fields of its profile, listed in the profile's order. Add them, or set
/// the environment variables that the profile uses for them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("logging profile required fields missing: {}", .0.join(", "))]
pub struct MissingFields(pub Vec<String>);

impl LoggingProfile {
    /// Checks a configuration, and looks up its environment variables once.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Invalid`] with everything that is wrong with the configuration.
    pub fn new(
        config: ProfileConfig,
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProfileError> {
        let found = validate::violations(&config);
        if !found.is_empty() {
            return Err(ProfileError::Invalid(found));
        }
        let constants = config.enrichment.static_fields.iter().filter_map(|(field, text)| {
            let text = match variable(text) {
                Some(name) => look_up(name)?,
                None => text.clone(),
            };
            Some((field.clone(), text))
        });
        let constants = constants.collect();
        Ok(Self { config, constants, sanitizer: Sanitizer::new() })
    }

    /// Replaces the sanitizer of all values; by default [`Sanitizer::new`].
    #[must_use]
    pub fn with_sanitizer(self, sanitizer: Sanitizer) -> Self {
        Self { sanitizer, ..self }
    }

    /// Returns the line of an event, without a line end: a JSON object with sorted members, all
    /// values sanitized, numbers as strings. If two values have the same field, the later one in
    /// this order is kept: time, level, message, event, normalized message, static enrichment,
    /// enrichment from the request or job, the error's type, code, stack trace and its digest. The
    /// caller's fields never replace these.
    ///
    /// A line has at most [`MAX_LINE_BYTES`] bytes, including its end. A value that takes more than
    /// half of the space left is cut, and fields without space are counted in [`OMITTED`].
    ///
    /// # Errors
    ///
    /// [`MissingFields`] if the event lacks required fields of the profile.
    pub fn encode(&self, event: &ProfileEvent<'_>) -> Result<String, MissingFields> {
        let mut line = Line::new(&self.sanitizer);
        line.put(self.field("timestamp"), self.time(event.at));
        line.put(self.field("severity"), self.level(event));
        line.put(self.field("message"), beginning(event.message));
        line.put(self.field("event"), event.event);
        line.put(self.field("normalized_message"), event.normalized_message);
        for (field, text) in &self.constants {
            line.put(field, text);
        }
        for (field, source) in &self.config.enrichment.context {
            line.put(field, event.context(source));
        }
        self.put_error(event, &mut line);
        line.put_fields(event.fields);

        let required = self.config.required_fields.iter();
        let missing = required.filter(|field| !line.members.contains_key(&***field));
        let missing: Vec<_> = missing.cloned().collect();
        if !missing.is_empty() {
            return Err(MissingFields(missing));
        }
        Ok(line.end())
    }

    fn put_error<'l>(&'l self, event: &ProfileEvent<'_>, line: &mut Line<'l>) {
        let (error, capture) = (event.error, &self.config.error_capture);
        if capture.include_error_type {
            line.put(self.field("error_type"), error.error_type);
        }
        if capture.include_error_code {
            line.put(self.field("error_code"), error.code);
        }
        if capture.include_stack_trace && !error.stack_trace.trim().is_empty() {
            let trace = beginning(error.stack_trace);
            let lines = trace.lines().map(|line| self.sanitizer.free_text(line));
            let shown = lines.collect::<Vec<_>>().join("\n");
            line.insert(self.field("stack_trace"), shown.into());
            line.insert(self.field("stack_hash"), digest(error.stack_trace).into());
        }
    }

    fn time(&self, at: Timestamp) -> String {
        match &*self.config.encoding.timestamp_format {
            SECONDS => at.to_rfc3339_seconds(),
            _ => at.to_rfc3339(),
        }
    }

    fn level(&self, event: &ProfileEvent<'_>) -> String {
        let name = event.level.name();
        let named = self.config.levels.get(name).cloned();
        named.unwrap_or_else(|| name.to_ascii_uppercase())
    }

    fn field<'l>(&'l self, source: &'l str) -> &'l str {
        self.config.field_of(source)
    }
}

/// A line under construction.
struct Line<'l> {
    members: BTreeMap<Cow<'l, str>, Json>,
    sanitizer: &'l Sanitizer,
    room: Room,
    omitted: u64,
}

impl<'l> Line<'l> {
    const fn new(sanitizer: &'l Sanitizer) -> Self {
        Self {
            members: BTreeMap::new(),
            sanitizer,
            room: Room(MAX_LINE_BYTES - RESERVE),
            omitted: 0,
        }
    }

    fn put(&mut self, field: &'l str, value: impl Serialize) {
        if let Some(value) = self.shown(field, value) {
            self.insert(field, value);
        }
    }

    fn insert(&mut self, field: impl Into<Cow<'l, str>>, value: Json) {
        let field = field.into();
        match self.room.fit(&field, value) {
            Some(value) => _ = self.members.insert(field, value),
            None => self.omitted = self.omitted.saturating_add(1),
        }
    }

    /// The caller's fields never replace existing ones.
    fn put_fields(&mut self, fields: &'l Fields) {
        for (name, value) in fields {
            let name = name.trim();
            if !FIELDS.contains(&name) && !name.starts_with(SAFE) {
                continue;
            }
            let mut field = self.sanitizer.free_text(name);
            // A hidden part of a name may begin with its first letter.
            if name.starts_with(SAFE) && !field.starts_with(SAFE) {
                field.to_mut().insert_str(0, SAFE);
            }
            if self.members.contains_key(&field) {
                continue;
            }
            let shown = match value.as_str() {
                Some(text) => self.shown(name, beginning(text)),
                None => self.shown(name, value),
            };
            if let Some(value) = shown {
                self.insert(field, value);
            }
        }
    }

    fn end(mut self) -> String {
        if self.omitted > 0 {
            self.members.insert(OMITTED.into(), self.omitted.into());
        }
        let named = self.members.into_iter().map(|(name, value)| (name.into_owned(), value));
        json::to_text(&Json::Object(named.collect()))
    }

    /// Returns what is shown of a value; `None` for null and for a blank text.
    fn shown(&self, field: &str, value: impl Serialize) -> Option<Json> {
        let shown = self.sanitizer.field(field, value);
        let is_blank = shown.is_null() || shown.as_str().is_some_and(|text| text.trim().is_empty());
        (!is_blank).then_some(shown)
    }
}

/// The space reserved for the number of omitted fields, the braces and the line end.
const RESERVE: usize = 64;

/// Returns the name in `${NAME}`.
fn variable(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    (!name.is_empty() && !name.contains('}')).then_some(name)
}

/// Returns a digest that differs for different stack traces, even if their sanitized texts are
/// equal.
fn digest(text: &str) -> String {
    let mut hex = String::from("sha256:");
    push_hex(&mut hex, &Sha256::digest(text));
    hex
}
