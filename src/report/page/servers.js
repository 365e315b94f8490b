// The state of every node at the cursor: epochs, log, znodes against the leader's, sessions, watches. What this row changed is
// marked, and so is a server that contradicts what was committed.

/** The newest log entries are shown, as many as fit in so many letters, and at most seven. */
const CHIP_LETTERS = 37,
  CHIPS = 7;

/** @typedef {{row: number, state: Int32Array, changed: Set<string>, leader: number, agreed: number, subject: number, contradiction: string, veil: boolean}} Moment */

/** Everything the panels need about a row, found once. @param {Model} model @param {number} row @param {number} subject node of the violation, -1: none @param {string} contradiction @param {boolean} veil a lesson is waiting for an answer: nothing is judged
 * @param {number} since the row shown before: what hidden rows between changed counts as changed here @returns {Moment} */
function momentAt(model, row, subject, contradiction, veil, since) {
  const state = model.stateAt(row).slice();
  const changed = new Set(model.changesBetween(since + 1, row).map(({ node, field }) => `${node} ${model.trace.fields[field].name}`));
  let leader = -1,
    epoch = -1;
  model.trace.nodes.forEach((node, i) => {
    if (node.kind !== "server" || roleLook(model, model.valueOf(state, i, "role"))[2] !== "leads") return;
    const current = model.valueOf(state, i, "current epoch");
    if (current > epoch) [leader, epoch] = [i, current];
  });
  return { row, state, changed, leader, agreed: model.agreedAt(row), subject, contradiction, veil };
}

/** @param {HTMLElement} host @param {Model} model @param {Moment} moment @param {(node: number) => void} choose @param {number} chosen */
function renderServers(host, model, moment, choose, chosen) {
  const servers = model.trace.nodes.map((_, i) => i).filter((i) => model.trace.nodes[i].kind === "server");
  const order = servers.includes(moment.subject) ? [moment.subject, ...servers.filter((i) => i !== moment.subject)] : servers;
  fill(
    host,
    h("h2", null, `State after event ${grouped(model.trace.events.number[moment.row])}`),
    blamedClient(model, moment),
    order.map((server) => serverPanel(model, moment, server, choose, chosen)),
    clientPanels(model, moment),
    chipLegend(),
  );
}

/** A client that was told what cannot be. @param {Model} model @param {Moment} moment @returns {HTMLElement | null} */
function blamedClient(model, moment) {
  const info = model.trace.nodes[moment.subject];
  if (!info || info.kind === "server" || !moment.contradiction) return null;
  const server = model.valueOf(moment.state, moment.subject, "server");
  return h(
    "section",
    { class: "node bad", "aria-label": info.name, "data-node": info.short },
    h("h3", null, info.name, h("span", { class: "mut" }, server > 0 ? `at ${model.shortName(server)}` : "not connected")),
    h("p", { class: "contradiction" }, h("span", { "aria-hidden": "true" }, "✗ "), moment.contradiction),
  );
}

/** @param {Model} model @param {Moment} moment @param {number} server @param {(node: number) => void} choose @param {number} chosen @returns {HTMLElement} */
function serverPanel(model, moment, server, choose, chosen) {
  const { state } = moment,
    info = model.trace.nodes[server];
  const [glyph, tone, word] = roleLook(model, model.valueOf(state, server, "role"));
  const leader = model.valueOf(state, server, "leader");
  const following = word === "follows" && leader > 0 ? ` ${model.shortName(leader)}` : "";
  const faults = contradictions(model, moment, server);
  /** @param {string} field @returns {string | null} */
  const mark = (field) => (moment.changed.has(`${server} ${field}`) ? "changed" : null);
  return h(
    "section",
    { class: `node${faults.length ? " bad" : ""}${chosen === server ? " chosen" : ""}`, "aria-label": info.name, "data-node": info.short },
    h(
      "h3",
      null,
      h(
        "button",
        {
          class: "plain",
          click: () => choose(server),
          "aria-expanded": chosen === server ? "true" : "false",
          title: "shows its log and znodes; Shift and the arrow keys stay at it",
        },
        info.name,
      ),
      h(
        "span",
        { class: `role ${mark("role") ?? ""}`, style: `color:var(--${tone === "quiet" ? "mut" : tone})` },
        `${glyph} ${word}${following}`,
      ),
    ),
    h(
      "p",
      { class: "epochs" },
      term("accepted epoch", "accepted"),
      " ",
      h("b", { class: mark("accepted epoch") }, String(model.valueOf(state, server, "accepted epoch"))),
      "  ",
      term("current epoch", "current"),
      " ",
      h("b", { class: mark("current epoch") }, String(model.valueOf(state, server, "current epoch"))),
      "  ",
      h("span", { class: "mut" }, clientsOf(model, moment, server)),
    ),
    logChips(model, moment, server, mark("logged") ?? mark("applied") ?? mark("durable") ?? mark("committed")),
    znodeLine(model, moment, server),
    chosen === server ? everything(model, moment, server) : null,
    faults.map((text) => h("p", { class: "contradiction" }, h("span", { "aria-hidden": "true" }, "✗ "), text)),
  );
}

