// The report of a violation as an engineer meets it, and the player under it, on real runs of zablab.
"use strict";
const { test, after, before } = require("node:test");
const assert = require("node:assert/strict");
const { close, realRun, open, until, toyPage } = require("./browser.js");
const { makeRun, HOSTILE } = require("./fixture.js");

after(close);
let violated, passed;
before(() => {
  violated = realRun("zoo/diff-no-trunc");
  passed = realRun("rolling-restarts");
});

test("the first screen of a violation says verdict, rule, subject, time, command and why, and nothing complains", async () => {
  const { page, complaints, done } = await open(violated.file);
  const first = violated.report.violations[0];
  const header = await page.textContent("header");
  assert.match(header, /violated/);
  assert.ok(header.includes(first.property) && header.includes(violated.report.replay));
  assert.match(await page.textContent("#subject"), /^(server|client) \d/);
  const sentences = await page.locator("ol.why li").allTextContents();
  assert.equal(sentences.length, first.story.length);
  first.story.forEach((fact, i) => assert.ok(sentences[i].includes(fact.text)));
  assert.equal((await page.evaluate("zablab.state()")).view, "player");
  assert.ok((await page.locator("#servers .node.bad").count()) >= 1, "the contradiction is marked");
  assert.ok((await page.locator("#servers .node.bad").first().textContent()).includes(first.story.at(-1).text));
  const numbers = await page.locator("#diagram svg text").allTextContents();
  first.story.forEach((_, i) => assert.ok(numbers.includes(String(i + 1)), `sentence ${i + 1} is in the diagram`));
  assert.equal(await page.evaluate("document.documentElement.scrollHeight <= innerHeight + 1"), true, "no scrolling for the answer");
  assert.deepEqual(complaints, []);
  await done();
});

test("the states that the page shows are those that the report ends with", async () => {
  for (const { file, report } of [violated, passed]) {
    const { page, done } = await open(file, { hash: "#view=player" });
    await page.keyboard.press("End");
    for (const server of report.servers) {
      const panel = page.locator(`#servers [data-node=s${server.server}]`),
        text = await panel.textContent();
      assert.ok(
        text.includes({ leading: "leads", following: "follows", observing: "observes" }[server.role] ?? server.role),
        `${server.server} ${server.role} in ${text}`,
      );
      assert.equal(await panel.locator(".epochs b").nth(0).textContent(), String(server.accepted_epoch));
      assert.equal(await panel.locator(".epochs b").nth(1).textContent(), String(server.current_epoch));
      if (server.logged !== "0:0" && server.role !== "down")
        assert.ok(
          (await panel.locator(".log .chip").last().textContent()).startsWith(server.logged),
          `the log of ${server.server} ends with ${server.logged}`,
        );
      assert.match(text, new RegExp(`${server.znodes} znode`));
    }
    await done();
  }
});

test("no server is accused in a run that holds", async () => {
  const { page, done } = await open(passed.file, { hash: "#view=player" });
  const accused = await page.evaluate(() => {
    const { model } = zablab.app,
      out = [];
    for (let row = 0; row < model.rows; row += 7) {
      const moment = momentAt(model, row, -1, "", false, row - 1);
      model.trace.nodes.forEach((node, i) => node.kind === "server" && out.push(...contradictions(model, moment, i)));
    }
    return out.slice(0, 3);
  });
  assert.deepEqual(accused, []);
  await done();
});

test("at the end the checks stand as the report has them", async () => {
  for (const run of [violated, realRun("zoo/two-owners"), passed]) {
    const { page, done } = await open(run.file, { hash: "#view=player" });
    await page.keyboard.press("End");
    const now = await page.evaluate(() => checksAt(zablab.app));
    for (const [i, property] of run.report.properties.entries()) {
      assert.equal(now[i].state === "violated", property.verdict === "violated", property.name);
      if (property.verdict === "vacuous") assert.equal(now[i].state, "asleep", property.name);
    }
    await done();
  }
});

