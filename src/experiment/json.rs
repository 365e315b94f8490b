//! JSON text with places: every value knows its line and column, so that a message about a scenario can point at it.
//!
//! Reading is strict: UTF-8, integers only, no duplicate fields, bounded size and depth. Writing keeps the order of
//! fields and puts on one line what fits on one line, so that a saved plan reads as a table of faults. Reports, which
//! are only written, use `serde_json`.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// The largest text that is read.
pub const MAX_BYTES: usize = 2 << 20;

/// How deep lists and objects may nest.
pub const MAX_DEPTH: usize = 24;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file, both from 1; columns count characters.
    Text {
        /// Line.
        line: u32,
        /// Column.
        column: u32,
    },
    /// In the override with this index.
    Override(usize),
    /// Nowhere: the value was made by the program.
    Made,
}

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What was wrong, what was expected, what to try; one line.
    pub what: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(place: Place, what: impl Into<String>) -> Self {
        Self {
            place,
            what: what.into(),
        }
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// A JSON value without fractions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object, fields in the order written.
    Object(Vec<Field>),
}

/// One field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where its name begins.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Its value.
    pub node: Node,
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// An object of these fields, in this order.
    pub fn object(fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::Object(
            fields
                .into_iter()
                .map(|(name, value)| Field {
                    place: Place::Made,
                    name: name.to_owned(),
                    node: value.into(),
                })
                .collect(),
        )
    }

    /// A list of these values.
    pub fn list(values: impl IntoIterator<Item = Self>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }

    /// What kind of value it is, with an article, for messages; short values are quoted.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Text(text) => quote(text),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self {
            place: Place::Made,
            value,
        }
    }
}

/// A piece of the user's text in quotes, escaped and at most some forty characters long.
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        format!("{text:?}")
    } else {
        let head: String = text.chars().take(LONGEST).collect();
        format!("{head:?}…")
    }
}

/// Reads a JSON text.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse(bytes: &[u8]) -> Result<Node, Problem> {
    let start = Place::Text { line: 1, column: 1 };
    if bytes.len() > MAX_BYTES {
        let what = format!(
            "the text has {} bytes; at most {MAX_BYTES} are read",
            bytes.len()
        );
        return Err(Problem::new(start, what));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = std::str::from_utf8(&bytes[..error.valid_up_to()])
            .expect("valid up to here, as the error says");
        let mut parser = Parser::new(good);
        while parser.next().is_some() {}
        let bad = bytes[error.valid_up_to()];
        let what =
            format!("byte 0x{bad:02x} is not UTF-8; expected a JSON text, is this a binary file?");
        Problem::new(parser.place(), what)
    })?;
    let mut parser = Parser::new(text);
    parser.skip_space();
    let node = parser.value(0)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(node),
        Some(found) => Err(parser.wrong(&format!("found {found:?} after the end of the value"))),
    }
}

