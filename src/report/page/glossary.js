// The words of the protocol, and what a client may rely on. Both are the same for every run; the second says what this run shows.

/** @type {[string, string][]} */
const TERMS = [
  [
    "zxid",
    "The number of a transaction: epoch and counter, written 2:7. The leader gives it; no clock has a part in it. A higher epoch outranks any counter.",
  ],
  ["epoch", "The number of a reign. Each established leader has one of its own, and at most one leader has established itself per epoch."],
  ["accepted epoch", "The highest epoch a server has promised to a leader, kept on disk. It will follow no leader of a smaller one."],
  ["current epoch", "The epoch whose history a server has taken over, kept on disk. Votes compare it before anything else."],
  ["quorum", "More than half of the voters. Any two quorums share a server, so what one has on disk the next leader can find."],
  [
    "proposal",
    "A transaction the leader has sent to be logged (P). It is not decided yet: it may survive a crash of the leader, or vanish.",
  ],
  ["ack", "A follower's word that a proposal is on its disk (A), together with everything before it."],
  ["commit", "The leader's word that a quorum has acknowledged (C). From here on no later leader may lack the transaction."],
  ["applied", "Done to the server's own tree of znodes. Reads see what is applied at the server that answers them."],
  ["followerinfo", "First word of a follower to a leader (F): who it is and which epoch it has accepted."],
  [
    "NEWLEADER",
    "Ends a follower's synchronisation (N): it acknowledges this once the whole history is on its disk. A quorum of those establishes the leader.",
  ],
  ["UPTODATE", "Tells a synchronised follower that it may serve clients (U)."],
  ["DIFF", "Synchronisation by sending what the follower lacks (D)."],
  ["TRUNC", "Synchronisation by cutting off what the follower has and the leader has not (T). ZooKeeper does it within one epoch only."],
  ["SNAP", "Synchronisation by a whole copy of the tree (S)."],
  ["looking", "Looking for a leader: the server votes and serves nobody."],
  [
    "vote",
    "Whom a server would have lead: compared by epoch, then zxid, then server number. Nobody asks for votes; servers move to the best they hear of.",
  ],
  ["observer", "Follows a leader without voting or acknowledging. It serves reads and forwards writes."],
  [
    "session",
    "What a client holds at the ensemble, across connections. Its ephemeral znodes go when it expires, not when the client dies.",
  ],
  [
    "watch",
    "A promise of one notification that a znode changed. It carries no data, and changes between it and the next read are not told.",
  ],
  [
    "linearizable",
    "There is one order of all operations in which each lies between its invocation and its answer. ZooKeeper's writes are; its reads are not.",
  ],
  [
    "unknown",
    "The client lost its connection before an answer came. The write may have happened, may happen yet, or never will. It is not a failure.",
  ],
  ["vacuous", "A property that this run never put to the test. It did not fail, but a pass says nothing."],
  ["causal past", "All events that could have influenced one: what its node did before, and what led to the messages it had received."],
  [
    "virtual time",
    "The simulator's clock. It is the same in every replay of a seed and has nothing to do with how long the run took to compute.",
  ],
];

/** A word of the protocol that links to its meaning. @param {string} name @param {string} [text] @returns {HTMLElement} */
function term(name, text) {
  const found = TERMS.find(([word]) => word === name);
  return h(
    "a",
    {
      class: "term",
      href: `#view=glossary&term=${encodeURIComponent(name)}`,
      title: found?.[1] ?? name,
      click: (/** @type {Event} */ event) => {
        event.preventDefault();
        showTerm(name);
      },
    },
    text ?? name,
  );
}

/** @param {HTMLElement} host @param {App} app */
function renderGlossary(host, app) {
  const list = h(
    "dl",
    { class: "glossary" },
    TERMS.map(([word, meaning]) =>
      h(
        "div",
        { id: `term-${word.replace(" ", "-")}`, class: app.term === word ? "chosen" : null },
        h("dt", null, word),
        h("dd", null, meaning),
      ),
    ),
  );
  fill(host, card("Glossary", list), card("The diagram's signs", signs(app)));
}

