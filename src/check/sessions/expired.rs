//! By when a session must be over whose client was told that it has expired.
//!
//! Being told has no zxid, and may come from a leader that nobody follows any more: the session then lives on until a
//! later leader finds it silent. But an epoch has one leader. If that was at work from some moment after the client was told until much
//! later than the session's timeout, it has closed the session in between: what it proposes then comes after the end.

use std::collections::BTreeMap;

use crate::base::id::{ClientId, SessionId};
use crate::base::time::Span;
use crate::base::zxid::{Epoch, Zxid};
use crate::check::verdict::{At, Sentence};
use crate::check::wording::Witness;
use crate::history::fact::Fact;

/// Timeouts after which a leader at work has certainly expired a silent session: one for the session, half for the tick, and two and a half for a
/// sign of life that a follower passed on as late as it could without being given up, which is five ticks; and some for stopped clocks.
const TIMEOUTS: u64 = 6;

/// A client that was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    client: ClientId,
    at: At,
    timeout: Span,
    /// The epoch in which the first write after that was acknowledged, and when.
    reign: Option<(Epoch, At)>,
}

/// Sessions that are expired for their clients, and not known to be over.
#[derive(Clone, Debug, Default)]
pub(super) struct Expired {
    timeouts: BTreeMap<SessionId, Span>,
    told: BTreeMap<SessionId, Told>,
}

/// A session that must be over.
#[derive(Clone, Debug)]
pub(super) struct Over {
    pub session: SessionId,
    /// Why: the client, and the reign.
    pub evidence: Vec<Sentence>,
    /// A write after its end.
    pub by: Witness,
}

impl Expired {
    pub(super) fn observe(&mut self, at: At, fact: &Fact) {
        if let Fact::Connected {
            session,
            timeout_ms,
            ..
        } = fact
        {
            let timeout = Span::from_ms(u64::from(*timeout_ms));
            self.timeouts.insert(*session, timeout);
            // It goes on, whatever somebody was told.
            self.told.remove(session);
        } else if let Fact::Expired {
            client,
            session,
            told: true,
        } = fact
            && let Some(timeout) = self.timeouts.get(session)
        {
            let told = Told {
                client: *client,
                at,
                timeout: *timeout,
                reign: None,
            };
            self.told.insert(*session, told);
        }
    }

    /// A write was acknowledged; answers which sessions are over by it.
    pub(super) fn on_write(&mut self, at: At, witness: &Witness) -> Vec<Over> {
        let Some(epoch) = witness.zxid.map(Zxid::epoch) else {
            return Vec::new();
        };
        if self.told.is_empty() {
            return Vec::new();
        }
        for told in self.told.values_mut() {
            if told.reign.is_none_or(|(reign, _)| reign < epoch) {
                told.reign = Some((epoch, at));
            }
        }
        let is_over = |_: &SessionId, told: &mut Told| {
            told.reign.is_some_and(|(reign, since)| {
                reign == epoch && witness.invoked.time >= since.time + told.timeout * TIMEOUTS
            })
        };
        let over = self.told.extract_if(.., is_over);
        over.map(|(session, told)| told.over(session, witness))
            .collect()
    }
}

impl Told {
    fn over(&self, session: SessionId, witness: &Witness) -> Over {
        let told = Sentence {
            at: self.at,
            text: format!(
                "client {} was told that session {session} (timeout {} ms) has expired",
                self.client.0,
                self.timeout.as_ms()
            ),
        };
        let reign = self.reign.map(|(epoch, at)| Sentence {
            at,
            text: format!("a write was acknowledged in epoch {epoch}, whose leader went on"),
        });
        Over {
            session,
            evidence: std::iter::once(told).chain(reign).collect(),
            by: witness.clone(),
        }
    }
}
