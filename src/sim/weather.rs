//! What the network does to a frame: its delay, whether its path is cut, whether it breaks the connection. Every draw is
//! keyed by directed pair, class, kind and moment.

use super::agenda::Agenda;
use super::draws::Site;
use super::fault::{Direction, Form};
use super::law::{Tally, log_between};
use super::process::{LinkClass, Name, Protocol};
use super::rough::{Fortune, Roughness, Welcome};
use super::setup::{LinkProfile, Setup};
use crate::base::id::NodeId;
use crate::base::ratio::Ratio;
use crate::base::rng::{Domain, Draw, Key, Seed, Stem};
use crate::base::time::Span;

/// The three link classes, in order.
pub(super) const CLASSES: [LinkClass; 3] =
    [LinkClass::Election, LinkClass::Quorum, LinkClass::Client];

/// How many sites of delays a path has: by class and kind.
const DELAY_SITES: usize = 6;

/// How many other sites of draws a path has: fates by class, then rough frames and connects by class.
const OTHER_SITES: usize = 9;

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
    /// Draws of delays, by site and then by directed pair: nearly all are of few sites, which lie together.
    delay_sites: Vec<DelaySite>,
    /// Occurrences of other draws, by site and directed pair.
    tallies: Vec<Tally>,
    /// Per directed pair.
    ways: Vec<Way>,
    /// How many faults do something to hosts or ways; without any nothing has to be looked for.
    troubles: u32,
    /// Whether some ways are always late.
    is_biased: bool,
    /// Per node.
    hosts: Vec<Host>,
    roughness: Key,
    /// Which classes have a rough profile, a bit each; none once all is healed.
    rough_classes: u8,
    log: Option<Vec<Drawn>>,
}

/// How many delays were drawn in this bucket, and what these draws have in common.
#[derive(Clone, Copy, Debug, Default)]
struct DelaySite {
    tally: Tally,
    stem: Stem,
}

/// One draw of a run, for comparing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drawn {
    /// The weather bucket.
    pub bucket: u64,
    /// What it decides: 0 delays, 1 fates of connections, 2 rough links, 3 stages.
    pub domain: u8,
    /// The directed pair, or the node.
    pub who: u64,
    /// Class and kind, or the stage.
    pub kind: u64,
    /// Which of its kind in this bucket.
    pub nth: u64,
    /// What was drawn.
    pub word: u64,
}

#[derive(Clone, Debug, Default)]
struct Way {
    /// How many faults cut the way, by class.
    cuts: [u16; 3],
    /// How many of them refuse connections across it, by class.
    walls: [u16; 3],
    /// What is always added to delays.
    bias: Span,
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
    /// What rough faults do to frames of a class or of all, with their index in the plan.
    rough: Vec<(Option<LinkClass>, Roughness, u32)>,
    /// Which kinds of messages choke their streams.
    mutes: Vec<(Vec<Name>, Direction)>,
}

impl Weather {
    /// Fair weather.
    pub(super) fn new(seed: Seed, setup: &Setup) -> Self {
        let nodes = usize::from(setup.nodes);
        let roughness = Key::derive(seed, Domain::NetRough);
        let mut ways = vec![Way::default(); nodes * nodes];
        for (index, way) in ways.iter_mut().enumerate() {
            let draw = roughness.draw(index as u64, 64, 0, 0);
            if draw.chance(setup.pair_bias) {
                let most = setup.pair_bias_max.0.max(1);
                way.bias = Span(log_between(draw.again(), (most / 1_000).max(1), most));
            }
        }
        Self {
            nodes,
            profiles: setup.links,
            delays: Key::derive(seed, Domain::NetDelay),
            resets: Key::derive(seed, Domain::NetReset),
            delay_sites: vec![DelaySite::default(); DELAY_SITES * nodes * nodes],
            tallies: vec![Tally::default(); OTHER_SITES * nodes * nodes],
            is_biased: ways.iter().any(|way| way.bias > Span::ZERO),
            ways,
            troubles: 0,
            hosts: vec![Host::default(); nodes],
            roughness,
            rough_classes: CLASSES
                .into_iter()
                .filter(|class| !setup.link(*class).rough.is_none())
                .fold(0, |mask, class| mask | 1 << class as u8),
            log: None,
        }
    }

