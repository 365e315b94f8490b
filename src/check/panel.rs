//! All monitors together: every fact goes to those that it can matter to, what they find is kept in one place.

use super::article::ArticleMonitor;
use super::claims::{ClaimsMonitor, Staleness};
use super::convergence::ConvergenceMonitor;
use super::linear::LinearMonitor;
use super::liveness::LivenessMonitor;
use super::news::{Desk, Frequent, Note};
use super::recipe::RecipeMonitor;
use super::session::SessionMonitor;
use super::sessions::SessionsMonitor;
use super::verdict::{At, Findings, Monitor, Property, Verdict, Violation};
use super::watch::{WatchLatency, WatchMonitor};
use super::zab::ZabMonitor;
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::{Span, Time};
use crate::history::fact::Fact;

/// The monitors of a run and their findings.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    monitors: Monitors,
    desk: Desk,
    batch: Batch,
    findings: Findings,
    chosen: Vec<Property>,
}

/// The properties that the history tree decides.
const ZAB: [Property; 17] = [
    Property::Integrity,
    Property::TotalOrder,
    Property::PrimaryOrder,
    Property::PrimaryIntegrity,
    Property::OneLeaderPerEpoch,
    Property::EpochDiscipline,
    Property::Promise,
    Property::TruthfulAck,
    Property::TruthfulNewleaderAck,
    Property::TruthfulVote,
    Property::CommitQuorum,
    Property::CommitOrder,
    Property::Survivability,
    Property::TruncationSafety,
    Property::CommittedSurvives,
    Property::ToldIsCommitted,
    Property::StateEquality,
];

/// The properties of watches.
const WATCH: [Property; 6] = [
    Property::WatchFilter,
    Property::WatchOnce,
    Property::WatchOrder,
    Property::WatchSpurious,
    Property::WatchLost,
    Property::WatchRearm,
];

impl Panel {
    /// A panel that judges every property that needs no knowledge of the ensemble.
    pub fn new() -> Self {
        Self::of(&Property::ALL)
    }

    /// A panel that judges these properties only; monitors that serve none of them are left out.
    pub fn of(properties: &[Property]) -> Self {
        let mut panel = Self {
            monitors: Monitors::default(),
            desk: Desk::default(),
            batch: Batch::default(),
            findings: Findings::default(),
            chosen: properties.to_vec(),
        };
        panel.monitors.linear = panel
            .serves(&[
                Property::LinearizableWrites,
                Property::SequentialConsistency,
            ])
            .then(LinearMonitor::new);
        panel.monitors.session = panel
            .serves(&[
                Property::SessionGuarantees,
                Property::MonotonicReads,
                Property::ReadYourWrites,
                Property::AtomicMultis,
                Property::SequentialConsistency,
            ])
            .then(SessionMonitor::new);
        // How stale reads are is of interest wherever reads are judged.
        panel.monitors.claims = panel
            .serves(&[
                Property::SessionGuarantees,
                Property::SyncRead,
                Property::LinearizableReads,
            ])
            .then(ClaimsMonitor::new);
        panel.monitors.sessions = panel
            .serves(&[Property::Sessions])
            .then(SessionsMonitor::new);
        panel.monitors.watch = panel.serves(&WATCH).then(WatchMonitor::new);
        let is_of_recipes = properties.iter().any(|property| property.is_of_recipes());
        panel.monitors.recipe = is_of_recipes.then(RecipeMonitor::new);
        let is_of_the_article = properties
            .iter()
            .any(|property| property.is_of_the_article());
        panel.monitors.article = is_of_the_article.then(ArticleMonitor::new);
        panel
    }

    /// Adds the monitors that must know the ensemble: which servers vote, and how long recovery may take.
    #[must_use]
    pub fn with_ensemble(mut self, voters: ServerSet, recovery: Span) -> Self {
        self.monitors.zab = self.serves(&ZAB).then(|| ZabMonitor::new(voters));
        self.monitors.liveness = self
            .serves(&[Property::Liveness])
            .then(|| LivenessMonitor::new(recovery, voters));
        self.monitors.convergence = self
            .serves(&[Property::Convergence, Property::Answered])
            .then(|| ConvergenceMonitor::new(recovery, voters));
        self
    }

    fn serves(&self, served: &[Property]) -> bool {
        served.iter().any(|one| self.chosen.contains(one))
    }

    /// Names a server whose forced data a fault outside Zab's model destroyed; see [`ZabMonitor::excuse`].
    pub fn excuse(&mut self, server: ServerId) {
        if let Some(zab) = &mut self.monitors.zab {
            zab.excuse(server);
        }
    }

    /// From this moment on no fault acts; see [`LivenessMonitor::fault_free_from`].
    pub fn fault_free_from(&mut self, time: Time) {
        if let Some(liveness) = &mut self.monitors.liveness {
            liveness.fault_free_from(time);
        }
    }

