//! Judges that nobody waits for ever: once faults have ceased, every client that wants something gets it or gives up
//! within a bound.

use std::collections::BTreeMap;

use super::views::Calm;
use crate::base::id::ClientId;
use crate::check::verdict::{At, Findings, Property, Sentence};
use crate::check::wording::violation;
use crate::history::recipe::Step;

/// Who waits, since when and for what.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    waiting: BTreeMap<ClientId, (At, String)>,
}

impl Progress {
    pub(super) fn observe(
        &mut self,
        at: At,
        client: ClientId,
        step: &Step,
        findings: &mut Findings,
    ) {
        match wait(step) {
            Wait::Begins(what) => {
                let what = format!("client {} {what}", client.0);
                self.waiting.insert(client, (at, what));
            }
            Wait::Ends => {
                if self.waiting.remove(&client).is_some() {
                    findings.exercise(Property::RecipeLiveness);
                }
            }
            Wait::Neither => {}
        }
    }

    pub(super) fn on_crash(&mut self, client: ClientId) {
        self.waiting.remove(&client);
    }

    pub(super) fn finish(&self, at: At, calm: Calm, findings: &mut Findings) {
        for (client, (since, what)) in &self.waiting {
            let from = since.time.max(calm.from);
            if from + calm.patience > at.time {
                continue;
            }
            findings.exercise(Property::RecipeLiveness);
            let sentence = Sentence {
                at: *since,
                text: what.clone(),
            };
            findings.violate(violation(
                Property::RecipeLiveness,
                at,
                "waits-for-ever",
                vec![sentence],
                format!(
                    "client {} still waits, {} ms after that and the last fault",
                    client.0,
                    at.time.since(from).as_ms()
                ),
            ));
        }
    }
}

/// What a step says of a wait.
enum Wait {
    Begins(String),
    Ends,
    Neither,
}

fn wait(step: &Step) -> Wait {
    match step {
        Step::Queued { line, node, .. } => {
            Wait::Begins(format!("stands in the line of {line} with {node}"))
        }
        Step::Counting { counter } => Wait::Begins(format!("wants to add one to {counter}")),
        Step::Waits { barrier } => Wait::Begins(format!("waits in front of {barrier}")),
        Step::EnterCalled { barrier, round, .. } => {
            Wait::Begins(format!("wants to enter round {round} of {barrier}"))
        }
        Step::LeaveCalled { barrier, round } => {
            Wait::Begins(format!("wants to leave round {round} of {barrier}"))
        }
        Step::Voted { transaction, .. } => Wait::Begins(format!(
            "has voted on {transaction} and waits for the decision"
        )),
        Step::Held { .. }
        | Step::LetGo { .. }
        | Step::Counted { .. }
        | Step::Passed { .. }
        | Step::Entered { .. }
        | Step::Left { .. }
        | Step::Decided { .. } => Wait::Ends,
        Step::Acted { .. }
        | Step::TakeBegan { .. }
        | Step::Took { .. }
        | Step::TakeUnsure { .. }
        | Step::Configured { .. }
        | Step::Member { .. }
        | Step::Viewed { .. } => Wait::Neither,
    }
}