test("steps forward and back return to the same state, at keyframes too", async () => {
  const { page, done } = await open(violated.file);
  const same = await page.evaluate(() => {
    const rows = zablab.app.model.rows;
    for (const row of [0, 1, Math.min(999, rows - 2), Math.min(1000, rows - 2), rows - 2]) {
      zablab.seek(row);
      const start = zablab.state().row,
        before = JSON.stringify(zablab.servers()) + document.getElementById("servers").textContent;
      for (let i = 0; i < 6; i++) zablab.step(1);
      for (let i = 0; i < 12 && zablab.state().row > start; i++) zablab.step(-1);
      zablab.seek(start);
      if (JSON.stringify(zablab.servers()) + document.getElementById("servers").textContent !== before) return `row ${row}`;
    }
    return "same";
  });
  assert.equal(same, "same");
  await done();
});

test("a seek gives what replaying every change from the start gives", async () => {
  const { page, done } = await open(passed.file, { hash: "#view=player" });
  const difference = await page.evaluate(() => {
    const { model } = zablab.app,
      { row, node, field, value } = model.trace.state;
    const state = new Int32Array(model.width * model.trace.nodes.length);
    for (let i = 0, at = 0; at < model.rows; at += 997) {
      for (; i < row.length && row[i] <= at; i++) state[node[i] * model.width + field[i]] = value[i];
      const sought = model.stateAt(at);
      for (let k = 0; k < state.length; k++) if (state[k] !== sought[k]) return `row ${at}, cell ${k}`;
    }
    return "none";
  });
  assert.equal(difference, "none");
  await done();
});

test("an address names an event, a view and a violation, and back undoes a jump", async () => {
  const event = violated.report.violations[0].story[0].event;
  const { page, state, done } = await open(violated.file, { hash: `#e=${event}&axis=causal` });
  assert.equal((await state()).event, event);
  assert.equal((await state()).axis, "causal");
  await page.click("ol.why li:last-child a");
  const there = (await state()).event;
  assert.notEqual(there, event);
  assert.match(page.url(), new RegExp(`e=${there}`));
  await page.goBack();
  assert.equal((await state()).event, event);
  await page.click("[data-tab=history]");
  assert.match(page.url(), /view=history/);
  await page.reload();
  await until(page, "!!window.READY");
  assert.equal((await state()).view, "history");
  await done();
});

test("the keyboard alone reaches everything", async () => {
  const { page, state, done } = await open(violated.file);
  const at = async () => (await state()).row;
  const start = await at();
  await page.keyboard.press("ArrowLeft");
  assert.ok((await at()) < start);
  await page.keyboard.press("ArrowRight");
  assert.equal(await at(), start);
  await page.keyboard.press("[");
  assert.ok((await at()) < start, "[ goes to a cause");
  await page.keyboard.press("]");
  assert.equal(await at(), start);
  await page.keyboard.press("Home");
  assert.equal(await at(), 0);
  await page.keyboard.press("w");
  assert.equal((await state()).event, Math.min(...violated.report.violations[0].story.map((fact) => fact.event)));
  await page.keyboard.press("v");
  assert.equal((await state()).event, violated.report.violations[(await state()).violation].event);
  for (const [key, check] of [
    ["c", (s) => s.cone],
    ["r", (s) => s.filter.routine],
    ["x", (s) => s.axis],
    ["2", (s) => s.node === 1],
  ]) {
    await page.keyboard.press(key);
    assert.ok(check(await state()), key);
  }
  await page.keyboard.press("f");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("/");
  await page.keyboard.type("COMMIT");
  await page.keyboard.press("Enter");
  assert.ok((await state()).hits > 0);
  await page.keyboard.press("Escape");
  const before = await at();
  await page.keyboard.press("n");
  assert.notEqual(await at(), before);
  await page.keyboard.press("?");
  assert.ok(await page.locator("dialog[open]").isVisible());
  await page.keyboard.press("Escape");
  await page.keyboard.press("h");
  assert.equal((await state()).view, "history");
  await page.keyboard.press("p");
  await page.keyboard.press("Space");
  await page.waitForTimeout(400);
  await page.keyboard.press("Space");
  await page.focus("ol.why li:nth-child(2) a");
  await page.keyboard.press("Enter");
  assert.equal(
    await page.evaluate(() => document.activeElement?.closest("li")?.textContent),
    await page.textContent("ol.why li:nth-child(2)"),
    "the focus stays where it was",
  );
  const missed = await tabThrough(page);
  assert.deepEqual(missed, [], "Tab reaches every control");
  await done();
});