struct Parser<'a> {
    rest: std::str::Chars<'a>,
    line: u32,
    column: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars(),
            line: 1,
            column: 1,
        }
    }

    fn place(&self) -> Place {
        Place::Text {
            line: self.line,
            column: self.column,
        }
    }

    fn wrong(&self, what: &str) -> Problem {
        Problem::new(self.place(), what)
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(next)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        let place = self.place();
        if depth > MAX_DEPTH {
            let what = format!("lists and objects nest deeper than {MAX_DEPTH} levels");
            return Err(self.wrong(&what));
        }
        let value = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Value::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('a'..='z' | 'A'..='Z') => self.word()?,
            Some(found) => {
                return Err(self.wrong(&format!("found {found:?} where a value was expected")));
            }
            None => return Err(self.wrong("the text ends where a value was expected")),
        };
        Ok(Node { place, value })
    }

    /// The separator after an element, or the closing bracket: whether there is more.
    fn more(&mut self, close: char, opened: Place, what: &str) -> Result<bool, Problem> {
        self.skip_space();
        match self.peek() {
            Some(',') => {
                self.next();
                self.skip_space();
                if self.peek() == Some(close) {
                    return Err(
                        self.wrong(&format!("found {close:?} after a comma; drop the comma"))
                    );
                }
                Ok(true)
            }
            Some(found) if found == close => {
                self.next();
                Ok(false)
            }
            Some(found) => {
                let message = format!("found {found:?} where ',' or {close:?} was expected");
                Err(self.wrong(&message))
            }
            None => Err(self.cut_off(opened, what)),
        }
    }

    fn cut_off(&self, opened: Place, what: &str) -> Problem {
        let from = match opened {
            Place::Text { line, column } => format!(" that began at {line}:{column}"),
            Place::Override(_) | Place::Made => String::new(),
        };
        self.wrong(&format!(
            "the text ends inside {what}{from}; is the file truncated?"
        ))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Problem> {
        let opened = self.place();
        self.next();
        let mut fields: Vec<Field> = Vec::new();
        let mut names = BTreeSet::new();
        self.skip_space();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Value::Object(fields));
        }
        loop {
            let place = self.place();
            let name = match self.peek() {
                Some('"') => self.string()?,
                Some(found) => {
                    let what = format!("found {found:?} where a field name in quotes was expected");
                    return Err(self.wrong(&what));
                }
                None => return Err(self.cut_off(opened, "an object")),
            };
            if !names.insert(name.clone()) {
                let what = format!("field {} appears twice in one object", quote(&name));
                return Err(Problem::new(place, what));
            }
            self.skip_space();
            match self.peek() {
                Some(':') => {
                    self.next();
                }
                Some(found) => {
                    return Err(self.wrong(&format!(
                        "found {found:?} where ':' after field {} was expected",
                        quote(&name)
                    )));
                }
                None => return Err(self.cut_off(opened, "an object")),
            }
            self.skip_space();
            if self.peek().is_none() {
                return Err(self.cut_off(opened, "an object"));
            }
            let node = self.value(depth + 1)?;
            fields.push(Field { place, name, node });
            if !self.more('}', opened, "an object")? {
                return Ok(Value::Object(fields));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let opened = self.place();
        self.next();
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Value::List(items));
        }
        loop {
            if self.peek().is_none() {
                return Err(self.cut_off(opened, "a list"));
            }
            items.push(self.value(depth + 1)?);
            if !self.more(']', opened, "a list")? {
                return Ok(Value::List(items));
            }
        }
    }

    fn word(&mut self) -> Result<Value, Problem> {
        let place = self.place();
        let mut word = String::new();
        while let Some(next @ ('a'..='z' | 'A'..='Z' | '0'..='9' | '_')) = self.peek() {
            word.push(next);
            self.next();
        }
        match word.as_str() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            other => {
                let what = format!(
                    "{} is no JSON value; strings stand in double quotes",
                    quote(other)
                );
                Err(Problem::new(place, what))
            }
        }
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let place = self.place();
        let mut digits = String::new();
        while let Some(next @ ('0'..='9' | '-' | '+' | '.' | 'e' | 'E')) = self.peek() {
            digits.push(next);
            self.next();
        }
        let refuse = |what: &str| Problem::new(place, format!("{} {what}", quote(&digits)));
        if digits.contains(['.', 'e', 'E']) {
            return Err(refuse(
                "is not a whole number; units stand at the end of field names, ratios are strings like \"1/100\"",
            ));
        }
        let unsigned = digits.strip_prefix('-').unwrap_or(&digits);
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return Err(refuse("begins with a zero, which JSON does not allow"));
        }
        match digits.parse() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Err(refuse("is not a number, or far too large for one")),
        }
    }

    fn string(&mut self) -> Result<String, Problem> {
        let opened = self.place();
        self.next();
        let mut text = String::new();
        loop {
            let place = self.place();
            match self.next() {
                None => return Err(self.cut_off(opened, "a string")),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape(place)?),
                Some(control) if control < ' ' => {
                    let what = format!("{control:?} inside a string; write it as an escape");
                    return Err(Problem::new(place, what));
                }
                Some(other) => text.push(other),
            }
        }
    }

    fn escape(&mut self, place: Place) -> Result<char, Problem> {
        Ok(match self.next() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => self.unicode(place)?,
            Some(_) => return Err(Problem::new(place, "unknown escape in a string")),
            None => {
                let what = "the text ends inside an escape; is the file truncated?";
                return Err(Problem::new(place, what));
            }
        })
    }

    fn unicode(&mut self, place: Place) -> Result<char, Problem> {
        let high = self.hex(place)?;
        let refuse = || Problem::new(place, "an escape \\u that is no character");
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(refuse);
        }
        if self.next() != Some('\\') || self.next() != Some('u') {
            return Err(refuse());
        }
        let low = self.hex(place)?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(refuse());
        }
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or_else(refuse)
    }

    fn hex(&mut self, place: Place) -> Result<u32, Problem> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|next| next.to_digit(16));
            code = code * 16
                + digit
                    .ok_or_else(|| Problem::new(place, "an escape \\u needs four hex digits"))?;
        }
        Ok(code)
    }
}

/// Lines up to this wide stay whole.
const WIDTH: usize = 116;

impl fmt::Display for Value {
    /// The text of a file: two spaces per level, whatever fits on a line on one line, a newline at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        lay_out(self, 0, 0, &mut text);
        writeln!(f, "{text}")
    }
}

