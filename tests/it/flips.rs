//! Breaking any one rule is noticed: servers that differ from ZooKeeper in one design choice answer at least one recorded
//! script otherwise.

use std::fs;
use std::path::Path;

use zablab::experiment::conform::{self, Script, Setting};
use zablab::tree::rules::{
    AnyVersion, ChildrenTold, ContainerFlag, CversionRule, DeleteOrder, DeletionOrder,
    DeletionTold, ExistsWatch, FiredWatches, GetDataWatch, ListOrder, Missed, MultiRule,
    NextVersion, NullData, PzxidMoves, QuotaOrder, ReapedContainers, Rearmed, RecursiveReach,
    Removed, SetAclMoves, SetDataRule, ShownEphemerals, SuffixCounts, Told, ToldMissed, TtlRuns,
    WhoAmI, WholeAcl,
};
use zablab::zab::rules::{FailedWrites, Rules};

use super::layering::{root, sources};

/// One rule broken.
struct Flip {
    /// What happens then.
    story: &'static str,
    /// The script that notices.
    noticed_by: &'static str,
    apply: fn(&mut Rules),
}

const FLIPS: [Flip; 38] = [
    Flip {
        story: "setData is done whatever version is expected",
        noticed_by: "version_rules",
        apply: |rules| rules.prep.set_data = SetDataRule::IgnoresVersion,
    },
    Flip {
        story: "deletes move the suffix of sequential znodes",
        noticed_by: "sequential",
        apply: |rules| rules.prep.suffix = SuffixCounts::CreatesAndDeletes,
    },
    Flip {
        story: "an expected version of -2 matches any",
        noticed_by: "version_rules",
        apply: |rules| rules.prep.any_version = AnyVersion::Negative,
    },
    Flip {
        story: "versions that have overflown skip -1",
        noticed_by: "version_wrap",
        apply: |rules| rules.prep.next_version = NextVersion::Zero,
    },
    Flip {
        story: "delete: NotEmpty beats BadVersion",
        noticed_by: "errors_delete_set_read",
        apply: |rules| rules.prep.delete = DeleteOrder::Children,
    },
    Flip {
        story: "setData: BadVersion beats QuotaExceeded",
        noticed_by: "quota_enforced",
        apply: |rules| rules.prep.quota_order = QuotaOrder::AfterVersion,
    },
    Flip {
        story: "create with the container flag makes a container",
        noticed_by: "container_wrong_flags",
        apply: |rules| rules.prep.container_flag = ContainerFlag::OfEveryCreate,
    },
    Flip {
        story: "later results of a failed multi are not RuntimeInconsistency",
        noticed_by: "multi_all_positions",
        apply: |rules| rules.prep.multi = MultiRule::AllBlamed,
    },
    Flip {
        story: "a multi does what comes before its failing operation",
        noticed_by: "multi_after_failure_state",
        apply: |rules| rules.prep.multi = MultiRule::DoneSoFar,
    },
    Flip {
        story: "failed writes consume no zxid",
        noticed_by: "errors_create",
        apply: |rules| rules.failures = FailedWrites::AnsweredAtOnce,
    },
    Flip {
        story: "deletes leave the parent's pzxid alone",
        noticed_by: "stat_fields",
        apply: |rules| rules.tree.pzxid = PzxidMoves::ByCreates,
    },
    Flip {
        story: "a parent's cversion overflows",
        noticed_by: "version_wrap",
        apply: |rules| rules.tree.cversion = CversionRule::Follows,
    },
    Flip {
        story: "setACL moves the mzxid",
        noticed_by: "stat_fields",
        apply: |rules| rules.tree.set_acl = SetAclMoves::AversionAndMzxid,
    },
    Flip {
        story: "setData does not renew the time of a TTL znode",
        noticed_by: "ttl_renewal",
        apply: |rules| rules.tree.ttl = TtlRuns::SinceCreate,
    },
    Flip {
        story: "containers that never had a child are reaped",
        noticed_by: "container_ttl",
        apply: |rules| rules.tree.containers = ReapedContainers::Empty,
    },
    Flip {
        story: "the parent's watchers hear of a deletion before the znode's",
        noticed_by: "watch_multi_kinds",
        apply: |rules| rules.tree.deletion = DeletionOrder::ParentThenNode,
    },
    Flip {
        story: "null data is read as no bytes",
        noticed_by: "stat_fields",
        apply: |rules| rules.tree.null_data = NullData::Empty,
    },
    Flip {
        story: "whoAmI shows hashes of passwords",
        noticed_by: "auth",
        apply: |rules| rules.tree.who_am_i = WhoAmI::UserAndHash,
    },
    Flip {
        story: "getACL shows hashes of passwords to all who may read",
        noticed_by: "getacl_masking",
        apply: |rules| rules.tree.get_acl = WholeAcl::ToReaders,
    },
    Flip {
        story: "exists does not wait for a missing znode",
        noticed_by: "watch_exist",
        apply: |rules| rules.tree.exists = ExistsWatch::OnSuccess,
    },
    Flip {
        story: "exists watches a znode that may not be read",
        noticed_by: "watch_failed_reads",
        apply: |rules| rules.tree.exists = ExistsWatch::Always,
    },
    Flip {
        story: "getEphemerals shows those of other sessions too",
        noticed_by: "ephemeral_close",
        apply: |rules| rules.tree.ephemerals = ShownEphemerals::All,
    },
    Flip {
        story: "standard watches survive their event",
        noticed_by: "watch_data",
        apply: |rules| rules.watch.fired = FiredWatches::NoneGo,
    },
    Flip {
        story: "persistent watches are used up by their event",
        noticed_by: "watch_pers",
        apply: |rules| rules.watch.fired = FiredWatches::AllGo,
    },
    Flip {
        story: "who watches data and children of a znode hears twice that it is deleted",
        noticed_by: "watch_delete_suppressed_child",
        apply: |rules| rules.watch.deletion_told = DeletionTold::ByEachManager,
    },
    Flip {
        story: "recursive watches get child events",
        noticed_by: "watch_rec",
        apply: |rules| rules.watch.recursive = RecursiveReach::DataAndChild,
    },
    Flip {
        story: "events tell of znodes that may not be read",
        noticed_by: "watch_acl_filter",
        apply: |rules| rules.watch.told = Told::Everybody,
    },
    Flip {
        story: "setWatches fires for znodes unchanged since the client's last zxid",
        noticed_by: "setwatches_child_data_change",
        apply: |rules| rules.watch.missed = Missed::NotEarlier,
    },
    Flip {
        story: "setWatches arms watches that it has just fired",
        noticed_by: "setwatches_synth",
        apply: |rules| rules.watch.rearmed = Rearmed::All,
    },
    Flip {
        story: "removeWatches removes other kinds of watches too",
        noticed_by: "watch_multi_kinds",
        apply: |rules| rules.watch.removed = Removed::EveryKind,
    },
    Flip {
        story: "an event of one kind uses up the standard watches of the other",
        noticed_by: "watch_multi_kinds",
        apply: |rules| rules.watch.fired = FiredWatches::BothManagersGo,
    },
    Flip {
        story: "setWatches fires for every znode that is there",
        noticed_by: "setwatches_synth",
        apply: |rules| rules.watch.missed = Missed::Everything,
    },
    Flip {
        story: "setWatches fires for deletions only",
        noticed_by: "setwatches_synth",
        apply: |rules| rules.watch.missed = Missed::OnlyDeletions,
    },
    Flip {
        story: "setWatches does not fire for deletions",
        noticed_by: "setwatches_synth",
        apply: |rules| rules.watch.missed = Missed::OnlyChanges,
    },
    Flip {
        story: "setWatches tells by the czxid that a znode was created",
        noticed_by: "setwatches_synth",
        apply: |rules| rules.watch.told_missed = ToldMissed::ByTimes,
    },
    Flip {
        story: "setWatches takes child watches first",
        noticed_by: "setwatches_mixed_kinds",
        apply: |rules| rules.watch.lists = ListOrder::ChildFirst,
    },
    Flip {
        story: "recursive watches get child events where a child watch is",
        noticed_by: "r0021",
        apply: |rules| rules.watch.children_told = ChildrenTold::RecursiveBeside,
    },
    Flip {
        story: "getData on a missing znode arms its watch",
        noticed_by: "watch_failed_reads",
        apply: |rules| rules.tree.get_data = GetDataWatch::AlsoOnNoNode,
    },
];

