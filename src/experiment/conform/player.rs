//! Plays the steps of a script, and shows what came out as the script would.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Setting;
use super::arguments::{CHROOT, Root};
use super::crash::Crashes;
use super::script::{Action, Dial, Name, Resume, Script, Step};
use super::show::Shower;
use super::stage::{Servers, Stage, Stuck};
use super::zxids::Zxids;
use crate::base::digest::mix;
use crate::base::id::{NodeId, SessionId};
use crate::base::rng::Seed;
use crate::base::zxid::{Epoch, Zxid};
use crate::client::raw::Heard;
use crate::history::op::{CreateOp, ErrorCode, Request, Response, flags};
use crate::history::wire::{ToClient, ToServer, xid};
use crate::tree::acl;
use crate::words::Socket;

/// What a script calls a client: a handle on a session, and a connection while it has one.
pub(super) struct Client {
    pub(super) session: SessionId,
    pub(super) password: u64,
    pub(super) timeout_ms: i32,
    /// Zxid of its last reply.
    pub(super) seen: Zxid,
    pub(super) socket: Option<Socket>,
    /// Where it is, or was, connected.
    pub(super) server: NodeId,
    /// What it has proved to be on this connection.
    pub(super) auths: Vec<Request>,
    next_xid: i32,
}

/// Plays a script.
pub(super) struct Player {
    pub(super) stage: Stage,
    pub(super) zxids: Zxids,
    pub(super) clients: BTreeMap<Name, Client>,
    owners: BTreeMap<u64, Name>,
    root: Root,
    crashes: Option<Crashes>,
    /// How much of what was heard has been shown.
    shown: usize,
    /// What went wrong with the stage itself; the next step says so.
    stuck: Option<&'static str>,
}

/// What one step asked for, and what it wants to see.
#[derive(Default)]
struct Asked {
    /// The client whose connection this step is about; what its connection receives is not shown.
    hidden: Option<Name>,
    /// The client that is being expired: what its dying connection still hears is a race.
    dying: Option<Name>,
    /// Who asked, and the requests with their numbers.
    requests: Option<(Name, Vec<(i32, Request)>)>,
    /// How much had been heard when they were sent.
    sent_at: usize,
    /// Whether what is being heard came after that.
    is_sent: bool,
    /// Whether they are the parts of a pipeline.
    is_pipeline: bool,
    /// What has been answered, by request.
    replies: BTreeMap<usize, Value>,
}

impl Player {
    /// Servers with empty disks, and the script's first sessions open.
    pub(super) fn new(script: &Script, setting: &Setting) -> Self {
        let seed = script
            .title
            .bytes()
            .fold(setting.seed.0, |seed, byte| mix(seed ^ u64::from(byte)));
        let mut rules = setting.rules.clone();
        rules.prep.quota = script.rules.quota;
        rules.prep.extended_types = script.rules.extended_types;
        let servers = Servers {
            count: setting.servers_for(script),
            rules,
            reaper_interval: None,
            mutants: &setting.mutants,
        };
        let (stage, stuck) = Stage::open(&servers, Seed(seed));
        let mut player = Self {
            stage,
            zxids: Zxids::new(),
            clients: BTreeMap::new(),
            owners: BTreeMap::new(),
            root: script.root,
            crashes: setting
                .crash_every
                .map(|every| Crashes::new(every, script.steps.len(), Seed(seed))),
            shown: 0,
            stuck: stuck.err().map(|Stuck| "the servers do not begin to serve"),
        };
        if player.stuck.is_none() && player.open_sessions(script.clients).is_err() {
            player.stuck = Some("the first sessions cannot be opened");
        }
        player
    }

    fn open_sessions(&mut self, count: u32) -> Result<(), Stuck> {
        let dial = Dial {
            timeout_ms: 60_000,
            last_zxid: None,
            server: None,
        };
        self.zxids
            .begin_epoch(Zxid::ZERO, self.stage.epoch().max(Epoch(1)));
        if self.root == Root::Plain {
            self.create_chroot(dial)?;
        }
        for client in 0..count {
            self.connect(Name(client), dial)?;
        }
        self.barrier()?;
        self.zxids.begin_script(self.stage.last());
        self.shown = self.stage.heard().len();
        Ok(())
    }

