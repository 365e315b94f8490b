//! `zablab check`: judges histories that were recorded elsewhere.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::Serialize;

use super::clock;
use super::output::{self, Failure, Status};
use crate::check::foreign::Judgement;
use crate::check::foreign::catalogue::CHECKERS;
use crate::check::foreign::model::{BUDGET, Failures, Method, Model, Nulls, Options};
use crate::check::verdict::{Property, Verdict};
use crate::experiment::recorded::{self, Judged, Ours, Unreadable};
use crate::report::data::{NoteLine, PropertyLine, StalenessLine};
use crate::report::history::{self, Explained};
use crate::report::{text, timeline};

/// Judge recorded histories: is there an order that respects real time and that the object allows?
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab check --list                                   the checkers: what each claims, how, at what cost
  zablab check history.jsonl                            find out what the object is, and judge
  zablab check run1.edn run2.edn --model cas-register   Jepsen's own files; a line each
  zablab check history.jsonl --json --svg why.svg       why it is violated, as data and as a picture
  zablab run scenarios/quiet.json --history h.jsonl && zablab check h.jsonl

A history has an event a line: {\"process\": 3, \"type\": \"invoke\", \"f\": \"cas\", \"key\": null, \"value\": [1, 2]}, later
the same with the type ok, fail or info; or the same as maps of EDN. The order of lines is real-time order; time, in ns, is shown and nothing else.
info, and an invocation without completion: may take effect later or never. fail: did not; with \"error\": \"mismatch\" the
condition was observed not to hold. Values by model:
  register, cas-register, kv-register   read v; write v; cas [from, to]; by key, or value [key, v] where no line has a key; null at first
  kv-append                             get text or list; put text or list; append piece
  multi-register                        txn [[\"read\" or \"write\", register, v], ...]; 0 at first
  mutex                                 acquire; release
  znode                                 get {data, version, mzxid}; set {data, expect} -> {version, zxid}; or version, zxid, mzxid, expected
                                        as fields of the line; version 0 with null at first
  set                                   add v; remove v; contains v -> true or false; read [v, ...]
  queue, stack                          enqueue v, dequeue v; push v, pop v; null or a mismatch: empty
  counter                               add n; read n

Lines with a process that is no integer (Jepsen's nemesis) are passed over. Lines that are cut off, completions without an invocation,
fields of the wrong type are errors that name the line. znode is judged while it is read, in memory that does not grow with the
history; the others are collected first. What zablab run --history writes is judged as znodes of one ensemble, property by property: updates must be linearizable under the
versions and zxids reported, in a session reads never go back and transactions are seen whole (a read that is stale for another session is no
violation), a closed session leaves no ephemerals, watches tell of every change once and in time. There is no committed log: what watches are
owed follows from acknowledged writes, and what a write of unknown outcome may have caused is believed.

With several files there is a line each. --json prints an array of {file, model, verdict (holds, violated, undecided), operations, objects,
expanded (configurations searched), read_ms, cpu_ms (judging), explanation (null, or {rule, sentences, operations, prefix,
states})}; for our own recordings also properties, notes (losses that ZooKeeper allows) and staleness as in run --json. Exit codes: 0 all hold, 1 some are violated, 2 malformed input, 3 some are undecided.")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the switches of a command line"
)]
pub(super) struct Args {
    /// The histories; - is standard input
    #[arg(required_unless_present = "list", value_name = "HISTORY")]
    files: Vec<PathBuf>,
    /// The object
    #[arg(long, default_value = "auto", value_name = "MODEL")]
    model: Object,
    /// What operations that failed tell
    #[arg(long, value_enum, default_value_t = Fail::ByError, value_name = "HOW")]
    fail: Fail,
    /// What a register's read of null tells
    #[arg(long, value_enum, default_value_t = Null::ByDialect, value_name = "HOW")]
    null: Null,
    /// Configurations that a search may expand before it gives up
    #[arg(long, default_value_t = BUDGET, value_name = "N")]
    budget: u64,
    /// Judge by the general search alone, as a second opinion (not for znode)
    #[arg(long)]
    search: bool,
    /// Print one JSON array instead of text
    #[arg(long)]
    json: bool,
    /// List the checkers
    #[arg(long)]
    list: bool,
    /// Draw the operations of the first violation, and what overlaps them
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw all operations on the object instead
    #[arg(long, requires = "svg")]
    svg_whole: bool,
}

/// A model, or the wish to find out.
#[derive(Clone, Copy, Debug)]
struct Object(Option<Model>);

impl std::str::FromStr for Object {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(Self(None));
        }
        Model::by_name(name)
            .map(|model| Self(Some(model)))
            .ok_or_else(|| {
                let names: Vec<&str> = Model::ALL.into_iter().map(Model::name).collect();
                format!("expected auto, {}", names.join(", "))
            })
    }
}

