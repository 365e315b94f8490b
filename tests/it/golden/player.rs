//! Plays a vector on one tree: a server of one, reduced to what the tree leaves to it: sessions, connections, order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use zablab::base::id::SessionId;
use zablab::base::zxid::Zxid;
use zablab::history::op::{ErrorCode, Request, Response};
use zablab::tree::acl::Identities;
use zablab::tree::prep::{Prep, QuotaRule};
use zablab::tree::read::answer;
use zablab::tree::store::{Counter, Tree};
use zablab::tree::txn::Txn;
use zablab::tree::watch::{Watcher, Watches};

use super::script::{Frame, Shower, error_name, event, request};

/// Session timeouts are negotiated within these bounds.
const TIMEOUT_MS: (i64, i64) = (200, 120_000);
/// Sessions expire at multiples of the tick.
const TICK_MS: u64 = 2_000;
/// Longest request: `jute.maxbuffer`.
const FRAME_MAX: usize = 0xf_ffff;

/// A client of the script: its handle on a session, and a connection if it has one.
struct Client {
    session: SessionId,
    seen: Zxid,
    connection: Option<Connection>,
}

struct Connection {
    watcher: Watcher,
    identities: Identities,
}

/// A session as the server tracks it.
struct Session {
    client: String,
    timeout_ms: u64,
    touched_ms: u64,
}

/// What a reply needs to be shown.
struct Reply {
    request: Request,
    result: Result<Response, ErrorCode>,
    zxid: Option<Zxid>,
}

pub(super) struct Player {
    tree: Tree,
    prep: Prep,
    watches: Watches,
    clients: BTreeMap<String, Client>,
    sessions: BTreeMap<SessionId, Session>,
    owners: BTreeMap<u64, String>,
    frame: Frame,
    now_ms: u64,
    next_watcher: u64,
    next_session: u64,
    recv: BTreeMap<String, Vec<Value>>,
}

impl Player {
    /// A fresh server with the script's initial sessions open.
    pub(super) fn new(header: &Value) -> Self {
        let mut player = Self {
            tree: Tree::new(),
            prep: Prep::new(),
            watches: Watches::new(),
            clients: BTreeMap::new(),
            sessions: BTreeMap::new(),
            owners: BTreeMap::new(),
            frame: Frame {
                chroot: String::new(),
                base: Zxid::ZERO,
            },
            now_ms: 1_700_000_000_000,
            next_watcher: 0,
            next_session: 0x0100_0000_0000_0000,
            recv: BTreeMap::new(),
        };
        let props = header["props"].as_array().into_iter().flatten();
        for prop in props {
            assert_eq!(
                prop, "-Dzookeeper.enforceQuota=true",
                "a property the player knows"
            );
            player.prep.rules.quota = QuotaRule::Enforced;
        }
        if header["root"] == "plain" {
            let create = json!({"op": "create", "path": "/chroot", "data": ""});
            let request = request(&create, &player.frame);
            player
                .write(SessionId::NONE, &Identities::default(), &request)
                .expect("the chroot is created");
            player.frame.chroot = "/chroot".into();
        }
        for i in 0..header["clients"].as_u64().expect("a number of clients") {
            player.connect(&format!("c{i}"), &json!({}));
        }
        player.frame.base = player.tree.last();
        player
    }

    /// Plays one step; gives `r` and `recv` as the vector would.
    pub(super) fn play(&mut self, step: &Value) -> (Value, Value) {
        self.now_ms += 1;
        self.recv.clear();
        self.touch_connected();
        let client = step["c"].as_str().unwrap_or_default().to_owned();
        let outcome = match step["op"].as_str() {
            Some("connect") => self.connect(&client, step),
            Some("reconnect") => self.reconnect(&client, step),
            Some("drop") => {
                self.disconnect(&client);
                json!({"err": "ok"})
            }
            Some("expire") => {
                self.expire(self.clients[&client].session);
                json!({"err": "ok"})
            }
            Some("reap") => self.reap(step),
            Some("sleep") => self.sleep(step),
            Some("ctl") => self.control(step),
            Some("pipeline") => self.pipeline(&client, step),
            Some(_) | None => self.single(&client, step),
        };
        (outcome, json!(self.recv))
    }

