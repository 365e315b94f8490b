//! All monitors together: every fact goes to each of them, what they find is kept in one place.

use super::linear::LinearMonitor;
use super::liveness::LivenessMonitor;
use super::verdict::{At, Findings, Monitor, Property, Verdict, Violation};
use super::zab::ZabMonitor;
use crate::base::id::ServerSet;
use crate::base::time::{Span, Time};
use crate::history::fact::Fact;

/// What the Zab monitor judges.
const OF_ZAB: [Property; 17] = [
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

/// The monitors of a run and their findings.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    linear: Option<LinearMonitor>,
    zab: Option<ZabMonitor>,
    liveness: Option<LivenessMonitor>,
    findings: Findings,
    chosen: Vec<Property>,
}

impl Panel {
    /// A panel that judges every property.
    pub fn new() -> Self {
        Self::of(&Property::ALL)
    }

    /// A panel that judges these properties only; monitors that serve none of them are left out.
    pub fn of(properties: &[Property]) -> Self {
        let serves =
            |served: &[Property]| properties.iter().any(|property| served.contains(property));
        Self {
            linear: serves(&[Property::LinearizableWrites]).then(LinearMonitor::new),
            zab: None,
            liveness: None,
            findings: Findings::default(),
            chosen: properties.to_vec(),
        }
    }

    /// Adds the monitors that must know the ensemble: which servers vote, and how long recovery may take.
    #[must_use]
    pub fn with_ensemble(mut self, voters: ServerSet, recovery: Span) -> Self {
        let chosen = |property: &Property| self.chosen.contains(property);
        self.zab = OF_ZAB.iter().any(chosen).then(|| ZabMonitor::new(voters));
        self.liveness = chosen(&Property::Liveness).then(|| LivenessMonitor::new(recovery));
        self
    }

    /// From this moment on no fault acts (see [`LivenessMonitor::fault_free_from`]).
    pub fn fault_free_from(&mut self, time: Time) {
        if let Some(monitor) = &mut self.liveness {
            monitor.fault_free_from(time);
        }
    }

    /// Takes the next fact of the run.
    pub fn observe(&mut self, at: At, fact: &Fact) {
        let findings = &mut self.findings;
        if let Some(monitor) = &mut self.linear {
            monitor.observe(at, fact, findings);
        }
        if let Some(monitor) = &mut self.zab {
            monitor.observe(at, fact, findings);
        }
        if let Some(monitor) = &mut self.liveness {
            monitor.observe(at, fact, findings);
        }
    }

    /// The run is over.
    pub fn finish(&mut self, at: At) {
        let findings = &mut self.findings;
        if let Some(monitor) = &mut self.linear {
            monitor.finish(at, findings);
        }
        if let Some(monitor) = &mut self.zab {
            monitor.finish(at, findings);
        }
        if let Some(monitor) = &mut self.liveness {
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
}
