//! The objects whose histories can be judged, and how much a history tells of failures and of null.

use std::fmt;

/// An object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// `read`, `write`.
    Register,
    /// `read`, `write`, `cas`.
    CasRegister,
    /// Registers by key.
    KvRegister,
    /// Texts or lists by key: `get`, `put`, `append`.
    KvAppend,
    /// Several registers at once: `txn`.
    MultiRegister,
    /// A lock: `acquire`, `release`.
    Mutex,
    /// Znodes by key: `get`, `set` with versions.
    Znode,
    /// `add`, `remove`, `contains`, `read`.
    Set,
    /// First in, first out: `enqueue`, `dequeue`.
    Queue,
    /// `add`, `read`.
    Counter,
    /// Last in, first out: `push`, `pop`.
    Stack,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Register,
        Self::CasRegister,
        Self::KvRegister,
        Self::KvAppend,
        Self::MultiRegister,
        Self::Mutex,
        Self::Znode,
        Self::Set,
        Self::Queue,
        Self::Counter,
        Self::Stack,
    ];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::CasRegister => "cas-register",
            Self::KvRegister => "kv-register",
            Self::KvAppend => "kv-append",
            Self::MultiRegister => "multi-register",
            Self::Mutex => "mutex",
            Self::Znode => "znode",
            Self::Set => "set",
            Self::Queue => "queue",
            Self::Counter => "counter",
            Self::Stack => "stack",
        }
    }

    /// The model of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// The operations it has, as histories name them; the first name is the one used in messages.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Register => &["read", "write"],
            Self::CasRegister | Self::KvRegister => &["read", "write", "cas"],
            Self::KvAppend => &["get", "put", "append"],
            Self::MultiRegister => &["txn"],
            Self::Mutex => &["acquire", "release"],
            Self::Znode => &["get", "set"],
            Self::Set => &["add", "remove", "contains", "read"],
            Self::Queue => &["enqueue", "dequeue"],
            Self::Counter => &["add", "read"],
            Self::Stack => &["push", "pop"],
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an operation that failed tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failures {
    /// With the error `mismatch`: that its condition did not hold; otherwise nothing but that it did not happen.
    #[default]
    ByError,
    /// Nothing but that it did not happen.
    Ignored,
    /// Always that its condition did not hold.
    Observed,
}

/// What a register's read of null tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nulls {
    /// Nothing in histories of Knossos' dialect, whose failed `cas` never say `mismatch`; elsewhere that nothing was written yet.
    #[default]
    ByDialect,
    /// That the value is not known: always legal.
    Unknown,
    /// That nothing was written yet.
    Initial,
}

/// How a history is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The object; none to find out.
    pub model: Option<Model>,
    /// What failures tell.
    pub failures: Failures,
    /// What nulls tell.
    pub nulls: Nulls,
    /// Configurations that a search may expand.
    pub budget: u64,
    /// Which checkers are used.
    pub method: Method,
}

/// Which checkers are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The fastest whose precondition holds.
    #[default]
    Fastest,
    /// The general search alone, as a second opinion; versions are never searched.
    Search,
}

/// Ten million configurations take some seconds and a third of a gigabyte.
pub const BUDGET: u64 = 10_000_000;

impl Default for Options {
    fn default() -> Self {
        Self {
            model: None,
            failures: Failures::default(),
            nulls: Nulls::default(),
            budget: BUDGET,
            method: Method::default(),
        }
    }
}
