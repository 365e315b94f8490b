// The ground of the space-time diagram: lanes, roles, bands of faults, ticks. A scene is a list of marks in pixels that
// paint.js turns into SVG or draws on a canvas, so that both look the same.

/** @typedef {{k: "line", x1: number, y1: number, x2: number, y2: number, ink: string, width?: number, dash?: number[], alpha?: number}} LineMark */
/** @typedef {{k: "arrow", x1: number, y1: number, x2: number, y2: number, ink: string, width?: number, dash?: number[], alpha?: number}} ArrowMark */
/** @typedef {{k: "rect", x: number, y: number, w: number, h: number, fill?: string, ink?: string, width?: number, hatch?: string, round?: number, alpha?: number}} RectMark */
/** @typedef {{k: "circle", x: number, y: number, r: number, fill?: string, ink?: string, width?: number, alpha?: number}} CircleMark */
/** @typedef {{k: "text", x: number, y: number, text: string, ink: string, bold?: boolean, anchor?: "start" | "middle" | "end", size?: number, alpha?: number}} TextMark */
/** @typedef {LineMark | ArrowMark | RectMark | CircleMark | TextMark} Mark */
/**
 * What a diagram is drawn from, beside the model.
 * @typedef {{row: number, axis: Axis, parts: Part[], shown: Shown, width: number, height: number, story: number[], violations: number[], cone: boolean,
 *   veil: boolean, clients: boolean, routine: boolean, ring: number, ringText: string}} Look
 */
/** @typedef {{marks: Mark[], frame: Frame, lanes: Map<number, number>, bottom: number, top: number, left: number, dense: boolean, limit?: number}} Scene */

/** How roles look: glyph, ink, word. */
const ROLES = /** @type {Record<string, [string, string, string]>} */ ({
  down: ["✕", "quiet", "down"],
  looking: ["○", "look", "looking"],
  joining: ["◐", "vote", "joining"],
  following: ["●", "follow", "follows"],
  leading: ["◆", "lead", "leads"],
  observing: ["◇", "observe", "observes"],
});

const GUTTER = 88,
  TOP = 60,
  BOTTOM = 44;
/** More rows than this in view and messages become densities. */
const DENSE = 20000;

/** @param {Model} model @param {number} role @returns {[string, string, string]} */
function roleLook(model, role) {
  const name = model.trace.fields[model.field["role"]]?.values?.[role] ?? "down";
  return ROLES[name] ?? ["·", "quiet", name];
}

/** Where the lane of each node lies: node index to y.
 * @param {Model} model @param {Look} look @returns {Map<number, number>} */
function laneMap(model, look) {
  const lanes = model.lanes.filter((node) => look.clients || model.trace.nodes[node].kind === "server");
  const weights = lanes.map((node) => (model.trace.nodes[node].kind === "server" ? 1 : 0.62));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const map = new Map();
  let y = TOP;
  lanes.forEach((node, i) => {
    const height = ((look.height - TOP - BOTTOM) * weights[i]) / total;
    map.set(node, Math.round(y + height / 2) + 4);
    y += height;
  });
  return map;
}

/** Builds everything that the diagram shows.
 * @param {Model} model @param {Look} look @returns {Scene} */
function buildScene(model, look) {
  const frame = layOut(model, look.shown.rows, look.parts, look.axis, GUTTER, look.width - 8);
  /** @type {Scene} */
  const scene = {
    marks: [],
    frame,
    lanes: laneMap(model, look),
    bottom: look.height - BOTTOM,
    top: TOP,
    left: GUTTER,
    dense: frame.count > DENSE,
  };
  if (look.veil) scene.limit = xOf(frame, look.row);
  drawFaults(model, look, scene);
  drawTicks(model, look, scene);
  drawLanes(model, look, scene);
  drawBreaks(model, scene);
  drawEvents(model, look, scene);
  drawOver(model, look, scene);
  return scene;
}

/** Bands of faults: over all lanes where links are cut, on their own lanes otherwise. Patterns tell kinds apart without colour.
 * @param {Model} model @param {Look} look @param {Scene} scene */
