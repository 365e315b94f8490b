//! The design choices of the recipes, each read at exactly one place. The first variant of each is the correct form
//! (semantics.md §8); the others are well-known mistakes, switched on by `mutant`.

/// All choices together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// By what contenders are sorted.
    pub order: LineOrder,
    /// What a waiting contender watches.
    pub watches: Watches,
    /// What follows a create whose reply was lost.
    pub lost_create: LostCreate,
    /// What follows the departure of the one who was waited for.
    pub departure: Departure,
    /// What follows when the one to be waited for has gone before the watch was set.
    pub missed: Missed,
    /// What a holder does without a connection.
    pub cut_off: CutOff,
    /// What the resource is shown.
    pub fence: Fence,
    /// How a lock is released.
    pub release: Release,
    /// Whom a reader of a read-write lock waits for.
    pub reader: ReaderWaits,
    /// Whom a writer of a read-write lock waits for.
    pub writer: WriterWaits,
    /// What follows a counter's setData whose reply was lost.
    pub lost_set: LostSet,
    /// How a counter is written.
    pub set: CounterSet,
    /// What follows a put whose reply was lost.
    pub lost_put: LostPut,
    /// When a consumer works on an element.
    pub take: Take,
    /// When an element's data is read.
    pub data: TakeData,
    /// What follows a take whose reply was lost.
    pub lost_take: LostTake,
    /// How long the list of elements is used.
    pub list: QueueList,
    /// How a priority queue is sorted.
    pub priority: PriorityOrder,
    /// What follows an event at a barrier.
    pub barrier: BarrierWake,
    /// Which ready znode a round of a double barrier has.
    pub ready: ReadyNode,
    /// When a party is counted.
    pub count: PartyCount,
    /// When somebody leaves a double barrier.
    pub leave: PartyLeave,
    /// How a configuration is read and its watch set.
    pub config_read: ConfigRead,
    /// Whether the watch is set again after an event.
    pub config_watch: ConfigWatch,
    /// What a persistent watch is trusted with.
    pub config_gap: ConfigGap,
    /// Which configuration is used.
    pub config_age: ConfigAge,
    /// What follows when a member finds its name taken.
    pub join: JoinExists,
    /// Whether a member joins again with a new session.
    pub rejoin: Rejoin,
    /// Whether a view of the members is renewed.
    pub view: ViewWatch,
    /// What a missing vote means when time is up.
    pub votes: VoteCount,
    /// How a decision is written.
    pub decision: DecisionWrite,
}

/// By what contenders are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineOrder {
    /// By the sequence number at the end of the name.
    #[default]
    BySequence,
    /// By the whole name, which begins with something random (ZOOKEEPER-2931).
    ByName,
}

/// What a waiting contender watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Watches {
    /// The next lower znode.
    #[default]
    Predecessor,
    /// The lowest znode, as everybody else does.
    Holder,
}

/// What follows a create whose reply was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LostCreate {
    /// After a write the contender looks for a znode with its own mark and adopts it. The write comes after whatever was
    /// under way: a sync does not, since a leader answers its own clients before its proposals are committed.
    #[default]
    LooksForItself,
    /// It looks after a sync.
    LooksAfterSync,
    /// It creates another one.
    CreatesAgain,
}

/// What follows the departure of the one who was waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Departure {
    /// The contender lists the line again: the other may have died while it waited itself.
    #[default]
    ListsAgain,
    /// It takes the lock.
    Takes,
}

/// What follows when the one to be waited for has gone before the watch was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Missed {
    /// The contender lists the line again.
    #[default]
    ListsAgain,
    /// It waits for the event, which never comes (ZOOKEEPER-3162, the error path).
    Waits,
}

/// What a holder does without a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CutOff {
    /// It stops at once, and looks again when it is connected.
    #[default]
    Stops,
    /// It goes on until it is told that its session is over.
    GoesOn,
}

/// What the resource is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fence {
    /// The sequence number of the holder's znode.
    #[default]
    Sequence,
    /// Nothing.
    Nothing,
    /// The id of the holder's session.
    Session,
}

/// How a lock is released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Release {
    /// The delete is repeated until the znode is gone.
    #[default]
    UntilGone,
    /// The delete is sent once, whatever becomes of it.
    Once,
}

