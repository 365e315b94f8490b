// The other faces of the page: lessons, sweeps, comparisons, damaged traces, loading, accessibility, print, phones.
"use strict";
const { test, after, before } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const zlib = require("node:zlib");
const { close, realRun, realReport, realSweep, open, until, toyPage, work } = require("./browser.js");
const { makeRun } = require("./fixture.js");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

after(close);
let violated;
before(() => {
  violated = realRun("zoo/diff-no-trunc");
});

/** A lesson on the toy: two questions, the second about the violation. */
function lessonRun() {
  const run = makeRun({});
  const { row, story } = run.trace.violations[0];
  run.report.lesson = {
    title: "The lost write",
    text: "A leader is cut off. Watch what becomes of its last write.",
    questions: [
      { row: story[2], ask: "Who leads epoch 2?", options: ["server 1", "server 3"], answer: 0, because: "Server 3 is cut off." },
      {
        row,
        ask: "What does server 2 apply first in epoch 2?",
        options: ["1:12", "2:1", "nothing"],
        answer: 1,
        because: "Its new leader does not have 1:12.",
      },
    ],
  };
  return run;
}

/** A sweep's report as zablab writes it. */
function sweepReport() {
  const run = (seed, faults, file) => ({ scenario: "swarm", seed, faults, file });
  return {
    kind: "sweep",
    version: "0.0.0",
    scenarios: ["swarm", "swarm-syncs"],
    seeds_from: 0,
    seeds_to: 100,
    runs: 200,
    planned: 200,
    events: 1234567,
    virtual_ms: 6000000,
    verdicts: { held: 190, violated: 8, undecided: 2, excused: 0 },
    groups: [
      {
        property: "liveness",
        signature: "no-leader",
        count: 3,
        first: run(3, 1, "no-leader-3.html"),
        smallest: run(3, 1, "no-leader-3.html"),
        runs_to_first: 4,
      },
      {
        property: "total-order",
        signature: "fork",
        count: 5,
        first: run(12, 5, "fork-12.json"),
        smallest: run(40, 2, null),
        runs_to_first: 13,
      },
    ],
    properties: [
      { name: "total-order", exercised: 120345, violated: 5, vacuous_in: 0 },
      { name: "watch-rearm", exercised: 0, violated: 0, vacuous_in: 200 },
    ],
    heat: {
      rows: ["swarm", "swarm-syncs"],
      columns: ["0-49", "50-99"],
      cells: [
        [3, 0],
        [5, 0],
      ],
    },
    counters: { elections: 812 },
    situations: { "quorum-exact": 190 },
    situations_missed: ["snap-sent"],
  };
}

test("a lesson asks before the event, hides what would give it away, and reveals after the last answer", async () => {
  const run = lessonRun();
  const { page, state, complaints, done } = await open(toyPage("lesson", run), { hash: "#e=300&view=summary" });
  const seen = async () => page.evaluate(() => document.body.innerText);
  const last = (await state()).row;
  assert.ok(last < run.report.lesson.questions[0].row, "an address cannot look past the question");
  assert.equal((await state()).view, "player");
  assert.doesNotMatch(await seen(), /violated|total-order|lacks/i);
  assert.equal(await page.title(), "The lost write");
  for (const key of ["End", "v", "w", "f"]) await page.keyboard.press(key);
  await page.keyboard.press("ArrowRight");
  assert.ok((await state()).row < run.report.lesson.questions[0].row);
  await page.keyboard.press("End");
  await page.click(".ask .option:text('server 3')");
  assert.match(await page.textContent("#why"), /No\.\s*Server 3 is cut off/);
  assert.doesNotMatch(await page.textContent("header"), /violated/i);
  await page.keyboard.press("End");
  assert.equal((await state()).row < run.report.lesson.questions[1].row, true);
  await page.click(".ask .option:text('2:1')");
  assert.match(await page.textContent("#why"), /Right\./);
  assert.match(await page.textContent("#why"), /1 of 2/);
  assert.match(await page.textContent("header"), /violated/i);
  assert.equal((await state()).veiled, false);
  assert.deepEqual(complaints, []);
  await done();
});

