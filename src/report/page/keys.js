// The keyboard: everything that the mouse can do, and the help that lists it.

/** @type {[string, string][]} */
const KEYS = [
  ["→ ←", "next, previous event"],
  ["Shift + → ←", "at the same node (or the chosen one)"],
  ["Alt + → ←", "with the same zxid"],
  ["Home End", "first, last event"],
  ["v  V", "next, previous violation"],
  ["f", "next fault"],
  ["w", "next sentence of the story"],
  ["[  ]", "back along causes, and return"],
  ["c", "dim all that is not in the causal past"],
  ["Space", "play, pause"],
  ["+  −  0", "closer, farther, whole run"],
  ["s", "back to the story of the violation"],
  ["x", "axis: time, rank, causal"],
  ["r", "show routine messages"],
  ["/", "search; Enter and Shift + Enter go through what was found"],
  ["n  N", "next, previous hit"],
  ["1 … 9", "choose a server and list its log and znodes; again: none"],
  ["p  h  m", "player, history, summary"],
  ["?", "this help"],
  ["Esc", "close"],
];

/** @type {Record<string, () => void>} */
const ACTIONS = {
  Home: () => jump(0),
  End: () => jump(lastAllowed(app)),
  " ": () => togglePlay(),
  v: () => nextViolation(1),
  V: () => nextViolation(-1),
  f: () => nextFault(),
  w: () => nextReason(),
  "[": () => walkBack(),
  "]": () => walkForward(),
  c: () => toggle("cone"),
  "+": () => zoom(0.6),
  "=": () => zoom(0.6),
  "-": () => zoom(1.6),
  0: () => zoom(Infinity),
  s: () => showStory(),
  x: () => nextAxis(),
  r: () => toggleFilter("routine"),
  "/": () => focusSearch(),
  n: () => nextHit(1),
  N: () => nextHit(-1),
  p: () => showView("player"),
  h: () => showView("history"),
  m: () => showView("summary"),
  "?": () => showHelp(),
};

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === " " && /^(BUTTON|A|SUMMARY)$/.test(target.tagName)) return;
  const act = actionOf(event);
  if (!act) return;
  if (app.model && !["player", "history"].includes(app.view) && !["p", "h", "m", "?", "/"].includes(event.key)) showView("player");
  act();
  event.preventDefault();
}

/** @param {KeyboardEvent} event @returns {(() => void) | undefined} */
function actionOf(event) {
  if (!app.model && !["p", "h", "m", "?"].includes(event.key)) return undefined;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    const by = event.key === "ArrowRight" ? 1 : -1;
    if (event.shiftKey) return () => stepAtNode(by);
    if (event.altKey) return () => stepAtZxid(by);
    return () => step(by);
  }
  if (/^[1-9]$/.test(event.key)) return () => chooseServer(Number(event.key) - 1);
  return ACTIONS[event.key];
}

/** Opens the list of keys. */
function showHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("help"));
  fill(
    dialog,
    h("h2", null, "Keys"),
    h(
      "dl",
      { class: "keys" },
      KEYS.map(([keys, what]) =>
        h(
          "div",
          null,
          h(
            "dt",
            null,
            keys.split("  ").map((one, i) => [i ? " " : "", key(one)]),
          ),
          h("dd", null, what),
        ),
      ),
    ),
    h("p", { class: "mut" }, "The address after # always names what is seen: copy it to share an event."),
    h("button", { click: () => dialog.close(), autofocus: true }, "close"),
  );
  dialog.showModal();
}
