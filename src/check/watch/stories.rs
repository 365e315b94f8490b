//! The contradictions of the watch properties, in three rows: what set the watch, what changed, what went wrong
//! (checkers.md §5.5).

use super::connection::{Armed, Fired, Owed};
use super::rearm::List;
use super::triggers::{Mode, Trigger, Triggers};
use crate::base::id::ClientId;
use crate::base::zxid::Zxid;
use crate::check::by_path::PathNumber;
use crate::check::committed::Entry;
use crate::check::verdict::{At, Property, Sentence, Violation};
use crate::check::wording::{self, Witness};
use crate::history::op::{EventKind, WatchEvent};

fn received(at: At, client: ClientId, event: &WatchEvent) -> Sentence {
    Sentence {
        at,
        text: format!("client {} was told {}", client.0, wording::event(event)),
    }
}

fn name(owed: &Owed) -> String {
    let modes: Vec<&str> = owed.hooks.iter().map(|hook| hook.mode.name()).collect();
    format!(
        "{} {} at zxid {} for its {}",
        wording::kind(owed.trigger.kind),
        owed.trigger.path,
        owed.trigger.spot.zxid,
        modes.join(" and ")
    )
}

/// W1: nothing on this connection watched for such an event.
pub(super) fn unwatched(at: At, client: ClientId, event: &WatchEvent) -> Violation {
    wording::violation(
        Property::WatchFilter,
        at,
        "unwatched-event",
        vec![received(at, client, event)],
        format!(
            "no watch of this connection asks for {}",
            wording::event(event)
        ),
    )
}

/// W3: the watch had fired and was not set again.
pub(super) fn fired_twice(
    at: At,
    client: ClientId,
    event: &WatchEvent,
    (mode, fired): (Mode, Fired),
) -> Violation {
    let before = Sentence {
        at: fired.at,
        text: match fired.zxid {
            Some(zxid) => format!(
                "client {}'s {} on {} fired for the change at zxid {zxid}",
                client.0,
                mode.name(),
                event.path
            ),
            None => format!(
                "client {}'s {} on {} fired when it was set again",
                client.0,
                mode.name(),
                event.path
            ),
        },
    };
    wording::violation(
        Property::WatchOnce,
        at,
        "fired-twice",
        vec![before, received(at, client, event)],
        format!(
            "the {} on {} is one-shot and was not set again, yet it fired once more",
            mode.name(),
            event.path
        ),
    )
}

/// W4: the event came, but after a reply that shows its change.
pub(super) fn event_after_data(at: At, owed: &Owed, reply: &Witness) -> Violation {
    wording::violation(
        Property::WatchOrder,
        at,
        "event-after-data",
        vec![
            owed.origin.sentence(),
            owed.trigger.entry.sentence(),
            reply.sentence(),
        ],
        format!("{} came only after that reply", name(owed)),
    )
}

/// W4: events go back.
pub(super) fn events_out_of_order(at: At, event: &WatchEvent, told: Zxid, since: At) -> Violation {
    let before = Sentence {
        at: since,
        text: format!("an event of zxid {told} came on this connection"),
    };
    wording::violation(
        Property::WatchOrder,
        at,
        "events-out-of-order",
        vec![before],
        format!("{} came after it", wording::event(event)),
    )
}

/// W4: a reply is older than an event before it.
pub(super) fn view_behind_event(at: At, reply: &Witness, zxid: Zxid, since: At) -> Violation {
    let before = Sentence {
        at: since,
        text: format!("an event of zxid {zxid} came on this connection"),
    };
    wording::violation(
        Property::WatchOrder,
        at,
        "reply-behind-event",
        vec![before, reply.sentence()],
        format!(
            "{} was answered from a state before that event",
            reply.name()
        ),
    )
}

/// What no change is in a recording that nobody was acknowledged.
pub(super) const NOT_EVEN_LOST: &str = "acknowledged, and none can have been lost";

