// The list of events under the diagram: the same rows, the same cursor, in words. Only the rows in view are in the document.

const LINE = 27;
/** Browsers clamp very tall elements: beyond this height the position is scaled. */
const TALLEST = 8_000_000;

/** @typedef {{host: HTMLElement, body: HTMLElement, spacer: HTMLElement, model: Model | null, rows: Int32Array, count: number, cursor: number}} EventTable */

/** Builds the frame of the list. @param {HTMLElement} host @param {(row: number) => void} choose @param {(by: number) => void} move @returns {EventTable} */
function makeTable(host, choose, move) {
  const spacer = h("div", { class: "spacer", role: "presentation" }),
    body = h("div", { class: "lines", role: "rowgroup" });
  const head = h(
    "div",
    { class: "line head", role: "row" },
    ["event", "time", "node", "what happened, and what it made true"].map((text) => h("span", { role: "columnheader" }, text)),
  );
  host.setAttribute("role", "grid");
  host.setAttribute("tabindex", "0");
  host.setAttribute("aria-label", "events");
  host.setAttribute("aria-colcount", "4");
  fill(host, h("div", { role: "rowgroup", class: "heads" }, head), spacer, body);
  /** @type {EventTable} */
  const table = { host, body, spacer, model: null, rows: new Int32Array(0), count: 0, cursor: -1 };
  host.addEventListener("scroll", () => drawLines(table));
  host.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move(by);
  });
  body.addEventListener("click", (event) => {
    const line = /** @type {HTMLElement} */ (event.target).closest("[data-row]");
    if (line) choose(Number(/** @type {HTMLElement} */ (line).dataset["row"]));
  });
  return table;
}

/** Shows the rows and brings the cursor into view. @param {EventTable} table @param {Model} model @param {Int32Array} rows @param {number} cursor @param {boolean} veil */
function updateTable(table, model, rows, cursor, veil) {
  table.model = model;
  table.rows = rows;
  table.count = veil ? lowerBound(rows, cursor + 1) : rows.length;
  table.cursor = cursor;
  table.host.setAttribute("aria-rowcount", String(table.count + 1));
  const height = Math.min(TALLEST, table.count * LINE);
  table.spacer.style.height = `${height}px`;
  const place = Math.min(lowerBound(rows, cursor), table.count - 1);
  const view = table.host.clientHeight - LINE,
    top = lineTop(table, place);
  if (top < table.host.scrollTop || top > table.host.scrollTop + view - LINE)
    table.host.scrollTop = Math.max(0, natural(table) <= TALLEST ? Math.round((top - view * 0.5) / LINE) * LINE : top - view * 0.5);
  drawLines(table);
}

/** @param {EventTable} table @returns {number} the height of all lines */
function natural(table) {
  return table.count * LINE;
}

/** Where a line lies within the scrolled height. @param {EventTable} table @param {number} place @returns {number} */
function lineTop(table, place) {
  return natural(table) <= TALLEST ? place * LINE : (place / table.count) * TALLEST;
}

/** @param {EventTable} table */
function drawLines(table) {
  const model = table.model;
  if (!model) return;
  const whole = natural(table),
    top = table.host.scrollTop;
  const visible = Math.ceil(table.host.clientHeight / LINE) + 1;
  const first = whole <= TALLEST ? Math.floor(top / LINE) : Math.floor((top / TALLEST) * table.count);
  const start = Math.max(0, Math.min(first, table.count - visible));
  const lines = [];
  for (let i = start; i < Math.min(table.count, start + visible); i++) lines.push(lineOf(table, model, i));
  table.body.style.transform = `translateY(${whole <= TALLEST ? start * LINE : Math.min(top, TALLEST - visible * LINE)}px)`;
  table.body.replaceChildren(...lines);
  const here = lines.find((line) => line.getAttribute("aria-selected") === "true");
  if (here) table.host.setAttribute("aria-activedescendant", here.id);
  else table.host.removeAttribute("aria-activedescendant");
}

/** @param {EventTable} table @param {Model} model @param {number} place @returns {HTMLElement} */
function lineOf(table, model, place) {
  const row = table.rows[place],
    { number, t, node } = model.trace.events;
  const facts = model.factsAt(row);
  return h(
    "div",
    {
      class: "line",
      role: "row",
      id: `line-${row}`,
      "data-row": row,
      "aria-rowindex": place + 2,
      "aria-selected": row === table.cursor ? "true" : "false",
    },
    h("span", { role: "gridcell" }, grouped(number[row])),
    h("span", { role: "gridcell" }, instant(t[row], 10)),
    h("span", { role: "gridcell" }, model.shortName(node[row])),
    h("span", { role: "gridcell" }, model.whatAt(row), facts.length ? h("span", { class: "mut" }, ` · ${facts.join("; ")}`) : null),
  );
}
