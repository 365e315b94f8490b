// Two runs one above the other: the same until one event, and from there on each its own way.

/** @param {HTMLElement} host @param {App} app */
function renderCompare(host, app) {
  const { report } = app,
    [left, right] = report.runs ?? [{}, {}];
  const first = report.first_difference;
  fill(
    host,
    h(
      "div",
      { class: "compare" },
      card(
        "Two runs",
        h(
          "p",
          null,
          "The first ",
          num(report, "shared_events"),
          " events are the same in both.",
          first
            ? [" They differ from event ", num(report, "first_difference.event"), ` on, at ${instant(first.time_us, 10)}.`]
            : " They do not differ.",
        ),
        first
          ? h(
              "div",
              { class: "pair" },
              h("p", null, h("b", null, "first run: "), words(report, "first_difference.left")),
              h("p", null, h("b", null, "second run: "), words(report, "first_difference.right")),
            )
          : null,
        compareHeads(report, left, right),
      ),
      ...diagrams(app),
      compareNumbers(report),
    ),
  );
}

/** The two diagrams, with as many events before and after the difference in both, so that they stand under each other.
 * @param {App} app @returns {HTMLElement[]} */
function diagrams(app) {
  const models = [app.model, app.model2];
  const width = Math.max(330, Math.min(1400, document.documentElement.clientWidth - 60)),
    budget = Math.max(16, Math.floor(width / 22));
  let before = Math.floor(budget * 0.45),
    after = Math.ceil(budget * 0.55);
  for (const model of models) {
    if (!model) continue;
    const { rows } = model.shown({ routine: false, clients: true }),
      place = lowerBound(rows, differenceRow(app, model));
    before = Math.min(before, place);
    after = Math.min(after, Math.max(1, rows.length - place));
  }
  return models.map((model, which) => diagramOf(app, model, which, { width, before, after }));
}

/** The row at which a run parts from the other. @param {App} app @param {Model} model @returns {number} */
function differenceRow(app, model) {
  const event = app.report.first_difference?.event ?? app.report.shared_events ?? 0;
  return Math.min(model.rows - 1, Math.max(0, lowerBound(model.trace.events.number, event)));
}

/** @param {Json} report @param {Json} left @param {Json} right @returns {HTMLElement} */
function compareHeads(report, left, right) {
  const head = (/** @type {Json} */ run, /** @type {number} */ i) =>
    h(
      "div",
      null,
      h(
        "p",
        null,
        badge(run.verdict ?? "unknown", `runs.${i}.verdict`),
        " ",
        h("b", null, words(report, `runs.${i}.scenario`)),
        ", seed ",
        num(report, `runs.${i}.seed`),
      ),
      run.replay ? h("p", null, h("code", null, words(report, `runs.${i}.replay`))) : null,
    );
  return h("div", { class: "pair" }, head(left, 0), head(right, 1));
}

/** @param {App} app @param {Model | null} model @param {number} which @param {{width: number, before: number, after: number}} size @returns {HTMLElement} */
function diagramOf(app, model, which, { width, before, after }) {
  const title = which === 0 ? "First run" : "Second run";
  if (!model) return card(title, h("p", { class: "mut" }, "its trace is not in this page"));
  const row = differenceRow(app, model);
  const shown = model.shown({ routine: false, clients: true });
  const place = lowerBound(shown.rows, row),
    height = 108 + 28 * model.lanes.length;
  const part = clampPart(shown.rows, place - before, place + after);
  const box = h("div", { class: "diagram static", style: `height:${height}px` });
  const scene = buildScene(model, {
    row,
    axis: "rank",
    parts: [part],
    shown,
    width,
    height,
    story: [],
    violations: model.trace.violations.map((violation) => violation.row),
    cone: false,
    veil: false,
    clients: true,
    routine: false,
    ring: app.report.first_difference ? row : -1,
    ringText: "first difference",
  });
  paint(box, scene, width, height, `${title}, around the first difference: ${model.describe(row)}`);
  const lines = [];
  for (let i = part.from; i < part.to; i++) {
    const at = shown.rows[i];
    lines.push(
      h(
        "li",
        { class: at < row ? "same" : at === row ? "first" : null },
        h("b", null, "e" + grouped(model.trace.events.number[at])),
        ` ${instant(model.trace.events.t[at], 10)} ${model.describe(at)}`,
      ),
    );
  }
  return card(title, box, h("details", null, h("summary", null, "the same events in words"), h("ol", { class: "events-in-words" }, lines)));
}

/** The counters that differ. @param {Json} report @returns {HTMLElement | null} */
function compareNumbers(report) {
  const [left, right] = report.runs ?? [{}, {}];
  const names = [...new Set([...Object.keys(left.counters ?? {}), ...Object.keys(right.counters ?? {})])].filter(
    (name) => left.counters?.[name] !== right.counters?.[name],
  );
  const verdicts = (left.properties ?? [])
    .map((/** @type {Json} */ property, /** @type {number} */ i) => ({
      property,
      i,
      j: (right.properties ?? []).findIndex((/** @type {Json} */ other) => other.name === property.name),
    }))
    .filter((/** @type {any} */ { property, j }) => j >= 0 && right.properties[j].verdict !== property.verdict);
  return card(
    "What differs in the end",
    grid(
      "Properties with another verdict",
      ["property", "first run", "second run"],
      verdicts.map((/** @type {any} */ { property, i, j }) => [
        property.name,
        badge(property.verdict, `runs.0.properties.${i}.verdict`),
        badge(right.properties[j].verdict, `runs.1.properties.${j}.verdict`),
      ]),
    ),
    grid(
      "Counters that differ",
      ["counter", "first run", "second run"],
      names.map((name) => [name.replaceAll("_", " "), num(report, `runs.0.counters.${name}`), num(report, `runs.1.counters.${name}`)]),
      "numbers",
    ),
  );
}
