//! Situations of the protocol that a run reached, counted from its facts (dst.md §6.7): what a campaign never reached, it
//! has not tested.

mod clients;
mod servers;
#[cfg(test)]
mod tests;

use self::clients::Clients;
use self::servers::Servers;
use crate::history::fact::Fact;

/// Lists the situations: variant, name in reports, what it means.
macro_rules! situations {
    ($( $variant:ident $name:literal $says:literal; )*) => {
        /// A situation worth reaching.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Situation {
            $( #[doc = $says] $variant, )*
        }

        impl Situation {
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Every one, in the order of reports.
            pub const ALL: &[Self] = &[ $( Self::$variant, )* ];

            /// Its name in reports.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// What it means, in a sentence without full stop.
            pub fn says(self) -> &'static str {
                match self { $( Self::$variant => $says, )* }
            }
        }
    };
}

situations! {
    LookingAgain "looking-again" "a server looked for a leader again without having served";
    ElectedApart "elected-apart" "two servers had decided for different leaders at the same time";
    OldLeaderElectedAgain "old-leader-elected-again" "the server that led last was elected again";
    LeadersAtOnce "leaders-at-once" "two servers were in the role LEADING at the same time";
    LeadersServing "leaders-serving" "two leaders served clients at the same time";
    LeadGivenUp "lead-given-up" "a leader ended before a quorum had its epoch";
    EpochWasted "epoch-wasted" "an epoch was proposed and never established";
    PromiseNotCounted "promise-not-counted" "a learner that had already promised the epoch joined without being counted";
    BootedWithPromise "booted-with-promise" "a server booted with a promise above the epoch it followed last";
    BootDropped "boot-dropped" "a boot dropped records of an epoch that was never begun";
    BootRefused "boot-refused" "a server refused to start";
    DiffEmpty "diff-empty" "a learner that lacked nothing was synced";
    DiffWithTxns "diff-with-txns" "a DIFF with transactions was sent";
    LogDiffSent "log-diff-sent" "a DIFF was read from the leader's log, beyond its committed log";
    TruncSent "trunc-sent" "a TRUNC was sent";
    SnapSent "snap-sent" "a SNAP was sent to a voter";
    SnapToObserver "snap-to-observer" "a SNAP was sent to an observer";
    SyncInterrupted "sync-interrupted" "a learner crashed or left before its sync was durable";
    CrashBeforeNewLeaderAck "crash-before-newleader-ack" "a learner crashed after its durable switch, before its NEWLEADER ack";
    CrashBeforeUpToDate "crash-before-uptodate" "a learner crashed between its NEWLEADER ack and serving";
    LiveDuringSync "live-during-sync" "a proposal was made while a learner was between its NEWLEADER ack and serving";
    JoinedLive "joined-live" "a learner began to serve under a leader that had already committed";
    QuorumExact "quorum-exact" "NEWLEADER was acked by exactly a quorum";
    QuorumAll "quorum-all" "NEWLEADER was acked by every voter";
    CrashBeforeQuorum "crash-before-quorum" "a leader crashed between proposing its epoch and its quorum";
    CrashWithProposals "crash-with-proposals" "a serving leader crashed with proposals that were not committed";
    InheritedProposal "inherited-proposal" "a proposal without a commit was committed by the quorum of a later epoch";
    AbandonedProposal "abandoned-proposal" "a proposal died: the next established history lacks it";
    CommitExact "commit-exact" "a commit was decided on exactly a quorum of acks";
    CommitWithoutLeader "commit-without-leader" "a commit was decided before the leader's own log was forced";
    ManyInFlight "many-in-flight" "a leader had ten or more proposals in flight";
    MinorityProposed "minority-proposed" "a leader proposed while another one was established with a later epoch";
    CrashUnforced "crash-unforced" "a server crashed with appended records that were not forced";
    CrashBeforeAck "crash-before-ack" "a server crashed with forced records that it had not acked";
    MajorityDown "majority-down" "a majority of the voters was down at once";
    AllDown "all-down" "every voter was down at once";
    ObserverServed "observer-served" "an observer served clients";
    StaleLeaderPacket "stale-leader-packet" "a packet of a connection that was over was ignored";
    SessionOpened "session-opened" "a session was opened";
    SessionExpired "session-expired" "the leader expired a session";
    SessionClosed "session-closed" "a client closed its session";
    SessionMoved "session-moved" "a session moved to another server";
    MovedBack "moved-back" "a session moved back to a server it had left";
    MovedAcrossEpochs "moved-across-epochs" "a session went on under a later leader than the one before";
    MovedRequestRefused "moved-request-refused" "a request was refused because its session had moved";
    SeenMoreRefused "seen-more-refused" "a client was turned away by a server that was behind what it had seen";
    ExpiredTold "expired-told" "a client was told that its session is over";
    ExpiredByItself "expired-by-itself" "a client declared its session over by its own clock";
    EphemeralsExpired "ephemerals-expired" "the end of a session deleted several znodes at one zxid";
    WatchCreated "watch-created" "a watch told of a creation";
    WatchDeleted "watch-deleted" "a watch told of a deletion";
    WatchData "watch-data" "a watch told of new data";
    WatchChildren "watch-children" "a watch told of changed children";
    WatchesSetAgain "watches-set-again" "a client set its watches again on a new connection";
    WatchOverGap "watch-over-gap" "a watch set again told at once of what was missed";
    UnknownOutcome "unknown-outcome" "an operation's outcome stayed unknown";
    NeverSent "never-sent" "an operation was never sent";
    Conflict "conflict" "a conditional write was refused for its version";
    MultiDone "multi-done" "a multi was carried out";
    MultiFailed "multi-failed" "a multi failed and changed nothing";
    Synced "synced" "a sync was answered";
    Numbered "numbered" "a sequential znode was created";
    ReadBehind "read-behind" "a read was answered from a state older than another client had already seen";
}

/// Counts of one run or of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached([u64; Situation::COUNT]);

impl Default for Reached {
    fn default() -> Self {
        Self([0; Situation::COUNT])
    }
}

impl Reached {
    /// How often a situation was reached.
    pub fn count(&self, situation: Situation) -> u64 {
        self.0[situation as usize]
    }

    /// Counts it once more.
    fn reach(&mut self, situation: Situation) {
        self.0[situation as usize] += 1;
    }

    fn reach_if(&mut self, is_reached: bool, situation: Situation) {
        if is_reached {
            self.reach(situation);
        }
    }

    /// Every situation with its count, in the order of reports.
    pub fn rows(&self) -> impl Iterator<Item = (Situation, u64)> {
        Situation::ALL
            .iter()
            .map(|situation| (*situation, self.count(*situation)))
    }
}

/// Watches a run for situations.
#[derive(Clone, Debug)]
pub struct Situations {
    reached: Reached,
    servers: Servers,
    clients: Clients,
}

impl Situations {
    /// Nothing was seen of an ensemble with so many voters.
    pub fn new(voters: u8) -> Self {
        Self {
            reached: Reached::default(),
            servers: Servers::new(voters),
            clients: Clients::default(),
        }
    }

    /// Takes the next fact.
    pub fn observe(&mut self, fact: &Fact) {
        self.servers.observe(fact, &mut self.reached);
        self.clients.observe(fact, &mut self.reached);
    }

    /// What was reached so far.
    pub fn reached(&self) -> Reached {
        self.reached
    }
}
