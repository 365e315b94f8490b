//! The JSON Schemas say what files look like: every scenario and report fits its schema, and what the reader refuses as an
//! unknown field or name does not.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::{json, zablab};
use crate::scenarios::files_of;

fn schema(kind: &str) -> Value {
    json(&zablab(&["schema", kind]))
}

/// What is wrong with a value by a schema, for the words of JSON Schema that ours use.
fn complaint(schema: &Value, value: &Value, root: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").expect("a local definition");
        return complaint(&root["$defs"][name], value, root);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let complaints: Vec<String> = choices
            .iter()
            .map_while(|choice| complaint(choice, value, root))
            .collect();
        if complaints.len() == choices.len() {
            return Some(complaints.join(" and "));
        }
    }
    let is_of = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other}"),
    };
    let kinds = &schema["type"];
    let several = kinds.as_array().into_iter().flatten();
    let types: Vec<&str> = several
        .filter_map(Value::as_str)
        .chain(kinds.as_str())
        .collect();
    if !types.is_empty() && !types.iter().any(|kind| is_of(kind)) {
        return Some(format!("{value} is none of {types:?}"));
    }
    if let Some(known) = schema["enum"].as_array()
        && !known.contains(value)
    {
        return Some(format!("{value} is unknown"));
    }
    if let Some(expected) = schema.get("const")
        && expected != value
    {
        return Some(format!("{value} is not {expected}"));
    }
    if let Some(number) = value.as_i64() {
        let bound = |name: &str| schema[name].as_i64();
        if bound("minimum").is_some_and(|least| number < least)
            || bound("maximum").is_some_and(|most| number > most)
        {
            return Some(format!("{number} is out of range"));
        }
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        let all = list.iter().enumerate();
        let found = all.filter_map(|(index, item)| {
            complaint(items, item, root).map(|what| format!("{index}: {what}"))
        });
        if let Some(what) = found.into_iter().next() {
            return Some(what);
        }
    }
    let object = value.as_object()?;
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            return Some(format!("{name} is missing"));
        }
    }
    for (name, value) in object {
        match (
            schema["properties"].get(name),
            &schema["additionalProperties"],
        ) {
            (Some(schema), _) => {
                if let Some(what) = complaint(schema, value, root) {
                    return Some(format!("{name}: {what}"));
                }
            }
            (None, Value::Bool(false)) => return Some(format!("{name} is unknown")),
            (None, Value::Object(_)) => {
                if let Some(what) = complaint(&schema["additionalProperties"], value, root) {
                    return Some(format!("{name}: {what}"));
                }
            }
            (None, _) => {}
        }
    }
    None
}

#[test]
fn every_scenario_fits_the_schema() {
    let schema = schema("scenario");
    let mut files = files_of("scenarios");
    files.extend(files_of("scenarios/zoo"));
    assert!(files.len() > 150);
    for (file, _) in files {
        let value: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(
            complaint(&schema, &value, &schema),
            None,
            "{}",
            file.display()
        );
    }
}

#[test]
fn what_the_reader_refuses_does_not_fit_the_schema() {
    let schema = schema("scenario");
    let good = json!({ "format": 1, "name": "x", "ensemble": { "voters": 3 }, "plan": [{ "id": "f", "fault": "crash", "node": 1, "at_ms": 5 }] });
    assert_eq!(complaint(&schema, &good, &schema), None);
    for (path, value) in [
        ("/format", json!(2)),
        ("/colour", json!("red")),
        ("/ensemble/voters", json!("three")),
        ("/ensemble/voters", json!(1_000)),
        ("/ensemble/vote", json!(3)),
        ("/plan/0/fault", json!("explode")),
        ("/plan/0/when", json!({ "fact": "never" })),
        ("/plan/0/colour", json!("red")),
        ("/mutants", json!(["no-such-defect"])),
        ("/check", json!(["no-such-property"])),
        ("/network", json!({ "profile": "wild" })),
    ] {
        let mut bad = good.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = if parent == "/network" { "" } else { parent };
        bad.pointer_mut(parent).unwrap()[name] = value;
        assert!(complaint(&schema, &bad, &schema).is_some(), "{bad}");
        let text = bad.to_string();
        let read = zablab::experiment::scenario::Scenario::parse(text.as_bytes(), "x", &[]);
        assert!(read.is_err(), "the reader takes {bad}");
    }
}

#[test]
fn the_reports_fit_their_schema() {
    let schema = schema("report");
    for scenario in ["scenarios/quiet.json", "scenarios/zoo/half-quorum.json"] {
        let report = json(&zablab(&["run", scenario, "--json"]));
        assert_eq!(complaint(&schema, &report, &schema), None, "{scenario}");
    }
}

#[test]
fn the_committed_schemas_are_those_of_this_version() {
    for (kind, file) in [
        ("scenario", "scenarios/scenario.schema.json"),
        ("report", "reports/report.schema.json"),
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
        let printed = zablab(&["schema", kind]).stdout;
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &printed).unwrap();
        }
        let committed = fs::read(&path).unwrap();
        assert!(
            committed == printed,
            "{file} differs from `zablab schema {kind}`; UPDATE_EXPECT=1 writes it"
        );
    }
}
