//! The leader's validation (`PrepRequestProcessor`, semantics.md §2): turns a request into a transaction that says what
//! will happen, seeing every earlier accepted write although it is not applied yet.
//!
//! Whether the session lives and belongs to the asking server is checked before, by the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::acl::{Identities, demand, perms, resolve};
use super::outstanding::{Outstanding, Pending, View};
use super::path;
use super::quota::{self, Growth};
use super::rules::{
    AnyVersion, ContainerFlag, DeleteOrder, EphemeralParent, ExtendedTypes, MultiRule, NextVersion,
    NonEmpty, PrepRules, QuotaOrder, QuotaRule, Rollback, SeenChanges, SetDataRule, SuffixCounts,
    WithinMulti,
};
use super::store::Tree;
use super::txn::{Body, Txn};
use super::znode::{Kind, shown_cversion};
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::op::{Acl, CreateOp, Data, ErrorCode, Path, Request, flags};

/// The largest legal ttl: 40 bits (`EphemeralType.TTL`).
const TTL_MAX: i64 = (1 << 40) - 1;

/// The preparing stage's state: what is prepared and not yet applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Prep {
    /// Its choices.
    pub rules: PrepRules,
    outstanding: Outstanding,
}

impl Prep {
    /// Nothing is outstanding.
    pub fn new() -> Self {
        Self::default()
    }

    /// Validates a write and remembers its effects; a failed one becomes a transaction too. What is no write is
    /// refused as `Unimplemented`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one each of what a leader knows of a request; a struct would be built for this call only"
    )]
    pub fn prepare(
        &mut self,
        tree: &Tree,
        zxid: Zxid,
        session: SessionId,
        cxid: i32,
        time_ms: u64,
        request: &Request,
        identities: &Identities,
    ) -> Arc<Txn> {
        let mut attempt = Attempt {
            rules: self.rules,
            session,
            identities,
            view: self.view(tree),
        };
        let body = attempt.any(request);
        let staged = attempt.view.staged;
        let body = match body {
            Ok(body) => {
                self.outstanding.add(zxid, staged);
                body
            }
            Err(Failure::Whole(code)) => Body::Error(code),
            Err(Failure::Multi(codes)) => {
                self.roll_back(request);
                Body::MultiFailed(codes)
            }
        };
        Txn::new(zxid, session, cxid, time_ms, body)
    }

    /// createSession.
    pub fn open_session(
        &mut self,
        zxid: Zxid,
        session: SessionId,
        timeout_ms: u32,
        time_ms: u64,
    ) -> Arc<Txn> {
        Txn::new(zxid, session, 0, time_ms, Body::OpenSession { timeout_ms })
    }

    /// closeSession, asked for or by expiry.
    pub fn close_session(
        &mut self,
        tree: &Tree,
        zxid: Zxid,
        session: SessionId,
        cxid: i32,
        time_ms: u64,
    ) -> Arc<Txn> {
        let mut view = self.view(tree);
        let body = close_session(&mut view, session);
        let staged = view.staged;
        self.outstanding.add(zxid, staged);
        Txn::new(zxid, session, cxid, time_ms, body)
    }

    /// A write that fails for a reason found elsewhere, such as `SessionMoved`.
    pub fn refuse(
        &mut self,
        zxid: Zxid,
        session: SessionId,
        cxid: i32,
        time_ms: u64,
        code: ErrorCode,
    ) -> Arc<Txn> {
        Txn::new(zxid, session, cxid, time_ms, Body::Error(code))
    }

    /// Everything up to this transaction has been applied.
    pub fn applied(&mut self, zxid: Zxid) {
        self.outstanding.forget(zxid);
    }

    /// The leader's role ended: nothing is outstanding any more.
    pub fn clear(&mut self) {
        self.outstanding = Outstanding::default();
    }

    fn view<'a>(&'a self, tree: &'a Tree) -> View<'a> {
        let outstanding = match self.rules.seen {
            SeenChanges::Prepared => Some(&self.outstanding),
            SeenChanges::Applied => None,
        };
        View {
            tree,
            outstanding,
            staged: BTreeMap::new(),
        }
    }

    /// A multi has failed: its own effects were never laid over, so nothing need be taken back.
    fn roll_back(&mut self, request: &Request) {
        match self.rules.rollback {
            Rollback::Exact => {}
            Rollback::ForgetsParents => {
                let Request::Multi(requests) = request else {
                    return;
                };
                for request in requests {
                    if let Request::Create { path, .. } | Request::Delete { path, .. } = request {
                        self.outstanding.forget_path(path::split(path).0);
                    }
                }
            }
        }
    }
}