fn lay_out(value: &Value, indent: usize, used: usize, text: &mut String) {
    let mut line = String::new();
    one_line(value, &mut line);
    let fits = indent + used + line.chars().count() <= WIDTH;
    match value {
        Value::Object(fields) if !fits || (indent == 0 && !fields.is_empty()) => {
            text.push_str("{\n");
            for (index, field) in fields.iter().enumerate() {
                pad(indent + 2, text);
                let start = text.len();
                escape_into(&field.name, text);
                text.push_str(": ");
                let used = text[start..].chars().count();
                lay_out(&field.node.value, indent + 2, used, text);
                text.push_str(if index + 1 < fields.len() {
                    ",\n"
                } else {
                    "\n"
                });
            }
            pad(indent, text);
            text.push('}');
        }
        Value::List(items) if !fits => {
            text.push_str("[\n");
            for (index, item) in items.iter().enumerate() {
                pad(indent + 2, text);
                lay_out(&item.value, indent + 2, 0, text);
                text.push_str(if index + 1 < items.len() { ",\n" } else { "\n" });
            }
            pad(indent, text);
            text.push(']');
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Text(_)
        | Value::Object(_)
        | Value::List(_) => text.push_str(&line),
    }
}

fn pad(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn one_line(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => text.push_str(&value.to_string()),
        Value::Text(value) => escape_into(value, text),
        Value::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                one_line(&item.value, text);
            }
            text.push(']');
        }
        Value::Object(fields) if fields.is_empty() => text.push_str("{}"),
        Value::Object(fields) => {
            text.push_str("{ ");
            for (index, field) in fields.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                escape_into(&field.name, text);
                text.push_str(": ");
                one_line(&field.node.value, text);
            }
            text.push_str(" }");
        }
    }
}

fn escape_into(raw: &str, text: &mut String) {
    text.push('"');
    for letter in raw.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                let code = u32::from(control);
                write!(text, "\\u{code:04x}").expect("a string takes any text");
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> (u32, u32, String) {
        let problem = parse(text.as_bytes()).unwrap_err();
        let Place::Text { line, column } = problem.place else {
            panic!("no place in the text: {problem:?}");
        };
        (line, column, problem.what)
    }

    #[test]
    fn a_text_written_is_read_back_the_same() {
        let text = "{\"a\": [1, -2, null, true], \"b\": {\"c\": \"x\\n\\u00e9\\ud83d\\ude00\\\\\"}, \"d\": [], \"e\": {}}";
        let first = parse(text.as_bytes()).unwrap().value;
        let again = parse(first.to_string().as_bytes()).unwrap().value;
        assert_eq!(first.to_string(), again.to_string());
        // serde_json is the oracle for the meaning of a text.
        let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&first.to_string()).unwrap();
        assert_eq!(theirs, ours);
    }

    #[test]
    fn short_objects_stay_on_one_line_and_long_ones_break() {
        let short = Value::object([("id", Value::text("f1")), ("at_ms", Value::Int(9))]);
        let long = Value::list((0..60).map(Value::Int));
        let file = Value::object([("plan", Value::list([short])), ("long", long)]);
        let text = file.to_string();
        assert!(
            text.contains("\n  \"plan\": [{ \"id\": \"f1\", \"at_ms\": 9 }],\n"),
            "{text}"
        );
        assert!(text.contains("\n    59\n  ]\n}\n"), "{text}");
    }

    #[test]
    fn a_problem_points_at_its_line_and_column() {
        assert_eq!(
            problem("{\n  \"a\": 1.5\n}"),
            (2, 8, "\"1.5\" is not a whole number; units stand at the end of field names, ratios are strings like \"1/100\"".into())
        );
        assert_eq!(problem("{\"a\": 1, \"a\": 2}").1, 10);
        assert_eq!(
            problem("{\"a\": 1,}").2,
            "found '}' after a comma; drop the comma"
        );
        assert_eq!(problem("[1 2]").1, 4);
        assert_eq!(problem("[01]").1, 2);
        assert_eq!(problem("{\"é\": tru}").1, 7);
    }

    #[test]
    fn every_prefix_of_a_text_is_refused_without_a_panic() {
        let text = "{\"a\": [1, {\"b\": \"x\\u00e9\"}], \"c\": null}";
        for end in 0..text.len() {
            let problem = parse(&text.as_bytes()[..end]).unwrap_err();
            assert!(
                problem.what.contains("ends")
                    || problem.what.contains("no JSON value")
                    || problem.what.contains("\\u"),
                "{end}: {}",
                problem.what
            );
        }
    }

    #[test]
    fn every_single_byte_replaced_is_read_or_refused_as_serde_does() {
        let text = b"{\"a\": [1, -20, {\"b\": \"x\\n\"}], \"c\": null}";
        for at in 0..text.len() {
            for byte in 0..=255 {
                let mut bytes = text.to_vec();
                bytes[at] = byte;
                let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
                let ours = parse(&bytes);
                // Ours refuses more (fractions, duplicates), never less.
                assert!(
                    theirs.is_ok() || ours.is_err(),
                    "{}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }

    #[test]
    fn binary_deep_and_enormous_texts_are_refused() {
        let problem = parse(b"{\"a\":\n \xff\xfe}").unwrap_err();
        assert_eq!(problem.place, Place::Text { line: 2, column: 2 });
        assert!(problem.what.starts_with("byte 0xff is not UTF-8"));
        let deep = "[".repeat(100_000);
        assert!(
            parse(deep.as_bytes())
                .unwrap_err()
                .what
                .contains("deeper than 24")
        );
        let huge = vec![b' '; MAX_BYTES + 1];
        assert!(
            parse(&huge)
                .unwrap_err()
                .what
                .contains("at most 2097152 are read")
        );
    }
}
