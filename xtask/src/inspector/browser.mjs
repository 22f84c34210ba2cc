// Opens every view of an inspector in a browser, clicks what can be clicked, and holds what it sees against the facts of
// the store. Arguments: the folder of the packages, the browser, the folder for screenshots, and the program that serves
// the store and prints the facts, with its arguments.
// Prints a line for each check, and ends with 1 if one failed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [packages, browserPath, shots, program, ...programArguments] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const server = spawn(program, programArguments, { stdio: ["pipe", "pipe", "inherit"] });
const [line] = await once(createInterface({ input: server.stdout }), "line");
const facts = JSON.parse(line);
const origin = new URL(facts.address).origin;

const failures = [];
let checks = 0;
function check(what, passes, more = "") {
  checks += 1;
  if (!passes) failures.push(`${what} ${more}`);
  if (!passes) console.log(`FAILED ${what} ${more}`);
}

const browser = await chromium.launch({
  executablePath: browserPath,
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});

/** A page of a size and colours, whose errors and requests are watched. */
async function page(width, height, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const opened = await context.newPage();
  opened.on("console", (message) => {
    const isFault = message.type() === "error" || message.type() === "warning";
    // A page of something that is not there says so by its status, and the browser by a line.
    if (isFault && !message.text().includes("status of 4")) check(`console of ${opened.url()}`, false, message.text());
  });
  opened.on("pageerror", (error) => check(`script of ${opened.url()}`, false, String(error)));
  opened.on("dialog", (dialog) => { check("no text runs as a script", false, dialog.message()); dialog.dismiss(); });
  opened.on("request", (request) => {
    const isOwn = request.url().startsWith(origin) || request.url().startsWith("data:");
    check("nothing is loaded from elsewhere", isOwn, request.url());
  });
  await opened.goto(facts.address);
  check("the token leaves the address", !opened.url().includes("token"), opened.url());
  return opened;
}

const digits = (text) => Number(text.replace(/[^0-9]/g, ""));
const figure = async (at, name) => digits(await at.locator(".figure", { hasText: name }).locator("dd").first().innerText());

const views = {
  overview: "/",
  events: "/events",
  filtered: `/events?kind=${facts.kind}`,
  event: `/event?id=${facts.event}`,
  hex: `/event?id=${facts.raw_event}&form=hex`,
  entity: `/entity?name=${encodeURIComponent(facts.entity)}`,
  entities: "/names",
  kinds: "/names?of=kinds",
  scopes: "/names?of=scopes",
  tags: "/names?of=tags",
  tree: `/tree?id=${facts.event}`,
  consumers: "/consumers",
  files: "/files?drop_prefix=order:1",
  integrity: "/integrity",
  search: "/search?q=order:1",
  payloads: "/search?q=paid&in=payloads",
  export: "/export",
};

/** Accessibility, as axe sees it. */
async function accessible(at, name) {
  // In a world of its own, where the policy of the page holds for nothing.
  const cdp = await at.context().newCDPSession(at);
  const { frameTree } = await cdp.send("Page.getFrameTree");
  const { executionContextId } = await cdp.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  await cdp.send("Runtime.evaluate", { contextId: executionContextId, expression: axe });
  const { result } = await cdp.send("Runtime.evaluate", {
    contextId: executionContextId,
    awaitPromise: true,
    returnByValue: true,
    expression: "axe.run().then((found) => found.violations.map((one) => `${one.id}: ${one.nodes.length} × ${one.nodes[0].html}`))",
  });
  check(`accessibility of ${name}`, Array.isArray(result.value) && result.value.length === 0, (result.value ?? ["not run"]).join("\n  "));
}

async function everyView() {
  for (const [width, height, colors] of [[1920, 1080, "light"], [1280, 800, "dark"], [360, 740, "light"]]) {
    const at = await page(width, height, colors);
    for (const [name, path] of Object.entries(views)) {
      const answer = await at.goto(origin + path);
      check(`${name} opens`, answer.status() === 200, String(answer.status()));
      check(`${name} has a heading`, (await at.locator("h1").count()) === 1);
      const overflow = await at.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      check(`${name} is not wider than ${width}`, overflow <= 0, `by ${overflow}`);
      check(`${name} runs no text`, await at.evaluate(() => globalThis.harmed === undefined));
      const same = at.locator("details.same");
      check(`${name} has the same elsewhere`, (await same.count()) === 1);
      if (name === "files" || name === "integrity") await at.waitForTimeout(1_200);
      await at.screenshot({ path: join(shots, `${name}-${width}-${colors}.png`), fullPage: width !== 1920 });
      if (width !== 360) await accessible(at, `${name} ${colors}`);
    }
    await at.context().close();
  }
}

