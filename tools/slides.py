"""The slides of a chapter, made from its built page.

The page is finished when this module reads it: formulas carry their numbers,
figures are the executed ones with their alt text, citations are resolved. What
goes on a slide follows from the template of every chapter, and from tags where
the template is not enough. No reader of the page sees them:

    a code cell        tags: [slide]        its figure, or what it prints
                       tags: [slide-code]   its code
    a formula          :class: slide        and the sentence before it
    an exercise        :class: slide        for discussion
    a paragraph, list  {.slide}             on the line before it
    or table

In a subsection that has a tag, only what is tagged becomes a slide. `no-slide`
keeps a block off. What would make a slide overfull is left out, from the end of
a sentence; the notes hold the whole.
"""

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

from tools.slide_text import (
    around,
    beyond,
    bold,
    classes,
    complete,
    deck_name,
    fits,
    inner,
    join,
    moved,
    neighbour,
    own,
    parts,
    plain,
    printed,
    sentences,
    shorten,
    words,
)

MOST = 25  # slides in a deck
LINE = 34  # words of text beside a formula or a figure
HALF = 30  # words of a symptom or a fix
QUESTION = 50
ADVICE = 40
READING = 24  # words about a reference
REFERENCES = 6
ROWS = 8  # of a table
MANY = 6  # columns; more are set smaller
OUTPUT = (13, 92)  # lines and columns of what a cell prints
EVIDENCE = (8, 78)  # the same, below a symptom and a fix
TAGGED = ".slide, .tag_slide, .tag_slide-code"

Slides = Iterator["Slide"]


@dataclass
class Slide:
    """One slide: HTML, ready to be put into the frame."""

    kind: str
    kicker: str
    title: str
    body: str
    notes: str = ""
    spare: int = 0  # 0 stays; the higher, the sooner it is left out

    def __post_init__(self):
        """Free the HTML of what may stand once only."""
        self.kicker, self.title = plain(self.kicker), plain(self.title)
        self.body, self.notes = plain(self.body), plain(self.notes)


def within(slides: list[Slide], most: int = MOST) -> list[Slide]:
    """The slides without those that can be spared, if they are too many."""
    kept = list(slides)
    while len(kept) > most:
        last = max(range(len(kept)), key=lambda i: (kept[i].spare, i))
        if not kept[last].spare:
            break
        del kept[last]
    return kept