/** Presses Tab until the focus comes round; returns the controls that never had it. */
async function tabThrough(page) {
  await page.evaluate(() => {
    document.activeElement?.blur();
    window.seen = new Set();
    document.addEventListener("focusin", (event) => window.seen.add(event.target));
  });
  for (let i = 0; i < 160; i++) await page.keyboard.press("Tab");
  return page.evaluate(() =>
    [...document.querySelectorAll("button, a[href], select, input, [tabindex='0']")]
      .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0 && !window.seen.has(one))
      .map((one) => one.outerHTML.slice(0, 90)),
  );
}

test("the list of events has the cursor of the diagram and holds only what is in view", async () => {
  const { page, state, done } = await open(violated.file);
  const selected = page.locator("#events [aria-selected=true]");
  assert.equal(await selected.getAttribute("data-row"), String((await state()).row));
  assert.ok((await page.locator("#events [data-row]").count()) < 30);
  await page.locator("#events [data-row]").nth(1).click();
  assert.equal(await selected.getAttribute("data-row"), String((await state()).row));
  const say = await page.textContent("#say");
  assert.ok(say.length > 8);
  await done();
});

test("a click in the diagram goes to the event under it", async () => {
  const { page, state, done } = await open(violated.file);
  const place = await page.evaluate(() => {
    const { scene, model } = zablab.app,
      row = scene.frame.rows[scene.frame.segments[0].from + 1];
    const box = document.getElementById("diagram").getBoundingClientRect();
    return { x: box.left + xOf(scene.frame, row), y: box.top + (scene.lanes.get(model.trace.events.node[row] - 1) ?? 60) };
  });
  const before = (await state()).row;
  await page.mouse.click(place.x, place.y);
  assert.notEqual((await state()).row, before);
  await done();
});

test("a chosen server lists its log and znodes as they are at the cursor", async () => {
  const { page, complaints, done } = await open(violated.file);
  await page.keyboard.press("2");
  const [listed, real] = await page.evaluate(() => {
    const { model, row } = zablab.app,
      { lineage } = model,
      state = model.stateAt(row),
      log = [];
    for (let id = model.valueOf(state, 1, "logged"); id > 0; id = lineage.parent[id]) log.push(lineage.zxid(id));
    return [[...document.querySelectorAll(".everything ul:first-of-type code")].map((one) => one.textContent), log];
  });
  assert.deepEqual(listed, real.slice(0, 40));
  await page.keyboard.press("2");
  assert.equal(await page.locator(".everything").count(), 0);
  assert.deepEqual(complaints, []);
  await done();
});

test("causes and effects are each other's reverse", async () => {
  const { page, done } = await open(violated.file);
  assert.equal(
    await page.evaluate(() => {
      const { model } = zablab.app,
        { cause } = model.trace.events;
      let links = 0,
        back = 0;
      for (let row = 0; row < model.rows; row++) {
        if (cause[row] >= 0) links++;
        for (const effect of model.effectsOf(row)) if (cause[effect] === row) back++;
      }
      return links === back && links > 100;
    }),
    true,
  );
  await done();
});

test("the page's policy refuses to load or send anything", async () => {
  const { page, done } = await open(violated.file);
  const refused = await page.evaluate(async () => {
    const seen = [];
    document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
    await fetch("http://127.0.0.1:9/").catch(() => {});
    const image = new Image();
    image.src = "http://127.0.0.1:9/x.png";
    await new Promise((resolve) => setTimeout(resolve, 100));
    return seen;
  });
  assert.ok(refused.includes("connect-src") && refused.includes("img-src"), refused.join());
  await done();
});

