//! Properties, violations and verdicts: what checkers say.

use std::fmt;

use super::news::{End, Frequent, News};
use crate::base::id::EventId;
use crate::base::time::Time;

/// The properties that are judged; names as in design.md §9, wording as in zab.md §16.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`statement` says each in a sentence")]
pub enum Property {
    Integrity,
    TotalOrder,
    PrimaryOrder,
    PrimaryIntegrity,
    OneLeaderPerEpoch,
    EpochDiscipline,
    Promise,
    TruthfulAck,
    TruthfulNewleaderAck,
    TruthfulVote,
    CommitQuorum,
    CommitOrder,
    Survivability,
    TruncationSafety,
    CommittedSurvives,
    ToldIsCommitted,
    StateEquality,
    Sessions,
    LinearizableWrites,
    SessionGuarantees,
    MonotonicReads,
    ReadYourWrites,
    AtomicMultis,
    SequentialConsistency,
    WatchFilter,
    WatchOnce,
    WatchOrder,
    WatchSpurious,
    WatchLost,
    WatchRearm,
    Liveness,
    Convergence,
    Answered,
    SyncRead,
    LinearizableReads,
    MutualExclusion,
    FairOrder,
    NoHerd,
    Fencing,
    CounterExact,
    QueueOnce,
    QueueLossless,
    QueueOrder,
    BarrierSafety,
    ConfigMonotone,
    ConfigConverges,
    MembershipConverges,
    CommitAgreement,
    CommitValidity,
    RecipeLiveness,
    BelievedExclusion,
    TimestampOrder,
    NewerVersionWins,
    WatchEveryChange,
    LearnersDoNotVote,
    OneLeaderAtATime,
}

/// What a property is judged from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// What clients did and were told, nothing else.
    BlackBox,
    /// That, held against the committed log.
    WhiteBox,
    /// That, held against the part of the committed log that clients were acknowledged: there is no other in a recording.
    RebuiltLog,
}

impl Sight {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::BlackBox => "black-box",
            Self::WhiteBox => "white-box",
            Self::RebuiltLog => "black-box (rebuilt log)",
        }
    }

    /// In a recording there is no committed log.
    #[must_use]
    pub fn recorded(self) -> Self {
        match self {
            Self::BlackBox => self,
            Self::WhiteBox | Self::RebuiltLog => Self::RebuiltLog,
        }
    }
}

impl Property {
    /// Every property, in the order of reports.
    pub const ALL: [Self; 56] = [
        Self::Integrity,
        Self::TotalOrder,
        Self::PrimaryOrder,
        Self::PrimaryIntegrity,
        Self::OneLeaderPerEpoch,
        Self::EpochDiscipline,
        Self::Promise,
        Self::TruthfulAck,
        Self::TruthfulNewleaderAck,
        Self::TruthfulVote,
        Self::CommitQuorum,
        Self::CommitOrder,
        Self::Survivability,
        Self::TruncationSafety,
        Self::CommittedSurvives,
        Self::ToldIsCommitted,
        Self::StateEquality,
        Self::Sessions,
        Self::LinearizableWrites,
        Self::SessionGuarantees,
        Self::MonotonicReads,
        Self::ReadYourWrites,
        Self::AtomicMultis,
        Self::SequentialConsistency,
        Self::WatchFilter,
        Self::WatchOnce,
        Self::WatchOrder,
        Self::WatchSpurious,
        Self::WatchLost,
        Self::WatchRearm,
        Self::Liveness,
        Self::Convergence,
        Self::Answered,
        Self::SyncRead,
        Self::LinearizableReads,
        Self::MutualExclusion,
        Self::FairOrder,
        Self::NoHerd,
        Self::Fencing,
        Self::CounterExact,
        Self::QueueOnce,
        Self::QueueLossless,
        Self::QueueOrder,
        Self::BarrierSafety,
        Self::ConfigMonotone,
        Self::ConfigConverges,
        Self::MembershipConverges,
        Self::CommitAgreement,
        Self::CommitValidity,
        Self::RecipeLiveness,
        Self::BelievedExclusion,
        Self::TimestampOrder,
        Self::NewerVersionWins,
        Self::WatchEveryChange,
        Self::LearnersDoNotVote,
        Self::OneLeaderAtATime,
    ];

