//! The commands of a stepping session: one line each.

use crate::base::id::{NodeId, ServerId};
use crate::sim::fault::{Direction, Fault, Form, Target, Unsynced};

/// What `help` says.
pub(super) const HELP: &str = "\
step [N]         go on by one event, or by N (also: s, or an empty line on a terminal)
back [N]         go back (also: b)
next WHAT        to the next message, vote, election, proposal, commit, reply, watch, crash, fault or violation (also: n)
previous WHAT    the same backwards (also: p)
go EVENT         to an event; also: go start, go end
why [EVENT]      what led to this event, or to another (also: w)
state [SERVER]   where the servers stand after this event (also: st)
crash SERVER     what if this server's process died here? The run goes on with it, and you with the changed run
power SERVER     the same with the power: what was not forced is lost
pause SERVER     the same standing still
cut SERVER       the same cut off from all others and from clients
difference       how the changed run differs from the original (also: d)
original         back to the original run
help, quit
";

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// An empty line.
    Nothing,
    Help,
    Quit,
    Step(u64),
    Back(u64),
    Next(Kind),
    Previous(Kind),
    Go(u64),
    /// Of this event, or of the one here.
    Why(Option<u64>),
    State(Option<ServerId>),
    Harm(Harm, ServerId),
    Difference,
    Original,
}

/// What can be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message arrives that is no ping.
    Message,
    /// A server votes.
    Vote,
    /// A leader is established.
    Election,
    /// A leader proposes.
    Proposal,
    /// A leader commits.
    Commit,
    /// A client is answered, or learns that it will not be.
    Reply,
    /// A client is told of a change it watches for.
    Watch,
    /// A server or a client dies.
    Crash,
    /// A fault begins or is over.
    Fault,
    /// A property is broken.
    Violation,
}

impl Kind {
    const ALL: [(&'static str, Self); 10] = [
        ("message", Self::Message),
        ("vote", Self::Vote),
        ("election", Self::Election),
        ("proposal", Self::Proposal),
        ("commit", Self::Commit),
        ("reply", Self::Reply),
        ("watch", Self::Watch),
        ("crash", Self::Crash),
        ("fault", Self::Fault),
        ("violation", Self::Violation),
    ];

    /// Its name in commands.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.expect("every kind has a name").0
    }
}

/// What can be done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    Crash,
    Power,
    Pause,
    Cut,
}

impl Harm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Power => "power loss of",
            Self::Pause => "pause",
            Self::Cut => "cut off",
        }
    }

    pub(super) fn fault(self, node: NodeId) -> Fault {
        let target = Target::Node(node);
        match self {
            Self::Crash => Fault::Crash {
                target,
                unsynced: Unsynced::Kill,
            },
            Self::Power => Fault::Crash {
                target,
                unsynced: Unsynced::PowerLost,
            },
            Self::Pause => Fault::Pause { target },
            Self::Cut => Fault::Isolate {
                target,
                direction: Direction::Both,
                clients: true,
                form: Form::Silent,
            },
        }
    }
}

/// Reads a line.
pub(super) fn read(line: &str) -> Result<Command, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((name, rest)) = words.split_first() else {
        return Ok(Command::Nothing);
    };
    let argument = match rest {
        [] => None,
        [argument] => Some(*argument),
        [_, more, ..] => {
            return Err(format!(
                "{name} takes one word at most, and {more:?} is one more"
            ));
        }
    };
    let command = match (*name, argument) {
        ("help" | "h" | "?", None) => Command::Help,
        ("quit" | "q" | "exit", None) => Command::Quit,
        ("difference" | "diff" | "d", None) => Command::Difference,
        ("original" | "o", None) => Command::Original,
        ("step" | "s", count) => Command::Step(count_of(name, count)?),
        ("back" | "b", count) => Command::Back(count_of(name, count)?),
        ("next" | "n", kind) => Command::Next(kind_of(name, kind)?),
        ("previous" | "p", kind) => Command::Previous(kind_of(name, kind)?),
        ("go" | "g", Some("start")) => Command::Go(0),
        ("go" | "g", Some("end")) => Command::Go(u64::MAX),
        ("go" | "g", Some(event)) => Command::Go(event_of(event)?),
        ("go" | "g", None) => return Err("go where? an event's number, start or end".to_owned()),
        ("why" | "w", event) => Command::Why(event.map(event_of).transpose()?),
        ("state" | "st", server) => Command::State(server.map(server_of).transpose()?),
        ("crash", server) => Command::Harm(Harm::Crash, expected(name, server)?),
        ("power", server) => Command::Harm(Harm::Power, expected(name, server)?),
        ("pause", server) => Command::Harm(Harm::Pause, expected(name, server)?),
        ("cut", server) => Command::Harm(Harm::Cut, expected(name, server)?),
        (
            "help" | "h" | "?" | "quit" | "q" | "exit" | "difference" | "diff" | "d" | "original"
            | "o",
            Some(_),
        ) => {
            return Err(format!("{name} stands alone"));
        }
        _ => return Err(format!("there is no command {name:?}; help lists them")),
    };
    Ok(command)
}

fn count_of(name: &str, count: Option<&str>) -> Result<u64, String> {
    match count.map(str::parse) {
        None => Ok(1),
        Some(Ok(count)) if count > 0 => Ok(count),
        Some(_) => Err(format!(
            "{name} takes a number of events, 1 or more, and {:?} is none",
            count.unwrap_or_default()
        )),
    }
}

fn kind_of(name: &str, kind: Option<&str>) -> Result<Kind, String> {
    let found = Kind::ALL.iter().find(|(known, _)| Some(*known) == kind);
    let names = || Kind::ALL.map(|(known, _)| known).join(", ");
    match (found, kind) {
        (Some((_, kind)), _) => Ok(*kind),
        (None, Some(kind)) => Err(format!(
            "{name} {kind:?} is not known; there are {}",
            names()
        )),
        (None, None) => Err(format!("{name} what? one of {}", names())),
    }
}

fn event_of(event: &str) -> Result<u64, String> {
    let number = event.parse();
    number.map_err(|_| format!("{event:?} is no event's number"))
}

fn server_of(server: &str) -> Result<ServerId, String> {
    let number = server.parse().map(ServerId);
    number.map_err(|_| format!("{server:?} is no server's number"))
}

fn expected(name: &str, server: Option<&str>) -> Result<ServerId, String> {
    let server =
        server.ok_or_else(|| format!("{name} which server? its number, as in: {name} 2"))?;
    server_of(server)
}
