//! The faults' part of a report: each of them with when it struck, whom, and what came of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::experiment::chronicle::{Chronicle, Struck};
use crate::experiment::scenario::Scenario;
use crate::report::faults;

/// A fault that struck, or found nothing to do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FaultLine {
    /// Its id in the plan; absent if the end of the run brought it.
    pub id: Option<String>,
    /// Its kind.
    pub kind: &'static str,
    /// What it does, in words.
    pub text: String,
    /// When it began.
    pub from_us: u64,
    /// When it was over.
    pub to_us: Option<u64>,
    /// In which event it began.
    pub event: u64,
    /// Whether it changed anything.
    pub effective: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whom it struck, servers as `1`, clients as `c1`.
    pub targets: Vec<String>,
}

impl FaultLine {
    /// The lines of a run.
    pub fn all(scenario: &Scenario, chronicle: &Chronicle) -> Vec<Self> {
        let line = |struck: &Struck| {
            let index = usize::try_from(struck.index).ok();
            let planned = index.and_then(|index| scenario.plan.get(index));
            Self {
                id: planned.map(|planned| planned.id.to_string()),
                kind: planned.map_or("injected", |planned| planned.fault.name()),
                text: planned.map_or_else(
                    || "what the end of the run brings".to_owned(),
                    |planned| faults::fault(&planned.fault, scenario.roster()),
                ),
                from_us: struck.began.time.0 / 1_000,
                to_us: struck.ended.map(|at| at.time.0 / 1_000),
                event: struck.began.event.0,
                effective: struck.effective,
                why: struck.why.clone(),
                targets: struck.targets.clone(),
            }
        };
        chronicle.faults.iter().map(line).collect()
    }
}
