// The page of errata: a search box and filters over its entries. Without
// JavaScript every entry is shown, and the indexes of the page remain.
const ERRATA_SEVERITIES = ["critical", "major", "minor"];

function errataEntries() {
  return [...document.querySelectorAll("dl.erratum")].map((list) => {
    const section = list.closest("section");
    return {
      section,
      group: section.parentElement.closest("section"),
      text: section.textContent.toLowerCase(),
      severity: ERRATA_SEVERITIES.find((name) =>
        section.querySelector(`.erratum-${name}`),
      ),
    };
  });
}

function errataForm(groups) {
  const form = document.createElement("form");
  form.className = "errata-search";
  form.setAttribute("role", "search");
  const boxes = ERRATA_SEVERITIES.map(
    (name) =>
      `<label><input type="checkbox" name="${name}" checked> ${name}</label>`,
  );
  form.innerHTML = `
    <p><label for="errata-words">Search the entries</label>
    <input id="errata-words" type="search" autocomplete="off"></p>
    <p><label for="errata-document">Document</label>
    <select id="errata-document"><option value="">all</option></select></p>
    <fieldset><legend>Severity</legend>${boxes.join(" ")}</fieldset>
    <p class="errata-count" role="status"></p>`;
  for (const group of groups) {
    const title = group.querySelector("h2, h3").cloneNode(true);
    title.querySelectorAll("a.headerlink").forEach((mark) => mark.remove());
    form.querySelector("select").add(new Option(title.textContent, group.id));
  }
  return form;
}

function errataFilter(form, entries, groups) {
  const words = form.querySelector("input[type=search]").value;
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const group = form.querySelector("select").value;
  let shown = 0;
  for (const entry of entries) {
    const matches =
      form.elements[entry.severity].checked &&
      (!group || entry.group.id === group) &&
      wanted.every((word) => entry.text.includes(word));
    entry.section.hidden = !matches;
    shown += matches;
  }
  for (const box of groups) {
    box.hidden = entries.every((e) => e.group !== box || e.section.hidden);
  }
  form.querySelector(".errata-count").textContent =
    `${shown} of ${entries.length} entries shown` +
    (shown ? "" : ": take a word or a filter away");
}

// A link to an entry shows it, whatever was searched for before.
function errataShowTarget(form, entries) {
  const target = document.getElementById(location.hash.slice(1));
  const hidden = target && target.closest("section[hidden]");
  if (!hidden) return;
  form.reset();
  form.dispatchEvent(new Event("input"));
  target.scrollIntoView();
}

document.addEventListener("DOMContentLoaded", () => {
  const entries = errataEntries();
  const groups = [...new Set(entries.map((entry) => entry.group))];
  const start = document.getElementById("errata-by-chapter");
  if (!entries.length || !start) return;
  const form = errataForm(groups);
  start.before(form);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => errataFilter(form, entries, groups));
  addEventListener("hashchange", () => errataShowTarget(form, entries));
  errataFilter(form, entries, groups);
});
