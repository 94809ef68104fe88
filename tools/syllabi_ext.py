"""Local Sphinx extension: courses made from the book, and what builds on what.

The directive `{syllabus} day` shows a course of classroom/syllabi.yml: a table
of its sessions, then a section for each. `{prerequisites}` is the table of all
chapters, what they need, and when each course treats them. Links are ordinary
references, so the build checks them; slides are linked where the site has them.
"""

import posixpath
from pathlib import Path

from docutils import nodes

from tools import chapters, syllabi
from tools.maps_ext import Map, table

STYLE = "syllabi.css"
SLIDES = "tools.slides_ext"  # the extension that makes slides/part/chapter.html
WORDS = {
    "lecture": "Lecture",
    "quiz": "Quiz",
    "exercise": "Exercises",
    "discussion": "Discussion",
}
QUIZ = {True: "Quiz: at home, before the session.", False: "No quiz."}


class Plan(Map):
    """What both directives share: they read the file of the courses."""

    def read(self) -> syllabi.Syllabi:
        """The courses; the build fails if the file has mistakes."""
        root = Path(self.env.srcdir)
        try:
            file = self.file("classroom/syllabi.yml")
            return syllabi.read(file, syllabi.book(root))
        except (OSError, ValueError) as error:
            raise self.error(str(error)) from error

    def line(self, *parts, head: str = "") -> nodes.paragraph:
        """A paragraph of texts and links, after bold words."""
        made = nodes.paragraph()
        if head:
            made += [nodes.strong("", head), nodes.Text(" ")]
        made += texts(parts)
        return made

    def joined(self, links: list[nodes.Node]) -> list:
        """The same with commas between them."""
        found = [part for link in links for part in (", ", link)]
        return found[1:]

    def chapter(self, name: str):
        """A link to a chapter."""
        return self.page_link(f"book/{name}")


