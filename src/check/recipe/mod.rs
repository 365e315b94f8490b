//! Judges recipes: what their programs say they want, believe and do (`history::recipe`), held against the committed log
//! and against each other (semantics.md §8).

mod barrier;
mod commit;
mod counter;
mod line;
mod progress;
mod queue;
#[cfg(test)]
mod tests;
mod tree;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use super::verdict::{At, Findings, Monitor};
use crate::base::id::{ClientId, SessionId};
use crate::base::time::{Span, Time};
use crate::base::zxid::Zxid;
use crate::check::by_operation::ByOperation;
use crate::check::news::{End, Frequent, News};
use crate::history::fact::Fact;
use crate::history::op::{Path, Request};
use crate::history::recipe::Step;
use barrier::Round;
use commit::Transaction;
use counter::Counter;
use line::{Line, Moment};
use progress::Progress;
use queue::Queue;
use tree::Tree;
use views::{Calm, Config, Group};

/// Judges every recipe of a run.
#[derive(Clone, Debug, Default)]
pub struct RecipeMonitor {
    tree: Tree,
    /// What each client's present session has seen.
    views: BTreeMap<ClientId, Zxid>,
    sessions: BTreeMap<ClientId, SessionId>,
    /// Deletes that are under way.
    deletes: ByOperation<Path>,
    /// Reads that are under way.
    reads: ByOperation<Path>,
    lines: BTreeMap<Path, Line>,
    counters: BTreeMap<Path, Counter>,
    queues: BTreeMap<Path, Queue>,
    rounds: BTreeMap<(Path, u64), Round>,
    configs: BTreeMap<Path, Config>,
    groups: BTreeMap<Path, Group>,
    transactions: BTreeMap<Path, Transaction>,
    progress: Progress,
    calm: Option<Calm>,
}

impl RecipeMonitor {
    /// A monitor at the beginning of a run.
    pub fn new() -> Self {
        Self::default()
    }

    /// From this moment on no fault acts, and whoever waits must get what it wants within this time.
    pub fn calm_from(&mut self, from: Time, patience: Span) {
        self.calm = Some(Calm { from, patience });
    }

    /// How long a run must last for waits to be judged, and for what everybody must know in the end.
    pub fn deadline(&self) -> Option<Time> {
        self.calm.map(|calm| calm.from + calm.patience)
    }

    fn see(&mut self, client: ClientId, zxid: Option<Zxid>) {
        let view = self.views.entry(client).or_insert(Zxid::ZERO);
        *view = (*view).max(zxid.unwrap_or(Zxid::ZERO));
    }

    fn on_step(&mut self, at: At, client: ClientId, step: &Step, findings: &mut Findings) {
        self.progress.observe(at, client, step, findings);
        let view = self.views.get(&client).copied().unwrap_or(Zxid::ZERO);
        let tree = &self.tree;
        let by = (at, client);
        match step {
            Step::Queued { line, node, .. }
            | Step::Held { line, node, .. }
            | Step::Acted { line, node, .. }
            | Step::LetGo { line, node } => {
                let moment = Moment {
                    at,
                    client,
                    view,
                    node,
                    tree,
                };
                let line = self.lines.entry(line.clone()).or_default();
                line.on_step(moment, step, findings);
            }
            Step::Counting { counter } => {
                self.counters
                    .entry(counter.clone())
                    .or_default()
                    .on_counting(client);
            }
            Step::Counted { counter, value } => {
                let written = tree.last(counter).map_or(0, |life| life.sets.len() as u64);
                let counter = self.counters.entry(counter.clone()).or_default();
                counter.on_counted(at, client, (*value, written), findings);
            }
            Step::TakeBegan { queue }
            | Step::Took { queue, .. }
            | Step::TakeUnsure { queue, .. } => {
                let judge = self.queues.entry(queue.clone()).or_default();
                judge.on_step(by, view, step, (queue, tree), findings);
            }
            Step::Waits { .. } => {}
            Step::Passed { barrier } => {
                barrier::judge_pass(by, barrier, (view, tree), findings);
            }
            Step::EnterCalled { .. }
            | Step::Entered { .. }
            | Step::LeaveCalled { .. }
            | Step::Left { .. } => self.on_round(by, step, findings),
            Step::Configured { config, mzxid } => {
                let config = self.configs.entry(config.clone()).or_default();
                config.on_configured(by, *mzxid, findings);
            }
            Step::Member { group, name } => {
                let group = self.groups.entry(group.clone()).or_default();
                group.on_member(by, name);
            }
            Step::Viewed { group, members } => {
                let group = self.groups.entry(group.clone()).or_default();
                group.on_viewed(by, members);
            }
            Step::Voted {
                transaction,
                commit,
                ..
            } => {
                let judge = self.transactions.entry(transaction.clone()).or_default();
                judge.on_voted(by, *commit);
            }
            Step::Decided {
                transaction,
                commit,
                sites,
            } => {
                let judge = self.transactions.entry(transaction.clone()).or_default();
                judge.on_decided(by, transaction, (*commit, *sites), findings);
            }
        }
    }

