//! A brute-force judge for small histories, and random histories to compare the monitor with.
//!
//! The answered writes have their zxids, so their order is given; the judge tries every way to leave out, or to put at any
//! zxid, each write of unknown outcome, and plays each resulting order through a map of znodes. A history is legal iff one
//! order reproduces every answer and every state that a read showed, and keeps real time and sessions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::LinearMonitor;
use crate::base::digest::mix;
use crate::base::zxid::Zxid;
use crate::check::script::{Script, bytes, create, delete, get, path, set, stat, z};
use crate::check::verdict::{Property, Verdict};
use crate::check::wording;
use crate::history::op::{Data, ErrorCode, Request, Response, Stat};

#[derive(Clone, Debug, PartialEq)]
struct Node {
    czxid: Zxid,
    mzxid: Zxid,
    version: i32,
    data: Data,
}

type Tree = BTreeMap<Arc<str>, Node>;

/// Applies one request as the leader would, all or nothing.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "histories here have these writes only"
)]
fn apply(tree: &mut Tree, request: &Request, zxid: Zxid) -> Result<Response, ErrorCode> {
    match request {
        Request::Create { path, data, .. } => {
            if tree.contains_key(path) {
                return Err(ErrorCode::NodeExists);
            }
            let node = Node {
                czxid: zxid,
                mzxid: zxid,
                version: 0,
                data: data.clone(),
            };
            tree.insert(path.clone(), node);
            Ok(Response::Path(path.clone()))
        }
        Request::Delete { path, version } => {
            check(tree, path, *version)?;
            tree.remove(path);
            Ok(Response::Empty)
        }
        Request::SetData {
            path,
            data,
            version,
        } => {
            check(tree, path, *version)?;
            let node = tree.get_mut(path).expect("it was checked");
            node.version += 1;
            node.mzxid = zxid;
            node.data.clone_from(data);
            Ok(Response::Stat(
                stat(node.czxid, node.mzxid, node.version).into(),
            ))
        }
        Request::Check { path, version } => {
            check(tree, path, *version)?;
            Ok(Response::Empty)
        }
        Request::Multi(parts) => {
            let mut changed = tree.clone();
            let mut results = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                match apply(&mut changed, part, zxid) {
                    Ok(response) => results.push(Ok(response)),
                    Err(error) => {
                        let mut failed = vec![Err(ErrorCode::Ok); index];
                        failed.push(Err(error));
                        failed.resize(parts.len(), Err(ErrorCode::RuntimeInconsistency));
                        return Ok(Response::Multi(failed));
                    }
                }
            }
            *tree = changed;
            Ok(Response::Multi(results))
        }
        _ => unreachable!("only writes are applied"),
    }
}

fn check(tree: &Tree, path: &Arc<str>, version: i32) -> Result<(), ErrorCode> {
    let node = tree.get(path).ok_or(ErrorCode::NoNode)?;
    if version == -1 || version == node.version {
        Ok(())
    } else {
        Err(ErrorCode::BadVersion)
    }
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Answered(Zxid, Result<Response, ErrorCode>),
    Unknown,
}

#[derive(Clone, Debug)]
struct Op {
    client: u16,
    request: Request,
    invoked: usize,
    returned: usize,
    outcome: Outcome,
}

impl Op {
    fn is_write(&self) -> bool {
        self.request.is_write()
    }

    /// The largest zxid its answer proves.
    fn proves(&self) -> Option<Zxid> {
        match &self.outcome {
            Outcome::Answered(zxid, Ok(Response::Data(_, stat))) => Some(stat.mzxid.max(*zxid)),
            Outcome::Answered(zxid, _) => Some(*zxid),
            Outcome::Unknown => None,
        }
    }

    /// The least zxid that a write could have: above all that was proved before it began or earlier in its session.
    fn low(&self, ops: &[Self]) -> Zxid {
        ops.iter()
            .filter(|other| {
                other.returned < self.invoked
                    || (other.client == self.client
                        && other.invoked < self.invoked
                        && other.returned < self.returned)
            })
            .filter_map(Self::proves)
            .max()
            .unwrap_or(Zxid::ZERO)
    }
}

