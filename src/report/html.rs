//! One page from its parts: skeleton, style and scripts are files beside this one, the data is embedded.
//!
//! Data never reaches a place where it could be markup or code: JSON has its `<` escaped, traces are base64, and what
//! readers without scripts see is escaped text.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::data::Report;
use super::markup::escaped;
use super::plot::Figure;

const SKELETON: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");

/// The scripts, in the order in which they are read.
const SCRIPTS: [&str; 24] = [
    include_str!("page/dom.js"),
    include_str!("page/trace.js"),
    include_str!("page/model.js"),
    include_str!("page/lineage.js"),
    include_str!("page/window.js"),
    include_str!("page/scene.js"),
    include_str!("page/marks.js"),
    include_str!("page/paint.js"),
    include_str!("page/overview.js"),
    include_str!("page/servers.js"),
    include_str!("page/why.js"),
    include_str!("page/table.js"),
    include_str!("page/history.js"),
    include_str!("page/summary.js"),
    include_str!("page/glossary.js"),
    include_str!("page/sweep.js"),
    include_str!("page/compare.js"),
    include_str!("page/lesson.js"),
    include_str!("page/search.js"),
    include_str!("page/link.js"),
    include_str!("page/keys.js"),
    include_str!("page/player.js"),
    include_str!("page/render.js"),
    include_str!("page/main.js"),
];

/// What a page shows.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The window's title.
    pub title: String,
    /// The report, as JSON.
    pub report: String,
    /// The traces of its runs, gzipped: none, one, or two that are compared.
    pub traces: Vec<Vec<u8>>,
    /// Pictures.
    pub plots: Vec<Figure>,
    /// What a reader without scripts sees, as HTML.
    pub fallback: String,
}

impl Page {
    /// A page on some data.
    pub fn new(title: String, report: &impl Serialize) -> Self {
        let json = serde_json::to_string(report).expect("reports have string keys only");
        Self {
            title,
            report: inert(&json),
            ..Self::default()
        }
    }

    /// The page as HTML: the same bytes from the same data.
    pub fn html(&self) -> String {
        let trace = |index: usize| {
            let bytes = self.traces.get(index);
            bytes.map_or_else(String::new, |bytes| STANDARD.encode(bytes))
        };
        let mut html = String::new();
        let mut rest = SKELETON;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").expect("the skeleton is whole");
            html.push_str(before);
            match name {
                "title" => html.push_str(&escaped(&self.title)),
                "style" => html.push_str(STYLE),
                "script" => {
                    html.push_str("\"use strict\";\n");
                    html.push_str(&SCRIPTS.join("\n"));
                }
                "static" => html.push_str(&self.fallback),
                "report" => html.push_str(&self.report),
                "trace" => html.push_str(&trace(0)),
                "trace2" => html.push_str(&trace(1)),
                "plots" => html.push_str(&self.figures()),
                unknown => unreachable!("the skeleton asks for {unknown}"),
            }
            rest = after;
        }
        html.push_str(rest);
        html
    }

    fn figures(&self) -> String {
        let mut html = String::from("<template id=\"plots\">");
        for Figure { name, caption, svg } in &self.plots {
            write!(
                html,
                "<figure data-plot=\"{}\"><figcaption>{}</figcaption>{svg}</figure>",
                escaped(name),
                escaped(caption)
            )
            .expect("a string takes any text");
        }
        html.push_str("</template>");
        html
    }
}

/// JSON that cannot end the element it stands in.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// What a reader without scripts sees of a run: verdict, story, the way to play it again.
pub fn fallback(report: &Report) -> String {
    let mut html = format!(
        "<h1>{}: {}, seed {}</h1><p>{}</p>",
        escaped(report.verdict),
        escaped(&report.scenario),
        report.seed,
        escaped(&report.about)
    );
    for violation in report.violations.iter().take(1) {
        write!(
            html,
            "<h2>{}</h2><p>{}</p><ol>",
            escaped(violation.property),
            escaped(violation.statement)
        )
        .expect("a string takes any text");
        for line in &violation.story {
            write!(
                html,
                "<li>event {}: {}</li>",
                line.event,
                escaped(&line.text)
            )
            .expect("a string takes any text");
        }
        html.push_str("</ol>");
    }
    let replay = escaped(&report.replay);
    write!(html, "<p>Play it again: <code>{replay}</code></p>").expect("a string takes any text");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_data_is_neither_markup_nor_the_end_of_its_element() {
        let hostile = "</script><b>&\"'\u{2028}{{trace}}";
        let mut page = Page::new(hostile.to_owned(), &[hostile]);
        page.traces = vec![vec![0, 1, 2]];
        let html = page.html();
        assert!(!html.contains("</script><b>"));
        assert!(!page.report.contains('\u{2028}'));
        assert_eq!(html.matches("AAEC").count(), 1);
        let again: Vec<String> = serde_json::from_str(&page.report).unwrap();
        assert_eq!(again, [hostile]);
    }

    #[test]
    fn the_skeleton_has_a_place_for_each_part() {
        for name in [
            "title", "style", "script", "static", "report", "trace", "trace2", "plots",
        ] {
            let place = format!("{{{{{name}}}}}");
            assert_eq!(SKELETON.matches(&place).count(), 1, "{place}");
        }
    }
}
