//! What a recorded operation means for its object: an action with its result, or nothing.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever a value is instead is named in the message"
)]

use super::intern::{Interner, Values};
use super::machine::{Action, Lists, Step, V};
use super::model::{Failures, Model, Nulls, Options};
use super::search::NEVER;
use super::story::Operation;
use crate::history::foreign::value::Value;
use crate::history::foreign::{Kind, Malformed};

/// An operation with its meaning and its place in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Which operation.
    pub(super) operation: u32,
    /// What it did.
    pub(super) action: Action,
    /// Where it began.
    pub(super) call: u32,
    /// Where it ended; [`NEVER`] where the outcome is unknown.
    pub(super) ret: u32,
}

/// Reads meanings and numbers values and objects.
#[derive(Debug)]
pub(super) struct Meanings {
    model: Model,
    failures: Failures,
    null_says_nothing: bool,
    /// Texts are lists of their bytes unless the history has lists.
    texts_are_lists: bool,
    pub(super) values: Values,
    pub(super) objects: Interner<Value>,
    /// The object looked up last: most histories stay with one.
    last: Option<(Value, V)>,
    pub(super) lists: Lists,
}

/// A byte as an element.
const BYTE: V = 1 << 31;

type Meaning = Result<Option<(V, Action)>, Malformed>;

impl Meanings {
    pub(super) fn new(model: Model, options: &Options, operations: &[Operation]) -> Self {
        let mut values = Values::default();
        // Null is 0, which registers hold at first; the registers of a multi-register hold the integer 0.
        values.number_of(&Value::Null);
        if model == Model::MultiRegister {
            values.number_of(&Value::Int(0));
        }
        let has_list = |operation: &Operation| {
            let shown = operation.result.as_ref().unwrap_or(&operation.argument);
            &*operation.f != "append" && shown.as_list().is_some()
        };
        Self {
            model,
            failures: options.failures,
            null_says_nothing: null_says_nothing(model, options.nulls, operations),
            texts_are_lists: model == Model::KvAppend && !operations.iter().any(has_list),
            values,
            objects: Interner::default(),
            last: None,
            lists: Lists::default(),
        }
    }

    /// The operation with its object's number; none if it says nothing.
    pub(super) fn place(
        &mut self,
        number: u32,
        operation: &Operation,
    ) -> Result<Option<(V, Placed)>, Malformed> {
        let Some((object, action)) = self.meaning(operation)? else {
            return Ok(None);
        };
        let ret = if operation.is_known() {
            operation.returned.map_or(NEVER, |returned| returned.at)
        } else {
            NEVER
        };
        let placed = Placed {
            operation: number,
            action,
            call: operation.called.at,
            ret,
        };
        Ok(Some((object, placed)))
    }

    /// Whether elements are the bytes of texts.
    pub(super) fn are_texts(&self) -> bool {
        self.texts_are_lists
    }

    /// An element as a message shows it.
    pub(super) fn show(&self, element: V) -> String {
        let byte = u8::try_from(element & !BYTE)
            .ok()
            .filter(|_| element & BYTE != 0);
        byte.map_or_else(
            || self.values.key(element).to_string(),
            |byte| char::from(byte).to_string(),
        )
    }

    fn meaning(&mut self, operation: &Operation) -> Meaning {
        if operation.outcome == Kind::Fail && !self.is_observation(operation) {
            return Ok(None);
        }
        match self.model {
            Model::Register | Model::CasRegister | Model::KvRegister => self.register(operation),
            Model::KvAppend => self.append(operation),
            Model::MultiRegister => self.transaction(operation),
            Model::Mutex => self.lock(operation),
            Model::Set => self.set(operation),
            Model::Queue => self.queue(operation),
            Model::Counter => self.counter(operation),
            Model::Stack => self.stack(operation),
            Model::Znode => Err(self.unknown_operation(operation)),
        }
    }

    fn is_observation(&self, operation: &Operation) -> bool {
        match self.failures {
            Failures::ByError => operation.mismatch,
            Failures::Ignored => false,
            Failures::Observed => true,
        }
    }

    fn unknown_operation(&self, operation: &Operation) -> Malformed {
        let known = self.model.operations().join(", ");
        let what = format!(
            "the operation is {:?}, but {} has {known}",
            operation.f, self.model
        );
        Malformed::new(operation.called.line, what)
    }

    /// The number of a key.
    fn number_object(&mut self, key: &Value) -> V {
        if let Some((last, number)) = &self.last
            && last == key
        {
            return *number;
        }
        let number = self.objects.number_of(key);
        self.last = Some((key.clone(), number));
        number
    }

