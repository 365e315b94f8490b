// Turns a scene into SVG while its marks are few (crisp, printable, readable by tools) and draws it on a canvas beyond that.

/** From so many marks on a canvas takes over. */
const SVG_MARKS = 1600;

/** Hatches by name: the lines of one 8 by 8 tile. */
const HATCHES = /** @type {Record<string, number[][]>} */ ({
  slash: [[0, 8, 8, 0]],
  back: [[0, 0, 8, 8]],
  cross: [
    [0, 8, 8, 0],
    [0, 0, 8, 8],
  ],
  bars: [[4, 0, 4, 8]],
  dots: [[3, 4, 5, 4]],
  veil: [],
});

/** Paints a scene into a host element that holds an svg and a canvas.
 * @param {HTMLElement} host @param {Scene} scene @param {number} width @param {number} height @param {string} label */
function paint(host, scene, width, height, label) {
  const useSvg = scene.marks.length <= SVG_MARKS;
  let svg = host.querySelector("svg"),
    canvas = host.querySelector("canvas");
  if (!svg) host.append((svg = /** @type {SVGSVGElement} */ (s("svg", { role: "img" }))));
  if (!canvas) host.append((canvas = document.createElement("canvas")));
  svg.style.display = useSvg ? "block" : "none";
  canvas.style.display = useSvg ? "none" : "block";
  const surface = useSvg ? svg : canvas;
  surface.setAttribute("aria-label", label);
  surface.setAttribute("role", "img");
  if (useSvg) paintSvg(svg, scene.marks, width, height);
  else paintCanvas(canvas, scene.marks, width, height);
  host.dataset["marks"] = String(scene.marks.length);
  host.dataset["painter"] = useSvg ? "svg" : "canvas";
}

/** @param {SVGSVGElement} svg @param {Mark[]} marks @param {number} width @param {number} height */
function paintSvg(svg, marks, width, height) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(height));
  const parts = document.createDocumentFragment(),
    name = svg.dataset["name"] ?? (svg.dataset["name"] = `hatch${++svgCount}`);
  parts.append(patterns(name));
  for (const mark of marks) {
    parts.append(svgMark(mark));
    if (mark.k === "rect" && mark.hatch && HATCHES[mark.hatch]?.length)
      parts.append(s("rect", { x: mark.x, y: mark.y, width: Math.max(0, mark.w), height: mark.h, fill: `url(#${name}-${mark.hatch})` }));
  }
  svg.replaceChildren(parts);
}

/** So many drawings have been begun: each has patterns of its own, because those of a hidden drawing do not show. */
let svgCount = 0;

