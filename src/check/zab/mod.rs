//! The safety properties of Zab (zab.md §11, worded as in §16.2), judged online from facts.
//!
//! The monitor keeps its own account of every server's history in memory, in the log and on disk, and of G, the sequence
//! that is committed. It trusts no claim: each history is a node of its own hash tree (`histories`), so that a hole, a
//! duplicate or a swapped transaction shows at once. Each fact costs O(log n) at most; nothing scans a history except
//! to tell the story of a violation.
//!
//! | file | judges |
//! |---|---|
//! | `deliveries` | integrity, total-order, primary-order, state-equality |
//! | `epochs` | one-leader-per-epoch, epoch-discipline, promise |
//! | `acks` | truthful-ack, truthful-newleader-ack, truthful-vote |
//! | `commits` | commit-quorum, commit-order, primary-integrity, committed-survives |
//! | `disk` | truncation-safety |
//! | `survival` | survivability |
//! | `told` | told-is-committed |

mod acks;
mod commits;
mod committed;
mod deliveries;
mod disk;
mod epochs;
mod ghost;
mod histories;
mod story;
mod survival;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use acks::{AckNumber, Acks, Vote};
use commits::Formed;
use committed::{Committed, Told};
use deliveries::{Start, Step};
use ghost::{Ghost, Ghosts, Since};
use histories::{Histories, Node};
use story::{Cx, Story};

use crate::base::id::{ServerId, ServerSet, SessionId};
use crate::base::zxid::{Epoch, Zxid};
use crate::check::by_zxid::ByZxid;
use crate::check::news::{End, Frequent, News};
use crate::check::verdict::{At, Findings, Monitor};
use crate::history::fact::Fact;

/// A transaction that some leader proposed, and what became of it: the evidence of stories.
#[derive(Clone, Debug)]
struct Proposal {
    node: Node,
    digest: u64,
    server: ServerId,
    at: At,
    session: SessionId,
    text: Arc<str>,
    /// The last of its acknowledgements.
    acked: Option<AckNumber>,
    committed: Option<(ServerId, At)>,
    told: Option<Told>,
    /// The client told is the one that asked for it.
    told_asker: bool,
}

/// An epoch's leader.
#[derive(Clone, Copy, Debug)]
struct Reign {
    server: ServerId,
    term: u32,
    at: At,
    /// Another term that was reported as leading it, too.
    rival: Option<u32>,
}

/// Judges every Zab property over the facts of one run.
#[derive(Clone, Debug)]
pub struct ZabMonitor {
    voters: ServerSet,
    tree: Histories,
    committed: Committed,
    servers: Ghosts,
    proposals: ByZxid<Proposal>,
    acks: Acks,
    /// Leaders by epoch (S6).
    reigns: BTreeMap<Epoch, Reign>,
    /// The histories with which would-be leaders of an epoch began (S10); several servers may propose one epoch.
    initials: BTreeMap<Epoch, Vec<(ServerId, Node)>>,
    terms: u32,
    /// Survivability is broken; it is reported again only after it was restored.
    endangered: bool,
    /// Room for the voters as an election sees them, kept from one judgement to the next.
    candidates: Vec<survival::Candidate>,
}

impl ZabMonitor {
    /// A monitor of an ensemble in which these servers vote; every other server is an observer.
    pub fn new(voters: ServerSet) -> Self {
        Self {
            voters,
            tree: Histories::new(),
            committed: Committed::new(),
            servers: voters.iter().collect(),
            proposals: ByZxid::default(),
            acks: Acks::default(),
            reigns: BTreeMap::new(),
            initials: BTreeMap::new(),
            terms: 0,
            endangered: false,
            candidates: Vec::new(),
        }
    }

    /// Names a server whose forced data a fault outside Zab's model destroyed (zab.md §16.4): what it lacks from now on is
    /// not held against the protocol.
    pub fn excuse(&mut self, server: ServerId) {
        self.ghost_mut(server).excused = true;
    }

