//! The checkers: what each claims, how, at what cost, and where it comes from.

/// One checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Checker {
    /// Its name.
    pub name: &'static str,
    /// The models it judges.
    pub models: &'static [&'static str],
    /// When it is used.
    pub applies: &'static str,
    /// What its verdict claims.
    pub claims: &'static str,
    /// How it works.
    pub algorithm: &'static str,
    /// Its cost.
    pub complexity: &'static str,
    /// Where the method is described.
    pub source: &'static str,
}

/// All checkers of recorded histories, in the order in which they are tried.
pub const CHECKERS: &[Checker] = &[
    Checker {
        name: "versions",
        models: &["znode"],
        applies: "operations tell the versions they made or saw",
        claims: "each znode is linearizable; its zxids order writes as its versions do; zxids of writes keep real-time order over all znodes",
        algorithm: "one pass with watermarks; versions without an acknowledged write are matched greedily with writes of unknown outcome",
        complexity: "O(1) an event, O(u log u) for u unknown outcomes; streamed, memory independent of the history's length",
        source: "a greedy form of linear-time checking with a known version order, after Gibbons and Korach 1997",
    },
    Checker {
        name: "zones",
        models: &["register", "cas-register", "kv-register"],
        applies: "an object has only reads and writes, and the values written are distinct and not null",
        claims: "each register is linearizable",
        algorithm: "zones of values: forward ones must not overlap, backward ones must not lie inside forward ones",
        complexity: "O(n log n)",
        source: "Gibbons and Korach, Testing Shared Memories, 1997",
    },
    Checker {
        name: "prefixes",
        models: &["kv-append"],
        applies: "nothing is replaced, and no piece appended is empty or begins another",
        claims: "each text or list is linearizable",
        algorithm: "the longest read is the order, all others are its beginnings, positions decide in one pass with a watermark",
        complexity: "O(n log n + total length of reads)",
        source: "traceable lists after Elle (Kingsbury and Alvaro 2020), with real time",
    },
    Checker {
        name: "chain",
        models: &["set"],
        applies: "elements are added once, never removed, and read as a whole",
        claims: "each set is linearizable",
        algorithm: "reads form a chain, an element's place is the first that shows it, positions decide in one pass",
        complexity: "O(n log n + total length of reads)",
        source: "as for prefixes",
    },
    Checker {
        name: "patterns",
        models: &["queue"],
        applies: "values are distinct, and no dequeue has an unknown outcome",
        claims: "each queue is linearizable",
        algorithm: "four bad patterns: never put, taken twice, overtaken, empty while certainly occupied",
        complexity: "O(n log n)",
        source: "Henzinger, Sezgin and Vafeiadis, Aspect-Oriented Linearizability Proofs, 2013",
    },
    Checker {
        name: "bottoms",
        models: &["stack"],
        applies: "values are distinct, and no pop has an unknown outcome",
        claims: "each stack is linearizable",
        algorithm: "in every stretch that is occupied throughout, a value that can be at the bottom is taken away, again and again",
        complexity: "O(n log n) where stretches are short, O(n^2) at worst",
        source: "decrease and conquer as in Lee and Mathur 2025",
    },
    Checker {
        name: "bounds",
        models: &["counter"],
        applies: "the counter only rises",
        claims: "rejects only: a read outside of what can have been added, or below an earlier read",
        algorithm: "sums of what certainly and what possibly happened; what passes is searched",
        complexity: "O(n log n)",
        source: "Jepsen's counter checker, with real time between reads",
    },
    Checker {
        name: "search",
        models: &[
            "register",
            "cas-register",
            "kv-register",
            "kv-append",
            "multi-register",
            "mutex",
            "set",
            "queue",
            "counter",
            "stack",
        ],
        applies: "none of the others does",
        claims: "each object is linearizable; undecided when the budget of configurations is spent",
        algorithm: "depth-first over orders, visited configurations remembered by a 128-bit fingerprint; observers placed at once, identical open operations tried once, unknown outcomes without effect left out; sets without reads of the whole are split by element",
        complexity: "exponential in overlap and unknown outcomes at worst",
        source: "Wing and Gong 1993; Lowe 2017; Horn and Kroening 2015",
    },
];
