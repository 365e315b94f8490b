//! Defects of synchronisation.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::zab::rules::sync::{
    AppliedAt, BelowWindow, DiffHead, DiskErrors, Disorder, Established, FirstAck, Forwarding,
    LateCommits, LeadStart, NewLeaderOrder, ProposalsTo, RoleEnd, SnapContent, SyncAcks,
    SyncInforms, SyncSessions, SyncThread, TruncRule, Uncommitted, WalkRule, WindowRule,
};

pub(super) const DEFECTS: [Defect; 39] = [
    Defect {
        id: "epoch-before-log",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4643],
            versions: "3.7.0 to 3.9.1",
            breaks: Property::Survivability,
        },
        story: "At NEWLEADER a follower writes currentEpoch first and logs the transactions of its DIFF afterwards. \
                A crash in between leaves a new epoch over a short log, and epoch comes before zxid in the order of \
                votes: the server beats everybody who has more. Elected, it truncates the others to what it has. \
                Here that shows as soon as the file is written, for the survivors of a crash at that moment could \
                elect it; model checking needed three crashes to lose the transaction.",
        built: Built::Rule(|rules| rules.sync.new_leader = NewLeaderOrder::EpochThenLog),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "ack-newleader-before-fsync",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4646],
            versions: "3.7.0 to 3.9.1",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "The transactions of a DIFF are handed to the thread that writes the log, and NEWLEADER is \
                acknowledged without waiting for it. The leader counts that ACK as a quorum for its whole history \
                and begins to serve. If the follower loses its power before the fsync, what was committed by its ACK \
                is on one disk fewer than a quorum, and the next election can do without it.",
        built: Built::Rule(|rules| rules.sync.new_leader = NewLeaderOrder::AckBeforeForce),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "diff-race-async-log",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4785],
            versions: "3.7.0 to 3.8.4 and 3.9.1",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "The order of ZOOKEEPER-3911 as it was released: currentEpoch, then everything to the log's thread, \
                then the ACK at once. It joins the windows of 4643 and 4646: the epoch is ahead of the log, and the \
                ACK is ahead of both append and fsync.",
        built: Built::Rule(|rules| rules.sync.new_leader = NewLeaderOrder::EpochThenLogThenForce),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "diff-uncommitted-not-logged",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[3911],
            versions: "3.4.10 to 3.4.14, 3.5.3 to 3.5.9, 3.6.0 to 3.6.2",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "To save snapshots, a DIFF was no longer made durable at NEWLEADER: its transactions stayed in memory \
                and went to the log only after UPTODATE. The leader takes the ACK of NEWLEADER for a promise that \
                they are on disk, commits its history and serves it to clients. When leader and follower crash, what \
                clients have read is gone.",
        built: Built::Rule(|rules| {
            rules.sync.new_leader = NewLeaderOrder::AckThenLog;
            rules.sync.applied = AppliedAt::UpToDate;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "commit-in-sync-npe",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4394],
            versions: "before 3.9.3",
            breaks: Property::CommitOrder,
        },
        story: "A learner moves the proposals of its sync to the log at NEWLEADER and empties the list in which a \
                COMMIT looks for them. A COMMIT that comes before UPTODATE finds nothing, the learner's thread dies \
                of a NullPointerException, and the server goes back to LOOKING. No fault is needed: a server that \
                joins while clients write is enough, and it may have to join again and again.",
        built: Built::Rule(|rules| rules.sync.uncommitted = Uncommitted::Forgotten),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "proposal-ack-before-newleader-ack",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4685],
            versions: "3.7.0 to 3.9.1",
            breaks: Property::Promise,
        },
        story: "Once logging is asynchronous, the ACK of a transaction of the sync can leave before that of \
                NEWLEADER. The leader takes the first ACK for the one it waits for, finds that it names another \
                epoch, and does not count it. With one follower too few it gives up after initLimit, although \
                everybody did what was asked. What is wrong at the follower: it acknowledges a transaction to a \
                leader whose epoch it has not accepted yet.",
        built: Built::Rule(|rules| {
            rules.sync.acks = SyncAcks::WhenForced;
            rules.sync.first_ack = FirstAck::Any;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "uncommitted-visible-at-uptodate",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[3023],
            versions: "3.4.10 to 3.9.2",
            breaks: Property::PrimaryIntegrity,
        },
        story: "After UPTODATE a follower opens its port although the committed transactions of its DIFF are still \
                queued for the commit processor. Its leader had begun the epoch with them, and the follower itself \
                had acknowledged them. For a while it serves a state older than the epoch it belongs to.",
        built: Built::Rule(|rules| rules.sync.applied = AppliedAt::UpToDate),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "sync-thread-outlives-shutdown",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4712, 4541],
            versions: "before 3.9.3",
            breaks: Property::TruthfulAck,
        },
        story: "A follower that steps down does not stop the thread that writes its log. The vote is computed from \
                what is logged by then; the proposals still queued are written afterwards, while it looks for a \
                leader or is being synced by one. Nobody knows of them: the next leader sends its DIFF as if they \
                were not there, and their log goes on behind a record that no leader has. The server acknowledges \
                later transactions on top of another history than its leader's.",
        built: Built::Rule(|rules| rules.sync.sync_thread = SyncThread::OutlivesRole),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "diff-no-trunc",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1154],
            versions: "before 3.3.4",
            breaks: Property::TotalOrder,
        },
        story: "A follower whose last zxid lies between the first and last of the leader's window gets a DIFF, \
                whether or not the leader has that very transaction. An ex-leader that logged a write alone and \
                crashed comes back, its zxid is covered by newer epochs, and nobody tells it to truncate. It keeps \
                the phantom and puts everybody else's history on top of it.",
        built: Built::Rule(|rules| {
            rules.sync.walk = WalkRule::WhateverIsLater;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "trunc-too-much",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1156],
            versions: "before 3.3.4",
            breaks: Property::TruncationSafety,
        },
        story: "The log's reader miscounts its position, and a truncation cuts one record more than it should. The \
                server believes that it is where the leader told it to be, and goes on from there. A transaction \
                that it had acknowledged, and that may be committed, is missing from its disk.",
        built: Built::Rule(|rules| rules.sync.trunc = TruncRule::OneTooMany),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "diff-race-with-commit",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[962, 882],
            versions: "before 3.3.3 and 3.4.0",
            breaks: Property::PrimaryOrder,
        },
        story: "The leader reads its committed log for a DIFF, and only later, without a common lock, adds the \
                follower to those who get live traffic. A transaction that is committed in between is in neither. A \
                follower that joins while clients write lacks it, without a fault and without noticing.",
        built: Built::Rule(|rules| {
            rules.sync.forwarding = Forwarding::WithNewLeader;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "last-proposed-unset",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1319],
            versions: "3.4.0",
            breaks: Property::PrimaryOrder,
        },
        story: "A line that sets lastProposed was commented out, so that the leader believes a joining follower to \
                be ahead of whatever is in flight and does not queue it. The follower gets the history and the \
                traffic to come, but not the proposals in between.",
        built: Built::Rule(|rules| {
            rules.sync.forwarding = Forwarding::WithoutBacklog;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "late-commits-dropped",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1282, 1264],
            versions: "before 3.3.4 and 3.4.0",
            breaks: Property::CommitOrder,
        },
        story: "COMMITs that reach a learner between the ACK of NEWLEADER and UPTODATE are applied nowhere. The \
                proposals stay pending until the next COMMIT, which is not for them: the server that follows the \
                rule exits. Until then clients read a state that misses a committed write.",
        built: Built::Rule(|rules| rules.sync.late_commits = LateCommits::Dropped),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "sync-bypasses-session-tracker",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1367],
            versions: "before 3.3.5 and 3.4.3",
            breaks: Property::StateEquality,
        },
        story: "The createSessions of a DIFF change the tree and not the session table. A follower that was down \
                when a client came has its ephemerals and does not know whose they are. When it becomes leader \
                nobody expires that session, and the ephemerals outlive their client for ever.",
        built: Built::Rule(|rules| rules.sync.sessions = SyncSessions::Bypassed),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "lastprocessed-from-diff-header",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[2355],
            versions: "before 3.4.11 and 3.5.4",
            breaks: Property::TruthfulVote,
        },
        story: "On DIFF a follower sets lastProcessedZxid to the leader's position before the first of the proposals \
                has come. If the connection dies then, it keeps the number and lacks the transactions. It votes with \
                that number, and the next leader takes it for up to date: a closeSession is never applied there and \
                its ephemerals stay.",
        built: Built::Rule(|rules| rules.sync.diff_head = DiffHead::RaisesLastProcessed),
        hunt: Hunt::family("swarm-all"),
    },
    Defect {
        id: "db-retained-over-election",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[2845, 2678],
            versions: "3.4.10 and 3.4.11, 3.5.3",
            breaks: Property::TruthfulVote,
        },
        story: "To spare a reload, the tree is kept from one role to the next as it is: at the last transaction \
                committed there, while the log holds later ones. The server votes and is synced by the tree's zxid. \
                It may promise less than it has acknowledged, and a later DIFF is logged behind records that nobody \
                else has.",
        built: Built::Rule(|rules| rules.sync.role_end = RoleEnd::WhatIsApplied),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "leader-snapshots-uncommitted",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1549, 1558, 4837, 1777],
            versions: "all to 3.9.5",
            breaks: Property::TotalOrder,
        },
        story: "A server that was elected writes a snapshot of what it holds, committed or not, before it has met a \
                quorum. If it loses, TRUNC cuts its log and leaves the snapshot: the state is read again from it, \
                with transactions that never happened. Either half alone is harmless, a snapshot at the start as \
                well as a TRUNC that leaves older snapshots.",
        built: Built::Rule(|rules| {
            rules.sync.lead_start = LeadStart::WritesSnapshot;
            rules.sync.trunc = TruncRule::LogNotSnapshots;
        }),
        hunt: Hunt {
            family: "failed-lead",
            set: &[("ensemble.voters", "3")],
            guidance: "a plan written by hand",
        },
    },
    Defect {
        id: "ack-outlives-truncation",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::TruncationSafety,
        },
        story: "TRUNC cuts the log on disk at once, as in 3.9.5, instead of with the switch at NEWLEADER. A follower \
                that acknowledged a transaction and reconnects to the same leader before that one has applied it is \
                told to truncate it; its ACK still counts there. The transaction is committed by a quorum in which \
                one disk does not hold it, until it is logged again after UPTODATE.",
        built: Built::Rule(|rules| rules.sync.trunc = TruncRule::LogNotSnapshots),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "newleader-before-snapshot",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[3104, 3589],
            versions: "before 3.4.15, 3.5.5 and 3.6.0",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "When snapshots are throttled, NEWLEADER can be queued before the bytes of the SNAP, and the follower \
                acknowledges it before the snapshot is durable. The leader counts a disk that still holds the old \
                history and the old epoch.",
        built: Built::Rule(|rules| rules.sync.new_leader = NewLeaderOrder::AckBeforeSnapshot),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "partial-snap-then-diff",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[3642],
            versions: "before 3.5.10, 3.6.3 and 3.7.0",
            breaks: Property::TruthfulVote,
        },
        story: "The connection breaks between a SNAP and its NEWLEADER, and the server keeps in memory what it has \
                loaded. Its disk is still the old one, but it votes and is synced by the zxid of the new state. The \
                next leader sends a DIFF on top, which is logged behind a hole.",
        built: Built::Rule(|rules| rules.sync.role_end = RoleEnd::BrokenSnap),
        hunt: Hunt {
            family: "broken-snap",
            set: &[("ensemble.voters", "3")],
            guidance: "a plan written by hand",
        },
    },
    Defect {
        id: "broken-trunc-kept",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[5094],
            versions: "3.9.3 to 3.9.5, open",
            breaks: Property::TruthfulVote,
        },
        story: "COMMITs that follow a TRUNC are applied to memory before NEWLEADER, but neither logged nor in a \
                snapshot. If the connection breaks there, memory is kept, ahead of the disk: what ZOOKEEPER-3642 \
                repaired for SNAP. The server votes with transactions that a crash would take from it.",
        built: Built::Rule(|rules| rules.sync.role_end = RoleEnd::BrokenTrunc),
        hunt: Hunt::family("swarm-all"),
    },
    Defect {
        id: "committedlog-hole",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4925],
            versions: "3.9.3",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "Transactions of a sync are applied without entering the window from which a leader serves DIFFs, and \
                nobody checks that the window is contiguous. Such a server becomes leader and sends a DIFF that \
                jumps over them. The learner logs what comes, acknowledges NEWLEADER, and has silently lost the part \
                in the middle.",
        built: Built::Rule(|rules| {
            rules.sync.window = WindowRule::WithoutSyncs;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "log-diff-with-gap",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[2846],
            versions: "3.5.0 to 3.9.5, open",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "For a learner below its window the leader reads its own log from the first record it finds, which \
                need not continue what the learner has: a SNAP has left a hole before it. The learner's check of \
                continuity does not look at the first proposal of a sync. It serves without the transactions in the \
                hole, and its log cannot be loaded at the next start.",
        built: Built::Rule(|rules| {
            rules.sync.below_window = BelowWindow::LogFromFirst;
            rules.sync.disorder = Disorder::FirstMayBeAny;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "mem-ahead-of-disk",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[4882],
            versions: "all to 3.9.5, open",
            breaks: Property::TruthfulVote,
        },
        story: "An fsync fails, the pipeline stops and the server goes back to LOOKING with its memory as it is, \
                ahead of a log that lacks the records. It rejoins with an empty DIFF, and later records are written \
                behind the hole. The server claims transactions that its next start will not find.",
        built: Built::Rule(|rules| rules.sync.disk_errors = DiskErrors::EndRole),
        hunt: Hunt::family("swarm-all"),
    },
    Defect {
        id: "leader-survives-log-failure",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[2247],
            versions: "before 3.4.9 and 3.5.3",
            breaks: Property::Liveness,
        },
        story: "The thread that writes the leader's log dies of an error, and the leader goes on leading: it answers \
                pings and proposes nothing any more. Nobody elects another one, every write hangs until its client \
                gives up.",
        built: Built::Rule(|rules| rules.sync.disk_errors = DiskErrors::LeaderGoesOn),
        hunt: Hunt::family("swarm-all"),
    },
    Defect {
        id: "observer-drops-inform-in-sync",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1551],
            versions: "before 3.4.6",
            breaks: Property::PrimaryOrder,
        },
        story: "An observer ignores the INFORMs that come between its snapshot or DIFF and UPTODATE. It joins while \
                clients write, and lacks those transactions ever after.",
        built: Built::Rule(|rules| {
            rules.sync.informs = SyncInforms::Dropped;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt {
            family: "swarm",
            set: &[("ensemble.voters", "3"), ("ensemble.observers", "2")],
            guidance: "observers",
        },
    },
    Defect {
        id: "trunc-memory-only",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[3701],
            versions: "before 3.5.7 and 3.6.0",
            breaks: Property::TruthfulAck,
        },
        story: "A TRUNC goes wrong on disk, for instance because that is full, and is reported as done: memory goes \
                back to the leader's history, the log does not. What follows is appended behind records that the \
                leader does not have. After a restart the server has a history of its own.",
        built: Built::Rule(|rules| rules.sync.trunc = TruncRule::MemoryOnly),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "trunc-log-only",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[5010],
            versions: "3.8.5 and others, open",
            breaks: Property::TotalOrder,
        },
        story: "A server has applied transactions that did not become part of the history, such as the creation of \
                an ephemeral. The sync that follows repairs its log and not its tree. The orphans stay in what it \
                serves until it is restarted.",
        built: Built::Rule(|rules| rules.sync.trunc = TruncRule::LogOnly),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "skip-trunc",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::TotalOrder,
        },
        story: "A learner takes TRUNC for the head of a DIFF. It keeps a tail that no leader has, in memory and on \
                disk, and puts the leader's history on top.",
        built: Built::Rule(|rules| rules.sync.trunc = TruncRule::Skipped),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "diff-skips-one",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::PrimaryOrder,
        },
        story: "A DIFF begins one transaction too late. The learner, which does not check that it continues what it \
                has, logs and applies the rest.",
        built: Built::Rule(|rules| {
            rules.sync.walk = WalkRule::SkipsOne;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "diff-repeats-one",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::PrimaryOrder,
        },
        story: "A DIFF begins with the learner's own last transaction. The learner, which does not check that it \
                continues what it has, logs and applies that a second time.",
        built: Built::Rule(|rules| {
            rules.sync.walk = WalkRule::RepeatsLast;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "diff-no-gap-check",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::PrimaryOrder,
        },
        story: "A learner that is behind the leader's window gets the window all the same, instead of the log or a \
                SNAP. What lies between its last transaction and the window is missing from then on.",
        built: Built::Rule(|rules| {
            rules.sync.below_window = BelowWindow::JustTheWindow;
            rules.sync.disorder = Disorder::GoesOn;
        }),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "snap-without-sessions",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::StateEquality,
        },
        story: "A SNAP carries the tree and not the session table. The learner has ephemerals of sessions that it \
                does not know; as a leader it would expire none of them.",
        built: Built::Rule(|rules| rules.sync.snap = SnapContent::WithoutSessions),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "snap-old-zxid-label",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::CommitOrder,
        },
        story: "A SNAP is named by the leader's last proposal instead of the last transaction it holds. The learner \
                takes proposals up to that name for contained in it and drops them; their COMMITs come all the same.",
        built: Built::Rule(|rules| rules.sync.snap = SnapContent::NamedByLastProposal),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "uptodate-before-quorum",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::CommitQuorum,
        },
        story: "A leader begins its reign with the first ACK of NEWLEADER instead of those of a quorum. Its history \
                counts as committed while one follower holds it.",
        built: Built::Rule(|rules| rules.sync.established = Established::ByAnybody),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "proposals-to-synced-only",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::CommitOrder,
        },
        story: "Proposals go to followers that have been told UPTODATE, as a literal reading of the paper has it, \
                instead of all who are being synced. A joining follower misses what is proposed between its sync and \
                UPTODATE, and then hears its COMMIT.",
        built: Built::Rule(|rules| rules.sync.proposals = ProposalsTo::Synced),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "uptodate-commits-pending",
        layer: Layer::Sync,
        kind: Kind::Designed {
            breaks: Property::TotalOrder,
        },
        story: "UPTODATE commits whatever the learner holds, instead of what the leader has committed. A learner \
                that joined while clients write serves transactions that may never be committed.",
        built: Built::Rule(|rules| rules.sync.late_commits = LateCommits::Everything),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "append-after-trunc-stale-fd",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[1489],
            versions: "before 3.3.6 and 3.4.4",
            breaks: Property::TruncationSafety,
        },
        story: "The log's output stream survives a truncation, and later records go to the offset where the log \
                ended before. They are forced and acknowledged, but behind a hole, where no start reads on. At the \
                next restart the server has lost everything since the truncation.",
        built: Built::Rule(|rules| rules.sync.trunc = TruncRule::StaleStream),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "leader-snapshot-at-start",
        layer: Layer::Sync,
        kind: Kind::Control {
            legal: "The state at the start of a reign is what the disk holds already, snapshot or log. It becomes \
                    dangerous only where TRUNC leaves it there; the switch of the default retires it.",
        },
        story: "A leader writes a snapshot of everything it holds, committed or not, before it has met anybody \
                (`loadData` in `Leader.lead`).",
        built: Built::Rule(|rules| rules.sync.lead_start = LeadStart::WritesSnapshot),
        hunt: Hunt::SWARM,
    },
];
