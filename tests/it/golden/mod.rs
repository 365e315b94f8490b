//! The tree answers as a real ZooKeeper 3.9.5 did: every recorded standalone script, step by step, with results, Stats,
//! zxids and the order of events on each connection.

mod player;
mod script;

use std::fs;
use std::path::PathBuf;

use player::Player;
use serde_json::Value;

/// Plays every script of a folder; gives the number of steps and the differences, a few words each.
fn play_folder(folder: &str) -> (usize, Vec<String>) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap_or_else(|why| panic!("{} is readable: {why}", root.display()))
        .map(|entry| entry.expect("a listed file").path())
        .collect();
    files.sort();
    let (mut steps, mut differences) = (0, Vec::new());
    for file in files {
        let name = file
            .file_stem()
            .expect("a file with a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).expect("a readable file");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        let (header, script) = lines.split_first().expect("a header");
        assert_eq!(header["steps"], script.len(), "{name} is whole");
        let mut player = Player::new(header);
        for (i, step) in script.iter().enumerate() {
            steps += 1;
            let (outcome, received) = player.play(step);
            let expected = in_order(&step["recv"], step);
            let received = in_order(&received, step);
            if outcome != step["r"] || received != expected {
                differences.push(format!(
                    "{name}, line {}: {step}\n    came out as {outcome}\n    and received {received}",
                    i + 2
                ));
                break;
            }
        }
    }
    (steps, differences)
}

/// What clients received, sorted where the order of deletions is left open.
fn in_order(received: &Value, step: &Value) -> Value {
    let mut received = received.clone();
    if step["unordered"] == true {
        for list in received
            .as_object_mut()
            .expect("lists by client")
            .values_mut()
        {
            list.as_array_mut()
                .expect("a list")
                .sort_by_key(ToString::to_string);
        }
    }
    received
}

fn check(folder: &str, least: usize) {
    let (steps, differences) = play_folder(folder);
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(steps >= least, "only {steps} steps were played");
}

#[test]
fn the_scripts_on_one_topic_each_come_out_as_recorded() {
    check("hand", 1_500);
}

#[test]
fn the_random_scripts_come_out_as_recorded() {
    check("shared", 24_375);
}
