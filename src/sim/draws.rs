//! Single draws by name: what a frame's delay or a disk operation's latency was, and exceptions that replace it.
//!
//! The weather decides such a span by its key (whose, of which kind, in which 50 ms, the how manieth). A setup may carry
//! exceptions for single keys or whole ranges of them; everything else stays as drawn. A world that is told to keeps a
//! log of what was asked for.

use std::collections::BTreeMap;

use super::process::LinkClass;
use crate::base::id::NodeId;
use crate::base::time::Span;

/// What a draw decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// How long a frame travels.
    Delay {
        /// From this node.
        from: NodeId,
        /// To this one.
        to: NodeId,
        /// On a link of this class.
        class: LinkClass,
        /// Whether it is a handshake or an end, and not a message.
        is_control: bool,
    },
    /// How long a disk operation takes.
    Disk {
        /// Whose disk.
        node: NodeId,
        /// Which operation.
        op: DiskOp,
    },
}

/// The kinds of disk operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskOp {
    /// Force of the log.
    Sync,
    /// Replacement of a small file.
    Store,
    /// The durable switch.
    Install,
    /// A snapshot.
    Snapshot,
}

impl DiskOp {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Sync, Self::Store, Self::Install, Self::Snapshot];
}

/// One draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DrawKey {
    /// What it decides.
    pub site: Site,
    /// In which 50 ms of the run.
    pub bucket: u64,
    /// The how manieth of its site there, from 0.
    pub nth: u64,
}

/// Which draws an exception is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// This one.
    One(DrawKey),
    /// All of a site, the single ones aside.
    All(Site),
}

/// What some draws come out as instead. Single draws win over whole sites.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exceptions(BTreeMap<Which, Span>);

impl Exceptions {
    /// Whether every draw comes out as drawn.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What this draw comes out as, if not as drawn.
    pub fn get(&self, key: DrawKey) -> Option<Span> {
        let single = self.0.get(&Which::One(key));
        single
            .or_else(|| self.0.get(&Which::All(key.site)))
            .copied()
    }
}

impl FromIterator<(Which, Span)> for Exceptions {
    fn from_iter<I: IntoIterator<Item = (Which, Span)>>(exceptions: I) -> Self {
        Self(exceptions.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_draw_wins_over_its_site_and_others_stay_as_drawn() {
        let site = |node| Site::Disk {
            node: NodeId(node),
            op: DiskOp::Sync,
        };
        let key = |node, nth| DrawKey {
            site: site(node),
            bucket: 7,
            nth,
        };
        let exceptions: Exceptions = [
            (Which::All(site(1)), Span::from_us(5)),
            (Which::One(key(1, 2)), Span::from_ms(9)),
        ]
        .into_iter()
        .collect();
        assert_eq!(exceptions.get(key(1, 1)), Some(Span::from_us(5)));
        assert_eq!(exceptions.get(key(1, 2)), Some(Span::from_ms(9)));
        assert_eq!(exceptions.get(key(2, 2)), None);
    }
}