test("a sweep shows its groups smallest first, every property, and the heat map", async () => {
  const report = sweepReport();
  const { page, complaints, done } = await open(toyPage("sweep", { report, trace: null }));
  const groups = await page.locator("text=Groups, smallest first").locator("xpath=ancestor::table").locator("tbody tr").allTextContents();
  assert.match(groups[0], /liveness/);
  assert.match(groups[1], /fork/);
  assert.match(await page.textContent("#view-sweep"), /never exercised/);
  assert.equal(await page.locator(".heat .hot").count(), 2);
  await compareNumbers(page, report);
  assert.deepEqual(complaints, []);
  await done();
});

/** Every element that names its place in the report, against the report. */
async function compareNumbers(page, report) {
  const marked = await page.evaluate(() =>
    [...document.querySelectorAll("[data-path]")].map((one) => [one.dataset.path, one.dataset.value ?? null, one.textContent]),
  );
  for (const [where, value, text] of marked)
    assert.equal(value ?? text, String(where.split(".").reduce((here, step) => here?.[step], report)), where);
  return marked.length;
}

test("a sweep that zablab played leads to the page of each group's smallest run", async () => {
  const { report, file } = realReport("sweep-page", realSweep("zoo/diff-no-trunc", "0..8"));
  const { page, complaints, done } = await open(file);
  assert.ok((await compareNumbers(page, report)) > 40);
  const links = await page.locator("#view-sweep table a").all();
  assert.equal(report.groups.length > 0, links.length > 0);
  if (links.length) {
    await links[0].click();
    await until(page, "!!window.READY");
    assert.ok((await page.textContent("header")).includes(report.groups[0].property));
  }
  assert.deepEqual(complaints, []);
  await done();
});

test("a comparison aligns two runs and rings the first difference", async () => {
  const { report, file } = realReport("compared", "scenarios/zoo/diff-no-trunc.json", "--against", "mutants=[]");
  const { page, complaints, done } = await open(file);
  assert.equal(await page.locator(".diagram.static svg").count(), 2);
  assert.equal(await page.locator(".diagram.static svg text:text-is('first difference')").count(), 2);
  assert.ok((await page.textContent("#view-compare")).includes(report.first_difference.left));
  const rings = await page.locator(".diagram.static svg circle[r='13']").evaluateAll((all) => all.map((one) => one.getAttribute("cx")));
  assert.equal(rings[0], rings[1], "the difference is at the same place in both");
  assert.ok((await compareNumbers(page, report)) > 10);
  assert.deepEqual(complaints, []);
  await done();
});

test("a damaged trace is named with its place and what was expected, and the report still shows", async () => {
  const cases = [
    [(trace) => (trace.events.kind[7] = 99), /events\.kind\[7\] is 99, expected a whole number from 0 to 18/],
    [(trace) => trace.events.t.pop(), /events/],
    [(trace) => (trace.format = "other"), /format is "other", expected "zablab-trace"/],
    [(trace) => (trace.events.cause[3] = 9), /events\.cause\[3\]/],
    [(trace) => delete trace.state, /state is missing/],
    [(trace) => (trace.state.value[2] = "x"), /state\.value\[2\]/],
  ];
  for (const [i, [damage, expected]] of cases.entries()) {
    const run = makeRun({});
    damage(run.trace);
    const { page, done } = await open(toyPage(`damaged-${i}`, run));
    assert.match(await page.textContent("#problem"), expected);
    assert.match(await page.textContent("header"), /violated/);
    assert.match(await page.textContent("#why"), /server 1 leads epoch 2/);
    await done();
  }
  const { page, done } = await open(toyPage("not-gzip", { report: makeRun({}).report, trace: "AAAA" }));
  assert.match(await page.textContent("#problem"), /gzip/);
  await done();
});

