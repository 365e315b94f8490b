//! What a fault of a plan looks like, as JSON Schema. Which fields go with which fault: `docs/faults.md`, and the reader.

use serde_json::{Value, json};

use super::super::schema::names;
use super::tables::{
    ATLAS, CLASSES, DIRECTIONS, FAULTS, FORMS, PROVOCATIONS, ROTS, SEEN, SHAPES, UNSYNCED,
};
use super::{DAY_US, MACHINE_MARKS, MARKS};
use crate::words::message::KINDS;

fn of<T>(table: &[(&'static str, T)]) -> Value {
    let known = table.iter().map(|(name, _)| *name);
    json!({ "anyOf": [names(known), { "type": "null" }] })
}

/// One fault of a plan.
pub(in crate::experiment::scenario) fn entry() -> Value {
    let day = i64::try_from(DAY_US).expect("a day is short");
    let us = json!({ "type": "integer", "minimum": 0, "maximum": day });
    let ms = json!({ "type": "integer", "minimum": 0, "maximum": day / 1_000 });
    let ratio = json!({ "type": "string", "pattern": "^[0-9]+/[0-9]+$" });
    let target = json!({
        "description": "A server's number, a client, a role that is resolved when the fault strikes, several of them, or a rack.",
        "type": ["integer", "string", "array", "object"]
    });
    let shapes = SHAPES.iter().map(|(name, _)| *name).chain(["groups"]);
    let faults = FAULTS.iter().copied().chain(PROVOCATIONS);
    let mut properties = json!({
        "id": { "type": "string", "description": "Its name in reports; each needs its own." },
        "fault": names(faults),
        "node": target, "from": target,
        "when": {
            "type": "object", "additionalProperties": false, "required": ["fact"],
            "description": "Strikes when this fact has become true so often.",
            "properties": {
                "fact": names(MARKS.iter().chain(&MACHINE_MARKS).copied()),
                "nth": { "type": "integer", "minimum": 1 },
                "cut_after": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
                "node": { "type": ["integer", "string", "null"] },
            }
        },
        "class": of(&CLASSES), "direction": of(&DIRECTIONS), "form": of(&FORMS),
        "unsynced": of(&UNSYNCED), "seen": of(&SEEN), "where": of(&ROTS), "atlas": of(&ATLAS),
        "shape": names(shapes),
        "clients": { "type": "boolean", "description": "Whether clients are cut off as well." },
        "kinds": { "type": "array", "items": names(KINDS) },
        "groups": { "type": "array", "items": { "type": "array", "items": { "type": ["integer", "string"] } } },
    });
    let object = properties.as_object_mut().expect("it is an object");
    for name in ["at", "for", "after", "flap", "extra", "backup_at"] {
        object.insert(format!("{name}_ms"), ms.clone());
        object.insert(format!("{name}_us"), us.clone());
    }
    for name in [
        "reset",
        "rate",
        "refuse",
        "hang",
        "reset_both",
        "stall",
        "corrupt",
        "short_write",
        "loss",
        "duplicate",
        "reorder",
    ] {
        object.insert(name.to_owned(), ratio.clone());
    }
    for name in [
        "factor",
        "times",
        "room_bytes",
        "ppm",
        "by_ms",
        "k",
        "bandwidth",
        "queue_bytes",
    ] {
        object.insert(name.to_owned(), json!({ "type": "integer" }));
    }
    json!({
        "type": "object", "additionalProperties": false, "required": ["id", "fault"],
        "properties": properties
    })
}
