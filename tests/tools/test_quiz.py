"""A quiz is read, and its mistakes are named so that authors can mend them."""

import copy

import pytest
import yaml

from tools import quiz

OPTIONS = [
    {"text": "One.", "why": "It is not."},
    {"text": "Two.", "why": "It is.", "correct": True},
    {"text": "Three.", "why": "Nor is it."},
]
NUMBER = {
    "id": "chapter-number",
    "question": "How many?",
    "answer": {
        "code": "value = 1 / 2",
        "value": "5e-1",  # YAML takes this for a text
        "tolerance": 0.01,
        "unit": "nats",
    },
    "why": "Half of one.",
    "near": [{"value": 2, "why": "Upside down."}],
}


def good():
    """Six questions, two of them numeric."""
    choices = [
        {"id": f"chapter-q{i}", "question": "Which?", "options": OPTIONS}
        for i in range(4)
    ]
    other = NUMBER | {"id": "chapter-again"}
    return copy.deepcopy([*choices, NUMBER, other])


@pytest.fixture
def refused(tmp_path):
    """Write a quiz and return the complaint about it."""

    def run(fields):
        path = tmp_path / "chapter.quiz.yml"
        text = fields if isinstance(fields, str) else yaml.safe_dump(fields)
        path.write_text(text, encoding="utf8")
        with pytest.raises(ValueError, match=r"chapter\.quiz\.yml") as caught:
            quiz.read(path)
        return str(caught.value)

    return run


def test_a_good_quiz_is_read(tmp_path):
    path = tmp_path / "chapter.quiz.yml"
    path.write_text(yaml.safe_dump(good()), encoding="utf8")
    first, *_, last = quiz.read(path)
    assert (first.correct, first.options[1].why) == (1, "It is.")
    assert first.texts == [
        "Which?", "One.", "It is not.", "Two.", "It is.", "Three.",
        "Nor is it.",
    ]  # fmt: skip
    assert (last.answer.value, last.answer.unit) == (0.5, "nats")
    assert last.near[0].value == 2
    assert last.texts == ["How many?", "Half of one.", "Upside down."]


def test_a_wrong_number_is_recognised_as_exactly_as_the_right_one(tmp_path):
    path = tmp_path / "chapter.quiz.yml"
    path.write_text(yaml.safe_dump(good()), encoding="utf8")
    number = quiz.read(path)[-1]
    assert number.near[0].tolerance == pytest.approx(0.01 * 2 / 0.5)
    small = quiz.Answer("", 0.5, 0.01, "")
    assert quiz.reach(small, 0.1) == 0.01
    assert quiz.reach(quiz.Answer("", 0.0, 0.01, ""), 7) == 0.01


def test_a_missing_quiz_says_which_file_to_write(tmp_path):
    with pytest.raises(ValueError, match=r"write x\.quiz\.yml"):
        quiz.read(tmp_path / "x.quiz.yml")


def option(number, **changes):
    """Change one option of the first question."""

    def change(fields):
        fields[0]["options"][number] |= changes

    return change


def number(**changes):
    """Change the answer of the last question."""

    def change(fields):
        fields[-1]["answer"] |= changes

    return change


def near(*values):
    """Other typical wrong numbers."""

    def change(fields):
        fields[-1]["near"] = [{"value": v, "why": "No."} for v in values]

    return change


def drop(place, name):
    """Leave out a field of a question."""
    return lambda fields: fields[place].pop(name)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (option(0, correct=True), "exactly one option is correct, not 2"),
        (lambda f: f[0]["options"].pop(), "three or four options"),
        (lambda f: f[0]["options"][1].pop("correct"), "correct, not 0"),
        (lambda f: f[0]["options"][2].pop("why"), "option C needs why"),
        (option(2, text="One."), "two options say the same"),
        (option(2, text="One.\n\nTwo."), "must be one paragraph"),
        (option(2, text=3), "text of option C must be a text"),
        (option(2, correct=False), "option C: leave `correct` out"),
        (option(2, wyh="a slip"), "unknown field 'wyh'"),
        (number(value="half"), "'half' is not a number"),
        (number(tolerance=0), "tolerance must be a positive"),
        (number(code="value = ("), "not Python"),
        (number(code="result = 1"), "setting `value`"),
        (lambda f: f[-1]["answer"].pop("code"), "the answer needs code"),
        (near(0.505), "0.505 is right within the tolerance"),
        (near(3, 3), "two near numbers are the same"),
        (near("many"), "'many' is not a number"),
        (drop(-1, "why"), "the question needs why"),
        (drop(-1, "answer"), "either options or an answer"),
        (lambda f: f[0].update(answer=1), "either options or an answer"),
        (lambda f: f[0].update(id="chapter-q1"), "the id stands 2 times"),
        (lambda f: f[0].update(id="other-q0"), "the id must be chapter- and"),
        (lambda f: f[0].update(hint="x"), "unknown field 'hint'"),
        (lambda f: f.pop(0), "at least 6 questions, not 5"),
        (
            lambda f: f[-1].update(f[0] | {"answer": None}),
            "either options or an answer",
        ),
        (
            lambda f: f.__setitem__(-1, f[0] | {"id": "chapter-q9"}),
            "ask for a number, not 1",
        ),
    ],
)
def test_a_mistake_is_named(change, complaint, refused):
    fields = good()
    change(fields)
    assert complaint in refused(fields)


def test_all_mistakes_are_named_at_once(refused):
    fields = good()
    fields[0]["options"][2].pop("why")
    fields[1]["id"] = "other"
    text = refused(fields)
    assert "chapter-q0: option C needs why" in text
    assert "other: the id must be" in text


@pytest.mark.parametrize("text", ["just words", "a: 1", "- a\n- b"])
def test_what_is_no_list_of_questions_is_refused(text, refused):
    assert "list of questions" in refused(text)


def test_text_that_is_not_yaml_comes_with_advice(refused):
    assert "needs `|`" in refused("- question: a: b")
