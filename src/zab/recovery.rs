//! What a new life makes of its disk (`QuorumPeer.loadDataBase`, `FileTxnSnapLog.restore`; zab.md §7.3, corrected by K3
//! and K4).

use std::sync::Arc;

use super::config::{Config, ElectionKind};
use super::core::Core;
use super::log::Log;
use super::memory::Memory;
use super::rules::election::EpochFiles;
use super::rules::log::{BootForce, BootRule, TornTail};
use super::transport::Peers;
use super::vote::Vote;
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::time::LocalTime;
use crate::base::zxid::{Epoch, Zxid};
use crate::history::fact::{EPOCH_BEHIND, PROMISE_BEHIND};
use crate::history::op::ErrorCode;
use crate::sim::process::{File, NO_SNAPSHOT, Recovered};
use crate::tree::store::Tree;
use crate::tree::txn::{Body, Txn};
use crate::words::{ACCEPTED_EPOCH, CURRENT_EPOCH, Words};

/// What boot read, told to the world once it is durable.
#[derive(Clone, Debug, Hash)]
pub(super) struct BootReport {
    /// All of it.
    pub found: Lineage,
    /// What is kept of it.
    pub kept: Lineage,
    /// Why it cannot be used.
    pub corrupt: Option<&'static str>,
}

impl BootReport {
    /// Why a server with this disk refuses to start, if it does.
    pub(super) fn reason_not_to_start(&self, core: &Core) -> Option<&'static str> {
        let has_epochs = core.config.election == ElectionKind::FastLeaderElection;
        let is_below = has_epochs && core.accepted < core.current;
        let is_ahead = has_epochs && self.kept.last.epoch() > core.current;
        let below = is_below.then_some(PROMISE_BEHIND);
        self.corrupt.or(below).or(is_ahead.then_some(EPOCH_BEHIND))
    }
}

/// Reads the disk of server `me`.
pub(super) fn recover(
    config: Arc<Config>,
    disk: Recovered<Words>,
    me: ServerId,
) -> (Core, BootReport) {
    let rules = config.rules.log;
    let is_lost = rules.boot == BootRule::NeedsNoSnapshot && disk.corrupt == Some(NO_SNAPSHOT);
    let image = disk.image.filter(|_| !is_lost);
    let base = image.map_or_else(|| Tree::with_rules(config.rules.tree), |image| image.tree);
    let (torn, claimed) = read_torn(rules.tail, disk.torn, disk.log.last());
    let after_base = || {
        let records = disk.log.iter().chain(&torn);
        records.filter(|txn| txn.zxid > base.last()).cloned()
    };
    let found = after_base().fold(base.lineage(), |lineage, txn| {
        lineage.push(txn.zxid, txn.digest)
    });
    let (accepted, current) = read_epochs(&config, &disk.files, found);
    let kept = after_base().take_while(|txn| match rules.boot {
        BootRule::DropsLaterEpochs | BootRule::NeedsNoSnapshot => txn.zxid.epoch() <= current,
        BootRule::RefusesLaterEpochs => true,
        BootRule::IgnoresLog => false,
    });
    let older = disk.log.iter().take_while(|txn| txn.zxid <= base.last());
    let log = Log::new(me, base.clone(), kept).behind(older.count() as u64);
    let report = BootReport {
        found,
        kept: log.tail(),
        corrupt: disk.corrupt.filter(|_| !is_lost),
    };
    let window = usize::try_from(config.committed_log).expect("a window fits memory");
    let mut memory = Memory::from_log(&log, base, window, config.rules.sync.window);
    if let Some(zxid) = claimed {
        memory.claim(zxid);
    }
    let peers = Peers::new(me, config.servers(), config.connect_timeout);
    let is_unforced = match rules.force {
        BootForce::Forces => !disk.forced || disk.torn,
        BootForce::Trusts => disk.torn,
    };
    let is_changed = is_unforced || report.found != report.kept;
    let mut core = Core {
        config,
        me,
        accepted,
        current,
        log,
        memory,
        round: 0,
        peers,
        vote: (Vote::NOBODY, 0),
        want_snapshot: false,
        applied: report.kept,
        failed_reign: None,
        storing: None,
        failures: 0,
        raised_at: None,
        born: LocalTime(0),
        next_session: 0,
        writes: u32::from(is_changed),
        switch: None,
        snapshot: None,
        begun: None,
        until_snapshot: None,
        draws: 0,
        unanswered: Vec::new(),
        leftovers: Vec::new(),
    };
    core.vote = (core.own_vote(), 0);
    (core, report)
}

/// acceptedEpoch and currentEpoch.
fn read_epochs(config: &Config, files: &[Option<u64>], found: Lineage) -> (Epoch, Epoch) {
    let epoch_in = |file: File| {
        Epoch(u32::try_from(files[usize::from(file.0)].unwrap_or(0)).unwrap_or(u32::MAX))
    };
    let (accepted, current) = (epoch_in(ACCEPTED_EPOCH), epoch_in(CURRENT_EPOCH));
    match config.rules.epoch_files() {
        EpochFiles::Kept | EpochFiles::FirstPromiseIntoCurrent => (accepted, current),
        EpochFiles::AcceptedForgotten => (current, current),
        EpochFiles::CurrentForgotten => (accepted, found.last.epoch()),
    }
}

/// What a torn record at the log's end adds to the history, and to the zxid that the server goes by.
fn read_torn(
    rule: TornTail,
    is_torn: bool,
    last: Option<&Arc<Txn>>,
) -> (Option<Arc<Txn>>, Option<Zxid>) {
    let Some(last) = last.filter(|_| is_torn) else {
        return (None, None);
    };
    let zxid = last.zxid.next();
    match rule {
        TornTail::Dropped => (None, None),
        TornTail::CountedInVotes => (None, Some(zxid)),
        TornTail::Accepted => {
            let half = Body::Error(ErrorCode::MarshallingError);
            let record = Txn::new(zxid, last.session, 0, last.time_ms, half);
            (Some(record), None)
        }
    }
}
