//! Registers whose written values are all distinct: zones (Gibbons and Korach 1997), O(n log n).
//!
//! A value's *cluster* is its write and the reads of it; its zone reaches from the first return to the last call in it. If
//! the first return precedes the last call, the zone is *forward*: the value must hold throughout. Otherwise it is *backward*: the
//! whole cluster fits at any one instant of it. A history is linearizable iff no read ends before its write begins, no two forward zones
//! overlap, and no backward zone lies inside a forward one.

use super::machine::{Action, NOTHING, V};
use super::meaning::Placed;
use super::search::NEVER;

/// A value's operations, as far as they matter: places in real time, and whose they are.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    /// The write's call, and the write; none for the initial value.
    write: Option<u32>,
    write_call: i64,
    first_return: i64,
    returns_first: Option<u32>,
    last_call: i64,
    called_last: Option<u32>,
}

/// Operations, by their index among those judged, that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// A read of what nobody wrote.
    Phantom(u32),
    /// A read that ended before the write of its value began: the read, the write.
    Foreseen(u32, u32),
    /// Two values that both had to hold at one instant: for each its first return and last call.
    Overlap([Option<u32>; 4]),
    /// A value that could only hold while another had to: the other's first return and last call, then the value's.
    Inside([Option<u32>; 4]),
}

/// Before every event: the initial value was written.
const BEFORE: i64 = -1;

/// Whether zones decide: reads and writes only, values distinct and none of them null.
pub(super) fn applies(placed: &[Placed], values: usize) -> bool {
    let mut written = vec![false; values];
    written[NOTHING as usize] = true;
    placed.iter().all(|placed| {
        if let Action::Write(value) = placed.action {
            !std::mem::replace(&mut written[value as usize], true)
        } else {
            matches!(placed.action, Action::Read(_))
        }
    })
}

/// Judges one register; `values` is how many values are numbered.
pub(super) fn judge(placed: &[Placed], values: usize) -> Result<(), Conflict> {
    let clusters = clusters(placed, values)?;
    let mut forward: Vec<&Cluster> = clusters
        .iter()
        .filter(|cluster| cluster.first_return < cluster.last_call)
        .collect();
    forward.sort_unstable_by_key(|cluster| cluster.first_return);
    for pair in forward.windows(2) {
        if pair[1].first_return < pair[0].last_call {
            return Err(Conflict::Overlap(ends(pair[0], pair[1])));
        }
    }
    for cluster in &clusters {
        let (from, to) = (cluster.last_call, cluster.first_return);
        if from > to {
            continue;
        }
        let after = forward.partition_point(|zone| zone.first_return < from);
        if let Some(zone) = after.checked_sub(1).map(|index| forward[index])
            && zone.last_call > to
        {
            return Err(Conflict::Inside(ends(zone, cluster)));
        }
    }
    Ok(())
}

fn ends(one: &Cluster, other: &Cluster) -> [Option<u32>; 4] {
    [
        one.returns_first,
        one.called_last,
        other.returns_first,
        other.called_last,
    ]
}

/// The clusters that constrain anything.
fn clusters(placed: &[Placed], values: usize) -> Result<Vec<Cluster>, Conflict> {
    let mut clusters: Vec<Option<Cluster>> = vec![None; values];
    clusters[NOTHING as usize] = Some(Cluster {
        write: None,
        write_call: BEFORE,
        first_return: BEFORE,
        returns_first: None,
        last_call: BEFORE,
        called_last: None,
    });
    for (index, write) in (0..).zip(placed) {
        if let Action::Write(value) = write.action {
            clusters[value as usize] = Some(Cluster {
                write: Some(index),
                write_call: write.call.into(),
                first_return: end(write.ret),
                returns_first: Some(index),
                last_call: write.call.into(),
                called_last: Some(index),
            });
        }
    }
    for (index, read) in (0..).zip(placed) {
        let Action::Read(value) = read.action else {
            continue;
        };
        let Some(cluster) = &mut clusters[value as usize] else {
            return Err(Conflict::Phantom(index));
        };
        if let Some(write) = cluster.write
            && end(read.ret) < cluster.write_call
        {
            return Err(Conflict::Foreseen(index, write));
        }
        add(cluster, index, read);
    }
    // What was perhaps written and never read constrains nothing.
    let matters = |cluster: &Cluster| cluster.first_return < end(NEVER);
    Ok(clusters.into_iter().flatten().filter(matters).collect())
}

fn add(cluster: &mut Cluster, index: u32, read: &Placed) {
    if end(read.ret) < cluster.first_return {
        cluster.first_return = end(read.ret);
        cluster.returns_first = Some(index);
    }
    if i64::from(read.call) > cluster.last_call {
        cluster.last_call = read.call.into();
        cluster.called_last = Some(index);
    }
}

fn end(ret: V) -> i64 {
    ret.into()
}
