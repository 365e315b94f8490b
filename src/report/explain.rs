//! Why a run failed, in sentences: the causal past of a violation, thinned to what matters.
//!
//! The checker's own evidence comes first. From the rest of the past are taken, in this order of weight: faults, what
//! became of the transactions and operations in the evidence, who led and with whom, how servers were brought up to date.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::phrase::{self, Whom};
use super::text::Grouped;
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::check::verdict::{self, At, Property, Violation};
use crate::experiment::cone::History;
use crate::experiment::scenario::Scenario;
use crate::experiment::shrink::failure::known_at;
use crate::history::fact::{Fact, Role, SyncKind};

/// The most sentences of an explanation; evidence alone may be more.
const MOST: usize = 25;

/// The fewest sentences of a story that a reader can follow: shorter evidence is completed by what matters most before it.
const FEWEST: usize = 3;

/// An explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What was violated.
    pub property: Property,
    /// The kind of violation.
    pub signature: &'static str,
    /// Where it was established.
    pub at: At,
    /// How many events of the run happened before it.
    pub past: usize,
    /// What matters, in order of time.
    pub sentences: Vec<Sentence>,
    /// The evidence, completed to three sentences where there is more to tell.
    pub story: Vec<verdict::Sentence>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// When.
    pub at: At,
    /// What.
    pub text: String,
    /// Whether it is part of the checker's evidence.
    pub is_evidence: bool,
}

/// Explains a violation of a run of this scenario.
pub fn explain(scenario: &Scenario, violation: &Violation) -> Explanation {
    let history = History::of(scenario, known_at(violation).time);
    within(&history, scenario, violation)
}

/// Explains a violation by a history that reaches at least up to it.
pub fn within(history: &History, scenario: &Scenario, violation: &Violation) -> Explanation {
    let known = known_at(violation);
    let evidence: BTreeSet<u64> = violation
        .story
        .iter()
        .map(|sentence| sentence.at.event.0)
        .chain([violation.at.event.0])
        .collect();
    let past = history.past(evidence.iter().copied());
    let concerns = Concerns::of(history, &evidence);
    let mut weighed: Vec<(u8, At, String)> = Vec::new();
    for (stamp, fact) in &history.facts {
        let at = At {
            event: stamp.event,
            time: stamp.time,
        };
        let is_fault = matches!(
            fact,
            Fact::FaultBegan { .. } | Fact::FaultEnded { .. } | Fact::OutsideModel { .. }
        );
        let is_past = past.contains(&at.event.0) && !evidence.contains(&at.event.0);
        if at.event >= known.event || !(is_past || is_fault) {
            continue;
        }
        if let Some(weight) = concerns.weight(fact) {
            weighed.push((weight, at, sentence(fact, scenario)));
        }
    }
    // Of equal weight the later ones explain more.
    weighed.sort_by_key(|(weight, at, _)| (*weight, std::cmp::Reverse(*at)));
    weighed.truncate(MOST.saturating_sub(violation.story.len()));
    let lacking = FEWEST.saturating_sub(violation.story.len());
    let nearest = weighed
        .iter()
        .take(lacking)
        .map(|(_, at, text)| verdict::Sentence {
            at: *at,
            text: text.clone(),
        });
    let mut story: Vec<verdict::Sentence> =
        violation.story.iter().cloned().chain(nearest).collect();
    story.sort_by_key(|sentence| sentence.at);
    let told = violation.story.iter().map(|sentence| Sentence {
        at: sentence.at,
        text: sentence.text.clone(),
        is_evidence: true,
    });
    let others = weighed.into_iter().map(|(_, at, text)| Sentence {
        at,
        text,
        is_evidence: false,
    });
    let mut sentences: Vec<Sentence> = told.chain(others).collect();
    sentences.sort_by_key(|sentence| (sentence.at, !sentence.is_evidence));
    Explanation {
        property: violation.property,
        signature: violation.signature,
        at: known,
        past: past.len(),
        sentences,
        story,
    }
}

/// The most sentences about a stretch of a run.
const MOST_BETWEEN: usize = 8;

/// What matters between two events of a run, the first excluded.
pub fn between(scenario: &Scenario, from: At, to: At) -> Vec<Sentence> {
    let history = History::of(scenario, to.time);
    let inside: Vec<_> = history
        .facts
        .iter()
        .filter(|(stamp, _)| stamp.event > from.event && stamp.event <= to.event)
        .collect();
    let everything = Concerns {
        zxids: inside.iter().filter_map(|(_, fact)| fact.zxid()).collect(),
        operations: inside
            .iter()
            .filter_map(|(_, fact)| operation_of(fact))
            .collect(),
    };
    let mut weighed: Vec<(u8, Sentence)> = inside
        .into_iter()
        .filter_map(|(stamp, fact)| {
            let at = At {
                event: stamp.event,
                time: stamp.time,
            };
            let text = sentence(fact, scenario);
            let is_evidence = false;
            let sentence = Sentence {
                at,
                text,
                is_evidence,
            };
            Some((everything.weight(fact)?, sentence))
        })
        .collect();
    weighed.sort_by_key(|(weight, sentence)| (*weight, sentence.at));
    weighed.truncate(MOST_BETWEEN);
    let mut sentences: Vec<Sentence> = weighed.into_iter().map(|(_, sentence)| sentence).collect();
    sentences.sort_by_key(|sentence| sentence.at);
    sentences
}

