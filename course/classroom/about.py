"""What a sheet is for: the fields of its .yml file."""

from dataclasses import dataclass, fields

import yaml


@dataclass(frozen=True)
class Wrong:
    """A wrong answer with a name, and what it costs.

    Attributes:
        name: a short name, unique in the sheet.
        mistake: one sentence on the misconception.
        answers: the source of each answer cell that is wrong, by grade_id.
        points: what each test cell that loses points still gives.
    """

    name: str
    mistake: str
    answers: dict[str, str]
    points: dict[str, int | float]


@dataclass(frozen=True)
class Step:
    """What a marker gives points for in a written answer."""

    points: int
    what: str


@dataclass(frozen=True)
class Question:
    """A question for class, with its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class About:
    """The facts of a sheet.

    Attributes:
        title: as in the first line of the sheet.
        aim: one sentence.
        chapters: prerequisites, such as learning/linear-models.
        minutes: of a student's work.
        rubrics: for every written answer, by grade_id.
        wrong: wrong answers with known marks.
        discussion: questions for class.
    """

    title: str
    aim: str
    chapters: tuple[str, ...]
    minutes: int
    rubrics: dict[str, tuple[Step, ...]]
    wrong: tuple[Wrong, ...]
    discussion: tuple[Question, ...]


def parse(text: str, name: str) -> About:
    """The facts in the text of <name>.yml.

    Raises:
        ValueError: a field is missing, unknown or of another kind.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(
            f"{name}.yml is not YAML; a text with a colon needs quotes: {error}"
        ) from error
    _keys(found, {f.name for f in fields(About)}, f"{name}.yml")
    _kinds(found, name)
    rubrics = {
        cell: tuple(_step(s, f"{name}.yml, rubric {cell}") for s in steps)
        for cell, steps in found["rubrics"].items()
    }
    where = f"{name}.yml, discussion"
    discussion = [_question(q, where) for q in found["discussion"]]
    return About(
        title=found["title"],
        aim=" ".join(found["aim"].split()),
        chapters=tuple(found["chapters"]),
        minutes=found["minutes"],
        rubrics=rubrics,
        wrong=tuple(_wrong(w, name) for w in found["wrong"]),
        discussion=tuple(discussion),
    )


KINDS = {
    "title": str,
    "aim": str,
    "chapters": list,
    "minutes": int,
    "rubrics": dict,
    "wrong": list,
    "discussion": list,
}


def _keys(found: object, wanted: set[str], where: str) -> None:
    """Refuse what is no mapping with exactly these keys."""
    keys = set(found) if isinstance(found, dict) else None
    if keys != wanted:
        raise ValueError(
            f"{where}: expected the keys {sorted(wanted)}, found "
            f"{sorted(map(str, keys)) if keys else found!r}"
        )


def _kinds(found: dict, name: str) -> None:
    """Refuse a field of another type, or empty."""
    for key, kind in KINDS.items():
        empty = key != "rubrics" and not found[key]
        if not isinstance(found[key], kind) or empty:
            raise ValueError(
                f"{name}.yml, {key}: expected a {kind.__name__} that is not "
                f"empty, found {found[key]!r}"
            )


def _step(found: dict, where: str) -> Step:
    """One step of a rubric."""
    _keys(found, {"points", "for"}, where)
    if not isinstance(found["points"], int) or found["points"] < 1:
        raise ValueError(
            f"{where}: points must be a whole number above 0, not "
            f"{found['points']!r}"
        )
    return Step(found["points"], " ".join(str(found["for"]).split()))


def _question(found: dict, where: str) -> Question:
    """A question for class."""
    _keys(found, {"question", "answer"}, where)
    return Question(str(found["question"]), str(found["answer"]))


def _wrong(found: dict, name: str) -> Wrong:
    """A wrong answer."""
    where = f"{name}.yml, wrong"
    _keys(found, {f.name for f in fields(Wrong)}, where)
    where = f"{where}, {found['name']}"
    for key in ("answers", "points"):
        if not isinstance(found[key], dict) or not found[key]:
            raise ValueError(
                f"{where}: {key} must name at least one cell, found "
                f"{found[key]!r}"
            )
    mistake = " ".join(str(found["mistake"]).split())
    answers = {str(k): str(v) for k, v in found["answers"].items()}
    return Wrong(str(found["name"]), mistake, answers, dict(found["points"]))