async function numbers() {
  const at = await page(1280, 800, "light");
  check("events of the overview", (await figure(at, "Events")) === facts.events);
  check("visible of the overview", (await figure(at, "Visible below")) === facts.visible);
  await at.waitForFunction(() => !document.body.innerText.includes("counting…"));
  check("entities of the overview", (await figure(at, "Entities")) === facts.entities);
  const total = digits(await at.locator(".rate strong").innerText());
  check("the sum of the rate", total === facts.events, String(total));
  // Followed as a person does.
  await at.locator(".ranking a", { hasText: facts.kind }).click();
  await at.waitForURL(/kind=/);
  const ofKind = digits(await at.locator(".rate strong").innerText());
  check("events of a kind", ofKind === facts.events_of_kind, String(ofKind));
  const scope = at.locator(".facets a", { hasText: facts.scope });
  await scope.click();
  await at.waitForURL(/scope=/);
  const narrowed = digits(await at.locator(".rate strong").innerText());
  check("events of a kind and a scope", narrowed === facts.events_of_kind_and_scope, String(narrowed));
  await at.locator("table.events tbody tr a").first().click();
  await at.waitForURL(/\/event\?/);
  check("an event shows its payload", (await at.locator("pre").first().innerText()).length > 0);
  await at.locator("a", { hasText: "Correlation," }).click();
  await at.waitForURL(/\/tree/);
  check("a correlation has its events", (await at.locator(".tree tbody tr").count()) >= 1);
  await at.context().close();
}

async function used() {
  const at = await page(1280, 800, "light");
  // Keys.
  await at.keyboard.press("g");
  await at.keyboard.press("e");
  await at.waitForURL(/\/events$/);
  await at.keyboard.press("j");
  await at.keyboard.press("j");
  await at.keyboard.press("Enter");
  await at.waitForURL(/\/event\?/);
  await at.keyboard.press("?");
  check("keys are listed", await at.locator("#keys").isVisible());
  await at.keyboard.press("Escape");
  const before = await at.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await at.keyboard.press("t");
  const after = await at.evaluate(() => getComputedStyle(document.body).backgroundColor);
  check("colours are turned", before !== after, before);
  await at.goto(`${origin}/events`);
  check("colours stay turned", (await at.evaluate(() => getComputedStyle(document.body).backgroundColor)) === after);
  await at.keyboard.press("/");
  await at.keyboard.type(facts.entity);
  await at.keyboard.press("Enter");
  await at.waitForURL(/\/search/);
  check("an entity is found", (await at.locator("a.name", { hasText: facts.entity }).count()) >= 1);
  // Zoom by drawing over the rate.
  await at.goto(`${origin}/events`);
  const plot = await at.locator(".plot").boundingBox();
  await at.mouse.move(plot.x + plot.width * 0.2, plot.y + 40);
  await at.mouse.down();
  await at.mouse.move(plot.x + plot.width * 0.6, plot.y + 40, { steps: 4 });
  await at.mouse.up();
  await at.waitForURL(/since=\d+&until=\d+/);
  check("a zoomed rate has a way back", (await at.locator(".rate nav a", { hasText: "all" }).count()) === 1);
  // The slider of an entity.
  await at.goto(`${origin}/entity?name=${encodeURIComponent(facts.entity)}`);
  await at.locator("input[type=range]").focus();
  await at.keyboard.press("Home");
  await at.waitForURL(/version=0/);
  check("a version by the slider", (await at.locator("h2").first().innerText()).includes("0"));
  // A verification.
  await at.goto(`${origin}/integrity`);
  await at.locator("a", { hasText: "Verify" }).click();
  await at.locator(".note.good", { hasText: "Nothing is wrong" }).waitFor({ timeout: 30_000 });
  check("verification counts", (await figure(at, "Good")) === facts.events);
  await at.screenshot({ path: join(shots, "verified.png") });
  await at.context().close();
}

async function live() {
  const at = await page(1280, 800, "light");
  await at.goto(`${origin}/events`);
  await at.locator("#live").click();
  server.stdin.write("append\n");
  await at.locator("tr.new").first().waitFor({ timeout: 20_000 });
  check("a live list grows", (await at.locator("tr.new").count()) > 0);
  await at.locator("#live").click();
  check("a live list pauses", (await at.locator("#live").innerText()) === "Live");
  await at.screenshot({ path: join(shots, "live.png") });
  await at.context().close();
}

await everyView();
await numbers();
await used();
await live();
await browser.close();
server.stdin.end();
console.log(`${checks} checks, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
