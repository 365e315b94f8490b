// Why: the sentences of a violation, each linked to its event; the checks as they stand at the cursor; the causes of an event.

/** The sentences that explain a violation, and where report.json has them.
 * @param {Json} report @param {number} index @returns {{path: string, event: number, time_us: number, text: string, evidence: boolean}[]} */
function sentencesOf(report, index) {
  const violation = report.violations?.[index];
  if (!violation) return [];
  return factsOf(report, index, violation.story?.length ? "story" : "why");
}

/** The facts of a list of a violation: its short story, or the longer "why" with all that led to it.
 * @param {Json} report @param {number} index @param {"story" | "why"} name @returns {{path: string, event: number, time_us: number, text: string, evidence: boolean}[]} */
function factsOf(report, index, name) {
  return (report.violations?.[index]?.[name] ?? []).map((/** @type {Json} */ fact, /** @type {number} */ i) => ({
    path: `violations.${index}.${name}.${i}`,
    event: fact.event,
    time_us: fact.time_us,
    text: fact.text,
    evidence: fact.evidence ?? true,
  }));
}

/** @param {HTMLElement} host @param {App} app */
function renderWhy(host, app) {
  const { report, model } = app;
  const sentences = sentencesOf(report, app.violation);
  const violation = report.violations?.[app.violation];
  fill(
    host,
    violation ? h("h2", null, report.verdict === "excused" ? "What failed, and is excused" : "Why it failed") : h("h2", null, "This run"),
    violation ? violationChoice(app) : quietWords(report),
    sentences.length
      ? h(
          "ol",
          { class: "why" },
          sentences.map((fact, i) => whyItem(app, fact, sentences, storyRows()[i])),
        )
      : null,
    violation ? longWhy(app) : null,
    violation
      ? h(
          "p",
          { class: "rule" },
          h("b", null, "The rule. "),
          h("span", { "data-path": `violations.${app.violation}.statement` }, violation.statement),
          ".",
        )
      : null,
    model ? checksPanel(app) : null,
    model ? causesPanel(app) : null,
  );
}

/** Whether the long list is open: it is built anew at each step.  */
let longWhyOpen = false;

/** All that led to a violation, when that is more than its story. @param {App} app @returns {HTMLElement | null} */
function longWhy(app) {
  const facts = factsOf(app.report, app.violation, "why"),
    story = sentencesOf(app.report, app.violation);
  if (facts.length <= story.length) return null;
  const list = h(
    "details",
    { class: "long-why", open: longWhyOpen, toggle: () => (longWhyOpen = /** @type {HTMLDetailsElement} */ (list).open) },
    h("summary", null, `How it came to that, in ${facts.length} steps`),
    h(
      "ol",
      null,
      facts.map((fact) => whyItem(app, fact, facts)),
    ),
  );
  return list;
}

/** @param {Json} report @returns {HTMLElement} */
function quietWords(report) {
  const vacuous = (report.properties ?? []).filter((/** @type {Json} */ property) => property.verdict === "vacuous").length;
  return h(
    "p",
    null,
    "No property was violated.",
    vacuous ? ` ${plural(vacuous, "property was", "properties were")} never exercised: a pass of those says nothing.` : "",
  );
}

/** @param {App} app @returns {HTMLElement | null} */
function violationChoice(app) {
  const all = app.report.violations ?? [];
  if (all.length < 2) return null;
  const options = all.map((/** @type {Json} */ violation, /** @type {number} */ i) =>
    h(
      "option",
      { value: i, selected: i === app.violation },
      `${i + 1} of ${all.length}: ${violation.property}, event ${grouped(violation.event)}`,
    ),
  );
  return h(
    "label",
    { class: "choice" },
    h("span", { class: "offstage" }, "which violation"),
    h(
      "select",
      {
        id: "violation",
        change: (/** @type {Event} */ event) => chooseViolation(Number(/** @type {HTMLSelectElement} */ (event.target).value)),
      },
      options,
    ),
  );
}

