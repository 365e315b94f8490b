// Reads a trace: base64, gzip, JSON, columns. What is wrong with one is said with its place and what was expected there,
// because a picture that stays empty explains nothing.

/** A trace that cannot be shown: says what, where, and what was expected. */
class TraceError extends Error {}

/**
 * @typedef {Record<string, any>} Json
 * @typedef {{name: string, short: string, kind: string, observer?: boolean}} NodeInfo
 * @typedef {{name: string, letter?: string, class: string, link?: string, routine?: boolean}} Kind
 * @typedef {{name: string, values?: string[], of?: string}} Field
 * @typedef {{number: Int32Array, t: Float64Array, kind: Uint8Array, node: Uint8Array, peer: Uint8Array, cause: Int32Array,
 *   epoch: Int32Array, counter: Int32Array, text: Int32Array}} Events
 * @typedef {{row: Int32Array, to: Uint8Array, kind: Uint8Array, end: Int32Array, epoch: Int32Array, counter: Int32Array, text: Int32Array}} Lost
 * @typedef {{row: Int32Array, node: Uint8Array, text: Int32Array, epoch: Int32Array, counter: Int32Array}} Facts
 * @typedef {{parent: Int32Array, epoch: Int32Array, counter: Int32Array, text: Int32Array, changes: [number, number, number][][]}} Txns
 * @typedef {{row: Int32Array, node: Uint8Array, field: Uint8Array, value: Int32Array}} Changes
 * @typedef {{row: Int32Array, node: Uint8Array, path: Int32Array, armed: Uint8Array}} Watches
 * @typedef {{node: Uint8Array, number: Int32Array, invoked: Int32Array, returned: Int32Array, outcome: Uint8Array, request: Int32Array, answer: Int32Array,
 *   epoch: Int32Array, counter: Int32Array, order: Int32Array}} Operations
 * @typedef {{id: string, text: string, kind: string, nodes: number[], row: number, end: number, effective?: boolean}} FaultBand
 * @typedef {{total: number, count: number, strings: string[], nodes: NodeInfo[], kinds: Kind[], events: Events, lost: Lost, facts: Facts,
 *   txns: Txns, fields: Field[], state: Changes, watches: Watches, operations: Operations, faults: FaultBand[],
 *   checks: {row: number[], exercised: number[][]}, violations: {index: number, row: number, story: number[]}[]}} Trace
 */

/** The bytes that a base64 text holds. The usual idiom, Uint8Array.from(atob(s), f), is fifty times slower than either of these.
 * @param {string} text @returns {Uint8Array} */
function decodeBase64(text) {
  const fast = /** @type {any} */ (Uint8Array).fromBase64;
  if (fast) return fast.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Unpacks gzip.
 * @param {Uint8Array | Blob} packed @returns {Promise<string>} */
async function gunzip(packed) {
  if (typeof DecompressionStream === "undefined")
    throw new TraceError("this browser cannot unpack gzip (DecompressionStream): use one of 2023 or later");
  const blob = packed instanceof Blob ? packed : new Blob([/** @type {BlobPart} */ (packed)]);
  try {
    return await new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).text();
  } catch {
    throw new TraceError("the trace is not a whole gzip stream: expected a run.zt as zablab wrote it");
  }
}

/** @param {Uint8Array | Blob} packed @returns {Promise<Trace>} */
async function readTrace(packed) {
  const text = await gunzip(packed);
  /** @type {Json} */
  let json;
  try {
    json = JSON.parse(text);
  } catch (problem) {
    throw new TraceError(`the trace is not JSON: ${/** @type {Error} */ (problem).message}`);
  }
  return decodeTrace(json);
}

/** Stops with what was found and what was expected.
 * @param {boolean} good @param {string} where @param {any} found @param {string} expected */
function expect(good, where, found, expected) {
  if (good) return;
  const shown = found === undefined ? "missing" : JSON.stringify(found)?.slice(0, 80);
  throw new TraceError(`${where} is ${shown}, expected ${expected}`);
}

/** A column of a table of the trace.
 * @param {Json} table @param {string} name @param {string} column @param {number} length @returns {number[]} */
function column(table, name, column, length) {
  const values = table[column];
  expect(Array.isArray(values), `${name}.${column}`, values, "an array");
  expect(values.length === length, `the length of ${name}.${column}`, values.length, `${length}, as ${name}'s other columns`);
  return values;
}

