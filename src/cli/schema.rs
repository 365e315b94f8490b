//! `zablab schema`: what files look like, as JSON Schema.

use std::io::Write;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::output::{self, Failure, Status};
use crate::experiment::scenario::schema;
use crate::report::data::Report;
use crate::report::data::compare::CompareReport;
use crate::report::data::sweep::SweepReport;

/// Print the JSON Schema of a kind of file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab schema scenario > scenario.schema.json     let an editor complete and check scenario files
  zablab schema report                              what run --json and report.json hold

In a scenario, \"$schema\": \"scenario.schema.json\" tells editors where the schema is.")]
pub(super) struct Args {
    /// Which files
    #[arg(value_enum)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// Scenario files
    Scenario,
    /// report.json of a run
    Report,
    /// report.json of a sweep
    Sweep,
    /// report.json of two runs side by side
    Compare,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let schema = match args.kind {
        Kind::Scenario => schema::scenario(),
        Kind::Report => written::<Report>(),
        Kind::Sweep => written::<SweepReport>(),
        Kind::Compare => written::<CompareReport>(),
    };
    output::json(out, &schema)?;
    Ok(Status::Good)
}

/// The schema of what is written: fields that may be left out are not required.
fn written<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    Value::from(settings.into_generator().into_root_schema_for::<T>())
}