    /// The barrier after each step is a ping on every connection.
    fn touch_connected(&mut self) {
        for client in self
            .clients
            .values()
            .filter(|client| client.connection.is_some())
        {
            if let Some(session) = self.sessions.get_mut(&client.session) {
                session.touched_ms = self.now_ms;
            }
        }
    }

    fn connect(&mut self, name: &str, step: &Value) -> Value {
        self.disconnect(name);
        if step
            .get("lastZxid")
            .is_some_and(|seen| self.frame.absolute(seen) > self.tree.last())
        {
            return json!({"err": "refused"});
        }
        let timeout_ms = negotiated(step);
        let session = SessionId(self.next_session);
        self.next_session += 1;
        let zxid = self.tree.last().next();
        let millis = u32::try_from(timeout_ms).expect("a short timeout");
        let txn = self.prep.open_session(zxid, session, millis, self.now_ms);
        self.apply(&txn).expect("a session opens");
        assert_eq!(self.tree.session(session), Some(millis));
        self.sessions.insert(
            session,
            Session {
                client: name.into(),
                timeout_ms,
                touched_ms: self.now_ms,
            },
        );
        self.owners.insert(session.0, name.into());
        let connection = self.accept();
        let client = Client {
            session,
            seen: self.tree.last(),
            connection: Some(connection),
        };
        self.clients.insert(name.into(), client);
        json!({"err": "ok", "timeout": timeout_ms, "z": self.frame.relative(self.tree.last())})
    }

    fn reconnect(&mut self, name: &str, step: &Value) -> Value {
        self.disconnect(name);
        let client = &self.clients[name];
        let (session, seen) = (client.session, client.seen);
        let seen = step
            .get("lastZxid")
            .map_or(seen, |seen| self.frame.absolute(seen));
        if seen > self.tree.last() {
            return json!({"err": "refused"});
        }
        let bad_password = step["badpw"].as_bool().unwrap_or(false);
        if bad_password || self.tree.session(session).is_none() {
            return json!({"err": "SessionExpired", "timeout": 0});
        }
        let timeout_ms = negotiated(step);
        let tracked = self
            .sessions
            .get_mut(&session)
            .expect("a living session is tracked");
        tracked.timeout_ms = timeout_ms;
        tracked.touched_ms = self.now_ms;
        let connection = self.accept();
        self.clients
            .get_mut(name)
            .expect("a known client")
            .connection = Some(connection);
        json!({"err": "ok", "timeout": timeout_ms})
    }

    fn accept(&mut self) -> Connection {
        self.next_watcher += 1;
        Connection {
            watcher: Watcher(self.next_watcher),
            identities: Identities::from_address("127.0.0.1"),
        }
    }

    fn disconnect(&mut self, name: &str) {
        let client = self.clients.get_mut(name);
        if let Some(connection) = client.and_then(|client| client.connection.take()) {
            self.watches.forget(connection.watcher);
        }
    }

    /// The server closes a connection.
    fn close(&mut self, name: &str) {
        self.disconnect(name);
        self.received(name, json!("closed"));
    }

    fn received(&mut self, name: &str, what: Value) {
        self.recv.entry(name.into()).or_default().push(what);
    }

    fn expire(&mut self, session: SessionId) {
        let owner = self
            .sessions
            .get(&session)
            .map(|session| session.client.clone());
        // What the expired client's own dying connection still hears is a race.
        if let Some(name) = owner
            && self.clients[&name].session == session
            && self.clients[&name].connection.is_some()
        {
            self.close(&name);
        }
        let zxid = self.tree.last().next();
        let txn = self
            .prep
            .close_session(&self.tree, zxid, session, 0, self.now_ms);
        self.apply(&txn).expect("a session closes");
        self.sessions.remove(&session);
    }

    fn reap(&mut self, step: &Value) -> Value {
        self.now_ms += millis(&step["wait"]);
        for path in self.tree.reapable(self.now_ms) {
            let request = Request::DeleteContainer { path };
            self.write(SessionId::NONE, &Identities::default(), &request)
                .expect("a due znode goes");
        }
        json!({"err": "ok"})
    }

