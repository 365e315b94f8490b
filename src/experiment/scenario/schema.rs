//! The JSON Schema of scenario files, made from the same tables that read them.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::format::Format;
use super::sections::{Clock, Disk, Ensemble, Expect, Limits, Network, Work};
use super::{FORMAT, Generate, plan};
use crate::check::verdict::Property;
use crate::mutant::table::DEFECTS;

/// A field of an object.
pub struct Field {
    name: &'static str,
    schema: Value,
    is_required: bool,
}

impl Field {
    /// A field that must be there; `about` is what its documentation says.
    pub fn new<T: Format>(name: &'static str, about: &str) -> Self {
        let mut schema = T::schema();
        put(&mut schema, "description", json!(about.trim()));
        Self {
            name,
            schema,
            is_required: true,
        }
    }

    /// The same, whose numbers lie in a range.
    #[must_use]
    pub fn within(mut self, range: RangeInclusive<i128>) -> Self {
        let (low, high) = range.into_inner();
        bound(&mut self.schema, low, high);
        self
    }

    /// The same, which may be left out.
    #[must_use]
    pub fn defaulting<T: Format>(mut self, default: &T) -> Self {
        let text = default.write().to_string();
        let value: Value = serde_json::from_str(&text).expect("what we write is JSON");
        put(&mut self.schema, "default", value);
        self.is_required = false;
        self
    }
}

fn put(schema: &mut Value, name: &str, value: Value) {
    let object = schema.as_object_mut().expect("schemas are objects");
    object.insert(name.to_owned(), value);
}

/// The bounds go where the numbers are: in the value itself, in the elements of a range, behind a choice.
fn bound(schema: &mut Value, low: i128, high: i128) {
    let number = |value: i128| i64::try_from(value).map_or(Value::Null, Value::from);
    if schema["type"] == "integer" {
        for (name, value) in [("minimum", number(low)), ("maximum", number(high))] {
            if !value.is_null() {
                put(schema, name, value);
            }
        }
    } else if let Some(items) = schema.get_mut("items") {
        bound(items, low, high);
    } else if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        for choice in choices {
            bound(choice, low, high);
        }
    }
}

/// An object with these fields and no others.
pub fn record(fields: Vec<Field>) -> Value {
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.is_required)
        .map(|field| field.name)
        .collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    if !required.is_empty() {
        put(&mut schema, "required", json!(required));
    }
    let properties: Map<String, Value> = fields
        .into_iter()
        .map(|field| (field.name.to_owned(), field.schema))
        .collect();
    put(&mut schema, "properties", Value::Object(properties));
    schema
}

/// One of these names.
pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    let names: Vec<&str> = names.into_iter().collect();
    json!({ "type": "string", "enum": names })
}

/// The schema of a scenario file.
pub fn scenario() -> Value {
    let properties: Vec<&str> = Property::ALL
        .iter()
        .map(|property| property.name())
        .chain(["all"])
        .collect();
    let mutants = DEFECTS.iter().map(|defect| defect.id);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "zablab scenario",
        "description": "An ensemble with its clients, network, disks and clocks, the faults that strike it, and what is judged.",
        "type": "object",
        "additionalProperties": false,
        "required": ["format", "name"],
        "properties": {
            "$schema": { "type": "string", "description": "Where this schema is; for editors." },
            "format": { "const": FORMAT, "description": "The version of the format." },
            "name": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "Its name, as in its file's." },
            "about": { "type": "string", "description": "What it shows, in a sentence." },
            "seed": { "type": "integer", "minimum": 0, "description": "Decides every draw." },
            "ensemble": Ensemble::schema(),
            "network": Network::schema(),
            "disk": Disk::schema(),
            "clock": Clock::schema(),
            "mutants": { "type": "array", "items": names(mutants), "uniqueItems": true, "description": "Defects that are planted: `zablab mutants`." },
            "workload": { "type": "array", "items": Work::schema(), "description": "What clients do." },
            "operations": { "anyOf": [{ "type": "null" }, { "type": "array", "items": operation() }], "description": "Which operations of the workload are carried out; null = all." },
            "plan": { "type": "array", "maxItems": plan::MAX_FAULTS, "items": plan::schema::entry(), "description": "Faults: docs/faults.md." },
            "overrides": { "type": "array", "description": "Single draws that are replaced: what `shrink` writes.", "items": { "type": "object" } },
            "generate": Option::<Generate>::schema(),
            "limits": Limits::schema(),
            "check": { "type": "array", "items": { "type": "string", "enum": properties }, "description": "What is judged; `all` = what ZooKeeper promises." },
            "expect": Option::<Expect>::schema(),
        }
    })
}

fn operation() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["client"],
        "properties": {
            "client": { "type": "string", "pattern": "^c[0-9]+$" },
            "op": { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "null" }] },
            "at_ms": { "type": "integer", "minimum": 0 },
            "at_us": { "type": "integer", "minimum": 0 },
        }
    })
}
