// From the state to the screen: the header, the views, the diagram, the transport. Nothing here decides anything.

/** @returns {boolean} */
function hasPlots() {
  const template = document.getElementById("plots");
  const waiting = template instanceof HTMLTemplateElement ? template.content.childElementCount : 0;
  return waiting > 0 || document.querySelector("#view-plots figure") !== null;
}

/** The views: name, title, whether a report has it. @type {[string, string, (report: Json) => boolean][]} */
const VIEWS = [
  ["player", "Replay", (report) => report.kind !== "sweep" && report.kind !== "compare"],
  ["summary", "Summary", (report) => report.kind !== "sweep" && report.kind !== "compare"],
  ["sweep", "Sweep", (report) => report.kind === "sweep"],
  ["compare", "Comparison", (report) => report.kind === "compare"],
  ["history", "Client history", (report) => report.kind !== "sweep" && report.kind !== "compare"],
  ["faults", "Faults", (report) => report.kind !== "sweep" && report.kind !== "compare"],
  ["plots", "Plots", () => hasPlots()],
  ["guarantees", "Guarantees", () => true],
  ["glossary", "Glossary", () => true],
];

/** The one way to the screen. What had the focus has it again, although its element is a new one. */
function render() {
  const focus = markFocus();
  draw();
  restoreFocus(focus);
}

/** @typedef {{container: Element, index: number, id: string}} FocusMark */

const FOCUSABLE = "button, a[href], select, input, summary, [tabindex]";

/** Where the focus is: in which part of the page, and which of its controls. @returns {FocusMark | null} */
function markFocus() {
  const element = document.activeElement;
  const container = element?.closest("#why, #servers, #options, #tabs, #command, #events, #transport, main > section");
  if (!element || !container) return null;
  return { container, index: [...container.querySelectorAll(FOCUSABLE)].indexOf(element), id: element.id };
}

