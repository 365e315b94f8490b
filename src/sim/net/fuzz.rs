//! Random traffic and faults against what a stream promises, whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fault::{Direction, Fault, Form, Seen, Target, Unsynced};
use super::super::process::{Conn, Effect, Effects, Input, LinkClass};
use super::super::rough::Roughness;
use super::super::setup::Setup;
use super::super::sink::{Happening, Sink, Stamp};
use super::super::testing::{Act, Numbers, Stage};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Draw, Key, Seed};
use crate::base::time::Span;

/// Follows every end of every connection and panics where a promise is broken. Message `n` of an end has value `n`.
#[derive(Default)]
struct Promises {
    lives: BTreeMap<NodeId, u32>,
    /// Ends in use: the life they belong to, messages got, messages sent.
    open: BTreeMap<(Conn, NodeId), (u32, u64, u64)>,
    /// Ends that no process may hear of again.
    over: BTreeSet<(Conn, NodeId)>,
    got: u64,
    resets: u64,
}

impl Promises {
    fn begin(&mut self, conn: Conn, node: NodeId) {
        assert!(
            !self.over.contains(&(conn, node)),
            "{conn:?} is over at {node}"
        );
        let before = self.open.insert((conn, node), (self.lives[&node], 0, 0));
        assert!(before.is_none(), "{conn:?} begins twice at {node}");
    }

    fn finish(&mut self, conn: Conn, node: NodeId) {
        let (life, ..) = self
            .open
            .remove(&(conn, node))
            .expect("only what is open ends");
        assert_eq!(life, self.lives[&node], "a later life is told nothing");
        self.over.insert((conn, node));
    }
}

impl Sink<Numbers> for Promises {
    fn input(&mut self, _: Stamp, node: NodeId, input: &Input<Numbers>) {
        match input {
            Input::Accepted { conn, .. } | Input::Opened { conn } => self.begin(*conn, node),
            Input::Refused { conn, .. } => {
                assert!(!self.open.contains_key(&(*conn, node)));
                assert!(self.over.insert((*conn, node)));
            }
            Input::Deliver { conn, msg } => {
                let end = self
                    .open
                    .get_mut(&(*conn, node))
                    .expect("only open ends receive");
                assert_eq!(end.0, self.lives[&node]);
                assert_eq!(*msg, end.1, "every message, once, in order");
                end.1 += 1;
                self.got += 1;
            }
            Input::Ended { conn, .. } => {
                self.finish(*conn, node);
                self.resets += 1;
            }
            Input::Boot
            | Input::Fire { .. }
            | Input::Run { .. }
            | Input::Synced { .. }
            | Input::Stored { .. }
            | Input::Snapshotted
            | Input::Installed
            | Input::WriteFailed { .. }
            | Input::Command(_) => {}
        }
    }

    fn effect(&mut self, _: Stamp, node: NodeId, effect: &Effect<Numbers>) {
        if let Effect::Close { conn } = effect {
            self.open.remove(&(*conn, node));
            self.over.insert((*conn, node));
        }
    }

    fn happening(&mut self, _: Stamp, what: &Happening, _: &[super::super::fault::Planned]) {
        if let Happening::Started { node, life } = what {
            self.lives.insert(*node, *life);
        }
        if let Happening::Crashed { node, .. } = what {
            let gone = self.open.keys().filter(|(_, who)| who == node).copied();
            let gone: Vec<_> = gone.collect();
            for key in gone {
                self.open.remove(&key);
                self.over.insert(key);
            }
        }
    }
}

struct Fuzz {
    stage: Stage,
    promises: Promises,
    key: Key,
    count: u64,
}

impl Fuzz {
    fn draw(&mut self) -> Draw {
        self.count += 1;
        self.key.draw(0, 0, 0, self.count)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draw().below(bound)
    }

    fn node(&mut self) -> NodeId {
        NodeId(u16::try_from(self.below(4) + 1).unwrap())
    }

    fn run(&mut self, span: Span) {
        let until = self.stage.world.now() + span;
        let mut out = Effects::default();
        while self
            .stage
            .world
            .agenda
            .next_time()
            .is_some_and(|next| next <= until)
        {
            self.stage.world.step(&mut out, &mut self.promises);
            self.stage.world.net.check();
        }
        self.stage.world.agenda.now = until;
    }

    fn send_on(&mut self, conn: Conn, node: NodeId) {
        let end = self.promises.open.get_mut(&(conn, node)).unwrap();
        let msg = end.2;
        end.2 += 1;
        let effect = Effect::Send { conn, msg };
        self.stage.world.command(node, Act::Do(effect));
        // The command must be carried out before the node can crash, so that counts stay true.
        self.run(Span::ZERO);
    }

    fn some_end(&mut self) -> Option<(Conn, NodeId)> {
        let ends: Vec<_> = self.promises.open.keys().copied().collect();
        let place = usize::try_from(self.below(ends.len() as u64)).unwrap();
        let (conn, node) = *ends.get(place)?;
        (!self.stage.world.is_paused(node)).then_some((conn, node))
    }

