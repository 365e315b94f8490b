//! The design choices of the tree, each read at exactly one place. The first variant of each is ZooKeeper's
//! (semantics.md); the others are other designs, switched on by tests and by `mutant`. [`QuotaRule`] and
//! [`ExtendedTypes`] are settings of ZooKeeper's own.

/// Choices of the preparation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PrepRules {
    /// What setData does with its expected version.
    pub set_data: SetDataRule,
    /// What a hard limit does.
    pub quota: QuotaRule,
    /// Whether TTL znodes exist.
    pub extended_types: ExtendedTypes,
    /// What the suffix of a sequential znode counts.
    pub suffix: SuffixCounts,
    /// Which expected versions match any.
    pub any_version: AnyVersion,
    /// What follows the version -2.
    pub next_version: NextVersion,
    /// What delete looks at first.
    pub delete: DeleteOrder,
    /// When setData looks at the quota.
    pub quota_order: QuotaOrder,
    /// Which requests make a container when their flags say so.
    pub container_flag: ContainerFlag,
    /// What becomes of a multi of which one operation fails.
    pub multi: MultiRule,
    /// Which changes in flight a request sees.
    pub seen: SeenChanges,
    /// What becomes of earlier changes in flight when a multi fails.
    pub rollback: Rollback,
    /// Which changes the operations of a multi see.
    pub within_multi: WithinMulti,
    /// Whether a znode with children may be deleted.
    pub non_empty: NonEmpty,
    /// Whether an ephemeral may have children.
    pub ephemeral_parent: EphemeralParent,
}

/// Which changes in flight a request sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SeenChanges {
    /// All that were prepared before it.
    #[default]
    Prepared,
    /// None: only what is applied.
    Applied,
}

/// What becomes of earlier changes in flight when a multi fails (`rollbackPendingChanges`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rollback {
    /// They stay.
    #[default]
    Exact,
    /// Those to the parents of its paths are forgotten (ZOOKEEPER-1624).
    ForgetsParents,
}

/// Which changes the operations of a multi see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WithinMulti {
    /// Those of the operations before them too.
    #[default]
    OwnToo,
    /// Those of earlier requests only.
    EarlierOnly,
}

/// Whether a znode with children may be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NonEmpty {
    /// No.
    #[default]
    Refused,
    /// Yes: they stay where they were.
    Deleted,
}

/// Whether an ephemeral may have children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EphemeralParent {
    /// No.
    #[default]
    Refused,
    /// Yes.
    Allowed,
}

/// What setData does with its expected version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SetDataRule {
    /// A version other than the znode's fails.
    #[default]
    ComparesVersion,
    /// A design that fails: any version passes, so two clients can both win a compare-and-set.
    IgnoresVersion,
}

/// What a hard limit does (`zookeeper.enforceQuota`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuotaRule {
    /// Nothing.
    #[default]
    Lenient,
    /// Refuses the write.
    Enforced,
}

/// Whether TTL znodes exist (`zookeeper.extendedTypesEnabled`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExtendedTypes {
    /// They do.
    #[default]
    Enabled,
    /// Creating one is `Unimplemented`.
    Disabled,
}

/// What the suffix of a sequential znode counts (semantics.md §0.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SuffixCounts {
    /// Creates below the parent: the stored counter.
    #[default]
    Creates,
    /// Deletes too: the cversion that clients see.
    CreatesAndDeletes,
    /// The children there are.
    Children,
}

/// Which expected versions match any (semantics.md §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AnyVersion {
    /// -1.
    #[default]
    MinusOne,
    /// Every negative one.
    Negative,
}

/// What follows the version -2 of data or of a list (semantics.md §0.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NextVersion {
    /// -1, which no client can ask for.
    #[default]
    MinusOne,
    /// 0, as since ZOOKEEPER-4743.
    Zero,
}

/// What delete looks at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeleteOrder {
    /// The version: `BadVersion` beats `NotEmpty`.
    #[default]
    Version,
    /// The children.
    Children,
}

/// When setData looks at the quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuotaOrder {
    /// Before the version: `QuotaExceeded` beats `BadVersion`.
    #[default]
    BeforeVersion,
    /// After it.
    AfterVersion,
}