    /// A session of its own makes the znode that the script takes for the root.
    fn create_chroot(&mut self, dial: Dial) -> Result<(), Stuck> {
        const BUILDER: Name = Name(u32::MAX);
        self.connect(BUILDER, dial)?;
        let create = Request::Create {
            op: CreateOp::Create,
            path: CHROOT.into(),
            data: Some(Vec::new().into()),
            acl: Some(acl::open()),
            flags: flags::PERSISTENT,
            ttl: -1,
        };
        for request in [create, Request::CloseSession] {
            let number = self.ask(BUILDER, &request);
            self.wait_for_reply(BUILDER, number)?;
        }
        self.clients.remove(&BUILDER);
        Ok(())
    }

    /// Plays a step; gives `r` and `recv` as the script would write them.
    pub(super) fn play(&mut self, index: usize, step: &Step) -> Value {
        let is_due = self
            .crashes
            .as_mut()
            .and_then(|crashes| crashes.due_before(index));
        if let Some(unsynced) = is_due
            && self.stuck.is_none()
            && self.crash_leader(unsynced).is_err()
        {
            self.stuck = Some("the servers do not recover from the crash of their leader");
        }
        let mut asked = Asked::default();
        let outcome = match self.stuck {
            Some(_) => Err(Stuck),
            None => self.act(&step.action, &mut asked),
        };
        let settled = outcome.and_then(|outcome| self.barrier().map(|()| outcome));
        let received = self.receive(&mut asked);
        let result = match settled {
            Ok(outcome) => outcome.unwrap_or_else(|| asked.outcome()),
            Err(Stuck) => json!({"err": self.stuck.unwrap_or("nothing happens any more")}),
        };
        json!({"r": result, "recv": received})
    }

    /// Does what a step says. What it gives is known only after the barrier if it comes from replies.
    fn act(&mut self, action: &Action, asked: &mut Asked) -> Result<Option<Value>, Stuck> {
        match action {
            Action::Connect(name, dial) => {
                asked.hidden = Some(*name);
                return self.connect(*name, *dial).map(Some);
            }
            Action::Reconnect(name, dial, resume) => {
                asked.hidden = Some(*name);
                return self.reconnect(*name, *dial, *resume).map(Some);
            }
            Action::Drop(name) => self.disconnect(*name)?,
            Action::Expire(name) => {
                asked.dying = Some(*name);
                if let Some(client) = self.clients.get(name) {
                    self.stage.expire(client.session);
                }
            }
            Action::Reap(wait) => {
                self.stage.sleep(*wait);
                self.stage.reap();
            }
            Action::Sleep(span) => self.stage.sleep(*span),
            Action::Overwrite(path, counter, value) => {
                self.stage.overwrite(path, *counter, *value);
            }
            Action::Request(name, request) => {
                return self.send(*name, std::slice::from_ref(request), asked);
            }
            Action::Pipeline(name, requests) => {
                asked.is_pipeline = true;
                return self.send(*name, requests, asked);
            }
        }
        Ok(Some(json!({"err": "ok"})))
    }

    // ----- connections

    /// The server with this index, counted over however many there are.
    fn server(&self, index: u32) -> NodeId {
        let index = index % u32::from(self.stage.server_count());
        NodeId(u16::try_from(index).expect("less than the number of servers") + 1)
    }

    fn disconnect(&mut self, name: Name) -> Result<(), Stuck> {
        let socket = self
            .clients
            .get_mut(&name)
            .and_then(|client| client.socket.take());
        match socket {
            Some(socket) => self.stage.hang_up(socket),
            None => Ok(()),
        }
    }