/// Whether some order explains the history.
fn is_legal(ops: &[Op]) -> bool {
    let mut placed: BTreeMap<Zxid, usize> = BTreeMap::new();
    for (index, op) in ops.iter().enumerate() {
        if let (true, Outcome::Answered(zxid, _)) = (op.is_write(), &op.outcome)
            && (*zxid <= op.low(ops) || placed.insert(*zxid, index).is_some())
        {
            return false;
        }
    }
    let unknown: Vec<usize> = (0..ops.len())
        .filter(|index| ops[*index].is_write() && ops[*index].outcome == Outcome::Unknown)
        .collect();
    let mut spots: Vec<Zxid> = vec![z(1), z(2), z(3)];
    for op in ops {
        for zxid in mentions(op) {
            spots.extend((0..=3).map(|step| Zxid(zxid.0 + step)));
        }
    }
    spots.sort_unstable();
    spots.dedup();
    try_all(ops, &unknown, &spots, &mut placed)
}

/// Zxids in an answer.
fn mentions(op: &Op) -> Vec<Zxid> {
    let Outcome::Answered(zxid, result) = &op.outcome else {
        return Vec::new();
    };
    let mut mentioned = vec![*zxid];
    let parts = match result {
        Ok(Response::Multi(results)) => results.as_slice(),
        Ok(_) | Err(_) => std::slice::from_ref(result),
    };
    for part in parts {
        if let Ok(Response::Data(_, stat) | Response::Stat(stat)) = part {
            mentioned.extend([stat.czxid, stat.mzxid]);
        }
    }
    mentioned
}

fn try_all(
    ops: &[Op],
    unknown: &[usize],
    spots: &[Zxid],
    placed: &mut BTreeMap<Zxid, usize>,
) -> bool {
    let Some((first, rest)) = unknown.split_first() else {
        return explains(ops, placed);
    };
    if try_all(ops, rest, spots, placed) {
        return true;
    }
    let op = &ops[*first];
    let low = op.low(ops);
    let high = ops
        .iter()
        .filter(|other| other.client == op.client && other.is_write() && other.invoked > op.invoked)
        .filter_map(Op::proves)
        .min();
    for spot in spots {
        if *spot <= low || high.is_some_and(|high| *spot >= high) || placed.contains_key(spot) {
            continue;
        }
        placed.insert(*spot, *first);
        let found = try_all(ops, rest, spots, placed);
        placed.remove(spot);
        if found {
            return true;
        }
    }
    false
}

/// Whether playing this order gives every answer, and every state that a read showed.
fn explains(ops: &[Op], placed: &BTreeMap<Zxid, usize>) -> bool {
    let mut tree = Tree::new();
    let mut states: BTreeMap<(Arc<str>, Zxid), Node> = BTreeMap::new();
    for (zxid, index) in placed {
        let op = &ops[*index];
        let result = apply(&mut tree, &op.request, *zxid);
        match &op.outcome {
            Outcome::Answered(_, told) if *told != result => return false,
            Outcome::Unknown if failed(&result) => return false,
            Outcome::Answered(..) | Outcome::Unknown => {}
        }
        for (name, node) in &tree {
            if node.mzxid == *zxid {
                states.insert((name.clone(), *zxid), node.clone());
            }
        }
    }
    ops.iter().all(|op| match (&op.request, &op.outcome) {
        (Request::GetData { path, .. }, Outcome::Answered(_, Ok(Response::Data(data, seen)))) => {
            states.get(&(path.clone(), seen.mzxid)).is_some_and(|node| {
                node.czxid == seen.czxid && node.version == seen.version && node.data == *data
            })
        }
        _ => true,
    })
}

fn failed(result: &Result<Response, ErrorCode>) -> bool {
    match result {
        Ok(Response::Multi(results)) => results.iter().any(Result::is_err),
        other => other.is_err(),
    }
}

