// What lies on the ground of the diagram: messages with their letters, losses, what servers wrote and applied, the numbers of
// the story, the ring at the violation, the cursor.

/** How faint the future is, and what is outside the causal past. */
const FUTURE = 0.38,
  OUTSIDE = 0.13;

/** @param {Model} model @param {Look} look @param {Scene} scene */
function drawEvents(model, look, scene) {
  if (scene.dense) return drawDensity(model, look, scene);
  const past = look.cone ? model.pastOf(look.row, scene.frame.segments[0].first) : null;
  const { node } = model.trace.events;
  const late = lateBound(model);
  /** @param {number} row @returns {number} */
  const alphaOf = (row) => {
    if (past && row > past[node[row]]) return OUTSIDE;
    return row > look.row ? FUTURE : 1;
  };
  const detailed = scene.frame.count <= 420;
  /** @type {Set<string>} */
  const taken = new Set();
  for (const segment of scene.frame.segments) {
    for (let i = segment.from; i < segment.to; i++) drawRow(model, look, scene, scene.frame.rows[i], alphaOf, late, detailed, taken);
    drawLost(model, look, scene, segment, alphaOf);
    if (detailed) drawWrites(model, look, scene, segment, alphaOf);
  }
}

/** @param {Model} model @param {Look} look @param {Scene} scene @param {number} row @param {(row: number) => number} alphaOf @param {number} late @param {boolean} detailed
 *  @param {Set<string>} taken the messages that were drawn */
function drawRow(model, look, scene, row, alphaOf, late, detailed, taken) {
  const { node, peer, kind, cause, t } = model.trace.events;
  const info = model.trace.kinds[kind[row]];
  const y2 = scene.lanes.get(node[row] - 1);
  if (info.class === "message" && peer[row] > 0 && y2 !== undefined) {
    const y1 = scene.lanes.get(peer[row] - 1);
    if (y1 === undefined || peer[row] === node[row]) return dot(scene, xOf(scene.frame, row), y2, alphaOf(row));
    if (look.veil && row > look.row && (cause[row] < 0 || cause[row] > look.row)) return;
    const x2 = xOf(scene.frame, row);
    const x1 = cause[row] >= 0 ? xOf(scene.frame, cause[row]) : x2 - 14;
    if (detailed) drawTwice(model, scene, row, { x1, y1, x2, y2 }, inkOf(info), alphaOf(row), taken);
    const isLate = cause[row] >= 0 && t[row] - t[cause[row]] > late;
    drawMessage(scene, look, { row, x1, y1, x2, y2 }, info, isLate ? "late" : inkOf(info), alphaOf(row), detailed);
  } else if (y2 !== undefined && !(look.veil && row > look.row)) drawLocal(scene, info, xOf(scene.frame, row), y2, alphaOf(row), detailed);
}

/** A message that came a second time has a second line beside it. @param {Model} model @param {Scene} scene @param {number} row
 *  @param {{x1: number, y1: number, x2: number, y2: number}} line @param {string} ink @param {number} alpha @param {Set<string>} taken */
function drawTwice(model, scene, row, line, ink, alpha, taken) {
  const { cause, kind, node, epoch, counter, text } = model.trace.events;
  if (cause[row] < 0) return;
  const key = [cause[row], kind[row], node[row], epoch[row], counter[row], text[row]].join(" ");
  if (taken.has(key)) scene.marks.push({ k: "line", x1: line.x1 + 4, y1: line.y1, x2: line.x2 + 4, y2: line.y2, ink, width: 1.4, alpha });
  taken.add(key);
}

/** @param {Kind} info @returns {string} */
function inkOf(info) {
  return info.link === "client" ? "client" : info.link === "vote" || info.link === "election" ? "vote" : "msg";
}

/** @param {Scene} scene @param {Look} look @param {{row: number, x1: number, y1: number, x2: number, y2: number}} line @param {Kind} info
 *  @param {string} ink @param {number} alpha @param {boolean} detailed */
