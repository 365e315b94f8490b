//! The families of faults that came after the first fifteen: splits of every shape, bad links, processes, disks and
//! clocks, clients, and those that Zab does not promise to survive.

use std::sync::Arc;

use super::{Generator, Weight};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::time::{Span, Time};
use crate::sim::fault::{
    Atlas, Direction, Fault, Form, MACHINE_MARKS, Rot, Seen, Shape, Target, Trigger, Trouble,
    Unsynced,
};
use crate::sim::process::{LinkClass, Name};
use crate::sim::rough::Roughness;

/// Kinds of messages whose loss of passage the protocol must stand (dst.md §5.2, by packet type).
const CHOKING: [&str; 10] = [
    "vote",
    "ackepoch",
    "newleader",
    "uptodate",
    "proposal",
    "ack",
    "commit",
    "ping",
    "request",
    "reply",
];

/// Named points at which a server may fall (dst.md §5.3), with how often they come: rare ones and frequent ones.
const POINTS: [(&str, u64); 18] = [
    ("accepted-epoch-durable", 8),
    ("current-epoch-durable", 8),
    ("epoch-acked", 8),
    ("diff-sent", 8),
    ("trunc-sent", 2),
    ("snap-sent", 8),
    ("newleader-acked", 8),
    ("switched", 8),
    ("quorum-formed", 4),
    ("established", 4),
    ("snapshot-begun", 8),
    ("appended", 300),
    ("durable", 300),
    ("acked", 300),
    ("committed", 200),
    ("delivered", 500),
    ("session-closing", 3),
    ("watches-reset", 6),
];

/// What is drawn for one fault: what it does, what it means for its victims, and a trigger or rhythm of its own.
pub(super) struct Drawn {
    pub(super) fault: Fault,
    pub(super) weight: Weight,
    pub(super) trigger: Option<Trigger>,
    pub(super) lasts: Option<Span>,
    pub(super) flap: Option<Span>,
}

impl Drawn {
    /// With nothing of its own.
    pub(super) fn of(fault: Fault, weight: Weight) -> Self {
        Self {
            fault,
            weight,
            trigger: None,
            lasts: None,
            flap: None,
        }
    }

    fn flapping(mut self, flap: Span) -> Self {
        self.flap = Some(flap);
        self
    }
}

// Links and partitions.
impl Generator {
    fn form(&mut self) -> Form {
        self.pick(&[Form::Silent, Form::Silent, Form::Reset, Form::Jam])
    }

    pub(super) fn split(&mut self) -> Drawn {
        let groups = self
            .draw()
            .between(3, u64::from(self.roster.servers()).max(3));
        let groups = Shape::Groups(u8::try_from(groups).expect("at most 62 servers"));
        let shape = self.pick(&[
            Shape::Halves,
            Shape::Minority,
            Shape::Bridge,
            Shape::Bridge,
            Shape::Ring,
            Shape::Ring,
            groups,
        ]);
        let class = self.class();
        let form = self.form();
        Drawn::of(Fault::Split { shape, class, form }, Weight::Disables)
    }

    /// A split that comes and goes.
    pub(super) fn flapping(&mut self) -> Drawn {
        let flap = Span::from_ms(self.log_uniform(20, 1_500));
        self.split().flapping(flap)
    }

    pub(super) fn clog(&mut self) -> Drawn {
        let fault = Fault::Clog {
            target: self.anybody(),
            direction: self.direction(),
            class: self.class(),
        };
        Drawn::of(fault, Weight::Disables)
    }

    pub(super) fn swizzle(&mut self) -> Drawn {
        let class = self.class();
        Drawn::of(Fault::Swizzle { class }, Weight::Disables)
    }

    pub(super) fn mute(&mut self) -> Drawn {
        let kind = self.pick(&CHOKING);
        let fault = Fault::Mute {
            target: self.server(),
            direction: self.pick(&[Direction::In, Direction::Out]),
            kinds: vec![Name::from(kind)],
        };
        Drawn::of(fault, Weight::Disables)
    }

