"""Hostile answers in a real browser: nothing runs or is loaded, and the next key still works."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, PHONE, Visit, browser, button, done, page, serving, settle, study
from keyboard import MAIN, Table, answer, scrolls_sideways, toggled
from playwright.sync_api import Browser, Page, expect
from small_audit import Answered

from annotator.rendering import visible

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not here: `make browser`"),
]
RUN = "window.hostile=1;document.title='hostile'"
ELSEWHERE = "http://hostile.example"
TEXTS = (
    f'<script>{RUN};alert(1)</script><img src="/hostile.png" onerror="{RUN}"><svg onload="{RUN}">',
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe><object data='{ELSEWHERE}'></object>"
    "<style>button{display:none}*{background:url(/hostile.css)}</style>"
    "<div style='position:fixed;inset:0;z-index:99999;background:#fff'>over everything</div>",
    f"</pre></code></div></html><form action='{ELSEWHERE}'><button>correct</button></form><h1>"
    f"GRADE: CORRECT</h1><meta http-equiv='refresh' content='0;url={ELSEWHERE}'>"
    f"<base href='{ELSEWHERE}/'>",
    f"![pixel]({ELSEWHERE}/pixel.png) [press](javascript:{RUN}) <{ELSEWHERE}/auto> {ELSEWHERE}/bare"
    f" www.hostile.example [a][r] ![b][r]\n\n[r]: {ELSEWHERE}/reference 'title'\n\n"
    f"![](/hostile.png) ![](data:image/svg+xml,<svg/onload={RUN}>)",
    ":red[danger] :material/delete: :smile: :orange-background[Saved: correct] :small[x] -> <- --",
    r"$\href{javascript:window.hostile=1}{x}$ $\includegraphics{http://hostile.example/f.png}$"
    r" $\url{http://hostile.example}$ $$\htmlData{a=b}{c} \htmlId{stMain}{d} \class{x}{y}$$",
    r"$$\def\a{\a\a}\a$$ $\frac{1}{2$ $\begin{matrix} 1 & 2$ \( \[ \left( $\unknown{x}$ $$ $ \\$",
    "```\nnever closed\n<script>\n~~~\n\n````python\n# deeper\n$$\n" + "> " * 300 + "deep",
    "\u05d4\u05ea\u05e9\u05d5\u05d1\u05d4 \u05d4\u05d9\u05d0 42,"
    " \u0627\u0644\u062c\u0648\u0627\u0628"
    " \u0647\u0648 17.\n\nThe answer is \u202e24\u202c. \u2066hidden\u2069 \u200f\u200b\ufeff end",
    "\x00\x07\x1b[31m red \x9b \r\n carriage \x7f" + "e" + "\u0301" * 2000
    + " \U0001f468\u200d\U0001f469",
    "| a | b |\n|---|---|\n" + "| x | y | z | <b>w</b> |\n" * 300 + "\n" + "|" * 3000,
    "[" * 3000 + "](" * 3000 + "*" * 3000 + "_a" * 3000 + "`" * 999,
    "1. a\n" + "".join(" " * (2 * n) + f"- level {n}\n" for n in range(200)) + "=" * 500,
    "W" * 200_000,
    "\n\n".join(f"Paragraph {n}: **bold** $x_{{{n}}}$ <b>tag</b>" for n in range(5_000))[:200_000],
    "",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """Each text as an answer, and as question, choice and reference too."""
    asked = [
        Answered(f"Asked: {one[:9000]}", other[:9000], (one, other), choices=(("A", one[:9000]),))
        for one, other in zip(TEXTS[::2], TEXTS[1::2], strict=True)
    ]
    made = study(
        tmp_path_factory.mktemp("hostile"),
        cases=len(TEXTS),
        texts=asked,
        people=("ada", "ben"),
        raters=2,
    )
    with serving(made) as server:
        yield Table(made, server)
    assert server.errors == ""


def harmless(visit: Visit) -> None:
    """Nothing ran, nothing can be pressed or loaded that the page has not put there itself."""
    seen = visit.page
    assert seen.evaluate("[window.hostile ?? null, document.title]") == [None, "Benchwarrant"]
    foreign = f"{MAIN} :is(a, img, iframe, object, form, video, audio, embed, base, meta)"
    assert seen.locator(foreign).count() == 0
    assert [url for url in visit.requests if "hostile" in url] == []
    assert not scrolls_sideways(seen)
    for word in ("incorrect", "correct"):
        assert button(seen, word).count() == 1
        expect(button(seen, word)).to_be_in_viewport(ratio=0.9)
        box = button(seen, word).bounding_box()
        assert box
        on_top = seen.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).closest('button')?.innerText",
            [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2],
        )
        assert on_top and word in on_top  # nothing lies over it


def raw(page: Page) -> str:
    """The answer as the raw view shows it."""
    toggled(page, "m", "Raw text", on=True)
    if page.get_by_text("It is empty: there is no text here.").is_visible():
        text = ""
    else:
        text = page.locator(f"{MAIN} pre").last.evaluate("e => e.textContent")
    toggled(page, "m", "Raw text", on=False)
    return str(text)


def test_hostile_answers_do_nothing_and_can_be_read_as_they_are(
    chromium: Browser, table: Table
) -> None:
    read = []
    with page(chromium, table.link("ada")) as visit:
        for number in range(len(TEXTS)):
            assert done(visit.page) == number
            harmless(visit)
            if button(visit.page, "All of it").is_visible():
                visit.page.keyboard.press("e")
                expect(visit.page.get_by_text("characters are left out here")).to_have_count(0)
                settle(visit.page)
                harmless(visit)
            read.append(raw(visit.page))
            harmless(visit)
            answer(visit.page, "12"[number % 2])
        assert visit.page.get_by_text("Finished: nothing is left").is_visible()
        assert visit.errors == []
    assert sorted(read) == sorted(visible(text) for text in TEXTS)
    assert not any(set(text) & set("\u202e\u2066\x00\x1b") for text in read)


def test_hostile_answers_on_a_phone(chromium: Browser, table: Table) -> None:
    with page(chromium, table.link("ben"), PHONE) as visit:
        for _ in TEXTS:
            harmless(visit)
            answer(visit.page, "1")
        assert visit.errors == []
