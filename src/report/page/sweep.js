// A sweep over seeds: failures grouped by their cause, the smallest of each first; every property; seeds against families.

/** @param {HTMLElement} host @param {App} app */
function renderSweep(host, app) {
  const { report } = app;
  fill(host, totalsCard(report), groupsCard(report), h("div", { class: "columns" }, h("div", null, heatCard(report)), h("div", null, sweepProperties(report))));
}

/** @param {Json} report @returns {HTMLElement} */
function totalsCard(report) {
  const verdicts = Object.keys(report.verdicts ?? {});
  const numbers = Object.keys(report).filter((name) => typeof report[name] === "number");
  return card("The sweep", report.about ? h("p", null, words(report, "about")) : null,
    h("ul", { class: "chips big" }, verdicts.map((name) => h("li", null, badge(name), " ", h("b", null, num(report, `verdicts.${name}`))))),
    h("dl", null, numbers.map((name) => h("div", null, h("dt", null, name.replaceAll("_", " ")), h("dd", null, num(report, name))))), replayLine(report));
}

/** @param {Json} report @returns {HTMLElement} */
function groupsCard(report) {
  const groups = report.groups ?? [];
  if (groups.length === 0) return card("Failures", h("p", null, "No run of this sweep failed."));
  const size = (/** @type {Json} */ group) => group.smallest?.events ?? group.first?.events ?? group.smallest ?? Infinity;
  const order = groups.map((/** @type {Json} */ group, /** @type {number} */ i) => ({ group, i })).sort((/** @type {any} */ a, /** @type {any} */ b) => (size(a.group) > size(b.group) ? 1 : size(a.group) < size(b.group) ? -1 : a.i - b.i));
  const rows = order.map((/** @type {{group: Json, i: number}} */ { group, i }) => {
    const which = group.smallest && typeof group.smallest === "object" ? "smallest" : "first";
    const file = group[which]?.file;
    return [num(report, `groups.${i}.count`), h("b", null, words(report, `groups.${i}.property`)), h("code", null, words(report, `groups.${i}.signature`)),
      h("span", null, words(report, `groups.${i}.${which}.scenario`), ", seed ", num(report, `groups.${i}.${which}.seed`)),
      group[which]?.events === undefined ? "–" : num(report, `groups.${i}.${which}.events`), file ? fileLink(file, report, `groups.${i}.${which}.file`) : "–"];
  });
  return card("Failures by cause", h("p", { class: "mut" }, "Runs that broke the same property in the same way are one group. The smallest run of a group is the one to read."),
    grid("Groups, smallest first", ["runs", "property", "signature", "read this one", "events", "file"], rows));
}

/** A file beside the page: a link if it is a page or data, never a script's address. @param {string} file @param {Json} report @param {string} path @returns {HTMLElement} */
function fileLink(file, report, path) {
  const safe = /^[\w./ -]+$/.test(file) && !file.startsWith("/");
  return safe ? h("a", { href: encodeURI(file) }, words(report, path)) : h("code", null, words(report, path));
}

/** @param {Json} report @returns {HTMLElement} */
function sweepProperties(report) {
  const properties = report.properties ?? [];
  const order = properties.map((/** @type {Json} */ property, /** @type {number} */ i) => ({ property, i })).sort((/** @type {any} */ a, /** @type {any} */ b) => (b.property.violated ?? 0) - (a.property.violated ?? 0) || a.i - b.i);
  const rows = order.map((/** @type {{property: Json, i: number}} */ { property, i }) => [h("b", null, words(report, `properties.${i}.name`)),
    property.violated ? h("span", { class: "bad-text" }, "✗ ", num(report, `properties.${i}.violated`)) : num(report, `properties.${i}.violated`),
    property.exercised === 0 ? h("span", { class: "vacuous" }, num(report, `properties.${i}.exercised`), " never exercised") : num(report, `properties.${i}.exercised`), num(report, `properties.${i}.vacuous_in`)]);
  return card("Properties", grid("Every property over all runs", ["property", "violated in", "judgements", "vacuous in"], rows, "numbers"));
}

/** @param {Json} report @returns {HTMLElement | null} */
function heatCard(report) {
  const heat = report.heat;
  if (!heat?.cells?.length) return null;
  const most = Math.max(1, ...heat.cells.flat());
  const name = (/** @type {any} */ value) => (typeof value === "string" || typeof value === "number" ? String(value) : value?.name ?? JSON.stringify(value));
  const rows = heat.rows.map((/** @type {any} */ row, /** @type {number} */ r) => h("tr", null, h("th", { scope: "row" }, name(row)),
    heat.cells[r].map((/** @type {number} */ n, /** @type {number} */ c) => h("td", { class: n ? "hot" : "cold", style: n ? `--heat:${Math.round(25 + (75 * n) / most)}%` : null, title: `${name(row)}, seeds ${name(heat.columns[c])}: ${n} failed` }, num(report, `heat.cells.${r}.${c}`)))));
  return card("Seeds and families", h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "heat map" },
    h("table", { class: "heat" }, h("caption", null, "Failed runs by family of scenarios and range of seeds"), h("thead", null, h("tr", null, h("th", { scope: "col" }, "family"), heat.columns.map((/** @type {any} */ column) => h("th", { scope: "col" }, name(column))))), h("tbody", null, rows))));
}
