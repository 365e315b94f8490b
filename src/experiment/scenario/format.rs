//! How values of a scenario are read from and written to JSON: one trait, and two macros that make a record or a set of
//! names out of one table, so that reader, writer, defaults and messages cannot drift apart.

use serde_json::json;

use super::super::json::{Node, Place, Problem, Value, quote};
use crate::base::ratio::Ratio;

/// A value that stands in a scenario file.
pub trait Format: Sized {
    /// Reads it; `what` names it in messages.
    ///
    /// # Errors
    /// What was wrong, where, and what was expected.
    fn read(node: &Node, what: &str) -> Result<Self, Problem>;

    /// Writes it in full.
    fn write(&self) -> Value;

    /// What it looks like, as JSON Schema.
    fn schema() -> serde_json::Value;
}

/// Numbers that must lie in a range: the number itself, or both ends of a pair.
pub trait Bounded {
    /// The smallest and largest number in the value.
    fn extremes(&self) -> (i128, i128);
}

/// Checks a value against its range.
///
/// # Errors
/// When a number lies outside.
pub fn check_range<T: Bounded>(
    value: &T,
    range: std::ops::RangeInclusive<i128>,
    place: Place,
    what: &str,
) -> Result<(), Problem> {
    let (low, high) = value.extremes();
    let outside = if range.contains(&low) { high } else { low };
    if range.contains(&outside) {
        return Ok(());
    }
    let (first, last) = range.into_inner();
    let what = format!("{what:?} is {outside}; expected {first} to {last}");
    Err(Problem::new(place, what))
}

/// Refuses a number outside `range`, also one that the field's type could not hold.
pub fn check_number(
    node: &Node,
    range: std::ops::RangeInclusive<i128>,
    what: &str,
) -> Result<(), Problem> {
    match node.value {
        Value::Int(number) => check_range(&number, range, node.place, what),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => Ok(()),
    }
}

fn expected(node: &Node, what: &str, kind: &str) -> Problem {
    let found = node.value.describe();
    Problem::new(node.place, format!("{what:?} is {found}; expected {kind}"))
}

macro_rules! whole_numbers {
    ($($type:ty),*) => { $(
        impl Format for $type {
            fn read(node: &Node, what: &str) -> Result<Self, Problem> {
                let Value::Int(number) = node.value else {
                    return Err(expected(node, what, "a whole number"));
                };
                Self::try_from(number).map_err(|_| {
                    expected(node, what, &format!("a whole number from {} to {}", Self::MIN, Self::MAX))
                })
            }
            fn write(&self) -> Value {
                Value::Int(i128::from(*self))
            }
            fn schema() -> serde_json::Value {
                json!({ "type": "integer" })
            }
        }
        impl Bounded for $type {
            fn extremes(&self) -> (i128, i128) {
                (i128::from(*self), i128::from(*self))
            }
        }
    )* };
}
whole_numbers!(u8, u16, u32, u64, i32, i64);

impl Bounded for i128 {
    fn extremes(&self) -> (i128, i128) {
        (*self, *self)
    }
}

impl Format for bool {
    fn read(node: &Node, what: &str) -> Result<Self, Problem> {
        match node.value {
            Value::Bool(value) => Ok(value),
            Value::Null | Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => {
                Err(expected(node, what, "true or false"))
            }
        }
    }
    fn write(&self) -> Value {
        Value::Bool(*self)
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

impl Format for String {
    fn read(node: &Node, what: &str) -> Result<Self, Problem> {
        read_text(node, what, "a string").map(ToOwned::to_owned)
    }
    fn write(&self) -> Value {
        Value::text(self)
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }
}

impl Format for Ratio {
    fn read(node: &Node, what: &str) -> Result<Self, Problem> {
        let text = read_text(node, what, "a ratio like \"1/100\"")?;
        let ratio: Self = text
            .parse()
            .map_err(|error| Problem::new(node.place, format!("{what:?}: {error}")))?;
        if ratio.num > ratio.den {
            let what = format!(
                "{what:?} is {}; expected a probability, at most \"1/1\"",
                quote(text)
            );
            return Err(Problem::new(node.place, what));
        }
        Ok(ratio)
    }
    fn write(&self) -> Value {
        Value::text(self.to_string())
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9]+/[0-9]+$" })
    }
}

impl<T: Format> Format for Option<T> {
    fn read(node: &Node, what: &str) -> Result<Self, Problem> {
        match node.value {
            Value::Null => Ok(None),
            Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => {
                T::read(node, what).map(Some)
            }
        }
    }
    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Format::write)
    }
    fn schema() -> serde_json::Value {
        json!({ "anyOf": [T::schema(), { "type": "null" }] })
    }
}