    /// Whether ZooKeeper keeps it: what is judged unless a scenario says otherwise. The others are claims that can be put
    /// to the test.
    pub fn is_promised(self) -> bool {
        self < Self::SyncRead
    }

    /// Whether it is about what a recipe makes of ZooKeeper's promises.
    pub fn is_of_recipes(self) -> bool {
        (Self::MutualExclusion..=Self::BelievedExclusion).contains(&self)
    }

    /// Whether it is what introductory texts say, and not so.
    pub fn is_of_the_article(self) -> bool {
        self >= Self::TimestampOrder
    }

    /// Every property that ZooKeeper keeps.
    pub fn promised() -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(|property| property.is_promised())
    }

    /// Its name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::TotalOrder => "total-order",
            Self::PrimaryOrder => "primary-order",
            Self::PrimaryIntegrity => "primary-integrity",
            Self::OneLeaderPerEpoch => "one-leader-per-epoch",
            Self::EpochDiscipline => "epoch-discipline",
            Self::Promise => "promise",
            Self::TruthfulAck => "truthful-ack",
            Self::TruthfulNewleaderAck => "truthful-newleader-ack",
            Self::TruthfulVote => "truthful-vote",
            Self::CommitQuorum => "commit-quorum",
            Self::CommitOrder => "commit-order",
            Self::Survivability => "survivability",
            Self::TruncationSafety => "truncation-safety",
            Self::CommittedSurvives => "committed-survives",
            Self::ToldIsCommitted => "told-is-committed",
            Self::StateEquality => "state-equality",
            Self::Sessions => "sessions",
            Self::LinearizableWrites => "linearizable-writes",
            Self::SessionGuarantees => "session-guarantees",
            Self::MonotonicReads => "monotonic-reads",
            Self::ReadYourWrites => "read-your-writes",
            Self::AtomicMultis => "atomic-multis",
            Self::SequentialConsistency => "sequential-consistency",
            Self::WatchFilter => "watch-filter",
            Self::WatchOnce => "watch-once",
            Self::WatchOrder => "watch-order",
            Self::WatchSpurious => "watch-spurious",
            Self::WatchLost => "watch-lost",
            Self::WatchRearm => "watch-rearm",
            Self::Liveness => "liveness",
            Self::Convergence => "convergence",
            Self::Answered => "answered",
            Self::SyncRead => "sync-read",
            Self::LinearizableReads => "linearizable-reads",
            Self::MutualExclusion => "mutual-exclusion",
            Self::FairOrder => "fair-order",
            Self::NoHerd => "no-herd",
            Self::Fencing => "fencing",
            Self::CounterExact => "counter-exact",
            Self::QueueOnce => "queue-once",
            Self::QueueLossless => "queue-lossless",
            Self::QueueOrder => "queue-order",
            Self::BarrierSafety => "barrier-safety",
            Self::ConfigMonotone => "config-monotone",
            Self::ConfigConverges => "config-converges",
            Self::MembershipConverges => "membership-converges",
            Self::CommitAgreement => "commit-agreement",
            Self::CommitValidity => "commit-validity",
            Self::RecipeLiveness => "recipe-liveness",
            Self::BelievedExclusion => "believed-exclusion",
            Self::TimestampOrder => "timestamp-order",
            Self::NewerVersionWins => "newer-version-wins",
            Self::WatchEveryChange => "watch-every-change",
            Self::LearnersDoNotVote => "learners-do-not-vote",
            Self::OneLeaderAtATime => "one-leader-at-a-time",
        }
    }

    /// Of a property of watches: whether the client's view alone decides it (dst.md §5.7).
    pub fn sight(self) -> Option<Sight> {
        if matches!(self, Self::WatchFilter | Self::WatchOnce | Self::WatchOrder) {
            Some(Sight::BlackBox)
        } else if matches!(
            self,
            Self::WatchSpurious | Self::WatchLost | Self::WatchRearm
        ) {
            Some(Sight::WhiteBox)
        } else {
            None
        }
    }

    /// The property of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|property| property.name() == name)
    }

    /// What it claims, in one sentence.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub fn statement(self) -> &'static str {
        match self {
            Self::Integrity => {
                "whatever a server delivers was proposed by a leader, and a role instance delivers it once"
            }
            Self::TotalOrder => {
                "all servers that serve have applied prefixes of one and the same history"
            }
            Self::PrimaryOrder => {
                "a history continues with the next counter of its epoch or the first of a later one"
            }
            Self::PrimaryIntegrity => {
                "nothing of an earlier epoch is committed or left to apply once a later epoch has begun"
            }
            Self::OneLeaderPerEpoch => "an epoch has at most one leader",
            Self::EpochDiscipline => {
                "a server's epochs never go back, and its history never runs ahead of them"
            }
            Self::Promise => {
                "a server that promised an epoch acknowledges nothing to leaders of earlier ones"
            }
            Self::TruthfulAck => {
                "an acknowledged transaction and all before it are on the acknowledging server's disk"
            }
            Self::TruthfulNewleaderAck => {
                "who acknowledges NEWLEADER has the leader's initial history and its epoch on disk"
            }
            Self::TruthfulVote => "a server's vote for itself describes what is on its disk",
            Self::CommitQuorum => "a transaction is committed only when a quorum has it on disk",
            Self::CommitOrder => {
                "transactions are committed and applied in the order in which they were proposed"
            }
            Self::Survivability => {
                "every quorum contains, as its best candidate, a server that holds all committed transactions"
            }
            Self::TruncationSafety => {
                "no committed transaction that a server acknowledged is removed from its disk"
            }
            Self::CommittedSurvives => {
                "a write acknowledged to a client or committed is held by every later leader"
            }
            Self::ToldIsCommitted => "no client is told of a transaction before it is committed",
            Self::StateEquality => "servers that applied the same history have the same state",
            Self::Sessions => {
                "ephemerals belong to live sessions, a closed session stays closed, expiry keeps its time bounds"
            }
            Self::LinearizableWrites => {
                "updates appear to happen one at a time, in real-time order, under the versions reported"
            }
            Self::SessionGuarantees => {
                "in one session reads never go back and own acknowledged writes are seen"
            }
            Self::MonotonicReads => "what a session reads never goes back",
            Self::ReadYourWrites => "a session reads its own acknowledged writes",
            Self::AtomicMultis => "what a transaction changes is seen as a whole or not at all",
            Self::SequentialConsistency => {
                "one order of all operations explains what clients saw and keeps the order of each session"
            }
            Self::WatchFilter => {
                "an event tells of a path and kind of change that its receiver watched"
            }
            Self::WatchOnce => "a one-shot watch fires at most once",
            Self::WatchOrder => {
                "an event precedes every reply that shows its change, and events come in order"
            }
            Self::WatchSpurious => "every event has a change that caused it",
            Self::WatchLost => {
                "every change a connected client watched for is told before it sees the change's effect"
            }
            Self::WatchRearm => "after a reconnect every watch is either caught up or armed again",
            Self::Liveness => {
                "after the last fault a leader emerges and a write is acknowledged in bounded time"
            }
            Self::Convergence => {
                "after the last fault every undisturbed server catches up with what is committed in bounded time"
            }
            Self::Answered => {
                "after the last fault every operation is answered, or known to be lost, in bounded time"
            }
            Self::SyncRead => "a read after a sync sees what was written before the sync",
            Self::LinearizableReads => "a read sees every write that was over before it began",
            Self::MutualExclusion => "in the tree at most one holds, at each zxid",
            Self::FairOrder => "who came first holds first",
            Self::NoHerd => "a release wakes only those who can go on",
            Self::Fencing => "the resource accepts holders in their order, and no late one",
            Self::CounterExact => "a counter holds what was added, each value once",
            Self::QueueOnce => "an element of a queue is worked on at most once",
            Self::QueueLossless => "what is removed is worked on, or known to be unsure",
            Self::QueueOrder => "nobody passes over a smaller element it could see",
            Self::BarrierSafety => "nobody passes a closed barrier or goes without the party",
            Self::ConfigMonotone => "no configuration is used that is known to be old",
            Self::ConfigConverges => "every client ends at the last configuration",
            Self::MembershipConverges => "every view of a group ends at its living",
            Self::CommitAgreement => "nobody commits what another one aborts",
            Self::CommitValidity => "nothing is committed without every site's consent",
            Self::RecipeLiveness => "after the last fault nobody waits for ever",
            Self::BelievedExclusion => "at most one client believes that it holds",
            Self::TimestampOrder => "what comes later has the later timestamp",
            Self::NewerVersionWins => "of two writes that conflict the later one takes effect",
            Self::WatchEveryChange => "a watch fires on every change",
            Self::LearnersDoNotVote => "no learner's vote counts",
            Self::OneLeaderAtATime => "at each moment at most one server leads",
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fact with its place in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// The event in which it became true.
    pub event: EventId,
    /// World time.
    pub time: Time,
}

