//! What came out of a run: a verdict per property, violations with their stories, counts, the digest.

use std::collections::BTreeMap;

use super::counters::Counters;
use super::scenario::sections::Expect;
use super::situations::Reached;
use crate::base::id::ServerId;
use crate::base::time::Time;
use crate::check::claims::Staleness;
use crate::check::verdict::{At, Findings, Note, Property, Sight, Verdict, Violation};
use crate::check::watch::WatchLatency;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its time was over and liveness could be judged.
    InTime,
    /// The event budget was spent first.
    EventBudget,
}

/// The judgement on one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Which.
    pub property: Property,
    /// The verdict.
    pub verdict: Verdict,
    /// How often it was judged.
    pub exercised: u64,
    /// What it was judged from, if it is one of watches.
    pub sight: Option<Sight>,
    /// Why it is undecided, if it is.
    pub why: Option<String>,
}

/// Why violations from some moment on do not count: a fault outside Zab's model (zab.md §16.4) has done its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excuse {
    /// The fault's id in the plan, or the setting of the scenario that has it so.
    pub fault: String,
    /// What it did.
    pub what: String,
    /// At which server, if at one.
    pub server: Option<ServerId>,
    /// When.
    pub at: At,
}

/// How often a kind of fault struck: coverage counts what took effect only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strikes {
    /// With effect.
    pub effective: u64,
    /// In vain.
    pub in_vain: u64,
}

/// The outcome of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Per property asked for, in the order of reports.
    pub properties: Vec<Judged>,
    /// What was broken, in the order found.
    pub violations: Vec<Violation>,
    /// The chained digest of every input and effect.
    pub digest: u64,
    /// How many events were played.
    pub events: u64,
    /// The virtual time at the end.
    pub virtual_time: Time,
    /// Why it ended.
    pub ended: Ended,
    /// What was exercised.
    pub counters: Counters,
    /// Which situations were reached.
    pub reached: Reached,
    /// How stale reads were.
    pub staleness: Staleness,
    /// How long watch events were on their way.
    pub watch_latency: WatchLatency,
    /// What ZooKeeper allows by design and its users may not expect.
    pub notes: Vec<Note>,
    /// What excuses violations, first to last.
    pub excuses: Vec<Excuse>,
    /// How often each kind of fault struck.
    pub strikes: BTreeMap<&'static str, Strikes>,
}

impl Outcome {
    /// The verdicts on the chosen properties.
    pub fn judge(findings: &Findings, chosen: &[Property]) -> (Vec<Judged>, Vec<Violation>) {
        let properties = chosen
            .iter()
            .map(|property| Judged {
                property: *property,
                verdict: findings.verdict(*property),
                exercised: findings.exercised(*property),
                sight: property.sight(),
                why: findings.why(*property).map(ToOwned::to_owned),
            })
            .collect();
        let violations = findings
            .violations()
            .iter()
            .filter(|violation| chosen.contains(&violation.property))
            .cloned()
            .collect();
        (properties, violations)
    }

    /// What is allowed by design, of the chosen properties.
    pub fn notes(findings: &Findings, chosen: &[Property]) -> Vec<Note> {
        let notes = findings.notes().iter();
        let notes = notes.filter(|note| chosen.contains(&note.property));
        notes.cloned().collect()
    }

    /// Whether something outside Zab's model had done its work before.
    pub fn is_excused(&self, violation: &Violation) -> bool {
        let first = self.excuses.first();
        first.is_some_and(|excuse| violation.at >= excuse.at)
    }

    /// Violations that came after something outside Zab's model are excused; a property whose violations all did is, too.
    pub fn excuse(&mut self) {
        let Some(since) = self.excuses.first().map(|excuse| excuse.at) else {
            return;
        };
        for judged in &mut self.properties {
            let mut own = self
                .violations
                .iter()
                .filter(|violation| violation.property == judged.property);
            if judged.verdict == Verdict::Violated && own.all(|violation| violation.at >= since) {
                judged.verdict = Verdict::Excused;
            }
        }
    }

    /// The verdict on the run as a whole: vacuous properties do not count.
    pub fn verdict(&self) -> Verdict {
        let any = |verdict| {
            self.properties
                .iter()
                .any(|judged| judged.verdict == verdict)
        };
        if any(Verdict::Violated) {
            Verdict::Violated
        } else if any(Verdict::Undecided) || self.ended == Ended::EventBudget {
            Verdict::Undecided
        } else if any(Verdict::Excused) {
            Verdict::Excused
        } else {
            Verdict::Holds
        }
    }

    /// The property that explains the verdict: the first one violated in time, or the first undecided.
    pub fn decisive(&self) -> Option<Property> {
        let first = self.violations.iter().min_by_key(|violation| violation.at);
        first.map(|violation| violation.property).or_else(|| {
            let undecided = |judged: &&Judged| judged.verdict == Verdict::Undecided;
            self.properties
                .iter()
                .find(undecided)
                .map(|judged| judged.property)
        })
    }

