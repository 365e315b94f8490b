//! Whoever writes client programs: hears what its clients hear, answers with what they do, and is remembered client by client.
//!
//! A client's life begins with a `start`; what it does may depend on what it has been told since, and on nothing else.
//! That is put to the test by telling somebody else the life of one client after the other, last one first. Beside each
//! client the reference's program hears the same; where the two first do something different is kept for explanations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::model;
use super::solution::{Answers, Fault};
use super::wire::{Answer, Question};
use crate::client::recipe::outside::{Action, Event, Outsider, Script};

/// The most actions of one answer.
const MOST_ACTIONS: usize = 100;

/// How often one solution is asked in all.
const MOST_QUESTIONS: usize = 2_000_000;

/// A client program: sans-IO, a state machine that hears events and answers with actions.
pub trait Client: Send {
    /// What it does about an event.
    fn on(&mut self, event: &Event) -> Vec<Action>;
}

/// What programs are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Adds to a shared counter.
    Counter,
    /// Reads a configuration as seldom as possible.
    Reader,
    /// Takes turns with a lock.
    Lock,
}

impl Part {
    /// The reference's program.
    pub fn model(self) -> Box<dyn Client> {
        match self {
            Self::Counter => Box::new(model::Counter::default()),
            Self::Reader => Box::new(model::Reader::default()),
            Self::Lock => Box::new(model::Lock::default()),
        }
    }
}

/// Makes a client for each life.
pub type Makes = Box<dyn Fn() -> Box<dyn Client> + Send>;

/// Clients in one process, each with a state of its own.
pub struct Clients {
    makes: Makes,
    living: BTreeMap<u16, Box<dyn Client>>,
}

impl Clients {
    /// Nobody yet.
    pub fn new(makes: Makes) -> Self {
        let living = BTreeMap::new();
        Self { makes, living }
    }

    /// What a client does about an event.
    pub fn on(&mut self, client: u16, event: &Event) -> Vec<Action> {
        if let Event::Start { .. } = event {
            self.living.insert(client, (self.makes)());
        }
        let living = self.living.get_mut(&client);
        living.map_or_else(Vec::new, |living| living.on(event))
    }
}

impl Answers for Clients {
    fn answer(&mut self, question: &Question) -> Result<Answer, Fault> {
        let Question::On { client, event } = question else {
            let call = question.call();
            return Err(Fault(format!("`{call}` is asked in another lab")));
        };
        Ok(Answer::Do(self.on(*client, event)))
    }
}

/// Where a client did not do what the reference does.
#[derive(Clone, Debug, PartialEq)]
pub struct Parting {
    /// The event of the run.
    pub event: u64,
    /// Which client.
    pub client: u16,
    /// What it heard.
    pub heard: Event,
    /// What it did.
    pub mine: Vec<Action>,
    /// What the reference does.
    pub theirs: Vec<Action>,
}

/// A call whose answers differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Its place among all calls, from 1.
    pub nth: usize,
    /// Which client.
    pub client: u16,
    /// What it heard.
    pub heard: Event,
    /// What it did first.
    pub first: Answer,
    /// What it did when told again.
    pub again: Answer,
}

/// One life of a client.
struct Life {
    client: u16,
    /// What it heard and did, with the place among all calls.
    heard: Vec<(usize, Event, Vec<Action>)>,
    is_recorded: bool,
    shadow: Option<Shadow>,
}

/// The reference beside a client, as long as the two do the same.
struct Shadow {
    program: Box<dyn Client>,
    /// The reference's tags by the client's.
    tags: BTreeMap<u64, u64>,
}

/// A solution at work.
pub struct Troupe {
    work: Mutex<Work>,
}

struct Work {
    part: Part,
    solution: Box<dyn Answers>,
    lives: Vec<Life>,
    living: BTreeMap<u16, usize>,
    is_recording: bool,
    has_shadows: bool,
    fault: Option<Fault>,
    event: u64,
    calls: usize,
    partings: Vec<Parting>,
    /// What clients did about a loss of which they could not know what it meant.
    doubts: Vec<Parting>,
}

impl Troupe {
    /// Nobody has been told anything.
    pub fn new(part: Part, solution: Box<dyn Answers>, has_shadows: bool) -> Arc<Self> {
        let work = Work {
            part,
            solution,
            lives: Vec::new(),
            living: BTreeMap::new(),
            is_recording: true,
            has_shadows,
            fault: None,
            event: 0,
            calls: 0,
            partings: Vec::new(),
            doubts: Vec::new(),
        };
        let work = Mutex::new(work);
        Arc::new(Self { work })
    }

    /// The reference's clients.
    pub fn of_model(part: Part) -> Arc<Self> {
        let clients = Clients::new(Box::new(move || part.model()));
        Self::new(part, Box::new(clients), false)
    }

    /// A panic elsewhere leaves nothing half done here.
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who writes the clients' programs.
    pub fn outsider(self: &Arc<Self>) -> Outsider {
        Outsider(Some(Arc::new(Stage(Arc::clone(self)))))
    }