    /// From this moment on nothing disturbs these servers and the clients; see [`ConvergenceMonitor::calm_from`].
    pub fn calm_from(&mut self, time: Time, core: ServerSet) {
        if let Some(convergence) = &mut self.monitors.convergence {
            convergence.calm_from(time, core);
        }
        if let Some(liveness) = &mut self.monitors.liveness {
            liveness.leave(core);
        }
    }

    /// From this moment on no fault acts, and programs that wait must go on within this time.
    pub fn patience_from(&mut self, time: Time, patience: Span) {
        if let Some(recipe) = &mut self.monitors.recipe {
            recipe.calm_from(time, patience);
        }
    }

    /// How long a run must last for its recovery to be judged.
    pub fn deadline(&self) -> Option<Time> {
        let liveness = self
            .monitors
            .liveness
            .as_ref()
            .and_then(LivenessMonitor::deadline);
        let convergence = self.monitors.convergence.as_ref();
        let recipe = self
            .monitors
            .recipe
            .as_ref()
            .and_then(RecipeMonitor::deadline);
        let convergence = convergence.and_then(ConvergenceMonitor::deadline);
        liveness.max(convergence).max(recipe)
    }

    /// The liveness monitor, if liveness is judged: it knows how long a run must last to be decided.
    pub fn liveness(&self) -> Option<&LivenessMonitor> {
        self.monitors.liveness.as_ref()
    }

    /// How stale reads were, if anybody looked.
    pub fn staleness(&self) -> Staleness {
        let claims = self.monitors.claims.as_ref();
        claims.map_or_else(Staleness::default, |claims| claims.staleness().clone())
    }

    /// How long watch events were on their way, if anybody looked.
    pub fn watch_latency(&self) -> WatchLatency {
        let watch = self.monitors.watch.as_ref();
        watch.map_or_else(WatchLatency::default, |watch| watch.latency().clone())
    }

    /// Takes the next fact of the run.
    pub fn observe(&mut self, at: At, fact: &Fact) {
        if self.chosen.is_empty() {
            return;
        }
        let note = self.desk.note(at, fact);
        let news = note.news(at, fact);
        self.monitors
            .each(|_, monitor| monitor.observe(&news, &mut self.findings));
    }

    /// Takes the next facts of the run at once, monitor by monitor: each finds its code and its data in the processor's caches.
    /// What is found is what would be found fact by fact.
    pub fn observe_all(&mut self, facts: &[(At, Fact)]) {
        if self.chosen.is_empty() {
            return;
        }
        let everybody = self.monitors.everybody();
        let audiences = Frequent::ALL.map(|kind| self.monitors.audience(kind));
        let batch = &mut self.batch;
        for (index, (at, fact)) in (0..).zip(facts) {
            let kind = Frequent::of(fact);
            let mut audience = kind.map_or(everybody, |kind| audiences[kind as usize]);
            let mut note = NOTHING;
            if self.desk.heeds(fact) {
                note = batch.notes.len();
                batch.notes.push(self.desk.note(*at, fact));
                if batch.notes[note].commits() {
                    audience = everybody;
                }
            }
            batch.show(index, note, audience);
        }
        self.monitors.each(|number, monitor| {
            for (index, note) in batch.take(number) {
                let (at, fact) = &facts[index];
                self.findings.judge(index);
                monitor.observe(&note.news(*at, fact), &mut self.findings);
            }
        });
        batch.clear();
        self.findings.end_batch();
    }

    /// The run is over.
    pub fn finish(&mut self, at: At) {
        let end = self.desk.end(at);
        self.monitors
            .each(|_, monitor| monitor.finish(&end, &mut self.findings));
    }

    /// What was found so far, of all properties that the monitors judged, chosen or not.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The properties that the caller asked for, in the order of reports.
    pub fn properties(&self) -> impl Iterator<Item = Property> {
        Property::ALL
            .into_iter()
            .filter(|property| self.chosen.contains(property))
    }

    /// The verdicts asked for, in the order of reports.
    pub fn verdicts(&self) -> impl Iterator<Item = (Property, Verdict)> {
        self.properties()
            .map(|property| (property, self.findings.verdict(property)))
    }

    /// The first violation of a property that was asked for.
    pub fn first_violation(&self) -> Option<&Violation> {
        self.findings
            .violations()
            .iter()
            .find(|violation| self.chosen.contains(&violation.property))
    }
}

/// The monitors that serve what is asked for.
#[derive(Clone, Debug, Default)]
struct Monitors {
    zab: Option<ZabMonitor>,
    linear: Option<LinearMonitor>,
    session: Option<SessionMonitor>,
    sessions: Option<SessionsMonitor>,
    watch: Option<WatchMonitor>,
    liveness: Option<LivenessMonitor>,
    convergence: Option<ConvergenceMonitor>,
    claims: Option<ClaimsMonitor>,
    recipe: Option<RecipeMonitor>,
    article: Option<ArticleMonitor>,
}

