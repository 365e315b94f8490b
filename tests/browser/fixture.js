// Writes pages without zablab: a trace by the same rules, made by a toy cluster that elects, writes, is cut and elects again.
// It serves for sizes, for hostile names, and for traces that are wrong on purpose; everything else is tested on real runs.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const zlib = require("node:zlib");

const PAGE = path.join(__dirname, "../../src/report/page");
const SCRIPTS = [
  "dom",
  "trace",
  "model",
  "lineage",
  "window",
  "scene",
  "marks",
  "paint",
  "overview",
  "servers",
  "why",
  "table",
  "history",
  "summary",
  "glossary",
  "sweep",
  "compare",
  "lesson",
  "search",
  "link",
  "keys",
  "player",
  "render",
  "main",
];

/** Puts a page together as zablab does. */
function assemble(report, trace, { trace2 = null, plots = "", title = "zablab report" } = {}) {
  const read = (name) => fs.readFileSync(path.join(PAGE, name), "utf8");
  const pack = (json) => (json ? (typeof json === "string" ? json : zlib.gzipSync(JSON.stringify(json)).toString("base64")) : "");
  const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const parts = {
    title: escape(title),
    style: read("style.css"),
    script: '"use strict";\n' + SCRIPTS.map((name) => read(name + ".js")).join("\n"),
    static: `<p>${escape(report.verdict ?? "")}</p>`,
    report: JSON.stringify(report)
      .replace(/</g, "\\u003c")
      .replace(/\u2028/g, "\\u2028")
      .replace(/\u2029/g, "\\u2029"),
    trace: pack(trace),
    trace2: pack(trace2),
    plots: `<template id="plots">${plots}</template>`,
  };
  return read("page.html").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
}

const KINDS = [
  ["VOTE", "V", "message", "vote"],
  ["FOLLOWERINFO", "F", "message", "quorum"],
  ["LEADERINFO", "L", "message", "quorum"],
  ["ACKEPOCH", "E", "message", "quorum"],
  ["DIFF", "D", "message", "quorum"],
  ["NEWLEADER", "N", "message", "quorum"],
  ["UPTODATE", "U", "message", "quorum"],
  ["PROPOSAL", "P", "message", "quorum"],
  ["ACK", "A", "message", "quorum"],
  ["COMMIT", "C", "message", "quorum"],
  ["PING", "", "message", "quorum", true],
  ["request", "R", "message", "client"],
  ["reply", "r", "message", "client"],
  ["boot", "", "life"],
  ["crash", "", "life"],
  ["forced to disk", "", "disk"],
  ["tick", "", "timer", undefined, true],
  ["partition", "", "fault"],
  ["SNAP", "S", "message", "quorum"],
].map(([name, letter, cls, link, routine]) => ({
  name,
  letter,
  class: cls,
  ...(link ? { link } : {}),
  ...(routine ? { routine: true } : {}),
}));
const K = Object.fromEntries(KINDS.map((kind, i) => [kind.name, i]));
const FIELDS = [
  { name: "role", values: ["down", "looking", "following", "leading", "observing"] },
  { name: "accepted epoch" },
  { name: "current epoch" },
  { name: "leader", of: "node" },
  { name: "logged", of: "txn" },
  { name: "durable", of: "txn" },
  { name: "committed", of: "txn" },
  { name: "applied", of: "txn" },
  { name: "server", of: "node" },
  { name: "session", of: "string" },
];
const F = Object.fromEntries(FIELDS.map((field, i) => [field.name, i]));

/** A toy cluster that writes its own trace. */
class Toy {
  constructor(servers, clients, names) {
    this.nodes = [...Array(servers)]
      .map((_, i) => ({ name: names?.server?.(i) ?? `server ${i + 1}`, short: `s${i + 1}`, kind: "server", observer: false }))
      .concat([...Array(clients)].map((_, i) => ({ name: `client ${i + 1}`, short: `c${i + 1}`, kind: "client" })));
    this.servers = servers;
    this.clients = clients;
    this.t = 0;
    this.seed = 7;
    this.e = { number: [], t: [], kind: [], node: [], peer: [], cause: [], epoch: [], counter: [], text: [] };
    this.strings = [""];
    this.known = new Map([["", 0]]);
    this.lost = [];
    this.facts = [];
    this.txns = [];
    this.state = [];
    this.watches = [];
    this.ops = [];
    this.faults = [];
    this.now = new Map();
  }
  random(n) {
    this.seed = (this.seed * 1103515245 + 12345) % 2147483648;
    return this.seed % n;
  }
  string(text) {
    let i = this.known.get(text);
    if (i === undefined) {
      i = this.strings.push(text) - 1;
      this.known.set(text, i);
    }
    return i;
  }
  row(kind, node, { peer = 0, cause = -1, z = [0, 0], text = "", dt = 20 + this.random(90) } = {}) {
    this.t += dt;
    const e = this.e,
      row = e.t.length;
    e.number.push(row + 1);
    e.t.push(this.t);
    e.kind.push(K[kind]);
    e.node.push(node + 1);
    e.peer.push(peer);
    e.cause.push(cause < 0 ? 0 : row - cause);
    e.epoch.push(z[0]);
    e.counter.push(z[1]);
    e.text.push(this.string(text));
    return row;
  }
  set(row, node, field, value) {
    if (this.now.get(node * 16 + F[field]) === value) return;
    this.now.set(node * 16 + F[field], value);
    this.state.push([row, node, F[field], value]);
  }
  fact(row, node, text, z = [0, 0]) {
    this.facts.push([row, node + 1, this.string(text), z[0], z[1]]);
  }
  txn(parent, z, text, changes) {
    this.txns.push([parent, z[0], z[1], this.string(text), changes]);
    return this.txns.length;
  }
  get size() {
    return this.e.t.length;
  }