/** What is wrong with a server at this row, in words. @param {Model} model @param {Moment} moment @param {number} server @returns {string[]} */
function contradictions(model, moment, server) {
  const { state, agreed } = moment,
    lineage = model.lineage;
  /** @type {string[]} */
  const out = [];
  if (moment.veil) return out;
  if (server === moment.subject && moment.contradiction) return [moment.contradiction];
  const applied = model.valueOf(state, server, "applied"),
    logged = model.valueOf(state, server, "logged");
  const shared = lineage.common(applied, agreed);
  if (shared !== applied && shared !== agreed) {
    const next = (/** @type {number} */ id) => lineage.zxid(lineage.ancestor(id, lineage.depth[shared] + 1));
    out.push(`applied ${next(applied)} where ${next(agreed)} is committed`);
  }
  if (server !== moment.leader) return out;
  const kept = lineage.common(logged, agreed);
  const lacks = lineage.depth[agreed] - lineage.depth[kept];
  if (lacks > 0)
    out.push(
      `leads, but lacks ${lineage.zxid(lineage.ancestor(agreed, lineage.depth[kept] + 1))}${lacks > 1 ? ` and ${grouped(lacks - 1)} more` : ""} of what is committed`,
    );
  return out;
}

/** @param {Model} model @param {Moment} moment @param {number} server @returns {string} */
function clientsOf(model, moment, server) {
  const names = model.trace.nodes
    .filter((node, i) => node.kind !== "server" && model.valueOf(moment.state, i, "server") === server + 1)
    .map((node) => node.short);
  return names.length ? `serves ${names.join(" ")}` : "";
}

/** The end of a server's log as chips. @param {Model} model @param {Moment} moment @param {number} server @param {string | null} mark @returns {HTMLElement} */
function logChips(model, moment, server, mark) {
  const lineage = model.lineage,
    { state, agreed } = moment;
  const logged = model.valueOf(state, server, "logged"),
    durable = model.valueOf(state, server, "durable");
  const committed = model.valueOf(state, server, "committed"),
    applied = model.valueOf(state, server, "applied");
  const top = lineage.depth[applied] > lineage.depth[logged] ? applied : logged;
  const ids = lineage.tail(top, CHIPS);
  const letters = () => ids.reduce((sum, id) => sum + lineage.zxid(id).length + 2, lineage.depth[durable] < lineage.depth[logged] ? 15 : 5);
  while (ids.length > 2 && letters() > CHIP_LETTERS) ids.shift();
  const before = lineage.depth[top] - ids.length;
  const chips = ids.map((id) => {
    const conflicting = !moment.veil && lineage.depth[id] <= lineage.depth[agreed] && !lineage.extends(agreed, id);
    const kind = conflicting
      ? "x"
      : lineage.extends(applied, id)
        ? "a"
        : lineage.extends(committed, id)
          ? "c"
          : lineage.extends(durable, id)
            ? "d"
            : "u";
    const words = {
      x: "another transaction is committed at this place",
      a: "applied",
      c: "committed, not yet applied",
      d: "on disk, not committed",
      u: "logged, not yet on disk",
    }[kind];
    return h(
      "span",
      { class: `chip ${kind}`, title: `${lineage.zxid(id)} ${model.trace.strings[lineage.txns.text[id - 1]]}: ${words}` },
      lineage.zxid(id),
      h("span", { class: "offstage" }, ` ${words}`),
    );
  });
  return h(
    "p",
    { class: `log ${mark ?? ""}` },
    before > 0 ? h("span", { class: "mut", title: `${plural(before, "transaction")} before these` }, `${grouped(before)} +`) : null,
    chips.length ? chips : h("span", { class: "mut" }, "empty log"),
    lineage.depth[durable] < lineage.depth[logged] ? h("span", { class: "mut" }, ` disk: ${lineage.zxid(durable)}`) : null,
  );
}

/** Znodes, and where they differ from the leader's. @param {Model} model @param {Moment} moment @param {number} server @returns {HTMLElement} */
function znodeLine(model, moment, server) {
  const applied = model.valueOf(moment.state, server, "applied");
  const image = model.lineage.image(applied);
  const reference = moment.leader >= 0 ? model.valueOf(moment.state, moment.leader, "applied") : moment.agreed;
  const other = moment.leader >= 0 ? "the leader" : "what is committed";
  const head = `${plural(image.sessions.size, "session")}, ${plural(image.znodes.size, "znode")}`;
  if (server === moment.leader) return h("p", { class: "znodes" }, head, h("span", { class: "mut" }, newest(image)));
  const diff = applied === reference ? [] : znodeDiff(image.znodes, model.lineage.image(reference).znodes);
  if (diff.length === 0) return h("p", { class: "znodes" }, head, h("span", { class: "mut" }, ` as ${other}`));
  const lines = diff
    .slice(0, 4)
    .map(({ path, mine, theirs }) =>
      h(
        "li",
        null,
        h("code", null, clip(path, 40)),
        " ",
        mine === null ? "missing here" : `v${mine}`,
        theirs === null ? `, not at ${other}` : `, ${other}: v${theirs}`,
      ),
    );
  return h(
    "div",
    { class: "znodes" },
    head,
    h("span", { class: "differs" }, ` ${grouped(diff.length)} not as ${other}`),
    h("ul", null, lines, diff.length > 4 ? h("li", { class: "mut" }, `and ${grouped(diff.length - 4)} more`) : null),
  );
}

