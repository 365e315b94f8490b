//! What the rows of a trace are called: the inputs a node takes, the messages among them with their letters.

use serde::Serialize;

use crate::base::zxid::Zxid;
use crate::check::wording;
use crate::history::op::ErrorCode;
use crate::history::wire::{ToClient, ToServer};
use crate::sim::process::{DiskError, Ending, Input, LinkClass, Refusal};
use crate::words::message::{Forwarded, Msg, Notification, Packet, RequestBody, ServerState};
use crate::words::timer::{ClientTimer, Stage, Timer};
use crate::words::{Command, Words};

/// A kind of row; rows name it by its place in a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kind {
    /// `PROPOSAL`, `disk forced`, …
    pub name: &'static str,
    /// One letter for the arrow of a message.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub letter: &'static str,
    /// `message`, `timer`, `stage`, `disk`, `connection`, `life`, `fault` or `command`.
    pub class: &'static str,
    /// Of messages and connections: `election`, `quorum` or `client`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<&'static str>,
    /// Whether it is so common that a reader wants it hidden at first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub routine: bool,
}

/// A row in words: its kind, the transaction it carries, what else it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What kind.
    pub kind: Kind,
    /// Its zxid, or [`Zxid::ZERO`].
    pub zxid: Zxid,
    /// Details, perhaps none.
    pub text: String,
}

impl Described {
    /// Something that carries no transaction.
    pub fn plain(class: &'static str, name: &'static str, text: String) -> Self {
        Self {
            kind: Kind {
                name,
                letter: "",
                class,
                link: None,
                routine: false,
            },
            zxid: Zxid::ZERO,
            text,
        }
    }

    fn routine(class: &'static str, name: &'static str) -> Self {
        let mut plain = Self::plain(class, name, String::new());
        plain.kind.routine = true;
        plain
    }

    fn message(link: &'static str, name: &'static str, letter: &'static str) -> Self {
        let mut plain = Self::plain("message", name, String::new());
        plain.kind.letter = letter;
        plain.kind.link = Some(link);
        plain
    }

    fn with(mut self, zxid: Zxid) -> Self {
        self.zxid = zxid;
        self
    }

    fn saying(mut self, text: String) -> Self {
        self.text = text;
        self
    }

    fn hidden(mut self) -> Self {
        self.kind.routine = true;
        self
    }
}

/// An input as a row.
pub fn input(input: &Input<Words>) -> Described {
    match input {
        Input::Boot => Described::plain("life", "starts", String::new()),
        Input::Opened { .. } => Described::plain("connection", "connected", String::new()),
        Input::Refused { why, .. } => Described::plain(
            "connection",
            "refused",
            match why {
                Refusal::NobodyListens => "nobody listens there".to_owned(),
                Refusal::TimedOut => "no answer in time".to_owned(),
            },
        ),
        Input::Accepted { class, .. } => {
            let mut described = Described::plain("connection", "accepts", String::new());
            described.kind.link = Some(link(*class));
            described
        }
        Input::Deliver { msg, .. } => message(msg),
        Input::Ended { how, .. } => Described::plain(
            "connection",
            "connection ends",
            match how {
                Ending::Closed => "closed by the other end",
                Ending::Reset => "reset",
                Ending::Garbled => "what arrived could not be decoded",
            }
            .to_owned(),
        ),
        Input::Fire { timer } => timer_row(*timer),
        Input::Run { stage } => match stage {
            Stage::Election => Described::routine("stage", "election thread"),
            Stage::Prep => Described::routine("stage", "prepares requests"),
            Stage::Sync => Described::routine("stage", "sync thread"),
            Stage::Commit => Described::routine("stage", "commit thread"),
            Stage::Handler(learner) => {
                Described::routine("stage", "learner handler").saying(format!("for s{learner}"))
            }
        },
        Input::Synced { .. } => Described::plain("disk", "log forced", String::new()),
        Input::Stored { file, value } => Described::plain(
            "disk",
            "epoch file stored",
            format!(
                "{} {value}",
                if *file == crate::words::ACCEPTED_EPOCH {
                    "acceptedEpoch"
                } else {
                    "currentEpoch"
                }
            ),
        ),
        Input::Snapshotted => Described::plain("disk", "snapshot written", String::new()),
        Input::Installed => Described::plain("disk", "new disk installed", String::new()),
        Input::WriteFailed { why } => Described::plain(
            "disk",
            "write failed",
            match why {
                DiskError::Full => "no space left",
                DiskError::Io => "input/output error",
                DiskError::ReadOnly => "read-only file system",
            }
            .to_owned(),
        ),
        Input::Command(command) => Described::plain("command", "is asked", errand(command)),
    }
}

fn errand(command: &Command) -> String {
    match command {
        Command::Request(request) => wording::request(request),
        Command::Socket(socket, _) => format!("to use socket {}", socket.0),
        Command::Expire(session) => format!("to end session {session}"),
        Command::Reap => "to remove empty containers".to_owned(),
        Command::Overwrite { path, .. } => format!("to overwrite a counter of {path}"),
        Command::DuplicateConnection => "to connect a second time".to_owned(),
    }
}

