//! Counterexamples in the form that every lab shares: numbered lines, the event of each, and where the student's code
//! took part.

mod words;

use std::sync::atomic::AtomicBool;

use super::client::{Changed, Parting};
use super::course::Lab;
use super::grade::observe::{LOUD, QUIET};
use super::judge::{self, Judgement};
use super::play::{self, Flaw, Played};
use super::seat::Seat;
use super::student::{Difference, Slip};
use super::watcher::{Alarm, Watched};
use super::wire::{Answer, PlanForm, Question, VoteForm, ZxidForm};
use crate::check::verdict::{Property, Sentence};
use crate::experiment::scenario::Scenario;
use crate::experiment::shrink::{Budget, shrink};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What happened.
    pub text: String,
    /// In which event.
    pub event: Option<u64>,
    /// Whether it was the student's code.
    pub is_yours: bool,
}

/// What went wrong, once.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterexample {
    /// The rule that is broken.
    pub rule: String,
    /// What is given to `course test` to see it again.
    pub replay: String,
    /// How large the run is, in words.
    pub size: String,
    /// What happened, in order.
    pub lines: Vec<Line>,
    /// The first hint.
    pub hint: &'static str,
    /// The run, to be looked at with `zablab report`; none if it was a single answer.
    pub scenario: Option<Scenario>,
    /// The page that shows it, if one was made.
    pub page: Option<String>,
}

fn line(text: impl Into<String>) -> Line {
    Line {
        text: text.into(),
        event: None,
        is_yours: false,
    }
}

fn yours(text: impl Into<String>, event: Option<u64>) -> Line {
    Line {
        text: text.into(),
        event,
        is_yours: true,
    }
}

/// Two processes that differ.
pub fn of_difference(lab: &Lab, difference: &Difference) -> Counterexample {
    let mut lines = vec![line(format!("call {} asked", difference.nth))];
    lines.extend(facts_of(&difference.question).into_iter().map(line));
    lines.push(yours(
        format!("the first process answered {}", said(&difference.first)),
        None,
    ));
    lines.push(yours(
        format!("the second one answered {}", said(&difference.again)),
        None,
    ));
    Counterexample {
        rule: "determinism".to_owned(),
        replay: "--only answers".to_owned(),
        size: format!("call {}", difference.nth),
        lines,
        hint: lab.hints[0],
        scenario: None,
        page: None,
    }
}

/// A single answer.
pub fn of_answer(
    lab: &Lab,
    question: &Question,
    answer: &Answer,
    judgement: &Judgement,
) -> Counterexample {
    let mut lines: Vec<Line> = facts_of(question).into_iter().map(line).collect();
    lines.extend(about(lab, question, answer, judgement, None));
    Counterexample {
        rule: "single answers".to_owned(),
        replay: "--only answers".to_owned(),
        size: "1 call".to_owned(),
        lines,
        hint: lab.hints[0],
        scenario: None,
        page: None,
    }
}

/// What the student answered and what the reference does.
fn about(
    lab: &Lab,
    question: &Question,
    answer: &Answer,
    judgement: &Judgement,
    event: Option<u64>,
) -> [Line; 2] {
    let right = said(&judge::reference(question));
    let why = match judgement {
        Judgement::Right => String::new(),
        Judgement::Unsafe(why) | Judgement::Wasteful(why) => format!(" ({why})"),
    };
    [
        yours(
            format!("your {} returned {}", lab.call, said(answer)),
            event,
        ),
        line(format!("the reference returned {right}{why}")),
    ]
}

/// A run, made as small as a budget allows, with the student's answers in it.
pub fn of_run(
    lab: &Lab,
    round: &str,
    seed: u64,
    (played, flaw): (&Played, Flaw),
    pupil: &dyn Seat,
    budget: u64,
) -> Counterexample {
    let small = smaller(played, flaw, budget);
    let played = play::play(&small, pupil);
    let events = played.outcome.as_ref().map_or(0, |outcome| outcome.events);
    let servers = small.roster().servers();
    let faults = small.plan.len();
    Counterexample {
        rule: flaw.name().to_owned(),
        replay: format!("--only {round} --seed {seed}"),
        size: format!("{servers} servers, {}, {events} events", counted(faults)),
        lines: lines_of(lab, &played, flaw, pupil),
        hint: lab.hints[0],
        scenario: Some(played.scenario),
        page: None,
    }
}