/// How failures are read.
#[derive(Clone, Copy, Debug)]
enum Fail {
    ByError,
    Ignored,
    Observed,
}

impl ValueEnum for Fail {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::ByError, Self::Ignored, Self::Observed]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::ByError => PossibleValue::new("by-error").help("with the error mismatch, that the condition did not hold; otherwise that it did not happen"),
            Self::Ignored => PossibleValue::new("ignored").help("nothing but that it did not happen"),
            Self::Observed => PossibleValue::new("observed").help("always that the condition did not hold"),
        })
    }
}

/// How nulls are read.
#[derive(Clone, Copy, Debug)]
enum Null {
    ByDialect,
    Unknown,
    Initial,
}

impl ValueEnum for Null {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::ByDialect, Self::Unknown, Self::Initial]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::ByDialect => PossibleValue::new("by-dialect")
                .help("unknown where cas fail and never with mismatch (Knossos), else initial"),
            Self::Unknown => {
                PossibleValue::new("unknown").help("the value is not known: always legal")
            }
            Self::Initial => PossibleValue::new("initial").help("nothing was written yet"),
        })
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    if args.list {
        return list(args, out);
    }
    let mut reports = Vec::with_capacity(args.files.len());
    for file in &args.files {
        reports.push(judge(file, &args.options())?);
    }
    if let Some(svg) = &args.svg {
        draw(args, svg, &reports)?;
    }
    if args.json {
        let reports: Vec<Shown<'_>> = reports.iter().map(Report::show).collect();
        output::json(out, &reports)?;
    } else {
        let is_single = reports.len() == 1;
        for report in &reports {
            report.tell(is_single, out)?;
        }
    }
    let has = |verdict: Verdict| {
        reports
            .iter()
            .any(|report| report.judged.judgement.verdict == verdict)
    };
    Ok(if has(Verdict::Violated) {
        Status::Bad
    } else if has(Verdict::Undecided) {
        Status::Undecided
    } else {
        Status::Good
    })
}

impl Args {
    fn options(&self) -> Options {
        Options {
            model: self.model.0,
            failures: match self.fail {
                Fail::ByError => Failures::ByError,
                Fail::Ignored => Failures::Ignored,
                Fail::Observed => Failures::Observed,
            },
            nulls: match self.null {
                Null::ByDialect => Nulls::ByDialect,
                Null::Unknown => Nulls::Unknown,
                Null::Initial => Nulls::Initial,
            },
            budget: self.budget,
            method: if self.search {
                Method::Search
            } else {
                Method::Fastest
            },
        }
    }
}

/// What came of a file.
struct Report {
    file: PathBuf,
    judged: Judged,
}

#[derive(Serialize)]
struct Shown<'a> {
    file: String,
    model: &'static str,
    verdict: &'static str,
    operations: u64,
    objects: u64,
    expanded: u64,
    read_ms: f64,
    cpu_ms: f64,
    explanation: Option<Explained<'a>>,
    #[serde(flatten)]
    ours: Option<ShownOurs>,
}

/// What is shown of one of our own recordings beside that.
#[derive(Serialize)]
struct ShownOurs {
    properties: Vec<PropertyLine>,
    notes: Vec<NoteLine>,
    staleness: StalenessLine,
}

impl ShownOurs {
    fn of(ours: &Ours) -> Self {
        Self {
            properties: ours.properties.iter().map(PropertyLine::of).collect(),
            notes: ours.notes.iter().map(NoteLine::of).collect(),
            staleness: StalenessLine::of(&ours.staleness),
        }
    }
}