    /// Starts to keep every draw.
    pub(super) fn start_log(&mut self) {
        self.log = Some(Vec::new());
    }

    /// The draws kept.
    pub(super) fn log(&self) -> &[Drawn] {
        self.log.as_deref().unwrap_or_default()
    }

    /// Keeps a draw, if anybody asked for that.
    pub(super) fn keep(&mut self, domain: u8, who: u64, kind: u64, at: (u64, u64), draw: Draw) {
        if let Some(log) = &mut self.log {
            log.push(Drawn {
                bucket: at.0,
                domain,
                who,
                kind,
                nth: at.1,
                word: draw.word(),
            });
        }
    }

    #[inline]
    fn place(&self, from: NodeId, to: NodeId) -> usize {
        index(from) * self.nodes + index(to)
    }

    /// How many draws of a site there have been on a path in this bucket.
    fn count(&mut self, path: Path, site: usize, bucket: u64) -> u64 {
        debug_assert!(site < OTHER_SITES, "a site of draws");
        let place = site * self.ways.len() + self.place(path.from, path.to);
        self.tallies[place].count(bucket)
    }

    /// A fault does something to a host or a way, or takes it back.
    fn trouble(&mut self, on: bool) {
        self.troubles = if on {
            self.troubles + 1
        } else {
            self.troubles - 1
        };
    }

    /// Whether no fault does anything to any host or way, and no links are rough.
    #[inline]
    pub(super) fn is_fair(&self) -> bool {
        self.troubles == 0 && self.rough_classes == 0
    }

    /// Whether a message that is sent on a path meets nothing but its delay.
    #[inline]
    pub(super) fn is_plain(&self, path: Path) -> bool {
        self.is_fair() || self.is_plain_amid_faults(path)
    }

    /// The same where faults or rough links are, though perhaps elsewhere.
    #[inline(never)]
    fn is_plain_amid_faults(&self, path: Path) -> bool {
        self.is_smooth(path) && !self.is_flaky(path)
    }

    /// Whether a message arrives at the end of a path and nobody stops it.
    #[inline]
    pub(super) fn lets_in(&self, path: Path) -> bool {
        self.troubles == 0 || self.lets_in_amid_faults(path)
    }

    /// The same where faults are, though perhaps elsewhere.
    #[inline(never)]
    fn lets_in_amid_faults(&self, path: Path) -> bool {
        !self.is_blocked(path) && !self.has_mutes(path)
    }

    /// Whether a fault breaks some connections of a path when something is sent.
    fn is_flaky(&self, path: Path) -> bool {
        let is_flaky = |node| !self.hosts[index(node)].flaky.is_empty();
        self.troubles > 0 && (is_flaky(path.from) || is_flaky(path.to))
    }

    /// The profile of a class of links.
    pub(super) fn profile(&self, class: LinkClass) -> &LinkProfile {
        &self.profiles[class as usize]
    }