fn counted(faults: usize) -> String {
    match faults {
        0 => "no fault".to_owned(),
        1 => "1 fault".to_owned(),
        _ => format!("{faults} faults"),
    }
}

/// The scenario that fails in the same way, shrunk as far as the budget goes.
fn smaller(played: &Played, flaw: Flaw, runs: u64) -> Scenario {
    let property: Option<Property> = match flaw {
        Flaw::Broken(property, _) | Flaw::Stuck(Some(property)) => Some(property),
        Flaw::Stopped | Flaw::Stuck(None) | Flaw::Idle(..) => None,
    };
    let stop = AtomicBool::new(false);
    let budget = Budget {
        runs,
        jobs: 1,
        stop: &stop,
    };
    let shrunk = property
        .and_then(|property| shrink(&played.scenario, Some(property), budget, &mut |_, _| {}).ok());
    shrunk.map_or_else(|| played.scenario.clone(), |shrunk| shrunk.scenario)
}

/// The story that the checker tells, with what the solution did otherwise than the reference at its places.
fn lines_of(lab: &Lab, played: &Played, flaw: Flaw, pupil: &dyn Seat) -> Vec<Line> {
    let alone = |last: String| {
        let told = pupil.excerpts(lab, u64::MAX);
        let mut lines: Vec<Line> = told.into_iter().flat_map(|(_, lines)| lines).collect();
        lines.push(line(last));
        lines
    };
    let outcome = match &played.outcome {
        Ok(outcome) => outcome,
        Err(message) => {
            let message = message.lines().next().unwrap_or_default();
            return alone(format!("the protocol stopped: {message}"));
        }
    };
    if let Flaw::Idle(mine, theirs) = flaw {
        return alone(format!(
            "applications were given what they wanted {mine} times; by the reference {theirs} times"
        ));
    }
    let violations = outcome.violations.iter();
    let Some(violation) = violations.min_by_key(|violation| violation.at) else {
        return alone("it did not come to an end in its budget of events".to_owned());
    };
    let sentence = |sentence: &Sentence| Line {
        text: sentence.text.clone(),
        event: Some(sentence.at.event.0),
        is_yours: false,
    };
    let mut lines: Vec<(u64, Vec<Line>)> = violation
        .story
        .iter()
        .map(|told| (told.at.event.0, vec![sentence(told)]))
        .collect();
    lines.extend(pupil.excerpts(lab, violation.at.event.0));
    // What the checker noticed last stays last.
    let end = lines.remove(violation.story.len() - 1);
    lines.sort_by_key(|(event, _)| *event);
    lines.push(end);
    lines.into_iter().flat_map(|(_, lines)| lines).collect()
}

/// The answers of a run that are shown, each with its event.
pub fn of_slips(lab: &Lab, slips: &[Slip], upto: u64) -> Vec<(u64, Vec<Line>)> {
    let slips = chosen(slips, upto).into_iter();
    slips
        .map(|slip| {
            let mut told: Vec<Line> = vec![line(in_one_line(&slip.question))];
            told[0].event = Some(slip.event);
            told.extend(about(
                lab,
                &slip.question,
                &slip.answer,
                &slip.judgement,
                Some(slip.event),
            ));
            (slip.event, told)
        })
        .collect()
}

/// Where clients parted with the reference: the first time, and the last before the end that was another client's.
pub fn of_partings(lab: &Lab, partings: &[Parting], upto: u64) -> Vec<(u64, Vec<Line>)> {
    let before: Vec<&Parting> = partings
        .iter()
        .filter(|parting| parting.event <= upto)
        .collect();
    let first = before.first().copied();
    let last = before.last().copied();
    let shown = first
        .into_iter()
        .chain(last.filter(|last| first.is_some_and(|first| first.client != last.client)));
    shown
        .map(|parting| {
            let event = Some(parting.event);
            let mut heard = line(format!(
                "client {} heard: {}",
                parting.client,
                words::heard(&parting.heard)
            ));
            heard.event = event;
            let mine = yours(
                format!(
                    "your {} answered: {}",
                    lab.call,
                    words::deeds(&parting.mine)
                ),
                event,
            );
            let theirs = if parting.mine == parting.theirs {
                line("so far the reference does the same; what comes after that differs")
            } else {
                let theirs = words::deeds(&parting.theirs);
                line(format!("the reference answered: {theirs}"))
            };
            (parting.event, vec![heard, mine, theirs])
        })
        .collect()
}

