//! `--set path=value`: one field of a scenario replaced before it is read, so that it is checked like any other.

use super::super::json::{self, Field, Node, Place, Problem, Value, quote};

/// One override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    path: Vec<String>,
    node: Node,
    place: Place,
}

impl Override {
    /// Reads `path=value`, the `index`th override: the path's steps are separated by dots, list elements are numbered
    /// from 0; the value is JSON, or else a bare string.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn parse(text: &str, index: usize) -> Result<Self, Problem> {
        let place = Place::Override(index);
        let Some((path, value)) = text.split_once('=') else {
            let what = "no \"=\"; expected a path and a value like ensemble.voters=3";
            return Err(Problem::new(place, what));
        };
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            let what = "an empty step in the path; expected one like plan.0.at_ms";
            return Err(Problem::new(place, what));
        }
        let mut node = match json::parse(value.as_bytes()) {
            Ok(node) => node,
            Err(_) if value.starts_with(|first: char| first.is_ascii_alphabetic()) => {
                Node::from(Value::text(value))
            }
            Err(problem) => return Err(Problem::new(place, problem.what)),
        };
        stamp(&mut node, place);
        Ok(Self { path, node, place })
    }

    /// Replaces the value at the path; missing objects on the way appear, list elements must exist.
    ///
    /// # Errors
    /// When the path leads nowhere.
    pub fn apply(self, root: &mut Node) -> Result<(), Problem> {
        let mut here = root;
        for step in &self.path {
            here = enter(here, step, self.place)?;
        }
        *here = self.node;
        Ok(())
    }
}

/// The child of `here` that a step leads to; a missing field appears as null, and null becomes an object.
fn enter<'a>(here: &'a mut Node, step: &str, place: Place) -> Result<&'a mut Node, Problem> {
    if here.value == Value::Null {
        *here = Node {
            place,
            value: Value::Object(Vec::new()),
        };
    }
    match &mut here.value {
        Value::Object(fields) => {
            let found = fields.iter().position(|field| field.name == step);
            let index = found.unwrap_or_else(|| {
                fields.push(Field {
                    place,
                    name: step.to_owned(),
                    node: Node {
                        place,
                        value: Value::Null,
                    },
                });
                fields.len() - 1
            });
            Ok(&mut fields[index].node)
        }
        Value::List(items) => {
            let length = items.len();
            let index = step.parse().unwrap_or(usize::MAX);
            items.get_mut(index).ok_or_else(|| {
                let what = format!(
                    "{} is no element of a list of {length}; they are numbered from 0",
                    quote(step)
                );
                Problem::new(place, what)
            })
        }
        found @ (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_)) => {
            let what = format!(
                "nothing lies inside {} at {}; expected an object or a list there",
                found.describe(),
                quote(step)
            );
            Err(Problem::new(place, what))
        }
    }
}

fn stamp(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| stamp(item, place)),
        Value::Object(fields) => {
            for field in fields {
                field.place = place;
                stamp(&mut field.node, place);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) => {}
    }
}
