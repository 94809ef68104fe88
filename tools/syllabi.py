"""Courses made from the book: reading and checking classroom/syllabi.yml.

The file says once, under `prerequisites`, what each chapter `needs`, and which
others are of help: both as the box "You need" of the chapter has it. Under
`courses` stand the courses, each with its sessions in order. A session has
`chapters` (part/chapter, or part/chapter#label for a section), `minutes` and
how they divide into `blocks`, `aims`, and whether it has a `quiz`. It may have
`exercises` for the block of that name, a `sheet` to hand out at its end,
chapters that are `assumed` because the course leaves them out, and a `pause`
after it.
"""

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools import chapters

ROOT = chapters.ROOT
FILE = ROOT / "classroom" / "syllabi.yml"
BLOCKS = ("lecture", "quiz", "exercise", "discussion")
AIMS = (2, 3)  # how many a session has
BOX = re.compile(r"\*\*You need\*\*(.*?)\*\*Afterwards", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)\.md\)")
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
# The fields of each kind of thing: their type, and whether one must give them.
NEEDS = {"needs": (list, False), "helps": (list, False)}
COURSE = {
    "title": (str, True),
    "minutes": (int, True),
    "sessions": (list, True),
    "weeks": (int, False),
    "begins": (str, False),
}
SESSION = {
    "title": (str, True),
    "chapters": (list, True),
    "minutes": (int, True),
    "blocks": (dict, True),
    "aims": (list, True),
    "quiz": (bool, True),
    "exercises": (list, False),
    "sheet": (str, False),
    "assumed": (list, False),
    "pause": (int, False),
}
SAID = {str: "a text", int: "a whole number", list: "a list", bool: "yes or no"}


@dataclass(frozen=True)
class Book:
    """What courses are made of.

    Attributes:
        texts: every chapter, as part/chapter, with the text of its page.
        sheets: every exercise sheet, with the chapters that it comes after.
    """

    texts: dict[str, str]
    sheets: dict[str, tuple[str, ...]]

    def boxed(self, chapter: str) -> set[str]:
        """The chapters that the box "You need" of a chapter links to."""
        found = BOX.search(self.texts[chapter])
        folder = posixpath.dirname(chapter)
        links = LINK.findall(found[1] if found else "")
        pages = {posixpath.normpath(f"{folder}/{link}") for link in links}
        return pages & set(self.texts)

    def has(self, chapter: str, label: str) -> bool:
        """Whether a chapter has a section or an exercise of this label."""
        text = self.texts[chapter]
        return f"({label})=\n" in text or f":label: {label}\n" in text


@dataclass(frozen=True)
class Session:
    """A session of a course; the fields are those of the file."""

    title: str
    places: tuple[str, ...]  # part/chapter, or part/chapter#label
    minutes: int
    blocks: dict[str, int]
    aims: tuple[str, ...]
    quiz: bool
    exercises: tuple[str, ...] = ()
    sheet: str = ""
    assumed: tuple[str, ...] = ()
    pause: int = 0

    @property
    def chapters(self) -> tuple[str, ...]:
        """The chapters, each once, without their sections."""
        return tuple(dict.fromkeys(p.split("#")[0] for p in self.places))


@dataclass(frozen=True)
class Course:
    """A course: its name in the file, its length, its sessions in order."""

    name: str
    title: str
    minutes: int
    sessions: tuple[Session, ...]
    weeks: int = 0  # 0: it is over in a day
    begins: str = ""  # the time of day, as 09:00

    def week(self, number: int) -> int:
        """The week of session `number`, from 1; 0 in a course of a day."""
        if not self.weeks:
            return 0
        return 1 + (number - 1) * self.weeks // len(self.sessions)

    def hours(self, number: int) -> str:
        """From when to when session `number` lasts, if the file says when."""
        if not self.begins:
            return ""
        hour, minute = TIME.fullmatch(self.begins).groups()
        before = self.sessions[: number - 1]
        start = 60 * int(hour) + int(minute)
        start += sum(s.minutes + s.pause for s in before)
        ends = start, start + self.sessions[number - 1].minutes
        return "–".join(f"{t // 60:02}:{t % 60:02}" for t in ends)


@dataclass(frozen=True)
class Syllabi:
    """All courses by their names, and what each chapter builds on."""

    needs: dict[str, tuple[str, ...]]
    helps: dict[str, tuple[str, ...]]
    courses: dict[str, Course]