/** @param {string} owner @returns {SVGElement} */
function patterns(owner) {
  const defs = s("defs", {});
  for (const [name, lines] of Object.entries(HATCHES)) {
    const pattern = s("pattern", { id: `${owner}-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" });
    for (const [x1, y1, x2, y2] of lines) pattern.append(s("line", { x1, y1, x2, y2, style: "stroke:var(--hatch);stroke-width:1" }));
    defs.append(pattern);
  }
  return defs;
}

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;

/** How wide a text of 12 pixels is. @param {string} text @returns {number} */
function textWidth(text) {
  ruler ??= document.createElement("canvas").getContext("2d");
  if (!ruler) return text.length * 7;
  ruler.font = '12px system-ui, "DejaVu Sans", sans-serif';
  return ruler.measureText(text).width;
}

/** @param {string | undefined} name @returns {string} */
function ink(name) {
  return name ? `var(--${name})` : "none";
}

/** @param {Mark} mark @returns {SVGElement} */
function svgMark(mark) {
  const opacity = mark.alpha === undefined || mark.alpha === 1 ? undefined : mark.alpha;
  switch (mark.k) {
    case "line":
      return s("line", {
        x1: round(mark.x1),
        y1: round(mark.y1),
        x2: round(mark.x2),
        y2: round(mark.y2),
        opacity,
        style: `stroke:${ink(mark.ink)};stroke-width:${mark.width ?? 1}${mark.dash ? `;stroke-dasharray:${mark.dash.join(" ")}` : ""}`,
      });
    case "arrow":
      return s("path", {
        d: arrowPath(mark),
        opacity,
        style: `stroke:${ink(mark.ink)};fill:${ink(mark.ink)};stroke-width:${mark.width ?? 1.4};stroke-linejoin:round`,
      });
    case "rect":
      return s("rect", {
        x: round(mark.x),
        y: round(mark.y),
        width: round(Math.max(0, mark.w)),
        height: round(mark.h),
        rx: mark.round,
        opacity,
        style: `fill:${ink(mark.fill)};stroke:${ink(mark.ink)};stroke-width:${mark.width ?? 1}`,
      });
    case "circle":
      return s("circle", {
        cx: round(mark.x),
        cy: round(mark.y),
        r: mark.r,
        opacity,
        style: `fill:${ink(mark.fill)};stroke:${ink(mark.ink)};stroke-width:${mark.width ?? 1}`,
      });
    case "text":
      return s(
        "text",
        {
          x: round(mark.x),
          y: round(mark.y),
          opacity,
          "text-anchor": mark.anchor === "start" ? undefined : mark.anchor,
          style: `fill:${ink(mark.ink)};font-size:${mark.size ?? 12}px${mark.bold ? ";font-weight:700" : ""}`,
        },
        mark.text,
      );
  }
}

/** @param {number} number @returns {number} */
function round(number) {
  return Math.round(number * 10) / 10;
}

/** The corners of an arrow's head: the tip last. @param {ArrowMark} mark @returns {number[]} */
function headOf(mark) {
  const dx = mark.x2 - mark.x1,
    dy = mark.y2 - mark.y1;
  const length = Math.hypot(dx, dy) || 1;
  const ux = dx / length,
    uy = dy / length,
    long = Math.min(9, length),
    half = 3.2;
  const bx = mark.x2 - ux * long,
    by = mark.y2 - uy * long;
  return [bx - uy * half, by + ux * half, bx + uy * half, by - ux * half, mark.x2, mark.y2];
}

/** @param {ArrowMark} mark @returns {string} */
function arrowPath(mark) {
  const [ax, ay, bx, by] = headOf(mark).map(round);
  return `M${round(mark.x1)} ${round(mark.y1)}L${round(mark.x2)} ${round(mark.y2)}L${ax} ${ay}L${bx} ${by}L${round(mark.x2)} ${round(mark.y2)}`;
}

/** The page's colours as a canvas wants them. @returns {(name: string | undefined) => string} */
function palette() {
  const style = getComputedStyle(document.documentElement);
  /** @type {Record<string, string>} */
  const known = {};
  return (name) => (name ? (known[name] ??= style.getPropertyValue(`--${name}`).trim()) : "transparent");
}

/** A canvas of this size in CSS pixels, sharp on any screen.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @returns {CanvasRenderingContext2D} */
function freshCanvas(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(scale, scale);
  return pen;
}

/** @param {HTMLCanvasElement} canvas @param {Mark[]} marks @param {number} width @param {number} height */
function paintCanvas(canvas, marks, width, height) {
  const pen = freshCanvas(canvas, width, height),
    colour = palette();
  for (const mark of marks) {
    pen.globalAlpha = mark.alpha ?? 1;
    pen.lineWidth = ("width" in mark ? mark.width : undefined) ?? 1;
    pen.setLineDash(("dash" in mark ? mark.dash : undefined) ?? []);
    canvasMark(pen, mark, colour);
  }
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {Mark} mark @param {(name: string | undefined) => string} colour */
function canvasMark(pen, mark, colour) {
  if (mark.k === "text") {
    pen.font = `${mark.bold ? "bold " : ""}${mark.size ?? 12}px system-ui, "DejaVu Sans", sans-serif`;
    pen.textAlign = mark.anchor === "middle" ? "center" : (mark.anchor ?? "start");
    pen.fillStyle = colour(mark.ink);
    pen.fillText(mark.text, mark.x, mark.y);
    return;
  }
  pen.beginPath();
  if (mark.k === "line" || mark.k === "arrow") {
    pen.strokeStyle = colour(mark.ink);
    pen.moveTo(mark.x1, mark.y1);
    pen.lineTo(mark.x2, mark.y2);
    pen.stroke();
    return;
  }
  if (mark.k === "circle") pen.arc(mark.x, mark.y, mark.r, 0, 7);
  else pen.rect(mark.x, mark.y, mark.w, mark.h);
  if (mark.fill) {
    pen.fillStyle = colour(mark.fill);
    pen.fill();
  }
  if (mark.k === "rect" && mark.hatch) hatchCanvas(pen, mark, colour("hatch"));
  if (!mark.ink) return;
  pen.strokeStyle = colour(mark.ink);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {RectMark} mark @param {string} colour */
function hatchCanvas(pen, mark, colour) {
  const lines = HATCHES[mark.hatch ?? ""] ?? [];
  if (lines.length === 0) return;
  pen.save();
  pen.clip();
  pen.beginPath();
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  for (let x = Math.floor(mark.x / 8) * 8; x < mark.x + mark.w; x += 8) {
    for (let y = Math.floor(mark.y / 8) * 8; y < mark.y + mark.h; y += 8) {
      for (const [x1, y1, x2, y2] of lines) {
        pen.moveTo(x + x1, y + y1);
        pen.lineTo(x + x2, y + y2);
      }
    }
  }
  pen.stroke();
  pen.restore();
}
