//! Expression texts with their placeholders.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value as Json};

use super::guard::Guard;
use super::item::AttributeName;
use super::update::{Assignment, write_update};
use super::value::Value;

/// The expressions of one order, and what their placeholders stand for.
///
/// Every name and value goes through a placeholder, so that no attribute name can collide with a
/// reserved word and no value can be read as syntax. Placeholders are numbered in order of first
/// use: the same order always renders to the same text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Expressions {
    /// `UpdateExpression`.
    pub update: Option<String>,
    /// `ConditionExpression`.
    pub condition: Option<String>,
    /// `KeyConditionExpression`.
    pub key_condition: Option<String>,
    /// `FilterExpression`.
    pub filter: Option<String>,
    /// `ProjectionExpression`.
    pub projection: Option<String>,
    /// `ExpressionAttributeNames`: what `#n0`, `#n1`, … stand for.
    pub names: Vec<AttributeName>,
    /// `ExpressionAttributeValues`: what `:v0`, `:v1`, … stand for.
    pub values: Vec<Value>,
}

impl Expressions {
    pub(super) fn with_guard(mut self, guard: &Guard) -> Self {
        self.condition = guard.render(&mut self);
        self
    }

    pub(super) fn with_filter(mut self, filter: &Guard) -> Self {
        self.filter = filter.render(&mut self);
        self
    }

    pub(super) fn with_update(mut self, assignments: &[Assignment]) -> Self {
        self.update = write_update(assignments, &mut self);
        self
    }

    pub(super) fn with_projection(mut self, names: &[AttributeName]) -> Self {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| self.name(name)).collect();
            self.projection = Some(names.join(", "));
        }
        self
    }

    /// The placeholder of an attribute name.
    pub(super) fn name(&mut self, name: &AttributeName) -> String {
        let known = self.names.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            self.names.push(name.clone());
            self.names.len().saturating_sub(1)
        });
        name_placeholder(index)
    }

    /// A placeholder for a value.
    pub(super) fn value(&mut self, value: &Value) -> String {
        self.values.push(value.clone());
        value_placeholder(self.values.len().saturating_sub(1))
    }

    /// Each name placeholder with what it stands for.
    pub fn placeholder_names(&self) -> impl Iterator<Item = (String, &AttributeName)> {
        self.names.iter().enumerate().map(|(index, name)| (name_placeholder(index), name))
    }

    /// Each value placeholder with what it stands for.
    pub fn placeholder_values(&self) -> impl Iterator<Item = (String, &Value)> {
        self.values.iter().enumerate().map(|(index, value)| (value_placeholder(index), value))
    }

    /// Adds the expressions that are there to a low-level JSON request.
    pub(super) fn write_to(&self, body: &mut Map<String, Json>) {
        let texts = [
            ("UpdateExpression", &self.update),
            ("ConditionExpression", &self.condition),
            ("KeyConditionExpression", &self.key_condition),
            ("FilterExpression", &self.filter),
            ("ProjectionExpression", &self.projection),
        ];
        for (member, text) in texts {
            if let Some(text) = text {
                body.insert(member.to_string(), Json::from(text.as_str()));
            }
        }
        if !self.names.is_empty() {
            let names: BTreeMap<String, String> = self
                .placeholder_names()
                .map(|(placeholder, name)| (placeholder, name.to_string()))
                .collect();
            body.insert("ExpressionAttributeNames".to_string(), names.into_iter().collect());
        }
        if !self.values.is_empty() {
            let values: Json = self
                .placeholder_values()
                .map(|(placeholder, value)| (placeholder, value.to_json()))
                .collect();
            body.insert("ExpressionAttributeValues".to_string(), values);
        }
    }
}

fn name_placeholder(index: usize) -> String {
    format!("#n{index}")
}

fn value_placeholder(index: usize) -> String {
    format!(":v{index}")
}