/** Reads one column into a typed array. A value outside `low..=high` stops the reading.
 * @template {Int32Array | Float64Array | Uint8Array} T
 * @param {number[]} values @param {T} into @param {string} where @param {boolean} deltas @param {number} low @param {number} high @returns {T} */
function take(values, into, where, deltas, low, high) {
  let before = 0;
  for (let i = 0; i < values.length; i++) {
    const value = deltas ? before + values[i] : values[i];
    if (!(value >= low && value <= high) || value % 1 !== 0)
      expect(false, `${where}[${i}]`, value, `a whole number from ${low} to ${high}`);
    before = value;
    into[i] = value;
  }
  return into;
}

/** Undoes deltas that were taken group by group: each value against the one before of the same group.
 * @param {Int32Array} values @param {(i: number) => number} group @param {number} groups 0: too many for an array @returns {Int32Array} */
function addUp(values, group, groups) {
  if (groups === 0) return addUpMany(values, group);
  const before = new Int32Array(groups);
  for (let i = 0; i < values.length; i++) values[i] = before[group(i)] += values[i];
  return values;
}

/** @param {Int32Array} values @param {(i: number) => number} group @returns {Int32Array} */
function addUpMany(values, group) {
  /** @type {Map<number, number>} */
  const before = new Map();
  for (let i = 0; i < values.length; i++) {
    const key = group(i),
      value = (before.get(key) ?? 0) + values[i];
    before.set(key, value);
    values[i] = value;
  }
  return values;
}

const MOST = 2 ** 31 - 1;

/** @param {Json} table @param {string} name @param {string} first @returns {number} */
function lengthOf(table, name, first) {
  expect(table !== null && typeof table === "object", name, table, "an object of columns");
  expect(Array.isArray(table[first]), `${name}.${first}`, table[first], "an array");
  return table[first].length;
}

/** Readers of one table: `small` for indices below 256, `index` for plain numbers, `delta` for delta-coded ones.
 * @param {Json} json @param {string} name @param {string} first */
function reader(json, name, first) {
  const table = json[name];
  const length = lengthOf(table, name, first);
  return {
    length,
    /** @param {string} col @param {number} high */
    small: (col, high) => take(column(table, name, col, length), new Uint8Array(length), `${name}.${col}`, false, 0, high),
    /** @param {string} col @param {number} low @param {number} high */
    index: (col, low, high) => take(column(table, name, col, length), new Int32Array(length), `${name}.${col}`, false, low, high),
    /** @param {string} col @param {number} low @param {number} high */
    delta: (col, low, high) => take(column(table, name, col, length), new Int32Array(length), `${name}.${col}`, true, low, high),
  };
}

/** Checks a trace and turns its columns into typed arrays.
 * @param {Json} json @returns {Trace} */
function decodeTrace(json) {
  expect(json !== null && typeof json === "object", "the trace", json, "an object");
  expect(json.format === "zablab-trace", "format", json.format, '"zablab-trace"');
  expect(json.v === 2, "v", json.v, "2: this page was written by an older or newer zablab");
  for (const name of ["strings", "nodes", "kinds", "fields", "faults", "violations"])
    expect(Array.isArray(json[name]), name, json[name], "an array");
  expect(json.nodes.length < 255 && json.kinds.length < 256, "nodes and kinds", [json.nodes.length, json.kinds.length], "fewer than 255");
  const events = decodeEvents(json);
  const rows = events.t.length;
  expect(json.count === undefined || json.count === rows, "count", json.count, `${rows}, the length of the columns of events`);
  const tables = decodeTables(json, rows, events);
  tables.facts = withOperations(tables.facts, tables.operations, json.strings);
  return {
    total: json.total ?? rows,
    count: rows,
    strings: json.strings,
    nodes: json.nodes,
    kinds: json.kinds,
    fields: json.fields,
    events,
    ...tables,
    faults: checkedFaults(json, rows),
    checks: json.checks ?? { row: [], exercised: [] },
    violations: checkedViolations(json, rows),
  };
}

