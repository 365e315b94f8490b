//! Faults in a few words.

use crate::base::id::{ClientId, NodeId};
use crate::experiment::scenario::plan::Roster;
use crate::sim::fault::{
    Direction, Fault, Form, Planned, Rot, Seen, Shape, Target, Trigger, Trouble, Unsynced,
};
use crate::sim::process::LinkClass;
use crate::sim::rough::Roughness;

/// A fault by its id and what it does.
pub fn line(planned: &Planned, roster: Roster) -> String {
    format!("{} ({})", planned.id, fault(&planned.fault, roster))
}

/// What a fault does.
pub fn fault(fault: &Fault, roster: Roster) -> String {
    let who = fault
        .target()
        .map_or_else(String::new, |target| self::target(target, roster));
    match fault {
        Fault::Partition { .. }
        | Fault::Split { .. }
        | Fault::Cut { .. }
        | Fault::Clog { .. }
        | Fault::Swizzle { .. }
        | Fault::Mute { .. }
        | Fault::Isolate { .. } => cut(fault, &who, roster),
        Fault::Crash { unsynced, .. } => format!("{} {who}", crash(*unsynced)),
        Fault::Pause { .. } => format!("pause {who}"),
        Fault::Suspend { .. } => format!("suspend {who}"),
        Fault::Delay { class, extra, .. } => format!("delay {who} by {extra}{}", only(*class)),
        Fault::Reset { class, seen, .. } => {
            let seen = match seen {
                Seen::Both => "",
                Seen::One => ", seen by one end",
            };
            format!("reset {who}{}{seen}", only(*class))
        }
        Fault::Rough { class, rough, .. } => {
            format!("rough links of {who}{}: {}", only(*class), roughness(rough))
        }
        Fault::Flaky { reset, .. } => {
            format!("frames of {who} reset with probability {reset}")
        }
        Fault::SlowDisk { factor, extra, .. } => {
            format!("slow disk of {who}: x{factor} + {extra}")
        }
        Fault::Disk { trouble, .. } => disk(*trouble, &who),
        Fault::BitRot { rot, .. } => {
            let place = match rot {
                Rot::Log => "log",
                Rot::Snapshot => "newest snapshot",
                Rot::Epoch => "currentEpoch",
            };
            format!("bits rot in the {place} of {who}")
        }
        Fault::Wipe { .. } => format!("wipe the disk of {who}"),
        Fault::Restore { backup_at, .. } => {
            format!("put the disk of {who} back to its state at {backup_at}")
        }
        Fault::Drift { ppm, .. } => format!("clock of {who} off by {ppm} ppm"),
        Fault::WallJump { by_ms, .. } => format!("wall clock of {who} jumps by {by_ms} ms"),
        Fault::Skew { by_ms, .. } => format!("wall clock of {who} off by {by_ms} ms"),
        Fault::Freeze { .. } => format!("clocks of {who} stand still"),
        Fault::SlowCpu { factor, .. } => format!("slow processor of {who}: x{factor}"),
        Fault::Provoke { what, .. } => format!("{what} of {who}"),
    }
}

fn crash(unsynced: Unsynced) -> &'static str {
    match unsynced {
        Unsynced::Kill => "kill",
        Unsynced::PowerDrawn => "power loss of",
        Unsynced::PowerLost => "power loss, all unforced data lost, of",
        Unsynced::PowerKept => "power loss, unforced data kept, of",
        Unsynced::PowerTorn => "power loss, a torn record at the end, of",
        Unsynced::PowerReordered => "power loss, unforced pages written in any order, of",
    }
}

