// Exports that only a browser can read: Mermaid's own parser and drawing accept the sequence diagram of a violation.
"use strict";
const { test, after } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { spawnSync } = require("node:child_process");
const { pathToFileURL } = require("node:url");
const { close, launch, findZablab, work, ROOT } = require("./browser.js");

after(close);

/** What Mermaid makes of a text: the labels of the drawing, or its complaint. */
async function drawMermaid(text) {
  const file = path.join(work, "mermaid.html");
  const script = fs.readFileSync(path.join(__dirname, "node_modules/mermaid/dist/mermaid.min.js"), "utf8");
  fs.writeFileSync(
    file,
    `<!doctype html><meta charset="utf-8"><body><script>${script.replaceAll("</script", "<\\/script")}</script></body>`,
  );
  const page = await (await launch()).newPage();
  await page.goto(pathToFileURL(file).href);
  const drawn = await page.evaluate(async (source) => {
    mermaid.initialize({ startOnLoad: false });
    try {
      const { svg } = await mermaid.render("drawing", source);
      const box = document.createElement("div");
      box.innerHTML = svg;
      return {
        labels: [...box.querySelectorAll("text, .noteText")].map((one) => one.textContent.trim()),
        messages: box.querySelectorAll(".messageText").length,
      };
    } catch (problem) {
      return { complaint: String(problem) };
    }
  }, text);
  await page.close();
  return drawn;
}

test("Mermaid draws what it should and refuses what it should", async () => {
  const good = await drawMermaid("sequenceDiagram\n  participant s1\n  participant s2\n  s1->>s2: PROPOSAL 1:1\n  s2-xs1: ACK 1:1\n");
  assert.equal(good.messages, 2);
  assert.ok((await drawMermaid("sequenceDiagram\n  s1 =>> s2 nothing")).complaint);
});

test("Mermaid draws the export of a violation", async (context) => {
  const made = spawnSync(findZablab(), ["export", "scenarios/zoo/diff-no-trunc.json", "--to", "mermaid"], { cwd: ROOT, encoding: "utf8" });
  if (/unrecognized subcommand/.test(made.stderr)) return context.skip("this zablab has no export yet");
  assert.equal(made.status, 0, made.stderr);
  const drawn = await drawMermaid(made.stdout);
  assert.equal(drawn.complaint, undefined);
  const arrows = made.stdout.split("\n").filter((line) => /-(>>|x|\))/.test(line)).length;
  assert.ok(arrows > 5 && drawn.messages === arrows, `${drawn.messages} messages drawn of ${arrows}`);
  const participants = [...made.stdout.matchAll(/^\s*participant (?:\S+ as )?(.+)$/gm)].map((match) => match[1].trim());
  assert.ok(participants.length >= 3);
  for (const name of participants) assert.ok(drawn.labels.includes(name), name);
});