    /// Opens a new session for a client, then a sync.
    fn connect(&mut self, name: Name, dial: Dial) -> Result<Value, Stuck> {
        self.disconnect(name)?;
        let server = self.server(dial.server.unwrap_or(name.0));
        let hello = ToServer::Connect {
            last_zxid_seen: dial
                .last_zxid
                .map_or(Zxid::ZERO, |seen| self.zxids.absolute(seen)),
            timeout_ms: dial.timeout_ms,
            session: SessionId::NONE,
            password: 0,
        };
        let (socket, answer) = self.greet(server, hello)?;
        let Some(client) = answer else {
            self.clients
                .entry(name)
                .or_insert_with(|| Client::nobody(server));
            return Ok(json!({"err": "refused"}));
        };
        let timeout_ms = client.timeout_ms;
        self.owners.insert(client.session.0, name);
        self.clients.insert(
            name,
            Client {
                socket: Some(socket),
                server,
                ..client
            },
        );
        let number = self.ask(name, &Request::Sync { path: "/".into() });
        self.wait_for_reply(name, number)?;
        self.stage.settle()?;
        let zxid = self.zxids.relative(self.stage.last());
        Ok(json!({"err": "ok", "timeout": timeout_ms, "z": zxid}))
    }

    /// Resumes a client's session on a new connection.
    fn reconnect(&mut self, name: Name, dial: Dial, resume: Resume) -> Result<Value, Stuck> {
        if !resume.keeps_connection {
            self.disconnect(name)?;
        }
        let server = self.server(dial.server.unwrap_or(name.0));
        let client = self
            .clients
            .get_mut(&name)
            .expect("checked when the script was read");
        client.socket = None;
        let hello = ToServer::Connect {
            last_zxid_seen: dial
                .last_zxid
                .map_or(client.seen, |seen| self.zxids.absolute(seen)),
            timeout_ms: dial.timeout_ms,
            session: client.session,
            password: client.password ^ u64::from(!resume.is_password_right),
        };
        self.resume(name, server, hello)
    }

    /// Says hello on a new connection for a session that exists.
    pub(super) fn resume(
        &mut self,
        name: Name,
        server: NodeId,
        hello: ToServer,
    ) -> Result<Value, Stuck> {
        let (socket, answer) = self.greet(server, hello)?;
        let Some(answer) = answer else {
            return Ok(json!({"err": "refused"}));
        };
        if answer.session == SessionId::NONE {
            return Ok(json!({"err": "SessionExpired", "timeout": answer.timeout_ms}));
        }
        let client = self
            .clients
            .get_mut(&name)
            .expect("checked when the script was read");
        client.socket = Some(socket);
        client.server = server;
        client.timeout_ms = answer.timeout_ms;
        client.auths.clear();
        Ok(json!({"err": "ok", "timeout": answer.timeout_ms}))
    }

    /// Connects and waits for the server's answer; `None` = it closed the connection instead.
    fn greet(
        &mut self,
        server: NodeId,
        hello: ToServer,
    ) -> Result<(Socket, Option<Client>), Stuck> {
        let from = self.stage.heard().len();
        let socket = self.stage.dial(server, hello);
        let first = |stage: &Stage| {
            let mut heard = stage.heard()[from..].iter();
            heard
                .find(|(on, _)| *on == socket)
                .map(|(_, what)| what.clone())
        };
        self.stage.wait(|stage| first(stage).is_some())?;
        let answer = match first(&self.stage) {
            Some(Heard::Message(ToClient::Connected {
                session,
                password,
                timeout_ms,
            })) => Some(Client {
                session,
                password,
                timeout_ms,
                ..Client::nobody(server)
            }),
            Some(Heard::Message(_) | Heard::Ended) | None => None,
        };
        Ok((socket, answer))
    }

    // ----- requests

    /// Sends one request that belongs to no step; gives its number.
    pub(super) fn ask(&mut self, name: Name, request: &Request) -> i32 {
        let client = self
            .clients
            .get_mut(&name)
            .expect("the caller's client exists");
        let (number, message) = client.number(request.clone());
        if let Some(socket) = client.socket {
            self.stage.say(socket, vec![message]);
        }
        number
    }

    /// Goes on until a request is answered or its connection has ended.
    pub(super) fn wait_for_reply(&mut self, name: Name, number: i32) -> Result<(), Stuck> {
        let from = self.shown;
        let Some(socket) = self.clients.get(&name).and_then(|client| client.socket) else {
            return Ok(());
        };
        self.stage.wait(|stage| {
            let heard = &stage.heard()[from..];
            answers(heard, socket, number) > 0 || has_ended(heard, socket)
        })
    }

