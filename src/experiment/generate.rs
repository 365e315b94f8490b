//! Swarm plans: the faults of a run drawn from its seed (dst.md §5, §6.7; zab.md §16.4).
//!
//! Every family of faults is left out of a run with some probability, so that runs differ in kind and no family hides
//! another. All faults are inside Zab's model, all end with the window, and the quiet time after it lets liveness be
//! judged. Targets are mostly roles, resolved when the fault fires. The expanded scenario does not depend on the seed
//! for its faults any more: it is what a failure is saved as.

mod families;

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use super::scenario::Scenario;
use super::scenario::families::{FIRST_FAMILIES, Family, Generate};
use super::scenario::format::Range;
use super::scenario::plan::Roster;
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Draw, stream};
use crate::base::time::{Span, Time};
use crate::sim::fault::{
    Atlas, Direction, Fault, Form, Planned, Seen, Target, Trigger, Trouble, Unsynced,
};
use crate::sim::law::log_between;
use crate::sim::process::LinkClass;

use families::Drawn;

/// How often a family comes among those of a run.
fn weight(family: Family) -> u32 {
    match family {
        Family::Kill | Family::PowerLoss => 4,
        Family::Pause
        | Family::Isolate
        | Family::Halves
        | Family::IsolateLeader
        | Family::Reset
        | Family::Ambush
        | Family::Split
        | Family::NamedPoint
        | Family::DurableStep
        | Family::Rough
        | Family::Wipe
        | Family::Restore
        | Family::RotAnywhere
        | Family::DatagramWire
        | Family::LyingDisk => 3,
        Family::OneWay
        | Family::Delay
        | Family::SlowDisk
        | Family::Flapping
        | Family::Cut
        | Family::Clog
        | Family::Swizzle
        | Family::Mute
        | Family::HalfOpen
        | Family::Rack
        | Family::Torn
        | Family::SlowCpu
        | Family::DiskStall
        | Family::CutClient
        | Family::Zombie
        | Family::SlowReader
        | Family::Duplicate
        | Family::MoveBehind => 2,
        Family::Blackout
        | Family::Drift
        | Family::WallJump
        | Family::Flaky
        | Family::RestartLoop
        | Family::Suspend
        | Family::Freeze
        | Family::Strobe
        | Family::FsyncFail
        | Family::DiskFull
        | Family::DiskErrors
        | Family::ReadOnly
        | Family::BitRot => 1,
    }
}

/// The scenario with its generated faults in the plan and nothing left to generate.
#[must_use]
pub fn expand(scenario: &Scenario) -> Scenario {
    let mut expanded = scenario.clone();
    if let Some(generate) = expanded.generate.take() {
        let mut generator = Generator {
            dice: stream(scenario.seed, Domain::Plan),
            magnets: magnets(scenario),
            roster: scenario.roster(),
            generate,
        };
        if generator.generate.vary {
            generator.vary(&mut expanded);
        }
        generator.fill(&mut expanded.plan);
    }
    expanded
}

/// Durations at which most protocols change their mind: faults that last about as long find the bugs at the edges.
fn magnets(scenario: &Scenario) -> Vec<u64> {
    let ensemble = &scenario.ensemble;
    let tick = u64::from(ensemble.tick_ms);
    let mut magnets = vec![
        tick * u64::from(ensemble.sync_limit),
        tick * u64::from(ensemble.init_limit),
        200,
    ];
    magnets.extend(
        scenario
            .workload
            .iter()
            .map(|work| u64::from(work.session_timeout_ms)),
    );
    magnets
}

/// What a fault means for its victims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// They are out of service while it lasts.
    Disables,
    /// They serve on, for a while less well.
    Lasts,
    /// It happens at once and leaves nothing to undo.
    Instant,
}

struct Generator {
    dice: ChaCha8Rng,
    magnets: Vec<u64>,
    roster: Roster,
    generate: Generate,
}

impl Generator {
    fn draw(&mut self) -> Draw {
        Draw::from_word(self.dice.next_u64())
    }

