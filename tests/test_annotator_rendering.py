"""Hostile and honest texts as Markdown: nothing loads, nothing links, nothing is lost."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from annotator.rendering import JOIN, as_markdown, marked_markdown, raw_html, visible

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
FORBIDDEN = {"image", "link_open", "html_inline", "html_block", "code_block"}
SIGNS = r"""
![a](http://e.x) [b](u) <img src=x> <http://e.x> http://e.x [r]: u ``` ` ~~~ $ $$ \( \) \[ \] \ \\
| |- |-| -- --- : :: :red[ ] * ** _ __ # 1. - + > >> = a 7 & ; &lt; \$ \` \boxed{ { } % ~ @ www. !
\begin{align} \end{align} <!-- <script> [ ( )
"""
BLANKS = [" ", "    ", "\t", "\n", "\n\n", "\r\n", "\x00", "\u202e"]
HOSTILE = st.lists(
    st.one_of(st.sampled_from(SIGNS.split()), st.sampled_from(BLANKS), st.text(max_size=3)),
    max_size=40,
).map("".join)


def tokens(markdown: str) -> list[Token]:
    found = []
    for token in READER.parse(markdown):
        found += [token, *(token.children or [])]
    return found


def seen(markdown: str) -> str:
    """The text on screen, list numbers included, without blanks."""
    shown = ""
    for token in tokens(markdown):
        if token.type == "list_item_open" and token.info:
            shown += token.info + token.markup
        if token.type in ("text", "code_inline", "fence"):
            shown += token.content
    return re.sub(r"\s", "", shown.replace(JOIN, ""))


@given(HOSTILE)
def test_nothing_is_loaded_or_linked_whatever_the_text(text: str) -> None:
    made = as_markdown(text)
    assert not FORBIDDEN & {token.type for token in tokens(made)}
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", made)
    outside = re.sub(r"(`+|\$\$+)(?:(?!\1)[\s\S])*?\1", "", made)
    assert not re.search(r"(?<!\\)!\[", outside)


@given(st.text("ab 7\n.)(=+,;!?'\"[]<>&:@%^{}", max_size=60))
def test_no_sign_is_lost(text: str) -> None:
    """But ">", which begins a quotation."""
    keep = str.maketrans("", "", ">")
    wanted = re.sub(r"\s", "", text).translate(keep)
    assert seen(as_markdown(text)).translate(keep) == wanted


@given(st.text(max_size=300))
def test_any_text_can_be_shown(text: str) -> None:
    as_markdown(text).encode()
    raw_html(text, (0, len(text) // 2)).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$20 + $30 = $50", "$20+$30=$50"),
        ("(US$5 or $6) and C$ 7", "(US$5or$6)andC$7"),
        ("60*12=$<<60*12=720>>720 He gets 5=$<<5=5>>5", "60*12=$<<60*12=720>>720Hegets5=$<<5=5>>5"),
        ("195-5=$x He spends 4=$y", "195-5=$xHespends4=$y"),
        ("3*4*5 = 60, 2**3**4, __init__, a_b_c", "3*4*5=60,2**3**4,__init__,a_b_c"),
        ("She sold 16 - 3 = <<16-3=13>>13\n#### 13", "Shesold16-3=<<16-3=13>>13####13"),
        ("# of apples = 5", "#ofapples=5"),
        ("1. a\n2. b\n4. d\n1) e", "1.a2.b4.d1)e"),
        ("30\n+ 20\n- 5\n= 45", "30+20-5=45"),
        ("&lt; &amp; &#58;", "&lt;&amp;&#58;"),
        ("50\\% \\& \\{x\\} \\(open", "50\\%\\&\\{x\\}\\(open"),
        ("a <= b -> c -- d >= e", "a<=b->c--d>=e"),
        ("15\n> 10 and 3", "15>10and3"),
        ("``` unclosed `", "```unclosed`"),
        ("____ is (____) or (____)", "____is(____)or(____)"),
        ("```The answer\n7", "Theanswer7"),
    ],
)
def test_what_a_person_sees_is_what_was_written(text: str, shown: str) -> None:
    assert seen(as_markdown(text)).replace("\n", "") == shown


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("$x^2$", "$$x^2$$"),
        (r"\(x\)\(y\)", f"$$x$$$${JOIN}".replace("$$$$", f"$${JOIN}$$").removesuffix(JOIN) + "y$$"),
        (r"\[x\]", "$$\nx\n$$"),
        ("$$\nx = 1\n\n= 2\n$$", "$$\nx = 1 = 2\n$$"),
        (r"So \boxed{\frac{1}{2}}.", r"So $$\boxed{\frac{1}{2}}$$."),
        (r"\boxed{$5}", r"$$\boxed{\$5}$$"),
        (r"\boxed{no answer here}", r"$$\boxed{\text{no answer here}}$$"),
        (r"\begin{align*}a&=1\end{align*}", "$$\n\\begin{align*}a&=1\\end{align*}\n$$"),
        ("$50% of x$", r"$$50\% of x$$"),
        (r"\(5\$\)", r"$$ 5\$ $$"),
        (r"$\phantom{x}$", r"`\phantom{x}`"),
        (r"$\frac{1$", r"`\frac{1`"),
        ("`$x$ [a](b) *c*`", "`$x$ [a](b) *c*`"),
        ("```python\nx = '$1' # [a](b)\n```", "```python\nx = '$1' # [a](b)\n```"),
        ("**Step 1** *so* ~~no~~", "**Step 1** *so* ~~no~~"),
        ("| a | b |\n|---|--:|\n| `x|y` | 2 |", "| a | b |\n| --- | --: |\n| `x\\|y` | 2 |"),
        ("- a\n  - b\n- c", "- a\n\n  - b\n- c"),
        ("a\nb", "a  \nb"),
    ],
)
def test_what_is_meant_as_markdown_or_mathematics_stays_so(text: str, made: str) -> None:
    assert as_markdown(text) == made


def test_a_cell_too_many_is_not_left_out() -> None:
    assert "9" in seen(as_markdown("|a|b|\n|-|-|\n|1|2|9|"))


def test_a_diagram_is_shown_as_its_source() -> None:
    made = as_markdown("```mermaid\ngraph TD\n```")
    assert made == "```\nmermaid\ngraph TD\n```"


def test_a_list_in_a_fence_that_is_not_closed_ends_with_the_text() -> None:
    made = as_markdown("- a\n  ```\n![x](http://e.x)")
    assert [t.content for t in tokens(made) if t.type == "fence"] == ["![x](http://e.x)\n"]


@pytest.mark.parametrize(
    ("text", "answer", "made"),
    [
        ("The answer is 42.", "42", f"The answer is {JOIN}:orange-background[42]{JOIN}."),
        (
            "The answer is **42**.",
            "**42**",
            f"The answer is **{JOIN}:orange-background[42]{JOIN}**.",
        ),
        ("Answer: [a] x", "[a] x", f"Answer: {JOIN}:orange-background[\\[a\\] x]{JOIN}"),
        ("So $x$ it is", "$x$", "So $$x$$ it is"),
        ("So `4 2` it is", "4", "So `4 2` it is"),
        ("So $4 2$ it is", "4", "So $$4 2$$ it is"),
    ],
)
def test_the_answer_is_marked_where_it_is_prose(text: str, answer: str, made: str) -> None:
    start = text.index(answer)
    assert marked_markdown(text, (start, start + len(answer))) == made


@given(HOSTILE, st.integers(0, 30), st.integers(0, 30))
def test_marking_changes_nothing_else(text: str, start: int, length: int) -> None:
    span = (min(start, len(text)), min(start + length, len(text)))
    made = marked_markdown(text, span)
    assert not FORBIDDEN & {token.type for token in tokens(made)}
    assert made.count(":orange-background[") <= 1


def test_raw_text_cannot_turn_the_page() -> None:
    made = raw_html("a<b>\u202ec\x00\nאב", (1, 4))
    assert ">&lt;b&gt;</mark>⟨U+202E⟩c⟨U+0000⟩\nאב</pre>" in made
    assert made.startswith('<pre dir="auto"')
    assert visible("\u2066a\r\nb") == "⟨U+2066⟩a\nb"


LONG = (
    "ab_$x$_`c`_**b**_:red[x]\n $ ` \\[ \\boxed{ *a_ >_ $a\n 1._a\n |a|\n ~~~\n ![ \\begin{align}"
    " $$_a_ אבג\n\n"
)


def test_the_mark_can_be_read_in_every_theme() -> None:
    """Contrast by WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of the relative luminances."""
    found = re.search("background:#(.{6});color:#(.)(.)(.);", raw_html("a", (0, 1)))
    assert found is not None
    colours = [found[1], "".join(sign * 2 for sign in found.groups()[1:])]

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = (luminance(colour) + 0.05 for colour in colours)
    assert light / dark > 4.5


@pytest.mark.slow
@pytest.mark.parametrize("part", LONG.split(" "))
def test_time_grows_with_the_length(part: str) -> None:
    def seconds(length: int) -> float:
        text = (part.replace("_", " ") * (length // len(part) + 1))[:length]
        begin = time.process_time()
        as_markdown(text)
        return time.process_time() - begin

    seconds(1000)
    assert seconds(200_000) < 12 * max(seconds(50_000), 0.02)
