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
  bytes: `/bytes?id=${facts.event}`,
  segment: "/bytes?segment=1",
  long: `/event?id=${facts.long_event}`,
  hostile: `/entity?name=${encodeURIComponent(facts.markup)}`,
  backwards: `/entity?name=${encodeURIComponent(facts.right_to_left)}`,
  longest: `/entity?name=${encodeURIComponent(facts.longest)}`,
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
      check(`${name} opens`, answer?.status() === 200, String(answer?.status()));
      // A page that reloads once all is counted would take the place of the next one.
      await at.waitForFunction(() => !document.querySelector("#counting"), null, { timeout: 60_000 });
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
  // The bytes of an event, from its page.
  await at.goto(`${origin}/event?id=${facts.raw_event}`);
  await at.locator("a", { hasText: "Bytes" }).click();
  await at.waitForURL(/\/bytes\?id=/);
  check("the record that was asked for is marked", (await at.locator("tr.self").count()) > 5);
  check("fields are named", (await at.locator("table.bytes td", { hasText: /^entity and scope$/ }).count()) >= 1);
  // A proof, signed by a head that is kept.
  await at.goto(`${origin}/event?id=${facts.event}`);
  const [proof] = await Promise.all([at.waitForEvent("download"), at.locator("a", { hasText: /^signed$/ }).click()]);
  const proved = readFileSync(await proof.path(), "utf8");
  check("a signed proof is one", proved.startsWith("c2sp.org/tlog-proof@v1\n") && proved.includes(facts.signer), proved.slice(0, 80));
  // A verification.
  await at.goto(`${origin}/integrity`);
  await at.locator("a", { hasText: "Verify" }).click();
  await at.locator(".note.good", { hasText: "Nothing is wrong" }).waitFor({ timeout: 30_000 });
  check("verification counts", (await figure(at, "Good")) === facts.events);
  await at.screenshot({ path: join(shots, "verified.png") });
  await at.context().close();
}

/** The log held against heads: the line, in words and in a picture. */
async function anchored() {
  const at = await page(1280, 800, "light");
  await at.goto(`${origin}/integrity`);
  const parts = at.locator("table.parts tbody tr");
  await parts.first().waitFor({ timeout: 20_000 });
  const all = await parts.allInnerTexts();
  check("what is proved begins the line", digits(all[0].split("\t")[1]) === facts.anchored, all[0]);
  check("the line has its gap", all.length === 2 && all[1].includes("open"), all.join(" | "));
  const widths = await at.locator("figure.anchored svg rect:not(.mark)").evaluateAll((all) => all.map((one) => Number(one.getAttribute("width"))));
  check("the line is drawn to its end", widths.length === 2 && Math.abs(widths[0] + widths[1] - 1000) <= 8, String(widths));
  const marks = await at.locator("figure.anchored svg .mark").count();
  check("heads are marked, those close together once", marks >= 1 && marks <= facts.heads, String(marks));
  await at.locator("#anchors").scrollIntoViewIfNeeded();
  await at.screenshot({ path: join(shots, "anchored.png") });
  await at.context().close();
}

/** Contents that would harm a page that trusts them show as what they are. */
async function hostile() {
  const at = await page(360, 740, "light");
  for (const name of [facts.markup, facts.right_to_left, facts.longest]) {
    await at.goto(`${origin}/entity?name=${encodeURIComponent(name)}`);
    check("a name is shown as it is", (await at.locator("h1").textContent()) === name, name.slice(0, 40));
    await at.goto(`${origin}/search?q=${encodeURIComponent(name)}`);
    check("a name is found as it is", (await at.locator("a.name bdi").allTextContents()).includes(name), name.slice(0, 40));
    check("nothing of it runs", await at.evaluate(() => globalThis.harmed === undefined));
  }
  await at.goto(`${origin}/event?id=${facts.long_event}`);
  check("a payload of 16 MiB is cut, and said to be", (await at.locator(".note", { hasText: "This is its beginning" }).count()) === 1);
  check("its page is small", (await at.content()).length < 1_000_000);
  const [payload] = await Promise.all([at.waitForEvent("download"), at.locator("a", { hasText: "Download" }).click()]);
  check("the whole of it is in the download", readFileSync(await payload.path()).length === facts.long_bytes);
  await at.context().close();
}

/** As many names as there are: the page of those with the most events counts them all, and pages go on. */
async function many() {
  const at = await page(1280, 800, "light");
  await at.goto(`${origin}/names`);
  await at.waitForFunction(() => !document.querySelector("#counting"), null, { timeout: 60_000 });
  check("names of a large store are a page", (await at.locator("table.list tbody tr").count()) === 50);
  await at.goto(`${origin}/names?sort=name&prefix=meter:`);
  await at.locator("#next").click();
  await at.waitForURL(/after=/);
  check("names go on", (await at.locator("table.list tbody tr").count()) === 50);
  await at.context().close();
}

/** How long each view takes at best, which is told and fails nothing: the machine may be busy. */
async function times() {
  const at = await page(1280, 800, "light");
  for (const [name, path] of Object.entries(views)) {
    let [best, paint] = [Infinity, Infinity];
    for (let turn = 0; turn < 5; turn += 1) {
      await at.goto(origin + path);
      const seen = await at.evaluate(() => {
        const answer = performance.getEntriesByType("navigation")[0];
        const first = performance.getEntriesByName("first-contentful-paint")[0];
        return [answer.responseEnd - answer.requestStart, first?.startTime ?? Infinity];
      });
      best = Math.min(best, seen[0]);
      paint = Math.min(paint, seen[1]);
    }
    console.log(`${name}: answered in ${best.toFixed(0)} ms, painted after ${paint.toFixed(0)} ms`);
  }
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
await anchored();
await hostile();
await many();
await times();
await live();
await browser.close();
server.stdin.end();
console.log(`${checks} checks, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