/// Which requests make a container when their flags say so (semantics.md §0.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContainerFlag {
    /// createContainer only; a create makes a plain znode of it.
    #[default]
    OfCreateContainer,
    /// Every create.
    OfEveryCreate,
}

/// What becomes of a multi of which one operation fails (semantics.md §0.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MultiRule {
    /// Nothing is done; operations after the failing one are told `RuntimeInconsistency`.
    #[default]
    AllOrNothing,
    /// Nothing is done; operations after the failing one are told its error.
    AllBlamed,
    /// What came before is done.
    DoneSoFar,
}

/// Choices of what transactions do to the tree, and of what reads show of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TreeRules {
    /// What moves a parent's pzxid.
    pub pzxid: PzxidMoves,
    /// How a parent's stored cversion follows the transactions.
    pub cversion: CversionRule,
    /// Which version setData leaves.
    pub version: VersionRule,
    /// Which ephemerals go with their session.
    pub closed: ClosedEphemerals,
    /// What setACL leaves behind beside the list.
    pub set_acl: SetAclMoves,
    /// Since when the time of a TTL znode runs.
    pub ttl: TtlRuns,
    /// Which containers are reaped.
    pub containers: ReapedContainers,
    /// Whose watchers hear of a deletion first.
    pub deletion: DeletionOrder,
    /// What getData shows of null data.
    pub null_data: NullData,
    /// What whoAmI shows of a digest identity.
    pub who_am_i: WhoAmI,
    /// To whom getACL shows whole digest identities.
    pub get_acl: WholeAcl,
    /// When exists arms its watch.
    pub exists: ExistsWatch,
    /// Whose ephemerals getEphemerals shows.
    pub ephemerals: ShownEphemerals,
    /// Under which zxid the operations of a multi are done.
    pub multi_zxid: MultiZxid,
    /// Whose clock the times of znodes are read from.
    pub stamps: Stamps,
    /// What a snapshot holds.
    pub snapshot: SnapshotHolds,
    /// When getData arms its watch.
    pub get_data: GetDataWatch,
}

/// What a snapshot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SnapshotHolds {
    /// The state that its name says.
    #[default]
    State,
    /// Some later transactions too: it is written while others are applied (ZooKeeper's are so).
    LaterToo,
    /// Of a multi that is being applied a part, and the name says that it has all of it.
    HalfMulti,
}

/// Under which zxid the operations of a multi are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MultiZxid {
    /// All under that of the transaction.
    #[default]
    One,
    /// Each under one of its own, counted from that.
    OnePerOperation,
}

/// Whose clock the times of znodes are read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stamps {
    /// The leader's, once, when it prepares the transaction.
    #[default]
    OfTheLeader,
    /// Each server's own, when it applies the transaction.
    Own,
}

/// What moves a parent's pzxid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PzxidMoves {
    /// Creates and deletes of children.
    #[default]
    ByCreatesAndDeletes,
    /// Creates of children.
    ByCreates,
}

/// How a parent's stored cversion follows the transactions (semantics.md §0.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CversionRule {
    /// It takes a greater one only, and sticks at the greatest.
    #[default]
    Grows,
    /// It takes any, and overflows.
    Follows,
    /// It is counted up, whatever the transaction says.
    CountsUp,
}

/// Which version setData leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VersionRule {
    /// The transaction's.
    #[default]
    Absolute,
    /// One more than before: a replay raises it again.
    CountsUp,
}

/// Which ephemerals go with their session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClosedEphemerals {
    /// Those that the transaction lists, and whatever is left.
    #[default]
    Listed,
    /// Those that are found: a replay finds none, and leaves no trace at their parents.
    Found,
}

/// What setACL leaves behind beside the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SetAclMoves {
    /// The aversion.
    #[default]
    Aversion,
    /// The mzxid too.
    AversionAndMzxid,
}

/// Since when the time of a TTL znode runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TtlRuns {
    /// The last setData.
    #[default]
    SinceSetData,
    /// Its create.
    SinceCreate,
}

/// Which containers are reaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReapedContainers {
    /// Those that have lost their last child.
    #[default]
    Emptied,
    /// Those that have none.
    Empty,
}

/// Whose watchers hear of a deletion first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeletionOrder {
    /// The znode's, then its parent's.
    #[default]
    NodeThenParent,
    /// The parent's, then the znode's.
    ParentThenNode,
}