/// A fact with its subject.
fn sentence(fact: &Fact, scenario: &Scenario) -> String {
    let (whom, text) = phrase::fact(fact, &scenario.plan, scenario.roster());
    match whom {
        Whom::Server(server) => format!("server {server} {text}"),
        Whom::Client(client) => format!("client {}: {text}", client.0),
        Whom::World => text,
    }
}

/// What the evidence is about.
#[derive(Debug, Default)]
struct Concerns {
    zxids: BTreeSet<Zxid>,
    operations: BTreeSet<(ClientId, u64)>,
}

impl Concerns {
    fn of(history: &History, evidence: &BTreeSet<u64>) -> Self {
        let mut concerns = Self::default();
        for (at, fact) in &history.facts {
            if evidence.contains(&at.event.0) {
                concerns.zxids.extend(fact.zxid());
                concerns.operations.extend(operation_of(fact));
            }
        }
        concerns
    }

    /// How much a fact of the past matters, 0 most; `None` = not at all.
    fn weight(&self, fact: &Fact) -> Option<u8> {
        let is_about = fact.zxid().is_some_and(|zxid| self.zxids.contains(&zxid))
            || operation_of(fact).is_some_and(|operation| self.operations.contains(&operation));
        match fact {
            Fact::FaultBegan { effective, .. } => effective.then_some(0),
            Fact::OutsideModel { .. } => Some(0),
            Fact::Recipe { .. }
            | Fact::FaultEnded { .. }
            | Fact::ClockHeld { .. }
            | Fact::ServeStart {
                role: Role::Leader, ..
            }
            | Fact::QuorumFormed { .. } => Some(1),
            Fact::Invoked { .. }
            | Fact::Returned { .. }
            | Fact::Lost { .. }
            | Fact::Proposed { .. }
            | Fact::CommitDecided { .. } => is_about.then_some(1),
            Fact::AckSent { .. } | Fact::Durable { .. } => is_about.then_some(2),
            Fact::Delivered { .. } | Fact::Appended { .. } => is_about.then_some(4),
            Fact::SyncSent {
                kind: SyncKind::Trunc | SyncKind::Snap,
                ..
            }
            | Fact::RoleEnd { .. }
            | Fact::SessionExpiring { .. }
            | Fact::Expired { .. }
            | Fact::EventReceived { .. }
            | Fact::BootDropped { .. }
            | Fact::BootRefused { .. }
            | Fact::DiskTruncated { .. }
            | Fact::CommitOutOfOrder { .. }
            | Fact::SessionMoved { .. }
            | Fact::ServerCrashed { .. }
            | Fact::ClientCrashed { .. } => Some(3),
            Fact::EpochProposed { .. } | Fact::Elected { .. } | Fact::LeadStarted { .. } => Some(4),
            Fact::SyncSent { .. }
            | Fact::Switched { .. }
            | Fact::NewLeaderAckSent { .. }
            | Fact::ServeStart { .. } => Some(5),
            Fact::Booted { .. } | Fact::Connected { .. } | Fact::Disconnected { .. } => Some(6),
            Fact::Voted { .. } => Some(7),
            Fact::Ignored { .. }
            | Fact::EpochDurable { .. }
            | Fact::AckEpochSent { .. }
            | Fact::SessionTouched { .. }
            | Fact::WatchesReset { .. }
            | Fact::Ponged { .. } => None,
        }
    }
}

/// The operation that a fact is about.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not about one operation has none"
)]
fn operation_of(fact: &Fact) -> Option<(ClientId, u64)> {
    match fact {
        Fact::Invoked { client, op, .. }
        | Fact::Returned { client, op, .. }
        | Fact::Lost { client, op, .. } => Some((*client, *op)),
        _ => None,
    }
}

/// The text of an explanation; a star marks the checker's evidence.
pub fn text(explanation: &Explanation) -> String {
    let mut text = String::new();
    let mut put = |line: std::fmt::Arguments<'_>| {
        text.write_fmt(line).expect("a string takes any text");
    };
    let at = explanation.at;
    put(format_args!(
        "violated   {}   event {}   t={}\n  {}\n",
        explanation.property,
        Grouped(at.event.0),
        at.time,
        explanation.property.statement()
    ));
    put(format_args!(
        "  {} of the {} events until then happened before it; what matters:\n\n",
        Grouped(explanation.past as u64),
        Grouped(at.event.0)
    ));
    for sentence in &explanation.sentences {
        put(format_args!("{}", line(sentence)));
    }
    text
}

/// One sentence on a line of its own.
pub fn line(sentence: &Sentence) -> String {
    format!(
        "{:>11} {:>11} {} {}\n",
        sentence.at.time.to_string(),
        Grouped(sentence.at.event.0).to_string(),
        if sentence.is_evidence { '*' } else { ' ' },
        sentence.text
    )
}
