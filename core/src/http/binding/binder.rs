//! Fields declared at run time, applied to a request.

use alloc::string::String;
use alloc::vec::Vec;
use core::slice;

use serde::de::IgnoredAny;

use super::body::Members;
use super::convert::{from_json, from_texts};
use super::error::BindingError;
use super::field::{Field, Source};
use super::value::Bound;
use crate::http::{JsonReading, Request};
use crate::json::{JsonError, read_object};
use crate::utf8::decode_lossy;

/// A declaration of fields.
///
/// A body is read when a field comes from it, or when it is [strict](Self::with_strict_body), and
/// then there has to be one. Fields that are not there bind to nothing.
#[derive(Clone, Debug)]
pub struct Binder {
    fields: Vec<Field>,
    is_strict: bool,
    json: JsonReading,
}

impl Binder {
    /// Binds these fields, in this order. Their names are told apart by case and are unique.
    #[must_use]
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        let fields = fields.into_iter().collect();
        Self { fields, is_strict: false, json: JsonReading::default() }
    }

    /// Refuses a body with a member that no field takes from it. Members of members may be any.
    #[must_use]
    pub fn with_strict_body(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Reads bodies as another [`JsonReading`] says than the default.
    #[must_use]
    pub fn with_json(self, json: JsonReading) -> Self {
        Self { json, ..self }
    }

    /// The values of a request. `params` are those of its path, decoded or as they were sent.
    ///
    /// # Errors
    ///
    /// The first [`BindingError`]: of the body, and then of the fields in their order.
    pub fn bind(
        &self,
        request: &Request,
        params: &[(String, String)],
    ) -> Result<Bound, BindingError> {
        let mut bound = Bound::default();
        if self.reads_body() {
            self.bind_body(request, &mut bound)?;
        }
        for field in &self.fields {
            let found = BESIDE_THE_BODY.into_iter().find_map(|source| {
                let wire = field.wire(source)?;
                let values = values(source, wire, request, params);
                (!values.is_empty()).then_some((source, wire, values))
            });
            let Some((source, wire, values)) = found else { continue };
            let value = from_texts(field.kind, values)
                .map_err(|_| BindingError::invalid(source, wire, field))?;
            if let Some(value) = value {
                bound.set(&field.name, value);
            }
        }
        Ok(bound)
    }

    fn reads_body(&self) -> bool {
        self.is_strict || self.body_fields().next().is_some()
    }

    fn body_fields(&self) -> impl Iterator<Item = (&Field, &str)> {
        self.fields.iter().filter_map(|field| Some((field, field.wire(Source::Body)?)))
    }

    fn bind_body(&self, request: &Request, bound: &mut Bound) -> Result<(), BindingError> {
        if request.body.is_empty() {
            return Err(BindingError::EmptyBody);
        }
        if !self.json.takes(request) {
            return Err(BindingError::UnsupportedMediaType);
        }
        let text = decode_lossy(&request.body);
        let members: Members<'_> = read_object(&text).map_err(|_| self.no_object(&text))?;
        if self.is_strict {
            self.refuse_unknown(&members)?;
        }
        for (field, wire) in self.body_fields() {
            let Some(json) = members.get(wire) else { continue };
            let value = from_json(field.kind, json).map_err(|_| self.mistyped(wire, field))?;
            if let Some(value) = value {
                bound.set(&field.name, value);
            }
        }
        Ok(())
    }

    /// The error of a text that is not one JSON object.
    fn no_object(&self, text: &str) -> BindingError {
        match serde_json::from_str::<IgnoredAny>(text) {
            _ if self.json == JsonReading::Contract => BindingError::InvalidJson,
            Ok(_) => BindingError::Mistyped { name: String::new(), expected: "an object" },
            Err(error) => BindingError::NoJson(JsonError::from(&error)),
        }
    }

    fn mistyped(&self, wire: &str, field: &Field) -> BindingError {
        match self.json {
            JsonReading::Contract => BindingError::InvalidJson,
            JsonReading::JsonTypes | JsonReading::AnyType => {
                BindingError::Mistyped { name: wire.into(), expected: field.kind.expected() }
            }
        }
    }

    fn refuse_unknown(&self, members: &Members<'_>) -> Result<(), BindingError> {
        let is_known = |name: &str| self.body_fields().any(|(_, wire)| wire == name);
        match members.names().find(|name| !is_known(name)) {
            Some(name) => Err(BindingError::UnknownMember { name: name.into() }),
            None => Ok(()),
        }
    }
}

/// The sources that win over the body, the first one first.
const BESIDE_THE_BODY: [Source; 3] = [Source::Path, Source::Query, Source::Header];

fn values<'a>(
    source: Source,
    wire: &str,
    request: &'a Request,
    params: &'a [(String, String)],
) -> &'a [String] {
    match source {
        Source::Body => &[],
        Source::Query => request.query.get_all(wire),
        Source::Header => request.header_values(wire),
        Source::Path => {
            let param = params.iter().find(|(name, _)| name == wire);
            param.map_or(&[], |(_, value)| slice::from_ref(value))
        }
    }
}
