//! JUnit XML of one run: a suite with a test case per property. `testsuites > testsuite > testcase > failure | error | skipped`.

use super::Pen;
use crate::check::verdict::Verdict;
use crate::experiment::outcome::{Judged, Outcome};
use crate::experiment::scenario::Scenario;
use crate::report::markup::escaped;

pub(super) fn write(scenario: &Scenario, outcome: &Outcome, pen: &mut Pen<'_>) {
    let count = |verdict| {
        let judged = outcome.properties.iter();
        judged.filter(|judged| judged.verdict == verdict).count()
    };
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        outcome.properties.len(),
        count(Verdict::Violated),
        count(Verdict::Undecided),
        count(Verdict::Vacuous)
    );
    let name = format!("{} seed {}", scenario.name, scenario.seed.0);
    let name = escaped(&name);
    pen.put(format_args!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    pen.put(format_args!("<testsuites name=\"zablab\" {counts}>\n"));
    pen.put(format_args!("  <testsuite name=\"{name}\" {counts}>\n"));
    for judged in &outcome.properties {
        case(&name, judged, outcome, pen);
    }
    pen.put(format_args!("  </testsuite>\n</testsuites>\n"));
}

fn case(suite: &str, judged: &Judged, outcome: &Outcome, pen: &mut Pen<'_>) {
    let name = judged.property.name();
    pen.put(format_args!(
        "    <testcase classname=\"{suite}\" name=\"{name}\""
    ));
    let why = escaped(judged.why.as_deref().unwrap_or("the budget was hit"));
    match judged.verdict {
        Verdict::Holds => return pen.put(format_args!("/>\n")),
        Verdict::Vacuous => pen.put(format_args!("><skipped message=\"never exercised\"/>")),
        Verdict::Excused => pen.put(format_args!(
            "><skipped message=\"excused by a fault outside Zab's model\"/>"
        )),
        Verdict::Undecided => pen.put(format_args!(
            "><error type=\"undecided\" message=\"{why}\"/>"
        )),
        Verdict::Violated => {
            let mut violations = outcome.violations.iter();
            let violation = violations.find(|violation| violation.property == judged.property);
            let signature = violation.map_or("", |violation| violation.signature);
            let story = violation
                .map(|violation| &violation.story[..])
                .unwrap_or_default();
            pen.put(format_args!(
                "><failure type=\"{name}\" message=\"{signature}\">"
            ));
            for sentence in story {
                pen.put(format_args!(
                    "\n{} {}",
                    sentence.at.time,
                    escaped(&sentence.text)
                ));
            }
            pen.put(format_args!("</failure>"));
        }
    }
    pen.put(format_args!("</testcase>\n"));
}
