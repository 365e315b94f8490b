//! The scenario file: everything a run depends on, in one JSON object (design.md §5).
//!
//! A scenario is read strictly (unknown fields, impossible values and contradictions are errors that point at their
//! place), and can be written back in full, so that a failing case is itself a scenario file.

pub mod draws;
pub mod families;
pub mod format;
pub mod operations;
pub mod overrides;
pub mod plan;
pub mod schema;
pub mod sections;

use std::{fmt, ops};

use super::json::{self, MAX_BYTES, Node, Place, Problem, Value, quote};
use crate::base::rng::Seed;
use crate::check::verdict::Property;
use crate::client::recipe::outside::Outsider;
use crate::mutant::table::DEFECTS;
use crate::sim::fault::Planned;
use crate::zab::rules::Asked;

use draws::Exception;
use families::Generate;
use format::{Fields, Format, suggest, unknown_name};
use operations::Operation;
use overrides::Override;
use plan::Roster;
use sections::{
    Clock, Disk, Ensemble, Expect, Expected, Kind, Limits, Network, Recipe, Step, Work,
};

/// The format this build reads and writes.
pub const FORMAT: u32 = 1;

/// Clients a scenario may have in all.
const MAX_CLIENTS: u32 = 1_000;

/// A scenario: what is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name; letters, digits and dashes.
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// The seed of every draw.
    pub seed: Seed,
    /// The servers.
    pub ensemble: Ensemble,
    /// The network.
    pub network: Network,
    /// The disks.
    pub disk: Disk,
    /// The clocks.
    pub clock: Clock,
    /// Ids of defects that are planted.
    pub mutants: Vec<String>,
    /// The clients.
    pub workload: Vec<Work>,
    /// The operations that clients carry out; `None` = all that their programs come to.
    pub operations: Option<Vec<Operation>>,
    /// The faults.
    pub plan: Vec<Planned>,
    /// Single draws that come out otherwise.
    pub overrides: Vec<Exception>,
    /// Faults to be drawn from the seed and added to the plan.
    pub generate: Option<Generate>,
    /// When it ends.
    pub limits: Limits,
    /// Which properties are judged.
    pub check: Vec<Property>,
    /// What must come out.
    pub expect: Expect,
    /// Whom servers ask instead of deciding by themselves; no part of the file.
    pub asked: Asked,
    /// Who writes the programs of clients that follow a recipe; no part of the file.
    pub outsider: Outsider,
}

/// A scenario that cannot be played, with its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    /// The file, or what stands for it.
    pub file: String,
    /// The overrides in force, as given.
    pub overrides: Vec<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.problem.what;
        match self.problem.place {
            Place::Text { line, column } => write!(f, "{}:{line}:{column}: {what}", self.file),
            Place::Override(index) => write!(f, "--set {}: {what}", self.overrides[index]),
            Place::Made => write!(f, "{}: {what}", self.file),
        }
    }
}

