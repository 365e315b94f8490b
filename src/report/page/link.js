// The address of what is seen: everything after # is enough to come back to it. Steps replace the address, jumps add to the
// browser's history, so that its back button undoes a jump.

/** @returns {string} */
function addressOf() {
  const parts = [];
  if (app.model && app.view !== "summary") parts.push(`e=${app.model.nameOf(app.row)}`);
  if (app.violation > 0) parts.push(`v=${app.violation}`);
  if (app.view !== app.firstView) parts.push(`view=${app.view}`);
  if (app.axis !== app.firstAxis) parts.push(`axis=${app.axis}`);
  if (app.node >= 0 && app.model) parts.push(`n=${encodeURIComponent(app.model.trace.nodes[app.node].short)}`);
  if (app.search.query) parts.push(`z=${encodeURIComponent(app.search.query)}`);
  if (app.op >= 0) parts.push(`op=${app.op}`);
  if (app.lesson && !app.lesson.on) parts.push("m=plain");
  return "#" + parts.join("&");
}

/** @param {"push" | "replace"} how */
function writeAddress(how) {
  const address = addressOf();
  if (address === location.hash || (address === "#" && location.hash === "")) return;
  if (how === "push") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/** Takes over what the address says. Unknown or broken parts are ignored: an old link must still open. */
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = (/** @type {string} */ name) => (/^\d+$/.test(given.get(name) ?? "") ? Number(given.get(name)) : -1);
  const view = given.get("view");
  if (given.get("m") === "plain" && app.lesson) app.lesson.on = false;
  app.view = view && VIEWS.some(([name]) => name === view) ? view : given.has("e") && app.model ? "player" : app.firstView;
  if (isVeiled(app) && app.view !== "glossary") app.view = "player";
  const axis = given.get("axis");
  if (axis === "time" || axis === "rank" || axis === "causal") Object.assign(app, { axis, axisNote: "chosen" });
  if (number("v") >= 0) app.violation = Math.min(number("v"), Math.max(0, (app.report.violations?.length ?? 1) - 1));
  if (given.get("term")) app.term = given.get("term") ?? "";
  if (!app.model) return;
  app.node = app.model.trace.nodes.findIndex((node) => node.short === given.get("n"));
  if (number("op") >= 0 && number("op") < app.model.trace.operations.node.length) app.op = number("op");
  const row = app.model.rowNamed(given.get("e") ?? "");
  if (row >= 0) app.row = Math.min(row, lastAllowed(app));
  const query = given.get("z");
  if (query) app.search = { query, hits: findRows(app.model, query, lastAllowed(app)), place: 0 };
}
