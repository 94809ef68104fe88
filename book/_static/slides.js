// Steers a deck of slides. Without this script it is a page that scrolls.
//   arrows, Page Up and Down, space: step     Home, End: first, last
//   o: overview    n: notes    d: dark or light    f: full screen
//   s: a second window that shows the same slide (notes here, slides there)
const root = document.documentElement;
const slides = [...document.querySelectorAll("section.slide")];
const controls = document.querySelector(".controls");
const others = new BroadcastChannel(`slides ${location.pathname}`);
let here = 0;

function arrive(index, told = false) {
  slides[here].classList.remove("here");
  here = index;
  slides[here].classList.add("here");
  history.replaceState(null, "", `#${here + 1}`);
  if (!told) others.postMessage(here);
}

function go(index, told = false) {
  const target = Math.max(0, Math.min(slides.length - 1, index));
  arrive(target, told);
  slides[target].scrollIntoView({ behavior: "instant" });
  slides[target].focus({ preventScroll: true });
}

// -- what keys and buttons do ------------------------------------------------

function toggle(name) {
  const on = root.classList.toggle(name);
  const action = name === "overview" ? "overview" : "notes";
  const button = controls.querySelector(`[data-do=${action}]`);
  button.setAttribute("aria-pressed", on);
  if (name === "with-notes") {
    document.querySelectorAll(".notes").forEach((box) => (box.open = on));
  }
  go(here);
}

function isDark() {
  if (root.dataset.theme) return root.dataset.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

const actions = {
  previous: () => go(here - 1),
  next: () => go(here + 1),
  first: () => go(0),
  last: () => go(slides.length - 1),
  overview: () => toggle("overview"),
  notes: () => toggle("with-notes"),
  theme: () => (root.dataset.theme = isDark() ? "light" : "dark"),
  full: () => document.fullscreenElement
    ? document.exitFullscreen() : root.requestFullscreen(),
  second: () => window.open(location.href, "_blank", "popup"),
  leave: () => root.classList.contains("overview") && toggle("overview"),
};

const keys = {
  ArrowRight: "next", ArrowDown: "next", PageDown: "next", " ": "next",
  ArrowLeft: "previous", ArrowUp: "previous", PageUp: "previous",
  Home: "first", End: "last", Escape: "leave",
  o: "overview", n: "notes", d: "theme", f: "full", s: "second",
};

// On a phone, and in a box that scrolls, arrows scroll as they always do.
function reading(event) {
  return matchMedia("(max-width: 760px)").matches
    || event.target.closest(".course-wide, .notes");
}

document.addEventListener("keydown", (event) => {
  const action = keys[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button, a, summary")) return;
  if (event.key.length > 1 && event.key !== "Escape" && reading(event)) return;
  event.preventDefault();
  actions[action]();
});

controls.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) actions[button.dataset.do]();
});

document.querySelector("main").addEventListener("click", (event) => {
  if (!root.classList.contains("overview")) return;
  const slide = event.target.closest("section.slide");
  if (!slide) return;
  event.preventDefault();
  here = slides.indexOf(slide);
  toggle("overview");
});

// -- where we are ------------------------------------------------------------

function follow() {
  if (root.classList.contains("overview")) return;
  const middle = innerHeight / 2;
  const seen = slides.findIndex((slide) => {
    const box = slide.getBoundingClientRect();
    return box.top <= middle && box.bottom > middle;
  });
  if (seen >= 0 && seen !== here) arrive(seen);
}

let timer;
addEventListener("scroll", () => {
  clearTimeout(timer);
  timer = setTimeout(follow, 80);
}, { passive: true });
addEventListener("resize", () => slides[here].scrollIntoView());
addEventListener("hashchange", () => go(Number(location.hash.slice(1)) - 1));
others.onmessage = (event) => go(event.data, true);

// The buttons show while the pointer moves, and on a screen without one.
let asleep;
function wake() {
  root.classList.add("awake");
  clearTimeout(asleep);
  if (matchMedia("(hover: none)").matches) return;
  asleep = setTimeout(() => root.classList.remove("awake"), 2500);
}
addEventListener("pointermove", wake);

// -- formulas ----------------------------------------------------------------

// A formula that is a little too wide for the slide is set a little smaller.
function fit() {
  const phone = matchMedia("(max-width: 760px)").matches;
  for (const box of document.querySelectorAll(".body div.math")) {
    const formula = box.querySelector("mjx-container");
    const drawn = formula?.querySelector("mjx-math");
    if (!drawn) continue;
    formula.dataset.size ??= parseFloat(formula.style.fontSize) || 100;
    formula.style.fontSize = `${formula.dataset.size}%`;
    if (phone) continue;
    const share = formula.clientWidth / (drawn.getBoundingClientRect().width + 2);
    const size = formula.dataset.size * Math.min(1, Math.max(0.7, share));
    formula.style.fontSize = `${size}%`;
  }
}

slides.forEach((slide) => (slide.tabIndex = -1));
controls.hidden = false;
root.classList.add("steered");
const chosen = localStorage.getItem("mode");
root.dataset.theme = ["light", "dark"].includes(chosen)
  ? chosen : isDark() ? "dark" : "light";
wake();
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  fit();
  addEventListener("resize", fit);
  const asked = Number(location.hash.slice(1)) - 1;
  if (asked > 0) go(asked, true);
  root.dataset.slidesReady = "yes"; // for the tests
});
