//! Situations that clients see.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Reached, Situation};
use crate::base::id::{ServerId, ServerSet, SessionId};
use crate::base::zxid::{Epoch, Zxid};
use crate::check::by_operation::ByOperation;
use crate::history::fact::{Fact, Role};
use crate::history::op::{ErrorCode, EventKind, Request, Response, flags};

/// Where a session has been.
#[derive(Clone, Copy, Debug)]
struct Travel {
    server: ServerId,
    been: ServerSet,
    epoch: Epoch,
}

/// An operation under way.
#[derive(Clone, Debug)]
struct Open {
    request: Arc<Request>,
    /// The newest state that any reply had shown by then.
    shown: Zxid,
}

/// What is remembered of clients.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    open: ByOperation<Open>,
    sessions: BTreeMap<SessionId, Travel>,
    /// The newest state that any reply showed.
    shown: Zxid,
    /// The epoch established last.
    epoch: Epoch,
}

impl Clients {
    pub(super) fn observe(&mut self, fact: &Fact, reached: &mut Reached) {
        if let Fact::Invoked {
            client,
            op,
            request,
            ..
        } = fact
        {
            let open = Open {
                request: Arc::clone(request),
                shown: self.shown,
            };
            self.open.insert((*client, *op), open);
        } else if let Fact::Returned {
            client,
            op,
            zxid,
            result,
            ..
        } = fact
        {
            if let Some(open) = self.open.remove(&(*client, *op)) {
                self.on_returned(&open, *zxid, result.as_ref(), reached);
            }
        } else if let Fact::Lost {
            client, op, sent, ..
        } = fact
        {
            self.open.remove(&(*client, *op));
            reached.reach(if *sent {
                Situation::UnknownOutcome
            } else {
                Situation::NeverSent
            });
        } else if let Fact::ClientCrashed { client } = fact {
            self.open.forget(*client);
        } else if let Fact::Connected {
            session,
            server,
            fresh,
            ..
        } = fact
        {
            self.on_connected(*session, *server, *fresh, reached);
        } else if let Fact::Expired { session, told, .. } = fact {
            self.sessions.remove(session);
            reached.reach(if *told {
                Situation::ExpiredTold
            } else {
                Situation::ExpiredByItself
            });
        } else if let Fact::WatchesReset { .. } = fact {
            reached.reach(Situation::WatchesSetAgain);
        } else if let Fact::EventReceived { event, .. } = fact {
            reached.reach(match event.kind {
                EventKind::Created => Situation::WatchCreated,
                EventKind::Deleted => Situation::WatchDeleted,
                EventKind::DataChanged => Situation::WatchData,
                EventKind::ChildrenChanged => Situation::WatchChildren,
            });
            reached.reach_if(event.zxid.is_none(), Situation::WatchOverGap);
        } else if let Fact::ServeStart {
            role: Role::Leader,
            epoch,
            ..
        } = fact
        {
            self.epoch = self.epoch.max(*epoch);
        }
    }

    fn on_connected(
        &mut self,
        session: SessionId,
        server: ServerId,
        fresh: bool,
        reached: &mut Reached,
    ) {
        let mut been = ServerSet::EMPTY;
        if let Some(before) = self.sessions.get(&session)
            && !fresh
        {
            been = before.been;
            let has_moved = before.server != server;
            reached.reach_if(has_moved, Situation::SessionMoved);
            reached.reach_if(has_moved && been.contains(server), Situation::MovedBack);
            reached.reach_if(before.epoch < self.epoch, Situation::MovedAcrossEpochs);
        }
        been.insert(server);
        let travel = Travel {
            server,
            been,
            epoch: self.epoch,
        };
        self.sessions.insert(session, travel);
    }

    fn on_returned(
        &mut self,
        open: &Open,
        zxid: Option<Zxid>,
        result: Result<&Response, &ErrorCode>,
        reached: &mut Reached,
    ) {
        if let Some(zxid) = zxid {
            reached.reach_if(
                zxid < open.shown && !open.request.is_write(),
                Situation::ReadBehind,
            );
            self.shown = self.shown.max(zxid);
        }
        reached.reach_if(result == Err(&ErrorCode::BadVersion), Situation::Conflict);
        let Ok(response) = result else { return };
        if let Response::Multi(parts) = response
            && matches!(*open.request, Request::Multi(_))
        {
            let is_done = parts.iter().all(Result::is_ok);
            reached.reach(if is_done {
                Situation::MultiDone
            } else {
                Situation::MultiFailed
            });
        } else if let Request::Sync { .. } = *open.request {
            reached.reach(Situation::Synced);
        } else if let Request::CloseSession = *open.request {
            reached.reach(Situation::SessionClosed);
        } else if let Request::Create { flags: mode, .. } = *open.request {
            let is_numbered = matches!(
                mode,
                flags::SEQUENTIAL | flags::EPHEMERAL_SEQUENTIAL | flags::SEQUENTIAL_TTL
            );
            reached.reach_if(is_numbered, Situation::Numbered);
        }
    }
}