  elect(leader, epoch, members, log) {
    for (const s of members)
      for (const to of members) if (s !== to) this.row("VOTE", to, { peer: s + 1, cause: this.size - 1, text: `for server ${leader + 1}` });
    for (const s of members) {
      const r = this.row("tick", s);
      this.set(r, s, "role", s === leader ? 3 : 2);
      this.set(r, s, "leader", leader + 1);
      this.set(r, s, "accepted epoch", epoch);
    }
    for (const s of members.filter((s) => s !== leader)) {
      const f = this.row("FOLLOWERINFO", leader, { peer: s + 1, cause: this.size - 1 }),
        d = this.row("DIFF", s, { peer: leader + 1, cause: f });
      const n = this.row("NEWLEADER", s, { peer: leader + 1, cause: d, z: [epoch, 0] });
      for (const field of ["logged", "durable", "committed", "applied"]) this.set(n, s, field, log);
      this.set(n, s, "current epoch", epoch);
      this.row("ACK", leader, { peer: s + 1, cause: n, z: [epoch, 0] });
      this.row("UPTODATE", s, { peer: leader + 1, cause: this.size - 1 });
    }
    const r = this.row("tick", leader);
    this.set(r, leader, "current epoch", epoch);
    this.fact(r, leader, `server ${leader + 1} leads epoch ${epoch}`);
    for (const field of ["logged", "durable", "committed", "applied"]) this.set(r, leader, field, log);
  }

  /** One client's write through all servers. */
  write(leader, members, client, log, z, key, value, lostTo = []) {
    const c = this.servers + client,
      path = key,
      invoked = this.row("tick", c);
    const ask = this.row("request", leader, { peer: c + 1, cause: invoked, text: `setData ${path} "${value}"` });
    const id = this.txn(log, z, `setData ${path} "${value}"`, [
      [this.txns.length % 7 === 0 ? 0 : 2, this.string(path), this.txns.length % 50],
    ]);
    this.set(ask, leader, "logged", id);
    this.fact(ask, leader, `server ${leader + 1} proposed {z}`, z);
    const forced = this.row("forced to disk", leader, { z });
    this.set(forced, leader, "durable", id);
    let last = forced;
    for (const s of members.filter((s) => s !== leader)) {
      if (lostTo.includes(s)) {
        this.lost.push([ask, s + 1, K.PROPOSAL, -1, ...z, 0]);
        continue;
      }
      const p = this.row("PROPOSAL", s, { peer: leader + 1, cause: ask, z });
      this.set(p, s, "logged", id);
      const d = this.row("forced to disk", s, { z });
      this.set(d, s, "durable", id);
      last = this.row("ACK", leader, { peer: s + 1, cause: d, z });
    }
    if (lostTo.length) {
      this.ops.push([c, invoked, -1, 3, this.string(`setData ${path} "${value}"`), 0, 0, 0, -1]);
      return id;
    }
    this.set(last, leader, "committed", id);
    this.set(last, leader, "applied", id);
    this.fact(last, leader, `server ${leader + 1} committed {z}`, z);
    for (const s of members.filter((s) => s !== leader)) {
      const m = this.row("COMMIT", s, { peer: leader + 1, cause: last, z });
      this.set(m, s, "committed", id);
      this.set(m, s, "applied", id);
    }
    const reply = this.row("reply", c, { peer: leader + 1, cause: last, z, text: "ok" });
    this.ops.push([c, invoked, reply, 1, this.string(`setData ${path} "${value}"`), this.string(`ok at ${z.join(":")}`), ...z, last]);
    if (this.random(3) === 0) {
      this.watches.push([reply, c, this.string(path), this.random(2)]);
    }
    if (this.random(2) === 0)
      for (const s of members.filter((s) => s !== leader)) this.row("PING", s, { peer: leader + 1, cause: this.size - 1, dt: 400 });
    return id;
  }