impl Scenario {
    /// Reads a scenario from the bytes of a file, with overrides applied; `file` is its name in messages.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(bytes: &[u8], file: &str, overrides: &[String]) -> Result<Self, ScenarioError> {
        let read = || {
            let mut root = json::parse(bytes)?;
            for (index, text) in overrides.iter().enumerate() {
                Override::parse(text, index)?.apply(&mut root)?;
            }
            Self::read(&root)
        };
        read().map_err(|problem| ScenarioError {
            file: file.to_owned(),
            overrides: overrides.to_vec(),
            problem,
        })
    }

    /// How many bytes of a file are worth reading: one more than are accepted.
    pub fn bytes_to_read() -> u64 {
        MAX_BYTES as u64 + 1
    }

    /// Who takes part.
    pub fn roster(&self) -> Roster {
        roster(&self.ensemble, &self.workload)
    }

    /// Which clients do what: those of each entry of the workload, by number.
    pub fn shares(&self) -> impl Iterator<Item = (&Work, ops::Range<u16>)> {
        let mut next = 1;
        self.workload.iter().map(move |work| {
            let first = next;
            next += work.clients;
            (work, first..next)
        })
    }

    fn read(root: &Node) -> Result<Self, Problem> {
        let mut fields = Fields::of(root, "the scenario")?;
        let format: u32 = fields.required("format")?;
        if format != FORMAT {
            let place = fields.get("format").map_or(root.place, |node| node.place);
            let what = format!("\"format\" is {format}; this build reads format {FORMAT}");
            return Err(Problem::new(place, what));
        }
        let name = read_scenario_name(&mut fields)?;
        let about = fields.optional("about")?.unwrap_or_default();
        let seed = Seed(fields.optional("seed")?.unwrap_or(1));
        let ensemble = read_or_default(&mut fields, "ensemble")?;
        let network = read_or_default(&mut fields, "network")?;
        let disk = read_or_default(&mut fields, "disk")?;
        let clock = read_or_default(&mut fields, "clock")?;
        let mutants = read_mutants(&mut fields)?;
        let workload = read_workload(&mut fields, &ensemble)?;
        let roster = roster(&ensemble, &workload);
        let operations = operations::read(fields.get("operations"), roster)?;
        let plan = match fields.get("plan") {
            Some(node) => plan::read(node, roster)?,
            None => Vec::new(),
        };
        let overrides = draws::read(fields.get("overrides"), roster)?;
        let generate = fields.optional::<Option<Generate>>("generate")?.flatten();
        let limits = read_or_default(&mut fields, "limits")?;
        let check = read_check(&mut fields, &workload)?;
        let expect = read_expect(&mut fields)?;
        // Editors find the schema by it.
        fields.optional::<String>("$schema")?;
        fields.finish()?;
        let scenario = Self {
            name,
            about,
            seed,
            ensemble,
            network,
            disk,
            clock,
            mutants,
            workload,
            operations,
            plan,
            overrides,
            generate,
            limits,
            check,
            expect,
            asked: Asked::default(),
            outsider: Outsider::default(),
        };
        scenario.validate(root)?;
        Ok(scenario)
    }

    /// What no single field can know.
    fn validate(&self, root: &Node) -> Result<(), Problem> {
        let place_of = |name: &str| match &root.value {
            Value::Object(fields) => fields
                .iter()
                .find(|field| field.name == name)
                .map_or(root.place, |field| field.node.place),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::List(_) => {
                root.place
            }
        };
        if let Some(generate) = &self.generate
            && generate.window_ms.high > self.limits.virtual_ms
        {
            let what = format!(
                "\"window_ms\" ends at {} but \"virtual_ms\" is {}; expected the faults to end before the run",
                generate.window_ms.high, self.limits.virtual_ms
            );
            return Err(Problem::new(place_of("generate"), what));
        }
        let timeouts = self.ensemble.session_timeouts();
        if timeouts.low == 0 || timeouts.high > u64::from(u32::MAX) / 4 {
            let what = format!(
                "\"session_timeout_ms\" is [{}, {}]; expected 1 to 1000000000",
                timeouts.low, timeouts.high
            );
            return Err(Problem::new(place_of("ensemble"), what));
        }
        Ok(())
    }

    /// The whole scenario as a value; its text is a scenario file.
    pub fn write(&self) -> Value {
        let check = if usual_properties(&self.workload) == self.check {
            Value::list([Value::text("all")])
        } else {
            Value::list(
                self.check
                    .iter()
                    .map(|property| Value::text(property.name())),
            )
        };
        Value::object([
            ("format", FORMAT.write()),
            ("name", self.name.write()),
            ("about", self.about.write()),
            ("seed", self.seed.0.write()),
            ("ensemble", self.ensemble.write()),
            ("network", self.network.write()),
            ("disk", self.disk.write()),
            ("clock", self.clock.write()),
            ("mutants", self.mutants.write()),
            ("workload", self.workload.write()),
            (
                "operations",
                operations::write(self.operations.as_deref(), self.roster()),
            ),
            ("plan", plan::write(&self.plan, self.roster())),
            ("overrides", draws::write(&self.overrides, self.roster())),
            ("generate", self.generate.write()),
            ("limits", self.limits.write()),
            ("check", check),
            ("expect", self.expect.write()),
        ])
    }
}

