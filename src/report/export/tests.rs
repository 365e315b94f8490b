//! Each format against its own grammar and rules; what can be read back is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Format, mermaid, shiviz, write};
use crate::check::foreign::model::Options;
use crate::check::verdict::{Property, Verdict};
use crate::experiment::generate;
use crate::experiment::recorded;
use crate::experiment::scenario::Scenario;
use crate::history::codec::operations::reading;
use crate::history::foreign::as_json;

fn scenario(name: &str, set: &[&str]) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.json"));
    let set: Vec<String> = set.iter().map(|set| (*set).to_owned()).collect();
    let scenario = Scenario::parse(&fs::read(path).unwrap(), name, &set).unwrap();
    generate::expand(&scenario)
}

fn exported(scenario: &Scenario, format: Format) -> String {
    let mut bytes = Vec::new();
    write(scenario, format, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn violated() -> Scenario {
    scenario("zoo/half-quorum", &[])
}

fn healthy() -> Scenario {
    scenario("leader-crash", &["limits.virtual_ms=4000"])
}

#[test]
fn every_format_is_written_the_same_twice() {
    for format in Format::ALL {
        let text = exported(&violated(), format);
        assert!(!text.is_empty());
        assert_eq!(text, exported(&violated(), format), "{format:?}");
        assert_eq!(Format::by_name(format.name()), Some(format));
    }
}

#[test]
fn clocks_obey_the_rules_of_shiviz() {
    for scenario in [violated(), healthy()] {
        let text = exported(&scenario, Format::ShiViz);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(shiviz::EXPRESSION));
        assert_eq!(lines.next(), Some(""), "one execution");
        let mut clocks: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        let mut count = 0;
        while let Some(event) = lines.next() {
            assert!(!event.is_empty());
            let (host, clock) = lines.next().unwrap().split_once(' ').unwrap();
            let clock: BTreeMap<String, u64> = serde_json::from_str(clock).unwrap();
            let before = clocks.get(host).cloned().unwrap_or_default();
            let own = before.get(host).copied().unwrap_or(0);
            assert_eq!(clock[host], own + 1, "{host} counts its own events");
            for (other, seen) in &clock {
                assert!(before.get(other).is_none_or(|before| before <= seen));
                if other != host {
                    let known = clocks.get(other).map_or(0, |clock| clock[other]);
                    assert!(*seen <= known, "{host} knows of {other}'s future");
                }
            }
            clocks.insert(host.to_owned(), clock);
            count += 1;
        }
        assert!(count > 20 && count <= shiviz::MOST, "{count} events");
        let learnt = clocks.values().any(|clock| clock.len() > 1);
        assert!(learnt, "messages carry clocks");
    }
}

/// The documented fields of each phase; flows have both ends, slices are nested.
#[test]
fn trace_events_are_as_documented() {
    for scenario in [violated(), healthy()] {
        let text = exported(&scenario, Format::Perfetto);
        let trace: Value = serde_json::from_str(&text).unwrap();
        let mut flows: BTreeMap<u64, Vec<(String, f64)>> = BTreeMap::new();
        let mut open: BTreeMap<(u64, u64), Vec<String>> = BTreeMap::new();
        let mut pending: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut phases: BTreeMap<String, u64> = BTreeMap::new();
        for event in trace["traceEvents"].as_array().unwrap() {
            let phase = event["ph"].as_str().unwrap().to_owned();
            let name = event["name"].as_str().unwrap().to_owned();
            let (pid, tid) = (
                event["pid"].as_u64().unwrap(),
                event["tid"].as_u64().unwrap(),
            );
            let ts = event["ts"].as_f64().unwrap();
            *phases.entry(phase.clone()).or_default() += 1;
            match phase.as_str() {
                "M" => assert!(event["args"].is_object()),
                "X" => assert!(event["dur"].as_f64().unwrap() > 0.0),
                "s" | "f" => {
                    let id = event["id"].as_u64().unwrap();
                    assert!(event["cat"].is_string());
                    flows.entry(id).or_default().push((phase, ts));
                }
                "B" => open.entry((pid, tid)).or_default().push(name),
                "E" => assert_eq!(open.get_mut(&(pid, tid)).unwrap().pop(), Some(name)),
                "b" | "e" => {
                    let cat = event["cat"].as_str().unwrap().to_owned();
                    let id = event["id"].as_str().unwrap().to_owned();
                    *pending.entry((cat, id)).or_default() += if phase == "b" { 1 } else { -1 };
                }
                "C" => assert!(event["args"]["counter"].is_u64()),
                "i" => assert!(["g", "p"].contains(&event["s"].as_str().unwrap())),
                other => panic!("the phase {other}"),
            }
        }
        assert!(open.values().all(Vec::is_empty), "every slice ends");
        assert!(pending.values().all(|count| *count == 0), "{pending:?}");
        for ends in flows.values() {
            let [(start, sent), (finish, arrived)] = ends.as_slice() else {
                panic!("{ends:?}");
            };
            assert_eq!((start.as_str(), finish.as_str()), ("s", "f"));
            assert!(sent <= arrived);
        }
        assert!(
            phases["s"] > 20 && phases["B"] > 2 && phases["b"] > 2,
            "{phases:?}"
        );
    }
}

/// The facts that a reader gets back, and what it makes of them.
fn read_back(text: &str) -> (Vec<String>, BTreeMap<Property, Verdict>) {
    let facts = text.lines().zip(1..).filter_map(|(line, number)| {
        let fact = reading::read(number, &as_json(number, line).unwrap()).unwrap();
        fact.map(|fact| format!("{fact:?}"))
    });
    let judged = recorded::judge(&mut text.as_bytes(), &Options::default(), || 0).unwrap();
    let ours = judged.ours.expect("a recording of our own");
    let verdicts = ours
        .properties
        .iter()
        .map(|judged| (judged.property, judged.verdict));
    (facts.collect(), verdicts.collect())
}

#[test]
fn both_forms_of_a_jepsen_history_are_read_back_as_the_recording() {
    for name in ["znodes", "zoo/lost-update-by-retry", "zoo/half-quorum"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.json"));
        if !path.is_file() {
            continue;
        }
        let scenario = scenario(name, &[]);
        let json = read_back(&exported(&scenario, Format::JepsenJson));
        let edn = read_back(&exported(&scenario, Format::JepsenEdn));
        assert!(!json.0.is_empty());
        assert_eq!(json, edn, "{name}");
        let mut recorder = crate::experiment::record::Recorder::new(Some(Vec::new()), None);
        crate::experiment::run::play(&scenario, &mut recorder);
        let recording = recorder.finish().history.unwrap().unwrap();
        let recording = read_back(&String::from_utf8(recording).unwrap());
        assert_eq!(json, recording, "{name}");
    }
}

#[test]
fn a_jepsen_history_has_its_types_and_counts_its_lines() {
    let text = exported(&scenario("leader-crash", &[]), Format::JepsenJson);
    let mut faults = 0;
    for (index, line) in (0_u64..).zip(text.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["index"], index);
        assert!(line["process"].is_u64() || line["process"] == "nemesis");
        let kind = line["type"].as_str().unwrap();
        assert!(["invoke", "ok", "fail", "info"].contains(&kind), "{kind}");
        faults += u32::from(line["f"] == "fault-began");
    }
    assert!(faults > 0);
    let text = exported(&scenario("leader-crash", &[]), Format::JepsenEdn);
    assert!(
        text.lines()
            .all(|line| line.starts_with("{:") && line.ends_with('}'))
    );
    assert!(text.contains(":process :nemesis") && text.contains(":type :invoke"));
}

