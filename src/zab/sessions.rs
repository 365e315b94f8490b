//! Sessions on the leader's clock (`SessionTrackerImpl`, `ExpiryQueue`, zab.md §6): who lives, who owns it, who is due.

use std::collections::BTreeMap;

use super::config::Config;
use super::core::Out;
use super::rules::session::{
    OwnerCheck, OwnerMoves, SessionCheck, SessionClock, SessionIds, SessionRules, Takeover,
};
use crate::base::digest::mix;
use crate::base::id::{ServerId, SessionId};
use crate::base::time::{LocalTime, Span};
use crate::history::fact::Fact;
use crate::history::op::ErrorCode;
use crate::sim::process::Cx;
use crate::tree::store::Tree;

/// What the leader knows of one session beyond the replicated table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Tracked {
    deadline: LocalTime,
    /// The server whose requests count as the session's; unknown after a leader change until the first request.
    owner: Option<ServerId>,
    life: Life,
}

/// Whether a session still takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Open,
    /// Its closeSession was submitted.
    Closing,
}

/// The leader's session tracker.
#[derive(Clone, Debug, Hash)]
pub struct Tracker {
    me: ServerId,
    tick: Span,
    rules: SessionRules,
    sessions: BTreeMap<SessionId, Tracked>,
}

impl Tracker {
    /// A tracker at the start of a reign: every session of the table gets its full timeout.
    pub fn new(me: ServerId, config: &Config, tree: &Tree, cx: Cx, out: &mut Out) -> Self {
        let mut tracker = Self {
            me,
            tick: config.tick,
            rules: config.rules.session,
            sessions: BTreeMap::new(),
        };
        let found = tree.sessions();
        match tracker.rules.takeover {
            Takeover::FullTimeout => {
                found.for_each(|(session, ms)| tracker.open(session, ms, None, cx, out));
            }
            Takeover::DueAtOnce => {
                found.for_each(|(session, ms)| tracker.open(session, ms, None, cx, out));
                let now = tracker.clock(cx);
                let all = tracker.sessions.values_mut();
                all.for_each(|tracked| tracked.deadline = now);
            }
            Takeover::Untracked => {}
        }
        tracker
    }

    /// What this server's clock for sessions shows.
    fn clock(&self, cx: Cx) -> LocalTime {
        match self.rules.clock {
            SessionClock::Monotonic => cx.now,
            SessionClock::Wall => LocalTime(Span::from_ms(cx.wall_ms()).0),
        }
    }

    /// A session begins.
    pub fn open(
        &mut self,
        session: SessionId,
        timeout_ms: u32,
        owner: Option<ServerId>,
        cx: Cx,
        out: &mut Out,
    ) {
        let deadline = self.bucket(self.clock(cx), timeout_ms);
        self.sessions.insert(
            session,
            Tracked {
                deadline,
                owner,
                life: Life::Open,
            },
        );
        out.note(Fact::SessionTouched {
            server: self.me,
            session,
            timeout_ms,
            local_ms: cx.now.as_ms(),
        });
    }

    /// Deadlines are rounded up to the next tick, so real expiry comes up to a tick late.
    fn bucket(&self, now: LocalTime, timeout_ms: u32) -> LocalTime {
        let due = now + Span::from_ms(u64::from(timeout_ms));
        LocalTime((due.0 / self.tick.0 + 1) * self.tick.0)
    }

    /// Something was heard of a session; false if it does not live.
    pub fn touch(&mut self, session: SessionId, timeout_ms: u32, cx: Cx, out: &mut Out) -> bool {
        let deadline = self.bucket(self.clock(cx), timeout_ms);
        match self.sessions.get_mut(&session) {
            Some(tracked) if tracked.life == Life::Open => {
                tracked.deadline = deadline;
                out.note(Fact::SessionTouched {
                    server: self.me,
                    session,
                    timeout_ms,
                    local_ms: cx.now.as_ms(),
                });
                true
            }
            Some(_) | None => false,
        }
    }

    /// A server asks whether a session that turned up there lives; if so the server now owns it.
    pub fn revalidate(
        &mut self,
        session: SessionId,
        timeout_ms: u32,
        owner: ServerId,
        cx: Cx,
        out: &mut Out,
    ) -> bool {
        let alive = self.touch(session, timeout_ms, cx, out);
        if alive {
            let tracked = self.sessions.get_mut(&session).expect("just touched");
            match self.rules.moves {
                OwnerMoves::ToNewServer => tracked.owner = Some(owner),
                OwnerMoves::Never => tracked.owner = tracked.owner.or(Some(owner)),
            }
            out.note(Fact::SessionMoved {
                server: self.me,
                session,
                owner,
            });
        }
        alive
    }