function drawMessage(scene, look, line, info, ink, alpha, detailed) {
  const hot = line.row === look.row;
  let { x2, y2 } = line;
  if (look.veil && line.row > look.row) {
    const now = xOf(scene.frame, look.row);
    const part = x2 > line.x1 ? Math.max(0, Math.min(1, (now - line.x1) / (x2 - line.x1))) : 1;
    x2 = line.x1 + (x2 - line.x1) * part;
    y2 = line.y1 + (y2 - line.y1) * part;
  }
  scene.marks.push({
    k: detailed ? "arrow" : "line",
    x1: line.x1,
    y1: line.y1,
    x2,
    y2,
    ink,
    width: hot ? 3.4 : detailed ? 1.4 : 1,
    alpha: hot ? 1 : alpha,
  });
  if (!detailed || scene.frame.count > 160 || hot || !info.letter) return;
  scene.marks.push({
    k: "text",
    x: line.x1 + (x2 - line.x1) * 0.62 + 3,
    y: line.y1 + (y2 - line.y1) * 0.62 + 4,
    text: info.letter,
    ink,
    size: 12,
    alpha,
    bold: true,
  });
}

/** @param {Scene} scene @param {number} x @param {number} y @param {number} alpha */
function dot(scene, x, y, alpha) {
  scene.marks.push({ k: "circle", x, y, r: 2.4, fill: "fg", alpha });
}

/** What a node did by itself. @param {Scene} scene @param {Kind} info @param {number} x @param {number} y @param {number} alpha @param {boolean} detailed */
function drawLocal(scene, info, x, y, alpha, detailed) {
  if (!detailed) return dot(scene, x, y, alpha);
  if (info.class === "life")
    scene.marks.push({
      k: "text",
      x,
      y: y + 5,
      text: /boot|start|up/i.test(info.name) ? "▲" : "✕",
      ink: "bad",
      anchor: "middle",
      bold: true,
      size: 14,
      alpha,
    });
  else if (info.class === "disk") scene.marks.push({ k: "rect", x: x - 2.5, y: y + 3, w: 5, h: 6, fill: "mut", alpha });
  else if (info.class === "timer") scene.marks.push({ k: "line", x1: x, y1: y - 5, x2: x, y2: y + 5, ink: "mut", width: 1.4, alpha });
  else if (info.class === "connection") scene.marks.push({ k: "circle", x, y, r: 3, ink: "mut", fill: "bg", width: 1.2, alpha });
  else dot(scene, x, y, alpha);
}

/** A message is late when it took ten times the median of this run. @param {Model} model @returns {number} microseconds */
function lateBound(model) {
  const known = lateBounds.get(model);
  if (known !== undefined) return known;
  const { cause, t } = model.trace.events;
  const sample = [];
  for (let i = 0, step = Math.max(1, Math.floor(model.rows / 4000)); i < model.rows; i += step)
    if (cause[i] >= 0) sample.push(t[i] - t[cause[i]]);
  sample.sort((a, b) => a - b);
  const bound = sample.length > 20 ? 10 * Math.max(1, sample[sample.length >> 1]) : Infinity;
  lateBounds.set(model, bound);
  return bound;
}

/** @type {WeakMap<Model, number>} */
const lateBounds = new WeakMap();

/** Messages that were never delivered: dashed, with a cross where they ended.
 * @param {Model} model @param {Look} look @param {Scene} scene @param {Segment} segment @param {(row: number) => number} alphaOf */
function drawLost(model, look, scene, segment, alphaOf) {
  const { row, to, kind } = model.trace.lost;
  const { node } = model.trace.events;
  for (let i = lowerBound(row, segment.first); i < row.length && row[i] <= segment.last; i++) {
    const info = model.trace.kinds[kind[i]];
    if (info.routine && !look.routine) continue;
    if (look.veil && row[i] > look.row) continue;
    const y1 = scene.lanes.get(node[row[i]] - 1),
      y2 = scene.lanes.get(to[i] - 1);
    if (y1 === undefined || y2 === undefined) continue;
    const x = xOf(scene.frame, row[i]),
      alpha = alphaOf(row[i]);
    const ex = x + 9,
      ey = y1 + (y2 - y1) * 0.34;
    scene.marks.push({ k: "line", x1: x, y1, x2: ex, y2: ey, ink: "bad", width: 1.5, dash: [4, 3], alpha });
    scene.marks.push({
      k: "text",
      x: ex,
      y: ey + 4,
      text: "×" + (scene.frame.count > 160 ? "" : (info.letter ?? "")),
      ink: "bad",
      bold: true,
      alpha,
      anchor: "middle",
    });
  }
}

