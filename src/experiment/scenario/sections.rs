//! The sections of a scenario: ensemble, network, disk, clock, workload, generation, limits, expectation. Each table
//! below is at once the type, the reader, the writer and the list of defaults.

use super::format::{Range, names, record};
use crate::base::ratio::Ratio;
use crate::check::verdict::{Property, Verdict};

record! {
    /// The servers and their timing.
    pub struct Ensemble as "\"ensemble\"" {
        /// Servers that vote.
        voters: u8 = 5, 1..=31;
        /// Servers that follow without a vote; their ids come after the voters'.
        observers: u8 = 0, 0..=31;
        /// tickTime.
        tick_ms: u32 = 200, 1..=60_000;
        /// initLimit, in ticks.
        init_limit: u32 = 10, 1..=1_000;
        /// syncLimit, in ticks.
        sync_limit: u32 = 5, 1..=1_000;
        /// fastleader.maxNotificationInterval.
        max_notification_ms: u32 = 1_600, 200..=600_000;
        /// cnxTimeout of the election port.
        connect_timeout_ms: u32 = 5_000, 1..=600_000;
        /// Transactions between snapshots.
        snap_count: u32 = 10_000, 2..=1_000_000_000;
        /// Committed transactions kept in memory for DIFF.
        committed_log: u32 = 500, 1..=1_000_000;
        /// A learner behind those gets a DIFF from the leader's log if that is at most so long, in percent of the snapshot.
        snapshot_size_percent: u32 = 33, 0..=10_000_000;
        /// How a server comes to lead.
        election: Election = Election::Fast;
        /// How many bits of a zxid's counter are used before the leader gives way to a new epoch.
        counter_bits: u8 = 32, 4..=32;
        /// Session timeouts are clamped to this range; default 2 to 20 ticks.
        session_timeout_ms: Option<Range> = None;
    }
}

names! {
    /// How a server comes to lead.
    pub enum Election {
        /// Fast Leader Election, then discovery and synchronisation.
        Fast = "fast-leader-election",
        /// Whoever asks first gets the votes, and leads from its own log.
        FirstCome = "first-come-votes",
    }
}

impl Ensemble {
    /// The range of session timeouts: as given, or 2 to 20 ticks.
    pub fn session_timeouts(&self) -> Range {
        let tick = u64::from(self.tick_ms);
        self.session_timeout_ms
            .unwrap_or(Range::new(2 * tick, 20 * tick))
    }
}

names! {
    /// How a network behaves where a scenario does not say more.
    pub enum Profile {
        /// Every one-way delay is the same tenth of a millisecond; nothing else happens.
        None = "none",
        /// A local network: delays of a tenth of a millisecond to one, now and then twenty.
        Mild = "mild",
        /// Drawn from the seed, per class of links: anything from a rack to a bad wide-area network.
        Swarm = "swarm",
    }
}

names! {
    /// How delays and latencies are distributed around their mean; any of them may have a tail beside it.
    pub enum Dist {
        /// Always the mean.
        Const = "const",
        /// Uniform over the range.
        Uniform = "uniform",
        /// The shortest plus an exponentially distributed rest.
        Exp = "exp",
        /// Uniform over the range, with a tail.
        Bimodal = "bimodal",
        /// The shortest plus a rest whose logarithm is normally distributed.
        Lognormal = "lognormal",
    }
}

names! {
    /// What links carry.
    pub enum Wire {
        /// Streams, as TCP does.
        Stream = "stream",
        /// Datagrams, which may be lost, doubled and out of order: to see why Zab needs streams.
        Datagram = "datagram",
    }
}

names! {
    /// What else goes wrong all the time, drawn from the seed by the ranges of docs/faults.md, each kind off with
    /// probability ½. It ends when everything is healed.
    pub enum Noise {
        /// Nothing.
        None = "none",
        /// Anything.
        Swarm = "swarm",
    }
}