    fn sleep(&mut self, step: &Value) -> Value {
        self.now_ms += millis(&step["s"]);
        let deadline =
            |session: &Session| (session.touched_ms + session.timeout_ms).next_multiple_of(TICK_MS);
        let late = self
            .sessions
            .iter()
            .filter(|(_, session)| deadline(session) <= self.now_ms);
        let late: Vec<SessionId> = late.map(|(id, _)| *id).collect();
        for session in late {
            self.expire(session);
        }
        json!({"err": "ok"})
    }

    fn control(&mut self, step: &Value) -> Value {
        let counter = match step["what"].as_str() {
            Some("setver") => Counter::Version,
            Some("setcver") => Counter::Cversion,
            Some("setaver") => Counter::Aversion,
            other => panic!("unknown control {other:?}"),
        };
        let path = self.frame.path(step["path"].as_str().expect("a path"));
        let value = step["value"]
            .as_i64()
            .and_then(|value| i32::try_from(value).ok())
            .expect("an int");
        self.tree.overwrite_counter(&path, counter, value);
        json!({"err": "ok"})
    }

    fn single(&mut self, name: &str, step: &Value) -> Value {
        if self.clients[name].connection.is_none() {
            return json!({"err": "notConnected"});
        }
        let request = request(step, &self.frame);
        if length(&request) > FRAME_MAX || request == (Request::Raw { opcode: 102 }) {
            self.close(name);
            return json!({"err": "closed"});
        }
        let reply = self.ask(name, request, "R");
        self.show(&reply)
    }

    /// Every write of a pipeline is prepared before the first is applied: the leader may be that far ahead.
    fn pipeline(&mut self, name: &str, step: &Value) -> Value {
        let operations = step["ops"].as_array().expect("a list of operations");
        let requests: Vec<Request> = operations
            .iter()
            .map(|op| request(op, &self.frame))
            .collect();
        let session = self.clients[name].session;
        let identities = self.connection(name).identities.clone();
        let mut zxid = self.tree.last();
        let mut prepared = Vec::new();
        for request in &requests {
            prepared.push(request.is_write().then(|| {
                zxid = zxid.next();
                self.prep.prepare(
                    &self.tree,
                    zxid,
                    session,
                    0,
                    self.now_ms,
                    request,
                    &identities,
                )
            }));
        }
        let mut outcomes = Vec::new();
        for (i, (request, txn)) in requests.into_iter().zip(prepared).enumerate() {
            let mark = format!("R{i}");
            let reply = match txn {
                Some(txn) => self.commit(name, request, &txn, &mark),
                None => self.ask(name, request, &mark),
            };
            outcomes.push(self.show(&reply));
        }
        Value::Array(outcomes)
    }

    fn connection(&self, name: &str) -> &Connection {
        self.clients[name]
            .connection
            .as_ref()
            .expect("a connected client")
    }

    /// Serves one request of a connected client, reply and all.
    fn ask(&mut self, name: &str, request: Request, mark: &str) -> Reply {
        if request.is_write() {
            let session = self.clients[name].session;
            let identities = self.connection(name).identities.clone();
            let zxid = self.tree.last().next();
            let txn = self.prep.prepare(
                &self.tree,
                zxid,
                session,
                0,
                self.now_ms,
                &request,
                &identities,
            );
            return self.commit(name, request, &txn, mark);
        }
        if let Request::Auth { scheme, auth } = &request {
            let connection = self
                .clients
                .get_mut(name)
                .and_then(|client| client.connection.as_mut());
            let result = connection
                .expect("a connected client")
                .identities
                .authenticate(scheme, auth);
            self.received(name, json!(mark));
            if result.is_err() {
                self.close(name);
            }
            return Reply {
                request,
                result: result.map(|()| Response::Empty),
                zxid: Some(Zxid::ZERO),
            };
        }
        let client = &self.clients[name];
        let connection = client.connection.as_ref().expect("a connected client");
        let (watcher, ids) = (connection.watcher, &connection.identities);
        let given = answer(
            &self.tree,
            &mut self.watches,
            watcher,
            client.session,
            ids,
            &request,
        );
        for early in given.events {
            self.received(name, event(&early, &self.frame));
        }
        self.received(name, json!(mark));
        let unknown = given.result == Err(ErrorCode::Unimplemented);
        if unknown {
            self.close(name);
        }
        self.reply(name, request, given.result, unknown)
    }