/** So many lines are listed of a chosen server's log and tree. */
const LISTED = 40;

/** Of the server that is chosen: its log in words, its znodes, its sessions. @param {Model} model @param {Moment} moment @param {number} server @returns {HTMLElement} */
function everything(model, moment, server) {
  const lineage = model.lineage,
    logged = model.valueOf(moment.state, server, "logged"),
    image = lineage.image(model.valueOf(moment.state, server, "applied"));
  const log = lineage.tail(logged, LISTED).reverse(),
    znodes = [...image.znodes].sort(([a], [b]) => (a < b ? -1 : 1));
  const more = (/** @type {number} */ all) => (all > LISTED ? h("li", { class: "mut" }, `and ${grouped(all - LISTED)} more`) : null);
  return h(
    "div",
    { class: "everything", tabindex: "0", role: "region", "aria-label": `log and znodes of ${model.trace.nodes[server].name}` },
    h("h4", null, "Log, newest first"),
    h(
      "ul",
      null,
      log.map((id) => h("li", null, h("code", null, lineage.zxid(id)), " ", model.trace.strings[lineage.txns.text[id - 1]])),
      more(lineage.depth[logged]),
    ),
    h("h4", null, "Znodes"),
    h(
      "ul",
      null,
      znodes.slice(0, LISTED).map(([path, version]) => h("li", null, h("code", null, path), ` v${version}`)),
      more(znodes.length),
    ),
    h("h4", null, "Sessions"),
    h(
      "ul",
      null,
      [...image.sessions].slice(0, LISTED).map((session) => h("li", null, h("code", null, session))),
      more(image.sessions.size),
    ),
  );
}

/** @param {Image} image @returns {string} */
function newest(image) {
  const paths = [...image.znodes].slice(-3).map(([path, version]) => `${clip(path, 24)} v${version}`);
  return paths.length ? `: ${image.znodes.size > paths.length ? "… " : ""}${paths.join("  ")}` : "";
}

/** @type {{model: Model | null, row: number, next: number, armed: Map<number, Set<string>>}} */
const watchCursor = { model: null, row: -1, next: 0, armed: new Map() };

/** The watches that each client holds after a row. @param {Model} model @param {number} row @returns {Map<number, Set<string>>} */
function watchesAt(model, row) {
  const { watches, strings } = model.trace;
  if (watchCursor.model !== model || row < watchCursor.row) Object.assign(watchCursor, { model, next: 0, armed: new Map() });
  watchCursor.row = row;
  for (; watchCursor.next < watches.row.length && watches.row[watchCursor.next] <= row; watchCursor.next++) {
    const i = watchCursor.next,
      node = watches.node[i],
      path = strings[watches.path[i]];
    let paths = watchCursor.armed.get(node);
    if (!paths) watchCursor.armed.set(node, (paths = new Set()));
    if (watches.armed[i]) paths.add(path);
    else paths.delete(path);
  }
  return watchCursor.armed;
}

/** @param {Model} model @param {Moment} moment @returns {HTMLElement | null} */
function clientPanels(model, moment) {
  const clients = model.trace.nodes.map((_, i) => i).filter((i) => model.trace.nodes[i].kind !== "server");
  if (clients.length === 0) return null;
  const armed = watchesAt(model, moment.row);
  const lines = clients.map((client) => {
    const server = model.valueOf(moment.state, client, "server"),
      session = model.trace.strings[model.valueOf(moment.state, client, "session")] ?? "";
    const paths = [...(armed.get(client) ?? [])];
    return h(
      "li",
      null,
      h("b", null, model.trace.nodes[client].short),
      server > 0 ? ` at ${model.shortName(server)}` : " not connected",
      session ? h("span", { class: "mut" }, ` session ${clip(session, 20)}`) : null,
      paths.length
        ? h(
            "span",
            { class: "mut" },
            `, watches ${paths
              .slice(0, 3)
              .map((path) => clip(path, 24))
              .join(" ")}${paths.length > 3 ? ` and ${paths.length - 3} more` : ""}`,
          )
        : null,
    );
  });
  return h("section", { class: "clients" }, h("h3", null, "Clients"), h("ul", null, lines));
}

/** @returns {HTMLElement} */
function chipLegend() {
  const entry = (/** @type {string} */ kind, /** @type {string} */ text) => [h("span", { class: `chip ${kind}` }, "1:3"), ` ${text}  `];
  return h(
    "p",
    { class: "legend" },
    entry("u", "logged"),
    entry("d", "on disk"),
    entry("c", "committed"),
    entry("a", "applied"),
    entry("x", "conflicts with what is committed"),
  );
}
