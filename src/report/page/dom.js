// Small helpers that build elements and print numbers. Text reaches the page by textContent alone: nothing in a run,
// however hostile its znodes are, is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {string | Node | null | undefined | false} Leaf */
/** What an element may hold: lists may be nested, and what is empty is left out. @typedef {Leaf | Leaf[] | Leaf[][] | Leaf[][][]} Child */

/**
 * Builds an element. Attributes whose value is null or false are left out; functions become listeners.
 * @param {string} tag
 * @param {Record<string, any> | null} [attributes]
 * @param {...Child} children
 * @returns {HTMLElement}
 */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...leaves(children));
  return element;
}

/** @param {Child[]} children @returns {(string | Node)[]} */
function leaves(children) {
  const flat = /** @type {Leaf[]} */ (children.flat(4));
  return /** @type {(string | Node)[]} */ (flat.filter((leaf) => leaf !== null && leaf !== undefined && leaf !== false));
}

/**
 * Builds an SVG element.
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {string} [text]
 * @returns {SVGElement}
 */
function s(tag, attributes, text) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const name in attributes) if (attributes[name] !== undefined) element.setAttribute(name, String(attributes[name]));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** The element with this id, which page.html or the page's own frame has.
 * @param {string} id @returns {HTMLElement} */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element "${id}"`);
  return element;
}

/** Replaces what an element holds.
 * @param {Element} element @param {...Child} children */
function fill(element, ...children) {
  element.replaceChildren(...leaves(children));
}

/** A number with thin spaces between its thousands.
 * @param {number} number @returns {string} */
function grouped(number) {
  if (!Number.isInteger(number) || Math.abs(number) < 10000) return String(number);
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** "1 event", "2 events".
 * @param {number} count @param {string} one @param {string} [many] @returns {string} */
function plural(count, one, many) {
  return `${grouped(count)} ${count === 1 ? one : (many ?? one + "s")}`;
}

/** An instant of virtual time, as precise as its neighbours need it.
 * @param {number} us @param {number} [step] the distance to the next label, in microseconds @returns {string} */
function instant(us, step = 1000) {
  const places = step >= 1e6 ? 0 : step >= 1e5 ? 1 : step >= 1e4 ? 2 : step >= 1e3 ? 3 : step >= 100 ? 4 : step >= 10 ? 5 : 6;
  return (us / 1e6).toFixed(places) + " s";
}

/** A span of virtual time in the unit that reads best.
 * @param {number} us @returns {string} */
function span(us) {
  if (us < 1000) return `${us} µs`;
  if (us < 1e6) return `${+(us / 1000).toPrecision(3)} ms`;
  return `${+(us / 1e6).toPrecision(4)} s`;
}

/** What a path such as "violations.0.story.1.text" names in a value.
 * @param {any} value @param {string} path @returns {any} */
function at(value, path) {
  let here = value;
  for (const step of path.split(".")) {
    if (here === null || here === undefined) return undefined;
    here = here[step];
  }
  return here;
}

/** Says in words what a verdict's mark says in form and colour. */
const MARKS = /** @type {Record<string, [string, string]>} */ ({
  holds: ["✓", "good"],
  held: ["✓", "good"],
  passed: ["✓", "good"],
  violated: ["✗", "bad"],
  failed: ["✗", "bad"],
  vacuous: ["∅", "warn"],
  undecided: ["?", "warn"],
  unknown: ["?", "warn"],
  excused: ["~", "warn"],
});

/** A verdict as a mark with its word; `path` says where report.json has it.
 * @param {string} verdict @param {string} [path] @returns {HTMLElement} */
function badge(verdict, path) {
  const [mark, tone] = MARKS[verdict] ?? ["·", "quiet"];
  return h("span", { class: `badge ${tone}` }, h("span", { "aria-hidden": "true" }, mark + " "), h("span", { "data-path": path }, verdict));
}

/** A table from heads and rows of cells, in a frame that scrolls sideways on narrow screens.
 * @param {string} caption @param {string[]} heads @param {Child[][]} rows @param {string} [classes] @returns {HTMLElement} */
function grid(caption, heads, rows, classes) {
  const head = h(
    "tr",
    null,
    heads.map((text) => h("th", { scope: "col" }, text)),
  );
  const body = rows.map((cells) =>
    h(
      "tr",
      null,
      cells.map((cell) => h("td", null, cell)),
    ),
  );
  const table = h("table", { class: classes ?? null }, h("caption", null, caption), h("thead", null, head), h("tbody", null, body));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table);
}

/** Copies a text and says on the button that it did.
 * @param {HTMLElement} button @param {string} text */
async function copyText(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    const area = /** @type {HTMLTextAreaElement} */ (h("textarea", { "aria-hidden": "true", class: "offstage" }));
    area.value = text;
    document.body.append(area);
    area.select();
    button.textContent = document.execCommand("copy") ? "copied" : "select it and copy by hand";
    area.remove();
  }
  setTimeout(() => (button.textContent = before), 1600);
}