/** @param {FocusMark | null} mark */
function restoreFocus(mark) {
  if (!mark || (document.activeElement && document.activeElement !== document.body)) return;
  const again = (mark.id && document.getElementById(mark.id)) || mark.container.querySelectorAll(FOCUSABLE)[mark.index];
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/** Draws what is seen. */
function draw() {
  const veiled = isVeiled(app);
  document.body.dataset["view"] = app.view;
  document.body.classList.toggle("lesson", veiled);
  renderHeader(veiled);
  renderTabs(veiled);
  for (const [name] of VIEWS) byId(`view-${name}`).hidden = name !== app.view;
  const host = byId(`view-${app.view}`);
  byId("transport").hidden = !app.model || !(app.view === "player" || app.view === "history");
  if (app.model) renderTransport();
  if (app.view === "player") renderPlayer(veiled);
  else if (app.view === "summary") renderSummary(host, app);
  else if (app.view === "history") renderHistory(host, app);
  else if (app.view === "faults") renderFaults(host, app);
  else if (app.view === "guarantees") renderGuarantees(host, app);
  else if (app.view === "glossary") renderGlossary(host, app);
  else if (app.view === "sweep") renderSweep(host, app);
  else if (app.view === "compare") renderCompare(host, app);
}

/** @param {boolean} veiled */
function renderHeader(veiled) {
  const { report } = app,
    host = byId("verdict");
  if (veiled && app.lesson) {
    fill(host, h("span", { class: "badge big quiet" }, "lesson"), " ", h("b", null, app.lesson.title));
    return fill(byId("command"), lessonSwitch());
  }
  if (report.kind === "sweep")
    fill(
      host,
      h("span", { class: "badge big quiet" }, "sweep"),
      " ",
      h(
        "b",
        null,
        report.scenarios?.length === 1 ? report.scenarios[0] : report.scenarios ? `${report.scenarios.length} scenarios` : "many seeds",
      ),
      " ",
      ...sweepWords(report),
    );
  else if (report.kind === "compare")
    fill(
      host,
      h("span", { class: "badge big quiet" }, "compare"),
      " ",
      h(
        "b",
        null,
        [...new Set((report.runs ?? []).map((/** @type {Json} */ run) => `${run.scenario}, seed ${run.seed}`))].join(" and ") || "two runs",
      ),
    );
  else fill(host, app.lesson?.on ? [h("b", null, app.lesson.title), " "] : null, ...runHeader(report));
  const button = h("button", { id: "copy", click: () => copyText(button, report.replay) }, "copy");
  fill(byId("command"), report.replay ? [h("code", { id: "replay" }, report.replay), button] : null, app.lesson ? lessonSwitch() : null);
}

/** @param {Json} report @returns {Child[]} */
function sweepWords(report) {
  const { violated = 0 } = report.verdicts ?? {};
  return [violated ? h("span", { class: "bad-text" }, plural(violated, "run"), " violated a property") : "no property was violated"];
}

/** @param {Json} report @returns {Child[]} */
function runHeader(report) {
  const violation = report.violations?.[app.violation],
    i = app.violation;
  const [mark, tone] = MARKS[report.verdict] ?? ["·", "quiet"];
  const head = h(
    "span",
    { class: `badge big ${tone}` },
    h("span", { "aria-hidden": "true" }, mark + " "),
    h("span", { "data-path": "verdict" }, report.verdict ?? "?"),
  );
  if (!violation)
    return [
      head,
      " ",
      h("b", null, words(report, "scenario")),
      h(
        "span",
        { class: "mut" },
        ` seed ${report.seed}, ${plural(report.events ?? 0, "event")}, ${span((report.virtual_ms ?? 0) * 1000)} of virtual time`,
      ),
    ];
  const subject = violationSubject(),
    node = subject >= 0 && app.model ? app.model.trace.nodes[subject].name : "";
  const others = (report.properties ?? []).filter((/** @type {Json} */ property) => property.verdict === "holds").length;
  return [
    head,
    " ",
    h("b", { id: "rule", "data-path": `violations.${i}.property` }, violation.property),
    node ? [" at ", h("span", { id: "subject" }, node)] : null,
    ", ",
    h("span", { "data-path": `violations.${i}.time_us`, "data-value": violation.time_us }, `t = ${instant(violation.time_us, 100)}`),
    ", event ",
    h("span", { "data-path": `violations.${i}.event`, "data-value": violation.event }, grouped(violation.event)),
    h(
      "span",
      { class: "mut" },
      `  (${report.scenario}, seed ${report.seed}; ${plural(others, "other property holds", "other properties hold")})`,
    ),
  ].flat();
}

/** @returns {HTMLElement} */
function lessonSwitch() {
  return h(
    "button",
    {
      id: "lesson-switch",
      "aria-pressed": app.lesson?.on ? "true" : "false",
      click: () => {
        if (!app.lesson) return;
        app.lesson.on = !app.lesson.on;
        seek(app.row, "replace");
      },
    },
    app.lesson?.on ? "lesson: on" : "lesson: off",
  );
}

/** @param {boolean} veiled */
function renderTabs(veiled) {
  const tabs = VIEWS.filter(([name, , has]) => has(app.report) && (!veiled || name === "player" || name === "glossary"));
  fill(
    byId("tabs"),
    tabs.map(([name, title]) =>
      h("button", { "data-tab": name, "aria-current": app.view === name ? "page" : null, click: () => showView(name) }, title),
    ),
    h("span", { class: "grow" }),
    loadButton(),
    h("button", { class: "plain", id: "help-button", "aria-label": "help: keys", click: () => showHelp() }, "?"),
  );
}

/** @param {boolean} veiled */
function renderPlayer(veiled) {
  const model = app.model;
  byId("no-trace").hidden = !!model;
  byId("stage").hidden = byId("servers").hidden = !model;
  if (!model) {
    renderWhy(byId("why"), app);
    return fill(byId("no-trace"), missingTrace(app));
  }
  if (app.lesson?.on) renderLesson(byId("why"), app);
  else renderWhy(byId("why"), app);
  drawDiagram(veiled);
  const row = violationRow(),
    at = row >= 0 && app.row >= row && !veiled;
  const sentences = sentencesOf(app.report, app.violation);
  const moment = momentAt(
    model,
    app.row,
    at ? violationSubject() : -1,
    at ? (sentences[sentences.length - 1]?.text ?? "") : "",
    veiled,
    rowBefore(),
  );
  renderServers(byId("servers"), model, moment, chooseNode, app.node);
  app.table ??= makeTable(
    byId("events"),
    (chosen) => jump(chosen),
    (by) => step(by),
  );
  updateTable(app.table, model, shownNow().rows, app.row, veiled);
}

/** The shown row before the cursor; hidden rows between the two may be many, and then only the cursor's counts. @returns {number} */
function rowBefore() {
  const { rows } = shownNow(),
    place = lowerBound(rows, app.row);
  return place > 0 && app.row - rows[place - 1] < 200 ? rows[place - 1] : app.row - 1;
}

/** @param {boolean} veiled @returns {Look} */
function lookNow(veiled) {
  const model = /** @type {Model} */ (app.model),
    host = byId("diagram");
  const violation = app.report.violations?.[app.violation];
  return {
    row: app.row,
    axis: app.axis,
    parts: app.parts,
    shown: shownNow(),
    width: Math.max(280, host.clientWidth),
    height: Math.max(260, host.clientHeight),
    story: storyRows(),
    violations: model.trace.violations.map((one) => one.row),
    cone: app.cone,
    veil: veiled,
    clients: app.filter.clients,
    routine: app.filter.routine,
    ring: violationRow(),
    ringText: violation ? `violated: ${violation.property}` : "",
  };
}

/** @param {boolean} veiled */
function drawDiagram(veiled) {
  const model = /** @type {Model} */ (app.model);
  updateParts();
  renderOptions(veiled);
  renderNotes(model);
  const look = lookNow(veiled || isVeiled(app));
  const scene = (app.scene = buildScene(model, look));
  const host = byId("diagram");
  paint(
    host,
    scene,
    look.width,
    look.height,
    `Space-time diagram, ${plural(scene.frame.count, "event")} in view. ${model.describe(app.row)}`,
  );
  const strip = /** @type {HTMLCanvasElement} */ (byId("overview"));
  drawOverview(strip, model, look, scene.frame, look.width, byId("strip").clientHeight);
}

/** @param {boolean} veiled */
function renderOptions(veiled) {
  const model = /** @type {Model} */ (app.model);
  const axes = /** @type {Axis[]} */ (["time", "rank", "causal"]);
  const titles = { time: "virtual time", rank: "one step for each event", causal: "depth in the chain of causes" };
  const hidden = model.rows - model.shown({ routine: false, clients: app.filter.clients }).rows.length;
  const check = (/** @type {"routine" | "clients"} */ name, /** @type {string} */ text) =>
    h(
      "label",
      null,
      h("input", { type: "checkbox", id: `show-${name}`, checked: app.filter[name], change: () => toggleFilter(name) }),
      " " + text,
    );
  fill(
    byId("options"),
    h(
      "span",
      { role: "group", "aria-label": "axis", class: "choices" },
      axes.map((axis) =>
        h(
          "button",
          { id: `axis-${axis}`, title: titles[axis], "aria-pressed": app.axis === axis ? "true" : "false", click: () => chooseAxis(axis) },
          axis,
        ),
      ),
    ),
    h("button", { id: "zoom-in", "aria-label": "closer", click: () => zoom(0.6) }, "+"),
    h("button", { id: "zoom-out", "aria-label": "farther", click: () => zoom(1.6) }, "−"),
    h("button", { id: "zoom-all", click: () => zoom(Infinity) }, "all"),
    app.report.violations?.length && !veiled
      ? h("button", { id: "to-story", "aria-pressed": app.story ? "true" : "false", click: () => showStory() }, "story")
      : null,
    h(
      "button",
      {
        id: "cone",
        title: "dim all that is not in the causal past of the event",
        "aria-pressed": app.cone ? "true" : "false",
        click: () => toggle("cone"),
      },
      "cone",
    ),
    check("routine", `routine events (${grouped(hidden)}${app.filter.routine ? "" : " hidden"})`),
    check("clients", "clients"),
  );
}

/** What is not in the picture is said beside it. @param {Model} model */
function renderNotes(model) {
  const { trace } = model;
  const thinned =
    trace.count < trace.total
      ? `${grouped(trace.count)} of ${grouped(trace.total)} events are in this page: those around each violation and what led to it; states are exact. Load run.zt for all. `
      : "";
  const dense =
    app.parts.reduce((sum, part) => sum + part.to - part.from, 0) > DENSE
      ? "So many events are in view that heights stand for numbers of events; go closer for messages. "
      : "";
  fill(byId("notes"), thinned, dense, app.axisNote === "chosen" ? "" : app.axisNote ? `The axis is ${app.axisNote}. ` : "", app.message);
}

/** The bar at the bottom: steps, place, and the event in one sentence. */
function renderTransport() {
  const model = /** @type {Model} */ (app.model);
  const { number, t } = model.trace.events;
  const slider = /** @type {HTMLInputElement} */ (byId("place")),
    { rows } = shownNow();
  slider.max = String(rows.length - 1);
  slider.value = String(lowerBound(rows, app.row));
  slider.setAttribute("aria-valuetext", `event ${number[app.row]}`);
  byId("play").textContent = app.playing ? "❚❚ pause" : "▶ play";
  byId("where").textContent = `e${grouped(number[app.row])} of ${grouped(model.trace.total)}, ${instant(t[app.row], 10)}`;
  byId("say").textContent = model.describe(app.row);
  byId("found").textContent = searchWords();
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  if (document.activeElement !== search) search.value = app.search.query;
}

/** @returns {HTMLElement} */
function loadButton() {
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      type: "file",
      class: "offstage",
      accept: ".zt,.gz,application/gzip",
      "aria-label": "trace file",
      tabindex: "-1",
      change: () => {
        const file = input.files?.[0];
        if (file) loadFile(file);
      },
    })
  );
  return h(
    "span",
    null,
    input,
    h(
      "button",
      { class: "plain", title: "load a run.zt; it may also be dropped anywhere on the page", click: () => input.click() },
      "load trace",
    ),
  );
}
