// The tree of histories: each transaction with the history it continues. A server's log is a path from the root; two logs
// conflict after the last transaction they share. Znodes are what the transactions along a path leave behind.

/** @typedef {{znodes: Map<string, number>, sessions: Set<string>}} Image what a history leaves: version by path, open sessions */

/** An image is remembered each so many transactions. */
const IMAGE_EVERY = 1024;

class Lineage {
  /** @param {Txns} txns @param {string[]} strings */
  constructor(txns, strings) {
    this.txns = txns;
    this.strings = strings;
    const count = txns.parent.length + 1;
    this.depth = new Int32Array(count);
    this.parent = new Int32Array(count);
    /** Jump pointers: an ancestor at any depth is found in logarithmic time. */
    this.jump = new Int32Array(count);
    for (let id = 1; id < count; id++) {
      const parent = txns.parent[id - 1],
        far = this.jump[parent];
      this.parent[id] = parent;
      this.depth[id] = this.depth[parent] + 1;
      this.jump[id] = this.depth[parent] - this.depth[far] === this.depth[far] - this.depth[this.jump[far]] ? this.jump[far] : parent;
    }
    /** @type {Map<number, Image>} */
    this.images = new Map([[0, { znodes: new Map(), sessions: new Set() }]]);
    /** @type {Map<number, Image>} */
    this.recent = new Map();
  }

  /** @param {number} id @param {number} depth @returns {number} the part of a history that has this depth */
  ancestor(id, depth) {
    while (this.depth[id] > depth) id = this.depth[this.jump[id]] >= depth ? this.jump[id] : this.parent[id];
    return id;
  }

  /** Whether a history is `base` or continues it. @param {number} id @param {number} base @returns {boolean} */
  extends(id, base) {
    return this.depth[id] >= this.depth[base] && this.ancestor(id, this.depth[base]) === base;
  }

  /** The longest history that two histories share. @param {number} a @param {number} b @returns {number} */
  common(a, b) {
    const depth = Math.min(this.depth[a], this.depth[b]);
    a = this.ancestor(a, depth);
    b = this.ancestor(b, depth);
    while (a !== b) {
      if (this.jump[a] !== this.jump[b]) [a, b] = [this.jump[a], this.jump[b]];
      else [a, b] = [this.parent[a], this.parent[b]];
    }
    return a;
  }

  /** The last `count` transactions of a history, oldest first. @param {number} id @param {number} count @returns {number[]} */
  tail(id, count) {
    const out = [];
    for (; id > 0 && out.length < count; id = this.parent[id]) out.push(id);
    return out.reverse();
  }

  /** @param {number} id @returns {string} */
  zxid(id) {
    return id === 0 ? "nothing" : `${this.txns.epoch[id - 1]}:${this.txns.counter[id - 1]}`;
  }

  /** What a history leaves behind. @param {number} id @returns {Image} */
  image(id) {
    const known = this.recent.get(id) ?? this.images.get(id);
    if (known) return known;
    const path = [];
    let base = id;
    for (; !this.images.has(base) && !this.recent.has(base); base = this.parent[base]) path.push(base);
    const start = /** @type {Image} */ (this.recent.get(base) ?? this.images.get(base));
    const image = { znodes: new Map(start.znodes), sessions: new Set(start.sessions) };
    while (path.length) {
      const next = /** @type {number} */ (path.pop());
      applyChanges(image, this.txns.changes[next - 1], this.strings);
      if (this.depth[next] % IMAGE_EVERY === 0) this.images.set(next, { znodes: new Map(image.znodes), sessions: new Set(image.sessions) });
    }
    if (this.recent.size > 63) this.recent.delete(/** @type {number} */ (this.recent.keys().next().value));
    this.recent.set(id, image);
    return image;
  }
}

/** Does what a transaction does, by the trace's numbering: 0 create, 1 delete, 2 setData, 3 setACL, 4 open and 5 close a session.
 * @param {Image} image @param {[number, number, number][]} changes @param {string[]} strings */
function applyChanges(image, changes, strings) {
  for (const [op, name, version] of changes ?? []) {
    const path = strings[name] ?? "?";
    if (op === 0 || op === 2) image.znodes.set(path, version);
    else if (op === 1) image.znodes.delete(path);
    else if (op === 4) image.sessions.add(path);
    else if (op === 5) image.sessions.delete(path);
  }
}

/** Where two images of znodes differ: what the first has, lacks, or has in another version.
 * @param {Map<string, number>} mine @param {Map<string, number>} theirs @returns {{path: string, mine: number | null, theirs: number | null}[]} */
function znodeDiff(mine, theirs) {
  const out = [];
  for (const [path, version] of mine) {
    const other = theirs.get(path);
    if (other !== version) out.push({ path, mine: version, theirs: other ?? null });
  }
  for (const [path, version] of theirs) if (!mine.has(path)) out.push({ path, mine: null, theirs: version });
  return out;
}
