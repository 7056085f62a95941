"""Plain characters, words and sentences; code that is blanked out."""

import pytest

from judges.plain import blank_code, last_sentence, normalise


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("```python\nx = [2, 1]\n```\n[1, 2]", "[1, 2]"),
        ("```\n[1, 2]\n```", "[1, 2]"),
        ("x = [2, 1]\nx.sort()\nprint(x)", ""),
        ("x = 5", "x = 5"),
        ("```\ndef f():\n  return [2, 1]", ""),
    ],
)
def test_code_is_blanked_but_not_a_fenced_answer(text, kept):
    blanked = blank_code(text)
    assert len(blanked) == len(text)
    assert blanked.replace("```", "").strip() == kept


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("The United States", "united states.", True),
        ("São Paulo", "Sao Paulo", True),
        ("farmer's", "farmer\u2019s", True),
        ("1,000", "1000", True),
        ("1,2", "12", False),
        ("x + 1", "x - 1", False),
        ("-5", "5", False),
        ("C++", "C", False),
        ("50%", "50", False),
        ("a", "the", False),
    ],
)
def test_normalised_texts(a, b, same):
    assert (normalise(a) == normalise(b)) is same


def test_the_last_sentence():
    assert last_sentence("He has $5.50. So he is rich. \n") == "So he is rich."
    assert last_sentence("") == ""
