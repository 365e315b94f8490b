// Starts the page: reads the report and the trace that Rust put into it, wires the controls, draws once.

/** @param {string} title @param {string} text */
function showProblem(title, text) {
  const host = byId("problem");
  host.hidden = false;
  fill(host, h("b", null, title), " ", text, " ", h("button", { click: () => (host.hidden = true) }, "close"));
}

/** What a script element of the page holds. @param {string} id @returns {string} */
function embedded(id) {
  return document.getElementById(id)?.textContent?.trim() ?? "";
}

/** @param {string} id @returns {Promise<Model | null>} */
async function embeddedModel(id) {
  const text = embedded(id);
  if (!text) return null;
  return new Model(await readTrace(decodeBase64(text)));
}

/** Takes a trace from a file. @param {Blob} file */
async function loadFile(file) {
  try {
    const model = new Model(await readTrace(file));
    useModel(model);
    const whole = app.report.events;
    app.message = `The trace was loaded from ${/** @type {File} */ (file).name || "a file"}.${whole !== undefined && model.trace.total !== whole ? ` It has ${grouped(model.trace.total)} events, this report ${grouped(whole)}: it is probably of another run.` : ""}`;
    app.view = app.report.kind === "sweep" || app.report.kind === "compare" ? app.view : "player";
    render();
  } catch (problem) {
    showProblem("This trace cannot be shown.", /** @type {Error} */ (problem).message);
  }
}

/** Makes a trace the one that is played. @param {Model} model */
function useModel(model) {
  const event = app.model?.trace.events.number[app.row];
  Object.assign(app, {
    model,
    parts: [],
    story: violationRowIn(model) >= 0,
    op: -1,
    historyRange: [0, 0],
    historyRow: -1,
    search: { query: "", hits: new Int32Array(0), place: 0 },
  });
  app.lesson ??= readLesson(app.report, model);
  app.row = event === undefined ? Math.max(0, violationRowIn(model)) : model.rowOfEvent(event);
}

/** @param {Model} model @returns {number} */
function violationRowIn(model) {
  const violation = app.report.violations?.[app.violation];
  return violation ? (model.violationAt(app.violation)?.row ?? model.rowOfEvent(violation.event)) : -1;
}

/** Decides what is seen first: the violation, a lesson's first question, or the summary of a run that passed. */
function chooseFirst() {
  const { kind } = app.report;
  app.firstView =
    kind === "sweep" ? "sweep" : kind === "compare" ? "compare" : app.report.violations?.length || app.lesson ? "player" : "summary";
  app.view = app.firstView;
  if (app.lesson?.on) Object.assign(app, { row: lastAllowed(app), story: false });
  if (app.lesson) document.title = app.lesson.title;
}

/** @param {HTMLElement} host @param {(event: MouseEvent) => number} rowAt */
function wireDiagram(host, rowAt) {
  const tip = byId("tip");
  let grabbed = -1,
    moved = false;
  host.addEventListener("click", (event) => {
    if (!moved && rowAt(event) >= 0) jump(rowAt(event));
  });
  host.addEventListener("pointerdown", (event) => {
    grabbed = event.clientX;
    moved = false;
  });
  addEventListener("pointerup", () => (grabbed = -1));
  host.addEventListener("pointermove", (event) => {
    if (grabbed >= 0 && Math.abs(event.clientX - grabbed) > 12) {
      moved = true;
      pan((grabbed - event.clientX) / host.clientWidth);
      grabbed = event.clientX;
    }
    showTip(tip, host, event, rowAt(event));
  });
  host.addEventListener("pointerleave", () => (tip.hidden = true));
  host.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      if (event.ctrlKey) zoom(event.deltaY > 0 ? 1.25 : 0.8);
      else pan(event.deltaX / host.clientWidth);
    },
    { passive: false },
  );
}

/** @param {HTMLElement} tip @param {HTMLElement} host @param {PointerEvent} event @param {number} row */
function showTip(tip, host, event, row) {
  tip.hidden = row < 0;
  if (row < 0 || !app.model) return;
  tip.textContent = `e${app.model.trace.events.number[row]}  ${instant(app.model.trace.events.t[row], 10)}  ${app.model.describe(row)}`;
  const box = host.getBoundingClientRect(),
    x = event.clientX - box.left;
  tip.style.left = `${Math.max(4, Math.min(x + 12, box.width - 330))}px`;
  tip.style.top = `${event.clientY - box.top + 16}px`;
}