/// One line of a violation's story: a sentence built from one piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Where in the run.
    pub at: At,
    /// What, lower case, without full stop: `server 2 crashed; records after 1:5 were not durable`.
    pub text: String,
}

/// A property that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub property: Property,
    /// Where it was noticed.
    pub at: At,
    /// A stable key of the kind of failure, free of ids and times; shrinking keeps it.
    pub signature: &'static str,
    /// Properties that are broken by the same contradiction, by their own names.
    pub also: &'static [Property],
    /// Evidence in order of time; the last sentence states the contradiction. At least one.
    pub story: Vec<Sentence>,
}

impl Violation {
    /// The same contradiction, which breaks these properties as well.
    #[must_use]
    pub fn with_also(self, also: &'static [Property]) -> Self {
        Self { also, ..self }
    }
}

/// Something that ZooKeeper allows by design and that surprises its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The property that it would break were it not allowed.
    pub property: Property,
    /// A stable key of its kind.
    pub kind: &'static str,
    /// How often it happened.
    pub count: u64,
    /// The first time, told as a violation's story is.
    pub story: Vec<Sentence>,
}

/// What a run says of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Exercised and never broken.
    Holds,
    /// Broken.
    Violated,
    /// A budget was hit before it could be judged.
    Undecided,
    /// Never exercised.
    Vacuous,
    /// Not kept, because it could not be: a fault that Zab does not promise to survive had done its work before (whoever
    /// plays the run knows the faults), or too few servers can run at all (`check::recovery`).
    Excused,
}

