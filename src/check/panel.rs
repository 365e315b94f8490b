//! All monitors together: every fact goes to each of them, what they find is kept in one place.

use super::linear::LinearMonitor;
use super::liveness::LivenessMonitor;
use super::verdict::{At, Findings, Monitor, Property, Verdict, Violation};
use super::zab::ZabMonitor;
use crate::base::id::{ServerId, ServerSet};
use crate::base::time::{Span, Time};
use crate::history::fact::Fact;

/// What the monitors must know of a run beside its facts.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The servers that vote.
    pub voters: ServerSet,
    /// tickTime, the grain of session expiry.
    pub tick: Span,
    /// Time that recovery may take once the run is free of faults (zab.md §16.2, liveness).
    pub recovery: Span,
}

/// The monitors of a run and their findings.
#[derive(Clone, Debug)]
pub struct Panel {
    zab: Option<ZabMonitor>,
    linear: Option<LinearMonitor>,
    liveness: Option<LivenessMonitor>,
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

impl Panel {
    /// A panel that judges every property.
    pub fn new(setting: Setting) -> Self {
        Self::of(&Property::ALL, setting)
    }

    /// A panel that judges these properties only; monitors that serve none of them are left out.
    pub fn of(properties: &[Property], setting: Setting) -> Self {
        let serves = |served: &[Property]| served.iter().any(|one| properties.contains(one));
        Self {
            zab: serves(&ZAB).then(|| ZabMonitor::new(setting.voters)),
            linear: serves(&[Property::LinearizableWrites]).then(LinearMonitor::new),
            liveness: serves(&[Property::Liveness]).then(|| LivenessMonitor::new(setting.recovery)),
            findings: Findings::default(),
            chosen: properties.to_vec(),
        }
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

    /// The liveness monitor, if liveness is judged: it knows how long a run must last to be decided.
    pub fn liveness(&self) -> Option<&LivenessMonitor> {
        self.liveness.as_ref()
    }

    /// Takes the next fact of the run.
    pub fn observe(&mut self, at: At, fact: &Fact) {
        let (monitors, findings) = self.split();
        for monitor in monitors {
            monitor.observe(at, fact, findings);
        }
    }

    /// The run is over.
    pub fn finish(&mut self, at: At) {
        let (monitors, findings) = self.split();
        for monitor in monitors {
            monitor.finish(at, findings);
        }
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

    fn split(&mut self) -> (impl Iterator<Item = &mut dyn Monitor>, &mut Findings) {
        fn monitor<M: Monitor>(monitor: &mut Option<M>) -> Option<&mut dyn Monitor> {
            monitor.as_mut().map(|monitor| monitor as &mut dyn Monitor)
        }
        let monitors = [
            monitor(&mut self.zab),
            monitor(&mut self.linear),
            monitor(&mut self.liveness),
        ];
        (monitors.into_iter().flatten(), &mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::script::{Script, create, path, z};
    use crate::history::op::Response;

    fn setting() -> Setting {
        Setting {
            voters: (1..=3).map(ServerId).collect(),
            tick: Span::from_ms(200),
            recovery: Span::from_ms(60_000),
        }
    }

    fn two_creates_out_of_order() -> Script {
        let mut script = Script::new();
        script.did(1, create("/a", ""), z(5), Response::Path(path("/a")));
        script.did(2, create("/b", ""), z(4), Response::Path(path("/b")));
        script
    }

    #[test]
    fn a_panel_reports_only_the_properties_that_were_asked_for() {
        let script = two_creates_out_of_order();
        let mut all = Panel::new(setting());
        let mut one = Panel::of(&[Property::LinearizableWrites], setting());
        let mut other = Panel::of(&[Property::Liveness], setting());
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