/// Faults that cut ways.
fn cut(fault: &Fault, who: &str, roster: Roster) -> String {
    match fault {
        Fault::Partition {
            groups,
            direction,
            class,
            form,
        } => {
            let groups: Vec<String> = groups.iter().map(|group| names(group, roster)).collect();
            let groups = groups.join(" | ");
            let (way, only, bytes) = (way(*direction), only(*class), bytes(*form));
            format!("partition {groups}{way}{only}{bytes}")
        }
        Fault::Split { shape, class, form } => {
            let shape = match shape {
                Shape::Halves => "into halves".to_owned(),
                Shape::Minority => "off a minority".to_owned(),
                Shape::Bridge => "into halves with a bridge".to_owned(),
                Shape::Ring => "into a ring of majorities".to_owned(),
                Shape::Groups(k) => format!("into {k} groups"),
            };
            format!("split {shape}{}{}", only(*class), bytes(*form))
        }
        Fault::Cut {
            from,
            direction,
            class,
            form,
            ..
        } => {
            let from = target(from, roster);
            let (way, only, bytes) = (way(*direction), only(*class), bytes(*form));
            format!("cut {who} from {from}{way}{only}{bytes}")
        }
        Fault::Clog {
            direction, class, ..
        } => format!("clog {who}{}{}", way(*direction), only(*class)),
        Fault::Swizzle { class } => format!("clog half of the servers one by one{}", only(*class)),
        Fault::Mute {
            direction, kinds, ..
        } => format!("{} of {who} choke{}", kinds.join(", "), way(*direction)),
        Fault::Isolate {
            direction,
            clients,
            form,
            ..
        } => {
            let clients = if *clients { ", from clients too" } else { "" };
            format!("isolate {who}{}{clients}{}", way(*direction), bytes(*form))
        }
        Fault::Crash { .. }
        | Fault::Pause { .. }
        | Fault::Suspend { .. }
        | Fault::Delay { .. }
        | Fault::Reset { .. }
        | Fault::Rough { .. }
        | Fault::Flaky { .. }
        | Fault::SlowDisk { .. }
        | Fault::Disk { .. }
        | Fault::BitRot { .. }
        | Fault::Wipe { .. }
        | Fault::Restore { .. }
        | Fault::Drift { .. }
        | Fault::WallJump { .. }
        | Fault::Skew { .. }
        | Fault::Freeze { .. }
        | Fault::SlowCpu { .. }
        | Fault::Provoke { .. } => unreachable!("the caller has asked for those that cut"),
    }
}

fn disk(trouble: Trouble, who: &str) -> String {
    match trouble {
        Trouble::Stall => format!("disk of {who} stalls"),
        Trouble::FsyncFail { times } => format!("{times} fsync of {who} fail"),
        Trouble::Full { room_bytes } => format!("disk of {who} is full after {room_bytes} bytes"),
        Trouble::Errors { rate } => {
            format!("disk operations of {who} fail with probability {rate}")
        }
        Trouble::ReadOnly => format!("disk of {who} is read-only"),
        Trouble::Lying => format!("disk of {who} reports forces and does none"),
    }
}

fn roughness(rough: &Roughness) -> String {
    let rates = [
        ("connects refused", rough.refuse),
        ("connects hanging", rough.hang),
        ("resets", rough.reset),
        ("lost segments", rough.stall),
        ("corrupt frames", rough.corrupt),
        ("short writes", rough.short),
        ("lost datagrams", rough.loss),
        ("doubled datagrams", rough.duplicate),
        ("datagrams out of order", rough.reorder),
    ];
    let mut parts: Vec<String> = rates
        .iter()
        .filter(|(_, rate)| rate.num > 0)
        .map(|(what, rate)| format!("{what} {rate}"))
        .collect();
    if rough.bandwidth > 0 {
        parts.push(format!("{} bytes/s", rough.bandwidth));
    }
    parts.join(", ")
}

/// Whom a fault strikes.
fn target(target: &Target, roster: Roster) -> String {
    match target {
        Target::Node(node) => name(*node, roster),
        Target::Nodes(nodes) => names(nodes, roster),
        Target::Rack { name, nodes } => format!("rack {name} ({})", names(nodes, roster)),
        Target::Role(role) => format!("the {role}"),
        Target::Sayer => "whoever said it".to_owned(),
        Target::Servers => "all servers".to_owned(),
        Target::Minority => "a minority".to_owned(),
        Target::ServerOf(client) => format!("the server of {}", name(*client, roster)),
    }
}

fn names(nodes: &[NodeId], roster: Roster) -> String {
    let names: Vec<String> = nodes.iter().map(|node| name(*node, roster)).collect();
    names.join(",")
}

/// A node by the name that scenarios use.
fn name(node: NodeId, roster: Roster) -> String {
    if node.0 <= roster.servers() {
        node.0.to_string()
    } else {
        ClientId(node.0 - roster.servers()).to_string()
    }
}

fn bytes(form: Form) -> &'static str {
    match form {
        Form::Silent => "",
        Form::Reset => ", connections reset",
        Form::Jam => ", bytes queue",
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
pub fn trigger(trigger: &Trigger, roster: Roster) -> String {
    match trigger {
        Trigger::At(at) => format!("at {at}"),
        Trigger::When {
            mark,
            nth,
            after,
            by,
            cut,
        } => {
            let by = by.map_or_else(String::new, |node| format!(" of {}", name(node, roster)));
            match cut {
                None => format!("{after} after {mark} no. {nth}{by}"),
                Some(0) => format!("at {mark} no. {nth}{by}, before what follows it"),
                Some(more) => format!("at {mark} no. {nth}{by} and {more} effects"),
            }
        }
    }
}