impl Verdict {
    /// Its name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::Undecided => "undecided",
            Self::Vacuous => "vacuous",
            Self::Excused => "excused",
        }
    }
}

/// What monitors write into: counts of judgements per property, and violations (at most a few per property are kept).
#[derive(Clone, Debug)]
pub struct Findings {
    exercised: [u64; Property::ALL.len()],
    violations: Vec<Violation>,
    undecided: Vec<(Property, String)>,
    excused: Vec<(Property, String)>,
    notes: Vec<Note>,
    /// Where facts come in batches: which of a batch is judged, and what was found at which.
    judged: Option<usize>,
    batch: Vec<(usize, Violation)>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            exercised: [0; Property::ALL.len()],
            violations: Vec::new(),
            undecided: Vec::new(),
            excused: Vec::new(),
            notes: Vec::new(),
            judged: None,
            batch: Vec::new(),
        }
    }
}

/// Violations kept per property: the first ones explain, the rest repeats.
const KEPT: usize = 3;

impl Findings {
    /// Counts one judgement of a property, so that it is not vacuous.
    pub fn exercise(&mut self, property: Property) {
        self.exercised[property as usize] += 1;
    }

    /// Reports a violation, also under the other names of what it breaks.
    pub fn violate(&mut self, violation: Violation) {
        let also = violation.also.iter().map(|property| Violation {
            property: *property,
            also: &[],
            ..violation.clone()
        });
        let also: Vec<Violation> = also.collect();
        for violation in std::iter::once(violation).chain(also) {
            match self.judged {
                Some(fact) => self.batch.push((fact, violation)),
                None => self.keep(violation),
            }
        }
    }

