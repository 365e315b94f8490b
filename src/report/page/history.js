// The clients' history: each operation as a bar in virtual time, one lane for each client, under the player's cursor. A click
// says where the operation was linearised, or why it cannot be placed.

const OUTCOMES = ["open at the end", "ok", "failed", "unknown", "never sent"];
const OUTCOME_INKS = ["look", "good", "follow", "look", "quiet"];
/** So many operations fill the first view. */
const BARS = 70;

/** @typedef {{op: number, x0: number, x1: number, y: number}} Bar */
/** @typedef {{bars: Bar[], marks: Mark[], height: number}} HistoryScene */

/** Whether an operation takes a place of its own in the order of writes: a write does, also one that is refused.
 * @param {Model} model @param {number} op @returns {boolean} */
function isWrite(model, op) {
  return /^(create|delete|set|multi|reconfig|open|close|add|remove)/i.test(model.trace.strings[model.trace.operations.request[op]]);
}

/** @param {Model} model @param {number} op @returns {[number, number]} when it began and ended, in virtual time */
function opTimes(model, op) {
  const { t } = model.trace.events,
    { invoked, returned } = model.trace.operations;
  return [t[invoked[op]], returned[op] >= 0 ? t[returned[op]] : t[model.rows - 1]];
}

/** The time in which clients had anything to do. @param {Model} model @returns {[number, number]} */
function busyTime(model) {
  let low = Infinity,
    high = 0;
  for (let op = 0; op < model.trace.operations.node.length; op++) {
    const [start, end] = opTimes(model, op);
    low = Math.min(low, start);
    if (model.trace.operations.returned[op] >= 0) high = Math.max(high, end);
    high = Math.max(high, start);
  }
  return [low, Math.max(high, low + 1000)];
}

/** The span of time in which the first view shows about BARS operations. @param {Model} model @returns {number} */
function firstSpan(model) {
  const [low, high] = busyTime(model),
    count = model.trace.operations.node.length;
  return Math.max(1000, count <= BARS ? (high - low) * 1.06 : ((high - low) * BARS) / count);
}

/** @param {Model} model @param {number} from @param {number} to @param {boolean} veil @param {number} row @returns {number[]} the operations in a span of time */
function opsBetween(model, from, to, veil, row) {
  const { invoked } = model.trace.operations;
  const out = [];
  for (let op = 0; op < invoked.length; op++) {
    if (veil && invoked[op] > row) continue;
    const [start, end] = opTimes(model, op);
    if (start <= to && end >= from) out.push(op);
  }
  return out;
}

/** @param {App} app @param {number} width @returns {HistoryScene} */
function historyScene(app, width) {
  const model = /** @type {Model} */ (app.model),
    { t } = model.trace.events;
  const [from, to] = app.historyRange;
  const x = (/** @type {number} */ us) => GUTTER + ((us - from) / (to - from)) * (width - GUTTER - 10);
  const busy = new Set(model.trace.operations.node);
  const clients = model.lanes.filter((node) => busy.has(node)).sort((a, b) => a - b);
  const ops = opsBetween(model, from, to, false, 0);
  /** @type {Mark[]} */
  const marks = [];
  /** @type {Bar[]} */
  const bars = [];
  let y = 42;
  const lanesTop = y;
  for (const client of clients)
    y =
      clientLane(
        app,
        model,
        client,
        ops.filter((op) => model.trace.operations.node[op] === client),
        x,
        width,
        y,
        marks,
        bars,
      ) + 10;
  const ground = historyGround(model, from, to, x, lanesTop, y, width);
  const cursor = x(t[app.row]);
  const over = /** @type {Mark[]} */ (
    cursor >= GUTTER && cursor <= width ? [{ k: "line", x1: cursor, x2: cursor, y1: 18, y2: y, ink: "fg", width: 1.5, dash: [3, 3] }] : []
  );
  return { bars, marks: [...ground, ...marks, ...over], height: y + 26 };
}

/** @param {Model} model @param {number} from @param {number} to @param {(us: number) => number} x @param {number} top @param {number} bottom @param {number} width @returns {Mark[]} */
function historyGround(model, from, to, x, top, bottom, width) {
  const { t } = model.trace.events;
  /** @type {Mark[]} */
  const marks = [];
  let level = 0;
  for (const fault of model.trace.faults) {
    const a = t[fault.row],
      b = fault.end < 0 ? t[model.rows - 1] : t[fault.end];
    if (b < from || a > to) continue;
    const x0 = Math.max(GUTTER, x(a)),
      x1 = Math.min(width - 8, x(b));
    marks.push({ k: "rect", x: x0, y: top - 8, w: Math.max(3, x1 - x0), h: bottom - top + 8, fill: "band", hatch: hatchOf(fault.kind) });
    const text = clip(fault.text || fault.id, (width - GUTTER) / 7),
      late = x0 + textWidth(text) + 10 > width;
    marks.push({ k: "text", x: late ? width - 8 : x0 + 3, y: 12 + 14 * (level++ % 2), text, ink: "fault", anchor: late ? "end" : "start" });
  }
  const step = niceStep(to - from, Math.max(1, Math.floor((width - GUTTER) / 110)));
  for (let us = Math.ceil(from / step) * step; us <= to; us += step) {
    marks.push({ k: "line", x1: x(us), x2: x(us), y1: top - 8, y2: bottom, ink: "grid" });
    marks.push({ k: "text", x: x(us), y: bottom + 18, text: instant(us, step), ink: "mut", anchor: "middle" });
  }
  return marks;
}

