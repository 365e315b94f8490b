//! The map of a class: a table per exercise, a row per student, a column per part, and which rules were broken.

use std::fmt::Write as _;

use super::grade::{Grade, Part};
use super::render::points;
use crate::report::markup::escaped;

const STYLE: &str = "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;color:#1a1a1a;background:#fff}\
table{border-collapse:collapse;margin:0 0 2rem}caption{text-align:left;font-weight:600;padding:.3rem 0}\
th,td{border:1px solid #bbb;padding:.25rem .6rem;text-align:left;vertical-align:top}\
td.all{background:#d5ecd9}td.some{background:#fbeecb}td.none{background:#f6cfc4}td small{display:block}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}th,td{border-color:#555}\
td.all{background:#1f4a2b}td.some{background:#574711}td.none{background:#6b2a1a}}";

/// The page.
pub fn html(grades: &[(Grade, String)]) -> String {
    let mut labs: Vec<&str> = Vec::new();
    for (grade, _) in grades {
        if !labs.contains(&grade.lab) {
            labs.push(grade.lab);
        }
    }
    let tables: String = labs
        .iter()
        .map(|lab| {
            let of_lab = grades.iter().map(|(grade, _)| grade);
            let of_lab: Vec<&Grade> = of_lab.filter(|grade| grade.lab == *lab).collect();
            table(&of_lab)
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Grades by part</title>\
         <style>{STYLE}</style></head><body>\n<h1>Grades by part</h1>\n\
         <p>A cell has the points of a part and, where it failed, the rule that was broken. \
         The last row counts who did not pass.</p>\n{tables}</body></html>\n"
    )
}

fn table(grades: &[&Grade]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for part in grades.iter().flat_map(|grade| &grade.parts) {
        if !columns.contains(&part.name.as_str()) {
            columns.push(&part.name);
        }
    }
    let mut text = format!("<table><caption>{}</caption>\n", escaped(&grades[0].title));
    let heads: Vec<String> = columns
        .iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", escaped(column)))
        .collect();
    push(
        &mut text,
        &format!(
            "<tr><th scope=\"col\">student</th>{}<th scope=\"col\">all</th></tr>",
            heads.concat()
        ),
    );
    for grade in grades {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| cell(grade.parts.iter().find(|part| part.name == *column)))
            .collect();
        let (score, most) = (grade.score(), grade.most());
        push(
            &mut text,
            &format!(
                "<tr><th scope=\"row\">{}</th>{}<td class=\"{}\">{}/{} <small>{}</small></td></tr>",
                escaped(&grade.student),
                cells.concat(),
                shade(score, most),
                points(score),
                points(most),
                grade.standing.word()
            ),
        );
    }
    let failed: Vec<String> = columns
        .iter()
        .map(|column| {
            let parts = grades.iter().flat_map(|grade| &grade.parts);
            let failed = parts.filter(|part| part.name == *column && !part.passed);
            format!("<td>{}</td>", failed.count())
        })
        .collect();
    let broken = grades
        .iter()
        .filter(|grade| grade.standing != super::grade::Standing::Passed);
    push(
        &mut text,
        &format!(
            "<tr><th scope=\"row\">not passed</th>{}<td>{}</td></tr>",
            failed.concat(),
            broken.count()
        ),
    );
    text.push_str("</table>\n");
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes any text");
}

fn shade(score: u64, most: u64) -> &'static str {
    if score >= most {
        "all"
    } else if score * 2 >= most {
        "some"
    } else {
        "none"
    }
}

fn cell(part: Option<&Part>) -> String {
    let Some(part) = part else {
        return "<td>–</td>".to_owned();
    };
    let class = if part.passed {
        shade(part.score, part.most)
    } else if part.is_gate {
        "none"
    } else {
        "some"
    };
    let mark = if part.passed { "✓" } else { "✗" };
    let points = if part.most == 0 {
        String::new()
    } else {
        format!(" {}/{}", points(part.score), points(part.most))
    };
    let rule = part.shown.as_ref().map_or_else(String::new, |shown| {
        format!("<small>{}</small>", escaped(&shown.rule))
    });
    format!(
        "<td class=\"{class}\" title=\"{}\">{mark}{points}{rule}</td>",
        escaped(&part.says)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::course::LABS;
    use crate::lab::solution::Fault;

    #[test]
    fn a_class_is_a_table_per_lab_with_everybody_in_it() {
        let fault = Fault("it said <maybe>".to_owned());
        let of = |lab: usize, who: &str| (Grade::broken(&LABS[lab], who, &fault), who.to_owned());
        let page = html(&[of(0, "ann & bob"), of(1, "cat"), of(0, "dan")]);
        assert_eq!(page.matches("<table>").count(), 2);
        for text in ["ann &amp; bob", "cat", "dan", "it said &lt;maybe&gt;"] {
            assert!(page.contains(text), "{text}");
        }
        assert!(page.contains("<tr><th scope=\"row\">not passed</th><td>2</td><td>2</td></tr>"));
    }
}