    /// Sends a step's requests in one write and goes on until all are answered or the connection has ended.
    fn send(
        &mut self,
        name: Name,
        requests: &[Request],
        asked: &mut Asked,
    ) -> Result<Option<Value>, Stuck> {
        let zxids = &self.zxids;
        let client = self
            .clients
            .get_mut(&name)
            .expect("checked when the script was read");
        let Some(socket) = client.socket else {
            return Ok(Some(json!({"err": "notConnected"})));
        };
        let mut numbered = Vec::new();
        let mut messages = Vec::new();
        for request in requests {
            let mut request = request.clone();
            if let Request::SetWatches(lists) = &mut request {
                lists.relative_zxid = zxids.absolute(lists.relative_zxid.0);
            }
            let (number, message) = client.number(request.clone());
            numbered.push((number, request));
            messages.push(message);
        }
        let from = self.stage.heard().len();
        asked.sent_at = from;
        self.stage.say(socket, messages);
        let wanted = numbered.len();
        asked.requests = Some((name, numbered));
        self.stage.wait(|stage| {
            let heard = &stage.heard()[from..];
            let replies = heard.iter().filter(|(on, what)| {
                *on == socket && matches!(what, Heard::Message(ToClient::Reply { .. }))
            });
            replies.count() >= wanted || has_ended(heard, socket)
        })?;
        Ok(None)
    }

    /// Lets everything happen that has been caused: the servers settle, then each connection answers once more, so that
    /// whatever was sent before has arrived.
    pub(super) fn barrier(&mut self) -> Result<(), Stuck> {
        self.stage.settle()?;
        let from = self.stage.heard().len();
        let is_alone = self.stage.server_count() == 1;
        let mut awaited = Vec::new();
        for client in self.clients.values_mut() {
            let Some(socket) = client.socket else {
                continue;
            };
            let (number, message) = if is_alone {
                (None, ToServer::Ping)
            } else {
                let (number, message) = client.number(Request::Sync { path: "/".into() });
                (Some(number), message)
            };
            self.stage.say(socket, vec![message]);
            awaited.push((socket, number));
        }
        // A connection that has ended before is in no hurry to say so again.
        let since = self.shown;
        self.stage.wait(|stage| {
            let heard = stage.heard();
            awaited.iter().all(|(socket, number)| {
                let answered = match number {
                    Some(number) => answers(&heard[from..], *socket, *number) > 0,
                    None => heard[from..]
                        .iter()
                        .any(|(on, what)| on == socket && is_pong(what)),
                };
                answered || has_ended(&heard[since..], *socket)
            })
        })
    }

    // ----- what was received

    /// Takes what was heard since the last step: shows it per client and keeps the replies to this step's requests.
    fn receive(&mut self, asked: &mut Asked) -> Value {
        let first = self.shown;
        let heard: Vec<(Socket, Heard)> = self.stage.heard()[first..].to_vec();
        self.shown += heard.len();
        let mut received: Map<String, Value> = Map::new();
        for (index, (socket, what)) in heard.into_iter().enumerate() {
            let owner = |(_, client): &(&Name, &Client)| client.socket == Some(socket);
            let Some(name) = self.clients.iter().find(owner).map(|(name, _)| *name) else {
                continue;
            };
            let shown = match what {
                Heard::Ended => {
                    self.clients.get_mut(&name).expect("just found").socket = None;
                    Some(json!("closed"))
                }
                Heard::Message(message) => {
                    // A reply that came before the step's own requests is to something else.
                    asked.is_sent = first + index >= asked.sent_at;
                    self.hear(name, &message, asked)
                }
            };
            if let Some(shown) = shown
                && asked.hidden != Some(name)
            {
                let list = received
                    .entry(name.to_string())
                    .or_insert_with(|| json!([]));
                list.as_array_mut().expect("a list").push(shown);
            }
        }
        Value::Object(received)
    }

