//! The steps of a run: one line per fact, one column per server with its state after that fact.
//!
//! ```text
//!       time     event   1        2        3         fact
//!    1.211 s     15991   L2 1:7*  F2 1:6   down      1 commits 1:7, acknowledged by {1,2}
//! ```
//! A column shows the role (L leading, F following, O observing, ? looking), the epoch it serves in, and the last
//! transaction in the server's log; a star marks whom the fact is about.

use std::fmt::Write;

use super::phrase::{self, Whom};
use super::text::Grouped;
use crate::base::id::ServerId;
use crate::base::zxid::Zxid;
use crate::cast::Witness;
use crate::experiment::scenario::plan::Roster;
use crate::history::fact::{Fact, Role};
use crate::sim::fault::Planned;
use crate::sim::sink::Stamp;

/// The events whose facts are shown, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
}

/// Renders the facts of a window.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    window: Window,
    plan: &'a [Planned],
    roster: Roster,
    servers: Vec<Column>,
    lines: Vec<Step>,
    skipped: u64,
}

/// One line, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where in the run.
    pub at: Stamp,
    /// Every server's state after it.
    pub columns: Vec<String>,
    /// Whom it is about: an index into `columns`.
    pub actor: Option<usize>,
    /// What happened.
    pub text: String,
}

/// What is shown of a server.
#[derive(Clone, Copy, Debug)]
struct Column {
    state: State,
    last: Zxid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Down,
    Booting,
    Looking,
    Serving(Role, u32),
}

/// Lines kept at most: a window that is too wide would fill the memory.
const MOST: usize = 100_000;

/// Least width of a server's column.
const WIDTH: usize = 8;

impl<'a> Steps<'a> {
    /// A renderer of these events.
    pub fn new(window: Window, plan: &'a [Planned], roster: Roster) -> Self {
        let server = Column {
            state: State::Down,
            last: Zxid::ZERO,
        };
        Self {
            window,
            plan,
            roster,
            servers: vec![server; usize::from(roster.servers())],
            lines: Vec::new(),
            skipped: 0,
        }
    }

    /// The lines, in order.
    pub fn lines(&self) -> &[Step] {
        &self.lines
    }

    /// The table as text.
    pub fn table(&self) -> String {
        let mut text = format!("{:>11}  {:>10}  ", "time", "event");
        let widest = self
            .lines
            .iter()
            .flat_map(|step| &step.columns)
            .map(String::len);
        let width = widest.max().unwrap_or(0).max(WIDTH) + 2;
        for number in 1..=self.servers.len() {
            write!(text, "{number:<width$}").expect("a string takes any text");
        }
        text.push_str("fact\n");
        for step in &self.lines {
            let time = step.at.time.to_string();
            let event = Grouped(step.at.event.0);
            write!(text, "{time:>11}  {event:>10}  ").expect("a string takes any text");
            for (index, column) in step.columns.iter().enumerate() {
                let star = if step.actor == Some(index) { "*" } else { "" };
                let cell = format!("{column}{star}");
                write!(text, "{cell:<width$}").expect("a string takes any text");
            }
            text.push_str(&step.text);
            text.push('\n');
        }
        if self.skipped > 0 {
            writeln!(
                text,
                "… {} more facts; narrow --from and --to",
                self.skipped
            )
            .expect("a string takes any text");
        }
        text
    }

    fn column(&mut self, server: ServerId) -> &mut Column {
        &mut self.servers[usize::from(server.0) - 1]
    }

    /// Keeps the columns up to date.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most facts change nothing that a column shows"
    )]
    fn follow(&mut self, fact: &Fact) {
        match fact {
            Fact::ServerCrashed { server, .. } | Fact::BootRefused { server, .. } => {
                self.column(*server).state = State::Down;
            }
            Fact::Booted {
                server, lineage, ..
            } => {
                let column = self.column(*server);
                column.state = State::Booting;
                column.last = lineage.last;
            }
            Fact::Voted { server, .. } | Fact::RoleEnd { server, .. } => {
                self.column(*server).state = State::Looking;
            }
            Fact::ServeStart {
                server,
                role,
                epoch,
                ..
            } => self.column(*server).state = State::Serving(*role, epoch.0),
            Fact::Switched {
                server, lineage, ..
            }
            | Fact::BootDropped { server, lineage }
            | Fact::DiskTruncated { server, lineage }
            | Fact::LeadStarted { server, lineage } => self.column(*server).last = lineage.last,
            Fact::Appended { server, zxid, .. } => self.column(*server).last = *zxid,
            _ => {}
        }
    }
}

