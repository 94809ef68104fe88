// A box that is wider than its column scrolls sideways. Give each such box a
// place in the order of the tab key and a name, so that a keyboard can scroll
// it too; take both away when the window becomes wide enough.
const COURSE_BOXES = [
  ["div.math > mjx-container", "Wide equation, scrolls sideways"],
  ["span.math", "Wide formula, scrolls sideways"],
  ["div.highlight > pre", "Code, scrolls sideways"],
  [".cell_output > .output", "Output, scrolls"],
  [".slide .body > pre", "Output, scrolls sideways"],
  [".pst-scrollable-table-container", "Wide table, scrolls sideways"],
  ["span.course-figure", "Wide figure, scrolls sideways"],
];

function courseIsWide(box) {
  if (box.matches("table span.math")) return false; // its table scrolls
  if (box.matches("span.math")) {
    return box.scrollWidth > box.closest("p, li, dd, div").clientWidth;
  }
  const tall = box.scrollHeight > box.clientHeight + 1;
  const formula = box.closest(".math") !== null; // these never scroll down
  return box.scrollWidth > box.clientWidth || (tall && !formula);
}

function courseMark(box, name) {
  const wide = courseIsWide(box);
  if (wide) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", name);
  } else if (box.getAttribute("aria-label") === name) {
    box.removeAttribute("tabindex");
    box.removeAttribute("role");
    box.removeAttribute("aria-label");
  }
  box.classList.toggle("course-wide", wide);
}

// Figures drawn for the whole column: on a phone their words would be too
// small, so the style sheet keeps them wide there, in a box that scrolls.
function courseWrapFigures() {
  document.querySelectorAll(".bd-article figure img").forEach((image) => {
    if (image.naturalWidth < 600 || image.closest(".course-figure")) return;
    const picture = image.closest("a") ?? image;
    const box = document.createElement("span");
    box.className = "course-figure";
    picture.replaceWith(box);
    box.append(picture);
  });
}

function courseMarkBoxes() {
  courseWrapFigures();
  for (const [selector, name] of COURSE_BOXES) {
    document.querySelectorAll(selector).forEach((box) => courseMark(box, name));
  }
}

let courseTimer;
function courseMarkSoon() {
  clearTimeout(courseTimer);
  courseTimer = setTimeout(courseMarkBoxes, 150);
}

// Whatever makes a box wider or narrower (a sidebar that opens, a font that
// arrives late), the window need not change with it.
function courseWatch() {
  const observer = new ResizeObserver(courseMarkSoon);
  for (const [selector] of COURSE_BOXES) {
    document.querySelectorAll(selector).forEach((box) => observer.observe(box));
  }
}

window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  courseMarkBoxes();
  courseWatch();
  document.documentElement.dataset.courseReady = "yes"; // for the tests
});
window.addEventListener("resize", courseMarkSoon);
document.addEventListener("toggle", courseMarkSoon, true);
document.addEventListener("click", courseMarkSoon);