impl fmt::Display for Scenario {
    /// The text of its file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.write())
    }
}

fn roster(ensemble: &Ensemble, workload: &[Work]) -> Roster {
    Roster {
        voters: ensemble.voters,
        observers: ensemble.observers,
        clients: workload.iter().map(|work| work.clients).sum(),
    }
}

fn read_or_default<T: Format>(fields: &mut Fields<'_>, name: &'static str) -> Result<T, Problem> {
    let empty = Node::from(Value::object([]));
    T::read(fields.get(name).unwrap_or(&empty), name)
}

fn read_scenario_name(fields: &mut Fields<'_>) -> Result<String, Problem> {
    let name: String = fields.required("name")?;
    let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        let place = fields.get("name").map_or(fields.place(), |node| node.place);
        let what = format!(
            "\"name\" is {}; expected 1 to 64 letters, digits, dashes",
            quote(&name)
        );
        return Err(Problem::new(place, what));
    }
    Ok(name)
}

fn read_mutants(fields: &mut Fields<'_>) -> Result<Vec<String>, Problem> {
    let mutants: Vec<String> = fields.optional("mutants")?.unwrap_or_default();
    let place_of = |fields: &mut Fields<'_>, index: usize| match fields.get("mutants") {
        Some(Node {
            value: Value::List(items),
            ..
        }) => items[index].place,
        Some(_) | None => fields.place(),
    };
    for (index, mutant) in mutants.iter().enumerate() {
        let place = place_of(fields, index);
        if !DEFECTS.iter().any(|defect| defect.id == mutant) {
            let known = DEFECTS.iter().map(|defect| defect.id);
            return Err(unknown_name(place, "mutants", mutant, known));
        }
        if mutants[..index].contains(mutant) {
            let what = format!("mutant {} is named twice", quote(mutant));
            return Err(Problem::new(place, what));
        }
    }
    Ok(mutants)
}

fn is_bad_path(path: &str) -> bool {
    !path.starts_with('/') || path.len() > 1_000
}

/// What is wrong with a workload's script, if anything.
fn script_problem(work: &Work) -> Option<&'static str> {
    let is_bad_step = |step: &Step| {
        is_bad_path(&step.path) || step.data.len() > 10_000 || step.at_ms > Some(86_400_000)
    };
    if (work.kind == Kind::Script) == work.script.is_empty() {
        Some("a workload of the kind \"script\" has a \"script\" with steps, and no other has one")
    } else if work.script.len() > 10_000 || work.script.iter().any(is_bad_step) {
        Some(
            "\"script\" has a path without a leading slash, or is longer than what is played: 10000 steps, 10000 bytes of data, a day",
        )
    } else {
        None
    }
}