    /// One message for a client, as the script shows it, if it does.
    fn hear(&mut self, name: Name, message: &ToClient, asked: &mut Asked) -> Option<Value> {
        match message {
            ToClient::Connected { .. } | ToClient::Pong { .. } => None,
            ToClient::Event(event) => {
                let shown = self.shower(&|_| Value::Null).event(event);
                (asked.dying != Some(name)).then_some(shown)
            }
            ToClient::Reply { xid, zxid, result } => {
                if let Some(zxid) = zxid.filter(|zxid| *zxid > Zxid::ZERO) {
                    let client = self.clients.get_mut(&name).expect("it has just heard");
                    client.seen = self.zxids.last_transaction(zxid);
                }
                self.hear_reply(name, *xid, (*zxid, result), asked)
            }
        }
    }

    fn hear_reply(
        &mut self,
        name: Name,
        number: i32,
        (zxid, result): (Option<Zxid>, &Result<Response, ErrorCode>),
        asked: &mut Asked,
    ) -> Option<Value> {
        let (client, requests) = asked.requests.as_ref().filter(|_| asked.is_sent)?;
        let open = |index: &usize| !asked.replies.contains_key(index);
        let index = (0..requests.len())
            .filter(open)
            .find(|index| *client == name && requests[*index].0 == number)?;
        let request = &requests[index].1;
        let owner = |session: u64| {
            let name = self.owners.get(&session);
            name.map_or_else(|| json!(session), |name| json!(name.to_string()))
        };
        let reply = self.shower(&owner).reply(request, zxid, result);
        asked.replies.insert(index, reply);
        if result.is_ok() && matches!(request, Request::Auth { .. }) {
            let client = self.clients.get_mut(&name).expect("it has just heard");
            client.auths.push(request.clone());
        }
        Some(if asked.is_pipeline {
            json!(format!("R{index}"))
        } else {
            json!("R")
        })
    }

    fn shower<'a>(&'a self, owner: &'a dyn Fn(u64) -> Value) -> Shower<'a> {
        Shower {
            root: self.root,
            zxids: &self.zxids,
            owner,
        }
    }
}

impl Asked {
    /// The outcome of the step's requests.
    fn outcome(&self) -> Value {
        let count = self
            .requests
            .as_ref()
            .map_or(0, |(_, requests)| requests.len());
        let closed = || json!({"err": "closed"});
        let one = |index: usize| self.replies.get(&index).cloned().unwrap_or_else(closed);
        if self.is_pipeline {
            (0..count).map(one).collect()
        } else {
            one(0)
        }
    }
}

impl Client {
    /// A client whose first connection was refused.
    fn nobody(server: NodeId) -> Self {
        Self {
            session: SessionId::NONE,
            password: 0,
            timeout_ms: 0,
            seen: Zxid::ZERO,
            socket: None,
            server,
            auths: Vec::new(),
            next_xid: 1,
        }
    }

    /// Gives a request its number on the wire.
    fn number(&mut self, request: Request) -> (i32, ToServer) {
        let number = if matches!(request, Request::Auth { .. }) {
            xid::AUTH
        } else if matches!(request, Request::SetWatches(_)) {
            xid::SET_WATCHES
        } else {
            self.next_xid += 1;
            self.next_xid - 1
        };
        let message = ToServer::Request {
            xid: number,
            request: request.into(),
        };
        (number, message)
    }
}

/// How many replies with this number a socket has heard.
fn answers(heard: &[(Socket, Heard)], socket: Socket, number: i32) -> usize {
    let is_answer = |(on, what): &&(Socket, Heard)| {
        *on == socket
            && matches!(what, Heard::Message(ToClient::Reply { xid, .. }) if *xid == number)
    };
    heard.iter().filter(is_answer).count()
}

fn has_ended(heard: &[(Socket, Heard)], socket: Socket) -> bool {
    heard
        .iter()
        .any(|(on, what)| *on == socket && *what == Heard::Ended)
}

fn is_pong(what: &Heard) -> bool {
    matches!(what, Heard::Message(ToClient::Pong { .. }))
}
