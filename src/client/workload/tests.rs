//! Programs run on a real library against a small server of the test's own: one millisecond each way, correct answers,
//! and the mishaps the test orders.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::id::NodeId;
use crate::base::zxid::Zxid;
use crate::client::config::{Chosen, Config};
use crate::client::library::tests::cx_at;
use crate::client::process::Client;
use crate::history::fact::Fact;
use crate::history::op::{ErrorCode, EventKind, Response, Stat, WatchEvent};
use crate::history::wire::{ToClient, ToServer};
use crate::sim::process::{Conn, Effect, Ending, Input};
use crate::words::message::Msg;

/// A client, its server, and everything between them.
pub(super) struct Bench {
    client: Client,
    us: u64,
    timers: BTreeMap<Timer, u64>,
    arriving: BTreeMap<(u64, u64), Input<Words>>,
    count: u64,
    conn: Option<Conn>,
    live: Option<SessionId>,
    sessions: u64,
    zxid: u64,
    nodes: BTreeMap<Path, (i32, SessionId)>,
    watched: BTreeSet<Path>,
    out: Effects<Words>,
    /// The next request is carried out, then the connection breaks instead of a reply.
    pub(super) loses_next_reply: bool,
    /// What the client said.
    pub(super) facts: Vec<(u64, Fact)>,
}

impl Bench {
    pub(super) fn new(workload: Workload) -> Self {
        Self::choosing(workload, Chosen::All)
    }

    /// A client that carries out some operations only.
    pub(super) fn choosing(workload: Workload, chosen: Chosen) -> Self {
        let mut config = Config::new([NodeId(1)], workload);
        config.session_timeout_ms = 1_200;
        config.chosen = chosen;
        let mut bench = Self {
            client: Client::restart(&config, NodeId(9), ClientId(3), 1),
            us: 0,
            timers: BTreeMap::new(),
            arriving: BTreeMap::new(),
            count: 0,
            conn: None,
            live: None,
            sessions: 0,
            zxid: 0,
            nodes: BTreeMap::new(),
            watched: BTreeSet::new(),
            out: Effects::default(),
            loses_next_reply: false,
            facts: Vec::new(),
        };
        bench.step(Input::Boot);
        bench
    }

    /// Plays on until the clock shows `ms`.
    pub(super) fn run(&mut self, ms: u64) {
        let end = ms * 1_000;
        loop {
            let message = self.arriving.keys().next().map(|(due, _)| *due);
            let timer = self.timers.iter().map(|(timer, due)| (*due, *timer)).min();
            match (message, timer) {
                (Some(due), timer) if due <= end && timer.is_none_or(|(other, _)| due <= other) => {
                    self.us = due;
                    let (_, input) = self.arriving.pop_first().unwrap();
                    self.step(input);
                }
                (_, Some((due, timer))) if due <= end => {
                    self.us = due;
                    self.timers.remove(&timer);
                    self.step(Input::Fire { timer });
                }
                _ => break,
            }
        }
        self.us = end;
    }

    /// Breaks the connection.
    pub(super) fn reset(&mut self) {
        let conn = self.conn.take().expect("a connection to break");
        self.arriving.clear();
        self.watched.clear();
        let how = Ending::Reset;
        self.arrive(Input::Ended { conn, how });
    }

    /// Ends the session at the server; the client will be told when it reconnects.
    pub(super) fn expire(&mut self) {
        let session = self.live.take().expect("a session to expire");
        self.nodes.retain(|_, (_, owner)| *owner != session);
        self.reset();
    }

    /// A node appears, or its data is set, by somebody else.
    pub(super) fn change(&mut self, path: &str) {
        let version = self.nodes.get(path).map_or(0, |(version, _)| version + 1);
        self.nodes.insert(path.into(), (version, SessionId::NONE));
        let kind = match version {
            0 => EventKind::Created,
            _ => EventKind::DataChanged,
        };
        self.fire_watch(&path.into(), kind);
    }

    pub(super) fn version(&self, path: &str) -> Option<i32> {
        self.nodes.get(path).map(|(version, _)| *version)
    }

