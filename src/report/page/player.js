// The page's one state and its one way to the screen: an action changes `app`, then `render` draws what is seen.

/**
 * @typedef {{
 *   report: Json, model: Model | null, model2: Model | null, view: string, firstView: string, row: number, violation: number,
 *   axis: Axis, firstAxis: Axis, axisNote: string, axisDecided: boolean, parts: Part[], story: boolean, span: number, filter: Filter, cone: boolean, node: number, op: number,
 *   historyRange: [number, number], historyRow: number, playing: number, trail: number[], search: Search, lesson: Lesson | null, term: string, message: string,
 *   table: EventTable | null, scene: Scene | null
 * }} App
 */

/** @type {App} */
const app = {
  report: {},
  model: null,
  model2: null,
  view: "player",
  firstView: "player",
  row: 0,
  violation: 0,
  axis: "time",
  firstAxis: "time",
  axisNote: "",
  axisDecided: false,
  parts: [],
  story: false,
  span: 0,
  filter: { routine: false, clients: true },
  cone: false,
  node: -1,
  op: -1,
  historyRange: [0, 0],
  historyRow: -1,
  playing: 0,
  trail: [],
  search: { query: "", hits: new Int32Array(0), place: 0 },
  lesson: null,
  term: "",
  message: "",
  table: null,
  scene: null,
};

/** How many rows fit side by side without crowding. @returns {number} */
function budget() {
  return Math.max(14, Math.floor((byId("diagram").clientWidth - GUTTER) / 13));
}

/** @returns {Shown} */
function shownNow() {
  return /** @type {Model} */ (app.model).shown(app.filter);
}

/** The rows of the sentences of the violation that is chosen. @returns {number[]} */
function storyRows() {
  if (!app.model) return [];
  const known = app.model.violationAt(app.violation)?.story,
    facts = sentencesOf(app.report, app.violation);
  if (known && known.length === facts.length) return known;
  return facts.map((fact) => /** @type {Model} */ (app.model).rowOfEvent(fact.event));
}

/** The row of the violation that is chosen, or -1. @returns {number} */
function violationRow() {
  const violation = app.report.violations?.[app.violation];
  return violation && app.model ? (app.model.violationAt(app.violation)?.row ?? app.model.rowOfEvent(violation.event)) : -1;
}

