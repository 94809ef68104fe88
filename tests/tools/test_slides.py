"""What of a page becomes a slide, and in how many words."""

import re

import pytest
from bs4 import BeautifulSoup

from tools import addresses
from tools.slide_text import complete, moved, sentences, shorten, words
from tools.slides import MOST, Chapter, Slide, within
from tools.slides_ext import pages, render

PAGE = "book/part/chapter"


def paragraph(text):
    return BeautifulSoup(f"<p>{text}</p>", "html.parser").p


def cell(inner, tags=""):
    names = " ".join(f"tag_{tag}" for tag in tags.split())
    return (
        f'<div class="cell {names} docutils container"><div class="cell_input">'
        '<div class="highlight"><pre>x = 1</pre></div></div>'
        f'<div class="cell_output">{inner}</div></div>'
    )


def figure(name):
    return (
        f'<figure id="fig-{name}"><img alt="What {name} shows." '
        f'src="../../_images/{name}.png" style="width: 3px"/><figcaption><p>'
        '<span class="caption-number">Fig. 1.1 </span><span '
        f'class="caption-text">Say {name}.</span></p></figcaption></figure>'
    )


def formula(name, tag=""):
    return (
        f'<div class="math {tag} notranslate" id="equation-eq-{name}">'
        f'<span class="eqno">(1.1)<a class="headerlink" href="#e">#</a></span>'
        rf"\[{name} = 1\]</div>"
    )


def table(rows):
    body = "".join(f"<tr><td>row {n}</td></tr>" for n in range(rows))
    return (
        "<table><thead><tr><th>code</th></tr></thead><tbody>"
        f"{body}</tbody></table>"
    )


def section(name, body, level=2):
    return (
        f'<section id="{name}"><h{level}>{name.capitalize()}<a '
        f'class="headerlink" href="#{name}">#</a></h{level}>{body}</section>'
    )


def exercise(text, extra=""):
    return (
        f'<div class="exercise {extra} admonition" id="ex-{len(text)}">'
        '<p class="admonition-title"><span class="caption-number">Exercise 1.1 '
        f"</span></p><section><p>{text}</p></section></div>"
        f'<div class="solution dropdown admonition"><p>Secret.</p></div>'
    )


BOX = """<div class="chapter-box admonition"><p class="admonition-title">In this
chapter</p><p>You will build it.</p><p><strong>You need</strong> nothing.</p>
<p><strong>Afterwards you can</strong></p><ul><li>a;</li><li>b;</li><li>c.</li>
</ul><p>Reading: 5 minutes.</p></div>"""
PITFALL = (
    "<p><strong>Symptom.</strong> It breaks. Here it is:</p>"
    + cell("<pre>broken 1.0</pre>")
    + "<p><strong>Cause.</strong> A sign. <strong>Fix.</strong> Turn it. "
    "<strong>How to notice.</strong> Look.</p>"
)


def slides(**parts):
    """The slides of a chapter with these sections."""
    body = "".join(
        section(name.replace("_", "-"), text) for name, text in parts.items()
    )
    text = (
        '<article class="bd-article"><section id="top"><h1><span '
        f'class="section-number">7. </span>Top</h1>{BOX}{body}</section>'
        "</article>"
    )
    return Chapter(PAGE, text).slides()


def only(**parts):
    """The one slide besides the opening."""
    _, found = slides(**parts)
    return found


def test_a_paragraph_is_cut_between_sentences():
    text = "One, e.g. this. <em>Two</em> is 3.5 wide! A <b>last.</b> and so on"
    assert sentences(paragraph(text)) == [
        "One, e.g. this.",
        "<em>Two</em> is 3.5 wide!",
        "A <b>last.</b> and so on",
    ]
    assert complete(paragraph(text)) == sentences(paragraph(text))[:2]
    assert complete(paragraph("It ends here. And then:")) == ["It ends here."]


def test_markup_survives_the_cut():
    assert sentences(paragraph("If a &lt; b. Then")) == ["If a &lt; b.", "Then"]


def test_words_count_a_formula_once():
    assert words(r"Let <b>me</b> see \(a + b + c = d\) now") == 5


def test_text_is_shortened_by_sentences():
    parts = ["one two three.", "four five.", "six."]
    assert shorten(parts, 5) == "one two three. four five."
    assert shorten(parts, 3, last=True) == "four five. six."
    assert shorten(parts, 1) == "one two three."


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("#eq", "../../book/part/chapter.html#eq"),
        ("other.html#x", "../../book/part/other.html#x"),
        ("../references.html#id3", "../../book/references.html#id3"),
        ("../../_images/a.png", "../../_images/a.png"),
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
    ],
)
def test_links_of_a_page_lead_on_from_its_deck(link, expected):
    assert moved(link, PAGE, "slides/part/chapter") == expected


def test_the_deck_opens_with_promise_and_aims():
    opening = slides()[0]
    assert opening.kicker == "Chapter 7"
    assert opening.title == "Top"
    assert "You will build it." in opening.body
    assert opening.body.count("<li>") == 3
    assert "You need" in opening.notes
    assert "You need" not in opening.body


def test_a_figure_brings_alt_text_caption_and_notes():
    slide = only(idea=figure("plan") + "<p>Said of it.</p><p>And more.</p>")
    assert 'alt="What plan shows."' in slide.body
    assert "Say plan." in slide.body
    assert "style" not in slide.body
    assert "id=" not in slide.body
    assert slide.notes == "<p>Said of it.</p><p>And more.</p>"