    pub(super) fn owner(&self, path: &str) -> Option<SessionId> {
        self.nodes.get(path).map(|(_, owner)| *owner)
    }

    pub(super) fn session(&self) -> SessionId {
        self.client.session()
    }

    pub(super) fn is_watched(&self, path: &str) -> bool {
        self.watched.contains(path)
    }

    /// What the program asked for, in order.
    pub(super) fn requests(&self) -> Vec<Arc<Request>> {
        let request = |(_, fact): &(u64, Fact)| match fact {
            Fact::Invoked { request, .. } => Some(request.clone()),
            _ => None,
        };
        self.facts.iter().filter_map(request).collect()
    }

    fn step(&mut self, input: Input<Words>) {
        let mut out = std::mem::take(&mut self.out);
        let mut cx = cx_at(0);
        cx.now.0 = self.us * 1_000;
        self.client.step(cx, input, &mut out);
        let effects: Vec<Effect<Words>> = out.list_mut().drain(..).collect();
        self.out = out;
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect<Words>) {
        match effect {
            Effect::Open { conn, .. } => {
                self.conn = Some(conn);
                self.arrive(Input::Opened { conn });
            }
            Effect::Send {
                conn,
                msg: Msg::ToServer(msg),
            } if self.conn == Some(conn) => self.serve(msg),
            Effect::Arm { timer, after } => {
                self.timers.insert(timer, self.us + after.as_us().max(1));
            }
            Effect::Disarm { timer } => {
                self.timers.remove(&timer);
            }
            Effect::Note(fact) => self.facts.push((self.us, fact)),
            Effect::Close { .. } => {
                self.conn = None;
                self.watched.clear();
            }
            other => panic!("unexpected: {other:?}"),
        }
    }

    fn serve(&mut self, msg: ToServer) {
        match msg {
            ToServer::Connect { session, .. } => {
                if session == SessionId::NONE {
                    self.sessions += 1;
                    self.live = Some(SessionId(self.sessions));
                }
                let lives = session == SessionId::NONE || self.live == Some(session);
                self.answer(ToClient::Connected {
                    session: self.live.filter(|_| lives).unwrap_or(SessionId::NONE),
                    password: 1,
                    timeout_ms: if lives { 1_200 } else { 0 },
                });
            }
            ToServer::Request { xid, request } => {
                let result = self.apply(&request);
                let zxid = Some(Zxid(self.zxid));
                if std::mem::take(&mut self.loses_next_reply) {
                    self.reset();
                } else {
                    self.answer(ToClient::Reply { xid, zxid, result });
                }
            }
            ToServer::Ping => self.answer(ToClient::Pong {
                zxid: Zxid(self.zxid),
            }),
        }
    }

    fn apply(&mut self, request: &Request) -> Result<Response, ErrorCode> {
        if request.is_write() {
            self.zxid += 1;
        }
        match request {
            Request::Create { path, flags, .. } => {
                if self.nodes.contains_key(path) {
                    return Err(ErrorCode::NodeExists);
                }
                let owner = self.live.filter(|_| flags & 1 == 1);
                let node = (0, owner.unwrap_or(SessionId::NONE));
                self.nodes.insert(path.clone(), node);
                self.fire_watch(path, EventKind::Created);
                Ok(Response::PathStat(path.clone(), Stat::default().into()))
            }
            Request::SetData { path, version, .. } => {
                let node = self.nodes.get_mut(path).ok_or(ErrorCode::NoNode)?;
                if *version != -1 && *version != node.0 {
                    return Err(ErrorCode::BadVersion);
                }
                node.0 += 1;
                let stat = stat_of(*node);
                self.fire_watch(path, EventKind::DataChanged);
                Ok(Response::Stat(stat.into()))
            }
            Request::Delete { path, version } => {
                let node = self.nodes.get(path).ok_or(ErrorCode::NoNode)?;
                if *version != -1 && *version != node.0 {
                    return Err(ErrorCode::BadVersion);
                }
                self.nodes.remove(path);
                self.fire_watch(path, EventKind::Deleted);
                Ok(Response::Empty)
            }
            Request::Exists { path, watch } => {
                self.watched.extend(watch.then(|| path.clone()));
                let node = self.nodes.get(path).ok_or(ErrorCode::NoNode)?;
                Ok(Response::Stat(stat_of(*node).into()))
            }
            Request::GetData { path, watch } => {
                let node = *self.nodes.get(path).ok_or(ErrorCode::NoNode)?;
                self.watched.extend(watch.then(|| path.clone()));
                Ok(Response::Data(None, stat_of(node).into()))
            }
            Request::Multi(requests) => Ok(Response::Multi(
                requests.iter().map(|request| self.apply(request)).collect(),
            )),
            Request::SetWatches(watches) => {
                self.watched
                    .extend(watches.data.iter().chain(&watches.exist).cloned());
                Ok(Response::Empty)
            }
            Request::CloseSession => {
                let session = self.live.take();
                self.nodes.retain(|_, (_, owner)| Some(*owner) != session);
                Ok(Response::Empty)
            }
            _ => Ok(Response::Empty),
        }
    }