record! {
    /// How rough links are; probabilities are per frame, those of connects per attempt.
    pub struct Rough as "\"rough\"" {
        /// A connect is refused.
        refuse: Ratio = Ratio::ZERO;
        /// A connect gets no answer.
        hang: Ratio = Ratio::ZERO;
        /// The frame breaks its connection.
        reset: Ratio = Ratio::ZERO;
        /// How many of those resets both ends are told of; of the others one end is.
        reset_both: Ratio = Ratio::new(3, 10);
        /// A segment is lost and repeated after 200 ms, 400 ms, and so on; after seven times the connection ends.
        stall: Ratio = Ratio::ZERO;
        /// A bit flips: the receiver cannot decode the frame and ends the connection.
        corrupt: Ratio = Ratio::ZERO;
        /// The frame is written in two parts with some time between them.
        short_write: Ratio = Ratio::ZERO;
        /// Bytes per second of a directed link; 0 = any number.
        bandwidth: u64 = 0, 0..=1_000_000_000_000;
        /// How many bytes may be on their way before the sender has to wait.
        queue_bytes: u64 = 65_536, 1..=1_000_000_000;
    }
}

record! {
    /// The network.
    pub struct Network as "\"network\"" {
        /// The default of all links.
        profile: Profile = Profile::Mild;
        /// The longest delay that the profile `swarm` may draw.
        worst_ms: u32 = 50, 1..=60_000;
        /// Links between election ports, where they differ.
        election: Option<Link> = None;
        /// Links from learners to their leader, where they differ.
        quorum: Option<Link> = None;
        /// Links from clients to servers, where they differ.
        client: Option<Link> = None;
        /// How rough all links are.
        rough: Option<Rough> = None;
        /// What is drawn to go wrong with links beside that.
        noise: Noise = Noise::None;
        /// How likely a directed pair of nodes is always later than others.
        pair_bias: Ratio = Ratio::ZERO;
        /// By how much at most then.
        pair_bias_ms: u32 = 500, 1..=60_000;
        /// What links carry.
        wire: Wire = Wire::Stream;
        /// How often a datagram is lost.
        loss: Ratio = Ratio::new(1, 100);
        /// How often a datagram arrives twice.
        duplicate: Ratio = Ratio::new(1, 100);
        /// How often a datagram keeps no order.
        reorder: Ratio = Ratio::new(1, 20);
    }
}

record! {
    /// The links of one class.
    pub struct Link as "the links of a class" {
        /// Usual one-way delay.
        delay_us: Range, 0..=60_000_000;
        /// How often a frame is late.
        tail: Ratio = Ratio::ZERO;
        /// How late it is at most then.
        tail_us: u64 = 0, 0..=60_000_000;
        /// The longest wait for TCP's next retransmission once a cut path works again.
        retransmit_ms: u32 = 400, 0..=60_000;
        /// How often a connection with bytes held back is reset rather than resumed when its path works again.
        healed_reset: Ratio = Ratio::new(1, 4);
        /// How delays are distributed.
        dist: Dist = Dist::Bimodal;
        /// Their mean; default the middle of the range.
        mean_us: Option<u64> = None;
        /// How rough they are, if not as the network is.
        rough: Option<Rough> = None;
    }
}

record! {
    /// Every server's disk.
    pub struct Disk as "\"disk\"" {
        /// How long a forced write takes.
        fsync_us: Range = Range::new(200, 5_000), 0..=60_000_000;
        /// How latencies are distributed.
        dist: Dist = Dist::Bimodal;
        /// How often an operation is late.
        tail: Ratio = Ratio::new(1, 1_000);
        /// How late at most then; default ten times the longest.
        tail_us: Option<u64> = None;
        /// How likely an operation fails.
        errors: Ratio = Ratio::ZERO;
        /// Whether forces happen (forceSync); without, what is acknowledged may be lost.
        force_sync: bool = true;
        /// What is drawn to go wrong with disks: distribution and tails.
        noise: Noise = Noise::None;
    }
}