/// How a request fails.
enum Failure {
    /// With one code.
    Whole(ErrorCode),
    /// A multi, with a code for each operation.
    Multi(Vec<ErrorCode>),
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Whole(code)
    }
}

/// One request being validated. The order of the checks in each method is the order of semantics.md §2.1.
struct Attempt<'a> {
    rules: PrepRules,
    session: SessionId,
    identities: &'a Identities,
    view: View<'a>,
}

impl Attempt<'_> {
    fn any(&mut self, request: &Request) -> Result<Body, Failure> {
        match request {
            Request::Create { .. }
            | Request::Delete { .. }
            | Request::SetData { .. }
            | Request::DeleteContainer { .. }
            | Request::SetAcl { .. } => Ok(self.one(request)?),
            Request::Multi(requests) => self.multi(requests),
            Request::CloseSession => Ok(close_session(&mut self.view, self.session)),
            // createSession and multi with an empty body: they take a zxid before they are decoded (semantics.md §0.22).
            Request::Raw { opcode: -10 | 14 } => Err(ErrorCode::MarshallingError.into()),
            Request::Exists { .. }
            | Request::GetData { .. }
            | Request::GetChildren { .. }
            | Request::GetAllChildrenNumber { .. }
            | Request::GetEphemerals { .. }
            | Request::GetAcl { .. }
            | Request::Check { .. }
            | Request::Sync { .. }
            | Request::MultiRead(_)
            | Request::WhoAmI
            | Request::AddWatch { .. }
            | Request::CheckWatches { .. }
            | Request::RemoveWatches { .. }
            | Request::SetWatches(_)
            | Request::Auth { .. }
            | Request::Raw { .. } => Err(ErrorCode::Unimplemented.into()),
        }
    }

    fn multi(&mut self, requests: &[Request]) -> Result<Body, Failure> {
        let legal = |request: &Request| {
            matches!(
                request,
                Request::Create { .. }
                    | Request::Delete { .. }
                    | Request::SetData { .. }
                    | Request::Check { .. }
            )
        };
        if !requests.iter().all(legal) {
            return Err(ErrorCode::MarshallingError.into());
        }
        let mut bodies = Vec::with_capacity(requests.len());
        for request in requests {
            match self.part(request) {
                Ok(body) => bodies.push(body),
                Err(code) => return self.fail_multi(bodies, code, requests.len()),
            }
        }
        Ok(Body::Multi(bodies))
    }

    /// One operation of a multi.
    fn part(&mut self, request: &Request) -> Result<Body, ErrorCode> {
        match self.rules.within_multi {
            WithinMulti::OwnToo => self.one(request),
            WithinMulti::EarlierOnly => {
                let before = std::mem::take(&mut self.view.staged);
                let body = self.one(request);
                let own = std::mem::replace(&mut self.view.staged, before);
                self.view.staged.extend(own);
                body
            }
        }
    }

    /// A multi of `count` operations of which the one after those prepared fails.
    fn fail_multi(
        &self,
        mut prepared: Vec<Body>,
        code: ErrorCode,
        count: usize,
    ) -> Result<Body, Failure> {
        let later = ErrorCode::RuntimeInconsistency;
        let mut codes = vec![ErrorCode::Ok; prepared.len()];
        codes.push(code);
        match self.rules.multi {
            MultiRule::AllOrNothing => codes.resize(count, later),
            MultiRule::AllBlamed => codes.resize(count, code),
            MultiRule::DoneSoFar => {
                prepared.push(Body::Error(code));
                prepared.resize(count, Body::Error(later));
                return Ok(Body::Multi(prepared));
            }
        }
        Err(Failure::Multi(codes))
    }

    /// A single write, alone or inside a multi.
    fn one(&mut self, request: &Request) -> Result<Body, ErrorCode> {
        match request {
            Request::Create {
                op,
                path,
                data,
                acl,
                flags,
                ttl,
            } => {
                let mode = Mode::read(*op, *flags, *ttl, self.rules.extended_types)?;
                self.create(*op, mode, path, data, acl.as_ref())
            }
            Request::Delete { path, version } => self.delete(path, *version),
            Request::DeleteContainer { path } => self.delete_container(path),
            Request::SetData {
                path,
                data,
                version,
            } => self.set_data(path, data, *version),
            Request::SetAcl { path, acl, version } => self.set_acl(path, acl.as_ref(), *version),
            Request::Check { path, version } => self.check(path, *version),
            Request::Exists { .. }
            | Request::GetData { .. }
            | Request::GetChildren { .. }
            | Request::GetAllChildrenNumber { .. }
            | Request::GetEphemerals { .. }
            | Request::GetAcl { .. }
            | Request::Sync { .. }
            | Request::Multi(_)
            | Request::MultiRead(_)
            | Request::WhoAmI
            | Request::AddWatch { .. }
            | Request::CheckWatches { .. }
            | Request::RemoveWatches { .. }
            | Request::SetWatches(_)
            | Request::Auth { .. }
            | Request::CloseSession
            | Request::Raw { .. } => Err(ErrorCode::Unimplemented),
        }
    }

    fn create(
        &mut self,
        op: CreateOp,
        mode: Mode,
        asked: &Path,
        data: &Data,
        acl: Option<&Acl>,
    ) -> Result<Body, ErrorCode> {
        let parent_path = path::parent_checked(asked)?;
        let acl = resolve(acl, self.identities)?;
        let mut parent = self.view.find(parent_path)?;
        demand(&parent.acl, self.identities, perms::CREATE)?;
        let path = match mode.suffix {
            Suffix::None => asked.clone(),
            Suffix::Sequence => Path::from(format!("{asked}{:010}", self.suffix(&parent))),
        };
        path::validate(&path)?;
        if self.view.find(&path).is_ok() {
            return Err(ErrorCode::NodeExists);
        }
        if parent.kind.owner().is_some() {
            match self.rules.ephemeral_parent {
                EphemeralParent::Refused => return Err(ErrorCode::NoChildrenForEphemerals),
                EphemeralParent::Allowed => {}
            }
        }
        let bytes = data.as_ref().map_or(0, |data| data.len());
        self.check_quota(&path, Growth::Create { bytes })?;
        parent.cversion = parent.cversion.wrapping_add(1);
        parent.children += 1;
        let parent_cversion = parent.cversion;
        self.view.stage(parent);
        self.view.stage(Pending {
            path: path.clone(),
            version: 0,
            cversion: 0,
            aversion: 0,
            kind: mode.believed(self.session),
            children: 0,
            acl: acl.clone(),
            length: bytes,
        });
        Ok(Body::Create {
            op,
            path,
            data: data.clone(),
            acl,
            kind: mode.kind(op, self.session, self.rules.container_flag),
            parent_cversion,
        })
    }

    fn delete(&mut self, path: &Path, version: i32) -> Result<Body, ErrorCode> {
        let parent_path = deletable(path)?;
        let parent = self.view.find(parent_path)?;
        demand(&parent.acl, self.identities, perms::DELETE)?;
        let node = self.view.find(path)?;
        let is_compared = match self.rules.delete {
            DeleteOrder::Version => true,
            DeleteOrder::Children => node.children == 0,
        };
        if is_compared {
            self.compare(version, node.version)?;
        }
        self.remove(parent, node)?;
        Ok(Body::Delete { path: path.clone() })
    }

    fn delete_container(&mut self, path: &Path) -> Result<Body, ErrorCode> {
        let parent_path = deletable(path)?;
        let parent = self.view.find(parent_path)?;
        let node = self.view.find(path)?;
        if node.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        if node.kind.owner().is_some() {
            return Err(ErrorCode::BadVersion);
        }
        self.remove(parent, node)?;
        Ok(Body::DeleteContainer { path: path.clone() })
    }

    fn remove(&mut self, mut parent: Pending, node: Pending) -> Result<(), ErrorCode> {
        if node.children > 0 {
            match self.rules.non_empty {
                NonEmpty::Refused => return Err(ErrorCode::NotEmpty),
                NonEmpty::Deleted => {}
            }
        }
        parent.children = parent.children.saturating_sub(1);
        self.view.stage(parent);
        self.view.stage_gone(node.path);
        Ok(())
    }

    fn set_data(&mut self, path: &Path, data: &Data, version: i32) -> Result<Body, ErrorCode> {
        path::validate(path)?;
        let mut node = self.view.find(path)?;
        demand(&node.acl, self.identities, perms::WRITE)?;
        let before = node.length;
        let after = data.as_ref().map_or(0, |data| data.len());
        let growth = Growth::SetData { before, after };
        match self.rules.quota_order {
            QuotaOrder::BeforeVersion => {
                self.check_quota(path, growth)?;
                self.compare_data(version, node.version)?;
            }
            QuotaOrder::AfterVersion => {
                self.compare_data(version, node.version)?;
                self.check_quota(path, growth)?;
            }
        }
        node.length = after;
        node.version = self.next_version(node.version);
        let version = node.version;
        self.view.stage(node);
        Ok(Body::SetData {
            path: path.clone(),
            data: data.clone(),
            version,
        })
    }

    fn set_acl(&mut self, path: &Path, acl: Option<&Acl>, version: i32) -> Result<Body, ErrorCode> {
        path::validate(path)?;
        let acl = resolve(acl, self.identities)?;
        let mut node = self.view.find(path)?;
        demand(&node.acl, self.identities, perms::ADMIN)?;
        self.compare(version, node.aversion)?;
        node.aversion = self.next_version(node.aversion);
        node.acl.clone_from(&acl);
        let version = node.aversion;
        self.view.stage(node);
        Ok(Body::SetAcl {
            path: path.clone(),
            acl,
            version,
        })
    }

    fn check(&mut self, path: &Path, version: i32) -> Result<Body, ErrorCode> {
        path::validate(path)?;
        let node = self.view.find(path)?;
        demand(&node.acl, self.identities, perms::READ)?;
        self.compare(version, node.version)?;
        Ok(Body::Check {
            path: path.clone(),
            version: node.version,
        })
    }

    /// The number that a sequential child gets.
    fn suffix(&self, parent: &Pending) -> i32 {
        match self.rules.suffix {
            SuffixCounts::Creates => parent.cversion,
            SuffixCounts::CreatesAndDeletes => shown_cversion(parent.cversion, parent.children),
            SuffixCounts::Children => i32::try_from(parent.children).unwrap_or(i32::MAX),
        }
    }

    fn compare_data(&self, expected: i32, version: i32) -> Result<(), ErrorCode> {
        match self.rules.set_data {
            SetDataRule::ComparesVersion => self.compare(expected, version),
            SetDataRule::IgnoresVersion => Ok(()),
        }
    }

    /// -1 matches any version; anything else must be equal.
    fn compare(&self, expected: i32, version: i32) -> Result<(), ErrorCode> {
        let is_any = match self.rules.any_version {
            AnyVersion::MinusOne => expected == -1,
            AnyVersion::Negative => expected < 0,
        };
        if is_any || expected == version {
            Ok(())
        } else {
            Err(ErrorCode::BadVersion)
        }
    }

    fn next_version(&self, version: i32) -> i32 {
        match (self.rules.next_version, version.wrapping_add(1)) {
            (NextVersion::Zero, -1) => 0,
            (NextVersion::Zero | NextVersion::MinusOne, next) => next,
        }
    }

    fn check_quota(&self, path: &str, growth: Growth) -> Result<(), ErrorCode> {
        match self.rules.quota {
            QuotaRule::Lenient => Ok(()),
            QuotaRule::Enforced => quota::check(self.view.tree, path, growth),
        }
    }
}