/** @param {App} app @param {{path: string, event: number, time_us: number, text: string, evidence: boolean}} fact @param {{event: number}[]} all @param {number} [known] its row @returns {HTMLElement} */
function whyItem(app, fact, all, known) {
  const row = known ?? (app.model ? app.model.rowOfEvent(fact.event) : -1);
  const now = app.model ? app.model.trace.events.number[app.row] : -1;
  const next = all.find((other) => other.event > fact.event);
  const here = fact.event <= now && (!next || next.event > now);
  return h(
    "li",
    { class: here ? "on" : null, "aria-current": here ? "step" : null },
    h(
      "a",
      { href: `#e=${fact.event}`, "data-row": row, title: instant(fact.time_us, 10), click: jumpTo(row) },
      h("span", { "data-path": fact.path + ".event", "data-value": fact.event }, "e" + grouped(fact.event)),
    ),
    " ",
    h("span", { "data-path": fact.path + ".text" }, fact.text),
  );
}

/** What is allowed by design although it looks like a violation, and which faults excuse one. @param {App} app @returns {HTMLElement | null} */
function notesCard(app) {
  const { report } = app,
    notes = report.notes ?? [],
    excuses = report.excuses ?? [];
  if (notes.length === 0 && excuses.length === 0) return null;
  return card(
    "Notes",
    notes.length ? h("p", { class: "mut" }, "Allowed by design, though it would break the property otherwise:") : null,
    notes.map((/** @type {Json} */ note, /** @type {number} */ i) => noteItem(app, note, i)),
    excuses.length
      ? h("p", { class: "mut" }, "Faults outside the model that have done their work. What fails after them is excused:")
      : null,
    h(
      "ul",
      null,
      excuses.map((/** @type {Json} */ excuse, /** @type {number} */ i) =>
        h(
          "li",
          null,
          eventLink(app, `excuses.${i}.event`),
          " ",
          words(report, `excuses.${i}.what`),
          excuse.server ? [" at server ", num(report, `excuses.${i}.server`)] : null,
          " (",
          words(report, `excuses.${i}.fault`),
          ")",
        ),
      ),
    ),
  );
}

/** @param {App} app @param {Json} note @param {number} i @returns {HTMLElement} */
function noteItem(app, note, i) {
  const story = (note.story ?? []).map((/** @type {Json} */ _, /** @type {number} */ k) =>
    h("li", null, eventLink(app, `notes.${i}.story.${k}.event`), " ", words(app.report, `notes.${i}.story.${k}.text`)),
  );
  return h(
    "details",
    null,
    h(
      "summary",
      null,
      h("b", null, words(app.report, `notes.${i}.property`)),
      " ",
      words(app.report, `notes.${i}.kind`),
      ", ",
      num(app.report, `notes.${i}.count`),
      note.count === 1 ? " time" : " times",
    ),
    h("ul", null, story),
  );
}

/** @typedef {{name: string, state: "violated" | "holds" | "asleep", exercised: number, first: boolean}} CheckNow */

/** Every property as it stands after a row. @param {App} app @returns {CheckNow[]} */
function checksAt(app) {
  const model = /** @type {Model} */ (app.model),
    { checks, violations } = model.trace;
  const sample = lowerBound(checks.row, app.row + 1) - 1;
  const counts = sample < 0 ? [] : (checks.exercised[sample] ?? []);
  const past = violations.filter((violation) => violation.row <= app.row).sort((a, b) => a.row - b.row);
  const broken = new Set(
    past.flatMap(({ index }) => [app.report.violations?.[index]?.property, ...(app.report.violations?.[index]?.also ?? [])]),
  );
  const first = past.length ? app.report.violations?.[past[0].index]?.property : null;
  return (app.report.properties ?? []).map((/** @type {Json} */ property, /** @type {number} */ i) => ({
    name: property.name,
    exercised: counts[i] ?? 0,
    first: property.name === first,
    state: broken.has(property.name) ? "violated" : (counts[i] ?? 0) > 0 ? "holds" : "asleep",
  }));
}

