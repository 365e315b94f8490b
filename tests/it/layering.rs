//! Arrows point down: every module uses only what its layer may know (ARCHITECTURE.md, "Layers").

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module, then what it may use of the crate.
const MAY_USE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("sim", &["base"]),
    ("history", &["base"]),
    ("tree", &["base", "history"]),
    ("words", &["base", "history", "sim", "tree"]),
    ("client", &["base", "history", "sim", "words"]),
    ("zab", &["base", "history", "sim", "tree", "words"]),
    (
        "cast",
        &["base", "history", "sim", "words", "client", "zab"],
    ),
    ("check", &["base", "history"]),
    (
        "mutant",
        &[
            "base", "history", "sim", "tree", "words", "client", "zab", "cast", "check",
        ],
    ),
    (
        "experiment",
        &[
            "base", "history", "sim", "tree", "words", "client", "zab", "cast", "check", "mutant",
        ],
    ),
    (
        "report",
        &[
            "base",
            "history",
            "sim",
            "words",
            "cast",
            "check",
            "mutant",
            "experiment",
        ],
    ),
    (
        "lab",
        &[
            "base",
            "history",
            "sim",
            "words",
            "client",
            "zab",
            "cast",
            "check",
            "experiment",
            "report",
        ],
    ),
    (
        "cli",
        &["base", "check", "mutant", "experiment", "report", "lab"],
    ),
];

#[test]
fn modules_use_only_layers_below() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let module = module_of(&file);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            assert!(
                matches!(module.as_str(), "lib" | "main"),
                "{} belongs to no layer",
                file.display()
            );
            continue;
        };
        let body = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .expect("split has a first part");
        for used in used_modules(body) {
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{} uses crate::{used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_every_module() {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("the library has a front door");
    let declared: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(!declared.is_empty());
    for module in declared {
        assert!(
            MAY_USE.iter().any(|(name, _)| *name == module),
            "{module} has no row"
        );
    }
}

/// Every `crate::X` of a text, comments left out.
fn used_modules(text: &str) -> Vec<String> {
    let mut used = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for (at, found) in line.match_indices("crate::") {
            let rest = &line[at + found.len()..];
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            if !name.is_empty() {
                used.push(name);
            }
        }
    }
    used
}

fn module_of(file: &Path) -> String {
    let relative = file
        .strip_prefix(root().join("src"))
        .expect("a source file");
    let first = relative
        .components()
        .next()
        .expect("a path")
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Every source file with its text, in path order.
pub(crate) fn sources() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a readable file");
                files.insert(path, text);
            }
        }
    }
    assert!(files.len() > 50, "the sources were not found");
    files
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
