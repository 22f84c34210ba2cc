// What a page does beyond links and forms: keys, zooming with the pointer, lists that grow, parts that are looked at again.
// Puts in nothing but what this server has made of its own texts, parsed apart from the page, in which nothing runs.

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** Elements that the server has made, as nodes of this page. */
function parsed(html) {
  const made = new DOMParser().parseFromString(html, "text/html");
  return [...made.body.children].map((node) => document.adoptNode(node));
}

function theme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("strandline-theme", root.dataset.theme);
  } catch {
    // It holds for this page alone.
  }
}

/** Rows of lists, by keys. */
function step(by) {
  const rows = all("table.events tbody tr, table.list tbody tr");
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.classList.contains("current"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  rows[at]?.classList.remove("current");
  next.classList.add("current");
  one("a", next)?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

let isGoing = false;

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (isGoing) {
    isGoing = false;
    const place = all("header nav a").find((link) => link.dataset.key === event.key);
    if (place) place.click();
    return;
  }
  const does = {
    "/": () => one("#search").focus(),
    "?": () => one("#keys").showModal(),
    g: () => { isGoing = true; setTimeout(() => { isGoing = false; }, 1500); },
    j: () => step(1),
    k: () => step(-1),
    n: () => one("#next")?.click(),
    p: () => one("#live")?.click(),
    t: theme,
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

/** A rate is zoomed into by drawing over it. */
function zoom(figure) {
  const plot = one(".plot", figure);
  const selection = one(".selection", figure);
  let first = null;
  const place = (event) => {
    const box = plot.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const draw = (last) => {
    const [from, to] = [Math.min(first, last), Math.max(first, last)];
    selection.style.left = `${from * 100}%`;
    selection.style.width = `${(to - from) * 100}%`;
    selection.hidden = to - from < 0.01;
    return [from, to];
  };
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    first = place(event);
  });
  plot.addEventListener("pointermove", (event) => {
    if (first === null) return;
    draw(place(event));
  });
  plot.addEventListener("dragstart", (event) => event.preventDefault());
  plot.addEventListener("pointerleave", () => { first = null; selection.hidden = true; });
  plot.addEventListener("click", (event) => {
    if (first === null) return;
    const [from, to] = draw(place(event));
    first = null;
    if (to - from < 0.01) return;
    event.preventDefault();
    const [start, end] = [Number(figure.dataset.from), Number(figure.dataset.to)];
    const address = new URL(figure.dataset.zoom, location.href);
    address.searchParams.set("since", Math.floor(start + (end - start) * from));
    address.searchParams.set("until", Math.ceil(start + (end - start) * to));
    location.assign(address);
  });
}

/** A list to which new events are added as they come. */
function live(button) {
  const state = one("#live-state");
  const body = one("table.events tbody");
  const keep = Number(button.dataset.keep);
  let source = null;
  let from = new URL(button.dataset.stream, location.href);
  let count = 0;
  const say = (text) => { state.textContent = text; };
  const stop = () => {
    source?.close();
    source = null;
    button.setAttribute("aria-pressed", "false");
    button.textContent = "Live";
    say(count > 0 ? `paused after ${count} new` : "");
  };
  const start = () => {
    source = new EventSource(from);
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Pause";
    say("waiting for events");
    source.addEventListener("events", (event) => {
      const { html, visible, events } = JSON.parse(event.data);
      from.searchParams.set("after", visible);
      const rows = parsed(`<table><tbody>${html}</tbody></table>`).flatMap((table) => all("tr", table));
      for (const row of rows) {
        row.classList.add("new");
        body.prepend(row);
      }
      while (body.rows.length > keep) body.rows[body.rows.length - 1].remove();
      count += events.length;
      say(`${count} new, at sequence ${visible}`);
    });
    source.addEventListener("closed", (event) => say(JSON.parse(event.data).error));
    source.addEventListener("error", () => say("the connection is lost; trying again"));
  };
  button.addEventListener("click", () => (source ? stop() : start()));
  if (new URLSearchParams(location.hash.slice(1)).has("live")) start();
}

/** A part of the page that is looked at again, as long as the page is seen and nothing in it is used. */
function refresh(part) {
  const again = async () => {
    const current = document.getElementById(part.id);
    const interval = Number(current?.dataset.refresh);
    if (!interval) return;
    const isUsed = document.hidden || current.matches(":hover") || current.contains(document.activeElement);
    if (!isUsed || current.dataset.always !== undefined) {
      try {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const next = page.getElementById(part.id);
        if (next) {
          current.replaceWith(document.adoptNode(next));
          all("figure.rate", next).forEach(zoom);
        } else if (answer.ok) location.reload();
      } catch {
        // The server may be gone for a moment.
      }
    }
    setTimeout(again, interval);
  };
  setTimeout(again, Number(part.dataset.refresh));
}

document.addEventListener("keydown", key);
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await navigator.clipboard.writeText(one("code", button.parentElement).textContent);
  button.textContent = "Copied";
});
document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-auto] input, form[data-auto] select")) event.target.form.requestSubmit();
});
// Fields that are empty ask nothing, and have no place in an address that is kept.
document.addEventListener("submit", (event) => {
  for (const field of all("input, select", event.target)) if (field.name && field.value === "") field.disabled = true;
});
addEventListener("pageshow", () => all("form :disabled").forEach((field) => { field.disabled = false; }));
one("#theme").addEventListener("click", theme);
all("figure.rate").forEach(zoom);
all("#live").forEach(live);
all("[data-refresh]").forEach(refresh);