/** One client's bars, stacked where it had several operations open. @returns {number} the y after it
 * @param {App} app @param {Model} model @param {number} client @param {number[]} ops @param {(us: number) => number} x @param {number} width @param {number} top @param {Mark[]} marks @param {Bar[]} bars */
function clientLane(app, model, client, ops, x, width, top, marks, bars) {
  const { outcome, order } = model.trace.operations,
    { t } = model.trace.events;
  /** @type {number[]} */
  const ends = [];
  for (const op of ops) {
    const [start, end] = opTimes(model, op);
    const x0 = Math.max(GUTTER - 4, x(start)),
      x1 = Math.min(width - 6, Math.max(x(end), x0 + 3));
    let level = ends.findIndex((busy) => busy <= x(start) + 0.5);
    if (level < 0) level = Math.min(ends.length, 7);
    ends[level] = x1;
    const y = top + level * 20;
    bars.push({ op, x0, x1, y });
    const open = outcome[op] === 0 || outcome[op] === 3 || outcome[op] === 4;
    marks.push({
      k: "rect",
      x: x0,
      y,
      w: x1 - x0,
      h: 15,
      fill: open ? "card" : OUTCOME_INKS[outcome[op]] + "-soft",
      ink: OUTCOME_INKS[outcome[op]] === "quiet" ? "mut" : OUTCOME_INKS[outcome[op]],
      width: app.op === op ? 3 : 1.2,
      hatch: open ? "slash" : undefined,
      round: 3,
    });
    const placed = order[op] >= 0 && isWrite(model, op);
    if (placed && t[order[op]] > end)
      marks.push({ k: "line", x1, x2: x(t[order[op]]), y1: y + 7.5, y2: y + 7.5, ink: "look", width: 1.2, dash: [3, 3] });
    if (placed) marks.push({ k: "circle", x: x(t[order[op]]), y: y + 7.5, r: 3, fill: "fg" });
    const request = model.trace.strings[model.trace.operations.request[op]];
    if (x1 - x0 > 50) marks.push({ k: "text", x: x0 + 4, y: y + 12, text: clip(request, (x1 - x0 - 8) / 6.6), ink: "fg" });
  }
  marks.push({ k: "text", x: 8, y: top + 12, text: model.trace.nodes[client].name, ink: "fg", bold: true });
  return top + Math.max(1, ends.length) * 20;
}

/** @param {HTMLElement} host @param {App} app */
function renderHistory(host, app) {
  const model = app.model;
  if (!model) return fill(host, missingTrace(app));
  if (model.trace.operations.node.length === 0) return fill(host, h("p", null, "No client sent anything in this run."));
  if (!host.querySelector(".history-frame")) buildHistory(host);
  followCursor(app, model);
  const plot = /** @type {HTMLElement} */ (host.querySelector(".history-plot"));
  const scene = historyScene(app, Math.max(300, plot.clientWidth));
  paint(
    plot,
    { marks: scene.marks, frame: /** @type {any} */ (null), lanes: new Map(), bottom: 0, top: 0, left: 0, dense: false },
    plot.clientWidth,
    scene.height,
    "operations of the clients in virtual time",
  );
  /** @type {any} */ (plot).bars = scene.bars;
  fill(
    /** @type {HTMLElement} */ (host.querySelector(".history-why")),
    app.op >= 0
      ? operationWords(app, model, app.op)
      : h(
          "p",
          { class: "mut" },
          "Choose an operation, in the picture or in the list: it says where the operation was linearised, or why it cannot be.",
        ),
  );
  fill(/** @type {HTMLElement} */ (host.querySelector(".history-list")), operationList(app, model, scene.bars));
}