    fn chance(&mut self, num: u32, den: u32) -> bool {
        self.draw().chance(Ratio::new(num, den))
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let index = self.draw().below(items.len() as u64);
        items[usize::try_from(index).expect("below a length")]
    }

    /// A number whose order of magnitude is uniform.
    fn log_uniform(&mut self, low: u64, high: u64) -> u64 {
        log_between(self.draw(), low, high)
    }

    /// Sizes and speeds, so that every kind of sync and snapshot comes up.
    fn vary(&mut self, scenario: &mut Scenario) {
        let small = |value: u64| u32::try_from(value).expect("a small number");
        scenario.ensemble.snap_count = small(self.log_uniform(20, 2_000));
        scenario.ensemble.committed_log = small(self.log_uniform(5, 500));
        let low = self.log_uniform(50, 1_000);
        let high = self.log_uniform(low * 2, low * 20);
        scenario.disk.fsync_us = Range::new(low, high);
    }

    fn fill(&mut self, plan: &mut Vec<Planned>) {
        let window = self.generate.window_ms;
        let mut families = Vec::new();
        for (index, (_, family)) in Family::ALL.iter().enumerate() {
            // Families that came later take no draw where they are not named: older scenarios stay as they were.
            if index >= FIRST_FAMILIES && !self.generate.families.contains(family) {
                continue;
            }
            let off = self.draw().chance(self.generate.off);
            if !off && self.generate.families.contains(family) {
                families.push(*family);
            }
        }
        if families.is_empty() {
            return;
        }
        let weights: Vec<u32> = families.iter().map(|family| weight(*family)).collect();
        // Four runs of five keep a majority in service: too many faults at once test nothing.
        let minority = usize::from((self.roster.voters - 1) / 2).max(1);
        let most = if self.chance(4, 5) {
            minority
        } else {
            usize::MAX
        };
        let mut ends: Vec<u64> = Vec::new();
        let mut now = window.low;
        for number in 1.. {
            let gap = u64::from(self.generate.gap_ms);
            now += self.draw().between(1, 2 * gap - 1);
            if now >= window.high {
                break;
            }
            let family = families[self.draw().weighted(&weights)];
            if family == Family::MoveBehind {
                self.push_move(plan, number, now, window.high);
                continue;
            }
            let drawn = self.fault(family, now);
            let (fault, weight) = (drawn.fault, drawn.weight);
            let lasts = (weight != Weight::Instant).then(|| self.duration(window.high - now));
            let lasts = drawn.lasts.or(lasts);
            ends.retain(|end| *end > now);
            if weight == Weight::Disables {
                if ends.len() >= most {
                    continue;
                }
                ends.push(now + lasts.map_or(0, Span::as_ms));
            }
            let trigger = if family == Family::Ambush {
                self.moment()
            } else {
                let at = Trigger::At(Time::from_ms(now));
                drawn.trigger.unwrap_or(at)
            };
            plan.push(Planned {
                id: Arc::from(format!("g{number}")),
                trigger,
                fault,
                lasts,
                flap: drawn.flap,
            });
        }
    }

    /// A server falls behind, and a client has to move to it.
    fn push_move(&mut self, plan: &mut Vec<Planned>, number: u64, now: u64, end: u64) {
        let most = end - now;
        let lasts = self.duration(most).as_ms().max(200.min(most));
        let faults = self.move_behind();
        for ((fault, tail), (begins, lasts)) in faults
            .into_iter()
            .zip(["a", "b"])
            .zip([(now, lasts), (now + lasts / 2, most - lasts / 2)])
        {
            plan.push(Planned {
                id: Arc::from(format!("g{number}{tail}")),
                trigger: Trigger::At(Time::from_ms(begins)),
                fault,
                lasts: Some(Span::from_ms(lasts.min(4_000))),
                flap: None,
            });
        }
    }

    /// A duration in milliseconds, at most `most`: log-uniform, and one in four next to a magnet.
    fn duration(&mut self, most: u64) -> Span {
        let Range { low, high } = self.generate.for_ms;
        let ms = if self.chance(1, 4) {
            let magnets = std::mem::take(&mut self.magnets);
            let magnet = self.pick(&magnets);
            self.magnets = magnets;
            magnet * self.pick(&[9, 10, 11]) / 10
        } else {
            self.log_uniform(low, high)
        };
        Span::from_ms(ms.clamp(low, high).min(most))
    }