  trace() {
    const delta = (values) => values.map((v, i) => v - (i ? values[i - 1] : 0));
    const columns = (rows, names, deltas) =>
      Object.fromEntries(
        names.map((name, i) => {
          const values = rows.map((row) => row[i]);
          return [name, deltas.includes(name) ? delta(values) : values];
        }),
      );
    /** Each value against the one before of the same group. */
    const deltaBy = (values, group) => {
      const before = new Map();
      return values.map((v, i) => {
        const key = group(i),
          was = before.get(key) ?? 0;
        before.set(key, v);
        return v - was;
      });
    };
    const grouped = (table, names, group) => {
      for (const name of names) table[name] = deltaBy(table[name], (i) => group(table, i));
      return table;
    };
    const e = this.e,
      count = e.t.length,
      ofRow = (i) => `${e.kind[i]},${e.node[i]}`;
    this.ops.forEach((op, i) => op.push(i + 1));
    const bySort = (rows) => rows.sort((a, b) => a[0] - b[0]);
    return {
      format: "zablab-trace",
      v: 2,
      total: count,
      count,
      strings: this.strings,
      nodes: this.nodes,
      kinds: KINDS,
      fields: FIELDS,
      events: {
        number: delta(e.number),
        t: delta(e.t),
        kind: e.kind,
        node: e.node,
        peer: e.peer,
        cause: e.cause,
        epoch: deltaBy(e.epoch, ofRow),
        counter: deltaBy(e.counter, ofRow),
        text: e.text,
      },
      lost: columns(bySort(this.lost), ["row", "to", "kind", "end", "epoch", "counter", "text"], ["row", "epoch", "counter"]),
      facts: grouped(
        columns(bySort(this.facts), ["row", "node", "text", "epoch", "counter"], ["row"]),
        ["epoch", "counter"],
        (t, i) => `${t.text[i]},${t.node[i]}`,
      ),
      txns: (() => {
        const c = columns(this.txns, ["parent", "epoch", "counter", "text", "changes"], ["epoch", "counter"]);
        c.parent = c.parent.map((p, i) => i + 1 - p);
        return c;
      })(),
      state: grouped(
        columns(bySort(this.state), ["row", "node", "field", "value"], ["row"]),
        ["value"],
        (t, i) => `${t.node[i]},${t.field[i]}`,
      ),
      watches: columns(bySort(this.watches), ["row", "node", "path", "armed"], ["row"]),
      operations: grouped(
        columns(
          this.ops.sort((a, b) => a[1] - b[1]),
          ["node", "invoked", "returned", "outcome", "request", "answer", "epoch", "counter", "order", "number"],
          ["invoked", "epoch", "counter"],
        ),
        ["number"],
        (t, i) => t.node[i],
      ),
      faults: this.faults,
      checks: {
        row: [0, count >> 1],
        exercised: [
          [0, 0, 0],
          [40, 9, 0],
        ],
      },
      violations: [],
    };
  }
}

const HOSTILE = `</script><b>&"'\`<img src=x onerror=alert(1)>{{report}}\u2028$&`;

/** A run of `events` events; `violation` makes the second leader lack what was committed; `hostile` puts markup everywhere. */
function makeRun({ events = 300, servers = 3, clients = 2, violation = true, hostile = false } = {}) {
  const toy = new Toy(servers, clients, hostile ? { server: (i) => `server ${i + 1} ${HOSTILE}` } : null);
  const all = [...Array(servers).keys()],
    value = hostile ? HOSTILE : "v",
    key = (i) => (hostile ? `/${HOSTILE}` : `/k${i % 5}`);
  for (const s of all) {
    const r = toy.row("boot", s);
    toy.set(r, s, "role", 1);
  }
  for (let c = 0; c < clients; c++) {
    const r = toy.row("tick", servers + c);
    toy.set(r, servers + c, "server", (c % servers) + 1);
    toy.set(r, servers + c, "session", toy.string(`0x${c + 1}00`));
  }
  toy.elect(servers - 1, 1, all, 0);
  let log = 0,
    counter = 0;
  const half = Math.max(120, events * 0.6);
  while (toy.size < half)
    log = toy.write(servers - 1, all, counter % clients, log, [1, ++counter], key(counter), `${value}${counter % 90}`);
  const before = toy.size,
    kept = violation ? toy.txns[log - 1][0] : log,
    story = [];
  const committed = toy.size - 3;
  story.push([committed, `server ${servers} committed 1:${counter}, which all had acknowledged`]);
  const cut = toy.row("partition", -1, { text: `server ${servers} | the others` });
  toy.faults.push({
    id: "cut" + (hostile ? HOSTILE : ""),
    text: `partition {server ${servers}} | the others` + (hostile ? HOSTILE : ""),
    kind: "partition",
    nodes: [servers - 1],
    row: cut,
    end: -1,
    effective: true,
  });
  const orphan = toy.write(servers - 1, all, 0, log, [1, counter + 1], key(1), "orphan", all.slice(0, -1));
  story.push([toy.size - 1, `server ${servers} logged 1:${counter + 1}, but the cut keeps it from every other server`]);
  const rest = all.slice(0, -1);
  for (const s of rest) {
    const r = toy.row("tick", s);
    toy.set(r, s, "role", 1);
    for (const f of ["logged", "durable", "committed", "applied"]) toy.set(r, s, f, kept);
  }
  toy.elect(0, 2, rest, kept);
  story.push([toy.size - 1, `server 1 leads epoch 2 with a history to 1:${counter - 1} and lacks 1:${counter}`]);
  let count2 = 0,
    log2 = kept;
  log2 = toy.write(0, rest, 1 % clients, log2, [2, ++count2], key(2), `${value}x`);
  const bad = toy.size - 1;
  story.push([bad - 2, "server 1 committed 2:1, which servers 1 and 2 had acknowledged"]);
  story.push([bad, `server 2 has applied 2:1, where 1:${counter} is committed`]);
  while (toy.size < events) log2 = toy.write(0, rest, count2 % clients, log2, [2, ++count2], key(count2), `${value}${count2 % 90}`);
  toy.faults[0].end = toy.size - 1;
  void before;
  void orphan;
  const trace = toy.trace();
  const report = reportOf(trace, toy, violation ? { bad, story } : null, hostile);
  if (violation) trace.violations.push({ index: 0, row: bad, story: story.map(([row]) => row) });
  return { report, trace };
}