/// How many there can be.
const MONITORS: usize = 10;

impl Monitors {
    /// Visits each with its number. It is called by its own type: every fact of a run passes here.
    #[inline]
    fn each(&mut self, mut visit: impl FnMut(usize, &mut dyn Monitor)) {
        fn one<M: Monitor>(
            number: usize,
            monitor: &mut Option<M>,
            visit: &mut impl FnMut(usize, &mut dyn Monitor),
        ) {
            if let Some(monitor) = monitor {
                visit(number, monitor);
            }
        }
        one(0, &mut self.zab, &mut visit);
        one(1, &mut self.linear, &mut visit);
        one(2, &mut self.session, &mut visit);
        one(3, &mut self.sessions, &mut visit);
        one(4, &mut self.watch, &mut visit);
        one(5, &mut self.liveness, &mut visit);
        one(6, &mut self.convergence, &mut visit);
        one(7, &mut self.claims, &mut visit);
        one(8, &mut self.recipe, &mut visit);
        one(9, &mut self.article, &mut visit);
    }

    /// Who must be shown the facts of a kind.
    fn audience(&mut self, kind: Frequent) -> Audience {
        let mut audience = 0;
        self.each(|number, monitor| audience |= Audience::from(monitor.heeds(kind)) << number);
        audience
    }

    /// Who is there.
    fn everybody(&mut self) -> Audience {
        let mut audience = 0;
        self.each(|number, _| audience |= 1 << number);
        audience
    }
}

/// Monitors by their numbers, a bit each.
type Audience = u16;

/// The place of the note of the facts of which there is nothing to note.
const NOTHING: usize = 0;

/// What was noted of the facts of a batch, and whom each is shown to. The room is kept from one batch to the next.
#[derive(Clone, Debug)]
struct Batch {
    /// At [`NOTHING`] and behind it.
    notes: Vec<Note>,
    /// Per monitor, the facts that are shown to it, each with the place of its note.
    shown: [Vec<Shown>; MONITORS],
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    fact: u32,
    note: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            notes: vec![Note::NOTHING],
            shown: Default::default(),
        }
    }
}

impl Batch {
    /// A fact is shown to these monitors.
    fn show(&mut self, fact: u32, note: usize, mut audience: Audience) {
        let note = u32::try_from(note).expect("no more notes than facts");
        while audience != 0 {
            let monitor = audience.trailing_zeros() as usize;
            self.shown[monitor].push(Shown { fact, note });
            audience &= audience - 1;
        }
    }

    /// Hands out what is shown to a monitor.
    fn take(&mut self, monitor: usize) -> impl Iterator<Item = (usize, &Note)> {
        let notes = &self.notes;
        let shown = self.shown[monitor].drain(..);
        shown.map(|shown| (shown.fact as usize, &notes[shown.note as usize]))
    }

    fn clear(&mut self) {
        self.notes.truncate(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::script::{Script, create, path, z};
    use crate::history::op::Response;

    fn voters() -> ServerSet {
        (1..=3).map(ServerId).collect()
    }

    fn two_creates_out_of_order() -> Script {
        let mut script = Script::new();
        script.did(1, create("/a", ""), z(5), Response::Path(path("/a")));
        script.did(2, create("/b", ""), z(4), Response::Path(path("/b")));
        script
    }

    #[test]
    fn a_batch_of_facts_is_judged_as_its_facts_one_by_one() {
        let script = two_creates_out_of_order();
        let mut one_by_one = Panel::new().with_ensemble(voters(), Span::from_ms(60_000));
        let mut at_once = one_by_one.clone();
        let mut facts = Vec::new();
        script.play(|at, fact| {
            one_by_one.observe(at, fact);
            facts.push((at, fact.clone()));
        });
        at_once.observe_all(&facts);
        assert!(one_by_one.findings().violations().len() > 1);
        assert_eq!(
            one_by_one.findings().violations(),
            at_once.findings().violations()
        );
    }

    #[test]
    fn a_panel_reports_only_the_properties_that_were_asked_for() {
        let script = two_creates_out_of_order();
        let mut all = Panel::new().with_ensemble(voters(), Span::from_ms(60_000));
        let mut one = Panel::of(&[Property::LinearizableWrites]);
        let mut other = Panel::of(&[Property::Liveness]);
        for panel in [&mut all, &mut one, &mut other] {
            script.play(|at, fact| panel.observe(at, fact));
            panel.finish(script.end());
        }
        let first = one.first_violation().expect("the order is wrong");
        assert_eq!(first.signature, "real-time-order");
        assert!(all.first_violation().is_some());
        assert_eq!(other.first_violation(), None);
        assert_eq!(
            one.verdicts().collect::<Vec<_>>(),
            vec![(Property::LinearizableWrites, Verdict::Violated)]
        );
        assert_eq!(all.verdicts().count(), Property::ALL.len());
    }
}