    fn on_round(&mut self, by: (At, ClientId), step: &Step, findings: &mut Findings) {
        let (Step::EnterCalled { barrier, round, .. }
        | Step::Entered { barrier, round }
        | Step::LeaveCalled { barrier, round }
        | Step::Left { barrier, round }) = step
        else {
            return;
        };
        let number = *round;
        let round = self.rounds.entry((barrier.clone(), number)).or_default();
        if let Step::EnterCalled { party, .. } = step {
            let session = self.sessions.get(&by.1).copied();
            round.on_enter_called(by.1, session.unwrap_or(SessionId::NONE), *party);
        } else if let Step::Entered { .. } = step {
            round.on_entered(by, number, findings);
        } else if let Step::LeaveCalled { .. } = step {
            round.on_leave_called(by.1);
        } else {
            round.on_left(by, number, &self.tree, findings);
        }
    }

    fn on_crash(&mut self, client: ClientId) {
        self.progress.on_crash(client);
        self.sessions.remove(&client);
        for line in self.lines.values_mut() {
            line.on_let_go(client);
        }
        for counter in self.counters.values_mut() {
            counter.on_crash(client);
        }
        for round in self.rounds.values_mut() {
            round.on_crash(client);
        }
        for config in self.configs.values_mut() {
            config.on_crash(client);
        }
        for group in self.groups.values_mut() {
            group.on_crash(client);
        }
    }
}

impl Monitor for RecipeMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        matches!(
            kind,
            Frequent::Invoked | Frequent::Returned | Frequent::EventReceived
        )
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact) = (news.at, news.fact);
        for entry in news.committed() {
            self.tree.apply(entry);
        }
        if let Fact::Recipe { client, step } = fact {
            if !news.has_log_gaps() {
                self.on_step(at, *client, step, findings);
            }
        } else if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            if let Request::Delete { path, .. } = &**request {
                self.deletes.insert((*client, *op), path.clone());
            } else if let Request::GetData { path, .. } = &**request
                && self.configs.contains_key(path)
            {
                self.reads.insert((*client, *op), path.clone());
            }
        } else if let Fact::Returned {
            client, op, zxid, ..
        } = fact
        {
            self.deletes.remove(&(*client, *op));
            self.see(*client, *zxid);
            if let Some(path) = self.reads.remove(&(*client, *op))
                && let Some(config) = self.configs.get_mut(&path)
            {
                config.on_read(*client);
            }
        } else if let Fact::EventReceived { client, event, .. } = fact {
            self.see(*client, event.zxid);
            for line in self.lines.values_mut() {
                line.on_event(at, *client, event, findings);
            }
            if let Some(config) = self.configs.get_mut(&event.path) {
                config.on_told((at, *client));
            }
        } else if let Fact::Disconnected { client, .. } = fact {
            for config in self.configs.values_mut() {
                config.on_cut((at, *client));
            }
        } else if let Fact::Connected {
            client,
            fresh,
            session,
            ..
        } = fact
        {
            self.sessions.insert(*client, *session);
            for config in self.configs.values_mut() {
                config.on_connected(*client);
            }
            if *fresh {
                self.views.insert(*client, Zxid::ZERO);
            }
        } else if let Fact::ClientCrashed { client } = fact {
            self.on_crash(*client);
        }
    }

    fn finish(&mut self, end: &End<'_>, findings: &mut Findings) {
        if end.has_log_gaps {
            return;
        }
        let at = end.at;
        let tree = &self.tree;
        for (path, counter) in &self.counters {
            counter.finish(path, at, tree, findings);
        }
        // What is under way, or was lost and not looked after before the end.
        let open: BTreeSet<Path> = self.deletes.values().cloned().collect();
        for (path, queue) in &self.queues {
            queue.finish((path, tree), at, &open, findings);
        }
        let Some(calm) = self.calm else { return };
        self.progress.finish(at, calm, findings);
        for (path, config) in &self.configs {
            config.finish((path, tree), (at, calm), findings);
        }
        for (path, group) in &self.groups {
            group.finish((path, tree), (at, calm), findings);
        }
    }
}
