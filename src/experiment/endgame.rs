//! The end of a run (dst.md §6.8): everything is healed inside a core of servers, and what is outside stays broken.
//!
//! The core holds a quorum of the voters. Which servers it holds, and how each other one is broken, is drawn from the seed:
//! down, standing still, cut off, or cut off one way only, so that it hears the others and is not heard, or the reverse.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use super::scenario::Scenario;
use super::scenario::sections::Core;
use crate::base::id::{NodeId, ServerId, ServerSet};
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Draw, stream};
use crate::base::time::Span;
use crate::sim::fault::{Direction, Fault, Form, Target, Unsynced};

/// Who is left in peace at the end, and what is done to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endgame {
    /// The servers that nothing disturbs.
    pub core: ServerSet,
    /// What breaks the others.
    pub faults: Vec<Fault>,
}

impl Endgame {
    /// Draws the end of a scenario's run; `None` if all is healed and nothing is asked of it.
    pub fn of(scenario: &Scenario) -> Option<Self> {
        let mut dice = Dice(stream(scenario.seed, Domain::Endgame));
        let outside = match scenario.limits.core {
            Core::Healed => return None,
            Core::All => Vec::new(),
            Core::Drawn => dice.outside(scenario),
        };
        let is_outside = |server: &u16| outside.contains(server);
        let servers = 1..=scenario.roster().servers();
        let id = |server| ServerId(u8::try_from(server).expect("server ids are small"));
        Some(Self {
            core: servers
                .filter(|server| !is_outside(server))
                .map(id)
                .collect(),
            faults: outside
                .iter()
                .map(|server| dice.break_down(NodeId(*server)))
                .collect(),
        })
    }

    /// How much longer recovery may take because clients must pass over servers that do not answer.
    pub fn detour(scenario: &Scenario) -> Span {
        let timeout = scenario
            .workload
            .iter()
            .map(|work| u64::from(work.session_timeout_ms))
            .max();
        Span::from_ms(timeout.unwrap_or(0) + 2_000)
    }
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn draw(&mut self) -> Draw {
        Draw::from_word(self.0.next_u64())
    }

    /// A quarter of the runs leaves nobody outside, a quarter one voter, half as many as a quorum can spare.
    fn outside(&mut self, scenario: &Scenario) -> Vec<u16> {
        let voters = u16::from(scenario.ensemble.voters);
        let spare = (voters - 1) / 2;
        let count = match self.draw().below(4) {
            0 => 0,
            1 => spare.min(1),
            _ => spare,
        };
        let mut left: Vec<u16> = (1..=voters).collect();
        let mut outside = Vec::new();
        for _ in 0..count {
            let index = self.draw().below(left.len() as u64);
            outside.push(left.remove(usize::try_from(index).expect("below a length")));
        }
        for observer in voters + 1..=scenario.roster().servers() {
            if count > 0 && self.draw().chance(Ratio::new(1, 2)) {
                outside.push(observer);
            }
        }
        outside
    }

    fn break_down(&mut self, node: NodeId) -> Fault {
        let target = Target::Node(node);
        let cut = |direction, clients| Fault::Isolate {
            target: target.clone(),
            direction,
            clients,
            form: Form::Silent,
        };
        match self.draw().below(5) {
            0 => Fault::Crash {
                target,
                unsynced: Unsynced::PowerDrawn,
            },
            1 => Fault::Pause { target },
            2 => cut(Direction::Both, true),
            3 => cut(Direction::Out, false),
            _ => cut(Direction::In, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;

    fn scenario(core: &str) -> Scenario {
        let text = format!(
            r#"{{ "format": 1, "name": "end", "ensemble": {{ "voters": 5, "observers": 2 }}, "limits": {{ "core": "{core}" }} }}"#
        );
        Scenario::parse(text.as_bytes(), "end", &[]).unwrap()
    }

    #[test]
    fn a_drawn_core_holds_a_quorum_and_every_other_server_is_broken() {
        let mut scenario = scenario("drawn");
        let mut sizes = std::collections::BTreeMap::new();
        for seed in 0..200 {
            scenario.seed = Seed(seed);
            let endgame = Endgame::of(&scenario).unwrap();
            let voters = endgame.core.iter().filter(|server| server.0 <= 5).count();
            assert!(voters >= 3, "seed {seed}");
            assert_eq!(endgame.core.len() + endgame.faults.len(), 7);
            *sizes.entry(voters).or_insert(0) += 1;
        }
        assert_eq!(sizes.keys().copied().collect::<Vec<_>>(), [3, 4, 5]);
    }

    #[test]
    fn all_servers_are_the_core_where_a_scenario_says_so() {
        let endgame = Endgame::of(&scenario("all")).unwrap();
        assert_eq!((endgame.core.len(), endgame.faults.len()), (7, 0));
        assert_eq!(Endgame::of(&scenario("healed")), None);
    }
}