/// What getData shows of null data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NullData {
    /// Null.
    #[default]
    Null,
    /// No bytes.
    Empty,
}

/// What whoAmI shows of a digest identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhoAmI {
    /// Its user.
    #[default]
    User,
    /// User and hash.
    UserAndHash,
}

/// To whom getACL shows whole digest identities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WholeAcl {
    /// To those who may set the list.
    #[default]
    ToAdmins,
    /// To everybody who may read it.
    ToReaders,
}

/// When exists arms its watch (semantics.md §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExistsWatch {
    /// Unless the znode may not be read.
    #[default]
    UnlessUnreadable,
    /// If there is a znode to answer with, as getData.
    OnSuccess,
    /// In any case.
    Always,
}

/// When getData arms its watch (semantics.md §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GetDataWatch {
    /// If it succeeds.
    #[default]
    OnSuccess,
    /// Also if there is no such znode, as exists.
    AlsoOnNoNode,
}

/// Whose ephemerals getEphemerals shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ShownEphemerals {
    /// Those of the asking session.
    #[default]
    Own,
    /// Those of all sessions.
    All,
}

/// Choices of the watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WatchRules {
    /// Which watches on a path are gone once they have fired.
    pub fired: FiredWatches,
    /// How often a connection hears of a deletion.
    pub deletion_told: DeletionTold,
    /// Which managers know a recursive watch.
    pub recursive: RecursiveReach,
    /// Who hears of a change.
    pub told: Told,
    /// What a reconnected client has missed.
    pub missed: Missed,
    /// Which watches of a reconnected client are armed again.
    pub rearmed: Rearmed,
    /// Who hears that a list of children has changed.
    pub children_told: ChildrenTold,
    /// What removeWatches removes.
    pub removed: Removed,
    /// How setWatches tells what was missed.
    pub told_missed: ToldMissed,
    /// In which order setWatches takes its lists.
    pub lists: ListOrder,
}

/// Which watches on a path are gone once they have fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FiredWatches {
    /// Standard ones.
    #[default]
    StandardGo,
    /// All.
    AllGo,
    /// None.
    NoneGo,
    /// Standard ones, of both managers: a child's event uses up the data watch.
    BothManagersGo,
}

/// How often a connection hears of a deletion (semantics.md §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeletionTold {
    /// Once.
    #[default]
    Once,
    /// From each manager in which it has a watch.
    ByEachManager,
}

/// Which managers know a recursive watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RecursiveReach {
    /// The data manager: it does not hear of children as such.
    #[default]
    Data,
    /// Both.
    DataAndChild,
}

/// Who hears that a list of children has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChildrenTold {
    /// Child watches and persistent ones.
    #[default]
    ChildWatches,
    /// Where one of those is, recursive ones too (ZOOKEEPER-4475).
    RecursiveBeside,
}

/// Who hears of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Told {
    /// Watchers who may read the znode.
    #[default]
    Readers,
    /// All watchers.
    Everybody,
}

/// What a reconnected client has missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Missed {
    /// Changes after its last zxid.
    #[default]
    Later,
    /// The change at its last zxid too.
    NotEarlier,
    /// Every change there ever was.
    Everything,
    /// No change, only that the znode is gone.
    OnlyDeletions,
    /// Changes after its last zxid, but not that the znode is gone.
    OnlyChanges,
}

/// How setWatches tells what was missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ToldMissed {
    /// By the list a watch is in: a watched znode has changed or is gone, a missing one has been created.
    #[default]
    ByList,
    /// By the znode's times: created after the client's last zxid, or changed after it (ZOOKEEPER-1667).
    ByTimes,
}

/// In which order setWatches takes its lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListOrder {
    /// Data, exist, child.
    #[default]
    DataFirst,
    /// Child, exist, data.
    ChildFirst,
}

/// Which watches of a reconnected client are armed again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rearmed {
    /// Those whose change it has not missed.
    #[default]
    Unfired,
    /// All.
    All,
}

/// What removeWatches removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Removed {
    /// The kind of watch asked for.
    #[default]
    ThatKind,
    /// Every kind, if there is one of the kind asked for.
    EveryKind,
}