function reportOf(trace, toy, violation, hostile) {
  const text = (words) => (hostile ? words + HOSTILE : words);
  const facts = (list) =>
    list.map(([row, words]) => ({ event: toy.e.number[row], time_us: toy.e.t[row], text: text(words), evidence: true }));
  return {
    kind: "run",
    scenario: text("toy"),
    about: text("A toy cluster."),
    seed: 7,
    version: "0.0.0",
    verdict: violation ? "violated" : "holds",
    expected: true,
    digest: "0123456789abcdef",
    events: trace.total,
    virtual_ms: Math.round(toy.t / 1000),
    ended: "the plan was done",
    properties: [
      {
        name: "total-order",
        statement: "all servers that serve have applied prefixes of one and the same history",
        verdict: violation ? "violated" : "holds",
        exercised: 40,
      },
      {
        name: "commit-quorum",
        statement: "a transaction is committed only when a quorum has it on disk",
        verdict: "holds",
        exercised: 12345,
      },
      { name: "atomic-multis", statement: "all or none", verdict: "vacuous", exercised: 0 },
    ],
    violations: violation
      ? [
          {
            property: "total-order",
            statement: "all servers that serve have applied prefixes of one and the same history",
            signature: "fork",
            also: [],
            event: toy.e.number[violation.bad],
            time_us: toy.e.t[violation.bad],
            story: facts(violation.story),
            why: facts(violation.story),
          },
        ]
      : [],
    counters: { elections: 2, proposals: trace.txns.parent.length, ops_ok: 12345, faults: 1 },
    elections: [{ epoch: 1, leader: 3, event: 12, time_us: 1200, members: [1, 2, 3], took_us: 1100 }],
    syncs: { diff: 4, log_diff: 0, trunc: 0, snap: 0 },
    operations: {
      ok: 12345,
      failed: 0,
      unknown: 1,
      unsent: 0,
      by_kind: [{ kind: "setData", ok: 12345, failed: 0, unknown: 1, latency_us: { p50: 900, p90: 1200, p99: 3000, max: 9000 } }],
      latency_us: { p50: 900, p90: 1200, p99: 3000, max: 9000 },
    },
    faults: [{ id: text("cut"), text: text("partition"), kind: "partition", from_us: 1000, to_us: 2000, effective: true, targets: [3] }],
    strikes: { partition: { effective: 1, in_vain: 0 } },
    excuses: [],
    situations: { "quorum-exact": 12 },
    situations_missed: ["snap-sent"],
    staleness: { reads: 10, stale: 0, versions: { p50: 0, p90: 0, p99: 0, max: 0 }, ms: { p50: 0, p90: 0, p99: 0, max: 0 } },
    notes: [],
    servers: [
      {
        name: "server 1",
        role: "leading",
        leader: "server 1",
        accepted_epoch: 2,
        current_epoch: 2,
        logged: "2:9",
        durable: "2:9",
        committed: "2:9",
        applied: "2:9",
        znodes: 5,
      },
    ],
    replay: text("zablab replay toy.json"),
    file: "toy.json",
  };
}

module.exports = { assemble, makeRun, HOSTILE, SCRIPTS, PAGE };
