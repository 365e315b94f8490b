// Finds events by word, zxid (1:568), event number (e264 or #264) or node, and steps through what it found.

/** @typedef {{query: string, hits: Int32Array, place: number}} Search */

/** The rows that a query names, in order. @param {Model} model @param {string} query @param {number} last rows after this one are not searched @returns {Int32Array} */
function findRows(model, query, last) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return new Int32Array(0);
  const byNumber = /^[e#](\d+)$/.exec(wanted);
  if (byNumber) return Int32Array.of(Math.min(last, model.rowOfEvent(Number(byNumber[1]))));
  const byZxid = /^(\d+):(\d+)$/.exec(wanted);
  const { events, facts, lost } = model.trace;
  if (byZxid) return rowsWithZxid(model, Number(byZxid[1]), Number(byZxid[2]), last);
  const texts = flags(model.trace.strings, wanted),
    kinds = flags(
      model.trace.kinds.map((kind) => kind.name),
      wanted,
    );
  const nodes = flags(["the machine", ...model.trace.nodes.map((node) => `${node.name} ${node.short}`)], wanted);
  const marked = new Set();
  for (let i = 0; i < facts.row.length; i++) if (texts[facts.text[i]]) marked.add(facts.row[i]);
  for (let i = 0; i < lost.row.length; i++) if (texts[lost.text[i]] || kinds[lost.kind[i]]) marked.add(lost.row[i]);
  const out = [];
  for (let row = 0; row <= last; row++)
    if (texts[events.text[row]] || kinds[events.kind[row]] || nodes[events.node[row]] || marked.has(row)) out.push(row);
  return Int32Array.from(out);
}

/** @param {Model} model @param {number} epoch @param {number} counter @param {number} last @returns {Int32Array} */
function rowsWithZxid(model, epoch, counter, last) {
  const { events, facts } = model.trace;
  const marked = new Set();
  for (let i = 0; i < facts.row.length; i++) if (facts.epoch[i] === epoch && facts.counter[i] === counter) marked.add(facts.row[i]);
  const out = [];
  for (let row = 0; row <= last; row++)
    if ((events.epoch[row] === epoch && events.counter[row] === counter) || marked.has(row)) out.push(row);
  return Int32Array.from(out);
}

/** @param {string[]} texts @param {string} wanted @returns {Uint8Array} 1 for each text that holds what is wanted */
function flags(texts, wanted) {
  return Uint8Array.from(texts, (text) => (text.toLowerCase().includes(wanted) ? 1 : 0));
}

/** Starts a search and goes to the first hit at or after the cursor. @param {string} query */
function startSearch(query) {
  if (!app.model) return;
  const hits = findRows(app.model, query, lastAllowed(app));
  app.search = { query, hits, place: Math.max(0, Math.min(hits.length - 1, lowerBound(hits, app.row))) };
  if (hits.length) jump(hits[app.search.place]);
  else render();
}

/** Goes to another hit. @param {number} by */
function nextHit(by) {
  const { hits, place } = app.search;
  if (hits.length === 0) return;
  app.search.place = (place + by + hits.length) % hits.length;
  jump(hits[app.search.place]);
}

/** @returns {string} */
function searchWords() {
  const { query, hits, place } = app.search;
  if (!query) return "";
  return hits.length ? `${grouped(place + 1)} of ${grouped(hits.length)}` : "nothing found";
}