    /// The object, and argument or result without it: a history may have `[key, value]` as its value.
    fn object<'a>(&mut self, operation: &'a Operation) -> (V, &'a Value) {
        let value = shown(operation);
        let is_keyed = matches!(self.model, Model::KvRegister | Model::KvAppend);
        if is_keyed
            && operation.key == Value::Null
            && let Some([key, inner]) = value.as_list()
            && (&*operation.f != "cas" || inner.as_list().is_some())
        {
            return (self.number_object(key), inner);
        }
        (self.number_object(&operation.key), value)
    }

    fn register(&mut self, operation: &Operation) -> Meaning {
        let (object, value) = self.object(operation);
        let action = match (&*operation.f, operation.outcome) {
            ("read" | "r" | "get", Kind::Ok) => {
                if *value == Value::Null && self.null_says_nothing {
                    return Ok(None);
                }
                Action::Read(self.values.number_of(value))
            }
            ("write" | "w" | "put", Kind::Ok | Kind::Info | Kind::Invoke) => {
                Action::Write(self.values.number_of(value))
            }
            ("cas", outcome) if self.model != Model::Register => {
                let Some([from, to]) = value.as_list() else {
                    return Err(wrong_value(operation, value, "[from, to]"));
                };
                let from = self.values.number_of(from);
                if outcome == Kind::Fail {
                    Action::CasRefused(from)
                } else {
                    Action::Cas(from, self.values.number_of(to))
                }
            }
            ("read" | "r" | "get" | "write" | "w" | "put", _) => return Ok(None),
            _ => return Err(self.unknown_operation(operation)),
        };
        Ok(Some((object, action)))
    }

    fn append(&mut self, operation: &Operation) -> Meaning {
        let (object, value) = self.object(operation);
        let action = match (&*operation.f, operation.outcome) {
            ("get" | "read" | "r", Kind::Ok) => Action::Get(self.list(operation, value)?),
            ("get" | "read" | "r", _) | ("put" | "append", Kind::Fail) => return Ok(None),
            ("put", _) => Action::Put(self.list(operation, value)?),
            ("append", _) if self.texts_are_lists => Action::Append(self.list(operation, value)?),
            ("append", _) => {
                let element = self.values.number_of(value);
                Action::Append(self.lists.members.number(vec![element]))
            }
            _ => return Err(self.unknown_operation(operation)),
        };
        Ok(Some((object, action)))
    }

    /// A text or list by number; null is the empty one.
    fn list(&mut self, operation: &Operation, value: &Value) -> Result<u32, Malformed> {
        let elements = match value {
            Value::Null => Vec::new(),
            Value::Text(text) if self.texts_are_lists => {
                text.bytes().map(|byte| BYTE | V::from(byte)).collect()
            }
            Value::List(elements) if !self.texts_are_lists => {
                let numbers = elements
                    .iter()
                    .map(|element| self.values.number_of(element));
                numbers.collect()
            }
            other => {
                let expected = if self.texts_are_lists {
                    "a text"
                } else {
                    "a list"
                };
                return Err(wrong_value(operation, other, expected));
            }
        };
        Ok(self.lists.members.number(elements))
    }

    fn transaction(&mut self, operation: &Operation) -> Meaning {
        if !matches!(&*operation.f, "txn" | "read" | "write") {
            return Err(self.unknown_operation(operation));
        }
        if operation.outcome == Kind::Fail {
            return Ok(None);
        }
        let value = shown(operation);
        let expected = "[[\"read\" or \"write\", key, value], …]";
        let complain = || wrong_value(operation, value, expected);
        let mut steps = Vec::new();
        for step in value.as_list().ok_or_else(complain)? {
            let Some([f, key, value]) = step.as_list() else {
                return Err(complain());
            };
            let is_write = match f.as_text() {
                Some("read" | "r") => false,
                Some("write" | "w") => true,
                Some(_) | None => return Err(complain()),
            };
            let register = self.objects.number(key.clone());
            // A read of null, or of a transaction without a known outcome, says nothing.
            if is_write || (*value != Value::Null && operation.outcome == Kind::Ok) {
                steps.push(Step {
                    register,
                    value: self.values.number_of(value),
                    is_write,
                });
            }
        }
        let object = 0;
        let action = Action::Transact(self.lists.steps.number(steps));
        Ok(Some((object, action)))
    }

    fn lock(&mut self, operation: &Operation) -> Meaning {
        let is_refused = operation.outcome == Kind::Fail;
        let action = match (&*operation.f, is_refused) {
            ("acquire" | "lock", false) => Action::Acquire,
            ("acquire" | "lock", true) => Action::AcquireRefused,
            ("release" | "unlock", false) => Action::Release,
            ("release" | "unlock", true) => Action::ReleaseRefused,
            _ => return Err(self.unknown_operation(operation)),
        };
        Ok(Some((self.number_object(&operation.key), action)))
    }

    fn set(&mut self, operation: &Operation) -> Meaning {
        let object = self.number_object(&operation.key);
        let element = &operation.argument;
        let action = match (&*operation.f, operation.outcome) {
            ("add", Kind::Fail) => Action::Present(self.values.number_of(element)),
            ("remove", Kind::Fail) => Action::Absent(self.values.number_of(element)),
            ("add", _) => Action::Add(self.values.number_of(element)),
            ("remove", _) => Action::Remove(self.values.number_of(element)),
            ("contains", Kind::Ok) => match shown(operation) {
                Value::Bool(true) => Action::Present(self.values.number_of(element)),
                Value::Bool(false) => Action::Absent(self.values.number_of(element)),
                other => return Err(wrong_value(operation, other, "true or false")),
            },
            ("read", Kind::Ok) => match shown(operation) {
                Value::List(elements) => {
                    let numbers = elements
                        .iter()
                        .map(|element| self.values.number_of(element));
                    let mut members: Vec<V> = numbers.collect();
                    members.sort_unstable();
                    members.dedup();
                    Action::Members(self.lists.members.number(members))
                }
                Value::Null => return Ok(None),
                other => return Err(wrong_value(operation, other, "a list of elements")),
            },
            ("contains" | "read", _) => return Ok(None),
            _ => return Err(self.unknown_operation(operation)),
        };
        Ok(Some((object, action)))
    }

    fn queue(&mut self, operation: &Operation) -> Meaning {
        let object = self.number_object(&operation.key);
        let value = shown(operation);
        let action = match (&*operation.f, operation.outcome) {
            ("enqueue", Kind::Fail) => return Ok(None),
            ("enqueue", _) => Action::Enqueue(self.element(operation, value)?),
            ("dequeue", Kind::Fail) => Action::Empty,
            ("dequeue", Kind::Ok) if *value == Value::Null => Action::Empty,
            ("dequeue", Kind::Ok) => Action::Dequeue(self.values.number_of(value)),
            ("dequeue", _) => Action::DequeueSomething,
            _ => return Err(self.unknown_operation(operation)),
        };
        Ok(Some((object, action)))
    }

    fn stack(&mut self, operation: &Operation) -> Meaning {
        let object = self.number_object(&operation.key);
        let value = shown(operation);
        let action = match (&*operation.f, operation.outcome) {
            ("push", Kind::Fail) => return Ok(None),
            ("push", _) => Action::Push(self.element(operation, value)?),
            ("pop", Kind::Fail) => Action::Empty,
            ("pop", Kind::Ok) if *value == Value::Null => Action::Empty,
            ("pop", Kind::Ok) => Action::Pop(self.values.number_of(value)),
            ("pop", _) => Action::PopSomething,
            _ => return Err(self.unknown_operation(operation)),
        };
        Ok(Some((object, action)))
    }

    /// What is put into a queue or stack: null would be taken for its emptiness.
    fn element(&mut self, operation: &Operation, value: &Value) -> Result<V, Malformed> {
        if *value == Value::Null {
            return Err(wrong_value(operation, value, "a value other than null"));
        }
        Ok(self.values.number_of(value))
    }

    fn counter(&mut self, operation: &Operation) -> Meaning {
        let object = self.number_object(&operation.key);
        let value = shown(operation);
        let amount = |default: Option<i64>| match value {
            Value::Int(number) => Ok(*number),
            Value::Null if default.is_some() => Ok(default.unwrap_or_default()),
            other => Err(wrong_value(operation, other, "an integer")),
        };
        let action = match (&*operation.f, operation.outcome) {
            ("add" | "inc" | "increment" | "dec" | "decrement", Kind::Fail) => return Ok(None),
            ("add" | "inc" | "increment", _) => Action::Increment(amount(Some(1))?),
            ("dec" | "decrement", _) => Action::Increment(amount(Some(1))?.wrapping_neg()),
            ("read", Kind::Ok) if *value != Value::Null => Action::Count(amount(None)?),
            ("read", _) => return Ok(None),
            _ => return Err(self.unknown_operation(operation)),
        };
        Ok(Some((object, action)))
    }
}

