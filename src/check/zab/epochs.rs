//! Epochs: `one-leader-per-epoch` (S6), `epoch-discipline` (S7), `promise` (S8).

use super::ghost::{Lead, Since};
use super::story::{Claim, Cx, Story, claim};
use super::{Reign, ZabMonitor};
use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::Property;
use crate::history::fact::EpochFile;

const TWO_LEADERS: Claim = claim(Property::OneLeaderPerEpoch, "two-leaders");
const LED_TWICE: Claim = claim(Property::OneLeaderPerEpoch, "epoch-led-twice");
const WENT_BACK: Claim = claim(Property::EpochDiscipline, "epoch-went-back");
const PROMISE_NOT_DURABLE: Claim = claim(Property::EpochDiscipline, "promise-before-durable");
const ABOVE_ACCEPTED: Claim = claim(Property::EpochDiscipline, "current-above-accepted");
const HISTORY_AHEAD: Claim = claim(Property::EpochDiscipline, "history-ahead-of-epoch");
const PROMISE_BROKEN: Claim = claim(Property::Promise, "ack-to-earlier-epoch");

impl ZabMonitor {
    /// A server entered `lead()` with this history.
    pub(super) fn on_lead_started(&mut self, server: ServerId, lineage: Lineage) {
        let initial = self.tree.claim(lineage);
        self.terms += 1;
        self.ghost_mut(server).lead = Some(Lead::new(self.terms, initial));
    }

    /// A would-be leader fixed its epoch. Others may propose the same one; that is legal.
    pub(super) fn on_epoch_proposed(&mut self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch) {
        self.judge_promise_durable(cx, server, epoch);
        let ghost = self.ghost_mut(server);
        raise(&mut ghost.promised, epoch, cx);
        if let Some(lead) = ghost.lead.as_mut() {
            lead.epoch = Some(epoch);
            let initial = lead.initial;
            self.initials
                .entry(epoch)
                .or_default()
                .push((server, initial));
        }
    }

    /// A learner promised an epoch; only a counted ACKEPOCH is a promise.
    pub(super) fn on_ack_epoch_sent(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        epoch: Epoch,
        counted: bool,
    ) {
        self.judge_promise_durable(cx, server, epoch);
        if counted {
            raise(&mut self.ghost_mut(server).promised, epoch, cx);
        }
    }

    /// S7 with D1 and D2 (zab.md §1.4): an epoch is promised only when acceptedEpoch is durable, or a restart goes back.
    fn judge_promise_durable(&self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch) {
        let Some(ghost) = self.ghost(server) else {
            return;
        };
        cx.exercise(Property::EpochDiscipline);
        if epoch <= ghost.accepted {
            return;
        }
        let mut story = Story::default();
        if let Some(accepted) = ghost.highest_accepted {
            story.tell(
                accepted.at,
                format!(
                    "acceptedEpoch {} became durable at server {server}",
                    accepted.value
                ),
            );
        }
        let conclusion = format!(
            "server {server} promised epoch {epoch} with acceptedEpoch {} on disk",
            ghost.accepted
        );
        cx.violate(PROMISE_NOT_DURABLE, story, conclusion);
    }

    /// S8: an acknowledgement of a transaction, or of NEWLEADER by its label, leaves for the leader of `epoch`.
    #[inline]
    pub(super) fn judge_promise(
        &self,
        cx: &mut Cx<'_>,
        server: ServerId,
        epoch: Epoch,
        zxid: Zxid,
    ) {
        let Some(promised) = self.ghost(server).and_then(|ghost| ghost.promised) else {
            return;
        };
        cx.exercise(Property::Promise);
        if epoch < promised.value {
            self.report_promise(cx, server, (epoch, promised), zxid);
        }
    }

    /// S8: an acknowledgement left for a leader of an earlier epoch than was promised.
    #[cold]
    fn report_promise(
        &self,
        cx: &mut Cx<'_>,
        server: ServerId,
        epochs: (Epoch, Since<Epoch>),
        zxid: Zxid,
    ) {
        let (epoch, promised) = epochs;
        let mut story = Story::default();
        story.tell(
            promised.at,
            format!("server {server} promised epoch {}", promised.value),
        );
        let what = if zxid.is_label() {
            "NEWLEADER".to_owned()
        } else {
            self.describe(zxid)
        };
        let conclusion = format!(
            "server {server} acknowledged {what}, having acknowledged NEWLEADER of no epoch later than {epoch}"
        );
        cx.violate(PROMISE_BROKEN, story, conclusion);
    }

    /// An epoch file became durable.
    pub(super) fn on_epoch_durable(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        file: EpochFile,
        epoch: Epoch,
    ) {
        match file {
            EpochFile::Accepted => self.set_accepted(cx, server, epoch),
            EpochFile::Current => {
                self.set_current(cx, server, epoch);
                self.judge_current(cx, server);
                let lead = self.ghost(server).and_then(|ghost| ghost.lead.as_ref());
                if let Some(term) = lead
                    .filter(|lead| lead.epoch == Some(epoch))
                    .map(|lead| lead.term)
                {
                    self.judge_reign(cx, server, epoch, term);
                }
                self.judge_survival(cx);
            }
        }
    }

    /// Boot read the epoch files.
    pub(super) fn on_epochs_recovered(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        accepted: Epoch,
        current: Epoch,
    ) {
        self.set_accepted(cx, server, accepted);
        self.set_current(cx, server, current);
        self.judge_current(cx, server);
    }

