//! Design choices of reads, syncs and watch events, each read at exactly one place; the first variant is the correct one.

/// All of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReadRules {
    /// When a change fires its watches.
    pub events: EventsFire,
    /// Which position the reply to a read claims.
    pub position: ReadPosition,
    /// When a read arms its watch.
    pub arming: Arming,
    /// What becomes of a client that has seen more than this server.
    pub ahead: AheadClient,
    /// Whom a learner asks before it answers a sync.
    pub sync_asks: SyncAsks,
    /// When a learner answers a sync.
    pub sync_answer: SyncAnswer,
    /// What a read does behind a write of its own session.
    pub behind: BehindOwnWrite,
    /// Which of the reads behind a write gets which answer.
    pub in_line: InLine,
    /// Which position the answer to a ping claims.
    pub pong: PongPosition,
    /// What becomes of the watches of a connection that has ended.
    pub ended: EndedWatches,
    /// How many events wait for a client that says nothing.
    pub backlog: EventBacklog,
    /// What becomes of the clients of a server that looks for a leader.
    pub looking: ReadsWhileLooking,
}

/// When a change fires its watches (semantics.md §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EventsFire {
    /// When it is applied.
    #[default]
    AtApply,
    /// When it is proposed: before this server's reads show it, and even if it is never committed.
    AtProposal,
}

/// Which position the reply to a read claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReadPosition {
    /// That of the state it was read from.
    #[default]
    OfState,
    /// That of the request, and on a learner a read has none (ZOOKEEPER-1412).
    OfRequest,
    /// That of the log.
    OfLog,
}

/// When a read arms its watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Arming {
    /// In the step that reads.
    #[default]
    WithRead,
    /// In the next step that concerns clients: a change may come between.
    InNextStep,
}

/// What becomes of a client that has seen more than this server (semantics.md §5, single system image).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AheadClient {
    /// It is hung up on.
    #[default]
    Refused,
    /// It is served.
    Accepted,
}

/// Whom a learner asks before it answers a sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncAsks {
    /// The leader.
    #[default]
    Leader,
    /// Nobody: a sync is a read.
    Nobody,
}

/// When a learner answers a sync (zab.md §5.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncAnswer {
    /// When the leader's SYNC has its turn among the commits.
    #[default]
    AmongCommits,
    /// When the leader's SYNC arrives, whatever commits wait to be applied.
    BeforeCommits,
}

/// What a read does behind a write of its own session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BehindOwnWrite {
    /// It waits for it.
    #[default]
    Waits,
    /// It is evaluated at once, and its reply waits.
    Overtakes,
}

/// Which of the reads behind a write gets which answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InLine {
    /// Its own.
    #[default]
    Own,
    /// The first gets the last one's, and so on.
    Reversed,
}

/// Which position the answer to a ping claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PongPosition {
    /// That of the state: all events up to there have been sent.
    #[default]
    OfState,
    /// That of the log.
    OfLog,
}

/// What becomes of the watches of a connection that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndedWatches {
    /// They are forgotten.
    #[default]
    Forgotten,
    /// They stay, and whoever has the session then is told.
    Inherited,
}

/// How many events wait for a client that says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EventBacklog {
    /// All.
    #[default]
    Unbounded,
    /// One; the rest is dropped.
    One,
}

/// What becomes of the clients of a server that looks for a leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReadsWhileLooking {
    /// They are hung up on.
    #[default]
    HungUp,
    /// Their reads are answered from what the server has, until it serves again.
    Answered,
}