def book(root: Path = ROOT) -> Book:
    """The chapters and sheets that there are."""
    pages = {
        p.relative_to(root / "book").with_suffix("").as_posix(): p
        for p in chapters.chapters(root)
    }
    texts = {name: p.read_text(encoding="utf8") for name, p in pages.items()}
    about = sorted((root / chapters.SHEETS).glob("*.yml"))
    fields = {p.stem: yaml.safe_load(p.read_text("utf8")) for p in about}
    return Book(texts, {k: tuple(f["chapters"]) for k, f in fields.items()})


def read(file: Path = FILE, known: Book | None = None) -> Syllabi:
    """The courses of a file.

    Raises:
        ValueError: something is missing, unknown or contradicts the book or
            itself; all is listed.
    """
    try:
        fields = yaml.safe_load(file.read_text(encoding="utf8"))
    except yaml.YAMLError as error:
        raise ValueError(
            f"{file.name} is not YAML; a text with a colon needs quotes: "
            f"{error}"
        ) from error
    wrong = mistakes(fields, known or book())
    if wrong:
        raise ValueError(f"correct {file.name}:\n" + "\n".join(wrong))
    before = fields["prerequisites"]
    return Syllabi(
        {k: tuple((v or {}).get("needs", ())) for k, v in before.items()},
        {k: tuple((v or {}).get("helps", ())) for k, v in before.items()},
        {k: course(k, v) for k, v in fields["courses"].items()},
    )


def course(name: str, fields: dict) -> Course:
    """The course with these fields, which must be free of mistakes."""
    kept = {k: v for k, v in fields.items() if k != "sessions"}
    sessions = tuple(session(s) for s in fields["sessions"])
    return Course(name, sessions=sessions, **kept)


def session(fields: dict) -> Session:
    """The session with these fields, which must be free of mistakes."""
    given = {
        k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
    }
    return Session(places=given.pop("chapters"), **given)


# -- what can be wrong ---------------------------------------------------------


def mistakes(fields, known: Book) -> list[str]:
    """What is wrong with the file, each in a few words."""
    parts = "prerequisites", "courses"
    if not isinstance(fields, dict) or set(fields) != set(parts):
        return ["the file has two fields, prerequisites and courses"]
    if not all(isinstance(fields[p], dict) and fields[p] for p in parts):
        return ["give prerequisites by chapter, and courses by name"]
    wrong = unconnected(fields["prerequisites"], known)
    for name, given in fields["courses"].items():
        found = malformed(given, known)
        if not found and not wrong:
            found = disordered(given, fields["prerequisites"], known=known)
        wrong += [f"{name}: {w}" for w in found]
    return wrong


def typed(given, types: dict, what: str) -> list[str]:
    """What is missing from some fields, unknown, or of the wrong type."""
    if not isinstance(given, dict):
        return [f"{what} must have the fields {', '.join(types)}"]
    wrong = [
        f"{what} needs {name}"
        for name, (_, needed) in types.items()
        if needed and given.get(name) in (None, "", [], {})
    ]
    wrong += [
        f"{what} has the unknown field {name!r} (known: {', '.join(types)})"
        for name in given
        if name not in types
    ]
    return wrong + [
        f"{name} of {what} must be {SAID.get(types[name][0], 'a mapping')}"
        for name, value in given.items()
        if name in types and type(value) is not types[name][0]
    ]


def unconnected(before: dict, known: Book) -> list[str]:
    """What is wrong with the prerequisites."""
    wrong = [f"{c} is missing" for c in known.texts if c not in before]
    for chapter, given in before.items():
        if chapter not in known.texts:
            wrong.append(f"there is no chapter {chapter}")
        elif given is not None:
            wrong += typed(given, NEEDS, f"the entry of {chapter}")
    wrong = wrong or [w for c in before for w in unboxed(c, before[c], known)]
    return [f"prerequisites: {w}" for w in wrong]


def unboxed(chapter: str, given: dict | None, known: Book) -> list[str]:
    """Whether an entry says something else than the box of its chapter."""
    said = [c for names in (given or {}).values() for c in names]
    boxed = known.boxed(chapter)
    if sorted(said) == sorted(boxed):
        return []
    return [
        f"the box of {chapter} links to {listed(boxed)}, its entry has "
        f"{listed(said)}: name each of them once, under needs or helps"
    ]


def listed(names) -> str:
    """These names in a sentence."""
    return ", ".join(sorted(names)) or "no chapter"