/// Whether a create appends a sequence number.
#[derive(Clone, Copy)]
enum Suffix {
    None,
    Sequence,
}

/// What the flags of a create say (`CreateMode`).
#[derive(Clone, Copy)]
struct Mode {
    fate: Fate,
    suffix: Suffix,
}

/// What becomes of the node, according to the flags alone.
#[derive(Clone, Copy)]
enum Fate {
    Persistent,
    Ephemeral,
    Container,
    Ttl(u64),
}

impl Mode {
    /// Reads flags and ttl; they are checked before anything else.
    fn read(
        op: CreateOp,
        number: i32,
        ttl: i64,
        extended: ExtendedTypes,
    ) -> Result<Self, ErrorCode> {
        let suffix = match number {
            flags::SEQUENTIAL | flags::EPHEMERAL_SEQUENTIAL | flags::SEQUENTIAL_TTL => {
                Suffix::Sequence
            }
            _ => Suffix::None,
        };
        let has_ttl = matches!(number, flags::TTL | flags::SEQUENTIAL_TTL);
        if !(flags::PERSISTENT..=flags::SEQUENTIAL_TTL).contains(&number) {
            return Err(ErrorCode::BadArguments);
        }
        if has_ttl && extended == ExtendedTypes::Disabled {
            return Err(ErrorCode::Unimplemented);
        }
        let ttl = match op {
            CreateOp::Ttl => ttl,
            // The other requests have no such field.
            CreateOp::Create | CreateOp::Create2 | CreateOp::Container => -1,
        };
        let fate = match (has_ttl, ttl) {
            (true, 1..=TTL_MAX) => Fate::Ttl(ttl.unsigned_abs()),
            (true, _) | (false, 0..) => return Err(ErrorCode::BadArguments),
            // ZooKeeper accepts this one, logs it and dies of applying it (semantics.md §0.9).
            (false, _) if op == CreateOp::Ttl => return Err(ErrorCode::BadArguments),
            (false, _) => match number {
                flags::EPHEMERAL | flags::EPHEMERAL_SEQUENTIAL => Fate::Ephemeral,
                flags::CONTAINER => Fate::Container,
                _ => Fate::Persistent,
            },
        };
        Ok(Self { fate, suffix })
    }