    fn fire_watch(&mut self, path: &Path, kind: EventKind) {
        if self.watched.remove(path) {
            let path = path.clone();
            let zxid = Some(Zxid(self.zxid));
            self.answer(ToClient::Event(WatchEvent { kind, path, zxid }));
        }
    }

    fn answer(&mut self, msg: ToClient) {
        let conn = self.conn.expect("only connected clients are answered");
        let msg = Msg::ToClient(msg);
        self.arrive(Input::Deliver { conn, msg });
    }

    fn arrive(&mut self, input: Input<Words>) {
        self.count += 1;
        self.arriving.insert((self.us + 2_000, self.count), input);
    }
}

fn stat_of((version, owner): (i32, SessionId)) -> Stat {
    Stat {
        version,
        owner: owner.0,
        ..Stat::default()
    }
}

#[test]
fn an_idle_client_keeps_its_session_with_pings_alone() {
    let mut bench = Bench::new(Workload::Idle);
    bench.run(10_000);
    assert!(bench.requests().is_empty());
    assert_eq!(bench.session(), SessionId(1));
    let pongs = bench
        .facts
        .iter()
        .filter(|(_, fact)| matches!(fact, Fact::Ponged { .. }));
    assert_eq!(pongs.count(), 24, "every 400 ms after a start of 4 ms");
}

#[test]
fn a_holder_has_an_ephemeral_of_its_own_session_again_soon_after_every_mishap() {
    let mut bench = Bench::new(Workload::EphemeralHolder(holder::Settings::default()));
    bench.run(500);
    assert_eq!(bench.owner("/e3"), Some(SessionId(1)));
    bench.reset();
    bench.run(3_000);
    assert_eq!(bench.owner("/e3"), Some(SessionId(1)));
    bench.expire();
    bench.run(6_000);
    assert_eq!(bench.session(), SessionId(2));
    assert_eq!(bench.owner("/e3"), Some(SessionId(2)));
    bench.loses_next_reply = true;
    bench.run(9_000);
    assert_eq!(bench.owner("/e3"), Some(SessionId(2)));
}

#[test]
fn a_watcher_is_armed_on_every_path_again_after_events_resets_and_expiries() {
    let paths = vec!["/e1".into(), "/e2".into()];
    let settings = watcher::Settings {
        paths,
        ..watcher::Settings::default()
    };
    let mut bench = Bench::new(Workload::Watcher(settings));
    let armed_at = |bench: &mut Bench, ms| {
        bench.run(ms);
        assert!(
            bench.is_watched("/e1") && bench.is_watched("/e2"),
            "at {ms}"
        );
    };
    armed_at(&mut bench, 500);
    bench.change("/e1");
    bench.change("/e2");
    assert!(!bench.is_watched("/e1"));
    armed_at(&mut bench, 1_000);
    bench.reset();
    armed_at(&mut bench, 2_000);
    bench.expire();
    armed_at(&mut bench, 3_500);
    let armings = bench.requests().len();
    bench.run(10_000);
    assert_eq!(
        bench.requests().len(),
        armings,
        "nothing to arm, nothing to do"
    );
}