/// W1: nothing caused the event.
pub(super) fn spurious(
    at: At,
    event: &WatchEvent,
    (mode, armed): (Mode, &Armed),
    cause: Option<&Trigger>,
    source: &str,
) -> Violation {
    let mut evidence = vec![armed.origin.sentence()];
    let (signature, contradiction) = match cause {
        Some(cause) => {
            evidence.push(cause.entry.sentence());
            (
                "change-before-watch",
                format!(
                    "{} tells of a change that its {}, set at zxid {}, does not cover",
                    wording::event(event),
                    mode.name(),
                    armed.since
                ),
            )
        }
        None => (
            "no-such-change",
            format!(
                "{} came, but no such change was {source}",
                wording::event(event)
            ),
        ),
    };
    wording::violation(
        Property::WatchSpurious,
        at,
        signature,
        evidence,
        contradiction,
    )
}

/// W2: a reply shows the change, the event never came.
pub(super) fn lost(at: At, owed: &Owed) -> Violation {
    let mut evidence = vec![owed.origin.sentence(), owed.trigger.entry.sentence()];
    evidence.extend(owed.overdue.iter().map(|(reply, _)| reply.sentence()));
    wording::violation(
        Property::WatchLost,
        at,
        "event-lost",
        evidence,
        format!("the event {} never came", name(owed)),
    )
}

/// W2: the watch told of a later change than the first.
pub(super) fn later_change_told(
    at: At,
    owed: &Owed,
    event: &WatchEvent,
    told: Option<&Trigger>,
) -> Violation {
    let mut evidence = vec![owed.origin.sentence(), owed.trigger.entry.sentence()];
    evidence.extend(told.map(|told| told.entry.sentence()));
    wording::violation(
        Property::WatchLost,
        at,
        "earlier-change-untold",
        evidence,
        format!(
            "{} came, but {} never did",
            wording::event(event),
            name(owed)
        ),
    )
}

/// W3: a lasting watch told of one change twice.
pub(super) fn told_twice(
    at: At,
    client: ClientId,
    event: &WatchEvent,
    (mode, path): (Mode, &str),
    cause: &Trigger,
) -> Violation {
    wording::violation(
        Property::WatchOnce,
        at,
        "told-twice",
        vec![cause.entry.sentence(), received(at, client, event)],
        format!(
            "the {} on {path} had told client {} of that change before",
            mode.name(),
            client.0
        ),
    )
}

/// W7 and W10: an event for a session that is over.
pub(super) fn after_session(
    at: At,
    client: ClientId,
    event: &WatchEvent,
    end: &Entry,
) -> Violation {
    wording::violation(
        Property::WatchSpurious,
        at,
        "event-after-session-end",
        vec![end.sentence(), received(at, client, event)],
        format!(
            "the session had ended at zxid {}, and with it all its watches",
            end.zxid
        ),
    )
}

/// W8: an event of a znode that its receiver may not read.
pub(super) fn told_without_read(at: At, client: ClientId, event: &WatchEvent) -> Violation {
    wording::violation(
        Property::WatchFilter,
        at,
        "event-without-read",
        vec![received(at, client, event)],
        format!(
            "client {} has proved no identity, and without one {} may not be read",
            client.0, event.path
        ),
    )
}

/// A note: events raise no view, so that a client may rejoin at a server that has not got so far.
pub(super) fn rejoined_behind(reply: &Witness, zxid: Zxid, since: At) -> Vec<Sentence> {
    let told = Sentence {
        at: since,
        text: format!(
            "client {} was told of zxid {zxid} by an event",
            reply.client.0
        ),
    };
    let mut story = vec![told, reply.sentence()];
    story.push(Sentence {
        at: reply.at(),
        text: "events count for one connection only: after a reconnect older data may be read"
            .into(),
    });
    story
}