    fn set_accepted(&mut self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch) {
        let ghost = self.ghost_mut(server);
        ghost.accepted = epoch;
        let highest = ghost.highest_accepted;
        raise(&mut ghost.highest_accepted, epoch, cx);
        self.judge_no_step_back(cx, server, "acceptedEpoch", highest, epoch);
    }

    /// `currentEpoch` is durable, from its own file or within a switch.
    pub(super) fn set_current(&mut self, cx: &mut Cx<'_>, server: ServerId, epoch: Epoch) {
        let ghost = self.ghost_mut(server);
        ghost.current = epoch;
        let highest = ghost.highest_current;
        raise(&mut ghost.highest_current, epoch, cx);
        self.judge_no_step_back(cx, server, "currentEpoch", highest, epoch);
    }

    /// S7: durable epochs never decrease, restarts included.
    fn judge_no_step_back(
        &self,
        cx: &mut Cx<'_>,
        server: ServerId,
        file: &str,
        highest: Option<Since<Epoch>>,
        epoch: Epoch,
    ) {
        let Some(highest) = highest else {
            return;
        };
        cx.exercise(Property::EpochDiscipline);
        let excused = self.ghost(server).is_some_and(|ghost| ghost.excused);
        if epoch >= highest.value || excused {
            return;
        }
        let mut story = Story::default();
        story.tell(
            highest.at,
            format!("{file} {} became durable at server {server}", highest.value),
        );
        self.tell_crash(&mut story, server);
        let conclusion = format!("server {server} has {file} {epoch}, less than before");
        cx.violate(WENT_BACK, story, conclusion);
    }

    /// S7: currentEpoch <= acceptedEpoch.
    pub(super) fn judge_current(&self, cx: &mut Cx<'_>, server: ServerId) {
        let Some(ghost) = self.ghost(server) else {
            return;
        };
        cx.exercise(Property::EpochDiscipline);
        if ghost.current <= ghost.accepted {
            return;
        }
        let mut story = Story::default();
        if let Some(accepted) = ghost.highest_accepted {
            story.tell(
                accepted.at,
                format!(
                    "acceptedEpoch {} became durable at server {server}",
                    accepted.value
                ),
            );
        }
        let conclusion = format!(
            "server {server} has currentEpoch {} on disk above its acceptedEpoch {}",
            ghost.current, ghost.accepted
        );
        cx.violate(ABOVE_ACCEPTED, story, conclusion);
    }

    /// S7: no durable transaction is of a later epoch than currentEpoch. Judged of voters that acknowledge NEWLEADER or
    /// have booted; in between the log may run ahead.
    pub(super) fn judge_history_epoch(&self, cx: &mut Cx<'_>, server: ServerId) {
        let Some(ghost) = self.ghost(server).filter(|_| self.voters.contains(server)) else {
            return;
        };
        cx.exercise(Property::EpochDiscipline);
        let last = self.tree.zxid(ghost.dur);
        if last.epoch() <= ghost.current {
            return;
        }
        let mut story = Story::default();
        if let Some(current) = ghost.highest_current {
            story.tell(
                current.at,
                format!(
                    "currentEpoch {} became durable at server {server}",
                    current.value
                ),
            );
        }
        if let Some(at) = ghost.dur_since {
            story.tell(
                at,
                format!("the disk of server {server} came to hold {last}"),
            );
        }
        let conclusion = format!(
            "server {server} goes on with currentEpoch {}, although its durable history ends at {last}",
            ghost.current
        );
        cx.violate(HISTORY_AHEAD, story, conclusion);
    }

    /// S6: a leader's D4 or its quorum makes it the leader of the epoch, once and for ever.
    pub(super) fn judge_reign(
        &mut self,
        cx: &mut Cx<'_>,
        server: ServerId,
        epoch: Epoch,
        term: u32,
    ) {
        cx.exercise(Property::OneLeaderPerEpoch);
        let reign = Reign {
            server,
            term,
            at: cx.at,
            rival: None,
        };
        let known = self.reigns.entry(epoch).or_insert(reign);
        if known.server == server && known.term == term || known.rival == Some(term) {
            return;
        }
        known.rival = Some(term);
        let known = *known;
        let mut story = Story::default();
        story.tell(
            known.at,
            format!("server {} led epoch {epoch}", known.server),
        );
        self.tell_crash(&mut story, server);
        if known.server == server {
            let conclusion = format!("server {server} leads epoch {epoch} a second time");
            cx.violate(LED_TWICE, story, conclusion);
        } else {
            let conclusion = format!("server {server} leads epoch {epoch}, too");
            cx.violate(TWO_LEADERS, story, conclusion);
        }
    }

    /// The epoch of the leader that an acknowledgement of `zxid` goes to: that of the NEWLEADER last acknowledged or of the
    /// transaction, whichever is later (transactions of earlier epochs are acknowledged to the leader that syncs them).
    #[inline]
    pub(super) fn ack_epoch(&self, server: ServerId, zxid: Zxid) -> Epoch {
        let joined = self.ghost(server).and_then(|ghost| ghost.joined);
        joined.map_or(zxid.epoch(), |joined| joined.max(zxid.epoch()))
    }
}

/// Keeps the greatest value and when it was reached.
fn raise(highest: &mut Option<Since<Epoch>>, epoch: Epoch, cx: &Cx<'_>) {
    if highest.is_none_or(|known| known.value < epoch) {
        *highest = Some(Since {
            value: epoch,
            at: cx.at,
        });
    }
}