    /// Whether a request of this session, come through this server, may be prepared (`checkSession`).
    pub fn check(&mut self, session: SessionId, from: ServerId) -> Result<(), ErrorCode> {
        let life = self.sessions.get(&session).map(|tracked| tracked.life);
        let passes = match self.rules.check {
            SessionCheck::Open => life == Some(Life::Open),
            SessionCheck::OpenOrClosing => life.is_some(),
            SessionCheck::Anybody => true,
        };
        if !passes {
            return Err(ErrorCode::SessionExpired);
        }
        if self.is_others(session, from) {
            return Err(ErrorCode::SessionMoved);
        }
        if let Some(tracked) = self.sessions.get_mut(&session) {
            tracked.owner.get_or_insert(from);
        }
        Ok(())
    }

    /// Whether a session may not ask through this server.
    fn is_others(&self, session: SessionId, server: ServerId) -> bool {
        match self.rules.owner {
            OwnerCheck::Owner => {}
            OwnerCheck::Anyone => return false,
        }
        let owner = self
            .sessions
            .get(&session)
            .and_then(|tracked| tracked.owner);
        owner.is_some_and(|owner| owner != server)
    }

    /// Whether another server than the leader owns this session.
    pub fn is_owned_elsewhere(&self, session: SessionId) -> bool {
        self.is_others(session, self.me)
    }

    /// A session's closeSession is being prepared.
    pub fn close(&mut self, session: SessionId) {
        if let Some(tracked) = self.sessions.get_mut(&session) {
            tracked.life = Life::Closing;
        }
    }

    /// A session's closeSession was applied.
    pub fn forget(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// The sessions whose time is up; they take no more requests.
    pub fn expire(&mut self, cx: Cx, out: &mut Out) -> Vec<SessionId> {
        let now = self.clock(cx);
        let mut due = Vec::new();
        for (session, tracked) in &mut self.sessions {
            if tracked.life == Life::Open && tracked.deadline <= now {
                tracked.life = Life::Closing;
                due.push(*session);
                out.note(Fact::SessionExpiring {
                    server: self.me,
                    session: *session,
                    local_ms: cx.now.as_ms(),
                });
            }
        }
        due
    }
}

/// The password of a session: any server can check it, no client can guess it (`ZooKeeperServer.generatePasswd`).
pub fn password(session: SessionId) -> u64 {
    mix(session.0 ^ 0xb3_41ca_ca7c)
}

/// The first session id of a server that begins to serve at `now` and lives since `born`; `unused` is the first it has not given
/// out yet (`initializeNextSessionId`, K11).
pub fn first_session_id(
    me: ServerId,
    (born, now): (LocalTime, LocalTime),
    unused: u64,
    rule: SessionIds,
) -> u64 {
    let mine = u64::from(me.0) << 56;
    match rule {
        SessionIds::Clock => unused.max(mine | ((now.as_ms() << 24) >> 8) | 1),
        SessionIds::HostClock => mine | (((now.as_ms() - born.as_ms()) << 24) >> 8) | 1,
        SessionIds::One => mine | 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::NodeId;
    use crate::base::rng::{Domain, Key, Seed};
    use crate::sim::process::{Effects, WallClock};

    const SESSION: SessionId = SessionId(7);

    fn tracker() -> (Tracker, Out) {
        let mut out = Effects::default();
        let config = Config::new(3, 0);
        let mut tracker = Tracker::new(ServerId(1), &config, &Tree::new(), ms(0), &mut out);
        tracker.open(SESSION, 1_000, Some(ServerId(2)), ms(0), &mut out);
        (tracker, out)
    }

    fn ms(ms: u64) -> Cx {
        Cx {
            now: LocalTime(ms * 1_000_000),
            wall: WallClock::default(),
            me: NodeId(1),
            key: Key::derive(Seed(1), Domain::Process),
            bucket: 0,
        }
    }

    #[test]
    fn a_session_expires_between_its_timeout_and_a_tick_later() {
        let (mut tracker, mut out) = tracker();
        assert_eq!(tracker.expire(ms(1_000), &mut out), []);
        assert_eq!(tracker.expire(ms(1_200), &mut out), [SESSION]);
    }

    #[test]
    fn a_touch_gives_the_full_timeout_again() {
        let (mut tracker, mut out) = tracker();
        assert!(tracker.touch(SESSION, 1_000, ms(900), &mut out));
        assert_eq!(tracker.expire(ms(1_899), &mut out), []);
        assert_eq!(tracker.expire(ms(2_000), &mut out), [SESSION]);
    }

    #[test]
    fn a_closing_session_takes_no_requests() {
        let (mut tracker, mut out) = tracker();
        tracker.close(SESSION);
        assert_eq!(
            tracker.check(SESSION, ServerId(2)),
            Err(ErrorCode::SessionExpired)
        );
        assert!(!tracker.touch(SESSION, 1_000, ms(1), &mut out));
    }

    #[test]
    fn requests_of_the_former_server_are_refused_after_a_move() {
        let (mut tracker, mut out) = tracker();
        assert_eq!(tracker.check(SESSION, ServerId(2)), Ok(()));
        assert!(tracker.revalidate(SESSION, 1_000, ServerId(3), ms(1), &mut out));
        assert_eq!(
            tracker.check(SESSION, ServerId(2)),
            Err(ErrorCode::SessionMoved)
        );
        assert_eq!(tracker.check(SESSION, ServerId(3)), Ok(()));
    }
}
