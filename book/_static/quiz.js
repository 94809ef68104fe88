// A quiz without this script is a list of options and answers that fold. The
// script puts fields and a button "Check" there instead, and says at once
// whether an answer is right, and why. All words come from the page.

// "0,69", "1e-3", "−2" and "1 000" are numbers; what is none gives NaN.
function quizNumber(text) {
  const plain = text
    .replace(/\s/g, "")
    .replace(/[−–]/g, "-")
    .replace(",", ".");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)
    ? Number(plain)
    : NaN;
}

function quizWithin(number, { value, tolerance }) {
  return Math.abs(number - value) <= Number(tolerance) * (1 + 1e-9);
}

function quizMake(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

// A copy to be shown elsewhere: an id stands once on a page.
function quizCopy(box) {
  const copy = box.cloneNode(true);
  copy.querySelectorAll("[id]").forEach((inner) => inner.removeAttribute("id"));
  return copy;
}

function quizRadios(box) {
  box.querySelectorAll(".quiz-options > li").forEach((item, i) => {
    const text = item.querySelector("p") ?? item;
    const radio = quizMake("input", "");
    Object.assign(radio, { type: "radio", name: box.id, value: i });
    const words = quizMake("span", "", ...text.childNodes);
    item.replaceChildren(quizMake("label", "", radio, words));
  });
}

function quizField(box, words) {
  const field = quizMake("input", "quiz-field");
  Object.assign(field, { type: "text", inputMode: "decimal" });
  Object.assign(field, { autocomplete: "off", spellcheck: false });
  const label = quizMake("label", "", `${words.yours} `, field);
  if (box.dataset.unit) label.append(` ${box.dataset.unit}`);
  return quizMake("p", "quiz-number-field", label);
}

// What there is to say: is the answer right, the verdict, the explanation.
// Nothing is right or wrong while no answer is given: `right` is undefined.
function quizJudgeChoice(box, words) {
  const chosen = box.querySelector("input:checked");
  if (!chosen) return { verdict: words.choose };
  const right = chosen.value === box.dataset.correct;
  const why = box.querySelectorAll(".quiz-whys .quiz-why")[chosen.value];
  return { right, verdict: right ? words.right : words.wrong, why };
}

function quizJudgeNumber(box, words) {
  const field = box.querySelector(".quiz-field");
  const number = quizNumber(field.value);
  field.setAttribute("aria-invalid", String(Number.isNaN(number)));
  if (Number.isNaN(number)) return { verdict: words.write };
  const [why, ...near] = box.querySelectorAll(".quiz-answer > .quiz-why");
  if (quizWithin(number, box.dataset)) {
    return { right: true, verdict: words.right, why };
  }
  const far = (one) => Math.abs(one.dataset.value - number);
  const [known] = near
    .filter((one) => quizWithin(number, one.dataset))
    .sort((a, b) => far(a) - far(b));
  const reason = known ?? quizMake("p", "", words.again);
  return { right: false, verdict: words.wrong, why: reason };
}

function quizShow(feedback, { right, verdict, why }) {
  const state = { true: "right", false: "wrong" }[right] ?? "none";
  feedback.dataset.state = state;
  feedback.replaceChildren(quizMake("p", "quiz-verdict", verdict));
  if (why) feedback.append(quizCopy(why));
}

class Quiz {
  constructor(root) {
    this.root = root;
    this.words = {};
    root.querySelectorAll(".quiz-word").forEach((word) => {
      this.words[word.dataset.word] = word.textContent;
    });
    this.boxes = [...root.querySelectorAll(".quiz-question")];
    this.tried = new Set();
    this.right = new Set();
    this.first = new Set(); // right at the first try
    this.boxes.forEach((box, i) => this.ask(box, i + 1));
    this.score = quizMake("p", "quiz-score");
    root.append(quizMake("div", "quiz-end", this.score, this.button()));
    this.count();
    root.classList.add("quiz-live");
  }

  fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  // Make a form of a question.
  ask(box, number) {
    const all = this.boxes.length;
    const title = this.fill(this.words.question, { number, all });
    const legend = quizMake("legend", "quiz-number", title);
    const text = box.querySelector(".quiz-text");
    const answer = box.querySelector(".quiz-answer");
    legend.id = `${box.id}-number`;
    text.id = `${box.id}-text`;
    box.querySelector(".quiz-number").remove();
    const choice = box.querySelector(".quiz-options");
    if (choice) quizRadios(box);
    const check = quizMake("button", "quiz-check", this.words.check);
    check.type = "submit";
    check.setAttribute("aria-describedby", legend.id); // "Check" of which?
    const fields = quizMake("fieldset", "", legend, text);
    fields.setAttribute("aria-labelledby", `${legend.id} ${text.id}`);
    fields.append(choice ?? quizField(box, this.words), check);
    const feedback = quizMake("div", "quiz-feedback");
    feedback.setAttribute("role", "status"); // read aloud when it changes
    feedback.setAttribute("aria-live", "polite");
    const form = quizMake("form", "", fields, feedback, answer);
    Object.assign(form, { noValidate: true, autocomplete: "off" });
    box.append(form);
    answer.hidden = true; // until there is an answer to compare it with
    const judge = choice ? quizJudgeChoice : quizJudgeNumber;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.check(box, feedback, judge);
    });
    form.addEventListener("input", () => feedback.replaceChildren());
  }

  async check(box, feedback, judge) {
    await window.MathJax?.startup?.promise; // formulas are copied when drawn
    const found = judge(box, this.words);
    quizShow(feedback, found);
    if (found.right === undefined) return;
    box.querySelector(".quiz-answer").hidden = false;
    if (found.right && !this.tried.has(box)) this.first.add(box);
    if (found.right) this.right.add(box);
    this.tried.add(box);
    this.count();
  }

  count() {
    this.score.textContent = this.fill(this.words.score, {
      right: this.right.size,
      all: this.boxes.length,
      first: this.first.size,
    });
  }

  // Opens every answer, to read or to print them; then folds them again.
  button() {
    const button = quizMake("button", "quiz-all", this.words.show);
    button.type = "button";
    let shown = false;
    button.addEventListener("click", () => {
      shown = !shown;
      button.textContent = shown ? this.words.hide : this.words.show;
      this.root.querySelectorAll(".quiz-answer").forEach((answer) => {
        const box = answer.closest(".quiz-question");
        answer.open = shown;
        answer.hidden = !shown && !this.tried.has(box);
      });
    });
    return button;
  }
}

document.querySelectorAll(".quiz").forEach((root) => new Quiz(root));
