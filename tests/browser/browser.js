// What the tests share: a browser, pages made from real runs of zablab or from the toy, and a record of everything a page
// complains about or asks for.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { execFileSync } = require("node:child_process");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");
const { assemble } = require("./fixture.js");

const ROOT = path.join(__dirname, "../..");
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];
const work = fs.mkdtempSync(path.join(os.tmpdir(), "zablab-page-"));

/** The zablab that makes the real runs: the one named by ZABLAB, else the newest build of this repository. */
function findZablab() {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
  const found = [process.env.ZABLAB, path.join(target, "release/zablab"), path.join(target, "debug/zablab")].find(
    (file) => file && fs.existsSync(file),
  );
  if (!found) throw new Error("no zablab is built: run tests/browser/run.sh, or cargo build --release");
  return found;
}

const chrome = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (file) => file && fs.existsSync(file),
);

/** @type {Promise<import("playwright-core").Browser> | null} */
let browser = null;
function launch() {
  if (!chrome) throw new Error("no Chromium: run tests/browser/run.sh");
  browser ??= chromium.launch({ executablePath: chrome, headless: true, args: FLAGS });
  return browser;
}

async function close() {
  if (browser) await (await browser).close();
  fs.rmSync(work, { recursive: true, force: true });
}

/** Plays a scenario and returns its report and the page that zablab left. */
function realRun(scenario) {
  const dir = path.join(work, scenario.replaceAll("/", "-"));
  try {
    if (!fs.existsSync(dir))
      execFileSync(findZablab(), ["run", path.join(ROOT, "scenarios", `${scenario}.json`), "--report", dir], {
        stdio: "ignore",
        cwd: ROOT,
      });
  } catch (problem) {
    if (!fs.existsSync(path.join(dir, "report.json"))) throw problem;
  }
  const report = JSON.parse(fs.readFileSync(path.join(dir, "report.json"), "utf8"));
  const page = path.join(dir, "report.html");
  if (!fs.existsSync(page)) fs.writeFileSync(page, assemble(report, fs.readFileSync(path.join(dir, "run.zt")).toString("base64")));
  else if (process.env.PAGE_SOURCES) freshen(page, report);
  return { report, file: page, dir };
}

/** Runs `zablab report` with these arguments and returns the report and its page. */
function realReport(name, ...args) {
  const dir = path.join(work, name);
  execFileSync(findZablab(), ["report", ...args, "-o", dir], { stdio: "ignore", cwd: ROOT });
  const report = JSON.parse(fs.readFileSync(path.join(dir, "report.json"), "utf8")),
    file = path.join(dir, "report.html");
  if (process.env.PAGE_SOURCES) freshen(file, report);
  return { report, file, dir };
}

/** Plays a few seeds of a scenario and returns the folder. */
function realSweep(scenario, seeds) {
  const dir = path.join(work, `sweep-${scenario.replaceAll("/", "-")}`);
  try {
    execFileSync(findZablab(), ["sweep", path.join(ROOT, "scenarios", `${scenario}.json`), "--seeds", seeds, "--out", dir], {
      stdio: "ignore",
      cwd: ROOT,
    });
  } catch (problem) {
    if (!fs.existsSync(path.join(dir, "summary.json"))) throw problem; // a sweep that finds something exits with 1
  }
  return dir;
}

/** A page with the scripts as they are now around the data that zablab put into it: for work on the page without building zablab. */
function freshen(file, report) {
  const html = fs.readFileSync(file, "utf8");
  const held = (id) => new RegExp(`<script type="text/plain" id="${id}">([^<]*)</script>`).exec(html)?.[1] ?? "";
  const plots = /<template id="plots">([\s\S]*?)<\/template>/.exec(html)?.[1] ?? "";
  fs.writeFileSync(file, assemble(report, held("trace"), { trace2: held("trace2"), plots }));
}

/** Writes a page of the toy. */
function toyPage(name, { report, trace }, options) {
  const file = path.join(work, `${name}.html`);
  fs.writeFileSync(file, assemble(report, trace, options));
  return file;
}

/** Waits until an expression is true in a page. Playwright's own waiting would evaluate text, which the page's policy forbids. */
async function until(page, expression, ms = 20000) {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 15)))
    if (await page.evaluate(expression)) return;
  throw new Error(`not within ${ms} ms: ${expression}`);
}

/** Opens a page and waits until it is drawn. `complaints` fills with console errors, exceptions and requests that leave the page. */
async function open(file, { hash = "", width = 1440, height = 900, dark = false, motion = "no-preference" } = {}) {
  const context = await (
    await launch()
  ).newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", reducedMotion: motion });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (problem) => complaints.push(`exception: ${problem.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url()) || (request.url().startsWith("file:") && !request.isNavigationRequest()))
      complaints.push(`request: ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href + hash);
  await until(page, "!!window.READY");
  return { page, complaints, state: () => page.evaluate("zablab.state()"), done: () => context.close() };
}

module.exports = { launch, close, realRun, realReport, realSweep, toyPage, open, until, work, findZablab, ROOT };