/** The row in the diagram nearest to the pointer, -1 if none is near. @param {MouseEvent} event @returns {number} */
function rowUnder(event) {
  const { scene, model } = app;
  if (!scene || !model) return -1;
  const box = byId("diagram").getBoundingClientRect(),
    x = event.clientX - box.left,
    y = event.clientY - box.top;
  let best = -1,
    least = scene.frame.count > 400 ? 400 : 26;
  const last = isVeiled(app) ? app.row : model.rows;
  for (const segment of scene.frame.segments) {
    if (x < segment.x0 - 10 || x > segment.x1 + 10) continue;
    const stride = Math.max(1, Math.floor((segment.to - segment.from) / 20000));
    for (let i = segment.from; i < segment.to; i += stride) {
      const row = scene.frame.rows[i];
      if (row > last) break;
      const lane = scene.lanes.get(model.trace.events.node[row] - 1) ?? TOP;
      const distance = Math.abs(xOf(scene.frame, row) - x) + Math.abs(lane - y) * 0.5;
      if (distance < least) [best, least] = [row, distance];
    }
  }
  return best;
}

function wireControls() {
  const on = (/** @type {string} */ id, /** @type {() => void} */ act) => byId(id).addEventListener("click", act);
  on("first", () => jump(0));
  on("back", () => step(-1));
  on("play", () => togglePlay());
  on("next", () => step(1));
  on("last", () => jump(lastAllowed(app)));
  const slider = /** @type {HTMLInputElement} */ (byId("place"));
  slider.addEventListener("input", () => seek(shownNow().rows[Number(slider.value)], "replace"));
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && search.value === app.search.query) nextHit(event.shiftKey ? -1 : 1);
    else if (event.key === "Enter") startSearch(search.value);
    else if (event.key === "Escape") search.blur();
  });
  const strip = byId("overview");
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    seekInStrip(event);
  });
  strip.addEventListener("pointermove", (event) => {
    if (event.buttons) seekInStrip(event);
  });
  wireDiagram(byId("diagram"), rowUnder);
  wirePage();
}

/** @param {PointerEvent} event */
function seekInStrip(event) {
  if (!app.model) return;
  const box = byId("overview").getBoundingClientRect();
  seek(app.model.rowOfTime(overviewScale(app.model, box.width).time(event.clientX - box.left)), "replace");
}

function wirePage() {
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", () => {
    readAddress();
    render();
  });
  addEventListener("popstate", () => {
    readAddress();
    render();
  });
  addEventListener("resize", () => {
    if (app.story) app.parts = [];
    render();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => render());
  matchMedia("print").addEventListener("change", () => render());
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) loadFile(file);
  });
}

/** Moves the plots that Rust drew into their view. */
function placePlots() {
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("plots"));
  const host = byId("view-plots");
  if (template?.content) host.append(template.content);
  for (const figure of host.querySelectorAll("figure")) {
    figure.setAttribute("tabindex", "0");
    const drawing = figure.querySelector("svg");
    drawing?.setAttribute("role", "img");
    drawing?.setAttribute("aria-label", figure.querySelector("figcaption")?.textContent ?? "plot");
  }
}

async function start() {
  /** @type {any} */ (window).zablab = handleForTests();
  try {
    app.report = JSON.parse(embedded("report") || "{}");
    placePlots();
    wireControls();
    const [model, model2] = await Promise.all([embeddedModel("trace"), embeddedModel("trace2")]);
    if (model) useModel(model);
    app.model2 = model2;
  } catch (problem) {
    const isTrace = problem instanceof TraceError;
    app.message = isTrace ? `The trace in this page cannot be shown: ${problem.message}` : "";
    showProblem(isTrace ? "The trace in this page cannot be shown." : "This page is damaged.", /** @type {Error} */ (problem).message);
  }
  chooseFirst();
  readAddress();
  render();
  app.firstAxis = app.axis;
  /** @type {any} */ (window).READY = { ms: performance.now(), events: app.model?.rows ?? 0 };
}

/** What tests may ask of the page. */
function handleForTests() {
  return {
    state: () => ({
      view: app.view,
      row: app.row,
      event: app.model?.trace.events.number[app.row],
      axis: app.axis,
      story: app.story,
      parts: app.parts,
      violation: app.violation,
      node: app.node,
      op: app.op,
      cone: app.cone,
      filter: app.filter,
      hits: app.search.hits.length,
      veiled: isVeiled(app),
      marks: app.scene?.marks.length,
      inView: app.scene?.frame.count,
    }),
    servers: () => Array.from(app.model?.stateAt(app.row) ?? []),
    seek: (/** @type {number} */ row) => seek(row, "replace"),
    stateAt: (/** @type {number} */ row) => app.model?.stateAt(row)[0],
    step,
    app,
  };
}

start();
