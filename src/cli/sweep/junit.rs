//! JUnit XML: a suite per scenario, a test case per run that failed and one for all others. The dialect that CI servers read:
//! `testsuites > testsuite > testcase > failure | error`.

use std::fmt::Write;

use super::summary::Summary;
use crate::report::markup::escaped;

/// The report.
pub(super) fn report(summary: &Summary) -> String {
    let mut text = String::new();
    put(&mut text, summary).expect("a string takes any text");
    text
}

fn put(text: &mut String, summary: &Summary) -> std::fmt::Result {
    let tally = &summary.tally;
    writeln!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let failures = tally.failures.len();
    writeln!(
        text,
        "<testsuites name=\"zablab sweep\" tests=\"{}\" failures=\"{failures}\" time=\"{}\">",
        failures + summary.names.scenarios.len(),
        summary.seconds()
    )?;
    for (index, scenario) in summary.names.scenarios.iter().enumerate() {
        let failed = || tally.failures.iter().filter(|((of, _), _)| *of == index);
        let name = escaped(scenario);
        writeln!(
            text,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\">",
            failed().count() + 1,
            failed().count()
        )?;
        writeln!(
            text,
            "    <testcase classname=\"{name}\" name=\"all other runs hold\"/>"
        )?;
        for ((_, seed), failure) in failed() {
            let line = summary.failure_line((index, *seed), failure);
            writeln!(
                text,
                "    <testcase classname=\"{name}\" name=\"seed {seed}\">"
            )?;
            writeln!(
                text,
                "      <failure type=\"{}\" message=\"{}\">{}</failure>",
                escaped(&failure.property),
                escaped(&failure.signature),
                escaped(&line.replay)
            )?;
            writeln!(text, "    </testcase>")?;
        }
        writeln!(text, "  </testsuite>")?;
    }
    writeln!(text, "</testsuites>")
}
