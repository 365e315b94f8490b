// The parts of the page that need no browser, against what brute force finds.
"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");
const { makeRun, PAGE } = require("./fixture.js");

const NAMES = ["decodeTrace", "Model", "Lineage", "storyParts", "layOut", "xOf", "znodeDiff", "lowerBound", "findRows", "isCrowded"];
const source = ["trace", "model", "lineage", "window", "search"]
  .map((name) => fs.readFileSync(path.join(PAGE, `${name}.js`), "utf8"))
  .join("\n");
const page = vm.runInThisContext(`(() => { ${source}\nreturn { ${NAMES.join(", ")} }; })()`);

function modelOf(options) {
  return new page.Model(page.decodeTrace(makeRun(options).trace));
}

test("the causal past is what a walk along every cause reaches", () => {
  const model = modelOf({ events: 700 });
  const { cause, node } = model.trace.events;
  for (const row of [5, 60, 333, 512, 690]) {
    const reached = new Set(),
      open = [row];
    while (open.length) {
      const at = open.pop();
      if (at < 0 || reached.has(at)) continue;
      reached.add(at);
      open.push(cause[at], model.previous[at]);
    }
    const last = model.pastOf(row, 0);
    for (let at = 0; at <= row; at++)
      if (node[at] > 0) assert.equal(at <= last[node[at]], reached.has(at), `row ${at} in the past of ${row}`);
  }
});

test("a causal rank is the length of the longest chain of causes", () => {
  const model = modelOf({ events: 400 }),
    ranks = model.causal(),
    { cause } = model.trace.events;
  for (let row = 0; row < model.rows; row++) {
    const before = [cause[row], model.previous[row]].filter((at) => at >= 0).map((at) => ranks[at]);
    assert.equal(ranks[row], before.length ? Math.max(...before) + 1 : 0);
  }
});

/** A random tree of histories. */
function randomTree(count) {
  let seed = 5;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const parent = [...Array(count)].map((_, i) => Math.max(0, i - random(i % 11 === 0 ? 40 : 2)));
  const changes = parent.map((_, i) => [[[0, 2, 2, 1][random(4)], random(9), i]]);
  return {
    parent: Int32Array.from(parent),
    epoch: new Int32Array(count),
    counter: new Int32Array(count),
    text: new Int32Array(count),
    changes,
  };
}

test("ancestors, shared histories and znodes of a tree of histories are those of a plain walk", () => {
  const txns = randomTree(3000),
    strings = [..."abcdefghi"];
  const lineage = new page.Lineage(txns, strings);
  const chain = (id) => {
    const out = [0];
    const up = [];
    for (; id > 0; id = txns.parent[id - 1]) up.push(id);
    return out.concat(up.reverse());
  };
  for (let i = 0; i < 300; i++) {
    const a = (i * 7919) % 3001,
      b = (i * 104729 + 17) % 3001,
      ca = chain(a),
      cb = chain(b);
    let shared = 0;
    for (let d = 0; d < Math.min(ca.length, cb.length) && ca[d] === cb[d]; d++) shared = ca[d];
    assert.equal(lineage.common(a, b), shared);
    assert.equal(lineage.extends(a, b), ca.includes(b));
    const znodes = new Map();
    for (const id of ca.slice(1))
      for (const [op, name, version] of txns.changes[id - 1])
        if (op === 1) znodes.delete(strings[name]);
        else znodes.set(strings[name], version);
    assert.deepEqual([...lineage.image(a).znodes].sort(), [...znodes].sort());
  }
});

test("the longest committed history never loses what it had", () => {
  const model = modelOf({ events: 900 });
  let before = 0;
  for (let row = 0; row < model.rows; row++) {
    const agreed = model.agreedAt(row);
    assert.ok(model.lineage.extends(agreed, before));
    before = agreed;
  }
});

test("the parts of a story hold each of its rows, in order, without overlap, and places grow with rows", () => {
  const rows = Int32Array.from({ length: 5000 }, (_, i) => i * 2),
    model = { trace: { events: { t: Float64Array.from({ length: 10000 }, (_, i) => i * 10) } } };
  for (const story of [[4], [4, 6, 8], [0, 9998], [10, 500, 502, 9000], [1000, 2000, 3000, 4000, 5000, 6000]]) {
    const parts = page.storyParts(rows, story, 55);
    for (const row of story)
      assert.ok(
        parts.some((part) => row >= rows[part.from] && row <= rows[part.to - 1]),
        `${row}`,
      );
    parts.forEach((part, i) => assert.ok(part.from < part.to && (i === 0 || part.from >= parts[i - 1].to)));
    for (const axis of ["time", "rank"]) {
      const frame = page.layOut(model, rows, parts, axis, 80, 800);
      let x = 0;
      for (const part of parts)
        for (let i = part.from; i < part.to; i++) {
          const here = page.xOf(frame, rows[i]);
          assert.ok(here > x && here <= 800, `${here} after ${x}`);
          x = here;
        }
    }
  }
});

test("the state of the last row is that of the last change of every field", () => {
  const model = modelOf({ events: 5000 }),
    state = model.trace.state;
  const last = new Map();
  for (let i = 0; i < state.row.length; i++) last.set(state.node[i] * model.width + state.field[i], state.value[i]);
  const now = model.stateAt(model.rows - 1);
  now.forEach((value, cell) => assert.equal(value, last.get(cell) ?? 0));
});

test("a name of a row leads back to the row, also where rows share a number", () => {
  const run = makeRun({ events: 300 });
  run.trace.events.number[40] = 0;
  run.trace.events.number[41] = 0;
  const model = new page.Model(page.decodeTrace(run.trace));
  for (let row = 0; row < model.rows; row++) assert.equal(model.rowNamed(model.nameOf(row)), row);
});

test("a search finds words of events and facts, zxids and event numbers", () => {
  const model = modelOf({ events: 300 }),
    last = model.rows - 1;
  for (const row of page.findRows(model, "newleader", last)) assert.match(model.whatAt(row), /NEWLEADER/);
  assert.ok(page.findRows(model, "1:3", last).length > 5);
  assert.deepEqual([...page.findRows(model, "e17", last)], [model.rowOfEvent(17)]);
  assert.ok([...page.findRows(model, "leads epoch 2", last)].every((row) => model.factsAt(row).join().includes("leads epoch 2")));
  assert.equal(page.findRows(model, "no such word", last).length, 0);
});
