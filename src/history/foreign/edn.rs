//! EDN as Jepsen writes it: maps, vectors, lists, sets, keywords, strings, numbers, tagged elements, comments.
//!
//! A reader of our own: it never panics, never recurses deeper than [`DEPTH`], and tells the line of what it cannot read. Tags
//! (`#jepsen.history.Op{…}`, `#inst "…"`) are dropped, what they mark is kept; `#_` drops the element after it.

use super::value::Value;

/// How deep elements may be nested.
const DEPTH: u32 = 64;

/// Reads the next element of a text; answers it and what is left. Without an element, what is left is empty or begins with
/// a closing bracket.
///
/// # Errors
/// What was found and what was expected.
pub(super) fn next(text: &str) -> Result<(Option<Value>, &str), String> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let element = reader.element()?;
    Ok((element, reader.rest))
}

struct Reader<'a> {
    rest: &'a str,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// The next element; none at the end or before a closing bracket.
    fn element(&mut self) -> Result<Option<Value>, String> {
        loop {
            self.skip_blank();
            let Some(first) = self.rest.chars().next() else {
                return Ok(None);
            };
            match first {
                ')' | ']' | '}' => return Ok(None),
                '#' => {
                    if let Some(value) = self.dispatch()? {
                        return Ok(Some(value));
                    }
                }
                '(' => return self.list(')').map(Some),
                '[' => return self.list(']').map(Some),
                '{' => return self.map().map(Some),
                '"' => return self.string().map(Some),
                '\\' => return self.character().map(Some),
                '\'' | '`' | '~' | '@' | '^' => {
                    return Err(format!("{first:?} begins no element of EDN"));
                }
                _ => return self.atom().map(Some),
            }
        }
    }

    /// White space, commas and comments.
    fn skip_blank(&mut self) {
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
            let Some(comment) = self.rest.strip_prefix(';') else {
                return;
            };
            self.rest = comment.split_once('\n').map_or("", |(_, after)| after);
        }
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth == DEPTH {
            return Err(format!("elements are nested more than {DEPTH} deep"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// After `#`: a set, a dropped element, or a tag.
    fn dispatch(&mut self) -> Result<Option<Value>, String> {
        let after = &self.rest[1..];
        if after.starts_with('{') {
            self.rest = after;
            return self.list('}').map(Some);
        }
        if let Some(dropped) = after.strip_prefix('_') {
            self.rest = dropped;
            let nothing = |reader: &mut Self| reader.element();
            return match self.deeper(nothing)? {
                Some(_) => Ok(None),
                None => Err("#_ has no element to drop".to_owned()),
            };
        }
        if let Some(symbolic) = after.strip_prefix('#') {
            self.rest = symbolic;
            return self.atom().map(Some);
        }
        self.rest = after;
        let tag = self.word();
        if !tag.starts_with(char::is_alphabetic) {
            return Err(format!("\"#{tag}\" is no tag"));
        }
        match self.deeper(Self::element)? {
            Some(value) => Ok(Some(value)),
            None => Err(format!("the tag #{tag} marks nothing")),
        }
    }

    /// Everything up to the closing bracket.
    fn elements(&mut self, close: char) -> Result<Vec<Value>, String> {
        self.rest = &self.rest[1..];
        let mut elements = Vec::new();
        self.deeper(|reader| {
            while let Some(element) = reader.element()? {
                elements.push(element);
            }
            let Some(after) = reader.rest.strip_prefix(close) else {
                let found = reader.rest.chars().next();
                let found = found.map_or("the end".to_owned(), |found| format!("{found:?}"));
                return Err(format!("found {found} where {close:?} was expected"));
            };
            reader.rest = after;
            Ok(())
        })?;
        Ok(elements)
    }

    fn list(&mut self, close: char) -> Result<Value, String> {
        Ok(Value::List(self.elements(close)?.into()))
    }

    fn map(&mut self) -> Result<Value, String> {
        let elements = self.elements('}')?;
        let mut fields = Vec::with_capacity(elements.len() / 2);
        let mut elements = elements.into_iter();
        while let Some(key) = elements.next() {
            let Some(value) = elements.next() else {
                return Err(format!("the key {key} of a map has no value"));
            };
            fields.push((key, value));
        }
        Ok(Value::Map(fields.into()))
    }

    fn string(&mut self) -> Result<Value, String> {
        let mut text = String::new();
        let mut letters = self.rest[1..].char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(Value::Text(text.into()));
                }
                '\\' => text.push(escape(&mut letters)?),
                _ => text.push(letter),
            }
        }
        Err("a string has no end".to_owned())
    }

    fn character(&mut self) -> Result<Value, String> {
        self.rest = &self.rest[1..];
        let Some(first) = self.rest.chars().next() else {
            return Err("a character is missing after \\".to_owned());
        };
        // The first letter belongs to it whatever it is: \( is a character.
        let length = first.len_utf8();
        let (head, tail) = self.rest.split_at(length);
        self.rest = tail;
        let more = self.word();
        let name = format!("{head}{more}");
        let text = match name.as_str() {
            "newline" => "\n",
            "return" => "\r",
            "space" => " ",
            "tab" => "\t",
            plain => plain,
        };
        Ok(Value::Text(text.into()))
    }

    /// Letters up to a delimiter.
    fn word(&mut self) -> &'a str {
        let is_end = |letter: char| {
            letter.is_whitespace()
                || matches!(letter, ',' | ';' | '"' | '(' | ')' | '[' | ']' | '{' | '}')
        };
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// A number, keyword or symbol.
    fn atom(&mut self) -> Result<Value, String> {
        let word = self.word();
        if word.contains('\0') {
            return Err("found a NUL byte".to_owned());
        }
        if let Some(keyword) = word.strip_prefix(':') {
            return if keyword.is_empty() {
                Err("\":\" is no keyword".to_owned())
            } else {
                Ok(Value::Text(keyword.into()))
            };
        }
        let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
        if unsigned.starts_with(|letter: char| letter.is_ascii_digit()) {
            return number(word);
        }
        Ok(match word {
            "nil" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            symbol => Value::Text(symbol.into()),
        })
    }
}

fn number(word: &str) -> Result<Value, String> {
    let digits = word.strip_suffix('N').unwrap_or(word);
    if let Ok(number) = digits.parse() {
        return Ok(Value::Int(number));
    }
    let is_number = word.chars().all(|letter| {
        letter.is_ascii_digit() || matches!(letter, '+' | '-' | '.' | 'e' | 'E' | 'M' | 'N' | '/')
    });
    if is_number {
        Ok(Value::Number(word.into()))
    } else {
        Err(format!("{word:?} is no number"))
    }
}

/// What a backslash in a string stands for.
fn escape(letters: &mut std::str::CharIndices<'_>) -> Result<char, String> {
    let Some((_, letter)) = letters.next() else {
        return Err("a string ends after a backslash".to_owned());
    };
    Ok(match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '"' | '\\' | '/' | '\'' => letter,
        'u' => {
            let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
            let code = u32::from_str_radix(&digits, 16);
            let code = code.map_err(|_| format!("\"\\u{digits}\" is no character"))?;
            // Half of a surrogate pair stands for nothing by itself.
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        other => return Err(format!("a string has the unknown escape \"\\{other}\"")),
    })
}

/// Where an element that goes over lines stands: its bracket depth, and whether a string is open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Balance {
    depth: u64,
    in_string: bool,
}

impl Balance {
    /// Takes another line; answers whether what was begun is whole.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => {
                    letters.next();
                }
                '"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                ';' => break,
                '(' | '[' | '{' => self.depth += 1,
                ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.depth == 0 && !self.in_string
    }
}
