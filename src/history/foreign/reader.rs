//! From lines of bytes to entries, whatever the format.

use std::sync::Arc;

use super::edn::{self, Balance};
use super::{Entry, LONGEST, Malformed, line};

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Unknown,
    Json,
    Edn,
    /// One vector or list around all elements.
    EdnVector {
        close: char,
        closed: bool,
    },
}

/// Reads a history line by line.
#[derive(Debug)]
pub struct Reader {
    format: Format,
    line: u64,
    /// An element of EDN that goes over several lines.
    pending: String,
    begun: u64,
    balance: Balance,
    /// Names of operations, which a history has few of.
    names: Vec<Arc<str>>,
}

/// Names that are kept.
const NAMES: usize = 16;

impl Default for Reader {
    fn default() -> Self {
        Self {
            format: Format::Unknown,
            line: 0,
            pending: String::new(),
            begun: 0,
            balance: Balance::default(),
            names: Vec::new(),
        }
    }
}

impl Reader {
    /// A reader at the beginning of a history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line, without or with its end.
    ///
    /// # Errors
    /// If the line cannot be read; nothing more should be read then.
    pub fn read(&mut self, bytes: &[u8], entries: &mut Vec<Entry>) -> Result<(), Malformed> {
        self.line += 1;
        let number = self.line;
        let complain = |what: String| Malformed::new(number, what);
        if bytes.len() > LONGEST {
            let what = format!("the line is longer than {LONGEST} bytes");
            return Err(complain(what));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| complain(format!("byte {} is no UTF-8", error.valid_up_to() + 1)))?;
        if let Some(at) = text.find('\0') {
            return Err(complain(format!("byte {} is NUL", at + 1)));
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = if number == 1 {
            text.strip_prefix('\u{feff}').unwrap_or(text)
        } else {
            text
        };
        if self.format == Format::Unknown {
            self.format = Self::detect(text);
        }
        let known = entries.len();
        match self.format {
            Format::Unknown => {}
            Format::Json => {
                if !text.trim().is_empty() {
                    entries.extend(line::from_json(number, text)?);
                }
            }
            Format::Edn | Format::EdnVector { .. } => self.read_edn(text, entries)?,
        }
        for entry in &mut entries[known..] {
            self.share_name(entry);
        }
        Ok(())
    }

    /// All events of one name share its text.
    fn share_name(&mut self, entry: &mut Entry) {
        if let Some(name) = self.names.iter().find(|name| **name == entry.f) {
            entry.f = Arc::clone(name);
        } else if self.names.len() < NAMES {
            self.names.push(Arc::clone(&entry.f));
        }
    }

    /// The history ends here.
    ///
    /// # Errors
    /// If it ends in the middle of an element.
    pub fn finish(&self) -> Result<(), Malformed> {
        if !self.pending.trim().is_empty() {
            let what = "the history ends in the middle of the element that begins here";
            return Err(Malformed::new(self.begun, what));
        }
        if let Format::EdnVector {
            close,
            closed: false,
        } = self.format
        {
            let what = format!("the history ends without the {close:?} of the vector around it");
            return Err(Malformed::new(self.line, what));
        }
        Ok(())
    }

    /// JSON objects begin with `{"`; in EDN that would be a map with texts as keys, which Jepsen does not write.
    fn detect(text: &str) -> Format {
        let text = text.trim_start();
        let Some(first) = text.chars().next() else {
            return Format::Unknown;
        };
        match first {
            '{' => {
                let inner = text[1..].trim_start();
                if inner.starts_with(':') || inner.starts_with("#_") {
                    Format::Edn
                } else {
                    Format::Json
                }
            }
            // One array of JSON: refused with JSON's own message, as it could not be streamed by lines.
            '[' if text[1..].trim_start().starts_with("{\"") => Format::Json,
            '[' => Format::EdnVector {
                close: ']',
                closed: false,
            },
            '(' => Format::EdnVector {
                close: ')',
                closed: false,
            },
            '#' => Format::Edn,
            ';' => Format::Unknown,
            _ => Format::Json,
        }
    }

    fn read_edn(&mut self, text: &str, entries: &mut Vec<Entry>) -> Result<(), Malformed> {
        let mut text = text;
        if let Format::EdnVector { close, closed } = self.format
            && !closed
            && self.begun == 0
            && self.pending.is_empty()
            && let Some(inner) =
                text.trim_start()
                    .strip_prefix(if close == ']' { '[' } else { '(' })
        {
            // The vector's own bracket: what follows is read element by element.
            text = inner;
        }
        if self.pending.is_empty() {
            self.begun = self.line;
        } else {
            self.pending.push('\n');
        }
        self.pending.push_str(text);
        if self.pending.len() > LONGEST {
            let what = format!("an element is longer than {LONGEST} bytes");
            return Err(Malformed::new(self.begun, what));
        }
        if !self.is_whole(text) {
            return Ok(());
        }
        let whole = std::mem::take(&mut self.pending);
        self.balance = Balance::default();
        self.elements(&whole, entries)
    }

    /// Whether the pending text ends outside any element; the closing bracket of the vector around counts as outside.
    fn is_whole(&mut self, text: &str) -> bool {
        self.balance.take(text)
    }

    fn elements(&mut self, text: &str, entries: &mut Vec<Entry>) -> Result<(), Malformed> {
        let mut rest = text;
        let mut line = self.begun;
        loop {
            let blank = |letter: char| letter.is_whitespace() || letter == ',';
            let start = rest.trim_start_matches(blank);
            line += newlines(&rest[..rest.len() - start.len()]);
            let (element, after) = edn::next(start).map_err(|what| Malformed::new(line, what))?;
            let Some(element) = element else {
                line += newlines(&start[..start.len() - after.len()]);
                return self.close(line, after);
            };
            if let Format::EdnVector { closed: true, .. } = self.format {
                let what = "an element follows after the end of the vector";
                return Err(Malformed::new(line, what));
            }
            entries.extend(line::from_edn(line, &element)?);
            line += newlines(&start[..start.len() - after.len()]);
            rest = after;
        }
    }

    /// What is left of a line when no element is: nothing, or the bracket that ends the vector around all.
    fn close(&mut self, line: u64, rest: &str) -> Result<(), Malformed> {
        if rest.is_empty() {
            return Ok(());
        }
        let unexpected = || Malformed::new(line, format!("unexpected {:?}", &rest[..1]));
        let Format::EdnVector {
            close,
            closed: false,
        } = self.format
        else {
            return Err(unexpected());
        };
        let after = rest.strip_prefix(close).ok_or_else(unexpected)?;
        self.format = Format::EdnVector {
            close,
            closed: true,
        };
        match edn::next(after) {
            Ok((None, "")) => Ok(()),
            Ok(_) | Err(_) => Err(Malformed::new(
                line,
                "something follows after the end of the vector",
            )),
        }
    }
}

fn newlines(text: &str) -> u64 {
    text.matches('\n').count() as u64
}
