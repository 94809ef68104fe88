"""Work out of the archive that a learning management system gives.

Canvas puts all files side by side and writes name, number of the user, number
of the submission and name of the file into each name. Moodle makes a folder or
a prefix of the full name and a number that belongs to the assignment alone.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from course.classroom.gradebook import Class, plain, who_is_who

LARGEST = 20 * 10**6  # bytes of a notebook, unpacked
CANVAS = re.compile(
    r"(?P<name>[^_/]+)_(?P<late>LATE_)?(?P<user>\d+)_\d+_(?P<file>[^/]+)"
)
MOODLE = re.compile(
    r"(?:.*/)?(?P<name>[^/_]+)_\d+_assignsubmission_file(?:_/?|/)"
    r"(?P<file>[^/]+)"
)
TIME = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, order=True)
class Found:
    """A notebook in an archive; the newest is the largest."""

    time: datetime
    attempt: int
    student: str
    member: str
    late: bool


@dataclass
class Report:
    """What came of an archive: who was collected, and what was left out."""

    taken: dict[str, Found] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Lines for the teacher."""
        lines = [f"collected {len(self.taken)}: {', '.join(self.taken)}"]
        if self.late:
            lines += [f"late: {', '.join(self.late)}"]
        lines += [f"skipped {m}: {why}" for m, why in self.skipped.items()]
        return "\n".join(lines)


def collect(
    a_class: Class, sheet: str, archive: Path, *, zone: str = "UTC"
) -> Report:
    """Put the newest notebook of every student where it is graded.

    Args:
        a_class: whose roster tells who is who.
        sheet: what was asked for.
        archive: a .zip of Canvas or Moodle.
        zone: of the times in the archive, which know none.

    Raises:
        ValueError: this is no .zip file, the sheet was not released, or the
            zone is unknown.
    """
    a_class.sheet(sheet)
    report, names, clock = Report(), who_is_who(a_class), _zone(zone)
    try:
        with ZipFile(archive) as files:
            found = {m.filename: m for m in files.infolist() if not m.is_dir()}
            for member in sorted(found.values(), key=lambda m: m.filename):
                _sort_in(report, names, _Member(member, clock))
            for one in list(report.taken.values()):
                _store(a_class, sheet, files.read(one.member), one, report)
    except BadZipFile as error:
        raise ValueError(
            f"expected a .zip file of Canvas or Moodle, {archive.name} is "
            f"none: {error}"
        ) from error
    report.late = _late(a_class, sheet, report)
    report.taken = dict(sorted(report.taken.items()))
    return report


def _zone(name: str) -> ZoneInfo:
    """The time zone of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f"expected a time zone such as Europe/Berlin, found {name!r}"
        ) from error


@dataclass(frozen=True)
class _Member:
    """A file in an archive, and where its clock stood."""

    info: ZipInfo
    zone: ZoneInfo

    @property
    def name(self) -> str:
        return self.info.filename

    @property
    def time(self) -> datetime:
        local = datetime(*self.info.date_time, tzinfo=self.zone)
        return local.astimezone(UTC)


def _sort_in(
    report: Report, names: dict[str, set[str]], member: _Member
) -> None:
    """Take a file if it is the newest of its student; else say why not."""
    found = _find(names, member)
    if isinstance(found, str):
        report.skipped[member.name] = found
        return
    before = report.taken.get(found.student)
    if before:
        older = min(found, before)
        report.skipped[older.member] = f"{found.student} has a newer one"
    report.taken[found.student] = max(found, before or found)


def _find(names: dict[str, set[str]], member: _Member) -> Found | str:
    """Whose notebook a file is, or why it is nobody's."""
    path = PurePosixPath(member.name)
    if path.parts[0] == "__MACOSX" or path.name.startswith("."):
        return "a file of an operating system"
    match = MOODLE.fullmatch(member.name) or CANVAS.fullmatch(path.name)
    if path.suffix != ".ipynb":
        return "not a notebook"
    if not match:
        return "a name neither of Canvas nor of Moodle"
    if member.info.file_size > LARGEST:
        return f"larger than {LARGEST // 10**6} MB"
    groups = match.groupdict()
    who = names.get(groups.get("user") or "") or names.get(
        plain(groups["name"]), set()
    )
    if len(who) != 1:
        meant = f"may be {' or '.join(sorted(who))}" if who else "not there"
        return f"looked for {groups['name']} in the roster: {meant}"
    attempt = re.search(r"-(\d+)\.ipynb$", groups["file"])
    number = int(attempt[1]) if attempt else 0
    late = bool(groups.get("late"))
    return Found(member.time, number, next(iter(who)), member.name, late)


def _store(
    a_class: Class, sheet: str, content: bytes, one: Found, report: Report
) -> None:
    """Write a submission, unless a newer one was collected before."""
    file = a_class.submission(one.student, sheet)
    stamp = file.with_name("timestamp.txt")
    if stamp.is_file():
        before = datetime.strptime(stamp.read_text().strip(), TIME)
        if before.replace(tzinfo=UTC) > one.time:
            del report.taken[one.student]
            report.skipped[one.member] = f"{one.student} has a newer one"
            return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    stamp.write_text(one.time.strftime(TIME) + "\n")


def _late(a_class: Class, sheet: str, report: Report) -> list[str]:
    """Who is late: the archive says so, or the clock does."""
    with a_class.gradebook() as book:
        due = book.find_assignment(sheet).duedate
    return sorted(
        name
        for name, one in report.taken.items()
        if one.late or (due and one.time.replace(tzinfo=None) > due)
    )