    fn commit(&mut self, name: &str, request: Request, txn: &Txn, mark: &str) -> Reply {
        let closing = request == Request::CloseSession;
        let result = self.apply(txn);
        self.received(name, json!(mark));
        if closing {
            let session = self.clients[name].session;
            self.sessions.remove(&session);
            self.close(name);
        }
        self.reply(name, request, result, false)
    }

    fn reply(
        &mut self,
        name: &str,
        request: Request,
        result: Result<Response, ErrorCode>,
        unknown: bool,
    ) -> Reply {
        let last = self.tree.last();
        if !unknown {
            self.clients.get_mut(name).expect("a known client").seen = last;
        }
        Reply {
            request,
            result,
            zxid: (!unknown).then_some(last),
        }
    }

    fn write(
        &mut self,
        session: SessionId,
        identities: &Identities,
        request: &Request,
    ) -> Result<Response, ErrorCode> {
        let zxid = self.tree.last().next();
        let txn = self.prep.prepare(
            &self.tree,
            zxid,
            session,
            0,
            self.now_ms,
            request,
            identities,
        );
        self.apply(&txn)
    }

    /// Applies a transaction and delivers its events.
    fn apply(&mut self, txn: &Txn) -> Result<Response, ErrorCode> {
        let applied = self.tree.apply(txn);
        self.prep.applied(txn.zxid);
        assert_eq!(self.tree.last(), txn.zxid);
        let connections: BTreeMap<Watcher, (&String, &Identities)> = self
            .clients
            .iter()
            .filter_map(|(name, client)| Some((name, client.connection.as_ref()?)))
            .map(|(name, connection)| (connection.watcher, (name, &connection.identities)))
            .collect();
        let identities = |watcher| connections.get(&watcher).map(|(_, identities)| *identities);
        let events = self.watches.fire(&applied.triggers, identities);
        let heard: Vec<(String, Value)> = events
            .iter()
            .map(|(watcher, fired)| (connections[watcher].0.clone(), event(fired, &self.frame)))
            .collect();
        for (name, shown) in heard {
            self.received(&name, shown);
        }
        applied.result
    }

    fn show(&self, reply: &Reply) -> Value {
        let owner = |session: u64| self.owners[&session].clone();
        let shower = Shower {
            frame: &self.frame,
            owner: &owner,
        };
        let mut fields: Map<String, Value> = shower.reply(&reply.request, &reply.result);
        let is_auth = matches!(reply.request, Request::Auth { .. });
        let zxid = match reply.zxid {
            None => json!(-1),
            Some(_) if is_auth => json!(0),
            Some(zxid) => json!(self.frame.relative(zxid)),
        };
        fields.insert("z".into(), zxid);
        assert_ne!(fields["err"], error_name(ErrorCode::SystemError));
        Value::Object(fields)
    }
}

fn negotiated(step: &Value) -> u64 {
    let asked = step["timeout"].as_i64().unwrap_or(60_000);
    asked.clamp(TIMEOUT_MS.0, TIMEOUT_MS.1).unsigned_abs()
}

/// Seconds with at most one decimal, as milliseconds.
fn millis(seconds: &Value) -> u64 {
    let text = if seconds.is_null() {
        "0".into()
    } else {
        seconds.to_string()
    };
    let (whole, tenths) = text.split_once('.').unwrap_or((&text, "0"));
    assert_eq!(tenths.len(), 1, "{text} has one decimal");
    whole.parse::<u64>().expect("seconds") * 1000 + tenths.parse::<u64>().expect("tenths") * 100
}

/// Bytes of a request's frame; only setData ever gets near the limit.
fn length(request: &Request) -> usize {
    if let Request::SetData { path, data, .. } = request {
        let header = 8;
        let data = data.as_ref().map_or(0, |data| data.len());
        header + 4 + path.len() + 4 + data + 4
    } else {
        0
    }
}