/** Whom the violation is about: the server or client that its last sentence names first, else the node of its event. @returns {number} a node, or -1 */
function violationSubject() {
  const row = violationRow(),
    model = app.model,
    facts = sentencesOf(app.report, app.violation);
  if (row < 0 || !model) return -1;
  const text = facts[facts.length - 1]?.text ?? "";
  const named = model.trace.nodes
    .map((node, i) => ({ i, at: placeOfName(text, node.name) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  return named.length ? named[0].i : model.trace.events.node[row] - 1;
}

/** Where a text has a name that no digit continues, -1 if nowhere. @param {string} text @param {string} name @returns {number} */
function placeOfName(text, name) {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) if (!/\d/.test(text[at + name.length] ?? "")) return at;
  return -1;
}

/** Goes to a row. @param {number} row @param {"push" | "replace"} how */
function seek(row, how) {
  if (!app.model) return;
  app.row = Math.max(0, Math.min(row, lastAllowed(app)));
  render();
  writeAddress(how);
}

/** Goes to a row that is not the next one: the browser's back button returns. @param {number} row */
function jump(row) {
  seek(row, "push");
}

/** @param {number} by */
function step(by) {
  const { rows } = shownNow();
  const place = lowerBound(rows, app.row);
  const next = rows[place] === app.row || by < 0 ? place + by : place;
  if (next >= 0 && next < rows.length) seek(rows[next], "replace");
  else stopPlaying();
}

/** To the next row, forwards or backwards, that satisfies a test. @param {number} by @param {(row: number) => boolean} test */
function stepWhere(by, test) {
  const { rows } = shownNow();
  for (
    let place = lowerBound(rows, app.row) + (by > 0 && rows[lowerBound(rows, app.row)] !== app.row ? 0 : by);
    place >= 0 && place < rows.length;
    place += by
  ) {
    if (test(rows[place])) return seek(rows[place], "replace");
  }
}

/** @param {number} by */
function stepAtNode(by) {
  const { node } = /** @type {Model} */ (app.model).trace.events;
  const wanted = app.node >= 0 ? app.node + 1 : node[app.row];
  stepWhere(by, (row) => node[row] === wanted);
}

/** @param {number} by */
function stepAtZxid(by) {
  const { epoch, counter } = /** @type {Model} */ (app.model).trace.events;
  const e = epoch[app.row],
    c = counter[app.row];
  if (e || c) stepWhere(by, (row) => epoch[row] === e && counter[row] === c);
}

/** @param {number} index */
function chooseViolation(index) {
  const all = app.report.violations ?? [];
  if (index < 0 || index >= all.length || isVeiled(app)) return;
  app.violation = index;
  if (!app.model) return render();
  showStory();
}

/** @param {number} by */
function nextViolation(by) {
  const all = app.report.violations ?? [];
  if (all.length === 0 || isVeiled(app)) return;
  const atIt = app.row === violationRow();
  chooseViolation(atIt ? (app.violation + by + all.length) % all.length : app.violation);
}

function nextFault() {
  const rows = /** @type {Model} */ (app.model).trace.faults
    .flatMap((fault) => (fault.end >= 0 ? [fault.row, fault.end] : [fault.row]))
    .sort((a, b) => a - b);
  const next = rows.find((row) => row > app.row) ?? rows[0];
  if (next !== undefined) jump(next);
}

function nextReason() {
  if (isVeiled(app)) return;
  const rows = [...new Set(storyRows())].sort((a, b) => a - b);
  const next = rows.find((row) => row > app.row) ?? rows[0];
  if (next !== undefined) jump(next);
}

/** To what caused this event: the sending of its message, else what its node did before. */
function walkBack() {
  const model = /** @type {Model} */ (app.model);
  const cause = model.trace.events.cause[app.row],
    before = /** @type {Int32Array} */ (model.previous)[app.row];
  const next = cause >= 0 ? cause : before;
  if (next < 0) return;
  app.trail.push(app.row);
  jump(next);
}

function walkForward() {
  const row = app.trail.pop();
  if (row !== undefined) jump(row);
}

/** Shows the story of the violation: windows around each of its sentences, the cursor at the violation. */
function showStory() {
  if (!app.model) return;
  app.story = true;
  app.parts = [];
  seek(violationRow() >= 0 ? violationRow() : app.row, "push");
}

/** @param {number} factor of the events in view, Infinity for all of them */
function zoom(factor) {
  if (app.view === "history") return moveHistory(0, factor);
  const { rows } = shownNow();
  app.story = false;
  const seen = app.parts.reduce((sum, part) => sum + part.to - part.from, 0) || budget();
  app.span = factor === Infinity ? rows.length : Math.max(8, Math.min(rows.length, Math.round(seen * factor)));
  app.parts = [windowAround(rows, app.row, app.span)];
  render();
}

/** @param {number} share of the window */
function pan(share) {
  const { rows } = shownNow();
  const part = app.parts[0] ?? windowAround(rows, app.row, app.span);
  const width = app.story ? Math.min(rows.length, app.span || budget()) : part.to - part.from;
  const from = Math.max(0, Math.min(rows.length - width, part.from + Math.round(share * width)));
  app.story = false;
  app.parts = [clampPart(rows, from, from + width)];
  drawDiagram(false);
}

/** @param {Int32Array} rows @param {number} row @param {number} count @returns {Part} */
function windowAround(rows, row, count) {
  const place = Math.min(lowerBound(rows, row), rows.length - 1);
  const from = Math.max(
    0,
    Math.min(place - Math.floor(count * (isVeiled(app) ? 0.84 : 0.66)), isVeiled(app) ? place : rows.length - count),
  );
  return clampPart(rows, from, from + count);
}

/** Decides what the diagram shows: the story as long as the cursor is in it, else a window that holds the cursor. */
function updateParts() {
  const { rows } = shownNow();
  const place = Math.min(lowerBound(rows, app.row), rows.length - 1);
  const inside = app.parts.some((part) => place >= part.from && place < part.to);
  if (app.story && app.parts.length === 0) return openStory(rows);
  if (app.parts.length && inside) return;
  app.story = false;
  if (app.span === 0) app.span = Math.min(rows.length, budget());
  app.parts = [windowAround(rows, app.row, app.span)];
  if (!app.axisDecided && app.axisNote !== "chosen") decideAxis(rows, []);
}

/** Chooses the axis once: time, unless too much of what is in view would coincide. @param {Int32Array} rows @param {number[]} story */
function decideAxis(rows, story) {
  app.axisDecided = true;
  const frame = layOut(/** @type {Model} */ (app.model), rows, app.parts, "time", GUTTER, byId("diagram").clientWidth - 8);
  const crowded = isCrowded(frame, story);
  app.axis = crowded ? "rank" : "time";
  app.axisNote = crowded ? "evenly spaced, because these events nearly coincide in time" : "";
}

/** @param {Int32Array} rows */
function openStory(rows) {
  const story = storyRows().filter((row) => row >= 0);
  app.parts = storyParts(rows, story.length ? [...story, app.row] : [app.row], budget());
  if (app.axisNote !== "chosen") decideAxis(rows, story);
}

/** @param {Axis} axis */
function chooseAxis(axis) {
  app.axis = axis;
  app.axisNote = "chosen";
  render();
  writeAddress("replace");
}

function nextAxis() {
  chooseAxis(app.axis === "time" ? "rank" : app.axis === "rank" ? "causal" : "time");
}

/** @param {"cone"} name */
function toggle(name) {
  app[name] = !app[name];
  render();
}

/** @param {"routine" | "clients"} name */
function toggleFilter(name) {
  const wasStory = app.story;
  app.filter = { ...app.filter, [name]: !app.filter[name] };
  app.parts = [];
  app.story = wasStory;
  if (!shownNow().rows.includes(app.row)) app.row = shownNow().rows[Math.max(0, lowerBound(shownNow().rows, app.row) - 1)];
  render();
}

/** @param {number} index among the servers */
function chooseServer(index) {
  const servers = /** @type {Model} */ (app.model).trace.nodes.map((_, i) => i).filter((i) => app.model?.trace.nodes[i].kind === "server");
  if (index < servers.length) chooseNode(servers[index]);
}

/** @param {number} node */
function chooseNode(node) {
  app.node = app.node === node ? -1 : node;
  render();
  writeAddress("replace");
}

/** @param {number} op */
function chooseOperation(op) {
  app.op = app.op === op ? -1 : op;
  render();
  writeAddress("replace");
}

/** @param {number | null} by share of the span, null = to the cursor @param {number} factor of the span, Infinity for all of it */
function moveHistory(by, factor) {
  const model = /** @type {Model} */ (app.model),
    [from, to] = app.historyRange,
    middle = (from + to) / 2;
  const [low, high] = busyTime(model),
    width = Math.max(100, Math.min((to - from) * factor, (high - low) * 1.06));
  if (by === null) app.historyRange = rangeAround(model, model.trace.events.t[app.row], width);
  else app.historyRange = [middle - width / 2 + by * width, middle + width / 2 + by * width];
  if (factor === Infinity) app.historyRange = [low - width * 0.03, high + width * 0.03];
  render();
}

function togglePlay() {
  if (app.playing) return stopPlaying();
  const speed = Number(/** @type {HTMLSelectElement} */ (byId("speed")).value) || 4;
  app.playing = window.setInterval(() => {
    const before = app.row;
    step(1);
    if (app.row === before) stopPlaying();
  }, 1000 / speed);
  render();
}

function stopPlaying() {
  if (!app.playing) return;
  clearInterval(app.playing);
  app.playing = 0;
  render();
}

/** @param {string} view */
function showView(view) {
  if (isVeiled(app) && view !== "player" && view !== "glossary") return;
  app.view = view;
  render();
  writeAddress("push");
  window.scrollTo(0, 0);
}

/** @param {string} name */
function showTerm(name) {
  app.term = name;
  showView("glossary");
  document.getElementById(`term-${name.replace(" ", "-")}`)?.scrollIntoView({ block: "center" });
}

function focusSearch() {
  showView("player");
  /** @type {HTMLInputElement} */ (byId("search")).select();
}
