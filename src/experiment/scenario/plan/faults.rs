//! The fields of each fault.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::super::json::{Problem, Value};
use super::super::format::{read_text, unknown_name};
use super::Reader;
use super::tables::{ATLAS, FAULTS, FORMS, PROVOCATIONS, ROTS, SEEN, SHAPES, UNSYNCED};
use crate::base::ratio::Ratio;
use crate::base::time::{Span, Time};
use crate::sim::fault::{Atlas, Direction, Fault, Form, Rot, Seen, Shape, Trouble, Unsynced};
use crate::sim::process::Name;
use crate::sim::rough::Roughness;
use crate::words::message::KINDS;

/// The farthest a wall clock may jump, in milliseconds.
const FARTHEST_MS: i128 = 1_000_000_000_000;

impl Reader<'_> {
    /// The fault, by its name.
    pub(super) fn fault(&mut self) -> Result<Fault, Problem> {
        let name: String = self.fields.required("fault")?;
        match name.as_str() {
            "crash" | "pause" | "wipe" | "restore" | "suspend" | "slow-cpu" => {
                self.process_fault(&name)
            }
            "partition" | "split" | "cut" | "clog" | "swizzle" | "mute" | "isolate" => {
                self.cut_fault(&name)
            }
            "delay" | "reset" | "rough" | "flaky" => self.link_fault(&name),
            "slow-disk" | "disk-stall" | "fsync-fail" | "disk-full" | "disk-errors"
            | "read-only" | "lying-disk" | "bit-rot" => self.disk_fault(&name),
            "drift" | "wall-jump" | "skew" | "freeze" => self.clock_fault(&name),
            name if PROVOCATIONS.contains(&name) => Ok(Fault::Provoke {
                target: self.target()?,
                what: Arc::from(name),
            }),
            other => {
                let place = self.fields.place();
                let place = self.fields.get("fault").map_or(place, |node| node.place);
                Err(unknown_name(place, "fault", other, FAULTS))
            }
        }
    }

    fn process_fault(&mut self, name: &str) -> Result<Fault, Problem> {
        let target = self.target()?;
        Ok(match name {
            "crash" => Fault::Crash {
                target,
                unsynced: self.name("unsynced", &UNSYNCED)?.unwrap_or(Unsynced::Kill),
            },
            "pause" => Fault::Pause { target },
            "wipe" => Fault::Wipe { target },
            "restore" => Fault::Restore {
                target,
                backup_at: Time(self.needed_span("backup_at_ms", "backup_at_us")?.0),
            },
            "suspend" => Fault::Suspend { target },
            _ => Fault::SlowCpu {
                target,
                factor: self.needed("factor", 1..=100_000)?,
            },
        })
    }

    fn cut_fault(&mut self, name: &str) -> Result<Fault, Problem> {
        Ok(match name {
            "partition" => return self.partition(),
            "split" => Fault::Split {
                shape: self.shape()?,
                class: self.class()?,
                form: self.form()?,
            },
            "swizzle" => Fault::Swizzle {
                class: self.class()?,
            },
            "cut" => Fault::Cut {
                target: self.target()?,
                from: self.target_in("from")?,
                direction: self.direction()?,
                class: self.class()?,
                form: self.form()?,
            },
            "clog" => Fault::Clog {
                target: self.target()?,
                direction: self.direction()?,
                class: self.class()?,
            },
            "mute" => Fault::Mute {
                target: self.target()?,
                direction: self.direction()?,
                kinds: self.kinds()?,
            },
            _ => Fault::Isolate {
                target: self.target()?,
                direction: self.direction()?,
                clients: self.fields.optional("clients")?.unwrap_or(true),
                form: self.form()?,
            },
        })
    }

    fn link_fault(&mut self, name: &str) -> Result<Fault, Problem> {
        let target = self.target()?;
        Ok(match name {
            "delay" => Fault::Delay {
                target,
                class: self.class()?,
                extra: self.needed_span("extra_ms", "extra_us")?,
            },
            "reset" => Fault::Reset {
                target,
                class: self.class()?,
                seen: self.name("seen", &SEEN)?.unwrap_or(Seen::Both),
            },
            "rough" => Fault::Rough {
                target,
                class: self.class()?,
                rough: self.rough()?,
            },
            _ => Fault::Flaky {
                target,
                reset: self.fields.required::<Ratio>("reset")?,
            },
        })
    }

    fn disk_fault(&mut self, name: &str) -> Result<Fault, Problem> {
        let target = self.target()?;
        let trouble = match name {
            "slow-disk" => {
                return Ok(Fault::SlowDisk {
                    target,
                    factor: self.bounded("factor", 1..=1_000_000)?.unwrap_or(1),
                    extra: self.span("extra_ms", "extra_us")?.unwrap_or(Span::ZERO),
                });
            }
            "bit-rot" => {
                return Ok(Fault::BitRot {
                    target,
                    rot: self.name("where", &ROTS)?.unwrap_or(Rot::Log),
                    atlas: self.name("atlas", &ATLAS)?.unwrap_or(Atlas::On),
                });
            }
            "disk-stall" => Trouble::Stall,
            "fsync-fail" => Trouble::FsyncFail {
                times: self.bounded("times", 1..=1_000_000)?.unwrap_or(1),
            },
            "disk-full" => Trouble::Full {
                room_bytes: self.fields.optional("room_bytes")?.unwrap_or(0),
            },
            "disk-errors" => Trouble::Errors {
                rate: self.fields.required::<Ratio>("rate")?,
            },
            "read-only" => Trouble::ReadOnly,
            _ => Trouble::Lying,
        };
        Ok(Fault::Disk { target, trouble })
    }

    fn clock_fault(&mut self, name: &str) -> Result<Fault, Problem> {
        let target = self.target()?;
        Ok(match name {
            "drift" => Fault::Drift {
                target,
                ppm: self.needed("ppm", -500_000..=500_000)?,
            },
            "wall-jump" => Fault::WallJump {
                target,
                by_ms: self.needed("by_ms", -FARTHEST_MS..=FARTHEST_MS)?,
            },
            "skew" => Fault::Skew {
                target,
                by_ms: self.needed("by_ms", -FARTHEST_MS..=FARTHEST_MS)?,
            },
            _ => Fault::Freeze { target },
        })
    }

    fn form(&mut self) -> Result<Form, Problem> {
        Ok(self.name("form", &FORMS)?.unwrap_or(Form::Silent))
    }

    fn shape(&mut self) -> Result<Shape, Problem> {
        let Some(node) = self.fields.get("shape") else {
            return Err(self.fields.missing("shape"));
        };
        let text = read_text(node, "shape", "a string")?;
        if text == "groups" {
            return Ok(Shape::Groups(self.needed("k", 2..=63)?));
        }
        let known = SHAPES.iter().find(|(name, _)| *name == text);
        known.map(|(_, shape)| *shape).ok_or_else(|| {
            let names = SHAPES.iter().map(|(name, _)| *name).chain(["groups"]);
            unknown_name(node.place, "shape", text, names)
        })
    }

    fn kinds(&mut self) -> Result<Vec<Name>, Problem> {
        let kinds: Vec<String> = self.fields.required("kinds")?;
        let place = self.fields.place();
        let place = self.fields.get("kinds").map_or(place, |node| node.place);
        for kind in &kinds {
            if !KINDS.contains(&kind.as_str()) {
                return Err(unknown_name(place, "kinds", kind, KINDS));
            }
        }
        Ok(kinds.into_iter().map(Arc::from).collect())
    }

    fn rough(&mut self) -> Result<Roughness, Problem> {
        let none = Roughness::NONE;
        let fields = &mut self.fields;
        let mut ratio =
            |name, default| Ok::<_, Problem>(fields.optional::<Ratio>(name)?.unwrap_or(default));
        Ok(Roughness {
            refuse: ratio("refuse", none.refuse)?,
            hang: ratio("hang", none.hang)?,
            reset: ratio("reset", none.reset)?,
            both: ratio("reset_both", none.both)?,
            stall: ratio("stall", none.stall)?,
            corrupt: ratio("corrupt", none.corrupt)?,
            short: ratio("short_write", none.short)?,
            loss: ratio("loss", none.loss)?,
            duplicate: ratio("duplicate", none.duplicate)?,
            reorder: ratio("reorder", none.reorder)?,
            bandwidth: fields.optional("bandwidth")?.unwrap_or(none.bandwidth),
            queue_bytes: fields.optional("queue_bytes")?.unwrap_or(none.queue_bytes),
        })
    }

    fn partition(&mut self) -> Result<Fault, Problem> {
        let Some(node) = self.fields.get("groups") else {
            return Err(self.fields.missing("groups"));
        };
        let Value::List(lists) = &node.value else {
            let what = format!(
                "\"groups\" is {}; expected lists of servers like [[1, 2], [3, 4, 5]]",
                node.value.describe()
            );
            return Err(Problem::new(node.place, what));
        };
        let mut seen = BTreeSet::new();
        let mut groups = Vec::new();
        for (index, list) in lists.iter().enumerate() {
            let what = format!("group {} of \"groups\"", index + 1);
            let Value::List(members) = &list.value else {
                let found = list.value.describe();
                let what = format!("{what} is {found}; expected a list of servers");
                return Err(Problem::new(list.place, what));
            };
            let mut group = Vec::new();
            for member in members {
                let id = self.roster.read_node(member, &what)?;
                if !seen.insert(id) {
                    let what = format!("{} stands twice in \"groups\"", member.value.describe());
                    return Err(Problem::new(member.place, what));
                }
                group.push(id);
            }
            groups.push(group);
        }
        let direction = self.direction()?;
        let fits = match direction {
            Direction::Both => groups.len() >= 2,
            Direction::Out | Direction::In => groups.len() == 2,
        };
        if !fits {
            let what = format!(
                "\"groups\" has {} groups; expected {}",
                groups.len(),
                match direction {
                    Direction::Both => "at least 2",
                    Direction::Out | Direction::In => "exactly 2 for a one-way partition",
                }
            );
            return Err(Problem::new(node.place, what));
        }
        Ok(Fault::Partition {
            groups,
            direction,
            class: self.class()?,
            form: self.form()?,
        })
    }
}