/** @param {HTMLElement} host */
function buildHistory(host) {
  const plot = h("div", {
    class: "history-plot",
    click: (/** @type {MouseEvent} */ event) => {
      const box = plot.getBoundingClientRect(),
        x = event.clientX - box.left,
        y = event.clientY - box.top;
      const bar = /** @type {Bar[]} */ (/** @type {any} */ (plot).bars ?? []).find(
        (bar) => x >= bar.x0 - 2 && x <= bar.x1 + 2 && y >= bar.y && y <= bar.y + 17,
      );
      if (bar) chooseOperation(bar.op);
    },
  });
  const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ act) =>
    h("button", { "aria-label": label, title: label, click: act }, text);
  const legend = h(
    "p",
    { class: "legend" },
    [1, 2, 3, 4].map((i) => [
      h("span", { class: "swatch", style: `border-color:var(--${OUTCOME_INKS[i] === "quiet" ? "mut" : OUTCOME_INKS[i]})` }),
      ` ${OUTCOMES[i]}  `,
    ]),
    "● where the write took its place in the order",
  );
  fill(
    host,
    h(
      "div",
      { class: "history-frame" },
      h(
        "div",
        { class: "bar" },
        h("h2", null, "Client history"),
        h("span", { class: "grow" }),
        button("◀", "earlier", () => moveHistory(-0.5, 1)),
        button("▶", "later", () => moveHistory(0.5, 1)),
        button("+", "closer", () => moveHistory(0, 0.5)),
        button("−", "farther", () => moveHistory(0, 2)),
        button("at the cursor", "at the cursor", () => moveHistory(null, 1)),
      ),
      plot,
      legend,
      h("div", { class: "history-why", "aria-live": "polite" }),
      h("div", { class: "history-list" }),
    ),
  );
}

/** Keeps the span of time in view around the cursor. @param {App} app @param {Model} model */
function followCursor(app, model) {
  const now = model.trace.events.t[app.row];
  if (app.historyRange[1] <= app.historyRange[0]) {
    app.historyRange = rangeAround(model, now, firstSpan(model));
    app.historyRow = app.row;
  }
  if (app.historyRow === app.row) return;
  app.historyRow = app.row;
  const width = app.historyRange[1] - app.historyRange[0];
  if (now < app.historyRange[0] || now > app.historyRange[1]) app.historyRange = rangeAround(model, now, width);
}

/** A span of time that holds an instant and does not leave the run. @param {Model} model @param {number} now @param {number} width @returns {[number, number]} */
function rangeAround(model, now, width) {
  const [first, last] = busyTime(model),
    margin = width * 0.03;
  const low = Math.min(first, now) - margin,
    high = Math.max(last, now) + margin;
  if (width >= high - low) return [low, high];
  const from = Math.max(low, Math.min(now - width * 0.7, high - width));
  return [from, from + width];
}

/** @param {App} app @param {Model} model @param {number} op @returns {HTMLElement} */
function operationWords(app, model, op) {
  const ops = model.trace.operations,
    { number } = model.trace.events;
  const [start, end] = opTimes(model, op);
  const link = (/** @type {number} */ row) =>
    h("a", { href: `#e=${number[row]}`, "data-row": row, click: jumpTo(row) }, "e" + grouped(number[row]));
  const mine =
    app.report.violations
      ?.map((/** @type {Json} */ v, /** @type {number} */ i) => ({ v, i }))
      .filter((/** @type {{v: Json}} */ { v }) => mentions(model, v, op)) ?? [];
  return h(
    "section",
    { class: `operation${mine.length ? " bad" : ""}` },
    h("h3", null, `${model.trace.nodes[ops.node[op]].name}: ${model.trace.strings[ops.request[op]]}`),
    h(
      "p",
      null,
      `${OUTCOMES[ops.outcome[op]]}${ops.answer[op] ? ": " + model.trace.strings[ops.answer[op]] : ""}. Invoked `,
      link(ops.invoked[op]),
      ` at ${instant(start, 10)}`,
      ops.returned[op] >= 0 ? [", returned ", link(ops.returned[op]), ` after ${span(end - start)}`] : ", never returned",
      ".",
    ),
    h("p", null, ...placeWords(model, op, link)),
    mine.map((/** @type {{v: Json, i: number}} */ { v, i }) =>
      h(
        "p",
        { class: "contradiction" },
        "✗ It cannot be placed as ",
        h("b", null, v.property),
        " wants: ",
        v.story?.[v.story.length - 1]?.text ?? v.statement,
        " ",
        h(
          "button",
          {
            class: "small",
            click: () => {
              chooseViolation(i);
              showView("player");
            },
          },
          "open this violation",
        ),
      ),
    ),
    h(
      "p",
      null,
      h(
        "button",
        {
          class: "small",
          click: () => {
            showView("player");
            jump(ops.returned[op] >= 0 ? ops.returned[op] : ops.invoked[op]);
          },
        },
        "show in the diagram",
      ),
    ),
  );
}

