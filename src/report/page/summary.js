// The run as a whole: verdicts with what was exercised, elections, operations, faults, the end. Every number that also stands in
// report.json carries its path there (data-path), so that a test can compare the two.

/** A number of the report. @param {Json} report @param {string} path @returns {HTMLElement} */
function num(report, path) {
  const value = at(report, path);
  if (value === undefined || value === null) return h("span", { class: "mut" }, "–");
  return h("span", { "data-path": path, "data-value": value }, typeof value === "number" ? grouped(value) : String(value));
}

/** A duration of the report, in microseconds. @param {Json} report @param {string} path @returns {HTMLElement} */
function took(report, path) {
  const value = at(report, path);
  if (typeof value !== "number") return h("span", { class: "mut" }, "–");
  return h("span", { "data-path": path, "data-value": value }, span(value));
}

/** A text of the report. @param {Json} report @param {string} path @returns {HTMLElement} */
function words(report, path) {
  return h("span", { "data-path": path }, String(at(report, path) ?? ""));
}

/** A link to an event of the report. @param {App} app @param {string} path @returns {HTMLElement} */
function eventLink(app, path) {
  const event = at(app.report, path);
  if (typeof event !== "number") return h("span", null, "–");
  const number = h("span", { "data-path": path, "data-value": event }, "e" + grouped(event));
  if (!app.model) return number;
  const row = app.model.rowOfEvent(event);
  return h(
    "a",
    {
      href: `#e=${event}`,
      "data-row": row,
      click: (/** @type {Event} */ e) => {
        e.preventDefault();
        showView("player");
        jump(row);
      },
    },
    number,
  );
}

/** @param {HTMLElement} host @param {App} app */
function renderSummary(host, app) {
  const { report } = app;
  fill(
    host,
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        null,
        headCard(report),
        serversCard(report),
        electionsCard(app),
        operationsCard(report),
        stalenessCard(report),
        watchesCard(report),
        notesCard(app),
        countersCard(report),
        situationsCard(report),
      ),
      h("div", null, propertiesCard(app)),
    ),
  );
}

/** @param {string} title @param {...Child} children @returns {HTMLElement} */
function card(title, ...children) {
  return h("section", { class: "card" }, h("h2", null, title), ...children);
}

/** @param {Json} report @returns {HTMLElement} */
function headCard(report) {
  const pairs = /** @type {[string, Child][]} */ ([
    ["scenario", words(report, "scenario")],
    ["seed", num(report, "seed")],
    ["events", num(report, "events")],
    ["planted", report.mutants?.length ? h("b", { class: "bad-text" }, report.mutants.join(", ")) : null],
    ["virtual time", h("span", { "data-path": "virtual_ms", "data-value": report.virtual_ms }, span((report.virtual_ms ?? 0) * 1000))],
    ["ended", report.ended === undefined ? null : words(report, "ended")],
    ["digest", h("code", null, words(report, "digest"))],
    ["version", report.version === undefined ? null : words(report, "version")],
  ]);
  return card(
    "The run",
    report.about ? h("p", null, words(report, "about")) : null,
    h(
      "p",
      null,
      badge(report.verdict, "verdict"),
      report.expected === undefined
        ? null
        : report.expected
          ? " as the scenario expects"
          : h("b", { class: "bad-text" }, " which is not what the scenario expects"),
    ),
    h(
      "dl",
      null,
      pairs.filter(([, value]) => value).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
    ),
    replayLine(report),
  );
}

/** @param {Json} report @returns {HTMLElement | null} */
function replayLine(report) {
  if (!report.replay) return null;
  const button = h("button", { click: () => copyText(button, report.replay) }, "copy");
  return h("p", { class: "replay" }, h("code", null, words(report, "replay")), button);
}

/** Opens the first violation of a property. @param {App} app @param {string} name @returns {Child} */
function openFirst(app, name) {
  const first = (app.report.violations ?? []).findIndex(
    (/** @type {Json} */ violation) => violation.property === name || violation.also?.includes(name),
  );
  if (first < 0) return null;
  return [
    " ",
    h(
      "button",
      {
        class: "small",
        "aria-label": `open e${app.report.violations[first].event}, the first violation of ${name}`,
        click: () => {
          chooseViolation(first);
          showView("player");
        },
      },
      `open e${app.report.violations[first].event}`,
    ),
  ];
}