record! {
    /// The clocks.
    pub struct Clock as "\"clock\"" {
        /// Every clock's rate is off by up to this much, either way.
        drift_ppm: u32 = 100, 0..=100_000;
        /// Every wall clock is off by up to this much.
        offset_ms: u32 = 50, 0..=86_400_000;
        /// Readings are rounded down to multiples of this.
        granularity_us: u32 = 0, 0..=1_000_000;
        /// Whether all of this is drawn instead: drift to 900 ppm, offsets to an hour, a granularity to 15 ms.
        noise: Noise = Noise::None;
    }
}

names! {
    /// What a group of clients does.
    pub enum Kind {
        /// Reads, writes, conditional writes, creates, deletes and watches on a few keys, values unique.
        VersionedRegister = "versioned-register",
        /// Every operation and every kind of watch on a small tree of `keys` top znodes; `mix` does not matter.
        Znodes = "znodes",
        /// Keeps an ephemeral znode `/e<client>` alive.
        EphemeralHolder = "ephemeral-holder",
        /// Keeps exists watches armed on the ephemerals of the holders, or on given paths.
        Watcher = "watcher",
        /// Nothing but keeping its session.
        Idle = "idle",
        /// The steps of `script`, one after the other.
        Script = "script",
        /// Follows the recipe that `recipe` names.
        Recipe = "recipe",
    }
}

names! {
    /// What clients build from znodes (semantics.md §8).
    pub enum Recipe {
        /// A lock: one holder at a time, first come, first served.
        Lock = "lock",
        /// A lock for many readers or one writer.
        ReadWriteLock = "read-write-lock",
        /// A leader of the clients and its successors.
        LeaderElection = "leader-election",
        /// A number that everybody adds to.
        Counter = "counter",
        /// Elements that are put and taken in order; every third client puts, the others take.
        Queue = "queue",
        /// The same by priority.
        PriorityQueue = "priority-queue",
        /// A gate that the first client opens and closes for the others.
        Barrier = "barrier",
        /// Rounds that all clients enter and leave together.
        DoubleBarrier = "double-barrier",
        /// A configuration that the first client publishes and the others watch.
        Configuration = "configuration",
        /// Members of a group who watch each other.
        Membership = "membership",
        /// Transactions that the first client coordinates and the others vote on.
        TwoPhaseCommit = "two-phase-commit",
    }
}

impl Recipe {
    /// The properties that judge it unless a scenario says otherwise.
    pub fn properties(self) -> &'static [Property] {
        match self {
            Self::Lock | Self::ReadWriteLock | Self::LeaderElection => &[
                Property::MutualExclusion,
                Property::FairOrder,
                Property::NoHerd,
                Property::Fencing,
                Property::RecipeLiveness,
            ],
            Self::Counter => &[Property::CounterExact, Property::RecipeLiveness],
            Self::Queue | Self::PriorityQueue => &[
                Property::QueueOnce,
                Property::QueueLossless,
                Property::QueueOrder,
            ],
            Self::Barrier | Self::DoubleBarrier => {
                &[Property::BarrierSafety, Property::RecipeLiveness]
            }
            Self::Configuration => &[Property::ConfigMonotone, Property::ConfigConverges],
            Self::Membership => &[Property::MembershipConverges],
            Self::TwoPhaseCommit => &[
                Property::CommitAgreement,
                Property::CommitValidity,
                Property::RecipeLiveness,
            ],
        }
    }
}

names! {
    /// How a client goes through its list of servers.
    pub enum Hosts {
        /// Shuffled once per session, then one after the other.
        Shuffled = "shuffled",
        /// In the order given.
        InOrder = "in-order",
        /// A random one each time.
        Random = "random",
    }
}

names! {
    /// What a client does after a watch event.
    pub enum AfterEvent {
        /// It reads the key at once, half of the time with a new watch.
        Read = "read",
        /// Nothing in particular.
        Nothing = "nothing",
    }
}