function drawFaults(model, look, scene) {
  let labels = 0;
  const seen = new Map();
  for (const fault of model.trace.faults) {
    if (look.veil && fault.row > look.row) continue;
    const end = look.veil ? Math.min(fault.end < 0 ? model.rows : fault.end, look.row) : fault.end < 0 ? model.rows - 1 : fault.end;
    for (const segment of scene.frame.segments) {
      if (fault.row > segment.last || end < segment.first) continue;
      const x0 = fault.row < segment.first ? segment.x0 : xOf(scene.frame, fault.row);
      const x1 = end > segment.last ? segment.x1 : xOf(scene.frame, end);
      bandMarks(fault, x0, Math.max(3, x1 - x0), scene);
      if (seen.has(fault.id)) continue;
      seen.set(fault.id, true);
      const level = labels++ % 2;
      const text = clip(fault.text || fault.id, (look.width - GUTTER) / 7),
        late = x0 + textWidth(text) + 10 > look.width;
      scene.marks.push({
        k: "text",
        x: late ? look.width - 8 : x0 + 3,
        y: 13 + level * 14,
        text,
        ink: "fault",
        anchor: late ? "end" : "start",
      });
    }
  }
}

/** @param {FaultBand} fault @param {number} x @param {number} w @param {Scene} scene */
function bandMarks(fault, x, w, scene) {
  const hatch = hatchOf(fault.kind);
  const lanes = fault.nodes.map((node) => scene.lanes.get(node)).filter((y) => y !== undefined);
  const wide = /partition|split|cut|clog|swizzle|isolate|mute|rough|flaky|delay|reset|link|net/.test(fault.kind) || lanes.length === 0;
  if (wide) scene.marks.push({ k: "rect", x, y: TOP - 4, w, h: scene.bottom - TOP + 4, fill: "band", hatch, alpha: 1 });
  else for (const y of lanes) scene.marks.push({ k: "rect", x, y: y - 12, w, h: 24, fill: "band", hatch, alpha: 1 });
}

/** @param {string} kind @returns {string} */
function hatchOf(kind) {
  if (/partition|split|cut|clog|swizzle|isolate|mute/.test(kind)) return "slash";
  if (/crash|power|wipe|kill/.test(kind)) return "cross";
  if (/disk|rot|restore/.test(kind)) return "dots";
  if (/clock|pause|suspend|skew/.test(kind)) return "bars";
  return "back";
}