/** @param {App} app @returns {HTMLElement} */
function signs(app) {
  const kinds = app.model?.trace.kinds.filter((kind) => kind.letter && kind.class === "message") ?? [];
  const roles = Object.values(ROLES).map(([glyph, tone, word]) =>
    h("li", null, h("b", { style: `color:var(--${tone === "quiet" ? "mut" : tone})` }, glyph), " " + word),
  );
  return h(
    "div",
    null,
    h("ul", { class: "chips" }, roles),
    h(
      "ul",
      { class: "chips" },
      kinds.map((kind) => h("li", null, h("b", null, kind.letter), " " + kind.name)),
    ),
    h(
      "ul",
      { class: "signs" },
      h(
        "li",
        null,
        "A slanted line is a message, from where it was sent to where it was taken. Dashed with ×: never delivered. Amber: took over ten times the median of the run. Doubled: came a second time.",
      ),
      h("li", null, "□ logged, ▬ forced to disk, ■ applied, above the lane; ✕ and ▲ on it: stopped and started."),
      h("li", null, "Hatched bands are faults: slanted = links cut, crossed = crash, dotted = disk, upright = clock or pause."),
      h("li", null, "Numbers in circles are the sentences of the story; the ring is the violation; faint is the future."),
    ),
  );
}

/** What clients do, what ZooKeeper promises for it, and the properties that test it. @type {[string, string, string[]][]} */
const PATTERNS = [
  [
    "write",
    "Answered writes happen one at a time, in real-time order, and survive whatever a minority suffers.",
    ["linearizable-writes", "committed-survives"],
  ],
  [
    "write with an expected version",
    "Of two with the same version exactly one succeeds; a refused one changes nothing.",
    ["linearizable-writes"],
  ],
  ["write, then read in the same session", "The read sees the write.", ["read-your-writes", "session-guarantees"]],
  [
    "read, then read again in the same session",
    "Never back in time, also after moving to another server.",
    ["monotonic-reads", "session-guarantees"],
  ],
  ["read what another client wrote", "May be old: not promised. Each answer is a past state of the one order.", ["sequential-consistency"]],
  [
    "sync, then read",
    "Usually fresh. A deposed leader that does not know it yet may answer sync itself: not promised in that window.",
    ["sequential-consistency"],
  ],
  [
    "read, change, write back by version",
    "A safe counter: no increment is lost or done twice, except that an unknown outcome must be read again.",
    ["linearizable-writes", "session-guarantees"],
  ],
  ["several operations at once (multi)", "All or none.", ["atomic-multis"]],
  [
    "watch, then read",
    "The event comes before the new data; one event may stand for many changes.",
    ["watch-order", "watch-once", "watch-lost", "watch-filter"],
  ],
  ["reconnect with watches", "Watches are set again; what was missed is told once.", ["watch-rearm", "watch-lost"]],
  [
    "ephemeral znode as a lock",
    "One holder in the tree. It excludes nothing outside: a paused holder may act after its session ended, so fence it with the zxid.",
    ["sessions"],
  ],
  ["anything while a quorum is connected", "Is answered in the end.", ["liveness", "answered", "convergence"]],
];

/** @param {HTMLElement} host @param {App} app */
function renderGuarantees(host, app) {
  const { report } = app;
  const index = new Map((report.properties ?? []).map((/** @type {Json} */ property, /** @type {number} */ i) => [property.name, i]));
  const rows = PATTERNS.map(([pattern, promise, properties]) => [
    h("b", null, pattern),
    promise,
    h(
      "ul",
      { class: "plainlist" },
      properties.map((name) => propertyHere(app, name, index)),
    ),
  ]);
  fill(
    host,
    card(
      "What a client may rely on",
      h(
        "p",
        { class: "mut" },
        "What ZooKeeper promises does not change from run to run. The last column says what this run shows of it; what was never exercised shows nothing.",
      ),
      grid("Guarantees by what a client does", ["a client does", "ZooKeeper promises", "in this run"], rows, "guarantees"),
    ),
  );
}

/** @param {App} app @param {string} name @param {Map<any, any>} index @returns {HTMLElement} */
function propertyHere(app, name, index) {
  const i = index.get(name);
  if (i === undefined) return h("li", null, name, h("span", { class: "mut" }, " not checked here"));
  const property = app.report.properties[i];
  const verdict = property.verdict ?? (property.violated ? "violated" : "holds");
  const first = (app.report.violations ?? []).findIndex((/** @type {Json} */ violation) => violation.property === name);
  const open = () => {
    chooseViolation(first);
    showView("player");
  };
  return h(
    "li",
    null,
    badge(verdict),
    " ",
    verdict === "violated" && first >= 0 ? h("button", { class: "small", title: "open this violation", click: open }, name) : name,
  );
}