/// Whom a reader of a read-write lock waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReaderWaits {
    /// The nearest writer before it.
    #[default]
    NearestWriter,
    /// The znode right before it, if that is a writer's.
    Neighbour,
}

/// Whom a writer of a read-write lock waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WriterWaits {
    /// Everybody before it.
    #[default]
    Everybody,
    /// The writers before it.
    Writers,
}

/// What follows a counter's setData whose reply was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LostSet {
    /// The value is read again, and counted if it bears the mark of this very addition.
    #[default]
    LooksForItsMark,
    /// The addition is done again.
    AddsAgain,
}

/// How a counter is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CounterSet {
    /// On condition that nobody has written it since it was read.
    #[default]
    Conditional,
    /// Whatever it is now.
    Unconditional,
}

/// What follows a put whose reply was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LostPut {
    /// The producer leaves it at that: it may be in the queue.
    #[default]
    Leaves,
    /// It puts the element again.
    PutsAgain,
}

/// When a consumer works on an element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Take {
    /// After its own delete of it succeeded.
    #[default]
    AfterOwnDelete,
    /// Before it deletes it, whatever becomes of the delete.
    BeforeDelete,
}

/// When an element's data is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TakeData {
    /// Before the delete.
    #[default]
    BeforeDelete,
    /// After the delete, when it is gone.
    AfterDelete,
}

/// What follows a take whose reply was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LostTake {
    /// The consumer leaves the element alone: somebody may work on it.
    #[default]
    Leaves,
    /// It deletes again, and takes NoNode for its own success.
    DeletesAgain,
}

/// How long the list of elements is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QueueList {
    /// For one take.
    #[default]
    ForOneTake,
    /// Until it is used up.
    WhileItLasts,
}

/// How a priority queue is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PriorityOrder {
    /// By the number.
    #[default]
    ByNumber,
    /// By the name, in which 10 comes before 9.
    ByName,
}

/// What follows an event at a barrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BarrierWake {
    /// It is looked at again.
    #[default]
    LooksAgain,
    /// The client goes on, whatever the event says.
    Passes,
}

/// Which ready znode a round of a double barrier has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReadyNode {
    /// Its own.
    #[default]
    OfTheRound,
    /// The one of all rounds, which nobody removes.
    OfTheBarrier,
}

/// When a party is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PartyCount {
    /// After the own znode was created.
    #[default]
    AfterOwn,
    /// Before that.
    BeforeOwn,
}

/// When somebody leaves a double barrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PartyLeave {
    /// When nobody is left inside.
    #[default]
    WithTheOthers,
    /// At once.
    AtOnce,
}

/// How a configuration is read and its watch set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfigRead {
    /// With one request.
    #[default]
    InOne,
    /// The watch follows the read, and what it answers is not looked at.
    ReadThenWatch,
}

/// Whether the watch is set again after an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfigWatch {
    /// It is.
    #[default]
    Again,
    /// It is not.
    Once,
}

/// What a persistent watch is trusted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfigGap {
    /// Events while connected: after a gap the configuration is read.
    #[default]
    ReadsAfterGaps,
    /// Everything.
    TrustsEvents,
}

/// Which configuration is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfigAge {
    /// The newest ever seen.
    #[default]
    Newest,
    /// The one read last.
    LastRead,
}

/// What follows when a member finds its name taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JoinExists {
    /// It removes the znode, which is of its former session, and creates its own.
    #[default]
    Replaces,
    /// It takes it for its own.
    Accepts,
}

/// Whether a member joins again with a new session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rejoin {
    /// It does.
    #[default]
    Always,
    /// It does not.
    Never,
}

/// Whether a view of the members is renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ViewWatch {
    /// On each change.
    #[default]
    OnEachChange,
    /// Once.
    Once,
}

/// What a missing vote means when time is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VoteCount {
    /// No.
    #[default]
    MissingAborts,
    /// Yes.
    MissingAgrees,
}

/// How a decision is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecisionWrite {
    /// With a create: the first one stands.
    #[default]
    FirstWins,
    /// Over the one that is there.
    LastWins,
}
