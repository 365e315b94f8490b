//! How a violation is told: evidence in order of time, then the sentence that states the contradiction.

use crate::check::verdict::{At, Findings, Property, Sentence, Violation};

/// What a judgement needs beside the monitor: where in the run it is made, and where its result goes.
pub(super) struct Cx<'a> {
    /// The fact being judged.
    pub(super) at: At,
    /// Where to report.
    pub(super) findings: &'a mut Findings,
}

/// The evidence of one violation.
#[derive(Debug, Default)]
pub(super) struct Story {
    sentences: Vec<Sentence>,
}

/// The longest story told, its conclusion not counted.
const SENTENCES_MAX: usize = 5;

impl Story {
    /// Adds a piece of evidence, in any order.
    pub(super) fn tell(&mut self, at: At, text: String) {
        self.sentences.push(Sentence { at, text });
    }

    /// The sentences in order of time, the conclusion last.
    fn finish(mut self, conclusion: Sentence) -> Vec<Sentence> {
        self.sentences.sort_by_key(|sentence| sentence.at.event);
        self.sentences.dedup();
        let surplus = self.sentences.len().saturating_sub(SENTENCES_MAX);
        self.sentences.drain(..surplus);
        self.sentences.push(conclusion);
        self.sentences
    }
}

impl Cx<'_> {
    /// Counts a judgement.
    pub(super) fn exercise(&mut self, property: Property) {
        self.findings.exercise(property);
    }

    /// Reports a violation noticed now.
    pub(super) fn violate(&mut self, claim: Claim, story: Story, conclusion: String) {
        let story = story.finish(Sentence {
            at: self.at,
            text: conclusion,
        });
        self.findings.violate(Violation {
            property: claim.property,
            at: self.at,
            signature: claim.signature,
            also: &[],
            story,
        });
    }
}

/// Which property is broken, and in which way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) property: Property,
    pub(super) signature: &'static str,
}

/// A way to break a property.
pub(super) const fn claim(property: Property, signature: &'static str) -> Claim {
    Claim {
        property,
        signature,
    }
}