/// The expressions of `parseKvLog`, by hand: what they capture has no quote in it.
#[test]
fn porcupine_finds_every_line() {
    let text = exported(&scenario("znodes", &[]), Format::Porcupine);
    let mut open = std::collections::BTreeSet::new();
    let mut returned = 0;
    for line in text.lines() {
        let rest = line.strip_prefix("{:process ").unwrap();
        let (process, rest) = rest.split_once(", :type :").unwrap();
        let process: u64 = process.parse().unwrap();
        let (kind, rest) = rest.split_once(", :f :").unwrap();
        let (f, rest) = rest.split_once(", :key \"").unwrap();
        let (key, value) = rest.split_once("\", :value ").unwrap();
        let value = value.strip_suffix('}').unwrap();
        assert!(!key.contains('"'));
        match (kind, f) {
            ("invoke", "get") => assert_eq!(value, "nil"),
            ("invoke" | "ok", "put") | ("ok", "get") => {
                let inner = value
                    .strip_prefix('"')
                    .and_then(|value| value.strip_suffix('"'));
                assert!(!inner.unwrap().contains('"'));
            }
            other => panic!("{other:?}"),
        }
        if kind == "invoke" {
            assert!(open.insert(process));
        } else {
            assert!(open.remove(&process), "an answer follows its question");
            returned += 1;
        }
    }
    assert!(returned > 20, "{returned}");
}