    /// What the preparing thread takes the node for while it is in flight: it believes the flags (semantics.md §0.8).
    fn believed(self, session: SessionId) -> Kind {
        match self.fate {
            Fate::Persistent => Kind::Persistent,
            Fate::Ephemeral => Kind::Ephemeral(session),
            Fate::Container => Kind::Container,
            Fate::Ttl(ttl_ms) => Kind::Ttl(ttl_ms),
        }
    }

    /// What the node becomes: only createContainer makes containers, and it makes nothing else (semantics.md §0.8).
    fn kind(self, op: CreateOp, session: SessionId, rule: ContainerFlag) -> Kind {
        match (op, self.fate) {
            (CreateOp::Container, _) => Kind::Container,
            (CreateOp::Create | CreateOp::Create2 | CreateOp::Ttl, Fate::Container) => match rule {
                ContainerFlag::OfCreateContainer => Kind::Persistent,
                ContainerFlag::OfEveryCreate => Kind::Container,
            },
            (CreateOp::Create | CreateOp::Create2 | CreateOp::Ttl, _) => self.believed(session),
        }
    }
}

/// The parent of a path that may be deleted.
fn deletable(path: &str) -> Result<&str, ErrorCode> {
    let parent = path::parent_checked(path)?;
    if path::is_reserved(path) {
        return Err(ErrorCode::BadArguments);
    }
    Ok(parent)
}

/// Lists the session's ephemerals: those of the tree and those in flight, less those whose deletion is in flight.
fn close_session(view: &mut View<'_>, session: SessionId) -> Body {
    let mut paths: BTreeSet<Path> = view.tree.ephemerals(session).cloned().collect();
    for (path, record) in view.outstanding.into_iter().flat_map(Outstanding::iter) {
        match record {
            Some(node) if node.kind == Kind::Ephemeral(session) => drop(paths.insert(path.clone())),
            Some(_) | None => drop(paths.remove(path)),
        }
    }
    for path in &paths {
        let parent_path = path::split(path).0;
        if let Ok(mut parent) = view.find(parent_path) {
            parent.children = parent.children.saturating_sub(1);
            view.stage(parent);
        }
        view.stage_gone(path.clone());
    }
    Body::CloseSession {
        ephemerals: paths.into_iter().collect(),
    }
}