    /// A server, by number or by role.
    fn server(&mut self) -> Target {
        let roster = self.roster;
        match self.draw().weighted(&[4, 3, 2, 1, 1]) {
            1 => Target::Role(Arc::from("leader")),
            2 => Target::Role(Arc::from("follower")),
            3 if roster.observers > 0 => Target::Role(Arc::from("observer")),
            4 if roster.clients > 0 => Target::ServerOf(self.client()),
            _ => Target::Node(self.any_server()),
        }
    }

    fn any_server(&mut self) -> NodeId {
        let number = self.draw().between(1, u64::from(self.roster.servers()));
        NodeId(u16::try_from(number).expect("a server's number"))
    }

    fn client(&mut self) -> NodeId {
        let number = self.draw().between(1, u64::from(self.roster.clients));
        self.roster
            .client(u16::try_from(number).expect("a client's number"))
    }

    /// A server or, one time in eight, a client.
    fn anybody(&mut self) -> Target {
        if self.roster.clients > 0 && self.chance(1, 8) {
            Target::Node(self.client())
        } else {
            self.server()
        }
    }

    /// All links, or one time in four those of one class.
    fn class(&mut self) -> Option<LinkClass> {
        self.chance(1, 4)
            .then(|| self.pick(&[LinkClass::Election, LinkClass::Quorum, LinkClass::Client]))
    }

    fn power(&mut self) -> Unsynced {
        self.pick(&[
            Unsynced::PowerDrawn,
            Unsynced::PowerDrawn,
            Unsynced::PowerLost,
            Unsynced::PowerKept,
        ])
    }

    fn fault(&mut self, family: Family, now: u64) -> Drawn {
        use Weight::{Disables, Instant, Lasts};
        match family {
            Family::Kill => Drawn::of(self.kill(), Disables),
            Family::PowerLoss => Drawn::of(self.power_loss(), Disables),
            Family::Blackout => Drawn::of(self.blackout(), Disables),
            Family::Pause => Drawn::of(self.pause(), Disables),
            Family::Isolate => Drawn::of(self.isolate(Direction::Both), Disables),
            Family::Halves => Drawn::of(self.halves(), Disables),
            Family::OneWay => Drawn::of(self.one_way(), Disables),
            Family::IsolateLeader => Drawn::of(self.isolate_leader(), Disables),
            Family::Reset => Drawn::of(self.reset(), Instant),
            Family::Delay => Drawn::of(self.delay(), Lasts),
            Family::SlowDisk => Drawn::of(self.slow_disk(), Lasts),
            Family::Drift => Drawn::of(self.drift(), Lasts),
            Family::WallJump => Drawn::of(self.wall_jump(), Instant),
            Family::Flaky => Drawn::of(self.flaky(), Lasts),
            Family::Ambush => Drawn::of(self.ambush(), Disables),
            Family::Split => self.split(),
            Family::Flapping => self.flapping(),
            Family::Cut => self.cut(),
            Family::Clog => self.clog(),
            Family::Swizzle => self.swizzle(),
            Family::Mute => self.mute(),
            Family::Rough => self.rough(),
            Family::HalfOpen => self.half_open(),
            Family::Rack => self.rack(),
            Family::RestartLoop => self.restart_loop(),
            Family::NamedPoint => self.named_point(),
            Family::DurableStep => self.durable_step(),
            Family::Torn => self.torn(),
            Family::SlowCpu => self.slow_cpu(),
            Family::Suspend => self.suspend(),
            Family::Freeze => self.freeze(),
            Family::Strobe => self.strobe(),
            Family::DiskStall => self.disk(Trouble::Stall),
            Family::FsyncFail => self.fsync_fail(),
            Family::DiskFull => self.disk_full(),
            Family::DiskErrors => self.disk_errors(),
            Family::ReadOnly => self.disk(Trouble::ReadOnly),
            Family::BitRot => self.rot(Atlas::On),
            Family::CutClient => self.cut_client(),
            Family::Zombie => self.zombie(),
            Family::SlowReader => self.slow_reader(),
            Family::Duplicate => self.duplicate(),
            Family::MoveBehind => unreachable!("it makes two entries"),
            Family::Wipe => self.wipe(),
            Family::Restore => self.restore(now),
            Family::RotAnywhere => self.rot(Atlas::Off),
            Family::DatagramWire => self.datagram(),
            Family::LyingDisk => self.disk(Trouble::Lying),
        }
    }