    /// More than half of the voters, whatever rule the servers follow.
    fn quorum(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    #[inline]
    fn ghost(&self, server: ServerId) -> Option<&Ghost> {
        self.servers.get(server)
    }

    #[inline]
    fn ghost_mut(&mut self, server: ServerId) -> &mut Ghost {
        self.servers.of_mut(server)
    }

    /// A transaction for a reader: `1:7 (setData /k1 v3)`.
    fn describe(&self, zxid: Zxid) -> String {
        match self.proposals.get(zxid) {
            Some(proposal) => format!("{zxid} ({})", proposal.text),
            None => zxid.to_string(),
        }
    }

    /// A history for a reader: `a history to 1:7`, or `an empty history`.
    fn describe_history(&self, node: Node) -> String {
        match self.tree.zxid(node) {
            Zxid::ZERO => "an empty history".to_owned(),
            last => format!("a history to {last}"),
        }
    }

    /// Tells how a transaction came to be proposed, acknowledged, committed and known to a client.
    fn tell_fate(&self, story: &mut Story, zxid: Zxid) {
        let Some(proposal) = self.proposals.get(zxid) else {
            return;
        };
        story.tell(
            proposal.at,
            format!(
                "server {} proposed {}",
                proposal.server,
                self.describe(zxid)
            ),
        );
        if let Some((server, at)) = proposal.committed {
            let acks = self.acks.of(proposal.acked).into_iter();
            let ackers: ServerSet = acks.map(|(server, _)| server).collect();
            story.tell(
                at,
                format!("server {server} committed {zxid}, which {ackers} had acknowledged"),
            );
        }
        if let Some(told) = proposal.told {
            let how = if proposal.told_asker {
                format!(
                    "client {} was answered: its request is {zxid}",
                    told.client.0
                )
            } else {
                format!("client {} was told of {zxid}", told.client.0)
            };
            story.tell(told.at, how);
        }
    }

    /// Tells of a server's last crash, if it had one.
    fn tell_crash(&self, story: &mut Story, server: ServerId) {
        if let Some(Since { value: held, at }) = self.ghost(server).and_then(|ghost| ghost.crashed)
        {
            let held = self.describe_history(held);
            story.tell(at, format!("server {server} crashed; its disk held {held}"));
        }
    }

    /// What happens to a server and its disk.
    fn observe_disk(&mut self, cx: &mut Cx<'_>, fact: &Fact) {
        if let Fact::ServerCrashed { server, .. } = fact {
            self.on_crash(cx, *server);
        } else if let Fact::Booted {
            server,
            lineage,
            accepted,
            current,
        } = fact
        {
            self.on_booted(cx, *server, *lineage);
            self.on_epochs_recovered(cx, *server, *accepted, *current);
            self.judge_survival(cx);
        } else if let Fact::BootDropped { server, lineage } = fact {
            self.on_boot_dropped(cx, *server, *lineage);
        } else if let Fact::Switched {
            server,
            lineage,
            epoch,
            ..
        } = fact
        {
            self.on_switched(cx, *server, *lineage, *epoch);
        } else if let Fact::DiskTruncated { server, lineage } = fact {
            self.on_disk_truncated(cx, *server, *lineage);
        }
    }

    /// Election and discovery.
    fn observe_election(&mut self, cx: &mut Cx<'_>, fact: &Fact) {
        if let Fact::Voted {
            server,
            lineage,
            zxid,
            epoch,
            ..
        } = fact
        {
            let vote = Vote {
                lineage: *lineage,
                zxid: *zxid,
                epoch: *epoch,
            };
            self.on_voted(cx, *server, vote);
        } else if let Fact::Elected { server, leader, .. } = fact {
            self.ghost_mut(*server).follows = Some(*leader);
        } else if let Fact::EpochDurable {
            server,
            file,
            epoch,
        } = fact
        {
            self.on_epoch_durable(cx, *server, *file, *epoch);
        } else if let Fact::AckEpochSent {
            server,
            epoch,
            counted,
        } = fact
        {
            self.on_ack_epoch_sent(cx, *server, *epoch, *counted);
        } else if let Fact::EpochProposed { server, epoch } = fact {
            self.on_epoch_proposed(cx, *server, *epoch);
        }
    }

    /// Synchronisation, and the beginning and end of roles.
    fn observe_role(&mut self, cx: &mut Cx<'_>, fact: &Fact) {
        if let Fact::NewLeaderAckSent {
            server,
            epoch,
            voter,
        } = fact
        {
            self.on_newleader_ack(cx, *server, *epoch, *voter);
        } else if let Fact::LeadStarted { server, lineage } = fact {
            self.on_lead_started(*server, *lineage);
        } else if let Fact::QuorumFormed {
            server,
            epoch,
            members,
            lineage,
        } = fact
        {
            let formed = Formed {
                server: *server,
                epoch: *epoch,
                members: *members,
                lineage: *lineage,
            };
            self.on_quorum_formed(cx, formed);
        } else if let Fact::ServeStart {
            server,
            epoch,
            lineage,
            tree,
            ..
        } = fact
        {
            let start = Start {
                epoch: *epoch,
                lineage: *lineage,
                state: *tree,
            };
            self.on_serve_start(cx, *server, start);
        } else if let Fact::RoleEnd { server, .. } = fact {
            self.ghost_mut(*server).end_role();
        }
    }
}

impl Monitor for ZabMonitor {
    fn heeds(&self, kind: Frequent) -> bool {
        !matches!(kind, Frequent::SessionTouched | Frequent::Invoked)
    }