test("an operation says where it was linearised, or why it cannot be", async () => {
  const run = realRun("zoo/two-owners");
  const { page, state, complaints, done } = await open(run.file, { hash: "#view=history" });
  const write = await page.evaluate(() => {
    const o = zablab.app.model.trace.operations;
    return o.order.findIndex((row, i) => row >= 0 && o.outcome[i] === 1);
  });
  await page.evaluate((op) => chooseOperation(op), write);
  assert.match(await page.textContent(".history-why"), /linearised as \d+:\d+/);
  const last = run.report.violations.findIndex((violation) => violation.story.some((fact) => /^client \d+'s op/.test(fact.text)));
  assert.ok(last >= 0);
  const bad = await page.evaluate((index) => {
    const m = zablab.app.model;
    return m.trace.operations.node.findIndex((_, op) => mentions(m, zablab.app.report.violations[index], op));
  }, last);
  if (bad !== write) await page.evaluate((op) => chooseOperation(op), bad);
  assert.match(await page.textContent(".history-why"), /cannot be placed/);
  await page.locator(".history-list button[aria-pressed=false]").first().click();
  assert.ok((await state()).op >= 0);
  assert.deepEqual(complaints, []);
  await done();
});

test("every number and text that names its place in report.json is equal to it", async () => {
  for (const { file, report } of [violated, passed]) {
    const { page, done } = await open(file);
    let seen = 0;
    for (const tab of await page.locator("#tabs [data-tab]").all()) {
      await tab.click();
      const marked = await page.evaluate(() =>
        [...document.querySelectorAll("[data-path]")].map((one) => [one.dataset.path, one.dataset.value ?? null, one.textContent]),
      );
      for (const [where, value, text] of marked) {
        const real = where.split(".").reduce((here, step) => here?.[step], report);
        assert.notEqual(real, undefined, where);
        assert.equal(value ?? text, String(real), where);
        seen++;
      }
    }
    assert.ok(seen > 60, `${seen} places`);
    await done();
  }
});

test("in a run that holds every answered write has its place between its two ends", async () => {
  const { page, done } = await open(passed.file, { hash: "#view=history" });
  const { writes, outside } = await page.evaluate(() => {
    const { model } = zablab.app,
      { order, outcome, node } = model.trace.operations,
      { t } = model.trace.events;
    let writes = 0,
      outside = 0;
    for (let op = 0; op < node.length; op++) {
      if (!isWrite(model, op) || (outcome[op] !== 1 && outcome[op] !== 2)) continue;
      const [start, end] = opTimes(model, op);
      writes++;
      if (order[op] < 0 || t[order[op]] < start || t[order[op]] > end) outside++;
    }
    return { writes, outside };
  });
  assert.ok(writes > 1000);
  assert.equal(outside, 0);
  await done();
});

test("a run that passed opens with its summary, and what was never exercised stands out", async () => {
  const { page, complaints, done } = await open(passed.file);
  assert.equal((await page.evaluate("zablab.state()")).view, "summary");
  const vacuous = passed.report.properties.filter((property) => property.verdict === "vacuous");
  if (vacuous.length) assert.ok((await page.textContent(".vacuous-note")).includes(vacuous[0].name));
  assert.deepEqual(complaints, []);
  await done();
});

test("hostile data, paths and names change nothing", async () => {
  const run = makeRun({ hostile: true });
  const { page, complaints, done } = await open(toyPage("hostile", run));
  for (const tab of await page.locator("#tabs [data-tab]").all()) {
    await tab.click();
    assert.equal(await page.locator("main b:text-is('&'), img").count(), 0);
  }
  assert.ok((await page.textContent("#verdict")).length > 0);
  await page.click("[data-tab=player]");
  assert.ok((await page.textContent("#servers")).includes(HOSTILE));
  assert.equal(await page.locator("script").count(), 4);
  assert.deepEqual(complaints, []);
  await done();
});