test("a trace that lies beside the page is loaded by picker and by drop", async () => {
  const run = makeRun({});
  const packed = zlib.gzipSync(JSON.stringify(run.trace));
  const beside = path.join(work, "run.zt");
  fs.writeFileSync(beside, packed);
  const { page, state, complaints, done } = await open(toyPage("bare", { report: run.report, trace: null }));
  assert.match(await page.textContent("#no-trace"), /holds no trace/);
  await page.locator("input[type=file]").first().setInputFiles(beside);
  await until(page, "!!zablab.app.model");
  assert.equal((await state()).event, run.report.violations[0].event);
  await page.keyboard.press("Home");
  await page.evaluate(
    (bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], "dropped.zt"));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    },
    [...packed],
  );
  await until(page, "zablab.app.message.includes('dropped.zt')");
  assert.deepEqual(complaints, []);
  await done();
});

test("axe finds nothing serious, in light and dark, wide and narrow, in every view", async () => {
  const found = [];
  const lesson = toyPage("lesson-axe", lessonRun()),
    sweep = toyPage("sweep-axe", { report: sweepReport(), trace: null });
  for (const [file, dark, width] of [
    [violated.file, false, 1440],
    [violated.file, true, 1440],
    [violated.file, true, 390],
    [lesson, false, 1440],
    [sweep, true, 1440],
  ]) {
    const { page, done } = await open(file, { dark, width });
    await page.evaluate(AXE);
    const tabs = await page.locator("#tabs [data-tab]").all();
    for (const tab of width < 1000 ? tabs.slice(0, 2) : tabs) {
      await tab.click();
      // In dark only colours are other than in light.
      const rules = dark && width > 1000 && file === violated.file ? { runOnly: ["color-contrast"] } : {};
      const result = await page.evaluate((options) => axe.run(document, { resultTypes: ["violations"], ...options }), rules);
      for (const one of result.violations)
        if (["serious", "critical"].includes(one.impact))
          found.push(
            `${path.basename(file)} ${dark ? "dark" : "light"} ${width} ${await tab.textContent()}: ${one.id} ${one.nodes
              .slice(0, 3)
              .map((node) => node.html.slice(0, 110) + " " + (node.any[0]?.message ?? ""))
              .join(" | ")}`,
          );
    }
    await done();
  }
  assert.deepEqual(found, []);
});

/** The text of each page of a PDF. */
async function textOfPdf(bytes) {
  const { getDocument, VerbosityLevel } = await import("pdfjs-dist/legacy/build/pdf.mjs");
  const document = await getDocument({ data: new Uint8Array(bytes), verbosity: VerbosityLevel.ERRORS }).promise;
  const pages = [];
  for (let i = 1; i <= document.numPages; i++)
    pages.push(
      (await (await document.getPage(i)).getTextContent()).items
        .map((item) => item.str)
        .join(" ")
        .replace(/\s+/g, " "),
    );
  return pages;
}

test("it prints with verdict, reasons, diagram and command on page one, and without controls", async () => {
  const { page, done } = await open(violated.file);
  const pages = await textOfPdf(await page.pdf({ format: "A4" }));
  const first = pages[0],
    squeezed = first.replaceAll(" ", "");
  assert.match(first, /violated/i);
  assert.ok(squeezed.includes(violated.report.violations[0].story.at(-1).text.replaceAll(" ", "")));
  assert.ok(squeezed.includes(violated.report.replay.replaceAll(" ", "")));
  assert.match(first, /s1 .*e2/, "the diagram is there");
  assert.doesNotMatch(pages.join(" "), /▶ play|search:/);
  await done();
});

test("nothing is wider than a phone", async () => {
  for (const file of [violated.file, toyPage("sweep-phone", { report: sweepReport(), trace: null })]) {
    const { page, done } = await open(file, { width: 390, height: 844 });
    for (const tab of await page.locator("#tabs [data-tab]").all()) {
      await tab.click();
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390, await tab.textContent());
    }
    await done();
  }
});

test("with reduced motion nothing is animated", async () => {
  const { page, done } = await open(violated.file, { motion: "reduce" });
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await done();
});
