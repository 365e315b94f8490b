//! One znode: data, list, kind, stored status, names of its children (`DataNode`, semantics.md §1).

use imbl::OrdSet;

use crate::base::digest::{Digest, mix};
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::op::{Acl, Data, Path, Stat};

/// What becomes of a znode in the end (`EphemeralType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It stays until somebody deletes it.
    Persistent,
    /// It goes with its session and has no children.
    Ephemeral(SessionId),
    /// The reaper deletes it once it has lost its last child.
    Container,
    /// The reaper deletes it when it is childless and has not been set for this many milliseconds.
    Ttl(u64),
}

impl Kind {
    /// The owning session of an ephemeral.
    pub fn owner(self) -> Option<SessionId> {
        match self {
            Self::Ephemeral(session) => Some(session),
            Self::Persistent | Self::Container | Self::Ttl(_) => None,
        }
    }

    /// How a create of this kind is rendered.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Persistent => "",
            Self::Ephemeral(_) => " ephemeral",
            Self::Container => " container",
            Self::Ttl(_) => " ttl",
        }
    }
}

/// The status as it is stored; clients see [`Znode::stat`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Created by.
    pub czxid: Zxid,
    /// Data last set by.
    pub mzxid: Zxid,
    /// A direct child last created or deleted by.
    pub pzxid: Zxid,
    /// Creation time.
    pub ctime: u64,
    /// Time of the last setData.
    pub mtime: u64,
    /// Number of setData.
    pub version: i32,
    /// Number of child creates ever: deletes do not count (semantics.md §0.1).
    pub cversion: i32,
    /// Number of setACL.
    pub aversion: i32,
}

/// One znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znode {
    /// Its data.
    pub data: Data,
    /// Its list.
    pub acl: Acl,
    /// What becomes of it.
    pub kind: Kind,
    /// Its status.
    pub stored: Stored,
    /// Names of its children.
    pub children: OrdSet<Path>,
    /// Digest of path, data, list and kind, kept so that a change of the status costs no hashing of data.
    content: u64,
}

impl Znode {
    /// A znode as created by `zxid` at `time_ms`.
    pub fn new(path: &str, data: Data, acl: Acl, kind: Kind, zxid: Zxid, time_ms: u64) -> Self {
        let stored = Stored {
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            ctime: time_ms,
            mtime: time_ms,
            ..Stored::default()
        };
        let mut znode = Self {
            data,
            acl,
            kind,
            stored,
            children: OrdSet::new(),
            content: 0,
        };
        znode.reseal(path);
        znode
    }

    /// Takes note that data or list have changed.
    pub fn reseal(&mut self, path: &str) {
        self.content = Digest::of(&(path, &self.data, &self.acl, self.kind));
    }

    /// What this znode adds to the digest of its tree.
    pub fn digest(&self) -> u64 {
        mix(self.content ^ Digest::of(&self.stored))
    }

    /// The status as clients see it.
    pub fn stat(&self) -> Stat {
        let stored = &self.stored;
        Stat {
            czxid: stored.czxid,
            mzxid: stored.mzxid,
            pzxid: stored.pzxid,
            ctime: stored.ctime,
            mtime: stored.mtime,
            version: stored.version,
            cversion: shown_cversion(stored.cversion, self.children.len()),
            aversion: stored.aversion,
            owner: self.kind.owner().map_or(0, |session| session.0),
            data_length: count(self.length()),
            children: count(self.children.len()),
        }
    }

    /// Bytes of data.
    pub fn length(&self) -> usize {
        self.data.as_ref().map_or(0, |data| data.len())
    }
}

/// The cversion that clients see: creates and deletes of children (semantics.md §0.1).
pub(super) fn shown_cversion(stored: i32, children: usize) -> i32 {
    stored.wrapping_mul(2).wrapping_sub(count(children))
}

/// A count as the wire carries it.
pub(super) fn count(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
