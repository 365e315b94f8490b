// What the player asks of a trace: the state of every node at any row, which rows are shown, who came before whom, and the
// sentence that says what a row is. Everything here is a function of the trace alone.

/** A keyframe of all fields of all nodes is kept each so many rows; a seek replays at most this many. */
const KEYFRAME = 1000;

/** The first index of a sorted column whose value is at least `value`.
 * @param {ArrayLike<number>} sorted @param {number} value @returns {number} */
function lowerBound(sorted, value) {
  let low = 0,
    high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @typedef {{from: number, to: number, role: number, epoch: number}} RoleSpan rows `from..to` in which a server kept its role and epoch */
/** @typedef {{routine: boolean, clients: boolean}} Filter what is shown beside the rest */
/** @typedef {{rows: Int32Array, hidden: number}} Shown the rows that a filter lets through, and how many it holds back */

class Model {
  /** @param {Trace} trace */
  constructor(trace) {
    this.trace = trace;
    this.rows = trace.events.t.length;
    this.width = trace.fields.length;
    /** @type {Record<string, number>} */
    this.field = {};
    trace.fields.forEach((field, i) => (this.field[field.name] = i));
    this.lineage = new Lineage(trace.txns, trace.strings);
    this.buildKeyframes();
    this.buildPrevious();
    this.lanes = this.orderLanes();
    this.roles = trace.nodes.map((node, index) => (node.kind === "server" ? this.roleSpans(index) : []));
    this.buildAgreed();
    /** Rows that no filter hides: those of stories, and those that answer a lesson's question. */
    this.pinned = new Set(trace.violations.flatMap((violation) => [violation.row, ...violation.story]));
    /** @type {Map<string, Shown>} */
    this.shownBy = new Map();
    /** @type {Int32Array | null} */
    this.causalRanks = null;
    /** @type {Int32Array | null} */
    this.firstEffect = null;
    /** @type {Int32Array | null} */
    this.nextEffect = null;
    this.atRow = -1;
    this.atState = new Int32Array(this.width * trace.nodes.length);
  }

  buildKeyframes() {
    const { row, node, field, value } = this.trace.state;
    const state = new Int32Array(this.width * this.trace.nodes.length);
    /** @type {{state: Int32Array, next: number}[]} */
    this.keyframes = [];
    let next = 0;
    for (let start = 0; start < this.rows; start += KEYFRAME) {
      while (next < row.length && row[next] < start) {
        state[node[next] * this.width + field[next]] = value[next];
        next++;
      }
      this.keyframes.push({ state: state.slice(), next });
    }
  }

  /** The row before each row at the same node, -1 for its first. The machine's own rows follow nothing. */
  buildPrevious() {
    const { node } = this.trace.events;
    const last = new Int32Array(this.trace.nodes.length + 1).fill(-1);
    this.previous = new Int32Array(this.rows);
    for (let i = 0; i < this.rows; i++) {
      this.previous[i] = node[i] === 0 ? -1 : last[node[i]];
      last[node[i]] = i;
    }
  }

  /** All fields of all nodes after a row: `state[node * width + field]`. The array is reused by the next call.
   * @param {number} row @returns {Int32Array} */
  stateAt(row) {
    const changes = this.trace.state;
    const keyframe = (this.keyframes ?? [])[Math.floor(row / KEYFRAME)];
    const state = this.atState;
    state.set(keyframe.state);
    for (let i = keyframe.next; i < changes.row.length && changes.row[i] <= row; i++) {
      state[changes.node[i] * this.width + changes.field[i]] = changes.value[i];
    }
    return state;
  }

  /** @param {Int32Array} state @param {number} node @param {string} field @returns {number} */
  valueOf(state, node, field) {
    const index = this.field[field];
    return index === undefined ? 0 : state[node * this.width + index];
  }

  /** The changes of state that rows made. @param {number} from @param {number} to the last of them @returns {{node: number, field: number, value: number}[]} */
  changesBetween(from, to) {
    const { row: rows, node, field, value } = this.trace.state;
    const out = [];
    for (let i = lowerBound(rows, from); i < rows.length && rows[i] <= to; i++)
      out.push({ node: node[i], field: field[i], value: value[i] });
    return out;
  }

  /** Servers in their order, each client beside the server it talked to first. @returns {number[]} */
  orderLanes() {
    const { nodes, state } = this.trace;
    const home = new Map();
    for (let i = 0; i < state.row.length; i++) {
      if (state.field[i] === this.field["server"] && state.value[i] > 0 && !home.has(state.node[i]))
        home.set(state.node[i], state.value[i] - 1);
    }
    const servers = nodes.map((_, i) => i).filter((i) => nodes[i].kind === "server");
    const clients = nodes.map((_, i) => i).filter((i) => nodes[i].kind !== "server");
    const lanes = servers.flatMap((server) => [...clients.filter((client) => home.get(client) === server), server]);
    return [...clients.filter((client) => !lanes.includes(client)), ...lanes];
  }

  /** @param {number} server @returns {RoleSpan[]} */
  roleSpans(server) {
    const { row, node, field, value } = this.trace.state;
    const role = this.field["role"],
      epoch = this.field["current epoch"];
    /** @type {RoleSpan[]} */
    const spans = [];
    let now = { from: 0, to: this.rows - 1, role: 0, epoch: 0 };
    for (let i = 0; i < row.length; i++) {
      if (node[i] !== server || (field[i] !== role && field[i] !== epoch)) continue;
      const next = { ...now, from: row[i] };
      if (field[i] === role) next.role = value[i];
      else next.epoch = value[i];
      if (next.role === now.role && next.epoch === now.epoch) continue;
      if (row[i] > now.from) spans.push({ ...now, to: row[i] });
      now = next;
    }
    spans.push(now);
    return spans;
  }

  /** The role of a server after a row. @param {number} server @param {number} row @returns {RoleSpan} */
  roleAt(server, row) {
    const spans = this.roles[server];
    let low = 0,
      high = spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (spans[middle].from <= row) low = middle;
      else high = middle - 1;
    }
    return spans[low];
  }

  /** The history that was committed first at each depth, as it grew. */
  buildAgreed() {
    const { row, field, value } = this.trace.state;
    const committed = this.field["committed"];
    /** @type {number[]} */
    this.agreedRows = [-1];
    /** @type {number[]} */
    this.agreedIds = [0];
    let agreed = 0;
    for (let i = 0; i < row.length; i++) {
      if (field[i] !== committed || value[i] === agreed || !this.lineage.extends(value[i], agreed)) continue;
      agreed = value[i];
      this.agreedRows.push(row[i]);
      this.agreedIds.push(agreed);
    }
  }

  /** The longest history that counted as committed after a row. @param {number} row @returns {number} */
  agreedAt(row) {
    return (this.agreedIds ?? [0])[lowerBound(this.agreedRows ?? [-1], row + 1) - 1];
  }

  /** Whether a filter hides a row. @param {number} row @param {Filter} filter @returns {boolean} */
  isHidden(row, filter) {
    const { kind, node } = this.trace.events;
    if (!filter.routine && this.trace.kinds[kind[row]].routine) return true;
    return !filter.clients && node[row] > 0 && this.trace.nodes[node[row] - 1].kind !== "server";
  }

  /** The rows that a filter lets through. The rows of a story are always among them.
   * @param {Filter} filter @returns {Shown} */
  shown(filter) {
    const key = `${filter.routine} ${filter.clients}`;
    const known = this.shownBy.get(key);
    if (known) return known;
    const routine = this.trace.kinds.map((kind) => (!filter.routine && kind.routine ? 1 : 0));
    const client = [0, ...this.trace.nodes.map((node) => (!filter.clients && node.kind !== "server" ? 1 : 0))];
    const { kind, node } = this.trace.events;
    const rows = new Int32Array(this.rows);
    let count = 0;
    for (let i = 0; i < this.rows; i++) if (!(routine[kind[i]] | client[node[i]]) || this.pinned.has(i)) rows[count++] = i;
    const shown = { rows: rows.slice(0, count), hidden: this.rows - count };
    if (count === 0) shown.rows = Int32Array.of(0);
    this.shownBy.set(key, shown);
    return shown;
  }

  /** For each row the length of the longest chain of causes that ends there (Lamport's clock). @returns {Int32Array} */
  causal() {
    if (this.causalRanks) return this.causalRanks;
    const ranks = new Int32Array(this.rows),
      previous = /** @type {Int32Array} */ (this.previous),
      { cause } = this.trace.events;
    for (let i = 0; i < this.rows; i++) {
      const local = previous[i] < 0 ? -1 : ranks[previous[i]];
      const sent = cause[i] < 0 ? -1 : ranks[cause[i]];
      ranks[i] = Math.max(local, sent) + 1;
    }
    return (this.causalRanks = ranks);
  }

  /** The rows that a row caused: its messages where they arrived, its timers when they fired. @param {number} row @returns {number[]} */
  effectsOf(row) {
    if (!this.firstEffect) this.linkEffects();
    const out = [],
      next = /** @type {Int32Array} */ (this.nextEffect);
    for (let at = /** @type {Int32Array} */ (this.firstEffect)[row]; at >= 0; at = next[at]) out.push(at);
    return out;
  }

  /** Lists of effects: the first of each row, and after each effect the next of the same cause. */
  linkEffects() {
    const { cause } = this.trace.events;
    this.firstEffect = new Int32Array(this.rows).fill(-1);
    this.nextEffect = new Int32Array(this.rows).fill(-1);
    for (let i = this.rows - 1; i >= 0; i--) {
      if (cause[i] < 0) continue;
      this.nextEffect[i] = this.firstEffect[cause[i]];
      this.firstEffect[cause[i]] = i;
    }
  }

  /** For each node the last row that lies in the causal past of `row` (-1: none), looking back no further than `from`.
   * @param {number} row @param {number} from @returns {Int32Array} indexed like events.node */
  pastOf(row, from) {
    const { node, cause } = this.trace.events;
    const last = new Int32Array(this.trace.nodes.length + 1).fill(-1);
    last[node[row]] = row;
    if (cause[row] >= 0) last[node[cause[row]]] = Math.max(last[node[cause[row]]], cause[row]);
    for (let i = row - 1; i >= from; i--) {
      if (node[i] === 0 || i > last[node[i]] || cause[i] < 0) continue;
      const sender = node[cause[i]];
      if (cause[i] > last[sender]) last[sender] = cause[i];
    }
    return last;
  }

  /** The last row whose event number is at most `number`. @param {number} number @returns {number} */
  rowOfEvent(number) {
    return Math.max(0, lowerBound(this.trace.events.number, number + 1) - 1);
  }

  /** The row of a violation, and those of its story, as the trace has them. @param {number} index of report.violations */
  violationAt(index) {
    return this.trace.violations.find((violation) => violation.index === index);
  }

  /** The name of a row in an address: its event number, and which of the rows of that number it is unless it is the last.
   * @param {number} row @returns {string} */
  nameOf(row) {
    const { number } = this.trace.events;
    return row + 1 < this.rows && number[row + 1] === number[row]
      ? `${number[row]}~${row - lowerBound(number, number[row])}`
      : String(number[row]);
  }

  /** The row that has this name. @param {string} name @returns {number} -1: it is not a name */
  rowNamed(name) {
    const parts = /^(\d+)(?:~(\d+))?$/.exec(name);
    if (!parts) return -1;
    const number = Number(parts[1]);
    return parts[2] === undefined
      ? this.rowOfEvent(number)
      : Math.min(this.rows - 1, lowerBound(this.trace.events.number, number) + Number(parts[2]));
  }

  /** The last row that is not later than an instant. @param {number} us @returns {number} */
  rowOfTime(us) {
    return Math.max(0, lowerBound(this.trace.events.t, us + 0.5) - 1);
  }

  /** @param {number} node index + 1, 0 for the machine @returns {string} */
  nodeName(node) {
    return node === 0 ? "the machine" : this.trace.nodes[node - 1].name;
  }

  /** @param {number} node index + 1 @returns {string} */
  shortName(node) {
    return node === 0 ? "machine" : this.trace.nodes[node - 1].short;
  }

  /** The zxid that a row carries, or "". @param {number} row @returns {string} */
  zxidOf(row) {
    return zxid(this.trace.events.epoch[row], this.trace.events.counter[row]);
  }

  /** What a row made true, in words. @param {number} row @returns {string[]} */
  factsAt(row) {
    const { row: rows, text, epoch, counter } = this.trace.facts;
    const out = [];
    for (let i = lowerBound(rows, row); i < rows.length && rows[i] === row; i++) out.push(this.fillIn(text[i], epoch[i], counter[i]));
    return out;
  }

  /** @param {number} text @param {number} epoch @param {number} counter @returns {string} */
  fillIn(text, epoch, counter) {
    return this.trace.strings[text].replaceAll("{z}", () => zxid(epoch, counter) || "0:0");
  }

  /** What happened in a row, without what followed from it. @param {number} row @returns {string} */
  whatAt(row) {
    const { kind, peer, text } = this.trace.events;
    const info = this.trace.kinds[kind[row]];
    const from = info.class === "message" && peer[row] > 0 ? `from ${this.nodeName(peer[row])}: ` : "";
    return [from + info.name, this.zxidOf(row), this.trace.strings[text[row]]].filter(Boolean).join(" ");
  }

  /** One sentence for a row. @param {number} row @returns {string} */
  describe(row) {
    const { node } = this.trace.events;
    const facts = this.factsAt(row);
    return `${this.nodeName(node[row])}: ${this.whatAt(row)}${facts.length ? ". " + facts.join("; ") : ""}`;
  }
}

/** @param {number} epoch @param {number} counter @returns {string} */
function zxid(epoch, counter) {
  return epoch === 0 && counter === 0 ? "" : `${epoch}:${counter}`;
}
