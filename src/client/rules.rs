//! The design choices of the client library, each read at exactly one place. The first variant of each is what the Java
//! client does since its fixes (semantics.md §4.5, §5); the others are designs that fail, switched on by `mutant`.

/// All choices together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// What a connect request says the client has seen.
    pub claimed: ClaimedZxid,
    /// Whether the answer to a ping counts as seen.
    pub pongs: PongZxid,
    /// Which watches are set again on a new connection.
    pub rewatch: Rewatch,
    /// When a watch is registered with the program.
    pub registration: Registration,
    /// What becomes of requests whose connection ended before the reply.
    pub unanswered: Unanswered,
    /// What a client does when its session is refused.
    pub refused: RefusedSession,
    /// In which order requests leave.
    pub order: SendOrder,
    /// How long a client that hears nothing believes in its session.
    pub expiry: OwnExpiry,
    /// The recipes' choices.
    pub recipe: super::recipe::rules::Rules,
}

/// What a connect request says the client has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClaimedZxid {
    /// The zxid of the last reply.
    #[default]
    LastReply,
    /// Nothing.
    Zero,
}

/// Whether the answer to a ping counts as seen (semantics.md §0.17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PongZxid {
    /// It does not.
    #[default]
    Ignored,
    /// It does (ZOOKEEPER-1417).
    Counts,
}

/// Which watches are set again on a new connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rewatch {
    /// All.
    #[default]
    All,
    /// None.
    None,
}

/// When a watch is registered with the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Registration {
    /// With the reply that says it is set.
    #[default]
    WithReply,
    /// When the program has dealt with that reply: at its next request, or at the next reply (ZOOKEEPER-137).
    AfterReply,
}

/// What becomes of requests whose connection ended before the reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unanswered {
    /// Their outcome is unknown.
    #[default]
    Unknown,
    /// They are reported as not sent.
    NotSent,
    /// They are sent again on the next connection.
    SentAgain,
}

/// What a client does when its session is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RefusedSession {
    /// It tells the program that the session has expired.
    #[default]
    Told,
    /// It takes a new session and says nothing.
    Replaced,
}

/// In which order requests leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SendOrder {
    /// As the program hands them in.
    #[default]
    AsHandedIn,
    /// One that finds others unanswered is overtaken by the next (ZOOKEEPER-4796).
    Overtaken,
}

/// How long a client that hears nothing believes in its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OwnExpiry {
    /// 4/3 of its timeout.
    #[default]
    Bounded,
    /// For ever (before ZOOKEEPER-4508).
    Never,
}
