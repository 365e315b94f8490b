//! JUnit XML: a suite per scenario, a test case per run that failed and one for all others. The dialect that CI servers read:
//! `testsuites > testsuite > testcase > failure | error`.

use std::fmt::Write;

use super::summary::Summary;

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

/// Text as XML takes it, in attributes too; characters that XML does not have are left out.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            letter if letter.is_control() && !matches!(letter, '\t' | '\n' | '\r') => {}
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(
            escaped("<a b='\"&\u{1}x'>"),
            "&lt;a b=&apos;&quot;&amp;x&apos;&gt;"
        );
    }
}
