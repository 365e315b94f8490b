//! `zablab mutants`: the zoo of defects: its list, the hunt for the scenarios that show them, and the kill matrix.

mod compare;
mod hunt;
mod kill;
mod list;

use std::io::Write;
use std::path::Path;

use super::input;
use super::output::{Failure, Status};
use crate::experiment::scenario::Scenario;
use crate::mutant::table::{DEFECTS, Defect, Layer};

/// List the defects that a scenario can plant, find scenarios that show them, measure which property catches which
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = list::HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: list::Args,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Hunt(hunt::Args),
    Kill(kill::Args),
    Compare(compare::Args),
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    match &args.action {
        None => list::run(&args.list, out),
        Some(Action::Hunt(args)) => hunt::run(args, out),
        Some(Action::Kill(args)) => kill::run(args, out),
        Some(Action::Compare(args)) => compare::run(args, out),
    }
}

fn layer(name: &str) -> Result<Layer, String> {
    let known = Layer::ALL.map(Layer::name).join(", ");
    Layer::by_name(name).ok_or_else(|| format!("there is no layer of that name; there are {known}"))
}

fn defect(id: &str) -> Result<&'static Defect, String> {
    Defect::by_id(id).ok_or_else(|| {
        let known: Vec<&str> = DEFECTS.iter().map(|defect| defect.id).collect();
        format!(
            "there is no mutant of that name; there are {}",
            known.join(", ")
        )
    })
}

/// The family in which a defect is hunted, with the defect planted and its guidance given.
fn family(defect: &Defect, folder: &Path) -> Result<Scenario, Failure> {
    let file = folder.join(format!("{}.json", defect.hunt.family));
    input::load(&file, &defect.overrides())
}

/// Which defects a command is about; all if none is named.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct Choice {
    /// The defects
    #[arg(value_name = "ID", value_parser = defect, conflicts_with = "layer")]
    ids: Vec<&'static Defect>,
    /// Those of one layer
    #[arg(long, value_name = "NAME", value_parser = layer)]
    layer: Option<Layer>,
}

impl Choice {
    fn defects(&self) -> impl Iterator<Item = &'static Defect> {
        DEFECTS.iter().filter(|defect| match self.layer {
            Some(layer) => layer == defect.layer,
            None => self.ids.is_empty() || self.ids.iter().any(|named| named.id == defect.id),
        })
    }
}