/// The completion's value counts; where it has none, the invocation's.
fn shown(operation: &Operation) -> &Value {
    match &operation.result {
        Some(result)
            if *result != Value::Null
                || operation.outcome == Kind::Ok && is_question(operation) =>
        {
            result
        }
        Some(_) | None => &operation.argument,
    }
}

/// Whether the operation asks, so that null may be the answer.
fn is_question(operation: &Operation) -> bool {
    matches!(
        &*operation.f,
        "read" | "r" | "get" | "dequeue" | "pop" | "contains"
    )
}

fn wrong_value(operation: &Operation, found: &Value, expected: &str) -> Malformed {
    let line = operation
        .returned
        .map_or(operation.called.line, |returned| returned.line);
    let what = format!(
        "the value of {:?} is {found}, expected {expected}",
        operation.f
    );
    Malformed::new(line, what)
}

/// Knossos' models take null for a value that is not known, and its dialect is known by failed operations without `mismatch`.
fn null_says_nothing(model: Model, nulls: Nulls, operations: &[Operation]) -> bool {
    let is_register = matches!(
        model,
        Model::Register | Model::CasRegister | Model::KvRegister
    );
    match nulls {
        Nulls::Unknown => true,
        Nulls::Initial => false,
        Nulls::ByDialect => {
            let failed =
                |operation: &&Operation| operation.outcome == Kind::Fail && &*operation.f == "cas";
            let mut failures = operations.iter().filter(failed).peekable();
            is_register
                && failures.peek().is_some()
                && failures.all(|operation| !operation.mismatch)
        }
    }
}
