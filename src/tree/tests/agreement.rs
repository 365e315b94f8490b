//! Random histories against oracles: the digest against one computed from scratch, preparation far ahead of application
//! against preparation step by step, a replayed suffix against the state it came from.

use std::sync::Arc;

use super::fixture::{create_as, delete, local, private, set, set_acl};
use crate::base::digest::{Digest, mix};
use crate::base::id::SessionId;
use crate::base::zxid::Zxid;
use crate::history::op::{CreateOp, Path, Request};
use crate::tree::acl;
use crate::tree::image::Image;
use crate::tree::prep::Prep;
use crate::tree::store::{Tree, digest_from_scratch};
use crate::tree::txn::Txn;

const PATHS: [&str; 7] = ["/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/m", "/a/s-"];

/// A stream of choices.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn path(&mut self) -> &'static str {
        PATHS[self.below(PATHS.len())]
    }

    fn operation(&mut self) -> Request {
        let path = self.path();
        let version = [-1, -1, -1, 0, 1][self.below(5)];
        match self.below(12) {
            0..5 => {
                let flags = i32::try_from(self.below(4)).unwrap();
                create_as(CreateOp::Create2, path, flags, -1)
            }
            5 => create_as(CreateOp::Container, path, 4, -1),
            6 => create_as(CreateOp::Ttl, path, 5, 10),
            7..9 => Request::Delete {
                path: Path::from(path),
                version,
            },
            9 => Request::Check {
                path: Path::from(path),
                version,
            },
            _ => set(path, version),
        }
    }

    fn request(&mut self) -> Request {
        match self.below(10) {
            0 => Request::Multi((0..self.below(4)).map(|_| self.operation()).collect()),
            1 => {
                let path = self.path();
                let list = if self.below(4) == 0 {
                    private(acl::perms::ALL)
                } else {
                    acl::open()
                };
                set_acl(path, list)
            }
            2 => delete(self.path()),
            _ => {
                let request = self.operation();
                if matches!(request, Request::Check { .. }) {
                    Request::Multi(vec![request])
                } else {
                    request
                }
            }
        }
    }
}

/// Prepares a history of three sessions that end and begin anew, applying up to `lag` transactions late.
fn history(seed: u64, length: u64, lag: u64) -> (Vec<Arc<Txn>>, Tree) {
    let (mut tree, mut prep, mut choices) = (Tree::new(), Prep::new(), Choices(seed));
    let mut txns: Vec<Arc<Txn>> = Vec::new();
    let mut sessions = [1, 2, 3].map(SessionId);
    for i in 1..=length {
        let zxid = Zxid(i);
        let turn = choices.below(3);
        let txn = if i <= 3 {
            prep.open_session(zxid, sessions[usize::try_from(i - 1).unwrap()], 1000, i)
        } else {
            match choices.below(20) {
                0 => prep.close_session(&tree, zxid, sessions[turn], 0, i),
                1 => {
                    sessions[turn].0 += 3;
                    prep.open_session(zxid, sessions[turn], 1000, i)
                }
                _ => prep.prepare(
                    &tree,
                    zxid,
                    sessions[turn],
                    0,
                    i,
                    &choices.request(),
                    &local(),
                ),
            }
        };
        txns.push(txn);
        while txns.len() as u64 - tree.last().0 > lag {
            let next = &txns[usize::try_from(tree.last().0).unwrap()];
            tree.apply(next);
            prep.applied(next.zxid);
        }
    }
    for txn in txns.iter().skip(usize::try_from(tree.last().0).unwrap()) {
        tree.apply(txn);
        prep.applied(txn.zxid);
    }
    assert_eq!(prep, Prep::new(), "nothing is outstanding in the end");
    (txns, tree)
}