def malformed(given, known: Book) -> list[str]:
    """What is wrong with a course, apart from the order of its sessions."""
    wrong = typed(given, COURSE, "the course")
    if wrong:
        return wrong
    for number, fields in enumerate(given["sessions"], 1):
        found = typed(fields, SESSION, "it")
        found = found or [*blocks(fields), *contents(fields, known)]
        wrong += [f"session {number}: {w}" for w in found]
    return wrong or timed(given)


def timed(given: dict) -> list[str]:
    """What is wrong with the time that a course takes."""
    wrong = []
    total = sum(s["minutes"] for s in given["sessions"])
    if total != given["minutes"]:
        wrong.append(
            f"its sessions take {total} minutes, the course has "
            f"{given['minutes']}: change one of them"
        )
    if ("weeks" in given) == ("begins" in given):
        wrong.append("give weeks, or the time when the day begins")
    weeks, number = given.get("weeks", 1), len(given["sessions"])
    if weeks < 1 or number % weeks:
        wrong.append(f"{number} sessions cannot be shared among {weeks} weeks")
    if not TIME.fullmatch(given.get("begins", "09:00")):
        wrong.append('begins must be a time of day in quotes, such as "09:00"')
    return wrong


def blocks(fields: dict) -> list[str]:
    """What is wrong with the minutes of a session."""
    given = fields["blocks"]
    wrong = [
        f"the unknown block {name!r} (known: {', '.join(BLOCKS)})"
        for name in given
        if name not in BLOCKS
    ]
    if not all(type(n) is int and n > 0 for n in given.values()):
        return [*wrong, "the minutes of a block must be a positive number"]
    total = sum(given.values())
    if total != fields["minutes"]:
        wrong.append(
            f"its blocks take {total} minutes, the session has "
            f"{fields['minutes']}: change one of them"
        )
    if "quiz" in given and not fields["quiz"]:
        wrong.append("there is a block for the quiz, and quiz is no")
    if ("exercise" in given) != bool(fields.get("exercises")):
        wrong.append("a block exercise and a list of exercises go together")
    return wrong


def contents(fields: dict, known: Book) -> list[str]:
    """What a session names that is not in the book; and its aims."""
    here = [str(p).split("#")[0] for p in fields["chapters"]]
    named = [*here, *fields.get("assumed", ())]
    wrong = [f"there is no chapter {c}" for c in named if c not in known.texts]
    if wrong:
        return wrong
    sections = [p.split("#", 1) for p in fields["chapters"] if "#" in p]
    wrong += [
        f"{c} has no section {s}" for c, s in sections if not known.has(c, s)
    ]
    wrong += [
        f"none of its chapters has an exercise {label}"
        for label in fields.get("exercises", ())
        if not any(known.has(c, label) for c in here)
    ]
    if fields.get("sheet", "") not in ("", *known.sheets):
        wrong.append(f"there is no sheet {fields['sheet']}")
    least, most = AIMS
    aims = fields["aims"]
    if not least <= len(aims) <= most:
        wrong.append(f"give {least} or {most} aims, not {len(aims)}")
    if not all(isinstance(a, str) and len(a.split()) > 2 for a in aims):
        wrong.append("an aim is a text: what a student can do afterwards")
    return wrong


def disordered(given: dict, before: dict, *, known: Book) -> list[str]:
    """What comes too early in a course, or twice."""
    wrong, treated, assumed, out = [], set(), set(), set()
    for number, fields in enumerate(given["sessions"], 1):
        one = session(fields)
        found = early(one, before, ready=treated | assumed)
        treated |= set(one.chapters)
        assumed |= set(one.assumed)
        if one.sheet:
            missing = [c for c in known.sheets[one.sheet] if c not in treated]
            found += [f"{one.sheet} comes before {c}" for c in missing]
        if one.sheet in out:
            found.append(f"{one.sheet} is handed out again")
        out |= {one.sheet} - {""}
        wrong += [f"session {number}: {w}" for w in found]
    return wrong


def early(one: Session, before: dict, *, ready: set) -> list[str]:
    """Chapters of a session that come before what they need."""
    missing, seen = [], set(ready)
    for chapter in one.chapters:
        needed = (before[chapter] or {}).get("needs", ())
        missing += [(chapter, n) for n in needed if n not in seen]
        seen.add(chapter)
    wrong = [
        f"{c} needs {n}: treat it before, or name it under assumed"
        for c, n in missing
        if n not in one.assumed
    ]
    return wrong + [
        f"{a} need not be assumed here: leave it out"
        for a in one.assumed
        if a not in {n for _, n in missing}
    ]