impl<T: Format> Format for Vec<T> {
    fn read(node: &Node, what: &str) -> Result<Self, Problem> {
        let Value::List(items) = &node.value else {
            return Err(expected(node, what, "a list"));
        };
        items.iter().map(|item| T::read(item, what)).collect()
    }
    fn write(&self) -> Value {
        Value::list(self.iter().map(Format::write))
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// A range `[low, high]` from which values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The smallest value.
    pub low: u64,
    /// The largest value.
    pub high: u64,
}

impl Range {
    /// From `low` to `high`.
    pub const fn new(low: u64, high: u64) -> Self {
        Self { low, high }
    }
}

impl Bounded for Range {
    fn extremes(&self) -> (i128, i128) {
        (i128::from(self.low), i128::from(self.high))
    }
}

impl Format for Range {
    fn read(node: &Node, what: &str) -> Result<Self, Problem> {
        let ends = match &node.value {
            Value::List(items) if items.len() == 2 => items,
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Object(_) => {
                return Err(expected(
                    node,
                    what,
                    "a range of two numbers like [50, 400]",
                ));
            }
        };
        let range = Self::new(u64::read(&ends[0], what)?, u64::read(&ends[1], what)?);
        if range.low > range.high {
            let what = format!(
                "{what:?} is [{}, {}]; expected the smaller number first",
                range.low, range.high
            );
            return Err(Problem::new(node.place, what));
        }
        Ok(range)
    }
    fn write(&self) -> Value {
        Value::list([Value::Int(self.low.into()), Value::Int(self.high.into())])
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 2, "maxItems": 2 })
    }
}

/// The text of a string node.
///
/// # Errors
/// When it is something else; `kind` says what was expected.
pub fn read_text<'a>(node: &'a Node, what: &str, kind: &str) -> Result<&'a str, Problem> {
    match &node.value {
        Value::Text(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::List(_) | Value::Object(_) => {
            Err(expected(node, what, kind))
        }
    }
}

/// The fields of an object, taken one by one; what is left at the end is unknown.
pub struct Fields<'a> {
    node: &'a Node,
    what: String,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of an object.
    ///
    /// # Errors
    /// When the node is no object.
    pub fn of(node: &'a Node, what: &str) -> Result<Self, Problem> {
        match node.value {
            Value::Object(_) => Ok(Self {
                node,
                what: what.to_owned(),
                known: Vec::new(),
            }),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::List(_) => {
                Err(expected(node, what, "an object"))
            }
        }
    }

    /// The field of that name, if it is there.
    pub fn get(&mut self, name: &'static str) -> Option<&'a Node> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        let Value::Object(fields) = &self.node.value else {
            return None;
        };
        fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| &field.node)
    }

    /// Reads the field if it is there.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn optional<T: Format>(&mut self, name: &'static str) -> Result<Option<T>, Problem> {
        self.get(name).map(|node| T::read(node, name)).transpose()
    }

    /// Reads a field that must be there.
    ///
    /// # Errors
    /// When it is missing or malformed.
    pub fn required<T: Format>(&mut self, name: &'static str) -> Result<T, Problem> {
        self.optional(name)?.ok_or_else(|| self.missing(name))
    }

    /// The message for a field that is not there.
    pub fn missing(&self, name: &str) -> Problem {
        let what = format!("field {name:?} is missing from {}", self.what);
        Problem::new(self.node.place, what)
    }

    /// Where the object begins.
    pub fn place(&self) -> Place {
        self.node.place
    }

    /// Ends reading.
    ///
    /// # Errors
    /// When a field is left that nobody asked for.
    pub fn finish(self) -> Result<(), Problem> {
        let Value::Object(fields) = &self.node.value else {
            return Ok(());
        };
        match fields
            .iter()
            .find(|field| !self.known.contains(&field.name.as_str()))
        {
            None => Ok(()),
            Some(field) => {
                let hint = suggest(&field.name, self.known.iter().copied());
                let what = format!(
                    "unknown field {} in {}; {hint}",
                    quote(&field.name),
                    self.what
                );
                Err(Problem::new(field.place, what))
            }
        }
    }
}

/// "did you mean …?" for the nearest known name, or the list of all.
pub fn suggest<N: AsRef<str>>(wrong: &str, known: impl IntoIterator<Item = N>) -> String {
    let known: Vec<N> = known.into_iter().collect();
    let short: String = wrong.chars().take(64).collect();
    let nearest = known
        .iter()
        .map(|name| (distance(&short, name.as_ref()), name.as_ref()))
        .min();
    match nearest {
        Some((steps, name)) if steps <= 1 + name.chars().count().min(short.len()) / 4 => {
            format!("did you mean {name:?}?")
        }
        Some(_) | None => {
            let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            format!("expected one of {}", names.join(", "))
        }
    }
}