/// Two processes that differ about what a client does.
pub fn of_change(lab: &Lab, changed: &Changed) -> Counterexample {
    let text = |answer: &Answer| {
        if let Answer::Do(actions) = answer {
            words::deeds(actions)
        } else {
            answer.line()
        }
    };
    let lines = vec![
        line(format!(
            "call {} was about client {}",
            changed.nth, changed.client
        )),
        line(format!("it heard: {}", words::heard(&changed.heard))),
        yours(
            format!("the first process answered: {}", text(&changed.first)),
            None,
        ),
        yours(
            format!(
                "the second one, told what that client had been told and nothing else, answered: {}",
                text(&changed.again)
            ),
            None,
        ),
    ];
    Counterexample {
        rule: "determinism".to_owned(),
        replay: String::new(),
        size: format!("call {}", changed.nth),
        lines,
        hint: lab.hints[0],
        scenario: None,
        page: None,
    }
}

/// What led to an alarm: the events about the same server or the same zxid before it.
fn context(watched: &Watched, alarm: &Alarm) -> Vec<Line> {
    let about = |at: &usize| words::is_near(&watched.seen[*at], &watched.seen[alarm.at]);
    let before: Vec<usize> = (0..alarm.at).filter(about).collect();
    let from = before.len().saturating_sub(5);
    let shown = before[from..].iter().chain([&alarm.at]);
    shown
        .map(|at| Line {
            text: words::seen(&watched.seen[*at]),
            event: Some(watched.events[*at]),
            is_yours: false,
        })
        .collect()
}

fn of_watched(
    lab: &Lab,
    (rule, part, seed): (&str, &str, u64),
    watched: &Watched,
    lines: Vec<Line>,
) -> Counterexample {
    let scenario = &watched.played.scenario;
    let servers = scenario.roster().servers();
    let faults = counted(scenario.plan.len());
    Counterexample {
        rule: rule.to_owned(),
        replay: format!("--only {part} --seed {seed}"),
        size: format!(
            "{servers} servers, {faults}, {} events seen",
            watched.seen.len()
        ),
        lines,
        hint: lab.hints[0],
        scenario: Some(scenario.clone()),
        page: None,
    }
}

/// An alarm about a run in which nothing is wrong.
pub fn of_false_alarm(lab: &Lab, seed: u64, watched: &Watched, alarm: &Alarm) -> Counterexample {
    let mut lines = context(watched, alarm);
    let event = watched.events.get(alarm.at).copied();
    lines.push(yours(
        format!("your {} said: {}", lab.call, alarm.why),
        event,
    ));
    lines.push(line(
        "the reference says nothing to the end: no defect is planted, and every checker is content",
    ));
    of_watched(lab, ("no false alarms", QUIET, seed), watched, lines)
}

/// Silence about a run in which something is wrong.
pub fn of_silence(lab: &Lab, seed: u64, watched: &Watched, theirs: &Alarm) -> Counterexample {
    let mut lines = context(watched, theirs);
    let event = watched.events.get(theirs.at).copied();
    lines.push(yours(
        format!("your {} said nothing, here or later", lab.call),
        event,
    ));
    lines.push(line(format!("the reference said: {}", theirs.why)));
    of_watched(lab, ("defects found", LOUD, seed), watched, lines)
}

/// Two processes that say different things of one run.
pub fn of_doubt(
    lab: &Lab,
    nth: usize,
    (first, second): (Option<&Alarm>, Option<&Alarm>),
) -> Counterexample {
    Counterexample {
        rule: "determinism".to_owned(),
        replay: String::new(),
        size: format!("run {nth}"),
        lines: vec![
            yours(
                format!("the first process said: {}", words::alarm(first)),
                None,
            ),
            yours(
                format!("the second one said: {}", words::alarm(second)),
                None,
            ),
        ],
        hint: lab.hints[0],
        scenario: None,
        page: None,
    }
}