/** What servers logged, forced and applied: small squares above the lane.
 * @param {Model} model @param {Look} look @param {Scene} scene @param {Segment} segment @param {(row: number) => number} alphaOf */
function drawWrites(model, look, scene, segment, alphaOf) {
  const { row, node, field } = model.trace.state;
  const logged = model.field["logged"],
    durable = model.field["durable"],
    applied = model.field["applied"];
  for (let i = lowerBound(row, segment.first); i < row.length && row[i] <= segment.last; i++) {
    const y = scene.lanes.get(node[i]);
    if (y === undefined || (look.veil && row[i] > look.row)) continue;
    const x = xOf(scene.frame, row[i]),
      alpha = alphaOf(row[i]);
    if (field[i] === logged) scene.marks.push({ k: "rect", x: x - 7, y: y - 13, w: 6, h: 7, fill: "bg", ink: "fg", width: 1.2, alpha });
    else if (field[i] === durable) scene.marks.push({ k: "rect", x: x - 7, y: y - 9.5, w: 6, h: 3.5, fill: "fg", alpha });
    else if (field[i] === applied) scene.marks.push({ k: "rect", x: x + 1, y: y - 13, w: 6, h: 7, fill: "msg", alpha });
  }
}

/** Far out, each pixel of a lane says how much happened there. @param {Model} model @param {Look} look @param {Scene} scene */
function drawDensity(model, look, scene) {
  const { node } = model.trace.events;
  for (const segment of scene.frame.segments) {
    const width = Math.ceil(segment.x1 - segment.x0) + 1;
    const counts = new Map([...scene.lanes.keys()].map((lane) => [lane, new Uint32Array(width)]));
    let most = 1;
    for (let i = segment.from; i < segment.to; i++) {
      const row = scene.frame.rows[i];
      if (look.veil && row > look.row) break;
      const lane = counts.get(node[row] - 1);
      const x = Math.floor(within(segment, scene.frame.coordinate(row)) - segment.x0);
      if (lane && ++lane[x] > most) most = lane[x];
    }
    for (const [lane, columns] of counts) {
      const y = /** @type {number} */ (scene.lanes.get(lane));
      for (let x = 0; x < width; x++)
        if (columns[x])
          scene.marks.push({
            k: "line",
            x1: segment.x0 + x,
            x2: segment.x0 + x,
            y1: y - 4,
            y2: y - 5 - 9 * Math.sqrt(columns[x] / most),
            ink: "msg",
            width: 1,
          });
    }
  }
}

/** Story, rings, cursor, labels: what must not be covered. @param {Model} model @param {Look} look @param {Scene} scene */
function drawOver(model, look, scene) {
  drawChecks(model, look, scene);
  const now = segmentOf(scene.frame, look.row);
  const x = xOf(scene.frame, look.row);
  if (look.veil) drawCurtain(look, scene, x);
  if (now) scene.marks.push({ k: "line", x1: x, y1: TOP - 6, x2: x, y2: scene.bottom + 4, ink: "fg", width: 1.5, dash: [3, 3] });
  /** @type {{x: number, y: number, text: string, ink: string}[]} */
  const labels = [];
  drawRings(model, look, scene, labels);
  const taken = drawStory(model, look, scene);
  const { node } = model.trace.events;
  const y = scene.lanes.get(node[look.row] - 1);
  if (now && y !== undefined) {
    scene.marks.push({ k: "circle", x, y, r: 6, ink: "fg", width: 2 });
    labels.push({ x: x + 10, y: y - 24, text: model.whatAt(look.row), ink: "fg" });
  } else if (now) labels.push({ x: x + 10, y: TOP + 8, text: model.whatAt(look.row), ink: "fg" });
  placeLabels(look, scene, labels, taken);
}