/// A small stream of random numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % sides
    }

    fn hits(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn random_write(dice: &mut Dice, serial: usize, repeats: bool) -> Request {
    let name = if dice.hits(70) { "/a" } else { "/b" };
    let data = if repeats {
        dice.below(2).to_string()
    } else {
        serial.to_string()
    };
    let version = i32::try_from(dice.below(4)).expect("small") - 1;
    match dice.below(10) {
        0 | 1 => create(name, &data),
        2 => delete(name, version),
        3 => {
            let condition = Request::Check {
                path: path("/a"),
                version: version.max(0),
            };
            Request::Multi(vec![condition, set("/b", &data, -1)])
        }
        4 => Request::Multi(vec![set("/a", &data, version), set("/b", &data, -1)]),
        _ => set(name, &data, version),
    }
}

/// Plays a true history of overlapping operations, some of unknown outcome, and then tells a lie now and then.
fn random_history(dice: &mut Dice) -> Vec<Op> {
    let count = 3 + usize::try_from(dice.below(6)).expect("small");
    let clients = 1 + dice.below(3);
    let repeats = dice.hits(30);
    let lossy = dice.hits(50);
    let mut tree = Tree::new();
    let mut past: Vec<(Zxid, Tree)> = vec![(z(1), tree.clone())];
    let mut ops: Vec<Op> = Vec::new();
    let mut unknown = 0;
    for serial in 0..count {
        // Operation n lives in [10 n, 10 n + length]; its effect is at its number's zxid, so real time is kept.
        let invoked = serial * 10;
        let returned = invoked + 1 + usize::try_from(dice.below(25)).expect("small");
        let client = u16::try_from(dice.below(clients)).expect("small") + 1;
        let (request, outcome) = if dice.hits(65) {
            let zxid = z(u32::try_from(serial).expect("small") * 10 + 10);
            let request = random_write(dice, serial, repeats);
            let is_lost = lossy && unknown < 3 && dice.hits(40);
            if is_lost {
                unknown += 1;
            }
            if is_lost && dice.hits(50) {
                (request, Outcome::Unknown)
            } else {
                let result = apply(&mut tree, &request, zxid);
                past.push((zxid, tree.clone()));
                let outcome = if is_lost {
                    Outcome::Unknown
                } else {
                    Outcome::Answered(zxid, result)
                };
                (request, outcome)
            }
        } else {
            let name = if dice.hits(70) { "/a" } else { "/b" };
            let back = usize::try_from(dice.below(2)).expect("small");
            let (view, seen) = &past[past.len() - 1 - back.min(past.len() - 1)];
            let result = match seen.get(name) {
                Some(node) => Ok(Response::Data(
                    node.data.clone(),
                    stat(node.czxid, node.mzxid, node.version).into(),
                )),
                None => Err(ErrorCode::NoNode),
            };
            (get(name, false), Outcome::Answered(*view, result))
        };
        ops.push(Op {
            client,
            request,
            invoked,
            returned,
            outcome,
        });
    }
    keep_sessions_in_order(&mut ops);
    if dice.hits(60) {
        lie(dice, &mut ops);
    }
    ops
}

/// Replies of one client come in the order of its requests.
fn keep_sessions_in_order(ops: &mut [Op]) {
    for later in 1..ops.len() {
        for earlier in 0..later {
            if ops[earlier].client == ops[later].client
                && ops[later].returned <= ops[earlier].returned
            {
                ops[later].returned = ops[earlier].returned + 1;
            }
        }
    }
}

fn lie(dice: &mut Dice, ops: &mut [Op]) {
    let count = ops.len() as u64;
    let index = usize::try_from(dice.below(count)).expect("small");
    let other = usize::try_from(dice.below(count)).expect("small");
    let step = if dice.hits(50) { 1 } else { -1 };
    let taken = ops[other].proves();
    match &mut ops[index].outcome {
        Outcome::Unknown => {}
        Outcome::Answered(zxid, _) if dice.hits(25) => {
            if let Some(taken) = taken {
                *zxid = if dice.hits(50) {
                    Zxid(taken.0 + 5)
                } else {
                    taken
                };
            }
        }
        Outcome::Answered(_, Ok(Response::Stat(stat))) => match dice.below(3) {
            0 => Arc::make_mut(stat).version += step,
            1 => rebear(Arc::make_mut(stat)),
            _ => Arc::make_mut(stat).mzxid = Zxid(stat.mzxid.0 + 10),
        },
        Outcome::Answered(_, Ok(Response::Data(data, stat))) => match dice.below(4) {
            0 => Arc::make_mut(stat).version += step,
            1 => *data = bytes("lie"),
            2 => rebear(Arc::make_mut(stat)),
            _ => Arc::make_mut(stat).mzxid = z(30),
        },
        Outcome::Answered(_, result) => {
            *result = match result {
                Ok(Response::Multi(_)) => return,
                Ok(_) => Err(if dice.hits(50) {
                    ErrorCode::BadVersion
                } else {
                    ErrorCode::NoNode
                }),
                Err(_) => Ok(Response::Empty),
            }
        }
    }
}

fn rebear(stat: &mut Stat) {
    (stat.czxid, stat.pzxid) = (z(20), z(20));
}

/// Whether an answer has a form that a server could send for this request.
fn is_well_formed(op: &Op) -> bool {
    match (&op.request, &op.outcome) {
        (Request::Create { .. }, Outcome::Answered(_, result)) => {
            matches!(result, Ok(Response::Path(_)) | Err(ErrorCode::NodeExists))
        }
        (Request::Delete { version, .. }, Outcome::Answered(_, result)) => match result {
            Err(ErrorCode::BadVersion) => *version != -1,
            other => matches!(other, Ok(Response::Empty) | Err(ErrorCode::NoNode)),
        },
        (Request::SetData { version, .. }, Outcome::Answered(_, result)) => match result {
            Err(ErrorCode::BadVersion) => *version != -1,
            other => matches!(other, Ok(Response::Stat(_)) | Err(ErrorCode::NoNode)),
        },
        (Request::GetData { .. }, Outcome::Answered(_, result)) => {
            matches!(result, Ok(Response::Data(..)) | Err(ErrorCode::NoNode))
        }
        (_, Outcome::Unknown | Outcome::Answered(..)) => true,
    }
}

/// The history as facts.
fn script(ops: &[Op]) -> Script {
    let mut moments: Vec<(usize, bool, usize)> = Vec::new();
    for (index, op) in ops.iter().enumerate() {
        moments.push((op.invoked, false, index));
        moments.push((op.returned, true, index));
    }
    moments.sort_unstable();
    let mut script = Script::new();
    let mut calls = vec![None; ops.len()];
    for (_, ends, index) in moments {
        let op = &ops[index];
        if !ends {
            calls[index] = Some(script.invoke(op.client, op.request.clone()));
            continue;
        }
        let call = calls[index].expect("it was invoked before it returned");
        match &op.outcome {
            Outcome::Answered(zxid, result) => script.returns(call, Some(*zxid), result.clone()),
            Outcome::Unknown => script.lose(call),
        }
    }
    script
}

fn is_lost_multi(op: &Op) -> bool {
    matches!(op.request, Request::Multi(_)) && op.outcome == Outcome::Unknown
}

/// The history, one operation a line.
fn render(ops: &[Op]) -> String {
    let line = |op: &Op| {
        format!(
            "{:>3}..{:<3} client {} {}: {:?}\n",
            op.invoked,
            op.returned,
            op.client,
            wording::request(&op.request),
            op.outcome
        )
    };
    ops.iter().map(line).collect()
}

#[test]
fn the_monitor_agrees_with_brute_force_on_small_random_histories() {
    let (mut legal, mut illegal) = (0, 0);
    let mut wrong = Vec::new();
    for seed in 0..30_000 {
        let ops = random_history(&mut Dice(mix(seed)));
        if !ops.iter().all(is_well_formed) {
            continue;
        }
        let findings = script(&ops).judge(&mut LinearMonitor::new());
        let accepted = findings.verdict(Property::LinearizableWrites) != Verdict::Violated;
        let expected = is_legal(&ops);
        // The monitor looks at each znode of a lost multi by itself, so it may believe in one that would have failed.
        let is_excused = accepted && ops.iter().any(is_lost_multi);
        if accepted != expected && !is_excused {
            wrong.push(format!(
                "seed {seed}: legal {expected}, accepted {accepted}\n{}{:#?}",
                render(&ops),
                findings.violations().first()
            ));
        }
        if expected {
            legal += 1;
        } else {
            illegal += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}: {}",
        wrong.len(),
        legal + illegal,
        wrong.join("\n")
    );
    assert!(legal > 1_000, "only {legal} legal histories");
    assert!(illegal > 1_000, "only {illegal} illegal histories");
}
