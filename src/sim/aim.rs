//! Whom a fault strikes and which ways it cuts, as things are when it does, and whether that changes anything.

use super::fault::{Atlas, Direction, Fault, Planned, Shape, Target, Trouble};
use super::process::{LinkClass, Process, Protocol};
use super::strike::is_power;
use super::weather::{CLASSES, Path, index};
use super::world::World;
use crate::base::digest::Digest;
use crate::base::id::NodeId;
use crate::base::time::Span;

impl<P: Process> World<P> {
    /// Whom a fault strikes, as things are now; in id order.
    pub(super) fn resolve(&self, by: u32, planned: &Planned) -> Vec<NodeId> {
        planned
            .fault
            .target()
            .map_or_else(Vec::new, |target| self.resolve_target(by, planned, target))
    }

    fn resolve_target(&self, by: u32, planned: &Planned, target: &Target) -> Vec<NodeId> {
        let setup = &self.shared.setup;
        match target {
            Target::Node(node) => vec![*node],
            Target::Nodes(nodes) | Target::Rack { nodes, .. } => nodes.clone(),
            Target::Role(role) => (1..=setup.nodes)
                .map(NodeId)
                .filter_map(|node| Some((self.process(node)?.standing(role)?, node)))
                .max_by_key(|(standing, node)| (*standing, std::cmp::Reverse(*node)))
                .map(|(_, node)| node)
                .into_iter()
                .collect(),
            Target::Sayer => {
                let said = self.ledger.sayers.iter().rev().find(|said| said.0 == by);
                said.map(|(_, node)| *node).into_iter().collect()
            }
            Target::Servers => (1..=setup.servers).map(NodeId).collect(),
            Target::Minority => {
                let mut minority = self.ranked(planned, setup.voters.iter().copied());
                minority.truncate(setup.voters.len().saturating_sub(1) / 2);
                minority.sort_unstable();
                minority
            }
            Target::ServerOf(client) => self
                .process(*client)
                .and_then(Process::attached_to)
                .into_iter()
                .collect(),
        }
    }

