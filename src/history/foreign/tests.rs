//! Readers: what they take, what they refuse, and that no bytes at all make them panic.

use super::value::Value;
use super::{Entry, Kind, Malformed, Reader};
use crate::base::rng::{Domain, Key, Seed};

/// Reads a whole history.
fn read(bytes: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut reader = Reader::new();
    let mut entries = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        reader.read(line, &mut entries)?;
    }
    reader.finish()?;
    Ok(entries)
}

fn complaint(text: &str) -> String {
    read(text.as_bytes()).unwrap_err().to_string()
}

const JSON: &str = r#"{"index":0,"process":4,"type":"invoke","f":"cas","key":"k","value":[1,{"a":null}],"time":5}
{"process":4,"type":"fail","f":"cas","key":"k","value":[1,2.5],"error":"mismatch","expected":3,"zxid":"1:17"}
"#;

const EDN: &str = r#"{:type :invoke, :f :cas, :key "k", :value [1 {"a" nil}], :process 4, :time 5}
{:type :fail, :f :cas, :key "k", :value [1 2.5], :process 4, :error :mismatch, :expected 3, :zxid "1:17"}
"#;

#[test]
fn both_formats_tell_the_same() {
    let json = read(JSON.as_bytes()).unwrap();
    assert_eq!(json, read(EDN.as_bytes()).unwrap());
    assert_eq!(json.len(), 2);
    assert_eq!(json[0].kind, Kind::Invoke);
    assert_eq!((json[0].line, json[0].time), (1, Some(5)));
    assert!(json[1].mismatch);
    assert_eq!(json[1].stamp.zxid, Some(0x1_0000_0011));
    assert_eq!(json[1].value.to_string(), "[1, 2.5]");
}

#[test]
fn what_jepsen_writes_around_operations_is_passed_over() {
    let text = "\u{feff}; a comment\r\n\n[#jepsen.history.Op{:process :nemesis, :type :info, :f :start, :value nil}\n\
        #_{:dropped [1 2]} {:process 0 :type :invoke\n :f :read, :value nil, :odd #{1 \\a \\newline #inst \"2020\"}} {:process 0, :type :ok, :f :read,\n\
        :value -12N}] ; the end\n";
    let entries = read(text.as_bytes()).unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!((entries[0].line, entries[1].line), (4, 5));
    assert_eq!(entries[1].value, Value::Int(-12));
}

#[test]
fn numbers_that_do_not_fit_stay_distinct() {
    let line = |value: &str| {
        let text = format!(r#"{{"process":0,"type":"invoke","f":"write","value":{value}}}"#);
        read(text.as_bytes()).unwrap()[0].value.clone()
    };
    assert_eq!(line("9223372036854775807"), Value::Int(i64::MAX));
    assert_ne!(line("9223372036854775808"), line("9223372036854775809"));
    assert_ne!(line("1.5"), line("\"1.5\""));
}

#[test]
fn complaints_name_line_and_expectation() {
    for (text, expected) in [
        ("{\"process\":0", "line 1: the line is cut off"),
        (
            "\n{\"process\":0}\n",
            "line 2: the field type is missing, expected invoke, ok, fail or info",
        ),
        ("{:process 0}", "line 1: the field type is missing"),
        (
            "{:process 0\n:type :ok\n",
            "line 1: the history ends in the middle of the element",
        ),
        (
            "[{:process 0 :type :info :f :x}",
            "line 1: the history ends without the ']'",
        ),
        ("{:a 1}}", "line 1: the field type is missing"),
        ("{:type :event}}", "line 1: unexpected \"}\""),
        (
            "{:type :event :process \"x\ny\"}\n}",
            "line 3: unexpected \"}\"",
        ),
        ("{:a}", "line 1: the key \"a\" of a map has no value"),
        ("#", "line 1: \"#\" is no tag"),
        ("#_", "line 1: #_ has no element"),
        ("{:a \"\\q\"}", "line 1: a string has the unknown escape"),
        (
            "{:type :event :process 0 :type :ok}",
            "line 1: the field \"type\" stands twice",
        ),
        ("nonsense", "line 1: expected"),
    ] {
        let found = complaint(text);
        assert!(found.starts_with(expected), "{text:?}: {found}");
    }
    let deep = format!("{{:process 0, :type :ok, :f :x, :value {}", "[".repeat(100));
    assert!(
        complaint(&format!("{deep}{}}}", "]".repeat(100))).contains("nested more than 64 deep")
    );
    let deep = format!(
        r#"{{"process":0,"value":{}{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    assert!(complaint(&deep).contains("recursion limit"));
}

#[test]
fn a_line_over_the_limit_is_refused() {
    let long = vec![b' '; super::LONGEST + 1];
    let error = Reader::new().read(&long, &mut Vec::new()).unwrap_err();
    assert!(error.what.starts_with("the line is longer than"));
    let mut reader = Reader::new();
    let line = format!("{{:a \"{}\n", "x".repeat(super::LONGEST / 2));
    reader.read(line.as_bytes(), &mut Vec::new()).unwrap();
    let error = reader
        .read(line.as_bytes(), &mut Vec::new())
        .and_then(|()| reader.read(line.as_bytes(), &mut Vec::new()));
    assert!(
        error
            .unwrap_err()
            .what
            .starts_with("an element is longer than")
    );
}

/// Whatever the bytes, a reader answers: whole histories cut, with bytes changed, doubled, or made of scraps.
fn survive(cases: u64) {
    let key = Key::derive(Seed(3), Domain::Workload);
    let scraps: Vec<&[u8]> = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "#",
        "#{",
        "#_",
        "##",
        ":",
        "\\",
        "\"",
        ";",
        "\n",
        "\0",
        "\u{feff}",
        ",",
        "nil",
        "1N",
        "1e999",
        "-",
        "\\u00",
        "\\uD800",
        "é",
        "{:type :ok",
        "\"process\":",
        "{\"type\":\"ok\"",
        "9223372036854775808",
        "1:17",
        "^",
        "true",
    ]
    .map(str::as_bytes)
    .into();
    for case in 0..cases {
        let mut nth = 0;
        let mut below = |bound: usize| {
            nth += 1;
            usize::try_from(key.draw(case, 0, 0, nth).below(bound as u64)).unwrap()
        };
        let mut bytes = if below(4) == 0 {
            Vec::new()
        } else {
            [JSON, EDN][below(2)].as_bytes().to_vec()
        };
        for _ in 0..=below(12) {
            let at = below(bytes.len() + 1);
            match below(5) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => bytes[at] = u8::try_from(below(256)).unwrap(),
                2 => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend(tail);
                }
                _ => {
                    let scrap = scraps[below(scraps.len())];
                    bytes.splice(at..at, scrap.iter().copied());
                }
            }
        }
        if let Err(error) = read(&bytes) {
            let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
            assert!((1..=lines).contains(&error.line), "{error}: {bytes:?}");
            assert!(!error.what.is_empty());
        }
    }
}

#[test]
fn no_bytes_make_a_reader_panic() {
    survive(20_000);
}

#[test]
#[ignore = "takes a while"]
fn no_bytes_out_of_millions_make_a_reader_panic() {
    survive(3_000_000);
}
