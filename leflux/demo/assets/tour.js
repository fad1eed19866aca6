// The tour: drives the shop in the frame as a visitor's day would, and shows what came from where.
const by = (id) => document.getElementById(id);
const frame = by("shop");
const STARTED = performance.now();
const QUESTION = "What does shipping cost, and how long does it take?";
const PERSON = { name: "Ada Lovelace", email: "ada@example.com", phone: "+44 20 7946 0000" };
const LIMIT_MS = 30_000;
const EVENTS = 40;
/** Between two steps of the whole tour, to look at what has happened. */
const LOOK_MS = 6_000;
const seen = { cached: 0, fresh: 0, doubled: 0, cutUntil: 0 };

const shop = () => frame.contentWindow;
const chat = () => shop().LeFlux;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const plural = (count, word = "message") => `${count} ${word}${count === 1 ? "" : "s"}`;

function root() {
  return shop().document.querySelector("leflux-widget")?.shadowRoot ?? null;
}

function bubbles() {
  return [...(root()?.querySelectorAll("[part~=message]") ?? [])];
}

function numbers() {
  return bubbles().flatMap(({ dataset }) => (dataset.seq ? [Number(dataset.seq)] : []));
}

function record(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function log(text) {
  const line = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = `${((performance.now() - STARTED) / 1000).toFixed(1)} s`;
  line.append(time, ` ${text}`);
  by("events").prepend(line);
  while (by("events").children.length > EVENTS) by("events").lastChild.remove();
}

/** Wait until `condition` holds. Throws when it never does. */
async function until(condition, what, limit = LIMIT_MS) {
  for (const end = performance.now() + limit; performance.now() < end; await pause(40)) {
    try {
      const found = await condition();
      if (found) return found;
    } catch {
      // The frame is between two documents.
    }
  }
  throw new Error(what);
}

const ready = () => until(() => chat()?.isReady(), "The chat did not start.");
const isSettled = () => bubbles().length > 0 && bubbles().every(({ dataset }) => dataset.status === "sent" && dataset.streaming === undefined);

/** The answer to the message that `said` names is whole on the screen. */
function answered(said) {
  return until(() => {
    const rows = bubbles();
    const at = rows.findLastIndex(({ textContent, dataset }) => dataset.role === "visitor" && textContent.includes(said));
    return at >= 0 && rows.slice(at + 1).some(({ dataset }) => dataset.role === "assistant") && isSettled();
  }, "The answer did not come.");
}

/** Checks what the screen holds: 1, 2, 3 … without gaps, nothing twice. */
function summary() {
  const found = numbers();
  const whole = found.every((seq, index) => seq === found[0] + index);
  if (!whole) throw new Error(`The numbers have a gap: ${found.join(", ")}`);
  return `${plural(found.length)} on screen, numbers ${found[0]} to ${found.at(-1)}, no gap, nothing twice.`;
}

// What the frame tells. It is asked anew after each load.

function listen() {
  const page = shop();
  const began = performance.now();
  const cached = record("leflux:history")?.messages?.length ?? 0;
  const last = record("leflux:session")?.seq ?? 0;
  by("address").textContent = `northlight.example${page.location.pathname.replace(/^\/demo/, "")}`;
  if (cached > 0) log(`page loaded, ${plural(cached)} from the cache`);
  seen.cached = cached;
  page.addEventListener("leflux:restored", ({ detail }) => {
    if (detail.how === "new") return;
    const newer = numbers().filter((seq) => seq > last).length;
    seen.fresh = newer;
    log(`store asked after ${Math.round(performance.now() - began)} ms: ${newer === 0 ? "nothing newer" : `${newer} newer`}`);
  });
  const said = {
    message: ({ detail }) => `stored as number ${detail.seq}`,
    reply: ({ detail }) => `answer stored as number ${detail.seq}`,
    action: ({ detail }) => `step: ${detail.step?.description ?? "on the page"}`,
    task_complete: () => "the booking is done",
    "taken-over": () => "another tab has the conversation",
    cleared: () => "conversation cleared",
  };
  for (const [name, text] of Object.entries(said)) {
    page.addEventListener(`leflux:${name}`, (event) => log(text(event)));
  }
}

frame.addEventListener("load", listen);

async function refresh() {
  const id = localStorage.getItem("leflux:sessionId");
  by("session").textContent = id === null ? "none yet" : `${id.slice(0, 8)}…`;
  const found = numbers();
  by("seq").textContent = found.length === 0 ? "none yet" : `${found[0]} to ${found.at(-1)}`;
  by("cache").textContent = `${plural(seen.cached)} at the last load`;
  by("store").textContent = seen.fresh === 0 ? "nothing newer" : `${plural(seen.fresh)} more`;
  by("twice").textContent = plural(seen.doubled);
  by("waiting").textContent = plural(record("leflux:outbox")?.messages?.length ?? 0);
}

async function watch() {
  for (;;) {
    try {
      const { uptimeMs } = await (await fetch("/demo/tour/state", { signal: AbortSignal.timeout(1500) })).json();
      const cut = performance.now() < seen.cutUntil;
      by("uptime").textContent = `${Math.round(uptimeMs / 1000)} s`;
      by("link").textContent = cut ? "network cut" : "connected";
      by("link").dataset.state = cut ? "cut" : "on";
    } catch {
      by("uptime").textContent = "restarting";
      by("link").textContent = "server away";
      by("link").dataset.state = "cut";
    }
    await pause(500);
  }
}

function refreshAlways() {
  try {
    refresh();
  } catch {
    // The frame is between two documents.
  }
  setTimeout(refreshAlways, 150);
}

// The steps. Each returns what it has shown.

async function open() {
  await ready();
  chat().open();
}

async function post(action) {
  const answer = await fetch(`/demo/tour/${action}`, { method: "POST" });
  if (!answer.ok) throw new Error("Only a browser on the server's own machine may do this.");
}

async function reloaded() {
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  shop().location.reload();
  await loaded;
  await ready();
}

const steps = {
  async reload(tell) {
    await open();
    const page = shop();
    const writing = new Promise((resolve) => {
      page.addEventListener("leflux:typing-start", resolve, { once: true });
      page.addEventListener("leflux:message", () => setTimeout(resolve, 120), { once: true });
    });
    chat().send(QUESTION);
    await writing;
    const words = bubbles().at(-1).dataset.role === "assistant" ? bubbles().at(-1).textContent.trim().split(/\s+/).length : 0;
    tell(`Reloading after ${plural(words, "word")} of the answer …`);
    await reloaded();
    await answered("shipping cost");
    return summary();
  },

  async twice() {
    await open();
    const sessionId = await until(() => localStorage.getItem("leflux:sessionId") ?? begin(), "There is no session.");
    const body = JSON.stringify({ sessionId, clientMessageId: crypto.randomUUID(), message: "Do you repair lamps?" });
    const send = async () => (await fetch("/api/chat", { method: "POST", headers: { "Content-Type": "application/json" }, body })).json();
    const [first, second] = await Promise.all([send(), send()]);
    if (first.seq === undefined || first.seq !== second.seq) throw new Error(first.message ?? "The server took it twice.");
    seen.doubled += 1;
    log(`sent twice: both answers name number ${first.seq}`);
    await answered("Do you repair lamps?");
    return `Two sends, two answers, one number: ${first.seq}. ${summary()}`;
  },

  async cut(tell) {
    await open();
    await post("cut");
    seen.cutUntil = performance.now() + 8000;
    log("network cut for 8 s");
    tell("No network. Sending a message all the same …");
    chat().send("Is there a showroom in Hamburg?");
    await pause(8000);
    tell("The network is back …");
    await answered("showroom in Hamburg");
    return `Kept in the browser, sent once the network came back. ${summary()}`;
  },

  async restart(tell) {
    await open();
    const before = numbers().length;
    const uptime = async () => (await (await fetch("/demo/tour/state")).json()).uptimeMs;
    const old = await uptime();
    await post("restart");
    log("server told to restart");
    tell("The server is going down …");
    chat().send("Can I return a lamp?");
    await until(async () => (await uptime()) < old, "The server did not come back.");
    log("server is back");
    await answered("Can I return a lamp?");
    if (numbers().length < before) throw new Error("Messages are missing.");
    return `A new process, the same conversation. ${summary()}`;
  },

  async booking(tell) {
    await open();
    await chat().setVisitorData(PERSON);
    chat().send("Book a demo");
    let reloads = 0;
    const before = bubbles().filter(({ textContent }) => textContent.includes("Your demo is booked")).length;
    await until(async () => {
      root()?.querySelector(".card[role=group] button")?.click();
      answerQuestion();
      if (reloads === 0 && shop().location.pathname === "/demo/book/details.html" && shop().document.querySelector("#email")?.value) {
        reloads += 1;
        tell("Reloading between two fields …");
        log("reload in mid-booking");
        await reloaded();
      }
      return bubbles().filter(({ textContent }) => textContent.includes("Your demo is booked")).length > before;
    }, "The booking did not end.", 60_000);
    return `Booked once, with a reload half-way. ${summary()}`;
  },

  async tab() {
    if (window.open("/demo/", "_blank") === null) throw new Error("The browser has blocked the new tab.");
    return "Say something there, and watch it appear here. Close either one: the other goes on.";
  },
};

/** What the chat asks for when it has not heard it yet. */
function answerQuestion() {
  const last = bubbles().at(-1);
  if (last?.dataset.kind !== "question" || !isSettled()) return;
  const [, value] = Object.entries(PERSON).find(([name]) => last.textContent.toLowerCase().includes(name)) ?? [];
  if (value !== undefined) chat().send(value);
}

/** Begin a conversation by saying something; the session's id once it is there. */
async function begin() {
  chat().send("Hello!");
  await answered("Hello!");
  return localStorage.getItem("leflux:sessionId");
}

async function run(name) {
  const item = document.querySelector(`[data-step=${name}]`);
  const result = item.querySelector(".result");
  const tell = (text) => (result.textContent = text);
  item.dataset.state = "running";
  tell("");
  try {
    tell(await steps[name](tell));
    item.dataset.state = "done";
  } catch (error) {
    tell(error.message);
    item.dataset.state = "failed";
  }
}

function setBusy(busy) {
  by("play").disabled = busy;
  for (const button of document.querySelectorAll("[data-step]:not([data-blocked]) button")) button.disabled = busy;
}

async function runAlone(names) {
  setBusy(true);
  for (const [index, name] of names.entries()) {
    if (index > 0) await pause(LOOK_MS);
    await run(name);
  }
  setBusy(false);
}

for (const item of document.querySelectorAll("[data-step]")) {
  item.querySelector("button").addEventListener("click", () => runAlone([item.dataset.step]));
}
by("reload").addEventListener("click", () => shop().location.reload());
by("play").addEventListener("click", async () => {
  const began = performance.now();
  const show = () => (by("clock").textContent = `${Math.round((performance.now() - began) / 1000)} s`);
  const clock = setInterval(show, 500);
  // A tab that no press has asked for is blocked as a pop-up.
  await runAlone([...document.querySelectorAll("[data-step]:not([data-blocked])")].map(({ dataset }) => dataset.step).filter((name) => name !== "tab"));
  clearInterval(clock);
  show();
});
watch();
refreshAlways();
if (frame.contentDocument?.readyState === "complete") listen();