    /// Nodes in an order that is drawn by the fault's name and moment.
    fn ranked(&self, planned: &Planned, nodes: impl Iterator<Item = NodeId>) -> Vec<NodeId> {
        let (who, bucket) = (Digest::of(&planned.id), self.agenda.bucket());
        let key = self.shared.target_key;
        let mut ranked: Vec<(u64, NodeId)> = nodes
            .map(|node| (key.draw(who, u64::from(node.0), bucket, 0).word(), node))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, node)| node).collect()
    }

    /// The servers in a drawn order.
    fn ranked_servers(&self, planned: &Planned) -> Vec<NodeId> {
        self.ranked(planned, (1..=self.shared.setup.servers).map(NodeId))
    }

    /// The paths that a fault cuts.
    pub(super) fn paths(&self, by: u32, planned: &Planned, targets: &[NodeId]) -> Vec<Path> {
        let mut paths = Vec::new();
        match &planned.fault {
            Fault::Partition {
                groups,
                direction,
                class,
                ..
            } => {
                for (first, source) in groups.iter().enumerate() {
                    for sink in &groups[first + 1..] {
                        if first == 0 || *direction == Direction::Both {
                            cut_between(&mut paths, source, sink, *direction, *class);
                        }
                    }
                }
            }
            Fault::Split { shape, class, .. } => {
                let servers = self.ranked_servers(planned);
                for (near, far) in strangers(*shape, &servers) {
                    cut_between(&mut paths, &near, &far, Direction::Both, *class);
                }
            }
            Fault::Cut {
                from,
                direction,
                class,
                ..
            } => {
                let mut others = self.resolve_target(by, planned, from);
                others.retain(|node| !targets.contains(node));
                cut_between(&mut paths, targets, &others, *direction, *class);
            }
            Fault::Isolate {
                direction, clients, ..
            } => {
                let others = self.others(targets, *clients);
                cut_between(&mut paths, targets, &others, *direction, None);
            }
            Fault::Clog {
                direction, class, ..
            } => {
                let others = self.others(targets, true);
                cut_between(&mut paths, targets, &others, *direction, *class);
            }
            Fault::Crash { .. }
            | Fault::Pause { .. }
            | Fault::Swizzle { .. }
            | Fault::Mute { .. }
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
            | Fault::Flaky { .. } => {}
        }
        paths
    }

    /// Everybody but the targets; without clients unless they are asked for.
    fn others(&self, targets: &[NodeId], clients: bool) -> Vec<NodeId> {
        let setup = &self.shared.setup;
        let last = if clients { setup.nodes } else { setup.servers };
        (1..=last)
            .map(NodeId)
            .filter(|node| !targets.contains(node))
            .collect()
    }

    /// The next turn of a swizzle: one server more is clogged in the first half, one is freed in the second. Returns how
    /// long after it the next turn comes.
    pub(super) fn swizzle(
        &mut self,
        by: u32,
        planned: &Planned,
        class: Option<LinkClass>,
        beat: u32,
    ) -> Option<Span> {
        let servers = self.swizzled(planned);
        let half = servers.len().div_ceil(2);
        let turn = usize::try_from(beat).expect("a few turns") - 1;
        let lasts = planned.lasts.unwrap_or(Span::from_ms(2_000));
        // Freed in another order: the middle first, then outwards by halves.
        let victim = if turn < half {
            servers[turn]
        } else {
            servers[(turn - half + half / 2) % half]
        };
        let others = self.others(&[victim], true);
        let mut paths = Vec::new();
        cut_between(&mut paths, &[victim], &others, Direction::Both, class);
        let form = super::fault::Form::Jam;
        if turn < half {
            for path in &paths {
                self.net.weather.cut(*path, form, true);
            }
            if let Some(active) = self.ledger.active_mut(by) {
                active.paths.extend(paths);
            }
        } else {
            if let Some(active) = self.ledger.active_mut(by) {
                for path in &paths {
                    let place = active.paths.iter().position(|other| other == path);
                    active.paths.swap_remove(place.expect("it was clogged"));
                }
            }
            self.heal_paths(&paths, form);
        }
        let is_last = turn + 1 == 2 * half;
        (!is_last).then(|| Span(lasts.0 / (2 * half as u64 + 1)))
    }

    /// The servers in the order drawn when a fault began.
    fn swizzled(&self, planned: &Planned) -> Vec<NodeId> {
        let key = self.shared.target_key;
        let who = Digest::of(&planned.id);
        let mut ranked: Vec<(u64, NodeId)> = (1..=self.shared.setup.servers)
            .map(|node| (key.draw(who, u64::from(node), 0, 1).word(), NodeId(node)))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, node)| node).collect()
    }

    /// Whether a fault would change anything now.
    ///
    /// # Errors
    /// Why it would not.
    pub(super) fn effect(
        &self,
        by: u32,
        fault: &Fault,
        targets: &[NodeId],
        paths: &[Path],
    ) -> Result<(), &'static str> {
        if fault.target().is_some() && targets.is_empty() {
            return Err("nobody plays that part");
        }
        let any = |is_hit: &dyn Fn(NodeId) -> bool, why: &'static str| {
            let is_any = targets.iter().any(|node| is_hit(*node));
            if is_any { Ok(()) } else { Err(why) }
        };
        let if_it = |is_so: bool, why: &'static str| if is_so { Ok(()) } else { Err(why) };
        let nothing = "it asks for no change";
        match fault {
            Fault::Crash { unsynced, .. } => any(
                &|node| self.is_up(node) || is_power(*unsynced) && !self.net.weather.is_dark(node),
                "it is down already",
            ),
            Fault::Pause { .. } => any(
                &|node| self.is_up(node) && !self.is_paused(node),
                "it is down or paused already",
            ),
            Fault::Suspend { .. } => any(&|node| self.is_up(node), "it is down"),
            Fault::Partition { .. }
            | Fault::Split { .. }
            | Fault::Cut { .. }
            | Fault::Clog { .. }
            | Fault::Isolate { .. } => if_it(
                paths.iter().any(|path| !self.net.weather.is_cut(*path)),
                "every such way is cut already",
            ),
            Fault::Swizzle { .. } => if_it(self.shared.setup.servers > 1, "there is one server"),
            Fault::Mute { kinds, .. } => if_it(!kinds.is_empty(), nothing),
            Fault::Delay { extra, .. } => if_it(*extra > Span::ZERO, nothing),
            Fault::Reset { class, .. } => any(
                &|node| self.net.is_connected(node, *class),
                "it has no such connection",
            ),
            Fault::Rough { rough, .. } => if_it(!rough.is_none(), nothing),
            Fault::SlowDisk { factor, extra, .. } => {
                if_it(*factor != 1 || *extra > Span::ZERO, nothing)
            }
            Fault::Drift { ppm, .. } => if_it(*ppm != 0, nothing),
            Fault::WallJump { by_ms, .. } | Fault::Skew { by_ms, .. } => {
                if_it(*by_ms != 0, nothing)
            }
            Fault::Freeze { .. } => any(
                &|node| !self.slots[index(node)].clock.is_frozen(),
                "its clocks stand still already",
            ),
            Fault::SlowCpu { factor, .. } => if_it(*factor > 0, nothing),
            Fault::Disk { trouble, .. } => {
                if_it(!matches!(trouble, Trouble::FsyncFail { times: 0 }), nothing)
            }
            Fault::BitRot { .. } | Fault::Wipe { .. } | Fault::Restore { .. } => {
                self.effect_on_disks(by, fault, targets)
            }
            Fault::Provoke { what, .. } => {
                any(&|node| self.is_up(node), "it is down")?;
                if_it(P::Words::provocation(what).is_some(), nothing)
            }
            Fault::Flaky { reset, .. } => if_it(reset.num > 0, nothing),
        }
    }

    /// Whether a fault that damages disks would change anything now.
    fn effect_on_disks(
        &self,
        by: u32,
        fault: &Fault,
        targets: &[NodeId],
    ) -> Result<(), &'static str> {
        let any = |is_hit: &dyn Fn(NodeId) -> bool, why: &'static str| {
            let is_any = targets.iter().any(|node| is_hit(*node));
            if is_any { Ok(()) } else { Err(why) }
        };
        if let Fault::BitRot { rot, atlas, .. } = fault {
            any(
                &|node| self.slots[index(node)].disk.can_rot(*rot),
                "nothing of that kind is stored",
            )?;
            any(
                &|node| *atlas == Atlas::Off || self.is_spare(node),
                "the atlas keeps the last good copies",
            )
        } else if let Fault::Wipe { .. } = fault {
            any(
                &|node| !self.slots[index(node)].disk.is_empty(),
                "its disk is empty already",
            )
        } else {
            any(
                &|node| {
                    let slot = &self.slots[index(node)];
                    let own = slot.backups.iter().find(|(fault, _)| *fault == by);
                    own.is_some_and(|(_, backup)| slot.disk.differs(backup))
                },
                "there is no older copy",
            )
        }
    }

    /// The fault that makes a node's disk lie, if a fault does.
    pub(super) fn lying_fault(&self, node: NodeId) -> Option<u32> {
        let lies = |planned: &Planned| {
            let Fault::Disk { trouble, .. } = planned.fault else {
                return false;
            };
            trouble == Trouble::Lying
        };
        let indices = (0..).zip(self.plan.iter());
        let own = |index: &u32| self.ledger.has_struck(*index, node);
        indices
            .filter(|(_, planned)| lies(planned))
            .map(|(index, _)| index)
            .find(own)
    }
}