/// Edit distance with swaps of neighbours (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i; right.len() + 1];
        for j in 1..=right.len() {
            let differs = usize::from(left[i - 1] != right[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + differs);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

/// Finds a value by its name.
///
/// # Errors
/// When no value has that name, with a suggestion.
pub fn read_name<T: Copy>(
    node: &Node,
    what: &str,
    all: &[(&'static str, T)],
) -> Result<T, Problem> {
    let text = read_text(node, what, "a string")?;
    match all.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(*value),
        None => Err(unknown_name(
            node.place,
            what,
            text,
            all.iter().map(|(name, _)| *name),
        )),
    }
}

/// The message for a name that nobody knows.
pub fn unknown_name<N: AsRef<str>>(
    place: Place,
    what: &str,
    found: impl AsRef<str>,
    known: impl IntoIterator<Item = N>,
) -> Problem {
    let found = found.as_ref();
    let what = format!(
        "{what:?} is {}, which is unknown; {}",
        quote(found),
        suggest(found, known)
    );
    Problem::new(place, what)
}

/// The name of a value.
pub fn name_of<T: Copy + PartialEq>(value: T, all: &[(&'static str, T)]) -> &'static str {
    all.iter()
        .find(|(_, other)| *other == value)
        .map(|(name, _)| *name)
        .expect("the table names every value")
}

/// Makes a struct that stands as an object in a scenario: per field its type, its default (`= value`; without one it is
/// required) and its range (`, low..=high`).
macro_rules! record {
    (
        $(#[$meta:meta])* pub struct $name:ident as $what:literal {
            $( $(#[doc = $doc:literal])* $field:ident : $type:ty $(= $default:expr)? $(, $range:expr)? ; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $( $(#[doc = $doc])* pub $field: $type, )* }

        impl $crate::experiment::scenario::format::Format for $name {
            fn read(
                node: &$crate::experiment::json::Node,
                _what: &str,
            ) -> Result<Self, $crate::experiment::json::Problem> {
                let mut fields = $crate::experiment::scenario::format::Fields::of(node, $what)?;
                let record = Self { $(
                    $field: {
                        let name = stringify!($field);
                        let found = fields.get(name);
                        match found {
                            Some(node) => {
                                $( $crate::experiment::scenario::format::check_number(node, $range, name)?; )?
                                let value = <$type as $crate::experiment::scenario::format::Format>::read(node, name)?;
                                $( $crate::experiment::scenario::format::check_range(&value, $range, node.place, name)?; )?
                                value
                            }
                            None => record!(@default fields, name $(, $default)?),
                        }
                    },
                )* };
                fields.finish()?;
                Ok(record)
            }

            fn write(&self) -> $crate::experiment::json::Value {
                $crate::experiment::json::Value::object([
                    $( (stringify!($field), $crate::experiment::scenario::format::Format::write(&self.$field)), )*
                ])
            }

            fn schema() -> serde_json::Value {
                $crate::experiment::scenario::schema::record(vec![ $( {
                    let field = $crate::experiment::scenario::schema::Field::new::<$type>(
                        stringify!($field),
                        concat!($($doc),*),
                    );
                    $( let field = field.within($range); )?
                    $( let field = field.defaulting::<$type>(&$default); )?
                    field
                } ),* ])
            }
        }
    };
    (@default $fields:ident, $name:ident) => { return Err($fields.missing($name)) };
    (@default $fields:ident, $name:ident, $default:expr) => { $default };
}

/// Makes an enum whose values stand as names in a scenario.
macro_rules! names {
    (
        $(#[$meta:meta])* pub enum $name:ident {
            $( $(#[$doc:meta])* $variant:ident = $text:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $( $(#[$doc])* $variant, )* }

        impl $name {
            /// Every value with its name.
            pub const ALL: &'static [(&'static str, Self)] = &[ $( ($text, Self::$variant), )* ];

            /// Its name in files.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }
        }

        impl $crate::experiment::scenario::format::Format for $name {
            fn read(
                node: &$crate::experiment::json::Node,
                what: &str,
            ) -> Result<Self, $crate::experiment::json::Problem> {
                $crate::experiment::scenario::format::read_name(node, what, Self::ALL)
            }
            fn write(&self) -> $crate::experiment::json::Value {
                $crate::experiment::json::Value::text(self.name())
            }
            fn schema() -> serde_json::Value {
                $crate::experiment::scenario::schema::names(Self::ALL.iter().map(|(name, _)| *name))
            }
        }
    };
}

pub(super) use {names, record};
