//! What clients are told (S16, `told-is-committed`): a reply, a ping reply or a watch event carries a position of G.

use super::ZabMonitor;
use super::committed::Told;
use super::story::{Claim, Cx, Story, claim};
use crate::base::id::{ClientId, SessionId};
use crate::base::zxid::Zxid;
use crate::check::verdict::Property;

const TOLD_UNCOMMITTED: Claim = claim(Property::ToldIsCommitted, "told-before-committed");
const TOLD_UNESTABLISHED: Claim = claim(Property::ToldIsCommitted, "told-unestablished-epoch");

impl ZabMonitor {
    /// A client was shown a position; "before everything" and "none" say nothing.
    pub(super) fn on_shown(
        &mut self,
        cx: &mut Cx<'_>,
        client: ClientId,
        session: SessionId,
        zxid: Option<Zxid>,
    ) {
        if let Some(zxid) = zxid.filter(|zxid| *zxid != Zxid::ZERO) {
            let told = Told { client, at: cx.at };
            self.on_told(cx, told, session, zxid);
        }
    }

    /// A client learnt that some server's state includes `zxid`.
    fn on_told(&mut self, cx: &mut Cx<'_>, told: Told, session: SessionId, zxid: Zxid) {
        cx.exercise(Property::ToldIsCommitted);
        let mut is_committed = false;
        if let Some(proposal) = self.proposals.get_mut(zxid) {
            is_committed = proposal.committed.is_some();
            let asker = proposal.session == session && session != SessionId::NONE;
            if proposal.told.is_none() || asker && !proposal.told_asker {
                proposal.told = Some(told);
                proposal.told_asker = asker;
            }
        }
        if is_committed
            || self.committed.contains(zxid)
            || self.committed.told_early.insert(zxid, told).is_some()
        {
            return;
        }
        self.report_told(cx, told, zxid);
    }

    /// S16: a client was told of what is not committed.
    #[cold]
    fn report_told(&self, cx: &mut Cx<'_>, told: Told, zxid: Zxid) {
        let client = told.client.0;
        let mut story = Story::default();
        if zxid.is_label() {
            let conclusion = format!(
                "client {client} was told of {zxid}, but no quorum has established epoch {}",
                zxid.epoch()
            );
            cx.violate(TOLD_UNESTABLISHED, story, conclusion);
            return;
        }
        if let Some(proposal) = self.proposals.get(zxid) {
            story.tell(
                proposal.at,
                format!(
                    "server {} proposed {}",
                    proposal.server,
                    self.describe(zxid)
                ),
            );
            for (server, at) in self.acks.of(proposal.acked) {
                story.tell(at, format!("server {server} acknowledged {zxid}"));
            }
        }
        let end = self.describe_history(self.committed.tip());
        let conclusion =
            format!("client {client} was told of {zxid}, but committed is only {end}, without it");
        cx.violate(TOLD_UNCOMMITTED, story, conclusion);
    }
}
