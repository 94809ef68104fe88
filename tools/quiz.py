"""The quizzes of the chapters: reading and checking <chapter>.quiz.yml.

A quiz is a list of questions. Each has an `id` (the name of the chapter, a
hyphen, a word), the text of the `question` in MyST, and either `options` or
an `answer`:

- `options`, three or four of {text, why}, one of them with `correct: true`;
- `answer`, a number: {code, value, tolerance, unit}, where the code computes
  `value` when the tests run, and the unit may be left out. Beside it stands
  `why`, and there may be `near`, typical wrong numbers: a list of {value, why}.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SUFFIX = ".quiz.yml"
LEAST, NUMBERS = 6, 2  # questions of a quiz, and numeric ones among them
OPTIONS = (3, 4)
WORD = r"[a-z0-9]+(?:-[a-z0-9]+)*"
LETTERS = "ABCD"
HELP = "a text with a colon, a quote or LaTeX needs `|` and lines of its own"
# The fields of each kind of thing, and whether one has to give them.
CHOICE = {"id": True, "question": True, "options": True}
NUMERIC = {
    "id": True,
    "question": True,
    "answer": True,
    "why": True,
    "near": False,
}
OPTION = {"text": True, "why": True, "correct": False}
ANSWER = {"code": True, "value": True, "tolerance": True, "unit": False}
NEAR = {"value": True, "why": True}


@dataclass(frozen=True)
class Option:
    """One of the answers to choose from."""

    text: str
    why: str
    correct: bool


@dataclass(frozen=True)
class Near:
    """A wrong number that a known mistake leads to."""

    value: float
    why: str
    tolerance: float  # how far off it is still recognised


@dataclass(frozen=True)
class Answer:
    """A number, and the code that computes it."""

    code: str
    value: float
    tolerance: float
    unit: str


@dataclass(frozen=True)
class Question:
    """A question: it has options, or a number as its answer."""

    id: str
    text: str
    options: tuple[Option, ...] = ()
    answer: Answer | None = None
    why: str = ""
    near: tuple[Near, ...] = ()

    @property
    def correct(self) -> int:
        """The place of the right option, from 0."""
        return [o.correct for o in self.options].index(True)

    @property
    def texts(self) -> list[str]:
        """Every piece of MyST text of the question."""
        found = [self.text, self.why]
        found += [t for o in self.options for t in (o.text, o.why)]
        return [t for t in [*found, *(n.why for n in self.near)] if t]


def path(page: Path) -> Path:
    """The quiz of a chapter.

    >>> path(Path("book/part/chapter.md")).name
    'chapter.quiz.yml'
    """
    return page.with_suffix(SUFFIX)


def read(file: Path) -> list[Question]:
    """The questions of a quiz.

    Raises:
        ValueError: something is missing, unknown or malformed; all is listed.
    """
    if not file.is_file():
        raise ValueError(f"there is no quiz: write {file.name}")
    try:
        found = yaml.safe_load(file.read_text(encoding="utf8"))
    except yaml.YAMLError as error:
        message = f"{file.name} is not YAML; {HELP}: {error}"
        raise ValueError(message) from error
    chapter = file.name.removesuffix(SUFFIX)
    wrong = mistakes(found, chapter)
    if wrong:
        raise ValueError(f"correct {file.name}:\n" + "\n".join(wrong))
    return [question(fields) for fields in found]


def question(fields: dict) -> Question:
    """The question with these fields, which must be free of mistakes."""
    name, text = fields["id"], fields["question"].strip()
    if "options" in fields:
        options = tuple(
            Option(o["text"].strip(), o["why"].strip(), "correct" in o)
            for o in fields["options"]
        )
        return Question(name, text, options)
    a = fields["answer"]
    value, tolerance = number(a["value"]), number(a["tolerance"])
    answer = Answer(a["code"], value, tolerance, a.get("unit", "").strip())
    near = tuple(
        Near(number(n["value"]), n["why"].strip(), reach(answer, n["value"]))
        for n in fields.get("near", ())
    )
    why = fields["why"].strip()
    return Question(name, text, answer=answer, why=why, near=near)


def reach(answer: Answer, near: float) -> float:
    """How far off a wrong number is recognised: as exactly as the right one."""
    if not answer.value:
        return answer.tolerance
    return answer.tolerance * max(1, abs(number(near) / answer.value))


def number(given) -> float:
    """A number as YAML gives it, which takes 1e-3 for a text; else nan."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return math.nan
    try:
        return float(given)
    except ValueError:
        return math.nan


# -- what can be wrong ---------------------------------------------------------