/** Whether a violation speaks of an operation. @param {Model} model @param {Json} violation @param {number} op @returns {boolean} */
function mentions(model, violation, op) {
  const { returned, node } = model.trace.operations,
    { number } = model.trace.events;
  if (returned[op] < 0) return false;
  const name = model.trace.nodes[node[op]].name;
  return (violation.story ?? []).some(
    (/** @type {Json} */ fact) => fact.event === number[returned[op]] && fact.text.startsWith(name + "'s op"),
  );
}

/** Where an operation has its place in the order of all operations. @param {Model} model @param {number} op @param {(row: number) => HTMLElement} link @returns {Child[]} */
function placeWords(model, op, link) {
  const ops = model.trace.operations,
    { t } = model.trace.events;
  const id = zxid(ops.epoch[op], ops.counter[op]);
  const order = ops.order[op];
  if (order < 0 || !isWrite(model, op)) {
    if (ops.outcome[op] === 4) return ["It never left the client, so it has no place."];
    if (ops.outcome[op] === 3 || ops.outcome[op] === 0)
      return ["The client was not told what became of it, and no commit of it is in this run: it may still have no place at all."];
    return id
      ? [
          "It was answered as of ",
          h("b", null, id),
          order >= 0 ? [" (committed at ", link(order), ")"] : null,
          ": its place is after that transaction and before the next one that this server applied.",
          staleWords(model, op),
        ]
      : ["It changed nothing and carries no zxid: it fits at any instant between its two ends."];
  }
  const [start, end] = opTimes(model, op);
  const out = [
    "It was linearised as ",
    h("b", null, id || "a transaction"),
    " when that was committed, ",
    link(order),
    ` at ${instant(t[order], 10)}`,
  ];
  const inside = t[order] >= start && t[order] <= end;
  return [
    ...out,
    inside
      ? `, ${span(t[order] - start)} after it was invoked and ${span(end - t[order])} before it returned.`
      : ": that is not between its two ends, so no order that respects real time can hold it there.",
    ops.outcome[op] === 3 ? " The client does not know this." : "",
    ...neighbours(model, op, link),
  ];
}

/** @param {Model} model @param {number} op @returns {string} */
function staleWords(model, op) {
  const { invoked, epoch, counter } = model.trace.operations,
    lineage = model.lineage;
  const agreed = model.agreedAt(invoked[op]);
  let behind = 0;
  for (let id = agreed; id > 0 && behind < 10000; id = lineage.parent[id], behind++) {
    const [e, c] = [lineage.txns.epoch[id - 1], lineage.txns.counter[id - 1]];
    if (e < epoch[op] || (e === epoch[op] && c <= counter[op])) break;
  }
  return behind
    ? ` ${plural(behind, "transaction")} had been committed before it was invoked and ${behind === 1 ? "is" : "are"} not in it. A read may be that old: a server answers from its own copy.`
    : " Nothing that was committed before it was invoked is missing from it.";
}

/** The writes just before and after in the order. @param {Model} model @param {number} op @param {(row: number) => HTMLElement} link @returns {Child[]} */
function neighbours(model, op, link) {
  const ops = model.trace.operations;
  let before = -1,
    after = -1;
  for (let other = 0; other < ops.order.length; other++) {
    if (other === op || ops.order[other] < 0 || !isWrite(model, other)) continue;
    if (ops.order[other] <= ops.order[op] && (before < 0 || ops.order[other] > ops.order[before])) before = other;
    if (ops.order[other] > ops.order[op] && (after < 0 || ops.order[other] < ops.order[after])) after = other;
  }
  const name = (/** @type {number} */ other) => [
    `${model.trace.nodes[ops.node[other]].short} ${clip(model.trace.strings[ops.request[other]], 40)} (`,
    link(ops.order[other]),
    ")",
  ];
  return [
    before >= 0 ? [" Before it in the order: ", ...name(before)] : [],
    after >= 0 ? ["; after it: ", ...name(after)] : [],
    ".",
  ].flat();
}

/** @param {App} app @param {Model} model @param {Bar[]} bars @returns {HTMLElement} */
function operationList(app, model, bars) {
  const ops = model.trace.operations;
  const shown = bars.slice(0, 200);
  const rows = shown.map(({ op }) => {
    const [start, end] = opTimes(model, op);
    return [
      h(
        "button",
        { class: "plain", "aria-pressed": app.op === op ? "true" : "false", click: () => chooseOperation(op) },
        clip(model.trace.strings[ops.request[op]], 60),
      ),
      model.trace.nodes[ops.node[op]].short,
      OUTCOMES[ops.outcome[op]],
      instant(start, 100),
      ops.returned[op] >= 0 ? span(end - start) : "",
      zxid(ops.epoch[op], ops.counter[op]),
    ];
  });
  return grid(
    `${plural(bars.length, "operation")} in view of ${grouped(ops.node.length)}${bars.length > shown.length ? `, the first ${shown.length} listed` : ""}`,
    ["request", "client", "outcome", "invoked", "took", "zxid"],
    rows,
  );
}
