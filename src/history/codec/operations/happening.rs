//! What happens to a client beside its operations, as a line shows it.

use serde_json::{Value, json};

use super::Details;
use crate::base::id::{ClientId, SessionId};
use crate::history::fact::Fact;

/// What happened to a client beside its operations.
pub(super) struct Event<'a> {
    pub client: ClientId,
    pub session: SessionId,
    pub f: &'static str,
    pub key: Option<&'a str>,
    pub value: Value,
    pub details: Details,
}

impl<'a> Event<'a> {
    pub(super) fn new(client: ClientId, session: SessionId, f: &'static str) -> Self {
        Self {
            client,
            session,
            f,
            key: None,
            value: Value::Null,
            details: Details::default(),
        }
    }

    pub(super) fn of(fact: &'a Fact) -> Option<Self> {
        if let Fact::EventReceived {
            client,
            session,
            conn,
            event,
        } = fact
        {
            let mut told = Self::new(*client, *session, "watch").on(*conn);
            told.key = Some(&event.path);
            told.value = json!(event.kind);
            told.details.zxid = event.zxid;
            Some(told)
        } else if let Fact::Connected {
            client,
            session,
            server,
            conn,
            timeout_ms,
            fresh,
        } = fact
        {
            let mut begun = Self::new(*client, *session, "connected").on(*conn);
            begun.value = json!(server);
            begun.details.timeout_ms = Some(*timeout_ms);
            begun.details.fresh = Some(*fresh);
            Some(begun)
        } else if let Fact::WatchesReset {
            client,
            session,
            conn,
            zxid,
            watches,
        } = fact
        {
            let mut set = Self::new(*client, *session, "watches-reset").on(*conn);
            set.value = json!(watches);
            set.details.zxid = *zxid;
            Some(set)
        } else if let Fact::Disconnected {
            client,
            session,
            conn,
        } = fact
        {
            Some(Self::new(*client, *session, "disconnected").on(*conn))
        } else if let Fact::Expired {
            client,
            session,
            told,
        } = fact
        {
            let mut over = Self::new(*client, *session, "expired");
            over.details.told = Some(*told);
            Some(over)
        } else {
            None
        }
    }

    /// On this connection.
    fn on(mut self, conn: u64) -> Self {
        self.details.conn = Some(conn);
        self
    }
}
