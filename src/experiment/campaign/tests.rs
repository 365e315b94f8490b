//! Places, journals and sums of a campaign.

use std::collections::BTreeSet;

use super::*;

fn campaign(seeds: Range<u64>, index: u64, of: u64) -> Campaign {
    let scenario = |name: &str| {
        let text = format!(r#"{{ "format": 1, "name": "{name}", "seed": 1 }}"#);
        Scenario::parse(text.as_bytes(), name, &[]).unwrap()
    };
    Campaign {
        scenarios: vec![scenario("one"), scenario("two")],
        seeds,
        shard: Shard { index, of },
    }
}

/// A run that held, or that failed with so many faults in its plan.
fn line(scenario: usize, seed: u64, failed: Option<usize>) -> Line {
    Line {
        scenario,
        seed,
        verdict: failed.map_or("holds", |_| "violated").to_owned(),
        digest: Some(format!("{seed:016x}")),
        events: 10,
        virtual_ms: 5,
        exercised: vec![1; Property::ALL.len()],
        violated: failed.map(|_| 0).into_iter().collect(),
        counters: vec![2; Counters::default().rows().len()],
        reached: vec![0; Situation::COUNT],
        failure: failed.map(|faults| Failed {
            property: "integrity".to_owned(),
            signature: "made-up".to_owned(),
            faults,
            file: Some(format!("seed{seed}.json")),
            message: None,
        }),
    }
}

fn journal(campaign: &Campaign, lines: &[Line]) -> Vec<u8> {
    let mut text = serde_json::to_string(&campaign.header()).unwrap();
    for line in lines {
        text.push('\n');
        text.push_str(&serde_json::to_string(line).unwrap());
    }
    text.push('\n');
    text.into_bytes()
}

#[test]
fn shards_share_the_runs_without_rest_and_without_overlap() {
    for of in 1..=5 {
        let mut runs = BTreeSet::new();
        let mut count = 0;
        for index in 1..=of {
            let campaign = campaign(3..14, index, of);
            for place in 0..campaign.runs() {
                let (scenario, seed) = campaign.run_at(place);
                assert_eq!(campaign.place_of(scenario, seed), Some(place));
                runs.insert((scenario, seed));
                count += 1;
            }
        }
        assert_eq!(count, 22, "{of} shards");
        assert_eq!(runs.len(), 22);
        assert!(runs.iter().all(|(_, seed)| (3..14).contains(seed)));
    }
    let second = campaign(3..14, 2, 2);
    assert_eq!(second.place_of(0, 3), None);
    assert_eq!(second.place_of(2, 4), None);
    assert_eq!(second.place_of(0, 14), None);
}

#[test]
fn shards_are_read_strictly() {
    assert_eq!(Shard::parse("2/8"), Ok(Shard { index: 2, of: 8 }));
    for wrong in ["1/1000001", "", "2", "0/3", "4/3", "a/b", "1/0", "-1/2"] {
        assert!(Shard::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_sum_does_not_depend_on_the_order_of_lines() {
    let lines: Vec<Line> = (0..8)
        .map(|seed| line(0, seed, (seed % 3 == 1).then_some(4)))
        .collect();
    let sum = |order: &[usize], most| {
        let mut ledger = Ledger::new(most);
        for index in order {
            ledger.take(*index as u64, lines[*index].clone());
        }
        ledger.close()
    };
    let forward = [0, 1, 2, 3, 4, 5, 6, 7];
    let mixed = [5, 0, 7, 2, 1, 6, 4, 3];
    assert_eq!(sum(&forward, None), sum(&mixed, None));
    assert_eq!(sum(&forward, None).violated, 3);
    let first = sum(&mixed, Some(1));
    assert_eq!(first, sum(&forward, Some(1)));
    assert_eq!((first.runs, first.failures.len()), (2, 1));
}

#[test]
fn groups_come_with_their_smallest_example_first() {
    let mut ledger = Ledger::new(None);
    for (seed, faults) in [(0, 9), (1, 2), (2, 2)] {
        ledger.take(seed, line(0, seed, Some(faults)));
    }
    let mut other = line(0, 3, Some(1));
    other.failure.as_mut().unwrap().signature = "else".to_owned();
    ledger.take(3, other);
    let tally = ledger.close();
    let groups: Vec<(&str, u64, u64)> = tally
        .groups()
        .iter()
        .map(|group| (group.signature, group.count, group.smallest.1))
        .collect();
    assert_eq!(groups, [("else", 1, 3), ("made-up", 3, 1)]);
    assert_eq!(tally.never().count(), Situation::COUNT);
}

#[test]
fn a_journal_is_gone_on_with_behind_its_last_whole_line() {
    let campaign = campaign(0..4, 1, 1);
    let lines = [line(0, 2, None), line(1, 0, Some(3))];
    let whole = journal(&campaign, &lines);
    let mut text = whole.clone();
    text.extend_from_slice(b"{\"scenario\":0,\"se");
    let read = Journal::read(&text).unwrap().unwrap();
    assert_eq!(read.whole, whole.len());
    assert_eq!(read.lines, lines);
    let mut ledger = Ledger::new(None);
    assert_eq!(read.resume(&campaign, &mut ledger), Ok(2));
    let taken = ledger.taken();
    let has: Vec<u64> = (0..8).filter(|place| taken.has(*place)).collect();
    assert_eq!((has, taken.count()), (vec![2, 4], 2));
    for torn in 0..whole.len() {
        // Wherever it was torn: nothing, or whole lines.
        let read = Journal::read(&whole[..torn]).unwrap();
        assert!(read.is_none_or(|journal| journal.lines.len() <= 2));
    }
}

#[test]
fn a_journal_of_something_else_is_refused() {
    let mine = campaign(0..4, 1, 1);
    let refused = |other: &Campaign| {
        let read = Journal::read(&journal(other, &[])).unwrap().unwrap();
        read.resume(&mine, &mut Ledger::new(None)).unwrap_err()
    };
    assert_eq!(
        refused(&campaign(0..5, 1, 1)),
        JournalError::OtherCampaign("the seeds")
    );
    assert_eq!(
        refused(&campaign(0..4, 2, 3)),
        JournalError::OtherShard(Shard { index: 2, of: 3 })
    );
    let mut other = campaign(0..4, 1, 1);
    other.scenarios.pop();
    assert_eq!(
        refused(&other),
        JournalError::OtherCampaign("the scenarios")
    );
    assert_eq!(Journal::read(b"hello\n"), Err(JournalError::NoHeader));
    let mut damaged = journal(&mine, &[line(0, 1, None)]);
    damaged.extend_from_slice(b"what\n");
    assert_eq!(Journal::read(&damaged), Err(JournalError::Damaged(3)));
    let mut short = line(0, 1, None);
    short.exercised.pop();
    assert_eq!(
        Journal::read(&journal(&mine, &[short])),
        Err(JournalError::Damaged(2))
    );
    let read = Journal::read(&journal(&mine, &[line(0, 9, None)]))
        .unwrap()
        .unwrap();
    let stranger = read.resume(&mine, &mut Ledger::new(None));
    assert_eq!(stranger, Err(JournalError::Stranger(2)));
}

#[test]
fn properties_stand_at_their_own_index() {
    for (index, property) in Property::ALL.into_iter().enumerate() {
        assert_eq!(property as usize, index);
    }
}

#[test]
fn lines_of_no_run_and_of_another_version_are_not_summed_up() {
    let campaign = campaign(0..4, 1, 1);
    let lines = |line: Line| {
        let journal = Journal::read(&journal(&campaign, &[line]))
            .unwrap()
            .unwrap();
        journal.into_lines().map(|lines| lines.len())
    };
    assert_eq!(lines(line(1, 3, None)), Ok(1));
    assert_eq!(lines(line(2, 3, None)), Err(JournalError::Stranger(2)));
    assert_eq!(lines(line(1, 4, None)), Err(JournalError::Stranger(2)));
    let mut old = Journal::read(&journal(&campaign, &[])).unwrap().unwrap();
    old.header.columns = "0".to_owned();
    assert_eq!(old.into_lines(), Err(JournalError::OtherVersion));
}