impl Column {
    fn show(self) -> String {
        let last = self.last;
        match self.state {
            State::Down => "down".to_owned(),
            State::Booting => format!(". {last}"),
            State::Looking => format!("? {last}"),
            State::Serving(Role::Leader, epoch) => format!("L{epoch} {last}"),
            State::Serving(Role::Follower, epoch) => format!("F{epoch} {last}"),
            State::Serving(Role::Observer, epoch) => format!("O{epoch} {last}"),
        }
    }
}

impl Witness for Steps<'_> {
    fn witness(&mut self, at: Stamp, fact: &Fact) {
        self.follow(fact);
        if at.event.0 < self.window.from || at.event.0 > self.window.to {
            return;
        }
        if self.lines.len() >= MOST {
            self.skipped += 1;
            return;
        }
        let (whom, text) = phrase::fact(fact, self.plan, self.roster);
        let (actor, text) = match whom {
            Whom::Server(server) => (Some(usize::from(server.0) - 1), format!("{server} {text}")),
            Whom::Client(client) => (None, format!("{client} {text}")),
            Whom::World => (None, text),
        };
        let columns = self.servers.iter().map(|server| server.show()).collect();
        self.lines.push(Step {
            at,
            columns,
            actor,
            text,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::EventId;
    use crate::base::lineage::Lineage;
    use crate::base::time::Time;
    use crate::base::zxid::Epoch;

    const ROSTER: Roster = Roster {
        voters: 2,
        observers: 0,
        clients: 1,
    };

    fn show(window: Window, facts: &[Fact]) -> String {
        let mut steps = Steps::new(window, &[], ROSTER);
        for (index, fact) in facts.iter().enumerate() {
            let event = index as u64 + 1;
            let at = Stamp {
                event: EventId(event),
                time: Time::from_ms(event * 100),
            };
            steps.witness(at, fact);
        }
        steps.table()
    }

    fn life() -> Vec<Fact> {
        let (server, lineage) = (ServerId(2), Lineage::EMPTY);
        let zxid = Zxid::new(Epoch(1), 1);
        vec![
            Fact::Booted {
                server,
                lineage,
                accepted: Epoch(0),
                current: Epoch(0),
            },
            Fact::ServeStart {
                server,
                role: Role::Leader,
                epoch: Epoch(1),
                lineage,
                tree: 0,
            },
            Fact::Appended {
                server,
                zxid,
                digest: 0,
            },
            Fact::ServerCrashed {
                server,
                power: true,
                code: None,
            },
        ]
    }

    #[test]
    fn columns_follow_the_servers_and_a_star_marks_the_actor() {
        let table = show(Window { from: 1, to: 9 }, &life());
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines[0],
            "       time       event  1         2         fact"
        );
        assert!(lines[1].starts_with("    0.100 s           1  down      . 0:0*    2 boots with "));
        assert!(
            lines[2].starts_with("    0.200 s           2  down      L1 0:0*   2 serves as leader")
        );
        assert_eq!(
            lines[3],
            "    0.300 s           3  down      L1 1:1*   2 appends 1:1"
        );
        assert_eq!(
            lines[4],
            "    0.400 s           4  down      down*     2 loses power"
        );
    }

    #[test]
    fn facts_before_the_window_are_followed_but_not_shown() {
        let table = show(Window { from: 3, to: 3 }, &life());
        let lines: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(
            lines,
            ["    0.300 s           3  down      L1 1:1*   2 appends 1:1"]
        );
    }
}