#[test]
fn a_sequence_diagram_has_known_statements_and_few_messages() {
    for scenario in [violated(), healthy()] {
        let text = exported(&scenario, Format::Mermaid);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("sequenceDiagram"));
        let (mut names, mut messages, mut notes) = (Vec::new(), 0, 0);
        for line in lines {
            let line = line.trim_start();
            let plain = line.replace("#35;", "").replace("#59;", "");
            assert!(!plain.contains([';', '#']), "{line}");
            if let Some(name) = line.strip_prefix("participant ") {
                names.push(name.to_owned());
            } else if let Some(note) = line.strip_prefix("Note over ") {
                let (over, _) = note.split_once(": ").unwrap();
                assert!(over.split(',').all(|name| names.contains(&name.to_owned())));
                notes += 1;
            } else if !line.starts_with("title ") {
                let (ends, _) = line.split_once(": ").unwrap();
                let (from, to) = ends
                    .split_once("->>")
                    .or_else(|| ends.split_once("-x"))
                    .unwrap();
                assert!(names.iter().any(|name| name == from), "{line}");
                assert!(names.iter().any(|name| name == to), "{line}");
                messages += 1;
            }
        }
        assert!((1..=mermaid::MOST).contains(&messages));
        assert_eq!(notes > 0, !scenario.mutants.is_empty());
    }
}

#[test]
fn graphs_have_every_node_that_an_edge_names() {
    let text = exported(&violated(), Format::Dot);
    assert_eq!(text.matches("digraph ").count(), 2);
    for graph in text.split("digraph ").skip(1) {
        assert!(graph.trim_end().ends_with('}'));
        let statements = || graph.lines().map(str::trim);
        let nodes: Vec<&str> = statements()
            .filter(|line| !line.contains("->"))
            .filter_map(|line| line.split([' ', ';']).next())
            .collect();
        let mut edges = 0;
        for line in statements().filter(|line| line.contains("->")) {
            let ends: Vec<&str> = line.split([' ', ';']).collect();
            assert!(
                nodes.contains(&ends[0]) && nodes.contains(&ends[2]),
                "{line}"
            );
            edges += 1;
        }
        assert!(edges > 0);
        let quotes = graph.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(quotes.matches('"').count() % 2, 0);
    }
}

#[test]
fn a_terminal_recording_is_a_header_and_rising_times() {
    let text = exported(&healthy(), Format::Asciicast);
    let mut lines = text.lines();
    let header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(header["version"], 2);
    assert!(header["width"].is_u64() && header["height"].is_u64());
    let mut last = 0.0;
    for line in lines {
        let frame: Value = serde_json::from_str(line).unwrap();
        let [time, kind, text] = frame.as_array().unwrap().as_slice() else {
            panic!("{line}");
        };
        assert!(time.as_f64().unwrap() >= last);
        last = time.as_f64().unwrap();
        assert_eq!(kind, "o");
        assert!(text.as_str().unwrap().ends_with("\r\n"));
    }
    assert!(last > 1.0);
}

#[test]
fn a_junit_report_has_a_case_per_property_and_names_the_failures() {
    let scenario = violated();
    let text = exported(&scenario, Format::Junit);
    let cases = text.matches("<testcase ").count();
    assert_eq!(cases, scenario.check.len());
    let closed = text.matches("</testcase>").count() + text.matches("\"/>\n").count();
    assert_eq!(closed, cases, "{text}");
    assert!(text.contains("<failure type=\"commit-quorum\""), "{text}");
    assert!(text.contains(&format!("tests=\"{cases}\"")));
    let plain = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
    let bare = plain
        .iter()
        .fold(text, |text, entity| text.replace(entity, ""));
    assert!(!bare.contains('&'));
}

#[test]
fn a_table_has_the_same_cells_in_every_line() {
    let text = exported(&violated(), Format::Csv);
    assert!(text.ends_with("\r\n"));
    let width = super::csv::HEADER.split(',').count();
    let mut sent = 0;
    for line in text.split_terminator("\r\n") {
        let mut is_quoted = false;
        let commas = line.chars().filter(|letter| {
            is_quoted ^= *letter == '"';
            *letter == ',' && !is_quoted
        });
        assert_eq!(commas.count() + 1, width, "{line}");
        assert!(!is_quoted, "{line}");
        sent += u32::from(line.contains(",sent,"));
    }
    assert!(sent > 20);
}