/** @param {Json} json @returns {Events} */
function decodeEvents(json) {
  const read = reader(json, "events", "t");
  const rows = read.length;
  expect(rows > 0, "events", [], "at least one event");
  const times = take(column(json.events, "events", "t", rows), new Float64Array(rows), "events.t", true, 0, Number.MAX_SAFE_INTEGER);
  for (let i = 1; i < rows; i++)
    if (times[i] < times[i - 1]) expect(false, `events.t[${i}]`, times[i], `at least ${times[i - 1]}, the time of the row before`);
  const cause = read.index("cause", 0, MOST);
  for (let i = 0; i < rows; i++) {
    if (cause[i] > i) expect(false, `events.cause[${i}]`, cause[i], `at most ${i}: a cause comes before its effect`);
    cause[i] = cause[i] === 0 ? -1 : i - cause[i];
  }
  const kind = read.small("kind", json.kinds.length - 1),
    node = read.small("node", json.nodes.length),
    peer = read.small("peer", json.nodes.length);
  // Whoever caused a message has sent it.
  for (let i = 0; i < rows; i++) if (peer[i] === 0 && cause[i] >= 0 && json.kinds[kind[i]].class === "message") peer[i] = node[cause[i]];
  const group = (/** @type {number} */ i) => kind[i] * 256 + node[i];
  return {
    number: read.delta("number", 0, MOST),
    t: times,
    kind,
    node,
    peer,
    cause,
    epoch: addUp(read.index("epoch", -MOST, MOST), group, 65536),
    counter: addUp(read.index("counter", -MOST, MOST), group, 65536),
    text: read.index("text", 0, json.strings.length - 1),
  };
}

/** @param {Json} json @param {number} rows @param {Events} events */
function decodeTables(json, rows, events) {
  const last = rows - 1,
    strings = json.strings.length - 1,
    nodes = json.nodes.length;
  const lost = reader(json, "lost", "row"),
    facts = reader(json, "facts", "row"),
    state = reader(json, "state", "row");
  const watches = reader(json, "watches", "row"),
    ops = reader(json, "operations", "node"),
    txns = reader(json, "txns", "parent");
  return {
    lost: {
      row: lost.delta("row", 0, last),
      to: lost.small("to", nodes),
      kind: lost.small("kind", json.kinds.length - 1),
      end: lost.index("end", -1, last),
      epoch: lost.delta("epoch", -1, MOST),
      counter: lost.delta("counter", -1, MOST),
      text: lost.index("text", 0, strings),
    },
    facts: decodeFacts(facts, strings, events),
    state: decodeState(state, last, nodes, json.fields.length),
    watches: {
      row: watches.delta("row", 0, last),
      node: watches.small("node", nodes - 1),
      path: watches.index("path", 0, strings),
      armed: watches.small("armed", 1),
    },
    operations: decodeOperations(ops, nodes, last, strings),
    txns: {
      parent: parents(txns),
      epoch: txns.delta("epoch", -1, MOST),
      counter: txns.delta("counter", -1, MOST),
      text: txns.index("text", 0, strings),
      changes: /** @type {[number, number, number][][]} */ (/** @type {unknown} */ (column(json.txns, "txns", "changes", txns.length))),
    },
  };
}

/** What rows made true. The node is that of the row unless another is named.
 * @param {ReturnType<typeof reader>} read @param {number} strings @param {Events} events @returns {Facts} */
function decodeFacts(read, strings, events) {
  const row = read.delta("row", 0, events.t.length - 1),
    node = read.small("node", 254),
    text = read.index("text", 0, strings);
  for (let i = 0; i < row.length; i++) if (node[i] === 0) node[i] = events.node[row[i]];
  const group = (/** @type {number} */ i) => text[i] * 256 + node[i],
    groups = strings < 16384 ? (strings + 1) * 256 : 0;
  return {
    row,
    node,
    text,
    epoch: addUp(read.index("epoch", -MOST, MOST), group, groups),
    counter: addUp(read.index("counter", -MOST, MOST), group, groups),
  };
}

/** @param {ReturnType<typeof reader>} read @param {number} last @param {number} nodes @param {number} fields @returns {Changes} */
function decodeState(read, last, nodes, fields) {
  const node = read.small("node", nodes - 1),
    field = read.small("field", fields - 1);
  const value = addUp(read.index("value", -MOST, MOST), (i) => node[i] * 256 + field[i], 65536);
  return { row: read.delta("row", 0, last), node, field, value };
}

