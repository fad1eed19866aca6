// The booking: three pages that share what was filled in through sessionStorage, so that it is in no URL.
const KEY = "northlight:booking";

function load() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function save(booking) {
  sessionStorage.setItem(KEY, JSON.stringify(booking));
}

function restore(form, booking) {
  for (const [name, value] of Object.entries(booking)) {
    const field = form.elements.namedItem(name);
    if (field !== null) field.value = value;
  }
}

function remember(form) {
  save({ ...load(), ...Object.fromEntries(new FormData(form)) });
}

const REQUIRED = ["topic", "showroom", "day", "time", "name", "email", "phone"];

function review(form) {
  const booking = load();
  const missing = REQUIRED.filter((name) => !booking[name]);
  for (const place of form.querySelectorAll("[data-field]")) {
    const value = booking[place.dataset.field];
    if (value) place.textContent = value;
  }
  const button = form.querySelector("button");
  if (missing.length > 0) {
    const warning = form.querySelector(".warning");
    warning.textContent = `Still missing: ${missing.join(", ")}.`;
    warning.hidden = false;
    button.disabled = true;
    return;
  }
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of Object.entries(booking)) event.formData.set(name, value);
  });
  form.addEventListener("submit", () => (button.disabled = true));
}

const step = document.querySelector("form[data-booking]");
if (step !== null) {
  restore(step, load());
  step.addEventListener("change", () => remember(step));
  step.addEventListener("submit", (event) => {
    event.preventDefault();
    remember(step);
    location.assign(new URL(step.dataset.booking, location.href));
  });
}
const last = document.querySelector("#review");
if (last !== null) review(last);
if (document.querySelector("#booked") !== null) sessionStorage.removeItem(KEY);
