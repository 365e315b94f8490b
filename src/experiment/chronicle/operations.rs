//! What clients asked for, what they were told, and where each answer stands in the order of the ensemble.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::id::{ClientId, SessionId};
use crate::base::zxid::Zxid;
use crate::check::verdict::At;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, Request, Response};

/// Every operation of a run.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    list: Vec<Operation>,
    open: BTreeMap<(ClientId, u64), usize>,
    committed: BTreeMap<Zxid, At>,
}

/// One operation of a client.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Whose.
    pub client: ClientId,
    /// Its number at that client.
    pub number: u64,
    /// In which session.
    pub session: SessionId,
    /// What.
    pub request: Arc<Request>,
    /// When it was handed to the library.
    pub invoked: At,
    /// When it was over, and how.
    pub ended: Option<(At, Ending)>,
    /// The zxid of the reply.
    pub zxid: Option<Zxid>,
    /// When the transaction of that zxid was committed: where the operation stands in the order of all.
    pub ordered: Option<At>,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was answered.
    Ok(Response),
    /// It was refused.
    Failed(ErrorCode),
    /// Nobody knows whether it took effect.
    Unknown,
    /// It never left the library.
    NeverSent,
}

impl Operations {
    /// All of them, in the order of invocation.
    pub fn list(&self) -> &[Operation] {
        &self.list
    }

    /// The operation of this number at a client, the last one if numbers come again.
    pub fn ended(&self, client: ClientId, number: u64) -> Option<&Operation> {
        self.list
            .iter()
            .rev()
            .find(|operation| operation.client == client && operation.number == number)
    }

    pub(super) fn observe(&mut self, at: At, fact: &Fact) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "these facts are about operations"
        )]
        match fact {
            Fact::CommitDecided { zxid, .. } => {
                self.committed.insert(*zxid, at);
            }
            Fact::Invoked {
                client,
                op,
                session,
                request,
            } => {
                self.open.insert((*client, *op), self.list.len());
                self.list.push(Operation {
                    client: *client,
                    number: *op,
                    session: *session,
                    request: Arc::clone(request),
                    invoked: at,
                    ended: None,
                    zxid: None,
                    ordered: None,
                });
            }
            Fact::Returned {
                client,
                op,
                zxid,
                result,
                ..
            } => {
                let ending = match result {
                    Ok(response) => Ending::Ok(response.clone()),
                    Err(code) => Ending::Failed(*code),
                };
                self.end(at, (*client, *op), ending, *zxid);
            }
            Fact::Lost {
                client, op, sent, ..
            } => {
                let ending = if *sent {
                    Ending::Unknown
                } else {
                    Ending::NeverSent
                };
                self.end(at, (*client, *op), ending, None);
            }
            _ => {}
        }
    }

    fn end(&mut self, at: At, name: (ClientId, u64), ending: Ending, zxid: Option<Zxid>) {
        let Some(index) = self.open.remove(&name) else {
            return;
        };
        let operation = &mut self.list[index];
        operation.ended = Some((at, ending));
        operation.zxid = zxid;
        operation.ordered = zxid.and_then(|zxid| self.committed.get(&zxid).copied());
    }
}