    /// What comes next belongs to this event of a run.
    pub fn at_event(&self, event: u64) {
        self.work().event = event;
    }

    /// Begins a new run.
    pub fn begin(&self) {
        let mut work = self.work();
        work.living.clear();
        work.partings.clear();
        work.doubts.clear();
        work.event = 0;
        if !work.is_recording {
            work.lives.retain(|life| life.is_recorded);
        }
    }

    /// Whether what is heard from now on is told somebody else again.
    pub fn record(&self, is_recording: bool) {
        self.work().is_recording = is_recording;
    }

    /// Where clients of this run parted with the reference.
    pub fn partings(&self) -> Vec<Parting> {
        self.work().partings.clone()
    }

    /// What clients of this run did about losses of which they could not know what they meant.
    pub fn doubts(&self) -> Vec<Parting> {
        self.work().doubts.clone()
    }

    /// How often it was asked.
    pub fn calls(&self) -> usize {
        self.work().calls
    }

    /// How it failed, if it did.
    pub fn fault(&self) -> Option<Fault> {
        self.work().fault.clone()
    }

    /// Tells somebody else what each client was told, the last client first, each by itself, and compares.
    ///
    /// # Errors
    /// How the other one failed.
    pub fn first_difference(&self, other: &mut dyn Answers) -> Result<Option<Changed>, Fault> {
        let work = self.work();
        let mut found: Option<Changed> = None;
        for life in work.lives.iter().rev().filter(|life| life.is_recorded) {
            for (nth, heard, did) in &life.heard {
                let (client, event) = (life.client, heard.clone());
                let again = other.answer(&Question::On { client, event })?;
                let first = Answer::Do(did.clone());
                if first != again {
                    if found.as_ref().is_none_or(|found| *nth < found.nth) {
                        found = Some(Changed {
                            nth: *nth,
                            client,
                            heard: heard.clone(),
                            first,
                            again,
                        });
                    }
                    // Two programs that part hear of different things from here on.
                    break;
                }
            }
        }
        Ok(found)
    }
}

impl Work {
    fn on(&mut self, client: u16, event: &Event) -> Vec<Action> {
        if self.fault.is_some() {
            return Vec::new();
        }
        self.calls += 1;
        if self.calls > MOST_QUESTIONS {
            self.fault = Some(Fault(format!("it was asked {MOST_QUESTIONS} times")));
            return Vec::new();
        }
        if let Event::Start { .. } = event {
            self.living.insert(client, self.lives.len());
            self.lives.push(Life {
                client,
                heard: Vec::new(),
                is_recorded: self.is_recording,
                shadow: self.has_shadows.then(|| Shadow {
                    program: self.part.model(),
                    tags: BTreeMap::new(),
                }),
            });
        }
        let question = Question::On {
            client,
            event: event.clone(),
        };
        let actions = match self.solution.answer(&question) {
            Ok(Answer::Do(actions)) if actions.len() <= MOST_ACTIONS => actions,
            Ok(Answer::Do(actions)) => {
                self.fail(format!("it did {} things at once", actions.len()));
                return Vec::new();
            }
            Ok(other) => {
                let line = other.line();
                self.fail(format!(
                    "the answer to `on` was {line}, which answers another question"
                ));
                return Vec::new();
            }
            Err(fault) => {
                self.fault = Some(fault);
                return Vec::new();
            }
        };
        self.remember(client, event, &actions);
        actions
    }

    fn fail(&mut self, why: String) {
        self.fault.get_or_insert(Fault(why));
    }

    fn remember(&mut self, client: u16, event: &Event, actions: &[Action]) {
        let Some(life) = self.living.get(&client) else {
            return;
        };
        let life = &mut self.lives[*life];
        if life.is_recorded {
            life.heard
                .push((self.calls, event.clone(), actions.to_vec()));
        }
        if let Event::Lost { maybe: true, .. } = event {
            self.doubts.push(Parting {
                event: self.event,
                client,
                heard: event.clone(),
                mine: actions.to_vec(),
                theirs: actions.to_vec(),
            });
        }
        let Some(shadow) = &mut life.shadow else {
            return;
        };
        if let Some(theirs) = shadow.parts(event, actions) {
            life.shadow = None;
            self.partings.push(Parting {
                event: self.event,
                client,
                heard: event.clone(),
                mine: actions.to_vec(),
                theirs,
            });
        }
    }
}

impl Shadow {
    /// What the reference does, if that is something else.
    fn parts(&mut self, event: &Event, mine: &[Action]) -> Option<Vec<Action>> {
        let mut event = event.clone();
        if let Event::Reply { tag, .. } | Event::Refused { tag, .. } | Event::Lost { tag, .. } =
            &mut event
        {
            *tag = self.tags.remove(tag).unwrap_or(u64::MAX);
        }
        let theirs = self.program.on(&event);
        let is_same = theirs.len() == mine.len()
            && theirs
                .iter()
                .zip(mine)
                .all(|(theirs, mine)| gist(theirs) == gist(mine));
        if !is_same {
            return Some(theirs);
        }
        for (theirs, mine) in theirs.iter().zip(mine) {
            if let (Some(theirs), Some(mine)) = (theirs.tag(), mine.tag()) {
                self.tags.insert(mine, theirs);
            }
        }
        None
    }
}