def test_motivation_shows_its_last_picture():
    body = cell(figure("first")) + cell(figure("last"))
    assert "last.png" in only(motivation=body).body


def test_theory_gives_the_first_numbered_formula_of_each_part():
    body = section("one", "<p>Say a.</p>" + formula("a") + formula("b"), 3)
    body += section("two", '<div class="math">\\[c\\]</div>' + formula("d"), 3)
    _, first, second = slides(theory=body)
    assert (first.title, first.kicker) == ("One", "Theory")
    assert "<p>Say a.</p>" in first.body
    assert "(1.1)" in first.body
    assert "b = 1" not in first.body
    assert "d = 1" in second.body


def test_a_tag_takes_the_place_of_the_default():
    body = formula("a") + formula("b", "slide") + '<p class="slide">Told.</p>'
    _, chosen, told = slides(theory=section("one", body, 3))
    assert "b = 1" in chosen.body
    assert "Told." in told.body
    assert '"slide' not in chosen.body + told.body  # it styles whole slides


def test_folded_proofs_stay_folded():
    body = f'<div class="dropdown">{formula("a", "slide")}</div>'
    assert len(slides(theory=section("one", body, 3))) == 1


def test_no_slide_keeps_a_block_off():
    body = cell(figure("off"), "no-slide") + cell(figure("on"))
    assert "on.png" in only(experiment=section("one", body, 3)).body


def test_a_sentence_that_leads_elsewhere_is_not_said():
    body = formula("a") + "<p>It holds. From it we get</p>" + formula("b")
    assert "From it" not in only(theory=body).body


def test_a_tagged_cell_shows_its_output_or_its_code():
    shown = cell("<pre>3 &lt; 4</pre>", "slide") + "<p>Three is less.</p>"
    slide = only(experiment=section("one", shown, 3))
    assert slide.kind == "output"
    assert ">3 &lt; 4</pre>" in slide.body
    assert "Three is less." in slide.body
    code = only(experiment=section("one", cell("", "slide-code"), 3))
    assert code.kind == "program"
    assert "x = 1" in code.body


def test_a_long_table_goes_on_on_the_next_slide():
    _, one, two = slides(from_formulas_to_code=table(10))
    assert one.body.count("row ") == two.body.count("row ") == 5
    assert "<th>code</th>" in one.body
    assert "<th>code</th>" in two.body


def test_numbers_of_an_experiment_stand_beside_its_picture():
    printed = "<pre>a 1\nb 2\nc 3</pre>"
    body = cell(figure("f")) + cell(printed) + cell("") + "<p>Told.</p>"
    _, picture, numbers = slides(experiment=body)
    assert "Told." in numbers.body
    assert numbers.kind == "output"
    assert picture.kind == "figure"


def test_a_pitfall_is_symptom_fix_and_evidence():
    slide = only(pitfalls=section("trap", PITFALL, 3))
    assert slide.kicker == "Pitfall 1 of 1"
    sides = BeautifulSoup(slide.body, "html.parser").select(".sides p")
    said = [p.get_text() for p in sides]
    assert said == ["Symptom. It breaks.", "Fix. Turn it."]
    assert ">broken 1.0</pre>" in slide.body
    assert "A sign." in slide.notes


def test_two_questions_without_their_solutions():
    text = "★ Which of the two is the better one, and for whom?"
    body = exercise(text) + exercise(text + " Say why.") + exercise(text * 9)
    slide = only(exercises=body)
    assert slide.body.count("★") == 2
    assert "Say why." in slide.body
    assert "Secret" not in slide.body
    body += exercise("★★ Chosen by hand, whatever its length.", "slide")
    assert only(exercises=body).body.count("★") == 2
    assert "Chosen" in only(exercises=body).body


def test_exercises_in_code_are_not_for_discussion():
    body = exercise("★ Write it, please, and check it with the cell below.")
    code = body.replace("</section>", cell("") + "</section>")
    assert len(slides(exercises=code)) == 1


def test_summary_gives_its_points_and_its_formula():
    body = "<ul><li>One.</li></ul><p>The key:</p>" + formula("k")
    body += "<p><strong>Use it</strong> at home.</p><p><strong>Cost.</strong>"
    _, points, key = slides(summary=body + " None.</p>")
    assert "One." in points.body
    assert "k = 1" in key.body
    assert "at home" in key.body


def test_what_can_be_spared_goes_first():
    deck = [Slide("text", "", str(n), "", spare=n % 3) for n in range(30)]
    kept = within(deck, 27)
    assert [s.title for s in deck if s not in kept] == ["23", "26", "29"]
    assert len(within(deck, 1)) == 10  # what cannot be spared stays


def test_a_deck_is_a_page_of_its_own():
    text = f'<article class="bd-article"><h1>A &amp; B</h1>{BOX}</article>'
    deck = render(Chapter(PAGE, text), {"tex": {}})
    assert "<title>Slides: A &amp; B</title>" in deck
    assert 'href="../../book/part/chapter.html"' in deck
    assert 'id="1"' in deck
    assert not re.search(r'(?:src|href)="(?:https?:)?//', deck)


def test_every_chapter_has_a_deck_to_come():
    found = pages()
    assert "book/images/variational-autoencoders" in found
    assert all((addresses.ROOT / f"{page}.md").is_file() for page in found)
    assert not any(page.endswith("index") for page in found)
    assert MOST <= 30
