//! What a client library makes of replies, events and refusals.

use std::sync::Arc;

use super::{Library, Told, Turn, Upcall};
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::client::handle::{Awaited, Operation};
use crate::client::rules::{RefusedSession, Registration};
use crate::history::fact::{Fact, Loss};
use crate::history::op::{ErrorCode, Request, Response, WatchEvent};

impl Library {
    pub(super) fn on_reply(
        &mut self,
        number: u64,
        what: Awaited,
        (zxid, result): (Option<Zxid>, Result<Response, ErrorCode>),
        turn: &mut Turn<'_>,
    ) {
        let is_auth = match &what {
            Awaited::Operation(operation) => matches!(*operation.request, Request::Auth { .. }),
            Awaited::Credentials => true,
            Awaited::SetWatches(_) => false,
        };
        if let Some(zxid) = zxid.filter(|zxid| !is_auth && *zxid > Zxid::ZERO) {
            self.handle.last_zxid = zxid;
        }
        let auth_failed = is_auth && result == Err(ErrorCode::AuthFailed);
        match what {
            Awaited::Operation(operation) => {
                self.on_answered(number, operation, (zxid, result), turn);
            }
            Awaited::Credentials => {}
            Awaited::SetWatches(watches) => {
                if result.is_ok() {
                    turn.out.note(Fact::WatchesReset {
                        client: self.client,
                        session: self.handle.session,
                        conn: number,
                        zxid,
                        watches,
                    });
                }
            }
        }
        if auth_failed {
            self.abandon(Loss::ConnectionLoss, turn);
            self.become_reborn(turn.cx, turn.out);
        }
    }

    fn on_answered(
        &mut self,
        number: u64,
        Operation { op, request }: Operation,
        (zxid, result): (Option<Zxid>, Result<Response, ErrorCode>),
        turn: &mut Turn<'_>,
    ) {
        self.register(&request, &result);
        turn.out.note(Fact::Returned {
            client: self.client,
            op,
            session: self.handle.session,
            conn: number,
            zxid,
            result: result.clone(),
        });
        let closed = *request == Request::CloseSession && result.is_ok();
        turn.up.push(Upcall::Replied {
            op,
            request,
            result,
        });
        if closed {
            self.abandon(Loss::SessionExpired, turn);
        }
    }

    /// Registers the watch that an answered request has set.
    fn register(&mut self, request: &Arc<Request>, result: &Result<Response, ErrorCode>) {
        self.register_late();
        match self.config.rules.registration {
            Registration::WithReply => self.handle.watches.on_reply(request, result),
            Registration::AfterReply => {
                let answered = (request.clone(), result.clone());
                self.handle.unregistered.push(answered);
            }
        }
    }

    pub(super) fn register_late(&mut self) {
        for (request, result) in std::mem::take(&mut self.handle.unregistered) {
            self.handle.watches.on_reply(&request, &result);
        }
    }

    pub(super) fn on_event(&mut self, number: u64, event: WatchEvent, turn: &mut Turn<'_>) {
        let expected = self.handle.watches.on_event(&event);
        if !expected && !self.handle.unregistered.is_empty() {
            return;
        }
        turn.out.note(Fact::EventReceived {
            client: self.client,
            session: self.handle.session,
            conn: number,
            event: event.clone(),
        });
        if expected {
            turn.up.push(Upcall::Event(event));
        }
    }

    pub(super) fn on_refused_session(&mut self, turn: &mut Turn<'_>) {
        if self.handle.session == SessionId::NONE {
            self.hang_up(turn);
            return;
        }
        match self.config.rules.refused {
            RefusedSession::Told => self.expire(Told::ByServer, turn),
            RefusedSession::Replaced => {
                self.handle.session = SessionId::NONE;
                self.handle.password = 0;
                self.hang_up(turn);
            }
        }
    }
}