/// A note: what setWatches cannot know.
pub(super) fn lost_by_design<'a>(
    reset: Reset<'_>,
    list: List,
    path: &str,
    missed: impl Iterator<Item = &'a Trigger>,
    count: usize,
) -> Vec<Sentence> {
    const TOLD: usize = 2;
    let mut story: Vec<Sentence> = missed
        .take(TOLD)
        .map(|trigger| trigger.entry.sentence())
        .collect();
    story.dedup();
    story.extend(
        Reset {
            change: None,
            ..reset
        }
        .evidence(),
    );
    let why = match list {
        List::Persistent | List::Recursive => "such watches are set again without a word",
        List::Exist => "what came and went in between leaves no trace",
        List::Data | List::Child => "of all that happened in between one event is made",
    };
    story.push(Sentence {
        at: reset.at,
        text: format!(
            "its {} watch on {path} missed {count} changes: {why}",
            list.name()
        ),
    });
    story
}

/// W6: the library did not register a watch again.
pub(super) fn unregistered(at: At, reply: &Witness, list: List, path: &str) -> Violation {
    wording::violation(
        Property::WatchRearm,
        at,
        "watch-not-registered-again",
        vec![reply.sentence()],
        format!(
            "client {} still held a watch on {path} (list {}), yet this connection answers requests and it was never set again",
            reply.client.0,
            list.name()
        ),
    )
}

/// W6: an event made by setWatches without a setWatches.
pub(super) fn unexplained(at: At, reply: &Witness, since: At, event: &WatchEvent) -> Violation {
    wording::violation(
        Property::WatchRearm,
        at,
        "catch-up-without-reset",
        vec![received(since, reply.client, event), reply.sentence()],
        format!("{} came, but no setWatches made it", wording::event(event)),
    )
}

/// Where a setWatches was handled.
#[derive(Clone, Copy)]
pub(super) struct Reset<'a> {
    pub at: At,
    pub client: ClientId,
    /// The server's position.
    pub zxid: Zxid,
    /// The last reply that the client had seen.
    pub seen: Zxid,
    /// The newest event that it had been told.
    pub told: Zxid,
    /// The last change of the path in question.
    pub change: Option<&'a Entry>,
}

impl<'a> Reset<'a> {
    /// The same, about what last happened to this znode.
    pub(super) fn after_change(self, log: &'a Triggers, znode: PathNumber) -> Self {
        let change = log.last_change(znode, self.zxid);
        Self { change, ..self }
    }

    fn evidence(self) -> Vec<Sentence> {
        let mut evidence: Vec<Sentence> = self.change.map(Entry::sentence).into_iter().collect();
        evidence.push(Sentence {
            at: self.at,
            text: format!(
                "client {}, which had last seen zxid {}, set its watches again at {}",
                self.client.0, self.seen, self.zxid
            ),
        });
        evidence
    }
}

/// W6: a change in the gap was not told.
pub(super) fn not_caught_up(
    reset: Reset<'_>,
    list: List,
    path: &str,
    kind: EventKind,
) -> Violation {
    wording::violation(
        Property::WatchRearm,
        reset.at,
        "change-not-caught-up",
        reset.evidence(),
        format!(
            "its watch on {path} (list {}) should have brought {} at once and did not",
            list.name(),
            wording::kind(kind)
        ),
    )
}

/// W1: an event for a change that the program had been shown when it set its watch.
pub(super) fn nothing_missed(reset: Reset<'_>, since: At, event: &WatchEvent) -> Violation {
    let mut evidence = reset.evidence();
    evidence.push(received(since, reset.client, event));
    wording::violation(
        Property::WatchSpurious,
        reset.at,
        "nothing-missed",
        evidence,
        format!(
            "{} came, yet nothing had changed since the read that set its watch",
            wording::event(event)
        ),
    )
}

/// W6: an event for a gap without such a change.
pub(super) fn wrongly_caught_up(reset: Reset<'_>, since: At, event: &WatchEvent) -> Violation {
    let mut evidence = reset.evidence();
    evidence.push(received(since, reset.client, event));
    wording::violation(
        Property::WatchRearm,
        reset.at,
        "wrong-catch-up",
        evidence,
        format!(
            "{} does not follow from the state at zxid {}",
            wording::event(event),
            reset.zxid
        ),
    )
}
