//! What the network does to a frame: its delay, whether its path is cut, whether it breaks the connection. Every draw is
//! keyed by directed pair, class, kind and moment.

use super::agenda::Agenda;
use super::draws::Site;
use super::law::Tally;
use super::process::{LinkClass, Protocol};
use super::setup::{LinkProfile, Setup};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Draw, Key, Seed};
use crate::base::time::Span;

/// The three link classes, in order.
pub(super) const CLASSES: [LinkClass; 3] =
    [LinkClass::Election, LinkClass::Quorum, LinkClass::Client];

/// The two kinds of frames that have draws of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Handshakes and ends.
    Control = 0,
    /// Messages.
    Data = 1,
}

/// The way from one node to another on one class of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) class: LinkClass,
}

/// The state of the network between all nodes.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    nodes: usize,
    profiles: [LinkProfile; 3],
    delays: Key,
    resets: Key,
    /// Per directed pair.
    pairs: Vec<Pair>,
    /// Per node.
    hosts: Vec<Host>,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    /// Occurrences of draws: delays by class and kind, resets by class.
    tallies: [Tally; 9],
    /// How many faults cut the way, by class.
    cuts: [u16; 3],
}

#[derive(Clone, Debug, Default)]
struct Host {
    /// How many faults hold the machine without power.
    dark: u16,
    /// Ports that are listened on, a bit per class.
    ports: u8,
    /// What delay faults add, by class.
    extra: [Span; 3],
    /// What flaky faults do to frames.
    flaky: Vec<Ratio>,
}

impl Weather {
    /// Fair weather.
    pub(super) fn new(seed: Seed, setup: &Setup) -> Self {
        let nodes = usize::from(setup.nodes);
        Self {
            nodes,
            profiles: setup.links,
            delays: Key::derive(seed, Domain::NetDelay),
            resets: Key::derive(seed, Domain::NetReset),
            pairs: vec![Pair::default(); nodes * nodes],
            hosts: vec![Host::default(); nodes],
        }
    }

    #[inline]
    fn pair(&mut self, from: NodeId, to: NodeId) -> &mut Pair {
        &mut self.pairs[index(from) * self.nodes + index(to)]
    }

    /// The profile of a class of links.
    pub(super) fn profile(&self, class: LinkClass) -> &LinkProfile {
        &self.profiles[class as usize]
    }

    /// The delay of the next frame on this path.
    #[inline]
    pub(super) fn delay<W: Protocol>(
        &mut self,
        path: Path,
        kind: Kind,
        agenda: &mut Agenda<W>,
    ) -> Span {
        let bucket = agenda.bucket();
        let site = path.class as usize * 2 + kind as usize;
        let nth = self.pair(path.from, path.to).tallies[site].count(bucket);
        let draw = self.delays.draw(who(path), site as u64, bucket, nth);
        let class = path.class as usize;
        let extra =
            self.hosts[index(path.from)].extra[class] + self.hosts[index(path.to)].extra[class];
        let site = Site::Delay {
            from: path.from,
            to: path.to,
            class: path.class,
            is_control: kind == Kind::Control,
        };
        let drawn = self.profiles[class].delay.sample(draw);
        agenda.settle(site, nth, drawn) + extra
    }

    /// From now on everything is drawn under another seed.
    pub(super) fn rekey(&mut self, seed: Seed) {
        self.delays = Key::derive(seed, Domain::NetDelay);
        self.resets = Key::derive(seed, Domain::NetReset);
    }

    /// A draw about the fate of connections on this path.
    pub(super) fn fate(&mut self, path: Path, bucket: u64) -> Draw {
        let class = path.class as usize;
        let nth = self.pair(path.from, path.to).tallies[6 + class].count(bucket);
        self.resets.draw(who(path), class as u64, bucket, nth)
    }