/// The first answer that could do harm and the last before the end.
fn chosen(slips: &[Slip], upto: u64) -> Vec<&Slip> {
    let before = || slips.iter().filter(|slip| slip.event <= upto);
    let is_harmful = |slip: &&Slip| matches!(slip.judgement, Judgement::Unsafe(_));
    let first = before().find(is_harmful).or_else(|| before().next());
    let last = before().rfind(is_harmful);
    match (first, last) {
        (Some(first), Some(last)) if first.event != last.event => vec![first, last],
        (Some(first), _) => vec![first],
        (None, _) => Vec::new(),
    }
}

fn zxid(form: ZxidForm) -> String {
    format!("{}:{}", form.epoch, form.counter)
}

fn vote(form: VoteForm) -> String {
    format!(
        "s{} (epoch {}, last zxid {})",
        form.sid,
        form.epoch,
        zxid(form.zxid)
    )
}

fn servers(ids: &[u8]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = ids.iter().map(|id| format!("s{id}")).collect();
    names.join(" ")
}

/// What a leader has and what a learner says of itself.
fn facts_of_sync(
    window: &[ZxidForm],
    last: ZxidForm,
    peer: ZxidForm,
    wants_snapshot: bool,
) -> Vec<String> {
    let hidden = window.len().saturating_sub(8);
    let mut shown: Vec<String> = window[hidden..].iter().map(|form| zxid(*form)).collect();
    if hidden > 0 {
        shown.insert(0, format!("{} ({} more)", zxid(window[0]), hidden - 1));
    }
    let wish = if wants_snapshot {
        ", and can use nothing but a snapshot"
    } else {
        ""
    };
    vec![
        format!(
            "the leader has {} in memory; its last is {}",
            shown.join(" "),
            zxid(last)
        ),
        format!("the learner's last zxid is {}{wish}", zxid(peer)),
    ]
}

/// What is asked, fact by fact.
fn facts_of(question: &Question) -> Vec<String> {
    match question {
        Question::Supersedes { new, current } => vec![
            format!("a server votes for {}", vote(*current)),
            format!("it hears of a vote for {}", vote(*new)),
        ],
        Question::IsCommitted {
            leader,
            acks,
            voters,
            observers,
        } => vec![
            format!(
                "voters are {}; observers: {}",
                servers(voters),
                servers(observers)
            ),
            format!("s{leader} leads; acks have come from: {}", servers(acks)),
        ],
        Question::Decide {
            window,
            last,
            peer,
            wants_snapshot,
        } => facts_of_sync(window, *last, *peer, *wants_snapshot),
        Question::AtNewLeader {} => vec!["a learner has its DIFF, and NEWLEADER comes".to_owned()],
        Question::AtNewEpoch {} => vec!["a learner is told a new epoch".to_owned()],
        Question::Observe { events } => vec![format!("a run of {} events", events.len())],
        Question::On { client, event } => {
            vec![format!("client {client} heard: {}", words::heard(event))]
        }
        Question::ContainsQuorum {
            members,
            voters,
            observers,
            weights,
            groups,
        } => {
            let mut facts = vec![format!(
                "voters are {}; observers: {}",
                servers(voters),
                servers(observers)
            )];
            if !weights.is_empty() {
                let weights = weights.iter();
                let weights: Vec<String> = weights
                    .map(|form| format!("s{} weighs {}", form.sid, form.weight))
                    .collect();
                facts.push(weights.join(", "));
            }
            if !groups.is_empty() {
                let groups: Vec<String> = groups.iter().map(|group| servers(group)).collect();
                facts.push(format!("groups: {}", groups.join(" | ")));
            }
            facts.push(format!("asked about: {}", servers(members)));
            facts
        }
    }
}

fn in_one_line(question: &Question) -> String {
    facts_of(question).join("; ")
}

/// An answer in a few words.
pub fn said(answer: &Answer) -> String {
    match answer {
        Answer::Supersedes(yes) | Answer::IsCommitted(yes) | Answer::ContainsQuorum(yes) => {
            yes.to_string()
        }
        Answer::Plan(PlanForm::Diff { after }) => format!("DIFF after {}", zxid(*after)),
        Answer::Plan(PlanForm::Trunc { to }) => format!("TRUNC to {}", zxid(*to)),
        Answer::Plan(PlanForm::Snap {}) => "SNAP".to_owned(),
        Answer::AtNewLeader(_) | Answer::AtNewEpoch(_) => answer.line(),
        Answer::Do(actions) => words::deeds(actions),
        Answer::Alarm(alarm) => words::alarm(alarm.as_ref()),
    }
}