/// A script by its title; those of drawn requests are called r and a number.
fn script(title: &str) -> Script {
    let folder = if title.starts_with("r0") {
        "shared"
    } else {
        "hand"
    };
    let text = read(&format!("tests/golden/{folder}/{title}.jsonl"));
    Script::parse(&text, title, title).unwrap()
}

#[test]
fn breaking_any_one_rule_is_noticed() {
    let mut unnoticed = Vec::new();
    for Flip {
        story,
        noticed_by,
        apply,
    } in FLIPS
    {
        let mut setting = Setting::default();
        apply(&mut setting.rules);
        assert_ne!(setting.rules, Rules::default(), "{story}");
        if conform::play(&script(noticed_by), &setting)
            .difference
            .is_none()
        {
            unnoticed.push(format!("{story}: {noticed_by}"));
        }
    }
    assert!(unnoticed.is_empty(), "unnoticed: {unnoticed:#?}");
}

#[test]
fn every_other_design_of_the_tree_is_tried() {
    let flips = include_str!("flips.rs");
    // What no script shows, as it needs a crash or two servers, is shown by the zoo: by defects, not by controls.
    let shows = |file: &Path| {
        let file = file.to_string_lossy();
        file.contains("mutant/table") && !file.ends_with("control.rs")
    };
    let zoo: String = sources()
        .into_iter()
        .filter(|(file, _)| shows(file))
        .map(|(_, text)| text)
        .collect();
    // Settings of ZooKeeper's own, under which scripts were recorded.
    let settings = ["QuotaRule", "ExtendedTypes"];
    let mut untried = Vec::new();
    for (name, variants) in enums(&read("src/tree/rules.rs")) {
        let others = variants.iter().skip(1);
        let tried = |variant: &&String| {
            let design = format!("{name}::{variant}");
            flips.contains(&design) || zoo.contains(&design)
        };
        if !settings.contains(&&*name) {
            untried.extend(
                others
                    .filter(|variant| !tried(variant))
                    .map(|variant| format!("{name}::{variant}")),
            );
        }
    }
    assert!(
        untried.is_empty(),
        "neither a script nor the zoo shows {untried:?}"
    );
}