/// Which groups of servers cannot see each other.
fn strangers(shape: Shape, servers: &[NodeId]) -> Vec<(Vec<NodeId>, Vec<NodeId>)> {
    let halves = |servers: &[NodeId], at: usize| {
        let (near, far) = servers.split_at(at);
        vec![(near.to_vec(), far.to_vec())]
    };
    let count = servers.len();
    match shape {
        Shape::Halves => halves(servers, count / 2),
        Shape::Minority => halves(servers, count.saturating_sub(1) / 2),
        Shape::Bridge => match servers {
            [_, rest @ ..] => halves(rest, rest.len() / 2),
            [] => Vec::new(),
        },
        Shape::Ring => {
            // Each sees so many neighbours on either side that they and itself are a majority.
            let reach = (count / 2).div_ceil(2);
            let mut pairs = Vec::new();
            for (place, one) in servers.iter().enumerate() {
                for (other, two) in servers.iter().enumerate().skip(place + 1) {
                    let ahead = other - place;
                    if ahead.min(count - ahead) > reach {
                        pairs.push((vec![*one], vec![*two]));
                    }
                }
            }
            pairs
        }
        Shape::Groups(groups) => {
            let groups = usize::from(groups).max(1);
            let group = |number: usize| -> Vec<NodeId> {
                servers
                    .iter()
                    .copied()
                    .skip(number)
                    .step_by(groups)
                    .collect()
            };
            let mut pairs = Vec::new();
            for one in 0..groups {
                for two in one + 1..groups {
                    pairs.push((group(one), group(two)));
                }
            }
            pairs
        }
    }
}

/// Lists the ways between two groups.
fn cut_between(
    paths: &mut Vec<Path>,
    near: &[NodeId],
    far: &[NodeId],
    direction: Direction,
    only: Option<LinkClass>,
) {
    for class in CLASSES {
        if only.is_some_and(|only| only != class) {
            continue;
        }
        for &a in near {
            for &b in far {
                if matches!(direction, Direction::Both | Direction::Out) {
                    let (from, to) = (a, b);
                    paths.push(Path { from, to, class });
                }
                if matches!(direction, Direction::Both | Direction::In) {
                    let (from, to) = (b, a);
                    paths.push(Path { from, to, class });
                }
            }
        }
    }
}
