//! The history tree (zab.md §11.1): every history that anybody ever claimed or grew, hash-consed, so that a history is one
//! small number and two histories are equal iff their numbers are.
//!
//! Each node has a parent and one jump pointer (Myers' skew-binary scheme), so an ancestor is found in O(log n). And it lies
//! on a branch: of two histories on one branch, as nearly all are, the shorter is a prefix of the longer.

use crate::base::id::ServerId;
use crate::base::lineage::Lineage;
use crate::base::zxid::Zxid;
use crate::check::slots::Slots;
use crate::check::verdict::At;

/// A history: a node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node(u32);

/// The empty history.
pub(super) const ROOT: Node = Node(0);

/// The step to an heir that there is not.
const NO_STEP: (Zxid, u64) = (Zxid::ZERO, 0);

fn node_at(place: usize) -> Node {
    Node(u32::try_from(place).expect("fewer than 2^32 histories in a run"))
}

#[derive(Clone, Debug)]
struct Entry {
    lineage: Lineage,
    /// Itself for the root and for a history that came from nowhere.
    parent: Node,
    jump: Node,
    /// The first node of its branch: the first child of a node goes on with its branch, each other one begins its own.
    branch: Node,
    /// The child grown last, itself if there is none: most lookups ask for it again.
    heir: Node,
    /// The step by which the heir was last grown: contents that follow again lead there again, whatever the hash.
    heir_step: (Zxid, u64),
    /// The nearest history, this one included, whose last step breaks primary order.
    broken: Option<Node>,
    /// The state after this history as the first server showed it.
    state: Option<State>,
}

/// What a server's state was after some history.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// Digest of the tree and the session table.
    pub(super) digest: u64,
    /// Who showed it.
    pub(super) server: ServerId,
    /// When.
    pub(super) at: At,
}

/// All histories.
#[derive(Clone, Debug)]
pub(super) struct Histories {
    entries: Vec<Entry>,
    /// By the hashes of their lineages; the newest are put there when somebody looks for one.
    by_hash: Slots,
    /// How many have been put there.
    hashed: usize,
    /// How many there are of which nobody saw how they came about.
    orphans: usize,
    /// No step ever broke primary order.
    are_in_order: bool,
    /// There never was one of which nobody saw how it came about.
    is_whole: bool,
}

impl Histories {
    pub(super) fn new() -> Self {
        let root = Entry {
            lineage: Lineage::EMPTY,
            parent: ROOT,
            jump: ROOT,
            branch: ROOT,
            heir: ROOT,
            heir_step: NO_STEP,
            broken: None,
            state: None,
        };
        let mut histories = Self {
            entries: Vec::new(),
            by_hash: Slots::default(),
            hashed: 0,
            orphans: 0,
            are_in_order: true,
            is_whole: true,
        };
        histories.insert(root);
        histories
    }

    fn known(&mut self, hash: u64) -> Option<Node> {
        let hash_of = |place: usize| self.entries[place].lineage.hash;
        for place in self.hashed..self.entries.len() {
            self.by_hash.put(hash_of(place), place, hash_of);
        }
        self.hashed = self.entries.len();
        let is_it = |place: usize| self.entries[place].lineage.hash == hash;
        self.by_hash.find(hash, is_it).map(node_at)
    }

    #[inline]
    fn entry(&self, node: Node) -> &Entry {
        &self.entries[node.0 as usize]
    }

    #[inline]
    fn entry_mut(&mut self, node: Node) -> &mut Entry {
        &mut self.entries[node.0 as usize]
    }

    /// The node of a history that somebody claims to have. An unknown one becomes an orphan: nothing is its prefix but
    /// itself, so it fails wherever a property is judged on it.
    pub(super) fn claim(&mut self, lineage: Lineage) -> Node {
        if let Some(node) = self.known(lineage.hash) {
            return node;
        }
        let orphan = self.next_node();
        self.orphans += 1;
        self.is_whole = false;
        self.insert(Entry {
            lineage,
            parent: orphan,
            jump: orphan,
            branch: orphan,
            heir: orphan,
            heir_step: NO_STEP,
            broken: None,
            state: None,
        })
    }