#[test]
fn the_digest_kept_is_the_digest_computed_from_scratch() {
    for seed in 0..20 {
        let (txns, end) = history(seed, 300, 0);
        let mut tree = Tree::new();
        for txn in &txns {
            tree.apply(txn);
            assert_eq!(
                tree.digest(),
                digest_from_scratch(&tree),
                "seed {seed}, {}",
                txn.zxid
            );
        }
        assert_eq!(tree, end);
        assert_eq!(tree.lineage().depth, 300);
    }
}

#[test]
fn preparing_ahead_of_application_decides_as_preparing_step_by_step() {
    let mut failed = 0;
    for seed in 0..60 {
        let (step_by_step, end) = history(seed, 300, 0);
        failed += step_by_step
            .iter()
            .filter(|txn| txn.summary.error.is_some())
            .count();
        for lag in [1, 7, 300] {
            let (ahead, same_end) = history(seed, 300, lag);
            for (one, other) in step_by_step.iter().zip(&ahead) {
                assert_eq!(one, other, "seed {seed}, lag {lag}");
            }
            assert_eq!(end, same_end);
        }
    }
    assert!(
        (3_000..15_000).contains(&failed),
        "{failed} of 18000 failed: both outcomes are common"
    );
}

#[test]
fn applying_any_suffix_of_a_history_again_changes_nothing() {
    for seed in 0..40 {
        let (txns, end) = history(seed, 200, 0);
        for from in (0..txns.len()).step_by(11) {
            let mut tree = end.clone();
            for txn in &txns[from..] {
                tree.apply(txn);
            }
            assert!(tree.nodes().eq(end.nodes()), "seed {seed}, from {from}");
            assert_eq!(tree.digest(), end.digest(), "seed {seed}, from {from}");
            assert_ne!(tree.lineage(), end.lineage(), "but the lineage tells");
        }
    }
}

#[test]
fn a_clone_keeps_its_state_while_the_original_goes_on() {
    let (txns, end) = history(5, 200, 0);
    let mut tree = Tree::new();
    for txn in &txns[..100] {
        tree.apply(txn);
    }
    let image = Image { tree: tree.clone() };
    let digest = Digest::of(&image);
    for txn in &txns[100..] {
        tree.apply(txn);
    }
    assert_eq!(tree, end);
    assert_eq!(Digest::of(&image), digest);
    assert_eq!(image.tree.digest(), digest_from_scratch(&image.tree));
    assert_ne!(Digest::of(&Image { tree }), digest);
}

#[test]
fn a_transactions_digest_covers_its_content_and_its_text_is_short() {
    let (mut prep, tree) = (Prep::new(), Tree::new());
    let mut prepare = |zxid, session, cxid, time_ms, request: &Request| {
        prep.clear();
        prep.prepare(
            &tree,
            Zxid(zxid),
            SessionId(session),
            cxid,
            time_ms,
            request,
            &local(),
        )
    };
    let create = create_as(CreateOp::Create, "/a", 1, -1);
    let base = prepare(1, 1, 1, 1, &create);
    assert_eq!(&*base.summary.text, "create /a ephemeral");
    let others = [
        prepare(2, 1, 1, 1, &create),
        prepare(1, 2, 1, 1, &create),
        prepare(1, 1, 2, 1, &create),
        prepare(1, 1, 1, 2, &create),
        prepare(1, 1, 1, 1, &create_as(CreateOp::Create, "/b", 1, -1)),
    ];
    assert!(others.iter().all(|other| other.digest != base.digest));
    assert_eq!(prepare(1, 1, 1, 1, &create), base);
    let multi = Request::Multi(vec![create, set("/a", 0), delete("/a")]);
    assert_eq!(
        &*prepare(1, 1, 1, 1, &multi).summary.text,
        "multi [create /a ephemeral; setData /a v1; delete /a]"
    );
    let failed = prepare(
        1,
        1,
        1,
        1,
        &Request::Multi(vec![set("/", 0), set("/nope", 0)]),
    );
    assert_eq!(
        &*failed.summary.text,
        "failed multi, operation 2 of 2: NoNode"
    );
    assert_eq!(failed.summary.changes, []);
}
