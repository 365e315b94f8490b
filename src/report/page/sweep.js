// A sweep over seeds: failures grouped by their cause, the smallest of each first; every property; seeds against families.

/** @param {HTMLElement} host @param {App} app */
function renderSweep(host, app) {
  const { report } = app;
  fill(
    host,
    totalsCard(report),
    groupsCard(report),
    h(
      "div",
      { class: "columns" },
      h("div", null, heatCard(report), countersCard(report), situationsCard(report)),
      h("div", null, sweepProperties(report)),
    ),
  );
}

/** @param {Json} report @returns {HTMLElement} */
function totalsCard(report) {
  const verdicts = Object.keys(report.verdicts ?? {});
  const numbers = Object.keys(report).filter((name) => typeof report[name] === "number");
  const scenarios = report.scenarios ?? [];
  return card(
    "The sweep",
    report.about ? h("p", null, words(report, "about")) : null,
    scenarios.length
      ? h(
          "p",
          null,
          scenarios.length > 1 ? `${scenarios.length} scenarios: ` : "Scenario: ",
          scenarios.map((/** @type {string} */ _, /** @type {number} */ i) => [i ? ", " : "", words(report, `scenarios.${i}`)]),
        )
      : null,
    h(
      "ul",
      { class: "chips big" },
      verdicts.map((name) => h("li", null, badge(name), " ", h("b", null, num(report, `verdicts.${name}`)))),
    ),
    h(
      "dl",
      { class: "inline" },
      numbers.map((name) => h("div", null, h("dt", null, name.replaceAll("_", " ")), h("dd", null, num(report, name)))),
    ),
    replayLine(report),
  );
}

/** @param {Json} report @returns {HTMLElement} */
function groupsCard(report) {
  const groups = report.groups ?? [];
  if (groups.length === 0) return card("Failures", h("p", null, "No run of this sweep failed."));
  const rows = groups.map((/** @type {Json} */ group, /** @type {number} */ i) => [
    num(report, `groups.${i}.count`),
    h("b", null, words(report, `groups.${i}.property`)),
    h("code", null, words(report, `groups.${i}.signature`)),
    example(report, `groups.${i}.smallest`),
    example(report, `groups.${i}.first`),
    num(report, `groups.${i}.runs_to_first`),
  ]);
  return card(
    "Failures by cause",
    h(
      "p",
      { class: "mut" },
      "Runs that broke the same property in the same way are one group. The smallest run of a group, the one with the fewest faults, is the one to read.",
    ),
    grid("Groups, smallest first", ["runs", "property", "signature", "read this one", "the first", "runs until then"], rows),
  );
}

/** One run of a group: its scenario, seed, number of faults and file. @param {Json} report @param {string} path @returns {Child} */
function example(report, path) {
  const run = at(report, path);
  if (!run) return "–";
  const file = run.file ? fileLink(run.file, report, `${path}.file`) : null;
  return h(
    "span",
    null,
    words(report, `${path}.scenario`),
    ", seed ",
    num(report, `${path}.seed`),
    run.faults === undefined ? null : [", ", num(report, `${path}.faults`), run.faults === 1 ? " fault" : " faults"],
    file ? [" ", file] : null,
  );
}

/** A file beside the page: a link if it is a page or data, never a script's address. @param {string} file @param {Json} report @param {string} path @returns {HTMLElement} */
function fileLink(file, report, path) {
  const safe = /^[\w./ -]+$/.test(file) && !file.startsWith("/");
  return safe ? h("a", { href: encodeURI(file) }, words(report, path)) : h("code", null, words(report, path));
}

/** @param {Json} report @returns {HTMLElement} */
function sweepProperties(report) {
  const properties = report.properties ?? [];
  const order = properties
    .map((/** @type {Json} */ property, /** @type {number} */ i) => ({ property, i }))
    .sort((/** @type {any} */ a, /** @type {any} */ b) => (b.property.violated ?? 0) - (a.property.violated ?? 0) || a.i - b.i);
  const rows = order.map((/** @type {{property: Json, i: number}} */ { property, i }) => [
    h("b", null, words(report, `properties.${i}.name`)),
    property.violated
      ? h("span", { class: "bad-text" }, "✗ ", num(report, `properties.${i}.violated`))
      : num(report, `properties.${i}.violated`),
    property.exercised === 0
      ? h("span", { class: "vacuous" }, num(report, `properties.${i}.exercised`), " never exercised")
      : num(report, `properties.${i}.exercised`),
    num(report, `properties.${i}.vacuous_in`),
  ]);
  return card("Properties", grid("Every property over all runs", ["property", "violated in", "judgements", "vacuous in"], rows, "numbers"));
}

/** @param {Json} report @returns {HTMLElement | null} */
function heatCard(report) {
  const heat = report.heat;
  if (!heat?.cells?.length) return null;
  const most = Math.max(1, ...heat.cells.flat());
  const name = (/** @type {any} */ value) =>
    typeof value === "string" || typeof value === "number" ? String(value) : (value?.name ?? JSON.stringify(value));
  const rows = heat.rows.map((/** @type {any} */ row, /** @type {number} */ r) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, name(row)),
      heat.cells[r].map((/** @type {number} */ n, /** @type {number} */ c) =>
        h(
          "td",
          {
            class: n ? "hot" : "cold",
            style: n ? `--heat:${Math.round(25 + (75 * n) / most)}%` : null,
            title: `${name(row)}, seeds ${name(heat.columns[c])}: ${n} failed`,
          },
          num(report, `heat.cells.${r}.${c}`),
        ),
      ),
    ),
  );
  return card(
    "Seeds and families",
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "heat map" },
      h(
        "table",
        { class: "heat" },
        h("caption", null, "Failed runs by family of scenarios and range of seeds"),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, "family"),
            heat.columns.map((/** @type {any} */ column) => h("th", { scope: "col" }, name(column))),
          ),
        ),
        h("tbody", null, rows),
      ),
    ),
  );
}