/** Violated first, then what was never exercised, then what holds. @param {App} app @returns {HTMLElement} */
function propertiesCard(app) {
  const { report } = app;
  const rank = { violated: 0, excused: 1, undecided: 2, vacuous: 3 };
  const order = (report.properties ?? [])
    .map((/** @type {Json} */ property, /** @type {number} */ i) => ({ property, i }))
    .sort(
      (/** @type {any} */ a, /** @type {any} */ b) =>
        (rank[/** @type {keyof typeof rank} */ (a.property.verdict)] ?? 4) -
          (rank[/** @type {keyof typeof rank} */ (b.property.verdict)] ?? 4) || a.i - b.i,
    );
  const rows = order.map((/** @type {{property: Json, i: number}} */ { property, i }) => [
    h("span", { class: property.verdict === "vacuous" ? "vacuous" : null }, badge(property.verdict, `properties.${i}.verdict`)),
    h("b", null, words(report, `properties.${i}.name`)),
    property.exercised === 0
      ? h("span", { class: "vacuous" }, "never exercised", h("span", { class: "offstage" }, ": ", num(report, `properties.${i}.exercised`)))
      : num(report, `properties.${i}.exercised`),
    h(
      "span",
      null,
      property.statement ? words(report, `properties.${i}.statement`) : null,
      property.sight ? h("span", { class: "mut" }, ` (${property.sight})`) : null,
      property.why ? h("span", { class: "mut" }, " ", words(report, `properties.${i}.why`)) : null,
      property.verdict === "violated" ? openFirst(app, property.name) : null,
    ),
  ]);
  const vacuous = order.filter((/** @type {any} */ entry) => entry.property.verdict === "vacuous");
  return card(
    "Properties",
    vacuous.length
      ? h(
          "p",
          { class: "vacuous-note" },
          h("b", null, `${plural(vacuous.length, "property was", "properties were")} never exercised`),
          ` in this run, so it says nothing about ${vacuous.length === 1 ? "it" : "them"}: ${vacuous.map((/** @type {any} */ entry) => entry.property.name).join(", ")}.`,
        )
      : null,
    grid(
      "What was checked, and how often each property was put to the test",
      ["verdict", "property", "judgements", "what it says"],
      rows,
      "properties",
    ),
  );
}

/** @param {App} app @returns {HTMLElement} */
function electionsCard(app) {
  const { report } = app,
    list = Array.isArray(report.elections) ? report.elections : [];
  const rows = list.map((/** @type {Json} */ election, /** @type {number} */ i) => [
    num(report, `elections.${i}.epoch`),
    `server ${election.leader}`,
    eventLink(app, `elections.${i}.event`),
    took(report, `elections.${i}.time_us`),
    election.took_us === undefined ? "–" : took(report, `elections.${i}.took_us`),
    (election.members ?? []).join(" "),
  ]);
  const syncs = report.syncs ?? null;
  return card(
    "Elections and synchronisation",
    rows.length
      ? grid("Leaders that were established", ["epoch", "leader", "event", "at", "took", "quorum"], rows)
      : h("p", null, num(report, "counters.elections"), " elections"),
    syncs
      ? h(
          "p",
          null,
          Object.keys(syncs).map((kind, i) => [
            i ? ", " : "Synchronised by ",
            num(report, `syncs.${kind}`),
            ` ${kind.toUpperCase().replace("_", " ")}`,
          ]),
          ".",
        )
      : null,
  );
}

/** @param {Json} report @returns {HTMLElement | null} */
function operationsCard(report) {
  const ops = report.operations;
  if (!ops) return null;
  const cells = (/** @type {string} */ path) => ["p50", "p90", "p99", "max"].map((name) => took(report, `${path}.latency_us.${name}`));
  const rows = (ops.by_kind ?? []).map((/** @type {Json} */ kind, /** @type {number} */ i) => [
    h("b", null, words(report, `operations.by_kind.${i}.kind`)),
    num(report, `operations.by_kind.${i}.ok`),
    num(report, `operations.by_kind.${i}.failed`),
    num(report, `operations.by_kind.${i}.unknown`),
    ...cells(`operations.by_kind.${i}`),
  ]);
  rows.push([
    h("b", null, "all"),
    num(report, "operations.ok"),
    num(report, "operations.failed"),
    num(report, "operations.unknown"),
    ...cells("operations"),
  ]);
  return card(
    "Operations",
    grid(
      "What clients asked and how long it took, in virtual time",
      ["operation", "ok", "failed", "unknown", "p50", "p90", "p99", "max"],
      rows,
      "numbers",
    ),
    ops.unsent || ops.open
      ? h(
          "p",
          null,
          num(report, "operations.unsent"),
          " never left their client, ",
          num(report, "operations.open"),
          " were still open at the end.",
        )
      : null,
  );
}

/** @param {Json} report @returns {HTMLElement | null} */
function stalenessCard(report) {
  const stale = report.staleness;
  if (!stale) return null;
  const line = (/** @type {string} */ name) => ["p50", "p90", "p99", "max"].map((part) => num(report, `staleness.${name}.${part}`));
  return card(
    "Staleness of reads",
    h(
      "p",
      null,
      num(report, "staleness.stale"),
      " of ",
      num(report, "staleness.reads"),
      " reads were answered without a write that had been committed before they began. ZooKeeper allows it: a server answers from its own copy.",
    ),
    stale.stale
      ? grid(
          "How far behind stale reads were",
          ["", "p50", "p90", "p99", "max"],
          [
            ["versions", ...line("versions")],
            ["milliseconds", ...line("ms")],
          ],
          "numbers",
        )
      : null,
  );
}