    /// Two servers that cannot reach each other, or a server without one of its link classes.
    pub(super) fn cut(&mut self) -> Drawn {
        let fault = Fault::Cut {
            target: self.server(),
            from: self.server(),
            direction: self.direction(),
            class: self.class(),
            form: self.form(),
        };
        Drawn::of(fault, Weight::Disables)
    }

    /// Connections that end for one end only.
    pub(super) fn half_open(&mut self) -> Drawn {
        let fault = Fault::Reset {
            target: self.anybody(),
            class: self.class(),
            seen: Seen::One,
        };
        Drawn::of(fault, Weight::Instant)
    }

    /// Rough links: one or two ways of being rough.
    pub(super) fn rough(&mut self) -> Drawn {
        let mut rough = Roughness::NONE;
        for _ in 0..self.draw().between(1, 2) {
            match self.draw().below(7) {
                0 => rough.refuse = self.rate(2, 20),
                1 => rough.hang = self.rate(2, 20),
                2 => rough.reset = self.rate(100, 100_000),
                3 => rough.stall = self.rate(4, 1_000),
                4 => rough.corrupt = self.rate(1_000, 100_000),
                5 => rough.short = self.rate(2, 100),
                _ => {
                    rough.bandwidth = self.log_uniform(10_000, 100_000_000);
                    rough.queue_bytes = self.log_uniform(16 << 10, 8 << 20);
                }
            }
        }
        let fault = Fault::Rough {
            target: self.anybody(),
            class: self.class(),
            rough,
        };
        Drawn::of(fault, Weight::Lasts)
    }

    /// Once in `often` to once in `rarely`.
    fn rate(&mut self, often: u64, rarely: u64) -> Ratio {
        let one_in = self.log_uniform(often, rarely);
        Ratio::new(1, u32::try_from(one_in).expect("a small number"))
    }
}

// Processes and clocks.
impl Generator {
    pub(super) fn slow_cpu(&mut self) -> Drawn {
        let factor = u32::try_from(self.log_uniform(2, 50)).expect("at most fifty");
        let target = self.anybody();
        Drawn::of(Fault::SlowCpu { target, factor }, Weight::Lasts)
    }

    pub(super) fn restart_loop(&mut self) -> Drawn {
        let flap = Span::from_ms(self.log_uniform(50, 3_000));
        let fault = Fault::Crash {
            target: self.server(),
            unsynced: self.pick(&[Unsynced::Kill, Unsynced::PowerDrawn]),
        };
        Drawn::of(fault, Weight::Disables).flapping(flap)
    }

    /// A minority of the servers, or two of a rack, at once.
    pub(super) fn rack(&mut self) -> Drawn {
        let servers = self.roster.servers();
        let first = self.any_server();
        let second = NodeId(first.0 % servers + 1);
        let nodes = if first == second {
            vec![first]
        } else {
            vec![first.min(second), first.max(second)]
        };
        let target = if self.chance(1, 3) {
            Target::Minority
        } else {
            let name = Name::from("drawn");
            Target::Rack { name, nodes }
        };
        let unsynced = self.power();
        let fault = match self.draw().below(3) {
            0 => Fault::Pause { target },
            1 => Fault::Isolate {
                target,
                direction: Direction::Both,
                clients: true,
                form: self.form(),
            },
            _ => Fault::Crash { target, unsynced },
        };
        Drawn::of(fault, Weight::Disables)
    }

    /// Whoever comes to a named point falls there, before what it does next.
    pub(super) fn named_point(&mut self) -> Drawn {
        let (mark, most) = self.pick(&POINTS);
        let nth = self.log_uniform(1, most);
        let cut = self.draw().below(4);
        let is_client = mark == "watches-reset";
        let is_machine = MACHINE_MARKS.contains(&mark);
        let trigger = Trigger::When {
            mark: Arc::from(mark),
            nth: u32::try_from(nth).expect("at most five hundred"),
            after: Span::ZERO,
            by: None,
            cut: (!is_machine).then(|| u32::try_from(cut).expect("below four")),
        };
        let target = if is_client && self.roster.clients > 0 {
            Target::ServerOf(self.client())
        } else {
            Target::Sayer
        };
        self.fall(target, trigger)
    }