names! {
    /// What a client does after its last operation.
    pub enum AtEnd {
        /// It keeps its session.
        Stay = "stay",
        /// It closes its session.
        Close = "close",
    }
}

names! {
    /// What a client does after a write whose outcome it does not know.
    pub enum AfterUnknown {
        /// It reads the key before it writes it again.
        Read = "read",
        /// Nothing in particular.
        Nothing = "nothing",
    }
}

record! {
    /// A group of clients that do the same.
    pub struct Work as "an entry of \"workload\"" {
        /// What.
        kind: Kind;
        /// How many clients.
        clients: u16 = 3, 1..=1_000;
        /// When they start; 0 = with the servers. They start at the latest when everything is healed.
        start_ms: u32 = 0, 0..=3_600_000;
        /// How many keys they share.
        keys: u16 = 3, 1..=10_000;
        /// Operations per client; 0 = as many as the time allows.
        ops: u64 = 0, 0..=100_000_000;
        /// How often each operation comes, as weights.
        mix: Mix = Mix::default();
        /// Operations a client may have under way.
        window: u16 = 1, 1..=1_000;
        /// What follows a write whose outcome is unknown.
        after_unknown: AfterUnknown = AfterUnknown::Read;
        /// What follows a watch event.
        after_event: AfterEvent = AfterEvent::Read;
        /// What follows the last operation.
        at_end: AtEnd = AtEnd::Stay;
        /// Time between two operations of a client; default as the kind has it.
        think_ms: Option<Range> = None;
        /// Session timeout asked for.
        session_timeout_ms: u32 = 2_000, 1..=86_400_000;
        /// The servers they know; default all.
        servers: Option<Vec<u8>> = None;
        /// How they go through them.
        hosts: Hosts = Hosts::Shuffled;
        /// What a watcher watches; default the ephemerals of every holder.
        paths: Option<Vec<String>> = None;
        /// Which recipe, where the kind is `recipe`.
        recipe: Option<Recipe> = None;
        /// Rounds of a recipe per client; 0 = as many as the time allows.
        rounds: u64 = 0, 0..=1_000_000;
        /// How long what a recipe holds is held between two uses; default as the recipe has it.
        hold_ms: Option<Range> = None;
        /// What each of the clients does, where the kind is `script`.
        script: Vec<Step> = Vec::new();
    }
}

record! {
    /// One operation of a script.
    pub struct Step as "a step of \"script\"" {
        /// Which operation.
        run: Deed;
        /// On which znode.
        path: String = "/".to_owned();
        /// The data of create and set.
        data: String = String::new();
        /// The version that set and delete expect; -1 = any.
        version: i32 = -1;
        /// Whether get, exists and children leave a watch.
        watch: bool = false;
        /// When it is handed in, by the client's clock from its start; null = when everything before it has ended.
        at_ms: Option<u64> = None;
    }
}

names! {
    /// What a step of a script does.
    pub enum Deed {
        /// create a persistent znode.
        Create = "create",
        /// create an ephemeral znode.
        Ephemeral = "ephemeral",
        /// create a persistent znode with a sequence number.
        Sequential = "sequential",
        /// create an ephemeral znode with a sequence number.
        EphemeralSequential = "ephemeral-sequential",
        /// setData.
        Set = "set",
        /// delete.
        Delete = "delete",
        /// getData.
        Get = "get",
        /// exists.
        Exists = "exists",
        /// getChildren.
        Children = "children",
        /// sync.
        Sync = "sync",
        /// addWatch: persistent, of this znode.
        Watch = "watch",
        /// addWatch: persistent, of this znode and everything below.
        WatchRecursive = "watch-recursive",
        /// Ends the session.
        Close = "close",
    }
}