#[test]
fn every_design_choice_is_read_at_one_site() {
    let mut fields = vec!["quorum".to_owned(), "failures".to_owned()];
    fields.extend(rule_fields(&read("src/tree/rules.rs")));
    assert!(fields.len() > 20);
    let reads: Vec<String> = sources()
        .iter()
        .filter(|(file, _)| is_of_servers(file))
        .map(|(_, text)| text.split_whitespace().collect())
        .collect();
    for field in fields {
        let places = ["", "tree.", "prep.", "watch."].map(|group| format!(".rules.{group}{field}"));
        let is_end =
            |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        let sites = |text: &String| {
            let at = |place: &String| {
                text.match_indices(place)
                    .filter(|(at, _)| is_end(&text[at + place.len()..]))
                    .count()
            };
            places.iter().map(at).sum::<usize>()
        };
        let count: usize = reads.iter().map(sites).sum();
        assert_eq!(count, 1, "sites that read {field}");
    }
}

/// Whether a source file is one of the tree's or the protocol's, and no test.
fn is_of_servers(file: &Path) -> bool {
    let file = file.to_string_lossy();
    (file.contains("src/tree/") || file.contains("src/zab/")) && !file.contains("tests")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The enums of a formatted file, with their variants.
fn enums(text: &str) -> Vec<(String, Vec<String>)> {
    blocks(text, "pub enum ", |line| line.strip_suffix(','))
}

/// The fields of the structs of a formatted file.
fn rule_fields(text: &str) -> Vec<String> {
    let structs = blocks(text, "pub struct ", |line| {
        Some(line.strip_prefix("pub ")?.split_once(':')?.0)
    });
    structs.into_iter().flat_map(|(_, fields)| fields).collect()
}

/// What an item's lines name, by item.
fn blocks(text: &str, keyword: &str, read: fn(&str) -> Option<&str>) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line
            .strip_prefix(keyword)
            .and_then(|rest| rest.strip_suffix(" {"))
        {
            let inside = lines.by_ref().take_while(|line| *line != "}");
            let names = inside
                .map(str::trim)
                .filter(|line| !line.starts_with("//"))
                .filter_map(read);
            found.push((name.to_owned(), names.map(str::to_owned).collect()));
        }
    }
    found
}
