//! Faults in a few words.

use crate::base::id::{ClientId, NodeId};
use crate::experiment::scenario::plan::Roster;
use crate::sim::fault::{Direction, Fault, Planned, Target, Trigger, Unsynced};
use crate::sim::process::LinkClass;

/// A fault by its id and what it does.
pub fn line(planned: &Planned, roster: Roster) -> String {
    format!("{} ({})", planned.id, fault(&planned.fault, roster))
}

/// What a fault does.
pub fn fault(fault: &Fault, roster: Roster) -> String {
    let who = |target: &Target| self::target(target, roster);
    match fault {
        Fault::Crash { target, unsynced } => match unsynced {
            Unsynced::Kill => format!("kill {}", who(target)),
            Unsynced::PowerDrawn => format!("power loss of {}", who(target)),
            Unsynced::PowerLost => format!("power loss of {}, all unforced data lost", who(target)),
            Unsynced::PowerKept => format!("power loss of {}, unforced data kept", who(target)),
        },
        Fault::Pause { target } => format!("pause {}", who(target)),
        Fault::Partition {
            groups,
            direction,
            class,
        } => {
            let groups: Vec<String> = groups
                .iter()
                .map(|group| {
                    group
                        .iter()
                        .map(|node| name(*node, roster))
                        .collect::<Vec<_>>()
                        .join(",")
                })
                .collect();
            format!(
                "partition {}{}{}",
                groups.join(" | "),
                way(*direction),
                only(*class)
            )
        }
        Fault::Isolate {
            target,
            direction,
            clients,
        } => {
            let clients = if *clients { ", from clients too" } else { "" };
            format!("isolate {}{}{clients}", who(target), way(*direction))
        }
        Fault::Delay {
            target,
            class,
            extra,
        } => format!("delay {} by {extra}{}", who(target), only(*class)),
        Fault::Reset { target, class } => format!("reset {}{}", who(target), only(*class)),
        Fault::SlowDisk {
            target,
            factor,
            extra,
        } => format!("slow disk of {}: x{factor} + {extra}", who(target)),
        Fault::Drift { target, ppm } => format!("clock of {} off by {ppm} ppm", who(target)),
        Fault::WallJump { target, by_ms } => {
            format!("wall clock of {} jumps by {by_ms} ms", who(target))
        }
        Fault::Flaky { target, reset } => {
            format!("frames of {} reset with probability {reset}", who(target))
        }
    }
}

/// Whom a fault strikes.
fn target(target: &Target, roster: Roster) -> String {
    match target {
        Target::Node(node) => name(*node, roster),
        Target::Role(role) => format!("the {role}"),
        Target::Servers => "all servers".to_owned(),
        Target::Minority => "a minority".to_owned(),
        Target::ServerOf(client) => format!("the server of {}", name(*client, roster)),
    }
}

/// A node by the name that scenarios use.
fn name(node: NodeId, roster: Roster) -> String {
    if node.0 <= roster.servers() {
        node.0.to_string()
    } else {
        ClientId(node.0 - roster.servers()).to_string()
    }
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "",
        Direction::Out => ", what it sends",
        Direction::In => ", what it would receive",
    }
}

fn only(class: Option<LinkClass>) -> &'static str {
    match class {
        None => "",
        Some(LinkClass::Election) => ", election port only",
        Some(LinkClass::Quorum) => ", quorum port only",
        Some(LinkClass::Client) => ", client port only",
    }
}

/// When a fault strikes.
pub fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::At(at) => format!("at {at}"),
        Trigger::When { mark, nth, after } => format!("{after} after {mark} no. {nth}"),
    }
}