/** @param {ReturnType<typeof reader>} read @param {number} nodes @param {number} last @param {number} strings @returns {Operations} */
function decodeOperations(read, nodes, last, strings) {
  const node = read.small("node", nodes - 1);
  return {
    node,
    number: addUp(read.index("number", -MOST, MOST), (i) => node[i], 256),
    invoked: read.delta("invoked", 0, last),
    returned: read.index("returned", -1, last),
    outcome: read.small("outcome", 4),
    request: read.index("request", 0, strings),
    answer: read.index("answer", 0, strings),
    epoch: read.delta("epoch", -1, MOST),
    counter: read.delta("counter", -1, MOST),
    order: read.index("order", -1, last),
  };
}

const ENDS = ["", "", "fails with ", "has an unknown outcome", "was never sent"];

/** The facts with those that the table of operations implies: what was asked for, what came of it.
 * @param {Facts} facts @param {Operations} ops @param {string[]} strings @returns {Facts} */
function withOperations(facts, ops, strings) {
  /** @type {{row: number, node: number, text: string, epoch: number, counter: number}[]} */
  const more = [];
  for (let i = 0; i < ops.node.length; i++) {
    const node = ops.node[i] + 1,
      epoch = ops.epoch[i],
      counter = ops.counter[i],
      name = `op ${ops.number[i]}`;
    more.push({ row: ops.invoked[i], node, text: `${name}: ${strings[ops.request[i]]}`, epoch: 0, counter: 0 });
    if (ops.returned[i] < 0) continue;
    const at = epoch || counter ? " at {z}" : "";
    more.push({ row: ops.returned[i], node, text: `${name} ${ENDS[ops.outcome[i]]}${strings[ops.answer[i]]}${at}`, epoch, counter });
  }
  more.sort((a, b) => a.row - b.row);
  const length = facts.row.length + more.length;
  const all = {
    row: new Int32Array(length),
    node: new Uint8Array(length),
    text: new Int32Array(length),
    epoch: new Int32Array(length),
    counter: new Int32Array(length),
  };
  for (let to = 0, i = 0, j = 0; to < length; to++) {
    const isFact = j === more.length || (i < facts.row.length && facts.row[i] <= more[j].row);
    const next = isFact
      ? { row: facts.row[i], node: facts.node[i], text: facts.text[i], epoch: facts.epoch[i], counter: facts.counter[i++] }
      : { ...more[j], text: strings.push(more[j++].text) - 1 };
    all.row[to] = next.row;
    all.node[to] = next.node;
    all.text[to] = next.text;
    all.epoch[to] = next.epoch;
    all.counter[to] = next.counter;
  }
  return all;
}

/** The parent of each transaction, by id. @param {ReturnType<typeof reader>} read @returns {Int32Array} */
function parents(read) {
  const parent = read.index("parent", 1, MOST);
  for (let i = 0; i < parent.length; i++) {
    if (parent[i] > i + 1) expect(false, `txns.parent[${i}]`, parent[i], `at most ${i + 1}: a parent has a smaller id`);
    parent[i] = i + 1 - parent[i];
  }
  return parent;
}

/** @param {Json} json @param {number} rows @returns {FaultBand[]} */
function checkedFaults(json, rows) {
  json.faults.forEach((/** @type {FaultBand} */ fault, /** @type {number} */ i) => {
    expect(fault.row >= 0 && fault.row < rows, `faults[${i}].row`, fault.row, `a row from 0 to ${rows - 1}`);
    expect(fault.end >= -1 && fault.end < rows, `faults[${i}].end`, fault.end, `a row, or -1`);
    expect(Array.isArray(fault.nodes), `faults[${i}].nodes`, fault.nodes, "an array of node indices");
  });
  return json.faults;
}

/** @param {Json} json @param {number} rows */
function checkedViolations(json, rows) {
  json.violations.forEach((/** @type {{row: number, story: number[]}} */ violation, /** @type {number} */ i) => {
    expect(violation.row >= 0 && violation.row < rows, `violations[${i}].row`, violation.row, `a row from 0 to ${rows - 1}`);
    for (const row of violation.story ?? []) expect(row >= 0 && row < rows, `violations[${i}].story`, row, `rows from 0 to ${rows - 1}`);
  });
  return json.violations;
}