/** @param {string} text @param {number} letters @returns {string} */
function clip(text, letters) {
  const most = Math.max(4, Math.floor(letters));
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

/** @param {Model} model @param {Look} look @param {Scene} scene */
function drawTicks(model, look, scene) {
  const y = look.height - 10;
  for (const segment of scene.frame.segments) {
    const room = Math.max(1, Math.floor((segment.x1 - segment.x0) / 96));
    if (look.axis === "time") timeTicks(segment, room, y, scene);
    else rankTicks(model, look, segment, room, y, scene);
  }
}

/** @param {Segment} segment @param {number} room @param {number} y @param {Scene} scene */
function timeTicks(segment, room, y, scene) {
  const step = niceStep(segment.high - segment.low, room);
  if (segment.high === segment.low) return tick(within(segment, segment.low), y, instant(segment.low, 10), scene);
  for (let t = Math.ceil(segment.low / step) * step; t <= segment.high; t += step) tick(within(segment, t), y, instant(t, step), scene);
}

/** Ticks of an axis that does not measure time still say the time, because that is what logs have.
 * @param {Model} model @param {Look} look @param {Segment} segment @param {number} room @param {number} y @param {Scene} scene */
function rankTicks(model, look, segment, room, y, scene) {
  const { t, number } = model.trace.events;
  if (look.axis === "causal") {
    const step = niceStep(segment.high - segment.low, room);
    for (let rank = Math.ceil(segment.low / step) * step; rank <= segment.high; rank += step)
      tick(within(segment, rank), y, `depth ${grouped(rank)}`, scene);
    return;
  }
  const count = segment.to - segment.from;
  const step = Math.max(1, Math.ceil(count / room));
  for (let i = segment.from + Math.floor(step / 2); i < segment.to; i += step) {
    const row = scene.frame.rows[i];
    const x = xOf(scene.frame, row);
    tick(x, y, instant(t[row], 100), scene);
    if (x <= (scene.limit ?? Infinity))
      scene.marks.push({ k: "text", x, y: y - 14, text: "e" + grouped(number[row]), ink: "mut", anchor: "middle" });
  }
}

/** @param {number} x @param {number} y @param {string} text @param {Scene} scene */
function tick(x, y, text, scene) {
  if (x > (scene.limit ?? Infinity)) return;
  scene.marks.push({ k: "line", x1: x, y1: TOP, x2: x, y2: scene.bottom, ink: "grid", width: 1 });
  scene.marks.push({ k: "text", x, y, text, ink: "mut", anchor: "middle" });
}

/** @param {Model} model @param {Look} look @param {Scene} scene */
function drawLanes(model, look, scene) {
  for (const [node, y] of scene.lanes) {
    const info = model.trace.nodes[node];
    for (const segment of scene.frame.segments) {
      scene.marks.push({ k: "line", x1: segment.x0, y1: y, x2: segment.x1, y2: y, ink: "lane", width: 1 });
      if (info.kind === "server") drawRoles(model, look, node, y, segment, scene);
      else drawOperations(model, look, node, y, segment, scene);
    }
    const server = info.kind === "server";
    scene.marks.push({ k: "text", x: 8, y: y + 4, text: info.short, ink: server ? "fg" : "mut", bold: server });
    if (!server) continue;
    const now = model.roleAt(node, look.row);
    const [glyph, ink] = roleLook(model, now.role);
    scene.marks.push({ k: "text", x: 34, y: y + 4, text: `${glyph} e${now.epoch}`, ink: ink === "quiet" ? "mut" : ink, bold: true });
  }
}

/** The thick part of a lane: what the server was, with a label where that changes.
 * @param {Model} model @param {Look} look @param {number} node @param {number} y @param {Segment} segment @param {Scene} scene */
function drawRoles(model, look, node, y, segment, scene) {
  const last = look.veil ? Math.min(segment.last, look.row) : segment.last;
  for (const part of model.roles[node]) {
    if (part.to < segment.first || part.from > last) continue;
    const [glyph, ink, word] = roleLook(model, part.role);
    const begins = part.from >= segment.first && part.from > 0;
    const x0 = begins ? xOf(scene.frame, part.from) : segment.x0;
    const x1 = part.to > last ? (look.veil && last < segment.last ? xOf(scene.frame, last) : segment.x1) : xOf(scene.frame, part.to);
    if (ink === "quiet")
      scene.marks.push(
        { k: "line", x1: x0, y1: y, x2: x1, y2: y, ink: "bg", width: 7 },
        { k: "line", x1: x0, y1: y, x2: x1, y2: y, ink: "mut", width: 1, dash: [2, 4] },
      );
    else scene.marks.push({ k: "line", x1: x0, y1: y, x2: x1, y2: y, ink, width: 6, alpha: 0.62 });
    if (begins && x1 - x0 > 64)
      scene.marks.push({
        k: "text",
        x: x0 + 3,
        y: y + 17,
        text: `${glyph} ${word}${!/leads|follows|observes/.test(word) ? "" : " e" + part.epoch}`,
        ink: ink === "quiet" ? "mut" : ink,
      });
  }
}

/** On a client's lane: from when to when each operation was open. @param {Model} model @param {Look} look @param {number} node @param {number} y @param {Segment} segment @param {Scene} scene */
function drawOperations(model, look, node, y, segment, scene) {
  const ops = model.trace.operations;
  if (scene.frame.count > 420) return;
  for (let op = 0; op < ops.node.length && ops.invoked[op] <= segment.last; op++) {
    const end = ops.returned[op] < 0 ? model.rows : ops.returned[op];
    if (ops.node[op] !== node || end < segment.first || (look.veil && ops.invoked[op] > look.row)) continue;
    const last = look.veil ? Math.min(end, look.row) : end;
    const x0 = ops.invoked[op] < segment.first ? segment.x0 : xOf(scene.frame, ops.invoked[op]);
    const x1 = last > segment.last ? segment.x1 : xOf(scene.frame, last);
    const known = !look.veil || end <= look.row;
    scene.marks.push({
      k: "line",
      x1: x0,
      y1: y,
      x2: Math.max(x1, x0 + 2),
      y2: y,
      ink: known && ops.outcome[op] === 3 ? "look" : "client",
      width: 4,
      alpha: 0.42,
    });
  }
}

/** A break in the axis says how much lies in it. @param {Model} model @param {Scene} scene */
function drawBreaks(model, scene) {
  const { segments, rows } = scene.frame;
  const { t, number } = model.trace.events;
  for (let i = 1; i < segments.length; i++) {
    const before = segments[i - 1],
      after = segments[i];
    const x = (before.x1 + after.x0) / 2;
    scene.marks.push({ k: "rect", x: before.x1 + 2, y: TOP - 4, w: BREAK - 4, h: scene.bottom - TOP + 4, fill: "card" });
    scene.marks.push({ k: "text", x, y: (TOP + scene.bottom) / 2, text: "⋯", ink: "mut", anchor: "middle", bold: true });
    const missing = Math.max(0, number[rows[after.from]] - number[rows[before.to - 1]] - 1);
    scene.marks.push({
      k: "text",
      x,
      y: TOP - (i % 2 ? 8 : 21),
      text: `${grouped(missing)} events, ${span(t[rows[after.from]] - t[rows[before.to - 1]])}`,
      ink: "mut",
      anchor: "middle",
    });
  }
}