    /// The history `parent` continued by one transaction.
    #[inline]
    pub(super) fn grow(&mut self, parent: Node, zxid: Zxid, digest: u64) -> Node {
        let above = self.entry(parent);
        if above.heir_step == (zxid, digest) && above.heir != parent {
            return above.heir;
        }
        self.grow_apart(parent, zxid, digest)
    }

    /// The history `parent` continued by a transaction other than the last time.
    #[inline(never)]
    fn grow_apart(&mut self, parent: Node, zxid: Zxid, digest: u64) -> Node {
        let above = self.entry(parent);
        let lineage = above.lineage.push(zxid, digest);
        // A history that is known is a child of its parent or an orphan, and this one has no child yet. One orphan that nobody adopts
        // and every history is looked for.
        let is_new = above.heir == parent && self.orphans == 0;
        let known = (!is_new).then(|| self.known(lineage.hash)).flatten();
        let node = match known {
            Some(node) if self.is_orphan(node) => {
                self.orphans -= 1;
                self.adopt(node, parent);
                node
            }
            Some(node) => node,
            None => {
                let node = self.next_node();
                let (jump, broken) = self.derive(node, parent, zxid);
                let above = self.entry(parent);
                let is_first = above.heir == parent;
                let branch = if is_first { above.branch } else { node };
                self.are_in_order &= broken.is_none();
                self.insert(Entry {
                    lineage,
                    parent,
                    jump,
                    branch,
                    heir: node,
                    heir_step: NO_STEP,
                    broken,
                    state: None,
                })
            }
        };
        let above = self.entry_mut(parent);
        above.heir = node;
        above.heir_step = (zxid, digest);
        node
    }

    fn next_node(&self) -> Node {
        node_at(self.entries.len())
    }

    fn insert(&mut self, entry: Entry) -> Node {
        let node = self.next_node();
        self.entries.push(entry);
        node
    }

    /// Jump pointer and order of a node from those of its parent.
    fn derive(&self, node: Node, parent: Node, zxid: Zxid) -> (Node, Option<Node>) {
        let above = self.entry(parent);
        let far = self.entry(above.jump).jump;
        let near = self.depth(parent) - self.depth(above.jump);
        let jump = if near == self.depth(above.jump) - self.depth(far) {
            far
        } else {
            parent
        };
        let broken = if zxid.follows(above.lineage.last) {
            above.broken
        } else {
            Some(node)
        };
        (jump, broken)
    }

    /// A history that came from nowhere turns out to continue a known one.
    fn adopt(&mut self, orphan: Node, parent: Node) {
        let (jump, broken) = self.derive(orphan, parent, self.zxid(orphan));
        self.are_in_order &= broken.is_none();
        let entry = self.entry_mut(orphan);
        entry.parent = parent;
        entry.jump = jump;
        entry.broken = broken;
    }

    /// Whether nobody saw how this history came about.
    pub(super) fn is_orphan(&self, node: Node) -> bool {
        node != ROOT && self.entry(node).parent == node
    }

    /// Whether every history grew before anybody claimed it, so that what was found to be a prefix or not stays so.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    #[cfg(test)]
    pub(super) fn lineage(&self, node: Node) -> Lineage {
        self.entry(node).lineage
    }

    /// The last transaction.
    #[inline]
    pub(super) fn zxid(&self, node: Node) -> Zxid {
        self.entry(node).lineage.last
    }

    /// How many transactions.
    #[inline]
    pub(super) fn depth(&self, node: Node) -> u64 {
        self.entry(node).lineage.depth
    }

    /// The history without its last transaction, if it is known.
    pub(super) fn parent(&self, node: Node) -> Option<Node> {
        let parent = self.entry(node).parent;
        (parent != node).then_some(parent)
    }

