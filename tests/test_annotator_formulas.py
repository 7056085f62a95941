"""Where code and formulas stand, and how they are written."""

from itertools import pairwise

import pytest

from annotator.formulas import safe_formula, scan, write_code, write_fence, write_formula


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$a$ and $b$", ["a", "b"]),
        ("$ a$, $a $, $5 to $6", []),
        ("$5 for two and $x$", ["x"]),
        (r"\(a\) \\(b\\) \$c\$", ["a"]),
        (r"\[a \[b\]", ["b"]),
        (r"\boxed{\frac{1}{2}} \boxed{open", [r"\boxed{\frac{1}{2}}"]),
        ("``a`b`` `c", ["a`b"]),
        ("``so'' and ``so''", []),
        ("$a\n\nb$", []),
        ("$$\na\n\nb\n$$", ["\na\n\nb\n"]),
        (r"\begin{cases}1\\2\end{cases}", [r"\begin{cases}1\\2\end{cases}"]),
        ("x\n```py\n$a$\n```\n$b$", ["py\n$a$", "b"]),
        ("> ~~~\n> a\n> ~~~\nb", ["\na"]),
        ("  ```\n  a\n   b\n", ["\na\n b\n"]),
    ],
)
def test_scan(text: str, found: list[str]) -> None:
    pieces = scan(text)
    assert [piece.content for piece in pieces] == found
    assert all(a.end <= b.start for a, b in pairwise(pieces))


@pytest.mark.parametrize(
    ("formula", "safe"),
    [
        ("50% of\nx", r"50\% of x"),
        (r"a\%b\\%c", r"a\%b\\\%c"),
        ("![a](u)", "! [a] (u)"),
        (r"\text{see http://e.x}", r"\text{see http: //e.x}"),
        (r"\text{if $x$}", r"\text{if $x$}"),
        ("a ` b", r"a \text{\textasciigrave} b"),
        ("~~~x", "{}~~~x"),
        ("{" * 41 + "}" * 41, None),
        (r"\color{white}{x}", None),
        (r"\rule{99em}{99em}", None),
        (r"\def\x{\x\x}\x", None),
        (r"\href{javascript:alert(1)}{x}", None),
        ("}{", None),
    ],
)
def test_safe_formula(formula: str, safe: str | None) -> None:
    assert safe_formula(formula) == safe


def test_an_upright_in_a_row_ends_no_cell() -> None:
    assert write_formula(r"|a| \| b \\ c", False, row=True) == (r"$$\vert a\vert  \Vert  b \\ c$$")
    assert write_code("a|b", row=True) == r"`a\|b`"


def test_code_is_fenced_by_more_than_it_holds() -> None:
    assert write_code("a`b", row=False) == "``a`b``"
    assert write_code("`", row=False) == "`` ` ``"
    assert write_fence("py\n```").startswith("````py\n")
    assert write_fence("\n:material/x:") == "```\n:\u2060material/x:\n```"