    fn observe(&mut self, news: &News<'_>, findings: &mut Findings) {
        let (at, fact) = (news.at, news.fact);
        let cx = &mut Cx { at, findings };
        match fact {
            Fact::ServerCrashed { .. }
            | Fact::Booted { .. }
            | Fact::BootDropped { .. }
            | Fact::Switched { .. }
            | Fact::DiskTruncated { .. } => self.observe_disk(cx, fact),
            Fact::Voted { .. }
            | Fact::Elected { .. }
            | Fact::EpochDurable { .. }
            | Fact::AckEpochSent { .. }
            | Fact::EpochProposed { .. } => self.observe_election(cx, fact),
            Fact::NewLeaderAckSent { .. }
            | Fact::LeadStarted { .. }
            | Fact::QuorumFormed { .. }
            | Fact::ServeStart { .. }
            | Fact::RoleEnd { .. } => self.observe_role(cx, fact),
            Fact::Proposed {
                server,
                zxid,
                digest,
                txn,
            } => self.on_proposed(cx, *server, Step::new(*zxid, *digest), txn),
            Fact::Appended {
                server,
                zxid,
                digest,
            } => self.on_appended(cx, *server, Step::new(*zxid, *digest)),
            Fact::Durable { server, zxid } => self.on_durable(cx, *server, *zxid),
            Fact::AckSent { server, zxid } => self.on_ack_sent(cx, *server, *zxid),
            Fact::CommitDecided {
                server,
                zxid,
                epoch,
                ..
            } => self.on_commit_decided(cx, *server, *zxid, *epoch),
            Fact::Delivered {
                server,
                zxid,
                digest,
                tree,
            } => self.on_delivered(cx, *server, Step::new(*zxid, *digest), *tree),
            Fact::CommitOutOfOrder { server, zxid, head } => {
                self.on_commit_out_of_order(cx, *server, *zxid, *head);
            }
            Fact::Returned {
                client,
                session,
                zxid,
                ..
            }
            | Fact::WatchesReset {
                client,
                session,
                zxid,
                ..
            } => self.on_shown(cx, *client, *session, *zxid),
            Fact::EventReceived {
                client,
                session,
                event,
                ..
            } => self.on_shown(cx, *client, *session, event.zxid),
            Fact::Ponged {
                client,
                session,
                zxid,
                ..
            } => self.on_shown(cx, *client, *session, Some(*zxid)),
            Fact::ClientCrashed { .. }
            | Fact::FaultBegan { .. }
            | Fact::FaultEnded { .. }
            | Fact::OutsideModel { .. }
            | Fact::ClockHeld { .. }
            | Fact::Recipe { .. }
            | Fact::BootRefused { .. }
            | Fact::Ignored { .. }
            | Fact::SyncSent { .. }
            | Fact::SessionTouched { .. }
            | Fact::SessionExpiring { .. }
            | Fact::SessionMoved { .. }
            | Fact::Invoked { .. }
            | Fact::Lost { .. }
            | Fact::Connected { .. }
            | Fact::Disconnected { .. }
            | Fact::Expired { .. } => {}
        }
    }

    fn finish(&mut self, _end: &End<'_>, _findings: &mut Findings) {}
}