/** @param {Look} look @param {Scene} scene @param {number} x */
function drawCurtain(look, scene, x) {
  const w = look.width - 8 - x - 4;
  if (w < 6) return;
  scene.marks.push({ k: "rect", x: x + 4, y: TOP - 4, w, h: scene.bottom - TOP + 4, fill: "card", hatch: "veil" });
  if (w > 110)
    scene.marks.push({ k: "text", x: x + 4 + w / 2, y: (TOP + scene.bottom) / 2, text: "not yet revealed", ink: "mut", anchor: "middle" });
}

/** A cross under the lanes for each violation in view. @param {Model} model @param {Look} look @param {Scene} scene */
function drawChecks(model, look, scene) {
  if (look.veil) return;
  look.violations.forEach((row) => {
    if (segmentOf(scene.frame, row))
      scene.marks.push({ k: "text", x: xOf(scene.frame, row), y: scene.bottom + 8, text: "✗", ink: "bad", anchor: "middle", bold: true });
  });
}

/** @param {Model} model @param {Look} look @param {Scene} scene @param {{x: number, y: number, text: string, ink: string}[]} labels */
function drawRings(model, look, scene, labels) {
  if (look.ring < 0 || look.veil || !segmentOf(scene.frame, look.ring)) return;
  const y = scene.lanes.get(model.trace.events.node[look.ring] - 1) ?? TOP;
  const x = xOf(scene.frame, look.ring);
  scene.marks.push({ k: "circle", x, y, r: 13, ink: "bad", width: 3 });
  labels.push({ x: x + 16, y: y + 24, text: look.ringText, ink: "bad" });
}

/** @typedef {{x: number, y: number, w: number}} Box of a line of text: y is its baseline */

/** @param {Model} model @param {Look} look @param {Scene} scene @returns {Box[]} where the numbers are */
function drawStory(model, look, scene) {
  /** @type {Box[]} */
  const taken = [];
  if (look.veil) return taken;
  const stacked = new Map();
  look.story.forEach((row, i) => {
    if (row < 0 || !segmentOf(scene.frame, row)) return;
    const y = (scene.lanes.get(model.trace.events.node[row] - 1) ?? TOP + 12) - 22;
    const key = `${Math.round(xOf(scene.frame, row) / 10)} ${y}`;
    const level = stacked.get(key) ?? 0;
    stacked.set(key, level + 1);
    const x = xOf(scene.frame, row) - level * 19;
    scene.marks.push({ k: "circle", x, y, r: 9, fill: "sel", ink: "fg", width: 1.2 });
    scene.marks.push({ k: "text", x, y: y + 4.5, text: String(i + 1), ink: "fg", anchor: "middle", bold: true });
    taken.push({ x: x - 10, y: y + 5, w: 20 });
  });
  return taken;
}

/** Puts labels where they cover neither each other nor the edge. @param {Look} look @param {Scene} scene @param {{x: number, y: number, text: string, ink: string}[]} labels @param {Box[]} taken */
function placeLabels(look, scene, labels, taken) {
  const placed = [...taken];
  for (const label of labels) {
    const text = clip(label.text, (look.width - GUTTER - 30) / 7);
    const w = textWidth(text) + 12;
    const x = Math.max(GUTTER, Math.min(label.x, look.width - w - 6));
    let y = Math.max(TOP + 2, Math.min(label.y, scene.bottom - 4));
    const isFree = (/** @type {number} */ at) =>
      !placed.some((other) => Math.abs(other.y - at) < 20 && x - 5 < other.x + other.w && other.x < x + w);
    const step = label.ink === "bad" ? 1 : -1;
    for (let tries = 1; tries < 24 && !isFree(y); tries++) {
      const next = y + step * (tries % 2 ? -1 : 1) * tries * 11;
      if (next > TOP && next < scene.bottom + 4) y = next;
    }
    placed.push({ x, y, w });
    scene.marks.push({ k: "rect", x: x - 5, y: y - 14, w, h: 19, fill: "bg", ink: label.ink, width: 1, round: 4 });
    scene.marks.push({ k: "text", x: x + 1, y, text, ink: label.ink });
  }
}