fn read_workload(fields: &mut Fields<'_>, ensemble: &Ensemble) -> Result<Vec<Work>, Problem> {
    let Some(node) = fields.get("workload") else {
        return Ok(Vec::new());
    };
    let workload = Vec::<Work>::read(node, "workload")?;
    let clients: u32 = workload.iter().map(|work| u32::from(work.clients)).sum();
    if clients > MAX_CLIENTS {
        let what = format!("\"workload\" has {clients} clients; expected at most {MAX_CLIENTS}");
        return Err(Problem::new(node.place, what));
    }
    let servers = ensemble.voters + ensemble.observers;
    let refuse = |what: &str| Err(Problem::new(node.place, what));
    for work in &workload {
        if work.mix.is_empty() {
            return refuse("\"mix\" has no operation with a weight above 0; expected at least one");
        }
        if work.think_ms.is_some_and(|think| think.high > 3_600_000) {
            return refuse("\"think_ms\" is longer than an hour; expected 0 to 3600000");
        }
        let paths = work.paths.as_ref();
        if paths.is_some_and(|paths| paths.iter().any(|path| is_bad_path(path))) {
            return refuse(
                "\"paths\" holds a path without a leading slash; expected ones like \"/e1\"",
            );
        }
        if let Some(what) = script_problem(work) {
            return refuse(what);
        }
        match (work.kind, work.recipe) {
            (Kind::Recipe, None) => {
                let what = format!(
                    "\"recipe\" is missing from a workload of that kind; {}",
                    suggest("", Recipe::ALL.iter().map(|(name, _)| *name))
                );
                return Err(Problem::new(node.place, what));
            }
            (Kind::Recipe, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                return refuse(
                    "\"recipe\" is given in a workload of another kind; expected \"kind\": \"recipe\" with it",
                );
            }
        }
        if work.hold_ms.is_some_and(|hold| hold.high > 3_600_000) {
            return refuse("\"hold_ms\" is longer than an hour; expected 0 to 3600000");
        }
        let Some(known) = &work.servers else { continue };
        if known.is_empty() {
            let what =
                "\"servers\" of a workload is empty; expected a server's number, or null for all";
            return Err(Problem::new(node.place, what));
        }
        if let Some(stranger) = known.iter().find(|server| !(1..=servers).contains(*server)) {
            let what = format!(
                "\"servers\" names server {stranger}; the ensemble has servers 1 to {servers}"
            );
            return Err(Problem::new(node.place, what));
        }
    }
    Ok(workload)
}

fn read_property(name: &str, what: &str, place: Place) -> Result<Property, Problem> {
    Property::by_name(name).ok_or_else(|| {
        let known = Property::ALL.iter().map(|property| property.name());
        unknown_name(place, what, name, known)
    })
}

/// What is judged unless a scenario says otherwise: what ZooKeeper promises, and what the recipes in it do.
pub fn usual_properties(workload: &[Work]) -> Vec<Property> {
    let recipes = workload.iter().filter_map(|work| work.recipe);
    let recipes = recipes.flat_map(|recipe| recipe.properties().iter().copied());
    let mut usual: Vec<Property> = Property::promised().chain(recipes).collect();
    usual.sort_unstable();
    usual.dedup();
    usual
}

fn read_check(fields: &mut Fields<'_>, workload: &[Work]) -> Result<Vec<Property>, Problem> {
    let names: Option<Vec<String>> = fields.optional("check")?;
    let place = fields
        .get("check")
        .map_or(fields.place(), |node| node.place);
    let Some(names) = names else {
        return Ok(usual_properties(workload));
    };
    let mut chosen = Vec::new();
    for name in &names {
        if name == "all" {
            chosen.extend(usual_properties(workload));
        } else {
            chosen.push(read_property(name, "check", place)?);
        }
    }
    if chosen.is_empty() {
        let what = "\"check\" is empty; expected names of properties, or \"all\"";
        return Err(Problem::new(place, what));
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

fn read_expect(fields: &mut Fields<'_>) -> Result<Expect, Problem> {
    let Some(node) = fields.get("expect") else {
        return Ok(Expect {
            verdict: Expected::Holds,
            property: None,
            digest: None,
        });
    };
    let expect = Expect::read(node, "expect")?;
    if let Some(name) = &expect.property {
        read_property(name, "property", node.place)?;
        if expect.verdict == Expected::Holds {
            let what = format!(
                "\"expect\" names property {} but expects the verdict \"holds\"; drop one of them",
                quote(name)
            );
            return Err(Problem::new(node.place, what));
        }
    }
    if let Some(digest) = &expect.digest
        && (digest.len() != 16 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        let what = format!(
            "\"digest\" is {}; expected 16 hexadecimal digits",
            quote(digest)
        );
        return Err(Problem::new(node.place, what));
    }
    Ok(expect)
}

#[cfg(test)]
mod tests;