    /// Compares with an expectation (its digest aside, which `replay` verifies).
    ///
    /// # Errors
    /// In which way the outcome differs.
    pub fn meets(&self, expect: &Expect) -> Result<(), String> {
        let (expected, found) = (expect.verdict.verdict(), self.verdict());
        if expected != found {
            return Err(format!(
                "expected the verdict {}, found {}",
                expected.name(),
                found.name()
            ));
        }
        let Some(name) = &expect.property else {
            return Ok(());
        };
        let broken = |judged: &Judged| judged.property.name() == name && judged.verdict == expected;
        if self.properties.iter().any(broken) {
            return Ok(());
        }
        let others: Vec<&str> = self
            .properties
            .iter()
            .filter(|judged| judged.verdict == expected)
            .map(|judged| judged.property.name())
            .collect();
        Err(format!(
            "expected {name} to be {}, found {}",
            expected.name(),
            others.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::EventId;
    use crate::experiment::scenario::sections::Expected;

    fn outcome(verdicts: &[(Property, Verdict)], ended: Ended) -> Outcome {
        let judged = |(property, verdict): &(Property, Verdict)| Judged {
            property: *property,
            verdict: *verdict,
            exercised: 1,
            sight: None,
            why: None,
        };
        Outcome {
            properties: verdicts.iter().map(judged).collect(),
            violations: Vec::new(),
            digest: 0,
            events: 0,
            virtual_time: Time::ZERO,
            ended,
            counters: Counters::default(),
            reached: Reached::default(),
            staleness: Staleness::default(),
            watch_latency: WatchLatency::default(),
            notes: Vec::new(),
            excuses: Vec::new(),
            strikes: BTreeMap::new(),
        }
    }

    fn expect(verdict: Expected, property: Option<&str>) -> Expect {
        Expect {
            verdict,
            property: property.map(ToOwned::to_owned),
            digest: None,
        }
    }

    #[test]
    fn a_violation_outweighs_what_is_undecided_and_vacuous_properties_do_not_count() {
        let (one, two) = (Property::Integrity, Property::Liveness);
        for (verdicts, ended, expected) in [
            (
                [Verdict::Violated, Verdict::Undecided],
                Ended::InTime,
                Verdict::Violated,
            ),
            (
                [Verdict::Holds, Verdict::Undecided],
                Ended::InTime,
                Verdict::Undecided,
            ),
            (
                [Verdict::Holds, Verdict::Vacuous],
                Ended::InTime,
                Verdict::Holds,
            ),
            (
                [Verdict::Holds, Verdict::Holds],
                Ended::EventBudget,
                Verdict::Undecided,
            ),
        ] {
            let outcome = outcome(&[(one, verdicts[0]), (two, verdicts[1])], ended);
            assert_eq!(outcome.verdict(), expected);
        }
    }

    #[test]
    fn a_violation_is_excused_by_what_came_before_it_and_by_nothing_else() {
        let (one, two) = (Property::CommittedSurvives, Property::Integrity);
        let at = |event| At {
            event: EventId(event),
            time: Time::from_ms(event),
        };
        let violation = |property, event| Violation {
            property,
            at: at(event),
            signature: "s",
            also: &[],
            story: Vec::new(),
        };
        let excuse = Excuse {
            fault: "w".to_owned(),
            what: "an empty disk".to_owned(),
            server: None,
            at: at(50),
        };
        for (events, excuses, expected) in [
            ([60, 70], vec![excuse.clone()], Verdict::Excused),
            ([60, 40], vec![excuse.clone()], Verdict::Violated),
            ([60, 70], Vec::new(), Verdict::Violated),
        ] {
            let mut found = outcome(
                &[(one, Verdict::Violated), (two, Verdict::Violated)],
                Ended::InTime,
            );
            found.violations = vec![violation(one, events[0]), violation(two, events[1])];
            found.excuses = excuses;
            found.excuse();
            assert_eq!(found.verdict(), expected);
        }
        let mut fine = outcome(&[(one, Verdict::Holds)], Ended::InTime);
        fine.excuses = vec![excuse];
        fine.excuse();
        assert_eq!(fine.verdict(), Verdict::Holds);
    }

    #[test]
    fn an_expectation_is_met_by_its_verdict_on_its_property() {
        let found = outcome(
            &[
                (Property::CommitQuorum, Verdict::Violated),
                (Property::TruthfulAck, Verdict::Holds),
            ],
            Ended::InTime,
        );
        let meets = |verdict, property| found.meets(&expect(verdict, property));
        assert_eq!(meets(Expected::Violated, None), Ok(()));
        assert_eq!(meets(Expected::Violated, Some("commit-quorum")), Ok(()));
        assert_eq!(
            meets(Expected::Violated, Some("truthful-ack")),
            Err("expected truthful-ack to be violated, found commit-quorum".to_owned())
        );
        assert_eq!(
            meets(Expected::Holds, None),
            Err("expected the verdict holds, found violated".to_owned())
        );
    }
}