    /// The nearest prefix, itself included, whose last step breaks primary order.
    pub(super) fn broken(&self, node: Node) -> Option<Node> {
        self.entry(node).broken
    }

    /// Whether the last step of a history breaks primary order.
    #[inline]
    pub(super) fn is_broken_at(&self, node: Node) -> bool {
        !self.are_in_order && self.broken(node) == Some(node)
    }

    /// The longest prefix that satisfies `accept`, which must hold for every prefix of what it holds for.
    #[inline]
    pub(super) fn longest_prefix(
        &self,
        node: Node,
        accept: impl Fn(&Self, Node) -> bool,
    ) -> Option<Node> {
        if accept(self, node) {
            return Some(node);
        }
        self.longest_shorter_prefix(node, accept)
    }

    /// The longest prefix that satisfies `accept`, which the whole history does not.
    #[inline(never)]
    fn longest_shorter_prefix(
        &self,
        node: Node,
        accept: impl Fn(&Self, Node) -> bool,
    ) -> Option<Node> {
        let mut at = node;
        while !accept(self, at) {
            let entry = self.entry(at);
            if entry.parent == at {
                return None;
            }
            at = if accept(self, entry.jump) {
                entry.parent
            } else {
                entry.jump
            };
        }
        Some(at)
    }

    /// The prefix of this length.
    pub(super) fn ancestor(&self, node: Node, depth: u64) -> Option<Node> {
        self.longest_prefix(node, |tree, at| tree.depth(at) <= depth)
            .filter(|at| self.depth(*at) == depth)
    }

    /// Whether `prefix` is a prefix of `whole`; every history is one of itself.
    #[inline]
    pub(super) fn is_prefix(&self, prefix: Node, whole: Node) -> bool {
        let (short, long) = (self.entry(prefix), self.entry(whole));
        if short.branch == long.branch {
            return short.lineage.depth <= long.lineage.depth;
        }
        self.ancestor(whole, short.lineage.depth) == Some(prefix)
    }

    /// The longest common prefix; the empty history if nothing is known in common.
    pub(super) fn common(&self, one: Node, other: Node) -> Node {
        if self.is_prefix(one, other) {
            return one;
        }
        if self.is_prefix(other, one) {
            return other;
        }
        let depth = self.depth(one).min(self.depth(other));
        let (Some(mut one), Some(mut other)) =
            (self.ancestor(one, depth), self.ancestor(other, depth))
        else {
            return ROOT;
        };
        while one != other {
            let (left, right) = (self.entry(one), self.entry(other));
            if left.parent == one || right.parent == other {
                return ROOT;
            }
            let jumps = left.jump != right.jump && self.depth(left.jump) == self.depth(right.jump);
            (one, other) = if jumps {
                (left.jump, right.jump)
            } else {
                (left.parent, right.parent)
            };
        }
        one
    }

    /// The prefix whose last transaction is `zxid`, which is probably this one.
    #[inline]
    pub(super) fn ending_there(
        &self,
        node: Node,
        zxid: Zxid,
        likely: Option<Node>,
    ) -> Option<Node> {
        // In primary order no two transactions of a history have one zxid.
        let is_it = |likely: &Node| {
            self.are_in_order && self.zxid(*likely) == zxid && self.is_prefix(*likely, node)
        };
        let found = likely.filter(is_it);
        found.or_else(|| self.ending_at(node, zxid))
    }

    /// The prefix whose last transaction is `zxid`.
    #[inline]
    pub(super) fn ending_at(&self, node: Node, zxid: Zxid) -> Option<Node> {
        self.longest_prefix(node, |tree, at| tree.zxid(at) <= zxid)
            .filter(|at| self.zxid(*at) == zxid)
    }