record! {
    /// Weights of operations.
    pub struct Mix as "\"mix\"" {
        /// getData.
        read: u32 = 0, 0..=1_000_000;
        /// setData, whatever the version, or create where the znode is known to be missing.
        write: u32 = 0, 0..=1_000_000;
        /// setData on condition that the version is the one last seen.
        cas: u32 = 0, 0..=1_000_000;
        /// setData on condition of the version before the one last seen.
        stale_cas: u32 = 0, 0..=1_000_000;
        /// create.
        create: u32 = 0, 0..=1_000_000;
        /// delete, half of them on condition of the version last seen.
        delete: u32 = 0, 0..=1_000_000;
        /// exists or getData that leaves a watch.
        watch: u32 = 0, 0..=1_000_000;
        /// getChildren of the root, half of them with a watch.
        children: u32 = 0, 0..=1_000_000;
        /// addWatch, persistent or persistent recursive.
        lasting_watch: u32 = 0, 0..=1_000_000;
        /// removeWatches of every kind.
        remove_watch: u32 = 0, 0..=1_000_000;
        /// sync.
        sync: u32 = 0, 0..=1_000_000;
        /// A check and two writes in one.
        multi: u32 = 0, 0..=1_000_000;
        /// Create or delete the client's own ephemeral.
        ephemeral: u32 = 0, 0..=1_000_000;
        /// Create an ephemeral sequential znode.
        sequential: u32 = 0, 0..=1_000_000;
        /// A create without a body, which no server can read.
        undecodable: u32 = 0, 0..=1_000_000;
    }
}

impl Mix {
    const NOTHING: Self = Self {
        read: 0,
        write: 0,
        cas: 0,
        stale_cas: 0,
        create: 0,
        delete: 0,
        watch: 0,
        children: 0,
        lasting_watch: 0,
        remove_watch: 0,
        sync: 0,
        multi: 0,
        ephemeral: 0,
        sequential: 0,
        undecodable: 0,
    };

    /// Whether no operation has any weight.
    pub fn is_empty(&self) -> bool {
        *self == Self::NOTHING
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            read: 4,
            write: 4,
            cas: 3,
            create: 1,
            delete: 1,
            watch: 2,
            sync: 1,
            ..Self::NOTHING
        }
    }
}

record! {
    /// When a run ends.
    pub struct Limits as "\"limits\"" {
        /// After this much virtual time, extended until liveness can be judged.
        virtual_ms: u64 = 60_000, 1..=86_400_000;
        /// After this many events: the run counts as undecided then.
        events: u64 = 20_000_000, 1..=1_000_000_000_000;
        /// Who must recover then, and stays broken if not.
        core: Core = Core::Healed;
    }
}

names! {
    /// Who is left in peace when the time of a run is over, until recovery can be judged.
    pub enum Core {
        /// Everything is healed; a leader and an acknowledged write are asked for.
        Healed = "healed",
        /// Everything is healed; every server must catch up, and every operation must have an outcome.
        All = "all",
        /// A drawn quorum is healed and must catch up; the others stay broken, each in a drawn way.
        Drawn = "drawn",
    }
}

names! {
    /// What a scenario expects of its run as a whole.
    pub enum Expected {
        /// No property is violated or undecided.
        Holds = "holds",
        /// Some property is violated.
        Violated = "violated",
        /// Nothing is violated, but a budget was hit.
        Undecided = "undecided",
        /// What is violated is excused by a fault outside Zab's model.
        Excused = "excused",
    }
}

impl Expected {
    /// The verdict it stands for.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Holds => Verdict::Holds,
            Self::Violated => Verdict::Violated,
            Self::Undecided => Verdict::Undecided,
            Self::Excused => Verdict::Excused,
        }
    }
}

record! {
    /// What must come out.
    pub struct Expect as "\"expect\"" {
        /// The verdict on the whole run.
        verdict: Expected;
        /// The property that must be violated (or undecided) then.
        property: Option<String> = None;
        /// The run's digest, 16 hexadecimal digits; `replay` verifies it.
        digest: Option<String> = None;
    }
}
