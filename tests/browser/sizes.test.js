// Sizes and times of pages of ten thousand, a hundred thousand and a million events. The limits are generous, because a test
// machine may be busy; what was measured is printed.
"use strict";
const { test, after } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const { close, open, toyPage } = require("./browser.js");
const { makeRun } = require("./fixture.js");

after(close);

const base = fs.statSync(toyPage("empty", makeRun({ events: 130 }))).size;

for (const [events, aimMs, limitMs] of [
  [10_000, 400, 3000],
  [100_000, 700, 5000],
  [1_000_000, 2000, 15000],
]) {
  test(`a page of ${events} events is ready soon and seeks at once`, async (context) => {
    const file = toyPage(`size-${events}`, makeRun({ events, servers: 5, clients: 6 }));
    const { page, complaints, done } = await open(file);
    const ready = await page.evaluate("READY");
    const seek = await page.evaluate(() => {
      const { model } = zablab.app,
        times = [];
      for (let i = 0; i < 200; i++) {
        const row = (i * 7919 * 131) % model.rows,
          start = performance.now();
        model.stateAt(row);
        model.lineage.image(model.stateAt(row)[model.field.applied]);
        times.push(performance.now() - start);
      }
      times.sort((a, b) => a - b);
      const start = performance.now();
      for (let i = 0; i < 20; i++) zablab.seek((i * 7919 * 131) % model.rows);
      return {
        mean: times.reduce((sum, time) => sum + time) / times.length,
        median: times[100],
        most: times[199],
        drawn: (performance.now() - start) / 20,
      };
    });
    context.diagnostic(
      `${events} events: trace ${Math.round((fs.statSync(file).size - base) / 1024)} KB beside a page of ${Math.round(base / 1024)} KB, ready in ${Math.round(ready.ms)} ms (aim ${aimMs}), seek ${seek.mean.toFixed(2)} ms in the mean and ${seek.most.toFixed(1)} ms at most, with everything drawn ${seek.drawn.toFixed(1)} ms`,
    );
    assert.ok(ready.ms < limitMs, `ready in ${ready.ms} ms`);
    assert.ok(seek.median < 20, `seek in ${seek.median} ms`);
    assert.deepEqual(complaints, []);
    await done();
  });
}