    /// Notes the state after a history; returns what the first server showed, if this is not the first.
    #[inline]
    pub(super) fn note_state(&mut self, node: Node, state: State) -> Option<&State> {
        let known = &mut self.entry_mut(node).state;
        if known.is_none() {
            *known = Some(state);
            return None;
        }
        known.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zxid::Epoch;

    fn zxid(epoch: u32, counter: u32) -> Zxid {
        Zxid::new(Epoch(epoch), counter)
    }

    /// A tree in which every node has up to three children, as explicit parent lists beside it.
    fn random_tree(nodes: usize) -> (Histories, Vec<(Node, Vec<Node>)>) {
        let mut tree = Histories::new();
        let mut paths = vec![(ROOT, vec![ROOT])];
        let mut seed = 7_u64;
        for step in 0..nodes {
            seed = crate::base::digest::mix(seed.wrapping_add(step as u64));
            let recent = paths.len().min(40);
            let pick = paths.len() - 1 - usize::try_from(seed % recent as u64).unwrap();
            let (parent, mut path) = paths[pick].clone();
            let node = tree.grow(parent, tree.zxid(parent).next(), seed % 3);
            path.push(node);
            paths.push((node, path));
        }
        (tree, paths)
    }

    #[test]
    fn a_history_claimed_before_anybody_grew_it_is_found_when_it_grows() {
        let mut tree = Histories::new();
        let one = tree.grow(ROOT, zxid(1, 1), 5);
        let two = Lineage::EMPTY.push(zxid(1, 1), 5).push(zxid(1, 2), 6);
        let orphan = tree.claim(two);
        assert!(tree.is_orphan(orphan));
        let other = tree.grow(one, zxid(1, 2), 7);
        assert_ne!(other, orphan);
        assert_eq!(tree.grow(one, zxid(1, 2), 6), orphan);
        assert_eq!((tree.is_orphan(orphan), tree.orphans), (false, 0));
        let last = tree.grow(orphan, zxid(1, 3), 8);
        assert_eq!(tree.claim(two.push(zxid(1, 3), 8)), last);
        assert_eq!(tree.grow(one, zxid(1, 2), 7), other);
        // The root, one, two and its rival, and what follows two.
        assert_eq!((tree.entries.len(), tree.orphans), (5, 0));
    }

    #[test]
    fn a_history_is_its_chain_of_transactions() {
        let mut tree = Histories::new();
        let one = tree.grow(ROOT, zxid(1, 1), 5);
        let two = tree.grow(one, zxid(1, 2), 6);
        assert_eq!(
            tree.lineage(two),
            Lineage::EMPTY.push(zxid(1, 1), 5).push(zxid(1, 2), 6)
        );
        assert_eq!(tree.grow(one, zxid(1, 2), 6), two);
        assert_ne!(tree.grow(one, zxid(1, 2), 7), two);
        assert_eq!(tree.grow(one, zxid(1, 2), 6), two);
        assert_eq!(tree.claim(tree.lineage(two)), two);
    }

    #[test]
    fn a_history_grows_to_what_its_hash_says_however_it_is_looked_for() {
        let mut tree = Histories::new();
        let mut by_hash = std::collections::BTreeMap::from([(Lineage::EMPTY.hash, ROOT)]);
        let mut nodes = vec![ROOT];
        let mut again = 0;
        for round in 0..20_000_u64 {
            let seed = crate::base::digest::mix(round);
            let recent = nodes.len().min(12) as u64;
            let back = usize::try_from(seed % recent).unwrap();
            let parent = nodes[nodes.len() - 1 - back];
            // Now and then the step that looks like none.
            let step = match seed >> 8 & 7 {
                0 => NO_STEP,
                1 => (tree.zxid(parent), 0),
                _ => (tree.zxid(parent).next(), seed >> 16 & 1),
            };
            let lineage = tree.lineage(parent).push(step.0, step.1);
            if (seed >> 24).is_multiple_of(32) {
                let claimed = tree.claim(lineage);
                assert_eq!(*by_hash.entry(lineage.hash).or_insert(claimed), claimed);
            }
            let node = tree.grow(parent, step.0, step.1);
            assert_eq!(tree.lineage(node), lineage);
            assert_eq!(tree.parent(node), Some(parent));
            match by_hash.insert(lineage.hash, node) {
                Some(known) => assert_eq!(known, node),
                None => nodes.push(node),
            }
            again += u64::from(tree.grow(parent, step.0, step.1) == node);
        }
        assert_eq!(again, 20_000);
        assert!(nodes.len() > 5_000, "{}", nodes.len());
        assert!(!tree.is_whole() && tree.orphans == 0);
    }

    #[test]
    fn ancestors_and_common_prefixes_agree_with_explicit_paths() {
        let (tree, paths) = random_tree(600);
        for (node, path) in paths.iter().step_by(7) {
            for depth in 0..=path.len() as u64 {
                let expected = path.get(usize::try_from(depth).unwrap()).copied();
                assert_eq!(tree.ancestor(*node, depth), expected);
            }
            for (other, other_path) in paths.iter().step_by(11) {
                let shared = path
                    .iter()
                    .zip(other_path)
                    .take_while(|(left, right)| left == right)
                    .count();
                assert_eq!(tree.common(*node, *other), path[shared - 1]);
                assert_eq!(tree.is_prefix(*node, *other), other_path.contains(node));
            }
        }
    }

    #[test]
    fn an_ancestor_is_found_in_logarithmic_steps() {
        let mut tree = Histories::new();
        let mut tip = ROOT;
        for counter in 1..=20_000 {
            tip = tree.grow(tip, zxid(1, counter), 0);
        }
        let steps = std::cell::Cell::new(0_u32);
        for depth in (0..20_000).step_by(97) {
            steps.set(0);
            let found = tree.longest_prefix(tip, |tree, at| {
                steps.set(steps.get() + 1);
                tree.depth(at) <= depth
            });
            assert_eq!(found.map(|node| tree.depth(node)), Some(depth));
            assert!(steps.get() < 120, "{} steps to depth {depth}", steps.get());
        }
    }

    #[test]
    fn a_history_from_nowhere_has_no_known_prefix_until_somebody_grows_it() {
        let mut tree = Histories::new();
        let one = tree.grow(ROOT, zxid(1, 1), 5);
        let lineage = tree.lineage(one).push(zxid(1, 2), 6);
        let orphan = tree.claim(lineage);
        assert!(tree.is_orphan(orphan));
        assert!(!tree.is_prefix(one, orphan));
        let above = tree.grow(orphan, zxid(1, 3), 7);
        assert_eq!(tree.grow(one, zxid(1, 2), 6), orphan);
        assert!(!tree.is_orphan(orphan));
        assert!(tree.is_prefix(one, above));
    }

    #[test]
    fn a_step_out_of_primary_order_marks_every_history_above_it() {
        let mut tree = Histories::new();
        let one = tree.grow(ROOT, zxid(1, 1), 0);
        let gap = tree.grow(one, zxid(1, 3), 0);
        let above = tree.grow(gap, zxid(2, 1), 0);
        assert_eq!(tree.broken(one), None);
        assert_eq!(tree.broken(gap), Some(gap));
        assert_eq!(tree.broken(above), Some(gap));
        let here = [one, gap, above].map(|node| tree.is_broken_at(node));
        assert_eq!(here, [false, true, false]);
    }

    #[test]
    fn a_prefix_is_found_by_its_last_transaction() {
        let mut tree = Histories::new();
        let one = tree.grow(ROOT, zxid(1, 1), 0);
        let two = tree.grow(one, zxid(2, 1), 0);
        assert_eq!(tree.ending_at(two, zxid(1, 1)), Some(one));
        assert_eq!(tree.ending_at(two, zxid(1, 2)), None);
        assert_eq!(tree.ending_at(two, zxid(2, 1)), Some(two));
    }
}
