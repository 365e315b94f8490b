//! Quotas (`Quotas`, `StatsTrack`, semantics.md §2.2): limits and usage are texts in nodes under `/zookeeper/quota`.

use std::sync::Arc;

use super::path;
use super::store::Tree;
use crate::history::op::{Data, ErrorCode};

/// Name of the node that holds the limits.
const LIMITS: &str = "zookeeper_limits";
/// Name of the node that holds the usage.
const STATS: &str = "zookeeper_stats";

/// Whether the usage of a path is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    No,
}

/// The text of a limits or usage node; -1 = none given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Track {
    count: i64,
    bytes: i64,
    count_hard: i64,
    byte_hard: i64,
}

impl Track {
    const NONE: Self = Self {
        count: -1,
        bytes: -1,
        count_hard: -1,
        byte_hard: -1,
    };

    /// Reads `count=N,bytes=M[=;byteHardLimit=..;countHardLimit=..]`; what cannot be read is not given.
    fn parse(data: &Data) -> Self {
        let mut track = Self::NONE;
        let text = data
            .as_deref()
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        for part in text.unwrap_or_default().split([',', ';']) {
            let Some((key, value)) = part.split_once('=') else {
                continue;
            };
            let Ok(value) = value.trim_end_matches('=').parse() else {
                continue;
            };
            match key {
                "count" => track.count = value,
                "bytes" => track.bytes = value,
                "countHardLimit" => track.count_hard = value,
                "byteHardLimit" => track.byte_hard = value,
                _ => {}
            }
        }
        track
    }
}

fn usage_text(count: i64, bytes: i64) -> Arc<[u8]> {
    Arc::from(format!("count={count},bytes={bytes}").into_bytes())
}

/// The path whose quota this limits or usage node describes.
fn described<'a>(node: &'a str, name: &str) -> Option<&'a str> {
    let (parent, last) = path::split(node);
    let root = parent.strip_prefix(path::QUOTA)?;
    (last == name && root.starts_with('/')).then_some(root)
}

fn stats_path(root: &str) -> String {
    format!("{}{root}/{STATS}", path::QUOTA)
}

/// A node was created.
pub(super) fn on_create(tree: &mut Tree, path: &str, bytes: usize) {
    if let Some(root) = described(path, LIMITS) {
        tree.set_quota(root, Kept::Yes);
    }
    if let Some(root) = described(path, STATS) {
        recount(tree, root);
    }
    add(tree, path, signed(bytes), 1);
}

/// A node was deleted.
pub(super) fn on_delete(tree: &mut Tree, path: &str, bytes: usize) {
    if let Some(root) = described(path, LIMITS) {
        tree.set_quota(root, Kept::No);
    }
    add(tree, path, -signed(bytes), -1);
}

/// A node's data was set.
pub(super) fn on_set_data(tree: &mut Tree, path: &str, before: usize, after: usize) {
    add(tree, path, signed(after) - signed(before), 0);
}

/// Moves the usage of the quota that covers a path.
fn add(tree: &mut Tree, path: &str, bytes: i64, count: i64) {
    let Some(root) = tree.quota_root(path) else {
        return;
    };
    let stats = stats_path(root);
    let Some(node) = tree.get(&stats) else {
        return;
    };
    let usage = Track::parse(&node.data);
    tree.overwrite(&stats, usage_text(usage.count + count, usage.bytes + bytes));
}

/// Counts a whole subtree into its usage node.
fn recount(tree: &mut Tree, root: &str) {
    let Some(node) = tree.get(root) else {
        return;
    };
    let (count, bytes) = tree
        .below(root)
        .fold((1, signed(node.length())), |(count, bytes), (_, node)| {
            (count + 1, bytes + signed(node.length()))
        });
    tree.overwrite(&stats_path(root), usage_text(count, bytes));
}

/// What a write would add.
#[derive(Clone, Copy, Debug)]
pub(super) enum Growth {
    /// A node of this many bytes.
    Create { bytes: usize },
    /// This many bytes instead of those.
    SetData { before: usize, after: usize },
}

/// Checks the hard limits of the deepest quota that covers a path, against the usage applied so far.
pub(super) fn check(tree: &Tree, path: &str, growth: Growth) -> Result<(), ErrorCode> {
    let Some(root) = tree.quota_root(path) else {
        return Ok(());
    };
    let limits = tree.get(&format!("{}{root}/{LIMITS}", path::QUOTA));
    let (Some(limits), Some(usage)) = (limits, tree.get(&stats_path(root))) else {
        return Ok(());
    };
    let (limits, usage) = (Track::parse(&limits.data), Track::parse(&usage.data));
    let (count, bytes) = match growth {
        Growth::Create { bytes } => (1, signed(bytes)),
        Growth::SetData { before, after } => (0, signed(after) - signed(before)),
    };
    let over = |limit: i64, wanted: i64| limit > -1 && wanted > limit;
    let count_over = count > 0 && over(limits.count_hard, usage.count + count);
    let bytes_over = bytes != 0 && over(limits.byte_hard, usage.bytes + bytes);
    if count_over || bytes_over {
        Err(ErrorCode::QuotaExceeded)
    } else {
        Ok(())
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