    fn kill(&mut self) -> Fault {
        Fault::Crash {
            target: self.anybody(),
            unsynced: Unsynced::Kill,
        }
    }

    fn power_loss(&mut self) -> Fault {
        Fault::Crash {
            target: self.server(),
            unsynced: self.power(),
        }
    }

    fn blackout(&mut self) -> Fault {
        Fault::Crash {
            target: Target::Servers,
            unsynced: self.power(),
        }
    }

    fn pause(&mut self) -> Fault {
        Fault::Pause {
            target: self.anybody(),
        }
    }

    fn one_way(&mut self) -> Fault {
        let direction = self.pick(&[Direction::In, Direction::Out]);
        self.isolate(direction)
    }

    fn isolate(&mut self, direction: Direction) -> Fault {
        Fault::Isolate {
            target: self.anybody(),
            direction,
            clients: self.chance(1, 2),
            form: Form::Silent,
        }
    }

    fn isolate_leader(&mut self) -> Fault {
        Fault::Isolate {
            target: Target::Role(Arc::from("leader")),
            direction: self.direction(),
            clients: self.chance(1, 2),
            form: Form::Silent,
        }
    }

    /// Both ways, or one time in three one way.
    fn direction(&mut self) -> Direction {
        let index = self.draw().weighted(&[4, 1, 1]);
        [Direction::Both, Direction::In, Direction::Out][index]
    }

    /// Two groups of servers, neither empty where there are two servers; every client is on one side or, one time in
    /// two, sees both.
    fn halves(&mut self) -> Fault {
        let mut groups = vec![Vec::new(), Vec::new()];
        for server in self.roster.every_server() {
            let side = usize::from(self.chance(1, 2));
            groups[side].push(server);
        }
        if groups[0].is_empty() || groups[1].is_empty() {
            let full = usize::from(groups[0].is_empty());
            let moved = groups[full].pop().expect("all servers are on this side");
            groups[1 - full].push(moved);
        }
        for number in 1..=self.roster.clients {
            let client = self.roster.client(number);
            match self.draw().below(4) {
                0 => groups[0].push(client),
                1 => groups[1].push(client),
                _ => {}
            }
        }
        Fault::Partition {
            groups,
            direction: self.direction(),
            class: self.class(),
            form: Form::Silent,
        }
    }

    fn reset(&mut self) -> Fault {
        Fault::Reset {
            target: self.anybody(),
            class: self.class(),
            seen: Seen::Both,
        }
    }

    fn delay(&mut self) -> Fault {
        Fault::Delay {
            target: self.anybody(),
            class: self.class(),
            extra: Span::from_us(self.log_uniform(1_000, 1_000_000)),
        }
    }

    fn flaky(&mut self) -> Fault {
        let one_in = self.log_uniform(50, 2_000);
        Fault::Flaky {
            target: self.anybody(),
            reset: Ratio::new(1, u32::try_from(one_in).expect("at most two thousand")),
        }
    }

    fn slow_disk(&mut self) -> Fault {
        let factor = self.log_uniform(2, 200);
        Fault::SlowDisk {
            target: self.server(),
            factor: u32::try_from(factor).expect("at most two hundred"),
            extra: Span::from_us(self.log_uniform(1, 100_000)),
        }
    }

    fn drift(&mut self) -> Fault {
        let off = i32::try_from(self.draw().between(1, 900)).expect("at most 900");
        let ppm = if self.chance(1, 2) { off } else { -off };
        Fault::Drift {
            target: self.server(),
            ppm,
        }
    }