/** @param {App} app @returns {HTMLElement | null} */
function checksPanel(app) {
  const checks = checksAt(app);
  if (checks.length === 0) return null;
  const count = (/** @type {string} */ state) => checks.filter((check) => check.state === state).length;
  const marks = { violated: "✗", holds: "✓", asleep: "·" };
  const words = { violated: "violated", holds: "holds so far", asleep: "not exercised yet" };
  return h(
    "section",
    { class: "checks" },
    h("h3", null, "Checks at this event"),
    h("p", null, `${count("violated")} violated, ${count("holds")} hold so far, ${count("asleep")} not exercised yet`),
    h(
      "ul",
      { class: "lane-of-checks" },
      checks.map((check) =>
        h(
          "li",
          {
            class: `${check.state}${check.first ? " first" : ""}`,
            title: `${check.name}: ${words[check.state]} (${plural(check.exercised, "judgement")})`,
          },
          h("span", { "aria-hidden": "true" }, marks[check.state]),
          h("span", { class: "offstage" }, `${check.name}: ${words[check.state]}, `),
        ),
      ),
    ),
    checkNames(checks, words),
    h(
      "p",
      { class: "names" },
      checks.filter((check) => check.state === "violated").map((check, i) => [i ? ", " : "", h("span", { class: "bad-text" }, check.name)]),
    ),
  );
}

/** Whether the list of names is open. */
let checkNamesOpen = false;

/** @param {CheckNow[]} checks @param {Record<string, string>} words @returns {HTMLElement} */
function checkNames(checks, words) {
  const list = h(
    "details",
    { open: checkNamesOpen, toggle: () => (checkNamesOpen = /** @type {HTMLDetailsElement} */ (list).open) },
    h("summary", null, "by name"),
    h(
      "ul",
      null,
      checks.map((check) =>
        h(
          "li",
          { class: check.state === "violated" ? "bad-text" : check.state === "asleep" ? "mut" : null },
          `${check.name}: ${words[check.state]}, ${plural(check.exercised, "judgement")}`,
        ),
      ),
    ),
  );
  return list;
}

/** The event at the cursor in full, with what it followed from and what it led to. @param {App} app @returns {HTMLElement} */
function causesPanel(app) {
  const model = /** @type {Model} */ (app.model),
    { row } = app;
  const { cause, number, node, t } = model.trace.events;
  const previous = /** @type {Int32Array} */ (model.previous)[row];
  /** @param {number} at @param {string} words @returns {HTMLElement} */
  const item = (at, words) =>
    h(
      "li",
      null,
      h("a", { href: `#e=${model.nameOf(at)}`, "data-row": at, click: jumpTo(at) }, "e" + grouped(number[at])),
      ` ${words}: ${model.describe(at)}`,
    );
  const causes = [];
  if (cause[row] >= 0)
    causes.push(
      item(
        cause[row],
        `${span(t[row] - t[cause[row]])} before, ${cause[row] === previous ? "and the last at this node" : model.trace.kinds[model.trace.events.kind[row]].class === "message" ? "where it was sent" : "which set it off"}`,
      ),
    );
  if (previous >= 0 && previous !== cause[row])
    causes.push(item(previous, `${span(t[row] - t[previous])} before, the last at ${model.shortName(node[row])}`));
  const effects = model.effectsOf(row).filter((at) => at <= lastAllowed(app)),
    shown = effects.slice(0, 6);
  return h(
    "section",
    { class: "causes" },
    h("h3", null, "This event"),
    h("p", null, h("b", null, `e${grouped(number[row])} `), model.describe(row)),
    h("h3", null, "Causes"),
    causes.length ? h("ul", null, causes) : h("p", { class: "mut" }, "Nothing in this trace came before it."),
    effects.length
      ? [
          h("h3", null, "Led to"),
          h(
            "ul",
            null,
            shown.map((at) => item(at, `${span(t[at] - t[row])} later`)),
            effects.length > shown.length ? h("li", { class: "mut" }, `and ${grouped(effects.length - shown.length)} more`) : null,
          ),
        ]
      : null,
    h(
      "p",
      { class: "mut" },
      key("["),
      " walks back along causes, ",
      key("]"),
      " returns, ",
      key("c"),
      " dims all that is not in the causal past.",
    ),
  );
}

/** @param {string} name @returns {HTMLElement} */
function key(name) {
  return h("kbd", null, name);
}

/** A listener that seeks to a row. @param {number} row @returns {(event: Event) => void} */
function jumpTo(row) {
  return (event) => {
    event.preventDefault();
    if (row >= 0) jump(row);
  };
}