class Chapter:
    """The built page of a chapter, and the slides that it makes."""

    def __init__(self, page: str, text: str):
        """Read a page.

        Args:
            page: its name, such as book/images/autoencoders.
            text: the HTML of the whole page.
        """
        self.page, self.deck = page, deck_name(page)
        soup = BeautifulSoup(text, "html.parser")
        self.article = soup.select_one("article.bd-article") or soup
        numbers = self.article.select(".section-number")
        found = [number.extract().get_text() for number in numbers]
        self.number = "".join(found[:1]).strip(" .")
        self.clean()
        self.title = inner(self.article.h1)

    def clean(self) -> None:
        """Take out what only the page needs, and mend the links."""
        for link in self.article.select(".headerlink, .copybtn"):
            link.decompose()
        for link in self.article.select("a.image-reference"):
            link.unwrap()
        for link in self.article.select("a[href]"):
            link["href"] = moved(link["href"], self.page, self.deck)
            link.attrs.pop("title", None)
        for image in self.article.select("img"):
            image["src"] = moved(image["src"], self.page, self.deck)
            for name in ("style", "width", "height", "loading"):
                image.attrs.pop(name, None)

    def slides(self) -> list[Slide]:
        """The slides, in order."""
        found = [self.opening()]
        for name, make in (
            ("motivation", self.motivation),
            ("idea", self.idea),
            ("theory", self.theory),
            ("from-formulas-to-code", self.code),
            ("experiment", self.experiment),
            ("pitfalls", self.pitfalls),
            ("exercises", self.questions),
            ("summary", self.summary),
            ("references", self.references),
        ):
            section = self.article.select_one(f"section#{name}")
            found += make(section) if section else ()
        return within(found)

    # -- the parts of the template -----------------------------------------

    def opening(self) -> Slide:
        """Title, promise and aims."""
        box = self.article.select_one(".chapter-box") or Tag(name="div")
        paragraphs = box.find_all("p", recursive=False)[1:]
        aims = box.find("ul")
        head = aims and aims.find_previous_sibling("p")
        shown = [*paragraphs[:1], *filter(None, (head, aims))]
        rest = [p for p in paragraphs[1:] if p is not head]
        kicker = f"Chapter {self.number}" if self.number else ""
        return Slide("opening", kicker, self.title, join(shown), join(rest))

    def motivation(self, section: Tag) -> Slides:
        """The last picture: where the simpler model fails."""
        return self.part(section, self.last_picture)

    def idea(self, section: Tag) -> Slides:
        """The picture."""
        return self.part(section, self.pictures)

    def theory(self, section: Tag) -> Slides:
        """The first numbered formula of each subsection."""
        for part in parts(section):
            yield from self.part(part, self.first_formula)

    def code(self, section: Tag) -> Slides:
        """The table of formulas and code, and what is tagged."""
        for part in parts(section):
            yield from self.part(
                part, self.tables if part is section else lambda _: ()
            )

    def experiment(self, section: Tag) -> Slides:
        """The numbers and the pictures of each subsection."""
        for part in parts(section):
            yield from self.part(part, self.results)

    def pitfalls(self, section: Tag) -> Slides:
        """Each pitfall: symptom and fix."""
        found = section.find_all("section", recursive=False)
        for number, part in enumerate(found, 1):
            yield self.pitfall(part, f"Pitfall {number} of {len(found)}")

    def questions(self, section: Tag) -> Slides:
        """Two exercises to discuss: the tagged, or the first and last short."""
        found = section.select("div.exercise")
        tagged = [box for box in found if "slide" in classes(box)]
        short = [box for box in found if discussed(box)]
        chosen = tagged[:2] or short[:1] + short[1:][-1:]
        body = "".join(map(question, chosen))
        if body:
            title = "For discussion"
            yield Slide("questions", inner(section.h2), title, body)

    def summary(self, section: Tag) -> Slides:
        """The points; then the key equation and when to use the model."""
        points = section.find("ul", recursive=False)
        if points:
            title = inner(section.h2)
            yield Slide("points", self.title, title, str(points))
        formula = section.find("div", class_="math", recursive=False)
        if formula:
            yield self.key(section, formula)

    def references(self, section: Tag) -> Slides:
        """Whom to read, and why."""
        entries = [li.find("p") or li for li in section.select("ul > li")]
        lines = [shorten(sentences(p), READING) for p in entries]
        if lines:
            body = "".join(f"<li>{line}</li>" for line in lines[:REFERENCES])
            notes = "".join(f"<p>{inner(p)}</p>" for p in entries)
            title = inner(section.h2)
            body = f"<ul>{body}</ul>"
            yield Slide("reading", self.title, title, body, notes)

    # -- what a subsection gives -------------------------------------------

    def part(self, section: Tag, default: Callable[[Tag], Slides]) -> Slides:
        """What is tagged in a section; without a tag, its default."""
        tagged = [b for b in section.select(TAGGED) if own(b, section)]
        for block in tagged:
            yield from self.block(block, section)
        if not tagged:
            yield from default(section)

    def block(self, block: Tag, section: Tag) -> Slides:
        """The slides of a tagged block: a cell, a formula, a paragraph."""
        figure = block if block.name == "figure" else block.find("figure")
        if "slide-code" in classes(block):
            yield self.program(block, section)
        elif figure:
            yield self.figure(figure, section)
        elif block.name == "table" or block.find("table"):
            yield from self.table(block.find("table") or block, section)
        elif "cell" in classes(block):
            yield self.output(block, section)
        elif "math" in classes(block):
            yield self.formula(block, section)
        else:
            yield self.make("text", section, str(block), around(block))

    def make(
        self, kind: str, section: Tag, body: str, notes: str = "", spare=0
    ) -> Slide:
        """A slide that says which section it belongs to."""
        title = section.find(["h2", "h3"], recursive=False)
        outer = section.find_parent("section")
        kicker = outer and outer.find(["h1", "h2"], recursive=False)
        return Slide(kind, inner(kicker), inner(title), body, notes, spare)

    def pictures(self, section: Tag) -> Slides:
        """Every figure of a section."""
        for figure in section.select("figure"):
            cell = figure.find_parent("div", class_="cell")
            if own(figure, section) and own(cell or figure, section):
                yield self.figure(figure, section)

    def last_picture(self, section: Tag) -> Slides:
        """The last figure; without one, the last table that is printed."""
        figures = list(self.pictures(section))
        yield from figures[-1:]
        for cell in [] if figures else printing(section)[-1:]:
            yield self.output(cell, section)

    def results(self, section: Tag) -> Slides:
        """What a section shows: its figures, its longest printed table."""
        for number, slide in enumerate(self.pictures(section)):
            slide.spare = 3 if number else 1
            yield slide
        tables = printing(section)
        if tables:
            cell = max(tables, key=lambda cell: len(printed(cell)))
            yield self.output(cell, section, spare=2)

    def first_formula(self, section: Tag) -> Slides:
        """The first numbered formula of a section."""
        found = [
            formula
            for formula in section.select("div.math")
            if own(formula, section) and formula.find(class_="eqno")
        ]
        for formula in found[:1]:
            yield self.formula(formula, section, spare=1)

    def tables(self, section: Tag) -> Slides:
        """Every table of a section."""
        for table in section.find_all("table"):
            if own(table, section):
                yield from self.table(table, section)

    # -- one slide ---------------------------------------------------------

    def figure(self, figure: Tag, section: Tag) -> Slide:
        """A figure, and its caption as the line to say."""
        caption = inner(figure.find(class_="caption-text"))
        number = inner(figure.find(class_="caption-number"))
        label = f'<span class="label">{number}</span> ' if number else ""
        body = f"{join(figure.find_all('img'))}<p>{label}{caption}</p>"
        cell = figure.find_parent("div", class_="cell")
        return self.make("figure", section, body, around(cell or figure))

    def output(self, cell: Tag, section: Tag, spare: int = 0) -> Slide:
        """What a cell prints, and the text after it or before."""
        near = neighbour(cell, 1), neighbour(cell, -1)
        said = [p for p in (*near, beyond(cell, 1), beyond(cell, -1)) if p]
        texts = (shorten(complete(paragraph), LINE) for paragraph in said)
        line = next(filter(None, texts), "")
        body = preformatted(printed(cell))
        body += f"<p>{line}</p>" if line else ""
        return self.make("output", section, body, around(cell), spare)

    def program(self, cell: Tag, section: Tag) -> Slide:
        """The code of a cell, and the text before it."""
        said = neighbour(cell, -1)
        line = shorten(complete(said), LINE, last=True) if said else ""
        body = f"<p>{line}</p>" if line else ""
        body += join(cell.select(".cell_input .highlight"))
        return self.make("program", section, body, around(cell))

    def formula(self, formula: Tag, section: Tag, spare: int = 0) -> Slide:
        """A formula between the words that lead to it and those after it."""
        before, after = neighbour(formula, -1), neighbour(formula, 1)
        body = str(formula)
        if before:
            line = shorten(sentences(before), LINE, last=True)
            body = f"<p>{line}</p>{body}"
        tall = formula.get_text().count(r"\\") > 2
        line = shorten(complete(after), LINE) if after and not tall else ""
        if line and words(line) <= LINE:
            body += f"<p>{line}</p>"
        return self.make("formula", section, body, around(formula), spare)

    def table(self, table: Tag, section: Tag) -> Slides:
        """A table; a long one goes on on the next slide."""
        rows = table.select("tbody > tr")
        size = -(-len(rows) // -(-len(rows) // ROWS))
        for first in range(0, len(rows), size):
            body = join(rows[first : first + size])
            body = f"<table>{table.thead or ''}<tbody>{body}</tbody></table>"
            many = "many " if len(rows[0].find_all("td")) > MANY else ""
            name = f"{many}pst-scrollable-table-container"
            body = f'<div class="{name}">{body}</div>'
            yield self.make("table", section, body, spare=3 * (first > 0))

    def pitfall(self, section: Tag, kicker: str) -> Slide:
        """Symptom and fix side by side; below, what is to be seen."""
        said = [
            f"<p>{shorten(lines, HALF)}</p>" for lines in sides(bold(section))
        ]
        body = f'<div class="sides">{"".join(said)}</div>{evidence(section)}'
        notes = [
            block
            for block in section.find_all(["p", "div"], recursive=False)
            if block.name == "p" or "math" in classes(block)
        ]
        return Slide("pitfall", kicker, inner(section.h3), body, join(notes))

    def key(self, section: Tag, formula: Tag) -> Slide:
        """The key equation, and when to use the model."""
        before, body = neighbour(formula, -1), str(formula)
        if before:
            line = shorten(sentences(before), LINE, last=True)
            body = f"<p>{line}</p>{body}"
        said = list(bold(section).values())[:2]  # when, and when not
        advice = [sentence for lines in said for sentence in lines]
        if advice:
            body += f"<p>{shorten(advice, ADVICE)}</p>"
        notes = join(formula.find_next_siblings("p"))
        kicker, title = inner(section.h2), "In one formula"
        return Slide("formula", kicker, title, body, notes)


def preformatted(text: str) -> str:
    """What a cell prints; its size follows from its columns."""
    columns = max(map(len, text.splitlines()), default=1)
    shown = html.escape(text, quote=False)
    return f'<pre style="--columns: {columns}">{shown}</pre>'


def printing(section: Tag) -> list[Tag]:
    """The cells of a section that print a table which fits."""
    return [
        cell
        for cell in section.select("div.cell")
        if own(cell, section)
        and len(printed(cell).splitlines()) > 2
        and fits(printed(cell), OUTPUT)
    ]


def sides(said: dict[str, list[str]]) -> list[list[str]]:
    """What a pitfall says of its symptom and of its fix.

    By their names, or by their places: the first and the third.
    """
    first = [text for name, text in said.items() if name[:7] == "Symptom"]
    third = [text for name, text in said.items() if name[:3] == "Fix"]
    texts = list(said.values())
    return (first or texts)[:1] + (third or texts[2:])[:1]


def evidence(section: Tag) -> str:
    """The picture of a pitfall, or what its symptom prints."""
    cells = [c for c in section.select("div.cell") if own(c, section)]
    tagged = [c for c in cells if "slide" in classes(c)]
    images = [i for cell in tagged or cells for i in cell.select("figure img")]
    if images:
        return str(images[0])
    texts = filter(None, map(printed, tagged or cells))
    text = next((text for text in texts if fits(text, EVIDENCE)), "")
    return preformatted(text) if text else ""


def discussed(box: Tag) -> bool:
    """Whether an exercise can be talked about: it is short, without code."""
    if "no-slide" in classes(box) or box.find(class_="cell"):
        return False
    return 8 <= words(str(box.find("section") or box)) <= QUESTION


def question(box: Tag) -> str:
    """The text of an exercise, with its number and its stars."""
    label = inner(box.find(class_="caption-number"))
    content = box.find("section") or box
    text = [
        block
        for block in content.find_all(True, recursive=False)
        if not {"admonition-title", "cell"} & classes(block)
    ]
    return f'<div><p class="label">{label}</p>{join(text)}</div>'
