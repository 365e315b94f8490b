//! What releases of ZooKeeper did, all of it together: each as in its own order at NEWLEADER, and what none of them has mended.

use super::{Built, Defect, Hunt, Kind, Layer};
use crate::check::verdict::Property;
use crate::mutant::wrapped::Wrapper;
use crate::zab::rules::Rules;
use crate::zab::rules::election::{Backoff, LaterPromise, VoteRepeat};
use crate::zab::rules::log::{BootForce, BootRule};
use crate::zab::rules::session::SessionIds;
use crate::zab::rules::sync::{
    AppliedAt, BelowWindow, DiffHead, DiskErrors, Disorder, FirstAck, LeadStart, NewLeaderOrder,
    RoleEnd, SyncAcks, SyncRules, SyncThread, TruncRule, Uncommitted, WindowRule,
};

pub(super) const DEFECTS: [Defect; 8] = [
    Defect {
        id: "half-fixed-pr-2111",
        layer: Layer::Sync,
        kind: Kind::Historic {
            issues: &[3023, 4394],
            versions: "pull request 2111, not merged",
            breaks: Property::PrimaryIntegrity,
        },
        story: "The first repair of the races of ZOOKEEPER-3911: the committed part of a DIFF is logged and forced \
                before currentEpoch and the ACK. The epoch no longer runs ahead of the log. But commits are still \
                done by a thread of their own after UPTODATE, proposals are still forgotten at NEWLEADER, and the \
                log's thread still outlives the role: model checking found 3023 and 4394 again, at 15 and 20 steps.",
        built: Built::Rule(half_fixed),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "as-3-4-9",
        layer: Layer::Sync,
        kind: Kind::Profile {
            version: "3.4.9",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "What 3.4.9 does where the default differs: at NEWLEADER a snapshot that nobody forces, then the \
                epoch, then the ACK; TRUNC cuts the log at once and leaves snapshots, of which a leader writes one \
                before it has met anybody; the head of a DIFF raises lastProcessedZxid; gaps in what a leader sends \
                are not noticed.",
        built: Built::WrapperAndRule(EPOCH_FILES, as_3_4_9),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "as-3-6-2",
        layer: Layer::Sync,
        kind: Kind::Profile {
            version: "3.6.2",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "What 3.6.2 does where the default differs: snapshots only after SNAP and TRUNC, and a DIFF is logged \
                after UPTODATE, although its NEWLEADER has been acknowledged; memory survives a broken SNAP; \
                everything of 3.4.9 about TRUNC, snapshots and gaps.",
        built: Built::WrapperAndRule(EPOCH_FILES, as_3_6_2),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "as-3-7-0",
        layer: Layer::Sync,
        kind: Kind::Profile {
            version: "3.7.0",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "What 3.7.0 does where the default differs: currentEpoch first, then the transactions of the sync to \
                the log's thread, then the ACK; that thread acknowledges what it has forced when it has, and \
                outlives the role; what is uncommitted is forgotten until UPTODATE, what is committed is applied \
                after it; memory survives a broken TRUNC and a disk error; a DIFF may be read from a log with a \
                hole.",
        built: Built::WrapperAndRule(EPOCH_FILES, as_3_7_0),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "as-3-9-0",
        layer: Layer::Sync,
        kind: Kind::Profile {
            version: "3.9.0",
            breaks: Property::Survivability,
        },
        story: "What 3.9.0 does where the default differs: synchronisation as in 3.7.0, whose order at NEWLEADER is \
                that of all releases from ZOOKEEPER-3911 to 4785. An epoch without its log on one disk is enough for \
                a later election to lose what is committed.",
        built: Built::WrapperAndRule(EPOCH_FILES, as_3_7_0),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "as-3-9-2",
        layer: Layer::Sync,
        kind: Kind::Profile {
            version: "3.9.2",
            breaks: Property::CommitOrder,
        },
        story: "What 3.9.2 does where the default differs: everything of a DIFF is logged and forced before the \
                epoch and the ACK, so that nothing is lost any more; but a COMMIT before UPTODATE still finds \
                nothing pending, commits are still done after UPTODATE, and the rest of 3.7.0 about TRUNC, disk \
                errors and logs with holes.",
        built: Built::WrapperAndRule(EPOCH_FILES, as_3_9_2),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "as-3-9-3",
        layer: Layer::Sync,
        kind: Kind::Profile {
            version: "3.9.3",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "What 3.9.3 does where the default differs: only the committed part of a DIFF is logged before the \
                ACK, and it is applied at once, but does not enter the window from which later DIFFs are served; \
                nobody notices the gap.",
        built: Built::WrapperAndRule(EPOCH_FILES, as_3_9_3),
        hunt: Hunt::SWARM,
    },
    Defect {
        id: "as-3-9-5",
        layer: Layer::Sync,
        kind: Kind::Profile {
            version: "3.9.5",
            breaks: Property::TruthfulNewleaderAck,
        },
        story: "What 3.9.5 does where the default differs: a SNAP and its epoch are two steps; TRUNC cuts the log at \
                once and unforced, leaves snapshots, and memory survives if it breaks; a leader snapshots before it \
                has met anybody; a DIFF may be read from a log with a hole, and the first proposal of a sync is not \
                checked; a failed fsync ends the role, with memory ahead of the log. Like every release before it, it refuses \
                to start with a log above its epoch, forces nothing at boot, trusts epoch files whose directory entry is not \
                forced, keeps one record too many where TRUNC names none, lets a later promise lock a server out, tries again \
                at once after a failed discovery, repeats a vote after silence only, and takes session ids from a clock that \
                starts anew with the machine.",
        built: Built::WrapperAndRule(EPOCH_FILES, as_3_9_5),
        hunt: Hunt::SWARM,
    },
];

/// The repair of pull request 2111.
fn half_fixed(rules: &mut Rules) {
    rules.sync = SyncRules {
        new_leader: NewLeaderOrder::CommittedThenEpoch,
        applied: AppliedAt::UpToDate,
        uncommitted: Uncommitted::Forgotten,
        sync_thread: SyncThread::OutlivesRole,
        ..SyncRules::default()
    };
}

/// The directory entry of a new epoch file is not forced (K5).
const EPOCH_FILES: Wrapper = Wrapper::EpochBeforeFsync;

/// What all releases to 3.9.5 have in common in synchronisation (K1, K6).
fn stock() -> SyncRules {
    SyncRules {
        trunc: TruncRule::LogAfterFirst,
        lead_start: LeadStart::WritesSnapshot,
        ..SyncRules::default()
    }
}

/// And elsewhere: K3, K4, K8, K11, K14. K10, that a server whose disk was wiped does not vote, is no rule of the default either.
fn stock_elsewhere(rules: &mut Rules) {
    rules.log.boot = BootRule::RefusesLaterEpochs;
    rules.log.force = BootForce::Trusts;
    rules.election.later_promise = LaterPromise::Ignored;
    rules.election.backoff = Backoff::None;
    rules.election.repeat = VoteRepeat::AfterSilence;
    rules.session.ids = SessionIds::HostClock;
}

fn as_3_4_9(rules: &mut Rules) {
    stock_elsewhere(rules);
    rules.sync = SyncRules {
        new_leader: NewLeaderOrder::LooseSnapshot,
        diff_head: DiffHead::RaisesLastProcessed,
        disorder: Disorder::GoesOn,
        ..stock()
    };
}

fn as_3_6_2(rules: &mut Rules) {
    stock_elsewhere(rules);
    rules.sync = SyncRules {
        new_leader: NewLeaderOrder::AckThenLog,
        applied: AppliedAt::UpToDate,
        role_end: RoleEnd::BrokenSnap,
        disorder: Disorder::GoesOn,
        below_window: BelowWindow::LogFromFirst,
        disk_errors: DiskErrors::EndRole,
        ..stock()
    };
}

fn as_3_7_0(rules: &mut Rules) {
    stock_elsewhere(rules);
    rules.sync = SyncRules {
        new_leader: NewLeaderOrder::EpochThenLogThenForce,
        applied: AppliedAt::UpToDate,
        uncommitted: Uncommitted::Forgotten,
        acks: SyncAcks::WhenForced,
        first_ack: FirstAck::Any,
        sync_thread: SyncThread::OutlivesRole,
        role_end: RoleEnd::BrokenTrunc,
        disorder: Disorder::GoesOn,
        below_window: BelowWindow::LogFromFirst,
        disk_errors: DiskErrors::EndRole,
        ..stock()
    };
}

fn as_3_9_2(rules: &mut Rules) {
    as_3_7_0(rules);
    rules.sync.new_leader = NewLeaderOrder::LogThenEpoch;
    rules.sync.acks = SyncAcks::AfterUpToDate;
}

fn as_3_9_3(rules: &mut Rules) {
    as_3_9_5(rules);
    rules.sync.window = WindowRule::WithoutSyncs;
    rules.sync.disorder = Disorder::GoesOn;
}

fn as_3_9_5(rules: &mut Rules) {
    stock_elsewhere(rules);
    rules.sync = SyncRules {
        new_leader: NewLeaderOrder::CommittedThenEpoch,
        role_end: RoleEnd::BrokenTrunc,
        disorder: Disorder::FirstMayBeAny,
        below_window: BelowWindow::LogFromFirst,
        first_ack: FirstAck::Any,
        disk_errors: DiskErrors::EndRole,
        ..stock()
    };
}