impl Report {
    fn show(&self) -> Shown<'_> {
        let judgement = &self.judged.judgement;
        Shown {
            file: self.file.to_string_lossy().into_owned(),
            model: judgement.model.name(),
            verdict: judgement.verdict.name(),
            operations: judgement.operations,
            objects: judgement.objects,
            expanded: judgement.expanded,
            read_ms: clock::ms(self.judged.reading),
            cpu_ms: clock::ms(self.judged.judging),
            explanation: judgement
                .explanation
                .as_ref()
                .map(|explanation| history::explained(explanation, self.broken())),
            ours: self.judged.ours.as_ref().map(ShownOurs::of),
        }
    }

    fn tell(&self, is_single: bool, out: &mut dyn Write) -> Result<(), Failure> {
        let Judgement {
            model,
            verdict,
            operations,
            expanded,
            explanation,
            ..
        } = &self.judged.judgement;
        let file = self.file.to_string_lossy();
        let (name, model) = (verdict.name(), model.name());
        write!(
            out,
            "{name:<10} {model:<14} {operations:>8} operations  {file}"
        )?;
        if *verdict == Verdict::Undecided {
            write!(
                out,
                "; the budget was spent on {expanded} configurations: try a larger --budget"
            )?;
        }
        writeln!(out)?;
        if !is_single {
            return Ok(());
        }
        if let Some(explanation) = explanation {
            if let Some(property) = self.broken() {
                write!(out, "{property}: ")?;
            }
            writeln!(out, "{}", explanation.rule)?;
            write!(out, "{}", history::told(explanation))?;
        }
        if let Some(ours) = &self.judged.ours {
            let mut lines = String::new();
            for judged in &ours.properties {
                text::property(judged, &mut lines);
            }
            text::staleness(&ours.staleness, &mut lines);
            text::notes(&ours.notes, &mut lines);
            write!(out, "{lines}")?;
        }
        Ok(())
    }

    /// The property that the explanation is about, in one of our own recordings.
    fn broken(&self) -> Option<Property> {
        self.judged.ours.as_ref().and_then(|ours| ours.broken)
    }
}

fn judge(file: &Path, options: &Options) -> Result<Report, Failure> {
    let mut source = open(file)?;
    let judged = recorded::judge(&mut source, options, clock::cpu_ns);
    let mut judged = judged.map_err(|error| failure(file, error))?;
    if let Some(explanation) = &mut judged.judgement.explanation
        && explanation.operations.is_empty()
        && !is_stdin(file)
    {
        let found = recorded::operations_of(&mut open(file)?, &judged.lines);
        explanation.operations = found.map_err(|error| failure(file, error))?;
    }
    Ok(Report {
        file: file.to_owned(),
        judged,
    })
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if is_stdin(file) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).map_err(|error| failure(file, error.into()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, opened)))
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn failure(file: &Path, error: Unreadable) -> Failure {
    let path = file.to_string_lossy().into_owned();
    match error {
        Unreadable::Bytes(error) => Failure::File { path, error },
        Unreadable::Malformed(error) => Failure::Usage(format!("{path}: {error}")),
    }
}

/// Operations drawn at most: more is no picture.
const DRAWN: usize = 4_000;

fn draw(args: &Args, svg: &Path, reports: &[Report]) -> Result<(), Failure> {
    let violated = reports.iter().find_map(|report| {
        let explanation = report.judged.judgement.explanation.as_ref()?;
        Some((report, explanation))
    });
    let Some((report, explanation)) = violated else {
        return Ok(());
    };
    let (operations, left_out) = if is_stdin(&report.file) {
        // What was read cannot be read again.
        (explanation.operations.clone(), 0)
    } else {
        let mut source = open(&report.file)?;
        recorded::surroundings(&mut source, explanation, args.svg_whole, DRAWN)
            .map_err(|error| failure(&report.file, error))?
    };
    let picture = timeline::svg(&operations, explanation, left_out);
    output::replace(svg, &picture)
}

fn list(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    if args.json {
        output::json(out, &CHECKERS)?;
        return Ok(Status::Good);
    }
    for checker in CHECKERS {
        writeln!(out, "{}   {}", checker.name, checker.models.join(", "))?;
        writeln!(out, "  when        {}", checker.applies)?;
        writeln!(out, "  claims      {}", checker.claims)?;
        writeln!(out, "  how         {}", checker.algorithm)?;
        writeln!(out, "  cost        {}", checker.complexity)?;
        writeln!(out, "  source      {}", checker.source)?;
    }
    Ok(Status::Good)
}