    /// What is found from now on is found at this fact of a batch.
    pub(super) fn judge(&mut self, fact: usize) {
        self.judged = Some(fact);
    }

    /// Every monitor has judged the batch: what was found is kept in the order of facts, as if they had come one by one.
    pub(super) fn end_batch(&mut self) {
        self.judged = None;
        self.batch.sort_by_key(|(fact, _)| *fact);
        for (_, violation) in std::mem::take(&mut self.batch) {
            self.keep(violation);
        }
    }

    fn keep(&mut self, violation: Violation) {
        assert!(
            !violation.story.is_empty(),
            "a violation of {} without a sentence",
            violation.property
        );
        if self
            .violations
            .iter()
            .filter(|other| other.property == violation.property)
            .count()
            < KEPT
        {
            self.violations.push(violation);
        }
    }

    /// Reports something that is allowed by design; the story is told of the first of its kind.
    pub fn note(
        &mut self,
        property: Property,
        kind: &'static str,
        story: impl FnOnce() -> Vec<Sentence>,
    ) {
        let known = self.notes.iter_mut().find(|note| note.kind == kind);
        if let Some(note) = known {
            note.count += 1;
        } else {
            self.notes.push(Note {
                property,
                kind,
                count: 1,
                story: story(),
            });
        }
    }

    /// What was allowed by design, by kind, in the order found.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Reports that a property could not be judged.
    pub fn leave_undecided(&mut self, property: Property, why: String) {
        self.undecided.push((property, why));
    }

    /// Reports that a property was not kept because it could not be.
    pub fn excuse(&mut self, property: Property, why: String) {
        self.excused.push((property, why));
    }

    /// How often a property was judged.
    pub fn exercised(&self, property: Property) -> u64 {
        self.exercised[property as usize]
    }

    /// The violations so far, in the order found.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The verdict on one property.
    pub fn verdict(&self, property: Property) -> Verdict {
        if self
            .violations
            .iter()
            .any(|violation| violation.property == property)
        {
            Verdict::Violated
        } else if self
            .undecided
            .iter()
            .any(|(undecided, _)| *undecided == property)
        {
            Verdict::Undecided
        } else if self.excused.iter().any(|(excused, _)| *excused == property) {
            Verdict::Excused
        } else if self.exercised(property) == 0 {
            Verdict::Vacuous
        } else {
            Verdict::Holds
        }
    }

    /// Why a property is undecided or excused, if it is.
    pub fn why(&self, property: Property) -> Option<&str> {
        let reasons = self.undecided.iter().chain(&self.excused);
        reasons
            .filter(|(other, _)| *other == property)
            .map(|(_, why)| why.as_str())
            .next()
    }
}

/// An online checker over the facts of one run.
pub(super) trait Monitor {
    /// Whether facts of this kind can matter to it, if they commit nothing. Facts that are not frequent are shown to all.
    fn heeds(&self, _kind: Frequent) -> bool {
        true
    }

    /// Takes the next fact.
    fn observe(&mut self, news: &News<'_>, findings: &mut Findings);

    /// The run is over.
    fn finish(&mut self, end: &End<'_>, findings: &mut Findings);
}