def mistakes(found, chapter: str) -> list[str]:
    """What is wrong with a quiz, each in a few words."""
    if not isinstance(found, list) or not all(
        isinstance(f, dict) for f in found
    ):
        return ["a quiz is a list of questions, each beginning with `- id:`"]
    wrong = [f"{f.get('id')}: {w}" for f in found for w in faults(f, chapter)]
    names = Counter(f.get("id") for f in found)
    wrong += [
        f"{k}: the id stands {n} times" for k, n in names.items() if n > 1
    ]
    if len(found) < LEAST:
        wrong.append(f"a quiz has at least {LEAST} questions, not {len(found)}")
    numeric = sum("answer" in f for f in found)
    if numeric < NUMBERS:
        wrong.append(f"{NUMBERS} questions ask for a number, not {numeric}")
    return wrong


def faults(fields: dict, chapter: str) -> list[str]:
    """What is wrong with one question."""
    if ("options" in fields) == ("answer" in fields):
        return ["give either options or an answer"]
    known = CHOICE if "options" in fields else NUMERIC
    wrong = keys(fields, known, "the question")
    if wrong:
        return wrong
    wrong = texts(fields, ("id", "question", "why"), "the question")
    if not re.fullmatch(f"{re.escape(chapter)}-{WORD}", str(fields["id"])):
        wrong.append(f"the id must be {chapter}- and a word in small letters")
    return wrong + (
        choice(fields["options"]) if "options" in fields else numeric(fields)
    )


def keys(fields, known: dict[str, bool], what: str) -> list[str]:
    """What is missing from some fields, or unknown."""
    if not isinstance(fields, dict):
        return [f"{what} must have the fields {', '.join(known)}"]
    wrong = [
        f"{what} needs {name}"
        for name, needed in known.items()
        if needed and fields.get(name) in (None, "", [])
    ]
    return wrong + [
        f"{what} has the unknown field {name!r} (known: {', '.join(known)})"
        for name in fields
        if name not in known
    ]


def texts(fields: dict, names: tuple[str, ...], what: str) -> list[str]:
    """Which of these fields are given and are no texts."""
    return [
        f"{name} of {what} must be a text: put it in quotes, or after `|`"
        for name in names
        if name in fields and not isinstance(fields[name], str)
    ]


def choice(options) -> list[str]:
    """What is wrong with the options of a question."""
    if not isinstance(options, list) or len(options) not in OPTIONS:
        return ["a question has three or four options"]
    wrong = [
        mistake
        for letter, option in zip(LETTERS, options, strict=False)
        for mistake in optional(option, f"option {letter}")
    ]
    if wrong:
        return wrong
    right = sum("correct" in option for option in options)
    if right != 1:
        wrong.append(f"exactly one option is correct, not {right}")
    if len({" ".join(o["text"].split()) for o in options}) < len(options):
        wrong.append("two options say the same")
    return wrong


def optional(option, what: str) -> list[str]:
    """What is wrong with one option."""
    wrong = keys(option, OPTION, what)
    wrong = wrong or texts(option, ("text", "why"), what)
    if wrong:
        return wrong
    if option.get("correct", True) is not True:
        wrong.append(f"{what}: leave `correct` out where it is not true")
    if "\n\n" in option["text"].strip():
        wrong.append(f"the text of {what} must be one paragraph")
    return wrong


def numeric(fields: dict) -> list[str]:
    """What is wrong with a number and the typical wrong ones."""
    answer, near = fields["answer"], fields.get("near", [])
    if not isinstance(near, list):
        return ["near must be a list of wrong numbers: `- value:` and `why:`"]
    wrong = keys(answer, ANSWER, "the answer")
    for one in near:
        wrong += keys(one, NEAR, "a near number")
    if wrong:
        return wrong
    wrong = texts(answer, ("code", "unit"), "the answer")
    for one in near:
        wrong += texts(one, ("why",), "a near number")
    given = [answer["value"], *(one["value"] for one in near)]
    wrong += [
        f"{v!r} is not a number" for v in given if not math.isfinite(number(v))
    ]
    if not number(answer["tolerance"]) > 0:
        wrong.append("the tolerance must be a positive number")
    return wrong or [*uncomputed(answer["code"]), *confused(fields)]


def uncomputed(code: str) -> list[str]:
    """What is wrong with the code of a numeric answer."""
    try:
        compile(code, "the code of the answer", "exec")
    except SyntaxError as error:
        return [f"the code is not Python: {error}"]
    if re.search(r"^value\s*=", code, re.M):
        return []
    return ["the code must end by setting `value`"]


def confused(fields: dict) -> list[str]:
    """Wrong numbers that would be taken for the right one, or another."""
    answer = Answer(
        "",
        number(fields["answer"]["value"]),
        number(fields["answer"]["tolerance"]),
        "",
    )
    near = [number(one["value"]) for one in fields.get("near", [])]
    wrong = [
        f"the near number {n:g} is right within the tolerance"
        for n in near
        if abs(n - answer.value) <= answer.tolerance
    ]
    if len(set(near)) < len(near):
        wrong.append("two near numbers are the same")
    return wrong