class SyllabusDirective(Plan):
    """{syllabus} name: a course, its sessions one after the other."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """An overview, and a section for each session."""
        courses = self.read().courses
        name = self.arguments[0]
        if name not in courses:
            known = ", ".join(courses)
            raise self.error(f"there is no course {name!r}: choose of {known}")
        course = courses[name]
        numbers = range(1, len(course.sessions) + 1)
        rows = [self.row(course, i) for i in numbers]
        head = [self.when(course), "Session", "To hand out"]
        page = [table(head, rows)]
        page += [self.part(course, i) for i in numbers]
        return self.traced(page)

    def when(self, course: syllabi.Course) -> str:
        """The word over the times of a course."""
        return "Week" if course.weeks else "Time"

    def time(self, course: syllabi.Course, number: int) -> str:
        """The week of a session, or its hours."""
        return course.hours(number) or str(course.week(number))

    def label(self, course: syllabi.Course, number: int) -> str:
        """The label of the section of a session."""
        return f"syllabus-{course.name}-{number}"

    def row(self, course: syllabi.Course, number: int) -> list:
        """A session in the overview: when, what, which sheet."""
        one = course.sessions[number - 1]
        target = self.label(course, number)
        link = nodes.reference("", one.title, refid=target, internal=True)
        links = [self.chapter(c) for c in one.chapters]
        session = [self.line(f"{number}. ", link)]
        session.append(self.line(*self.joined(links)))
        sheet = [self.sheet(one.sheet)] if one.sheet else ["none"]
        time = self.line(self.time(course, number))
        return [[time], session, [self.line(*sheet)]]

    def sheet(self, name: str):
        """A link to a sheet."""
        return self.page_link(f"{chapters.SHEETS}/{name}")

    def part(self, course: syllabi.Course, number: int) -> nodes.section:
        """The section of a session."""
        one = course.sessions[number - 1]
        title = f"Session {number}: {one.title}"
        section = self.section(title, self.label(course, number))
        section["classes"].append("session")
        when = self.time(course, number)
        head = f"Week {when}." if course.weeks else f"{when}."
        section += self.line(f"{one.minutes} minutes.", head=head)
        section += self.about(one)
        section += table(["Minutes", "What"], self.blocks(one))
        section += self.after(one)
        return section

    def about(self, one: syllabi.Session) -> list[nodes.Node]:
        """What a session treats, what it builds on, what it is for."""
        found = [nodes.paragraph("", "", nodes.strong("", "Chapters"))]
        lines = self.places(tuple(f"book/{p}" for p in one.places))
        found.append(bullets([self.linked(x, one.quiz) for x in lines]))
        if one.assumed:
            links = self.joined([self.chapter(c) for c in one.assumed])
            found.append(self.line(*links, ".", head="Assumed:"))
        found.append(nodes.paragraph("", "", nodes.strong("", "Aims")))
        found.append(self.line("Afterwards a student can"))
        return [*found, bullets([self.aim(a) for a in one.aims])]

    def linked(self, line: nodes.paragraph, quiz: bool) -> nodes.paragraph:
        """The line of a chapter, with links to its quiz and its slides."""
        chapter = line.children[0]["reftarget"].removeprefix("/book/")
        files = {"quiz": f"book/{chapter}.html#quiz"} if quiz else {}
        if SLIDES in self.env.app.extensions:
            files["slides"] = f"slides/{chapter}.html"
        here = posixpath.dirname(self.env.docname)
        links = [
            nodes.reference("", word, refuri=posixpath.relpath(to, here))
            for word, to in files.items()
        ]
        if links:
            line += [nodes.Text(" ("), *texts(self.joined(links))]
            line += nodes.Text(")")
        return line

    def aim(self, text: str) -> nodes.paragraph:
        """What a student can do afterwards."""
        return self.parse_text_to_nodes(text)[0]

    def blocks(self, one: syllabi.Session) -> list:
        """How the minutes divide: the rows of a table."""
        rows = []
        for name, minutes in one.blocks.items():
            parts = [WORDS[name]]
            if name == "exercise":
                links = [self.reference(k) for k in one.exercises]
                parts += [": ", *self.joined(links)]
            rows.append([[self.line(str(minutes))], [self.line(*parts)]])
        return rows

    def reference(self, label: str):
        """A link to an exercise, with its number."""
        (line,) = self.parse_text_to_nodes(f"{{ref}}`{label}`")
        return line.children[0]

    def after(self, one: syllabi.Session) -> list[nodes.Node]:
        """Where the quiz is done, and what is handed out."""
        found = []
        if "quiz" not in one.blocks:
            found.append(self.line(QUIZ[one.quiz]))
        if one.sheet:
            found.append(self.line(self.sheet(one.sheet), head="Hand out:"))
        return found


class PrerequisitesDirective(Plan):
    """{prerequisites}: every chapter, what it needs, when it is treated."""

    def run(self) -> list[nodes.Node]:
        """A table in the order of the book."""
        found = self.read()
        rows = [self.row(c, found) for c in found.needs]
        return self.traced(
            [table(["Chapter, and its sessions", "Needs"], rows)]
        )

    def row(self, name: str, found: syllabi.Syllabi) -> list:
        """A chapter with its sessions; what it needs, and what helps."""
        first = [self.line(self.chapter(name))]
        first += [
            self.line(f"{course.title}: {', '.join(numbers)}")
            for course in found.courses.values()
            if (numbers := treated(course, name))
        ]
        needs = [self.chapter(c) for c in found.needs[name]]
        second = [self.line(*(self.joined(needs) or ["no other chapter"]))]
        if found.helps[name]:
            links = [self.chapter(c) for c in found.helps[name]]
            second.append(self.line(*self.joined(links), head="Of help:"))
        return [first, second]


def texts(parts) -> list[nodes.Node]:
    """The same with nodes in place of strings."""
    return [nodes.Text(p) if isinstance(p, str) else p for p in parts]


def treated(course: syllabi.Course, chapter: str) -> list[str]:
    """The numbers of the sessions that treat a chapter."""
    numbered = enumerate(course.sessions, 1)
    return [str(i) for i, one in numbered if chapter in one.chapters]


def bullets(lines: list[nodes.paragraph]) -> nodes.bullet_list:
    """A list of these lines."""
    return nodes.bullet_list("", *(nodes.list_item("", x) for x in lines))


def style(app, pagename, templatename, context, doctree) -> None:
    """Load the style on the page that needs it."""
    if doctree and any(doctree.findall(is_session)):
        app.add_css_file(STYLE)


def is_session(node: nodes.Node) -> bool:
    """Whether this is the section of a session."""
    return isinstance(node, nodes.section) and "session" in node["classes"]


def setup(app) -> dict:
    """Register the directives and the style."""
    app.add_directive("syllabus", SyllabusDirective)
    app.add_directive("prerequisites", PrerequisitesDirective)
    app.connect("html-page-context", style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