    /// A server falls right after its k-th durable step.
    pub(super) fn durable_step(&mut self) -> Drawn {
        let nth = u32::try_from(self.log_uniform(1, 400)).expect("at most four hundred");
        let trigger = Trigger::When {
            mark: Arc::from(MACHINE_MARKS[0]),
            nth,
            after: Span::ZERO,
            by: Some(self.any_server()),
            cut: None,
        };
        self.fall(Target::Sayer, trigger)
    }

    fn fall(&mut self, target: Target, trigger: Trigger) -> Drawn {
        let unsynced = self.unsynced();
        let mut drawn = Drawn::of(Fault::Crash { target, unsynced }, Weight::Disables);
        drawn.trigger = Some(trigger);
        drawn
    }

    fn unsynced(&mut self) -> Unsynced {
        self.pick(&[
            Unsynced::Kill,
            Unsynced::PowerDrawn,
            Unsynced::PowerLost,
            Unsynced::PowerKept,
            Unsynced::PowerTorn,
            Unsynced::PowerReordered,
        ])
    }

    /// A power loss whose traces on the platter are a torn record, or pages in any order.
    pub(super) fn torn(&mut self) -> Drawn {
        let target = match self.draw().below(3) {
            0 => Target::Servers,
            1 => Target::Minority,
            _ => Target::Role("leader".into()),
        };
        let unsynced = self.pick(&[Unsynced::PowerTorn, Unsynced::PowerReordered]);
        let fault = Fault::Crash { target, unsynced };
        Drawn::of(fault, Weight::Disables)
    }

    pub(super) fn suspend(&mut self) -> Drawn {
        let target = self.anybody();
        Drawn::of(Fault::Suspend { target }, Weight::Disables)
    }

    pub(super) fn freeze(&mut self) -> Drawn {
        let target = self.anybody();
        Drawn::of(Fault::Freeze { target }, Weight::Disables)
    }

    /// A wall clock that jumps to and fro (Jepsen's strobe).
    pub(super) fn strobe(&mut self) -> Drawn {
        let by = i64::try_from(self.log_uniform(4, 262_144)).expect("some minutes");
        let flap = Span::from_ms(self.log_uniform(5, 1_024));
        let fault = Fault::Skew {
            target: self.anybody(),
            by_ms: if self.chance(1, 2) { by } else { -by },
        };
        Drawn::of(fault, Weight::Lasts).flapping(flap)
    }
}

// Disks.
impl Generator {
    pub(super) fn disk(&mut self, trouble: Trouble) -> Drawn {
        let target = self.server();
        Drawn::of(Fault::Disk { target, trouble }, Weight::Disables)
    }

    pub(super) fn fsync_fail(&mut self) -> Drawn {
        let times = u32::try_from(self.draw().between(1, 3)).expect("three");
        self.disk(Trouble::FsyncFail { times })
    }

    pub(super) fn disk_full(&mut self) -> Drawn {
        let room_bytes = self.log_uniform(1, 20_000);
        self.disk(Trouble::Full { room_bytes })
    }

    pub(super) fn disk_errors(&mut self) -> Drawn {
        let rate = self.rate(5, 1_000);
        self.disk(Trouble::Errors { rate })
    }

    pub(super) fn rot(&mut self, atlas: Atlas) -> Drawn {
        let fault = Fault::BitRot {
            target: self.server(),
            rot: self.pick(&[Rot::Log, Rot::Snapshot, Rot::Epoch]),
            atlas,
        };
        Drawn::of(fault, Weight::Instant)
    }
}

