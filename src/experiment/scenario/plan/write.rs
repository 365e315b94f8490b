//! Writing plans: every entry in full, but for fields that only unusual faults need.

use super::super::super::json::Value;
use super::super::format::{Format, name_of};
use super::Roster;
use super::tables::{ATLAS, CLASSES, DIRECTIONS, FORMS, ROTS, SEEN, SHAPES, UNSYNCED};
use crate::base::ratio::Ratio;
use crate::base::time::Span;
use crate::sim::fault::{Direction, Fault, Form, Planned, Seen, Shape, Target, Trigger, Trouble};
use crate::sim::process::LinkClass;
use crate::sim::rough::Roughness;

/// Fields of an entry, in the order in which they are written.
type Written = Vec<(&'static str, Value)>;

/// Writes one entry.
pub(super) fn entry(planned: &Planned, roster: Roster) -> Value {
    let mut fields = vec![
        ("id", Value::text(&*planned.id)),
        ("fault", Value::text(fault_name(&planned.fault))),
    ];
    if let Some(target) = planned.fault.target() {
        fields.push(("node", write_target(target, roster)));
    }
    fields.extend(write_fault(&planned.fault, roster));
    match &planned.trigger {
        Trigger::At(at) => fields.push(write_span(Span(at.0), "at_ms", "at_us")),
        Trigger::When {
            mark,
            nth,
            after,
            by,
            cut,
        } => {
            let mut when = vec![
                ("fact", Value::text(&**mark)),
                ("nth", Value::Int((*nth).into())),
            ];
            when.extend(by.map(|node| ("node", roster.write_node(node))));
            when.extend(cut.map(|cut| ("cut_after", cut.write())));
            fields.push(("when", Value::object(when)));
            if cut.is_none() {
                fields.push(write_span(*after, "after_ms", "after_us"));
            }
        }
    }
    if let Some(lasts) = planned.lasts {
        fields.push(write_span(lasts, "for_ms", "for_us"));
    }
    if let Some(flap) = planned.flap {
        fields.push(write_span(flap, "flap_ms", "flap_us"));
    }
    Value::object(fields)
}

fn fault_name(fault: &Fault) -> &str {
    if let Fault::Provoke { what, .. } = fault {
        what
    } else {
        fault.name()
    }
}

/// In milliseconds if that is exact, else in microseconds.
pub(in super::super) fn write_span(
    span: Span,
    ms: &'static str,
    us: &'static str,
) -> (&'static str, Value) {
    debug_assert_eq!(span.0 % 1_000, 0, "plans know whole microseconds");
    if Span::from_ms(span.as_ms()) == span {
        (ms, Value::Int(span.as_ms().into()))
    } else {
        (us, Value::Int(span.as_us().into()))
    }
}

/// The fields of a fault beside its name and target.
fn write_fault(fault: &Fault, roster: Roster) -> Written {
    let form = |form: &Form| {
        let name = ("form", Value::text(name_of(*form, &FORMS)));
        (*form != Form::Silent).then_some(name)
    };
    match fault {
        Fault::Partition {
            groups,
            direction,
            class,
            form: shape,
        } => {
            let lists = groups
                .iter()
                .map(|group| Value::list(group.iter().map(|member| roster.write_node(*member))));
            let groups = ("groups", Value::list(lists));
            let fields = [groups, write_direction(*direction), write_class(*class)];
            fields.into_iter().chain(form(shape)).collect()
        }
        Fault::Split {
            shape,
            class,
            form: bytes,
        } => {
            let mut fields = write_shape(*shape);
            fields.push(write_class(*class));
            fields.extend(form(bytes));
            fields
        }
        Fault::Cut {
            from,
            direction,
            class,
            form: bytes,
            ..
        } => {
            let from = ("from", write_target(from, roster));
            let fields = [from, write_direction(*direction), write_class(*class)];
            fields.into_iter().chain(form(bytes)).collect()
        }
        Fault::Clog {
            direction, class, ..
        } => vec![write_direction(*direction), write_class(*class)],
        Fault::Mute {
            direction, kinds, ..
        } => {
            let kinds = Value::list(kinds.iter().map(|kind| Value::text(&**kind)));
            vec![write_direction(*direction), ("kinds", kinds)]
        }
        Fault::Isolate {
            direction,
            clients,
            form: bytes,
            ..
        } => {
            let fields = [write_direction(*direction), ("clients", clients.write())];
            fields.into_iter().chain(form(bytes)).collect()
        }
        Fault::Swizzle { class } => vec![write_class(*class)],
        Fault::Crash { .. }
        | Fault::Pause { .. }
        | Fault::Delay { .. }
        | Fault::Reset { .. }
        | Fault::Rough { .. }
        | Fault::SlowDisk { .. }
        | Fault::Drift { .. }
        | Fault::WallJump { .. }
        | Fault::Skew { .. }
        | Fault::Freeze { .. }
        | Fault::Suspend { .. }
        | Fault::SlowCpu { .. }
        | Fault::Disk { .. }
        | Fault::BitRot { .. }
        | Fault::Wipe { .. }
        | Fault::Restore { .. }
        | Fault::Provoke { .. }
        | Fault::Flaky { .. } => write_other(fault),
    }
}

/// The fields of faults that cut no way.
fn write_other(fault: &Fault) -> Written {
    match fault {
        Fault::Crash { unsynced, .. } => {
            vec![("unsynced", Value::text(name_of(*unsynced, &UNSYNCED)))]
        }
        Fault::Delay { class, extra, .. } => {
            vec![
                write_class(*class),
                write_span(*extra, "extra_ms", "extra_us"),
            ]
        }
        Fault::Reset { class, seen, .. } => {
            let seen = (*seen != Seen::Both).then(|| ("seen", Value::text(name_of(*seen, &SEEN))));
            [write_class(*class)].into_iter().chain(seen).collect()
        }
        Fault::Rough { class, rough, .. } => {
            let mut fields = vec![write_class(*class)];
            fields.extend(write_rough(rough));
            fields
        }
        Fault::SlowDisk { factor, extra, .. } => vec![
            ("factor", factor.write()),
            write_span(*extra, "extra_ms", "extra_us"),
        ],
        Fault::Drift { ppm, .. } => vec![("ppm", ppm.write())],
        Fault::WallJump { by_ms, .. } | Fault::Skew { by_ms, .. } => vec![("by_ms", by_ms.write())],
        Fault::SlowCpu { factor, .. } => vec![("factor", factor.write())],
        Fault::Disk { trouble, .. } => write_trouble(*trouble),
        Fault::BitRot { rot, atlas, .. } => vec![
            ("where", Value::text(name_of(*rot, &ROTS))),
            ("atlas", Value::text(name_of(*atlas, &ATLAS))),
        ],
        Fault::Restore { backup_at, .. } => {
            let at = Span(backup_at.0);
            vec![write_span(at, "backup_at_ms", "backup_at_us")]
        }
        Fault::Flaky { reset, .. } => vec![("reset", reset.write())],
        Fault::Partition { .. }
        | Fault::Split { .. }
        | Fault::Cut { .. }
        | Fault::Clog { .. }
        | Fault::Swizzle { .. }
        | Fault::Mute { .. }
        | Fault::Isolate { .. }
        | Fault::Pause { .. }
        | Fault::Freeze { .. }
        | Fault::Suspend { .. }
        | Fault::Wipe { .. }
        | Fault::Provoke { .. } => Vec::new(),
    }
}

fn write_shape(shape: Shape) -> Written {
    match shape {
        Shape::Groups(k) => vec![("shape", Value::text("groups")), ("k", k.write())],
        Shape::Halves | Shape::Minority | Shape::Bridge | Shape::Ring => {
            vec![("shape", Value::text(name_of(shape, &SHAPES)))]
        }
    }
}

fn write_trouble(trouble: Trouble) -> Written {
    match trouble {
        Trouble::FsyncFail { times } => vec![("times", times.write())],
        Trouble::Full { room_bytes } => vec![("room_bytes", room_bytes.write())],
        Trouble::Errors { rate } => vec![("rate", rate.write())],
        Trouble::Stall | Trouble::ReadOnly | Trouble::Lying => Vec::new(),
    }
}

/// What differs from a smooth link.
fn write_rough(rough: &Roughness) -> Written {
    let none = Roughness::NONE;
    let ratios: [(&'static str, Ratio, Ratio); 10] = [
        ("refuse", rough.refuse, none.refuse),
        ("hang", rough.hang, none.hang),
        ("reset", rough.reset, none.reset),
        ("reset_both", rough.both, none.both),
        ("stall", rough.stall, none.stall),
        ("corrupt", rough.corrupt, none.corrupt),
        ("short_write", rough.short, none.short),
        ("loss", rough.loss, none.loss),
        ("duplicate", rough.duplicate, none.duplicate),
        ("reorder", rough.reorder, none.reorder),
    ];
    let mut fields: Written = ratios
        .into_iter()
        .filter(|(_, ratio, usual)| ratio != usual)
        .map(|(name, ratio, _)| (name, ratio.write()))
        .collect();
    if rough.bandwidth != none.bandwidth {
        fields.push(("bandwidth", rough.bandwidth.write()));
    }
    if rough.queue_bytes != none.queue_bytes {
        fields.push(("queue_bytes", rough.queue_bytes.write()));
    }
    fields
}

fn write_direction(direction: Direction) -> (&'static str, Value) {
    ("direction", Value::text(name_of(direction, &DIRECTIONS)))
}

fn write_class(class: Option<LinkClass>) -> (&'static str, Value) {
    let class = class.map_or(Value::Null, |class| Value::text(name_of(class, &CLASSES)));
    ("class", class)
}

fn write_target(target: &Target, roster: Roster) -> Value {
    let nodes = |nodes: &[_]| Value::list(nodes.iter().map(|node| roster.write_node(*node)));
    match target {
        Target::Node(node) => roster.write_node(*node),
        Target::Nodes(list) => nodes(list),
        Target::Rack { name, nodes: list } => {
            Value::object([("rack", Value::text(&**name)), ("nodes", nodes(list))])
        }
        Target::Role(role) => Value::text(&**role),
        Target::Sayer => Value::text("sayer"),
        Target::Servers => Value::text("servers"),
        Target::Minority => Value::text("minority"),
        Target::ServerOf(client) => {
            Value::text(format!("server-of:c{}", client.0 - roster.servers()))
        }
    }
}