    fn wall_jump(&mut self) -> Fault {
        let by = i64::try_from(self.log_uniform(1, 10_000_000)).expect("some hours");
        let by_ms = if self.chance(1, 2) { by } else { -by };
        Fault::WallJump {
            target: self.server(),
            by_ms,
        }
    }

    fn ambush(&mut self) -> Fault {
        let role = self.pick(&["leader", "leader", "follower"]);
        let unsynced = if self.chance(1, 2) {
            Unsynced::Kill
        } else {
            self.power()
        };
        Fault::Crash {
            target: Target::Role(Arc::from(role)),
            unsynced,
        }
    }

    /// The moment of an ambush: shortly after the nth of something.
    fn moment(&mut self) -> Trigger {
        const RARE: [&str; 9] = [
            "looking",
            "epoch-proposed",
            "epoch-acked",
            "diff-sent",
            "trunc-sent",
            "snap-sent",
            "switched",
            "newleader-acked",
            "quorum-formed",
        ];
        const FREQUENT: [&str; 5] = ["proposed", "acked", "committed", "delivered", "watch-fired"];
        let (mark, most) = if self.chance(1, 2) {
            (self.pick(&RARE), 12)
        } else {
            (self.pick(&FREQUENT), 500)
        };
        let nth = self.log_uniform(1, most);
        let after = self.log_uniform(1, 5_000);
        Trigger::When {
            mark: Arc::from(mark),
            nth: u32::try_from(nth).expect("at most five hundred"),
            after: Span::from_us(after),
            by: None,
            cut: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;

    fn swarm(seed: u64) -> Scenario {
        let text = r#"{ "format": 1, "name": "s", "ensemble": { "observers": 1 },
            "workload": [{ "kind": "versioned-register" }], "generate": { "vary": true } }"#;
        let mut scenario = Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap();
        scenario.seed = Seed(seed);
        scenario
    }

    #[test]
    fn one_seed_gives_one_plan_and_another_seed_another() {
        assert_eq!(expand(&swarm(7)), expand(&swarm(7)));
        assert_ne!(expand(&swarm(7)).plan, expand(&swarm(8)).plan);
    }

    #[test]
    fn an_expanded_scenario_is_a_scenario_file_and_expands_to_itself() {
        for seed in 0..100 {
            let expanded = expand(&swarm(seed));
            let text = expanded.to_string();
            let read = Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap();
            assert_eq!(read, expanded);
            assert_eq!(expand(&read), expanded);
        }
    }

    #[test]
    fn every_fault_ends_with_the_window_and_stays_inside_the_model() {
        for seed in 0..300 {
            for planned in &expand(&swarm(seed)).plan {
                if let Trigger::At(at) = planned.trigger {
                    let end = at + planned.lasts.unwrap_or(Span::ZERO);
                    assert!(at >= Time::from_ms(1_000) && end <= Time::from_ms(40_000));
                }
                if let Fault::Drift { ppm, .. } = planned.fault {
                    assert!(ppm.abs() <= 900, "drift plus base rate within 1000 ppm");
                }
            }
        }
    }

    #[test]
    fn every_kind_of_fault_comes_up_and_most_runs_lack_some() {
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..300 {
            let plan = expand(&swarm(seed)).plan;
            let kinds: std::collections::BTreeSet<_> =
                plan.iter().map(|planned| planned.fault.name()).collect();
            for kind in kinds {
                *seen.entry(kind).or_insert(0) += 1;
            }
        }
        assert_eq!(seen.len(), 10, "{seen:?}");
        for kind in ["pause", "drift", "flaky", "slow-disk"] {
            assert!((60..=200).contains(&seen[kind]), "{seen:?}");
        }
    }

    #[test]
    fn a_family_that_is_not_asked_for_never_comes() {
        for seed in 0..50 {
            let mut scenario = swarm(seed);
            let generate = scenario.generate.as_mut().unwrap();
            generate.families = vec![Family::Pause];
            generate.off = Ratio::ZERO;
            let plan = expand(&scenario).plan;
            assert!(!plan.is_empty());
            assert!(plan.iter().all(|planned| planned.fault.name() == "pause"));
        }
    }
}