    /// The delay of the next frame on this path.
    #[expect(
        clippy::inline_always,
        reason = "one call is made for nearly every event: 2 % of the kernel's instructions"
    )]
    #[inline(always)]
    pub(super) fn delay<W: Protocol>(
        &mut self,
        path: Path,
        kind: Kind,
        agenda: &mut Agenda<W>,
    ) -> Span {
        let bucket = agenda.bucket();
        let site = path.class as usize * 2 + kind as usize;
        let place = site * self.ways.len() + self.place(path.from, path.to);
        let found = &mut self.delay_sites[place];
        let nth = found.tally.count(bucket);
        if nth == 0 {
            found.stem = self.delays.stem(who(path), site as u64, bucket);
        }
        let draw = found.stem.draw(nth);
        let mut delay = self.profiles[path.class as usize].delay.sample(draw);
        if self.log.is_some() || agenda.minds_draws() {
            self.keep(0, who(path), site as u64, (bucket, nth), draw);
            let site = Site::Delay {
                from: path.from,
                to: path.to,
                class: path.class,
                is_control: kind == Kind::Control,
            };
            delay = agenda.settle(site, nth, delay);
        }
        delay + self.lateness(path)
    }

    /// What is added to every delay on this path.
    #[inline]
    fn lateness(&self, path: Path) -> Span {
        let mut late = Span::ZERO;
        if self.is_biased {
            late = late + self.ways[self.place(path.from, path.to)].bias;
        }
        if self.troubles > 0 {
            for node in [path.from, path.to] {
                late = late + self.hosts[index(node)].extra[path.class as usize];
            }
        }
        late
    }

    /// From now on everything is drawn under another seed.
    pub(super) fn rekey(&mut self, seed: Seed) {
        self.delays = Key::derive(seed, Domain::NetDelay);
        self.draw_stems();
        self.resets = Key::derive(seed, Domain::NetReset);
        self.roughness = Key::derive(seed, Domain::NetRough);
    }

    /// Delays that are drawn in buckets begun already are drawn under the present key, too.
    fn draw_stems(&mut self) {
        let pairs = self.ways.len();
        for (index, found) in self.delay_sites.iter_mut().enumerate() {
            let (site, pair) = (index / pairs, index % pairs);
            let who = who_of(pair / self.nodes + 1, pair % self.nodes + 1);
            found.stem = self.delays.stem(who, site as u64, found.tally.bucket());
        }
    }

    /// A draw about the fate of connections on this path.
    pub(super) fn fate(&mut self, path: Path, bucket: u64) -> Draw {
        let class = path.class as usize;
        let nth = self.count(path, class, bucket);
        let draw = self.resets.draw(who(path), class as u64, bucket, nth);
        self.keep(1, who(path), class as u64, (bucket, nth), draw);
        draw
    }

    /// Everything that makes a path rough, the profile of its links first; with the plan's index where a fault does.
    fn roughs(&self, path: Path) -> Vec<(Roughness, Option<u32>)> {
        let mut roughs = Vec::new();
        if self.rough_classes >> path.class as u8 & 1 == 1 {
            roughs.push((self.profiles[path.class as usize].rough, None));
        }
        for node in [path.from, path.to] {
            for (class, rough, by) in &self.hosts[index(node)].rough {
                if class.is_none_or(|class| class == path.class) {
                    roughs.push((*rough, Some(*by)));
                }
            }
        }
        roughs
    }

    /// Whether nothing makes a path rough.
    #[inline]
    pub(super) fn is_smooth(&self, path: Path) -> bool {
        self.is_fair()
            || self.rough_classes >> path.class as u8 & 1 == 0
                && self.hosts[index(path.from)].rough.is_empty()
                && self.hosts[index(path.to)].rough.is_empty()
    }

    fn rough_draw(&mut self, path: Path, part: usize, bucket: u64) -> Draw {
        let site = part * 3 + path.class as usize;
        let nth = self.count(path, 3 + site, bucket);
        let draw = self.roughness.draw(who(path), site as u64, bucket, nth);
        self.keep(2, who(path), site as u64, (bucket, nth), draw);
        draw
    }

    /// What becomes of the next frame on this path, and by whose doing.
    #[inline]
    pub(super) fn fortune(&mut self, path: Path, bucket: u64) -> (Fortune, Option<u32>) {
        if self.is_smooth(path) {
            return (Fortune::Goes(Span::ZERO), None);
        }
        let mut draw = self.rough_draw(path, 0, bucket);
        let mut late = Span::ZERO;
        for (rough, by) in self.roughs(path) {
            let fortune = rough.fortune(draw);
            let Fortune::Goes(more) = fortune else {
                return (fortune, by);
            };
            late = late + more;
            draw = draw.again();
        }
        (Fortune::Goes(late), None)
    }

    /// What becomes of the next connect on this path.
    pub(super) fn welcome(&mut self, path: Path, bucket: u64) -> Welcome {
        if self.is_walled(path) {
            return Welcome::Refused;
        }
        if self.is_smooth(path) {
            return Welcome::Normal;
        }
        let mut draw = self.rough_draw(path, 1, bucket);
        for (rough, _) in self.roughs(path) {
            let welcome = rough.welcome(draw);
            if welcome != Welcome::Normal {
                return welcome;
            }
            draw = draw.again();
        }
        Welcome::Normal
    }

    /// The narrowest bandwidth on a path, in bytes per second, and how many bytes may queue for it.
    #[inline]
    pub(super) fn bandwidth(&self, path: Path) -> Option<(u64, u64)> {
        if self.is_smooth(path) {
            return None;
        }
        self.roughs(path)
            .into_iter()
            .filter(|(rough, _)| rough.bandwidth > 0)
            .map(|(rough, _)| (rough.bandwidth, rough.queue_bytes))
            .min()
    }

    /// Links are not rough any more.
    pub(super) fn calm(&mut self) {
        self.rough_classes = 0;
    }

    /// Makes links of a node rough, or takes that back.
    pub(super) fn add_rough(
        &mut self,
        node: NodeId,
        class: Option<LinkClass>,
        rough: Roughness,
        by: u32,
        on: bool,
    ) {
        let roughs = &mut self.hosts[index(node)].rough;
        if on {
            roughs.push((class, rough, by));
        } else if let Some(place) = roughs.iter().position(|(_, _, fault)| *fault == by) {
            roughs.remove(place);
        } else {
            return;
        }
        self.trouble(on);
    }

    /// Lets messages of these kinds choke a node's streams, or takes that back.
    pub(super) fn add_mute(
        &mut self,
        node: NodeId,
        kinds: &[Name],
        direction: Direction,
        on: bool,
    ) {
        let mutes = &mut self.hosts[index(node)].mutes;
        let mute = (kinds.to_vec(), direction);
        if on {
            mutes.push(mute);
        } else if let Some(place) = mutes.iter().position(|other| *other == mute) {
            mutes.remove(place);
        } else {
            return;
        }
        self.trouble(on);
    }

    /// Whether any message chokes anything on this path.
    #[inline]
    pub(super) fn has_mutes(&self, path: Path) -> bool {
        self.troubles > 0
            && (!self.hosts[index(path.from)].mutes.is_empty()
                || !self.hosts[index(path.to)].mutes.is_empty())
    }

    /// Whether a message of this kind chokes its stream on this path.
    pub(super) fn is_mute(&self, path: Path, kind: &str) -> bool {
        let is_in = |node: NodeId, not: Direction| {
            self.hosts[index(node)]
                .mutes
                .iter()
                .any(|(kinds, way)| *way != not && kinds.iter().any(|name| **name == *kind))
        };
        is_in(path.from, Direction::In) || is_in(path.to, Direction::Out)
    }

    /// Whether connects across a path are refused.
    pub(super) fn is_walled(&self, path: Path) -> bool {
        let (from, to) = (index(path.from), index(path.to));
        let class = path.class as usize;
        self.ways[from * self.nodes + to].walls[class] > 0
            || self.ways[to * self.nodes + from].walls[class] > 0
    }

    /// Whether the next frame on this path breaks its connection.
    #[inline]
    pub(super) fn is_broken(&mut self, path: Path, bucket: u64) -> bool {
        if !self.is_flaky(path) {
            return false;
        }
        let (from, to) = (index(path.from), index(path.to));
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
        self.troubles > 0 && (self.is_cut(path) || self.is_dark(path.to))
    }

    /// Whether a path is cut.
    pub(super) fn is_cut(&self, path: Path) -> bool {
        let way = &self.ways[self.place(path.from, path.to)];
        way.cuts[path.class as usize] > 0
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
    pub(super) fn cut(&mut self, path: Path, form: Form, on: bool) -> bool {
        self.trouble(on);
        let place = self.place(path.from, path.to);
        let way = &mut self.ways[place];
        if form == Form::Reset {
            count(&mut way.walls[path.class as usize], on);
        }
        count(&mut way.cuts[path.class as usize], on)
    }

    /// Takes a machine's power or gives it back; returns whether it changed.
    pub(super) fn darken(&mut self, node: NodeId, on: bool) -> bool {
        self.trouble(on);
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
        self.trouble(on);
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
        } else {
            return;
        }
        self.trouble(on);
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
    who_of(usize::from(path.from.0), usize::from(path.to.0))
}

#[inline]
fn who_of(from: usize, to: usize) -> u64 {
    (from << 16 | to) as u64
}

/// A node's place in tables.
#[inline]
pub(super) fn index(node: NodeId) -> usize {
    usize::from(node.0) - 1
}

#[cfg(test)]
mod tests;
