//! Grades as text, as Gradescope reads them, as JUnit and as lines of a table for a class.

use std::fmt::Write as _;

use serde::Serialize;

use super::grade::{Grade, Part, Standing};
use super::story::{Counterexample, Line};
use crate::report::markup::escaped;

/// Where the event of a line stands.
const COLUMN: usize = 92;

/// Points with two digits after the point.
pub fn points(hundredths: u64) -> String {
    if hundredths.is_multiple_of(100) {
        (hundredths / 100).to_string()
    } else {
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl Standing {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Broken => "broken",
        }
    }
}

/// A grade for people; `dir` is where the solution is, for the commands that show more.
pub fn text(grade: &Grade, dir: &str) -> String {
    let mut text = String::new();
    let (score, most) = (points(grade.score()), points(grade.most()));
    let word = grade.standing.word().to_uppercase();
    push(
        &mut text,
        &format!(
            "{}: {word}  {}  {score} of {most} points",
            grade.title, grade.student
        ),
    );
    for part in &grade.parts {
        push(&mut text, &part_line(part));
    }
    for part in &grade.parts {
        if let Some(shown) = &part.shown {
            text.push('\n');
            text.push_str(&counterexample(&grade.title, shown, dir));
        }
    }
    text
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn part_line(part: &Part) -> String {
    let mark = match (part.passed, part.is_gate) {
        (true, true) => "ok  ",
        (true, false) if part.score == part.most => "ok  ",
        (true, false) => "--  ",
        (false, true) => "FAIL",
        (false, false) => "less",
    };
    let points = format!("{}/{}", points(part.score), points(part.most));
    format!("  {mark} {:<26} {points:>9}  {}", part.name, part.says)
}

/// A counterexample in the form that all labs share.
pub fn counterexample(title: &str, shown: &Counterexample, dir: &str) -> String {
    let more = if shown.replay.is_empty() {
        String::new()
    } else {
        format!(" {}", shown.replay)
    };
    let mut text = format!(
        "{title}: FAIL  rule: {}   replay: zablab course test {dir}{more}   ({})\n",
        shown.rule, shown.size
    );
    for (index, line) in shown.lines.iter().enumerate() {
        push(&mut text, &numbered(index + 1, line));
    }
    push(
        &mut text,
        &format!("hint (1 of 3, costs nothing): {}", shown.hint),
    );
    if let Some(page) = &shown.page {
        push(&mut text, &format!("the run as a page: {page}"));
    }
    text
}

fn numbered(number: usize, line: &Line) -> String {
    let mut text = format!("{number:>2} {}", line.text);
    if line.event.is_some() || line.is_yours {
        let width = text.chars().count();
        text.push_str(&" ".repeat(COLUMN.saturating_sub(width).max(2)));
    }
    if let Some(event) = line.event {
        write!(text, "e{event}").expect("a string takes any text");
    }
    if line.is_yours {
        text.push_str("   <- your code");
    }
    text
}

#[derive(Serialize)]
struct GradescopeJson {
    score: String,
    output: String,
    visibility: &'static str,
    tests: Vec<TestJson>,
}

#[derive(Serialize)]
struct TestJson {
    name: String,
    score: String,
    max_score: String,
    status: &'static str,
    output: String,
    visibility: &'static str,
}

/// `results.json` as Gradescope reads it.
pub fn gradescope(grade: &Grade, dir: &str) -> String {
    let tests = grade.parts.iter().map(|part| TestJson {
        name: part.name.clone(),
        score: points(part.score),
        max_score: points(part.most),
        status: if part.passed { "passed" } else { "failed" },
        output: output(grade, part, dir),
        visibility: "visible",
    });
    let object = GradescopeJson {
        score: points(grade.score()),
        output: format!("{}: {}", grade.title, grade.standing.word()),
        visibility: "visible",
        tests: tests.collect(),
    };
    pretty(&numbers(
        serde_json::to_value(&object).expect("string keys only"),
    ))
}

/// Points are numbers for machines: written as decimals, read back as such.
fn numbers(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let points = value
                        .as_str()
                        .filter(|_| name == "score" || name == "max_score");
                    let number = points.map(|text| {
                        serde_json::from_str(text).expect("points are a decimal number")
                    });
                    let value = number.unwrap_or_else(|| numbers(value));
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(numbers).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

fn pretty(value: &serde_json::Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("string keys only");
    text.push('\n');
    text
}

fn output(grade: &Grade, part: &Part, dir: &str) -> String {
    let mut text = part.says.clone();
    if let Some(shown) = &part.shown {
        text.push('\n');
        text.push_str(&counterexample(&grade.title, shown, dir));
    }
    text
}

#[derive(Serialize)]
struct GradeJson {
    student: String,
    lab: &'static str,
    standing: &'static str,
    score: String,
    max_score: String,
    parts: Vec<PartJson>,
}

#[derive(Serialize)]
struct PartJson {
    name: String,
    gate: bool,
    passed: bool,
    score: String,
    max_score: String,
    says: String,
    rule: Option<String>,
    shown: Option<String>,
    page: Option<String>,
}

/// Every grade of a class in one object.
pub fn json(grades: &[(Grade, String)]) -> String {
    let grades: Vec<GradeJson> = grades
        .iter()
        .map(|(grade, dir)| GradeJson {
            student: grade.student.clone(),
            lab: grade.lab,
            standing: grade.standing.word(),
            score: points(grade.score()),
            max_score: points(grade.most()),
            parts: grade
                .parts
                .iter()
                .map(|part| PartJson {
                    name: part.name.clone(),
                    gate: part.is_gate,
                    passed: part.passed,
                    score: points(part.score),
                    max_score: points(part.most),
                    says: part.says.clone(),
                    rule: part.shown.as_ref().map(|shown| shown.rule.clone()),
                    shown: part
                        .shown
                        .as_ref()
                        .map(|shown| counterexample(&grade.title, shown, dir)),
                    page: part.shown.as_ref().and_then(|shown| shown.page.clone()),
                })
                .collect(),
        })
        .collect();
    let grades = numbers(serde_json::to_value(grades).expect("string keys only"));
    pretty(&serde_json::json!({ "grades": grades }))
}

/// JUnit: a suite per student.
pub fn junit(grades: &[(Grade, String)]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (grade, dir) in grades {
        let failures = grade.parts.iter().filter(|part| !part.passed).count();
        push(
            &mut text,
            &format!(
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\">",
                escaped(&format!("{} {}", grade.lab, grade.student)),
                grade.parts.len()
            ),
        );
        for part in &grade.parts {
            let name = escaped(&part.name);
            if part.passed {
                push(&mut text, &format!("    <testcase name=\"{name}\"/>"));
            } else {
                let (says, output) = (escaped(&part.says), escaped(&output(grade, part, dir)));
                push(
                    &mut text,
                    &format!(
                        "    <testcase name=\"{name}\"><failure message=\"{says}\">{output}</failure></testcase>"
                    ),
                );
            }
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// A table for a class: student by part, with the rule of what failed.
pub fn csv(grades: &[(Grade, String)]) -> String {
    let mut text = String::from("student,lab,standing,score,max_score,part,passed,points,rule\n");
    for (grade, _) in grades {
        for part in &grade.parts {
            let rule = part.shown.as_ref().map_or("", |shown| shown.rule.as_str());
            let fields = [
                cell(&grade.student),
                grade.lab.to_owned(),
                grade.standing.word().to_owned(),
                points(grade.score()),
                points(grade.most()),
                cell(&part.name),
                part.passed.to_string(),
                points(part.score),
                cell(rule),
            ];
            push(&mut text, &fields.join(","));
        }
    }
    text
}

fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade() -> Grade {
        let shown = Counterexample {
            rule: "total-order".to_owned(),
            replay: "--only runs --seed 17".to_owned(),
            size: "3 servers, 1 faults, 94 events".to_owned(),
            lines: vec![
                Line {
                    text: "s1 logged 1:3".to_owned(),
                    event: Some(50),
                    is_yours: false,
                },
                Line {
                    text: "your decide() returned DIFF".to_owned(),
                    event: Some(81),
                    is_yours: true,
                },
            ],
            hint: "print <both>",
            scenario: None,
            page: None,
        };
        let part = |name: &str, score, passed, shown| Part {
            name: name.to_owned(),
            score,
            most: 4_000,
            is_gate: true,
            passed,
            says: "31 of 32 runs".to_owned(),
            shown,
        };
        Grade {
            lab: "sync",
            title: "lab 6 sync decision".to_owned(),
            student: "ann, \"a\"".to_owned(),
            standing: Standing::Failed,
            parts: vec![
                part("answers", 4_000, true, None),
                part("runs", 3_875, false, Some(shown)),
            ],
            questions: 3,
            all: 10_000,
        }
    }

    #[test]
    fn a_counterexample_has_its_fixed_form() {
        let text = text(&grade(), "ann");
        let head = "lab 6 sync decision: FAIL  rule: total-order   replay: zablab course test ann --only runs --seed 17   \
                    (3 servers, 1 faults, 94 events)\n 1 s1 logged 1:3 ";
        assert!(text.contains(head), "{text}");
        assert!(text.contains("e81   <- your code\n"), "{text}");
        assert!(text.ends_with("hint (1 of 3, costs nothing): print <both>\n"));
        assert!(text.starts_with("lab 6 sync decision: FAILED  ann, \"a\"  78.75 of 80 points\n"));
    }

    #[test]
    fn machines_get_numbers_and_well_formed_text() {
        let json: serde_json::Value = serde_json::from_str(&gradescope(&grade(), "ann")).unwrap();
        assert_eq!(json["score"].to_string(), "78.75");
        assert_eq!(json["tests"][1]["max_score"].to_string(), "40");
        let class = [(grade(), "ann".to_owned())];
        let whole: serde_json::Value = serde_json::from_str(&super::json(&class)).unwrap();
        assert_eq!(whole["grades"][0]["parts"][1]["rule"], "total-order");
        assert!(junit(&class).contains("print &lt;both&gt;"));
        assert!(
            csv(&class)
                .contains("\"ann, \"\"a\"\"\",sync,failed,78.75,80,runs,false,38.75,total-order")
        );
    }
}