/** @param {Json} report @returns {HTMLElement | null} */
function countersCard(report) {
  const names = Object.keys(report.counters ?? {});
  if (names.length === 0) return null;
  return card(
    "Counted",
    h(
      "dl",
      { class: "counters" },
      names.map((name) => h("div", null, h("dt", null, name.replaceAll("_", " ")), h("dd", null, num(report, `counters.${name}`)))),
    ),
  );
}

/** @param {Json} report @returns {HTMLElement | null} */
function situationsCard(report) {
  const names = Object.keys(report.situations ?? {});
  if (names.length === 0) return null;
  const missed = report.situations_missed ?? [];
  return card(
    report.kind === "sweep" ? "Situations reached, in so many runs" : "Situations reached",
    h(
      "ul",
      { class: "chips" },
      names.map((name) => h("li", null, name, " ", h("b", null, num(report, `situations.${name}`)))),
    ),
    missed.length
      ? h("details", null, h("summary", null, `${plural(missed.length, "situation")} not reached`), h("p", null, missed.join(", ")))
      : null,
  );
}

/** @param {Json} report @returns {HTMLElement | null} */
function serversCard(report) {
  const servers = report.servers ?? [];
  if (servers.length === 0) return null;
  const fields = [
    "role",
    "leader",
    "accepted_epoch",
    "current_epoch",
    "logged",
    "durable",
    "committed",
    "applied",
    "transactions",
    "znodes",
  ];
  const rows = servers.map((/** @type {Json} */ server, /** @type {number} */ i) => [
    h(
      "b",
      null,
      server.name === undefined ? ["server ", num(report, `servers.${i}.server`)] : words(report, `servers.${i}.name`),
      server.observer ? " (observer)" : null,
    ),
    ...fields.map((field) => num(report, `servers.${i}.${field}`)),
  ]);
  return card(
    "Servers at the end",
    grid(
      "The last state of each server",
      [
        "server",
        ...fields.map((field) => ({ accepted_epoch: "accepted", current_epoch: "current", transactions: "txns" })[field] ?? field),
      ],
      rows,
      "numbers",
    ),
    h(
      "p",
      { class: "mut" },
      term("accepted epoch", "accepted"),
      " and ",
      term("current epoch", "current"),
      " are epochs; logged to applied are the last ",
      term("zxid"),
      "s.",
    ),
  );
}

/** How long watch events were on their way. @param {Json} report @returns {HTMLElement | null} */
function watchesCard(report) {
  const told = report.watch_latency;
  if (!told || (!told.events && !told.caught_up)) return null;
  const cells = ["p50", "p90", "p99", "max"].map((part) => num(report, `watch_latency.ms.${part}`));
  return card(
    "Watch events",
    h(
      "p",
      null,
      num(report, "watch_latency.events"),
      " events were told; ",
      num(report, "watch_latency.caught_up"),
      " more came when watches were set again after a reconnection, and nobody can say how late those were.",
    ),
    grid(
      "Milliseconds from the commit of a change to its event",
      ["", "p50", "p90", "p99", "max"],
      [["milliseconds", ...cells]],
      "numbers",
    ),
  );
}

/** @param {HTMLElement} host @param {App} app */
function renderFaults(host, app) {
  const { report, model } = app,
    faults = Array.isArray(report.faults) ? report.faults : [];
  const rows = faults.map((/** @type {Json} */ fault, /** @type {number} */ i) => [
    h("b", null, words(report, `faults.${i}.id`)),
    words(report, `faults.${i}.text`),
    (fault.targets ?? []).join(" "),
    took(report, `faults.${i}.from_us`),
    fault.to_us === null || fault.to_us === undefined ? "to the end" : took(report, `faults.${i}.to_us`),
    fault.effective ? h("span", { class: "badge bad" }, "took hold") : h("span", { class: "badge quiet" }, "in vain"),
    fault.why ? words(report, `faults.${i}.why`) : "",
    model && fault.effective
      ? h(
          "button",
          {
            class: "small",
            click: () => {
              showView("player");
              jump(fault.event === undefined || fault.event === null ? model.rowOfTime(fault.from_us) : model.rowOfEvent(fault.event));
            },
          },
          "show",
        )
      : "",
  ]);
  const strikes = Object.keys(report.strikes ?? {}).map((name) => [
    h("b", null, name),
    num(report, `strikes.${name}.effective`),
    num(report, `strikes.${name}.in_vain`),
  ]);
  fill(
    host,
    card(
      "Faults",
      rows.length
        ? grid("What was done to the run, and whether it took hold", ["fault", "what", "targets", "from", "to", "effect", "why", ""], rows)
        : h("p", null, "No fault was planned in this run."),
      strikes.length ? grid("By kind", ["kind", "took hold", "in vain"], strikes, "numbers") : null,
    ),
  );
}

/** @param {App} app @returns {HTMLElement} */
function missingTrace(app) {
  return h(
    "section",
    { class: "card" },
    h("h2", null, "This page holds no trace"),
    h(
      "p",
      null,
      app.message || "The player needs one. If a file run.zt lies beside this page, choose it or drop it anywhere on this page.",
    ),
    loadButton(),
  );
}
