//! Who may read a znode: events of what a connection may not read are withheld, and its watch is spent all the same (W8;
//! semantics.md §4.2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::check::by_operation::{ByOperation, Operation};
use crate::check::by_path::ByPath;
use crate::check::evidence;
use crate::history::op::{Acl, AclEntry, ErrorCode, Path, Request, Response};

/// What an ACL means for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Everybody may read.
    Everybody,
    /// Only who has proved an identity.
    Known,
    /// That depends on more than is known here.
    Unclear,
}

/// What is known of the ACLs of znodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    /// Paths, or prefixes of sequential ones, whose ACL may hide events.
    guarded: BTreeSet<Path>,
    /// From which zxid on who may read, as acknowledged.
    told: ByPath<BTreeMap<Zxid, Readers>>,
    /// ACLs that may or may not have been set.
    unresolved: ByOperation<Vec<Path>>,
    /// Clients that have tried to prove an identity.
    known: BTreeSet<ClientId>,
}

impl Access {
    /// A client asks for something.
    pub(super) fn on_invoked(&mut self, op: Operation, request: &Request) {
        if let Request::Auth { .. } = request {
            self.known.insert(op.0);
        }
        let mut unresolved = Vec::new();
        for (path, acl) in lists(request) {
            if readers(acl) != Readers::Everybody {
                self.guarded.insert(Arc::clone(path));
            }
            unresolved.push(Arc::clone(path));
        }
        if !unresolved.is_empty() {
            self.unresolved.insert(op, unresolved);
        }
    }

    /// It was answered.
    pub(super) fn on_returned(
        &mut self,
        op: Operation,
        request: &Request,
        zxid: Option<Zxid>,
        result: Result<&Response, &ErrorCode>,
    ) {
        if result.is_err_and(|error| evidence::is_unknown(*error)) {
            return;
        }
        if lists(request).next().is_none() {
            return;
        }
        self.unresolved.remove(&op);
        let (Ok(response), Some(zxid)) = (result, zxid) else {
            return;
        };
        let parts = evidence::parts(request).iter();
        for (part, answer) in parts.zip(evidence::answers(response)) {
            for (path, acl) in lists(part) {
                let path = evidence::named(answer).unwrap_or(path);
                let told = self.told.or_default(path);
                told.insert(zxid, readers(acl));
            }
        }
    }

    /// It never left the client.
    pub(super) fn on_unsent(&mut self, op: Operation) {
        self.unresolved.remove(&op);
    }

    /// Whether an event on this path at this zxid may rightly be kept from a client.
    pub(super) fn may_hide(&self, path: &str, zxid: Zxid) -> bool {
        let prefix = evidence::sequence_prefix(path);
        let is_guarded = self.guarded.contains(path)
            || prefix.is_some_and(|prefix| self.guarded.contains(prefix));
        is_guarded && self.readers(path, zxid) != Some(Readers::Everybody)
    }

    /// Whether a client may certainly not be told of this path at this zxid.
    pub(super) fn must_hide(&self, client: ClientId, path: &str, zxid: Zxid) -> bool {
        let is_anything_hidden = !self.guarded.is_empty();
        is_anything_hidden
            && !self.known.contains(&client)
            && self.readers(path, zxid) == Some(Readers::Known)
    }

    fn readers(&self, path: &str, zxid: Zxid) -> Option<Readers> {
        let prefix = evidence::sequence_prefix(path);
        let touches = |other: &Path| **other == *path || prefix == Some(&**other);
        if self.unresolved.values().flatten().any(touches) {
            return None;
        }
        let (_, readers) = self.told.get(path)?.range(..=zxid).next_back()?;
        Some(*readers)
    }
}

/// The ACLs that a request sets.
fn lists(request: &Request) -> impl Iterator<Item = (&Path, Option<&Acl>)> {
    evidence::parts(request).iter().filter_map(|part| {
        if let Request::Create { path, acl, .. } | Request::SetAcl { path, acl, .. } = part {
            Some((path, acl.as_ref()))
        } else {
            None
        }
    })
}

/// An empty list is refused and changes nothing; so is none.
fn readers(acl: Option<&Acl>) -> Readers {
    const READ: i32 = 1;
    let Some(acl) = acl else {
        return Readers::Unclear;
    };
    let may_read = |entry: &&AclEntry| entry.perms & READ != 0;
    let mut readers = acl.iter().filter(may_read);
    if acl.is_empty() || readers.clone().any(|entry| &*entry.scheme == "world") {
        Readers::Everybody
    } else if readers.all(|entry| matches!(&*entry.scheme, "digest" | "auth")) {
        Readers::Known
    } else {
        Readers::Unclear
    }
}
