//! Questions drawn from a seed: states that an ensemble can be in, for answers that are judged one by one.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;

use super::student::Decision;
use super::wire::{Question, VoteForm, WeightForm, ZxidForm};
use crate::base::rng::{Domain, Draw, Seed, stream};

/// The states of one seed.
#[derive(Debug)]
pub struct States {
    rng: ChaCha8Rng,
}

impl States {
    /// Those of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: stream(Seed(seed), Domain::Workload),
        }
    }

    /// The next question about a decision; of the steps at the disk there are two, one after the other.
    pub fn next(&mut self, about: Decision) -> Question {
        match about {
            Decision::Votes => self.votes(),
            Decision::Commits => self.acks(),
            Decision::Syncs => self.sync(),
            Decision::Stores if self.below(2) == 0 => Question::AtNewEpoch {},
            Decision::Stores => Question::AtNewLeader {},
            Decision::Quorums => self.members(),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        Draw::from_word(self.rng.next_u64()).below(bound)
    }

    fn small(&mut self, low: u32, high: u32) -> u32 {
        let drawn = self.below(u64::from(high - low) + 1);
        low + u32::try_from(drawn).expect("below a u32")
    }

    fn servers(&mut self, all: impl Iterator<Item = u8>, out_of: u64) -> Vec<u8> {
        all.filter(|_| self.below(out_of) != 0).collect()
    }

    fn vote(&mut self) -> VoteForm {
        let epoch = self.small(1, 3);
        let of = self.small(epoch.max(2) - 1, epoch);
        let counter = self.small(u32::from(of < epoch), 12);
        VoteForm {
            sid: u8::try_from(self.small(1, 5)).expect("at most 5"),
            epoch,
            zxid: ZxidForm { epoch: of, counter },
        }
    }

    fn votes(&mut self) -> Question {
        let current = self.vote();
        let mut new = self.vote();
        // Ties decide by what comes next.
        if self.below(3) == 0 {
            new.epoch = current.epoch;
            new.zxid = current.zxid;
        }
        Question::Supersedes { new, current }
    }

    fn acks(&mut self) -> Question {
        let voters = u8::try_from(self.small(3, 6)).expect("at most 6");
        let observers = u8::try_from(self.small(0, 3)).expect("at most 3");
        let leader = 1 + u8::try_from(self.below(u64::from(voters))).expect("at most 6");
        Question::IsCommitted {
            leader,
            acks: self.servers(1..=voters + observers, 2),
            voters: (1..=voters).collect(),
            observers: (voters + 1..=voters + observers).collect(),
        }
    }

    fn members(&mut self) -> Question {
        let shape = self.below(3);
        let voters = u8::try_from(self.small(3, 9)).expect("at most 9");
        let observers = u8::try_from(self.small(0, 3)).expect("at most 3");
        let mut weights = Vec::new();
        let mut groups: Vec<Vec<u8>> = Vec::new();
        if shape > 0 {
            for sid in 1..=voters {
                let weight = self.small(0, 3);
                if weight != 1 {
                    weights.push(WeightForm { sid, weight });
                }
            }
            // Somebody has a vote.
            weights.retain(|form| form.sid > 1);
        }
        if shape > 1 {
            groups = vec![Vec::new(); 3];
            for sid in 1..=voters {
                groups[usize::from(sid % 3)].push(sid);
            }
        }
        Question::ContainsQuorum {
            members: self.servers(1..=voters + observers, 3),
            voters: (1..=voters).collect(),
            observers: (voters + 1..=voters + observers).collect(),
            weights,
            groups,
        }
    }

    /// A leader's history of a few epochs, and a learner that has part of it, perhaps with something of its own.
    fn sync(&mut self) -> Question {
        let mut history = Vec::new();
        let mut epoch = 0;
        for _ in 0..self.small(1, 4) {
            epoch += self.small(1, 2);
            for counter in 1..=self.small(1, 4) {
                history.push(ZxidForm { epoch, counter });
            }
        }
        let newest = *history.last().expect("an epoch has a transaction");
        let kept = 1 + usize::try_from(self.below(history.len() as u64)).expect("short");
        let window = history[history.len() - kept..].to_vec();
        let at = usize::try_from(self.below(history.len() as u64)).expect("short");
        let here = history[at];
        let peer = match self.below(6) {
            0 => newest,
            1 | 2 => here,
            // Something that only the learner has: of the same epoch, or of one that left nothing else.
            3 => self.beyond(&history, at),
            4 => ZxidForm {
                epoch: here.epoch + 1,
                counter: self.small(1, 3),
            },
            _ => ZxidForm {
                epoch: here.epoch,
                counter: 0,
            },
        };
        Question::Decide {
            window,
            last: newest,
            peer,
            wants_snapshot: self.below(12) == 0,
        }
    }

    /// A learner's own end of the epoch of the transaction at `at`.
    fn beyond(&mut self, history: &[ZxidForm], at: usize) -> ZxidForm {
        let epoch = history[at].epoch;
        let same = history.iter().filter(|zxid| zxid.epoch == epoch);
        let counter = same.map(|zxid| zxid.counter).max().unwrap_or(0);
        ZxidForm {
            epoch,
            counter: counter + self.small(1, 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::judge::{self, Judgement, judge};
    use crate::lab::wire::{Answer, PlanForm};

    #[test]
    fn a_seed_draws_the_same_states_and_another_seed_others() {
        let ten = |seed| {
            let mut states = States::new(seed);
            (0..10)
                .map(|_| states.next(Decision::Syncs))
                .collect::<Vec<_>>()
        };
        assert_eq!(ten(1), ten(1));
        assert_ne!(ten(1), ten(2));
    }

    #[test]
    fn every_row_of_the_sync_table_is_drawn() {
        let mut states = States::new(1);
        let mut rows = [0; 3];
        for _ in 0..500 {
            let question = states.next(Decision::Syncs);
            let Answer::Plan(plan) = judge::reference(&question) else {
                panic!("a sync has a plan");
            };
            let row = match plan {
                PlanForm::Diff { .. } => 0,
                PlanForm::Trunc { .. } => 1,
                PlanForm::Snap {} => 2,
            };
            rows[row] += 1;
        }
        assert!(rows.iter().all(|count| *count > 50), "{rows:?}");
    }

    #[test]
    fn the_reference_is_right_about_every_state() {
        for about in [
            Decision::Votes,
            Decision::Commits,
            Decision::Syncs,
            Decision::Stores,
            Decision::Quorums,
        ] {
            let mut states = States::new(3);
            for _ in 0..300 {
                let question = states.next(about);
                let answer = judge::reference(&question);
                assert_eq!(judge(&question, &answer), Judgement::Right);
            }
        }
    }
}