fn timer_row(timer: Timer) -> Described {
    let name = match timer {
        Timer::Resend => "repeats its vote",
        Timer::Finalize => "waits no longer for a better vote",
        Timer::Pause => "pause over",
        Timer::DialLeader => "dials its leader again",
        Timer::LeaderSilent => "leader silent",
        Timer::PhaseLimit => "phase took too long",
        Timer::Expiry => "session clock",
        Timer::HalfTick => "half tick",
        Timer::LearnerSilent(_) => "learner silent",
        Timer::Client(timer) => match timer {
            ClientTimer::Reconnect => "reconnects",
            ClientTimer::Connect => "connect timeout",
            ClientTimer::Ping => "time to ping",
            ClientTimer::Read => "server silent",
            ClientTimer::Expire => "session over by its own clock",
            ClientTimer::Think => "next operation",
        },
    };
    Described::routine("timer", name)
}

fn link(class: LinkClass) -> &'static str {
    match class {
        LinkClass::Election => "election",
        LinkClass::Quorum => "quorum",
        LinkClass::Client => "client",
    }
}

/// A message as the row of its delivery.
pub fn message(msg: &Msg) -> Described {
    match msg {
        Msg::Vote(vote) => Described::message("election", "VOTE", "V")
            .with(vote.zxid)
            .saying(ballot(vote)),
        Msg::Quorum(packet) => quorum(packet),
        Msg::ToServer(message) => to_server(message),
        Msg::ToClient(message) => to_client(message),
    }
}

fn ballot(vote: &Notification) -> String {
    let state = match vote.state {
        ServerState::Looking => "looking",
        ServerState::Following => "following",
        ServerState::Leading => "leading",
        ServerState::Observing => "observing",
    };
    format!(
        "{state}, round {}: for s{} with epoch {}",
        vote.round, vote.leader, vote.peer_epoch.0
    )
}

fn quorum(packet: &Packet) -> Described {
    let named = |name, letter| Described::message("quorum", name, letter);
    match packet {
        Packet::FollowerInfo {
            accepted,
            voter,
            want_snapshot,
        } => {
            let name = if *voter {
                "FOLLOWERINFO"
            } else {
                "OBSERVERINFO"
            };
            let wish = if *want_snapshot { ", wants SNAP" } else { "" };
            named(name, "F").saying(format!("acceptedEpoch {}{wish}", accepted.0))
        }
        Packet::LeaderInfo { epoch } => {
            named("LEADERINFO", "L").saying(format!("epoch {}", epoch.0))
        }
        Packet::AckEpoch { zxid, current } => {
            let current = current.map_or("not counted".to_owned(), |epoch| {
                format!("currentEpoch {}", epoch.0)
            });
            named("ACKEPOCH", "E").with(*zxid).saying(current)
        }
        Packet::Diff { zxid } => named("DIFF", "D").with(*zxid),
        Packet::Trunc { zxid } => named("TRUNC", "T").with(*zxid),
        Packet::Snap { zxid, image } => named("SNAP", "S")
            .with(*zxid)
            .saying(format!("{} znodes", image.tree.len())),
        Packet::NewLeader { epoch } => named("NEWLEADER", "N").saying(format!("epoch {}", epoch.0)),
        Packet::UpToDate => named("UPTODATE", "U"),
        Packet::Proposal { txn } => named("PROPOSAL", "P").with(txn.zxid),
        Packet::Commit { zxid } => named("COMMIT", "C").with(*zxid),
        Packet::Inform { txn } => named("INFORM", "I").with(txn.zxid),
        Packet::Ack { zxid } => named("ACK", "A").with(*zxid),
        Packet::Ping { zxid } => named("PING", "p").with(*zxid).hidden(),
        Packet::Pong { .. } => named("PONG", "p").hidden(),
        Packet::Request(forwarded) => named("REQUEST", "R").saying(forwarded_text(forwarded)),
        Packet::Sync { session, .. } => named("SYNC", "Y").saying(format!("session {session}")),
        Packet::Revalidate { session, .. } => {
            named("REVALIDATE", "K").saying(format!("session {session}"))
        }
        Packet::Revalidated { session, valid } => {
            let state = if *valid { "lives" } else { "is over" };
            named("REVALIDATED", "K").saying(format!("session {session} {state}"))
        }
    }
}

fn forwarded_text(forwarded: &Forwarded) -> String {
    match &forwarded.body {
        RequestBody::Client(request) => wording::request(request),
        RequestBody::OpenSession { .. } => format!("open session {}", forwarded.session),
        RequestBody::Expiry => format!("end session {}", forwarded.session),
    }
}

fn to_server(message: &ToServer) -> Described {
    let named = |name, letter| Described::message("client", name, letter);
    match message {
        ToServer::Connect {
            last_zxid_seen,
            session,
            ..
        } => {
            let text = if session.0 == 0 {
                "a new session".to_owned()
            } else {
                format!("session {session}")
            };
            named("connect", "c").with(*last_zxid_seen).saying(text)
        }
        ToServer::Request { request, .. } => {
            named("request", "r").saying(wording::request(request))
        }
        ToServer::Ping => named("ping", "p").hidden(),
    }
}

fn to_client(message: &ToClient) -> Described {
    let named = |name, letter| Described::message("client", name, letter);
    match message {
        ToClient::Connected { session, .. } => named("connected", "c").saying(if session.0 == 0 {
            "the session is over".to_owned()
        } else {
            format!("session {session}")
        }),
        ToClient::Reply { zxid, result, .. } => named("reply", "a")
            .with(zxid.unwrap_or(Zxid::ZERO))
            .saying(match result {
                Ok(_) => String::new(),
                Err(code) => failure(*code),
            }),
        ToClient::Pong { zxid } => named("pong", "p").with(*zxid).hidden(),
        ToClient::Event(event) => named("watch event", "w").saying(wording::event(event)),
    }
}

fn failure(code: ErrorCode) -> String {
    format!("{code:?}")
}
