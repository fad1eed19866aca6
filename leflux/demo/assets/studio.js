// The studio: one document, four views, each with an address of its own.
const BASE = "/demo/studio";
const KEY = "northlight:studio";
const SHAPES = {
  dome: { label: "Dome", hint: "Deep and calm, for a table", price: 169, path: "M300 150C180 150 110 240 96 350H504C490 240 420 150 300 150Z", bulb: 352 },
  bell: { label: "Bell", hint: "Narrow at the neck, wide at the rim", price: 189, path: "M300 150C252 150 252 200 240 250C224 316 160 330 120 392H480C440 330 376 316 360 250C348 200 348 150 300 150Z", bulb: 394 },
  drum: { label: "Drum", hint: "Straight sides, light up and down", price: 179, path: "M150 190Q300 160 450 190L470 390Q300 420 130 390Z", bulb: 402 },
};
const FINISHES = {
  sage: { label: "Sage", hint: "Powder coat, matt", price: 0, color: "#7f9479" },
  ink: { label: "Ink", hint: "Powder coat, matt", price: 0, color: "#2c3342" },
  clay: { label: "Clay", hint: "Powder coat, matt", price: 0, color: "#b5643f" },
  copper: { label: "Copper", hint: "Solid, unlacquered, + €60", price: 60, color: "#c47a4a" },
};
const start = { shape: "dome", finish: "sage", level: 70, kelvin: 2700, night: matchMedia("(prefers-color-scheme: dark)").matches };

function load() {
  try {
    return { ...start, ...JSON.parse(sessionStorage.getItem(KEY)) };
  } catch {
    return { ...start };
  }
}

const lamp = load();
const view = document.querySelector("#view");
const find = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function change(part) {
  Object.assign(lamp, part);
  sessionStorage.setItem(KEY, JSON.stringify(lamp));
  draw();
}

function warmth(kelvin) {
  const share = (kelvin - 2200) / 1800;
  return `rgb(255 ${Math.round(196 + 48 * share)} ${Math.round(118 + 120 * share)})`;
}

function draw() {
  const shape = SHAPES[lamp.shape];
  const finish = FINISHES[lamp.finish];
  const strength = lamp.level / 100;
  for (const id of ["shade", "shade-sheen"]) find(id).setAttribute("d", shape.path);
  find("shade").setAttribute("fill", finish.color);
  find("bulb").setAttribute("cy", shape.bulb);
  find("halo").setAttribute("cy", shape.bulb + 40);
  for (const id of ["tint", "tint-end"]) find(id).setAttribute("stop-color", warmth(lamp.kelvin));
  find("halo").setAttribute("opacity", strength * (lamp.night ? 0.8 : 0.5));
  find("pool").setAttribute("opacity", strength);
  find("bulb").setAttribute("opacity", 0.25 + 0.75 * strength);
  find("stage").classList.toggle("night", lamp.night);
  find("total").textContent = `€${shape.price + finish.price}`;
}

function choices(name, options) {
  return Object.entries(options).map(([id, option]) => {
    const input = element("input", { type: "radio", name, id: `${name}-${id}`, value: id, checked: lamp[name] === id });
    input.addEventListener("change", () => change({ [name]: id }));
    const label = element("label", { htmlFor: input.id, textContent: option.label });
    return element("p", { className: "choice" }, input, label, element("small", { textContent: option.hint }));
  });
}

function slider(name, label, min, max, step, unit) {
  const input = element("input", { type: "range", id: name, min, max, step, value: lamp[name] });
  const title = element("label", { htmlFor: name });
  const show = () => (title.textContent = `${label}: ${lamp[name]} ${unit}`);
  input.addEventListener("input", () => {
    change({ [name]: Number(input.value) });
    show();
  });
  show();
  return element("div", {}, title, input);
}

const VIEWS = {
  shape: () => [element("h1", { textContent: "Choose a shape" }), ...choices("shape", SHAPES), next("finish", "Choose a finish")],
  finish: () => [element("h1", { textContent: "Choose a finish" }), ...choices("finish", FINISHES), next("light", "Set the light")],
  light: () => [
    element("h1", { textContent: "Set the light" }),
    slider("level", "Brightness", 5, 100, 5, "%"),
    slider("kelvin", "Warmth", 2200, 4000, 100, "K"),
    night(),
    next("summary", "See the summary"),
  ],
  summary: () => [element("h1", { textContent: "Your lamp" }), facts(), booking()],
};

function next(target, text) {
  const link = element("a", { className: "button", href: address(target), textContent: text });
  link.dataset.view = target;
  return element("p", { className: "actions" }, link);
}

function night() {
  const input = element("input", { type: "checkbox", id: "night", checked: lamp.night });
  input.addEventListener("change", () => change({ night: input.checked }));
  return element("p", { className: "choice" }, input, element("label", { htmlFor: "night", textContent: "Look at it at night" }));
}

function facts() {
  const rows = [
    ["Shape", SHAPES[lamp.shape].label],
    ["Finish", FINISHES[lamp.finish].label],
    ["Light", `${lamp.level} % at ${lamp.kelvin} K, dims from 5 %`],
    ["Cable", "3 m of textile cable, shortened without tools"],
    ["Made", "In Aarhus, in three weeks"],
    ["Return", "14 days, unused"],
  ];
  const pair = ([term, text]) => element("div", {}, element("dt", { textContent: term }), element("dd", { textContent: text }));
  return element("dl", { className: "facts" }, ...rows.map(pair));
}

function booking() {
  return element("p", { className: "actions" }, element("a", { className: "button", href: "/demo/book/", textContent: "See samples in a showroom" }));
}

function address(name) {
  return name === "shape" ? `${BASE}/` : `${BASE}/${name}`;
}

function current() {
  const name = location.pathname.slice(BASE.length + 1).replace(/\/$/, "");
  return name in VIEWS ? name : "shape";
}

function show() {
  const name = current();
  view.replaceChildren(...VIEWS[name]());
  document.title = `${view.querySelector("h1").textContent} · Lamp studio · Northlight`;
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-view]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show();
});
window.addEventListener("popstate", show);
draw();
show();