    /// Whether the next frame on this path breaks its connection.
    #[inline]
    pub(super) fn is_broken(&mut self, path: Path, bucket: u64) -> bool {
        let (from, to) = (index(path.from), index(path.to));
        if self.hosts[from].flaky.is_empty() && self.hosts[to].flaky.is_empty() {
            return false;
        }
        let mut draw = self.fate(path, bucket);
        let mut broken = false;
        for ratio in self.hosts[from].flaky.iter().chain(&self.hosts[to].flaky) {
            broken |= draw.chance(*ratio);
            draw = draw.again();
        }
        broken
    }

    /// Whether frames on this path cannot arrive: cut, or the machine at its end has no power.
    #[inline]
    pub(super) fn is_blocked(&self, path: Path) -> bool {
        self.is_cut(path) || self.is_dark(path.to)
    }

    /// Whether a path is cut.
    pub(super) fn is_cut(&self, path: Path) -> bool {
        let pair = &self.pairs[index(path.from) * self.nodes + index(path.to)];
        pair.cuts[path.class as usize] > 0
    }

    /// Whether a machine has no power.
    pub(super) fn is_dark(&self, node: NodeId) -> bool {
        self.hosts[index(node)].dark > 0
    }

    /// Whether a node exists.
    pub(super) fn exists(&self, node: NodeId) -> bool {
        (1..=self.nodes).contains(&usize::from(node.0))
    }

    /// Cuts a path or takes one cut back; returns whether it changed.
    pub(super) fn cut(&mut self, path: Path, on: bool) -> bool {
        let cuts = &mut self.pair(path.from, path.to).cuts[path.class as usize];
        count(cuts, on)
    }

    /// Takes a machine's power or gives it back; returns whether it changed.
    pub(super) fn darken(&mut self, node: NodeId, on: bool) -> bool {
        count(&mut self.hosts[index(node)].dark, on)
    }

    /// Opens or closes a port.
    pub(super) fn listen(&mut self, node: NodeId, class: LinkClass, on: bool) {
        let ports = &mut self.hosts[index(node)].ports;
        if on {
            *ports |= 1 << class as u8;
        } else {
            *ports &= !(1 << class as u8);
        }
    }

    /// Closes every port of a node.
    pub(super) fn close_ports(&mut self, node: NodeId) {
        self.hosts[index(node)].ports = 0;
    }

    /// Whether somebody listens.
    pub(super) fn is_open(&self, node: NodeId, class: LinkClass) -> bool {
        self.hosts[index(node)].ports >> class as u8 & 1 == 1
    }

    /// Makes everything to and from a node late by `extra`, or takes that back.
    pub(super) fn add_delay(
        &mut self,
        node: NodeId,
        class: Option<LinkClass>,
        extra: Span,
        on: bool,
    ) {
        for each in CLASSES {
            if class.is_none_or(|class| class == each) {
                let sum = &mut self.hosts[index(node)].extra[each as usize];
                *sum = if on { *sum + extra } else { *sum - extra };
            }
        }
    }

    /// Makes frames of a node's connections break them, or takes that back.
    pub(super) fn add_flaky(&mut self, node: NodeId, reset: Ratio, on: bool) {
        let flaky = &mut self.hosts[index(node)].flaky;
        if on {
            flaky.push(reset);
        } else if let Some(place) = flaky.iter().position(|ratio| *ratio == reset) {
            flaky.remove(place);
        }
    }
}

/// Adds or takes back one reason; returns whether there is one now and was none before, or the reverse.
fn count(reasons: &mut u16, on: bool) -> bool {
    if on {
        *reasons += 1;
        *reasons == 1
    } else {
        *reasons -= 1;
        *reasons == 0
    }
}

/// The number that stands for a directed pair in draws.
#[inline]
pub(super) fn who(path: Path) -> u64 {
    u64::from(path.from.0) << 16 | u64::from(path.to.0)
}

/// A node's place in tables.
#[inline]
pub(super) fn index(node: NodeId) -> usize {
    usize::from(node.0) - 1
}