/// What an action comes down to, whatever names, tags and texts a program chooses.
fn gist(action: &Action) -> (&'static str, &str, u64) {
    let directory = |path: &'_ str| path.rfind('/').unwrap_or(0);
    match action {
        Action::Create {
            path,
            ephemeral,
            sequential,
            ..
        } => {
            let flags = u64::from(*ephemeral) + 2 * u64::from(*sequential);
            ("create", &path[..directory(path)], flags)
        }
        Action::Delete { path, version, .. } => ("delete", path, u64::from(version.is_some())),
        Action::Set { path, version, .. } => ("set", path, u64::from(version.is_some())),
        Action::Get { path, watch, .. } => ("get", path, u64::from(*watch)),
        Action::Exists { path, watch, .. } => ("exists", path, u64::from(*watch)),
        Action::Children { path, watch, .. } => ("children", path, u64::from(*watch)),
        Action::Sync { path, .. } => ("sync", path, 0),
        Action::Watch { path, .. } => ("watch", path, 0),
        Action::Added { value } => ("added", "", *value),
        Action::Serve { data } => ("serve", data.as_deref().unwrap_or(""), 0),
        Action::Hold { node, token } => ("hold", node, u64::from(token.is_some())),
        Action::LetGo {} => ("let-go", "", 0),
    }
}

/// Where clients are played.
struct Stage(Arc<Troupe>);

impl Script for Stage {
    fn on(&self, client: u16, event: &Event) -> Vec<Action> {
        self.0.work().on(client, event)
    }

    fn complain(&self, why: String) {
        self.0.work().fail(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads at each event; what it calls that is the program's own affair, or one that clients share.
    struct Caller {
        first: u64,
        shared: Option<Arc<Mutex<u64>>>,
    }

    impl Client for Caller {
        fn on(&mut self, event: &Event) -> Vec<Action> {
            let Event::Add {} = event else {
                return Vec::new();
            };
            self.first += 10;
            let tag = self.shared.as_ref().map_or(self.first, |shared| {
                let mut last = shared.lock().unwrap();
                *last += 1;
                *last
            });
            let path = "/counter".to_owned();
            let watch = false;
            vec![Action::Get { tag, path, watch }]
        }
    }

    fn clients(is_shared: bool) -> Box<dyn Answers> {
        let shared = is_shared.then(|| Arc::new(Mutex::new(0)));
        let makes = move || -> Box<dyn Client> {
            let (first, shared) = (3, shared.clone());
            Box::new(Caller { first, shared })
        };
        Box::new(Clients::new(Box::new(makes)))
    }

    fn plays(troupe: &Arc<Troupe>) {
        let outsider = troupe.outsider().0.unwrap();
        for client in [1, 2] {
            let name = format!("c{client}");
            outsider.on(client, &Event::Start { name });
        }
        for client in [1, 2, 1] {
            outsider.on(client, &Event::Add {});
        }
    }

    #[test]
    fn clients_that_share_something_are_found_by_telling_each_life_alone() {
        for is_shared in [false, true] {
            let troupe = Troupe::new(Part::Counter, clients(is_shared), true);
            plays(&troupe);
            let again = troupe.first_difference(&mut *clients(is_shared)).unwrap();
            let place = again.map(|changed| (changed.nth, changed.client));
            assert_eq!(place, is_shared.then_some((3, 1)));
        }
    }

    #[test]
    fn the_reference_beside_a_client_knows_its_tags_and_parts_where_they_differ() {
        let troupe = Troupe::new(Part::Counter, clients(false), true);
        plays(&troupe);
        let outsider = troupe.outsider().0.unwrap();
        troupe.at_event(9);
        let lost = Event::Lost {
            tag: 13,
            maybe: true,
        };
        outsider.on(2, &lost);
        let partings = troupe.partings();
        assert_eq!(
            partings.len(),
            1,
            "the same reads are no parting: {partings:?}"
        );
        assert_eq!((partings[0].event, partings[0].client), (9, 2));
        assert_eq!(partings[0].mine, []);
        assert!(matches!(
            partings[0].theirs[..],
            [Action::Get { tag: 2, .. }]
        ));
    }

    #[test]
    fn what_makes_no_sense_is_a_failure() {
        let troupe = Troupe::new(Part::Counter, clients(false), false);
        let outsider = troupe.outsider().0.unwrap();
        outsider.complain("it said `added`".to_owned());
        plays(&troupe);
        assert_eq!(troupe.fault(), Some(Fault("it said `added`".to_owned())));
        assert_eq!(troupe.calls(), 0);
    }
}
