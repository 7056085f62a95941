"""Text from outside in places that read Markdown. What a case looks like: test_annotator_label."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from annotator import show


@pytest.mark.parametrize("text", ["a | b", "**no** <b>", "$x$ `y` :red[z]", "\\| & [l](u)", ""])
def test_words_show_as_they_are(text: str) -> None:
    """Every ASCII sign that means something in Markdown has a backslash, and nothing else has."""
    escaped = show.as_words(text)
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped) == text
    assert not re.search(r"(?<!\\)(?:\\\\)*[|*<$`:\[(&]", escaped)


def test_a_cell_has_one_line() -> None:
    assert show.cell("one\n| two\r\n\tthree") == "one \\| two three"
    assert show.minute("2026-01-31T09:30:59.000001+00:00") == "2026-01-31 09:30"


def test_nothing_but_the_notes_key_stands_in_the_script() -> None:
    def page(key):  # runs as a script of its own
        from annotator import show

        show.script(key)

    first, second = (
        AppTest.from_function(page, args=(key,)).run().get("html")[0].proto.body for key in "nq"
    )
    assert first != second and first.replace('"n"', '"q"') == second