    fn fault(&mut self) -> Fault {
        let target = Target::Node(self.node());
        let direction = [Direction::Both, Direction::Out, Direction::In]
            [usize::try_from(self.below(3)).unwrap()];
        let seen = [Seen::Both, Seen::One][usize::try_from(self.below(2)).unwrap()];
        let form = [Form::Silent, Form::Reset, Form::Jam][usize::try_from(self.below(3)).unwrap()];
        match self.below(12) {
            9 => Fault::Clog {
                target,
                direction,
                class: None,
            },
            10 | 11 => Fault::Rough {
                target,
                class: None,
                rough: self.roughness(),
            },
            0 | 1 => {
                let unsynced = Unsynced::Kill;
                Fault::Crash { target, unsynced }
            }
            2 => {
                let unsynced = Unsynced::PowerDrawn;
                Fault::Crash { target, unsynced }
            }
            3 => Fault::Pause { target },
            4 | 5 => {
                let groups = vec![vec![self.node()], vec![self.node()]];
                let class = (self.below(2) == 0).then_some(LinkClass::Quorum);
                Fault::Partition {
                    groups,
                    direction,
                    class,
                    form,
                }
            }
            6 => Fault::Isolate {
                target,
                direction,
                clients: true,
                form,
            },
            7 => Fault::Reset {
                target,
                class: None,
                seen,
            },
            _ => Fault::Flaky {
                target,
                reset: Ratio::new(1, 20),
            },
        }
    }

    /// One way of being rough that leaves streams what they are.
    fn roughness(&mut self) -> Roughness {
        let mut rough = Roughness::NONE;
        let often = Ratio::new(1, 4);
        match self.below(7) {
            0 => rough.refuse = often,
            1 => rough.hang = often,
            2 => rough.reset = Ratio::new(1, 20),
            3 => rough.stall = Ratio::new(1, 10),
            4 => rough.corrupt = Ratio::new(1, 20),
            5 => rough.short = often,
            _ => {
                rough.bandwidth = 5_000;
                rough.queue_bytes = 1 + self.below(500);
            }
        }
        rough
    }

    fn play(&mut self) {
        for _ in 0..150 {
            match self.below(12) {
                0 | 1 => {
                    let (from, to) = (self.node(), self.node());
                    let timeout = Span::from_ms(1 + self.below(300));
                    self.stage.world.command(from, Act::Dial(to, timeout));
                }
                2..8 => {
                    if let Some((conn, node)) = self.some_end() {
                        self.send_on(conn, node);
                    }
                }
                8 => {
                    if let Some((conn, node)) = self.some_end() {
                        let close = Act::Do(Effect::Close { conn });
                        self.stage.world.command(node, close);
                    }
                }
                9 => {
                    let fault = self.fault();
                    self.stage.world.inject(fault);
                }
                10 => self.stage.world.heal_all(),
                _ => {
                    let span = Span::from_us(self.below(200_000));
                    self.run(span);
                }
            }
            let span = Span::from_us(self.below(2_000));
            self.run(span);
        }
    }

    /// After healing, an end that is still open either gets everything through or learns that the connection is over.
    fn settle(&mut self) {
        self.stage.world.heal_all();
        self.run(Span::from_ms(80_000));
        let ends: Vec<_> = self.promises.open.keys().copied().collect();
        for (conn, node) in ends {
            if self.promises.open.contains_key(&(conn, node)) {
                self.send_on(conn, node);
            }
        }
        self.run(Span::from_ms(80_000));
        for ((conn, node), (_, got, _)) in &self.promises.open {
            let others = self.promises.open.iter();
            let sent: Vec<u64> = others
                .filter(|((name, who), _)| name == conn && who != node)
                .map(|(_, (.., sent))| *sent)
                .collect();
            assert_eq!(
                sent,
                [*got],
                "{conn:?} at {node} is open at both ends and complete"
            );
        }
        assert_eq!(
            self.promises.open.len(),
            2 * self.stage.world.net.links.iter().count()
        );
    }
}

#[test]
fn streams_keep_their_promises_under_random_faults() {
    let (mut got, mut resets, mut open) = (0, 0, 0);
    for seed in 0..400 {
        let mut fuzz = Fuzz {
            stage: Stage::new(seed, Setup::mild(4, 0), Vec::new()),
            promises: Promises::default(),
            key: Key::derive(Seed(seed), Domain::Workload),
            count: 0,
        };
        fuzz.run(Span::from_ms(10));
        fuzz.play();
        fuzz.settle();
        got += fuzz.promises.got;
        resets += fuzz.promises.resets;
        open += fuzz.promises.open.len();
    }
    assert!(
        got > 5_000 && resets > 500 && open > 500,
        "{got} {resets} {open}"
    );
}
