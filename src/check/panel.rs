//! All monitors together: every fact goes to each of them, what they find is kept in one place.

use std::sync::Arc;

use super::article::ArticleMonitor;
use super::claims::{ClaimsMonitor, Staleness};
use super::convergence::ConvergenceMonitor;
use super::linear::LinearMonitor;
use super::liveness::LivenessMonitor;
use super::recipe::RecipeMonitor;
use super::session::SessionMonitor;
use super::sessions::SessionsMonitor;
use super::under_way::UnderWay;
use super::verdict::{At, Findings, Monitor, Property, Verdict, Violation};
use super::watch::{WatchLatency, WatchMonitor};
use super::wording::Witness;
use super::zab::ZabMonitor;
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::{Span, Time};
use crate::history::fact::Fact;

/// The monitors of a run and their findings.
#[derive(Clone, Debug, Default)]
pub struct Panel {
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
    /// What all monitors know of operations, if any of them asks.
    under_way: Option<UnderWay>,
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
            zab: None,
            linear: None,
            session: None,
            sessions: None,
            watch: None,
            liveness: None,
            convergence: None,
            claims: None,
            recipe: None,
            article: None,
            under_way: None,
            findings: Findings::default(),
            chosen: properties.to_vec(),
        };
        panel.linear = panel
            .serves(&[
                Property::LinearizableWrites,
                Property::SequentialConsistency,
            ])
            .then(LinearMonitor::new);
        panel.session = panel
            .serves(&[
                Property::SessionGuarantees,
                Property::MonotonicReads,
                Property::ReadYourWrites,
                Property::AtomicMultis,
                Property::SequentialConsistency,
            ])
            .then(SessionMonitor::new);
        // How stale reads are is of interest wherever reads are judged.
        panel.claims = panel
            .serves(&[
                Property::SessionGuarantees,
                Property::SyncRead,
                Property::LinearizableReads,
            ])
            .then(ClaimsMonitor::new);
        panel.sessions = panel
            .serves(&[Property::Sessions])
            .then(SessionsMonitor::new);
        panel.watch = panel.serves(&WATCH).then(WatchMonitor::new);
        let is_of_recipes = properties.iter().any(|property| property.is_of_recipes());
        panel.recipe = is_of_recipes.then(RecipeMonitor::new);
        let is_of_the_article = properties
            .iter()
            .any(|property| property.is_of_the_article());
        panel.article = is_of_the_article.then(ArticleMonitor::new);
        panel.track_operations();
        panel
    }

    /// Adds the monitors that must know the ensemble: which servers vote, and how long recovery may take.
    #[must_use]
    pub fn with_ensemble(mut self, voters: ServerSet, recovery: Span) -> Self {
        self.zab = self.serves(&ZAB).then(|| ZabMonitor::new(voters));
        self.liveness = self
            .serves(&[Property::Liveness])
            .then(|| LivenessMonitor::new(recovery, voters));
        self.convergence = self
            .serves(&[Property::Convergence, Property::Answered])
            .then(|| ConvergenceMonitor::new(recovery, voters));
        self.track_operations();
        self
    }

    /// Operations are tracked where a monitor asks for them.
    fn track_operations(&mut self) {
        let is_asked = self.linear.is_some()
            || self.session.is_some()
            || self.sessions.is_some()
            || self.watch.is_some()
            || self.convergence.is_some()
            || self.claims.is_some()
            || self.article.is_some();
        self.under_way = is_asked.then(UnderWay::default);
    }

    fn serves(&self, served: &[Property]) -> bool {
        served.iter().any(|one| self.chosen.contains(one))
    }

    /// Names a server whose forced data a fault outside Zab's model destroyed; see [`ZabMonitor::excuse`].
    pub fn excuse(&mut self, server: ServerId) {
        if let Some(zab) = &mut self.zab {
            zab.excuse(server);
        }
    }

    /// From this moment on no fault acts; see [`LivenessMonitor::fault_free_from`].
    pub fn fault_free_from(&mut self, time: Time) {
        if let Some(liveness) = &mut self.liveness {
            liveness.fault_free_from(time);
        }
    }

    /// From this moment on nothing disturbs these servers and the clients; see [`ConvergenceMonitor::calm_from`].
    pub fn calm_from(&mut self, time: Time, core: ServerSet) {
        if let Some(convergence) = &mut self.convergence {
            convergence.calm_from(time, core);
        }
        if let Some(liveness) = &mut self.liveness {
            liveness.leave(core);
        }
    }

    /// From this moment on no fault acts, and programs that wait must go on within this time.
    pub fn patience_from(&mut self, time: Time, patience: Span) {
        if let Some(recipe) = &mut self.recipe {
            recipe.calm_from(time, patience);
        }
    }

    /// How long a run must last for its recovery to be judged.
    pub fn deadline(&self) -> Option<Time> {
        let liveness = self.liveness.as_ref().and_then(LivenessMonitor::deadline);
        let convergence = self.convergence.as_ref();
        let recipe = self.recipe.as_ref().and_then(RecipeMonitor::deadline);
        let convergence = convergence.and_then(ConvergenceMonitor::deadline);
        liveness.max(convergence).max(recipe)
    }

    /// The liveness monitor, if liveness is judged: it knows how long a run must last to be decided.
    pub fn liveness(&self) -> Option<&LivenessMonitor> {
        self.liveness.as_ref()
    }

    /// How stale reads were, if anybody looked.
    pub fn staleness(&self) -> Staleness {
        let claims = self.claims.as_ref();
        claims.map_or_else(Staleness::default, |claims| claims.staleness().clone())
    }

    /// How long watch events were on their way, if anybody looked.
    pub fn watch_latency(&self) -> WatchLatency {
        let watch = self.watch.as_ref();
        watch.map_or_else(WatchLatency::default, |watch| watch.latency().clone())
    }

    /// Takes the next fact of the run.
    pub fn observe(&mut self, at: At, fact: &Fact) {
        let witness = self.witness(at, fact);
        self.each(|monitor, findings| monitor.observe(at, fact, witness.as_ref(), findings));
    }

    /// Takes the next facts of the run at once, monitor by monitor: each finds its code and its data in the processor's caches.
    /// What is found is what would be found fact by fact.
    pub fn observe_all(&mut self, facts: &[(At, Fact)]) {
        let witnesses = facts.iter().map(|(at, fact)| self.witness(*at, fact));
        let witnesses: Vec<Option<Arc<Witness>>> = witnesses.collect();
        self.each(|monitor, findings| {
            for (index, ((at, fact), witness)) in facts.iter().zip(&witnesses).enumerate() {
                if monitor.heeds(fact) {
                    findings.judge(index);
                    monitor.observe(*at, fact, witness.as_ref(), findings);
                }
            }
        });
        self.findings.end_batch();
    }

    fn witness(&mut self, at: At, fact: &Fact) -> Option<Arc<Witness>> {
        self.under_way.as_mut()?.observe(at, fact)
    }

    /// The run is over.
    pub fn finish(&mut self, at: At) {
        self.each(|monitor, findings| monitor.finish(at, findings));
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

    /// Visits the monitors that there are. Each is called by its own type: every fact of a run passes here.
    #[inline]
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Monitor, &mut Findings)) {
        fn one<M: Monitor>(
            monitor: &mut Option<M>,
            findings: &mut Findings,
            visit: &mut impl FnMut(&mut dyn Monitor, &mut Findings),
        ) {
            if let Some(monitor) = monitor {
                visit(monitor, findings);
            }
        }
        let findings = &mut self.findings;
        one(&mut self.zab, findings, &mut visit);
        one(&mut self.linear, findings, &mut visit);
        one(&mut self.session, findings, &mut visit);
        one(&mut self.sessions, findings, &mut visit);
        one(&mut self.watch, findings, &mut visit);
        one(&mut self.liveness, findings, &mut visit);
        one(&mut self.convergence, findings, &mut visit);
        one(&mut self.claims, findings, &mut visit);
        one(&mut self.recipe, findings, &mut visit);
        one(&mut self.article, findings, &mut visit);
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