// Clients.
impl Generator {
    /// A client, or a server where there is none.
    fn some_client(&mut self) -> Target {
        if self.roster.clients > 0 {
            Target::Node(self.client())
        } else {
            self.server()
        }
    }

    /// A client stands still for longer than its session lasts, wakes and uses its old handle.
    pub(super) fn zombie(&mut self) -> Drawn {
        let target = self.some_client();
        let timeout = self.magnets.last().copied().unwrap_or(2_000);
        let mut drawn = Drawn::of(Fault::Pause { target }, Weight::Lasts);
        drawn.lasts = Some(Span::from_ms(timeout * self.draw().between(10, 30) / 10));
        drawn
    }

    /// A client reads so slowly that what it is sent piles up.
    pub(super) fn slow_reader(&mut self) -> Drawn {
        let target = self.some_client();
        let fault = if self.chance(1, 2) {
            let factor = u32::try_from(self.log_uniform(100, 10_000)).expect("ten thousand");
            Fault::SlowCpu { target, factor }
        } else {
            let rough = Roughness {
                bandwidth: self.log_uniform(300, 30_000),
                queue_bytes: self.log_uniform(200, 16 << 10),
                ..Roughness::NONE
            };
            let class = Some(LinkClass::Client);
            Fault::Rough {
                target,
                class,
                rough,
            }
        };
        Drawn::of(fault, Weight::Lasts)
    }

    pub(super) fn duplicate(&mut self) -> Drawn {
        let target = self.some_client();
        let what = Name::from("duplicate-connection");
        Drawn::of(Fault::Provoke { target, what }, Weight::Instant)
    }

    /// A client is cut from its server and has to move.
    pub(super) fn cut_client(&mut self) -> Drawn {
        if self.roster.clients == 0 {
            return self.cut();
        }
        let client = self.client();
        let fault = Fault::Cut {
            target: Target::Node(client),
            from: Target::ServerOf(client),
            direction: self.direction(),
            class: Some(LinkClass::Client),
            form: self.form(),
        };
        Drawn::of(fault, Weight::Lasts)
    }

    /// A follower hears nothing new of its leader, and a client can reach nobody else: two faults, the second begins when
    /// the first has lasted for half of its time.
    pub(super) fn move_behind(&mut self) -> [Fault; 2] {
        let behind = self.any_server();
        let client = if self.roster.clients > 0 {
            self.client()
        } else {
            behind
        };
        let others = self
            .roster
            .every_server()
            .filter(|server| *server != behind);
        let others: Vec<NodeId> = others.collect();
        [
            Fault::Clog {
                target: Target::Node(behind),
                direction: Direction::In,
                class: Some(LinkClass::Quorum),
            },
            Fault::Cut {
                target: Target::Node(client),
                from: Target::Nodes(others),
                direction: Direction::Both,
                class: Some(LinkClass::Client),
                form: Form::Reset,
            },
        ]
    }
}

// Outside Zab's model.
impl Generator {
    pub(super) fn wipe(&mut self) -> Drawn {
        let target = self.server();
        Drawn::of(Fault::Wipe { target }, Weight::Disables)
    }

    /// A backup taken some time before it is played back.
    pub(super) fn restore(&mut self, now: u64) -> Drawn {
        let age = self.log_uniform(100, 20_000).min(now);
        let fault = Fault::Restore {
            target: self.server(),
            backup_at: Time::from_ms(now - age),
        };
        Drawn::of(fault, Weight::Disables)
    }

    pub(super) fn datagram(&mut self) -> Drawn {
        let mut rough = Roughness::NONE;
        match self.draw().below(3) {
            0 => rough.loss = self.rate(4, 500),
            1 => rough.duplicate = self.rate(2, 500),
            _ => rough.reorder = self.rate(2, 500),
        }
        let fault = Fault::Rough {
            target: self.server(),
            class: Some(LinkClass::Quorum),
            rough,
        };
        Drawn::of(fault, Weight::Lasts)
    }
}
