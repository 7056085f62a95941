"""What `st.markdown` and `st.html` make of hostile texts in a real browser."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
QUIET = ["--disable-background-networking", "--disable-component-update"]
APP = """
import json, sys
import streamlit as st
from annotator.rendering import as_markdown, marked_markdown, raw_html
st.set_page_config(layout="wide")
cases = json.load(open(sys.argv[1]))
for n, text in enumerate(cases["texts"]):
    with st.container(key=f"case-{n}"):
        st.markdown(as_markdown(text), anchors=False)
with st.container(key="marked"):
    st.markdown(marked_markdown("So it is **[42] apples**.", (11, 22)), anchors=False)
    st.markdown(marked_markdown("answer:42{a}(b)", (7, 9)), anchors=False)
with st.container(key="raw"):
    st.html(raw_html(cases["raw"], (0, 9)))
with st.container(key="end"):
    st.markdown("The end of the page")
"""
PRICES = "Each costs $20 + $30 = $50, and a US$5 fee (not $6) is paid; 3*4*5 = 60."
# Each text, and what must be seen of it; None where it is the text itself.
SHOWN: list[tuple[str, str | None]] = [
    (PRICES, None),
    ("She sold $<<9*2=18>>18 of it.\n#### 18", None),
    ("![pixel](http://evil.test/a.png) ![r][x]\n\n[x]: http://evil.test/b.png", None),
    ("<img src=http://evil.test/c.png onerror=alert(1)> <script>alert(2)</script>", None),
    ("<div>\n![in html](http://evil.test/d.png)\n</div>", None),
    (
        "[link](http://evil.test) <http://evil.test> http://evil.test www.evil.test a@evil.test",
        None,
    ),
    ("[js](javascript:alert(3)) [^1]\n\n[^1]: note", None),
    (
        ":red[x] :orange-background[y] :material/home: :streamlit: :smile: 1:100:5 :+1:"
        " a:b{c} :d[e]{f} \\:g[h] a:é{i} :_j{k} :7{l}",
        None,
    ),
    (":::note\nin it\n:::\n::leaf[x]", None),
    ("a <= b -> c -- d >= e <-> f ~= g ~5~ and 6", None),
    ("&lt;b&gt; &#58;smile: \\<b> 50\\% \\, x", "&lt;b&gt; &#58;smile: <b> 50\\% \\, x"),
    ("1. one\n2. two\n4. four\n1) again", "one two 4. four 1) again"),
    ("- a\n  ```\n![x](http://evil.test/e.png)\n  ```", "a![x](http://evil.test/e.png)"),
    (
        "| a | ![x](http://evil.test/f.png) |\n|---|---|\n| $x | ![y](//evil.test/g.png)$ | 9 |",
        "9",
    ),
    ('```mermaid\ngraph TD; A-->B; click A "http://evil.test"\n```', "graph TD; A-->B"),
    ("`![x](http://evil.test/h.png)` and ``a`b`` :material/home:", "![x](http://evil.test/h.png)"),
    ("```python\nprint('$1', \"<b>\")  # :material/home:\n```", "# :material/home:"),
    ("```\nnever closed\n![x](http://evil.test/i.png)", "![x](http://evil.test/i.png)"),
    ("$x = 50% of 20$ left", "left"),
    ("$\\frac{1}{2$ and \\boxed{open and $$ alone", "alone"),
    ("$\\href{javascript:alert(4)}{x}$ $\\includegraphics{http://evil.test/j.png}$", "href"),
    ("$\\rule{99em}{99em}$ $\\color{white}{hidden}$ $\\foo{x}$", "hidden"),
    ("$\\def\\x{\\x\\x}\\x$ $" + "{" * 3000 + "}" * 3000 + "$", "def"),
    ("\u202eesrever\u202c \x00 \x1b[0m", "⟨U+202E⟩esrever⟨U+202C⟩ ⟨U+0000⟩ ⟨U+001B⟩[0m"),
    ("הפתרון הוא 42 שקלים ולא יותר", None),
    ("# of apples\nTitle\n===\n____ (____) (____)", None),
    ("> " * 500 + "deep", "deep"),
    ("*a **b " * 1000, "a"),
    ("    indented\n\tand tab", None),
    ("~~~\n![x](http://evil.test/k.png)\n~~~ \n$$\n~~~ ![y](http://evil.test/l.png)\n$$", "![x]"),
]
FORMULAS = [
    "$x^2$",
    "$$x^2$$",
    r"\(x^2\)",
    r"\[x^2\]",
    r"so \boxed{x^2} is it",
    r"\begin{align*}x&=1\\y&=2\end{align*}",
    r"\[\begin{aligned}x&=1\end{aligned}\]",
    r"- item \[x^2\] in a list",
    r"| a |" + "\n|---|\n" + r"| $|x|$ |",
    r"\boxed{$50}",
    r"\(5\$\)",
    r"$50\%$ and $7%$",
    r"| a |" + "\n|---|\n" + r"| \begin{align}x&=1\end{align} |",
]
RAW = "<b>bold</b> \u202eesrever <script>alert(5)</script><img src=http://evil.test/m.png>"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed here"),
]


class Opened:
    """The page, and all that it asked for and said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

        def dismiss(dialog: object) -> None:
            self.dialogs.append(dialog.message)  # type: ignore[attr-defined]
            dialog.dismiss()  # type: ignore[attr-defined]

        page.on("dialog", dismiss)

    def text(self, key: str) -> str:
        return _flat(self.page.locator(f".st-key-{key}").inner_text())


def _flat(text: str) -> str:
    return re.sub(r"\s+", "", text.replace("\u2060", ""))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("shown")
    (folder / "app.py").write_text(APP)
    texts = [text for text, _ in SHOWN] + FORMULAS
    (folder / "cases.json").write_text(json.dumps({"texts": texts, "raw": RAW}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(folder / "app.py")]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1"]
    command += ["--server.port", str(port), "--browser.gatherUsageStats", "false"]
    command += ["--server.fileWatcherType", "none", "--", str(folder / "cases.json")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
    try:
        _wait_for(f"{address}/_stcore/health")
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *QUIET])
            shown = Opened(browser.new_page(viewport={"width": 1300, "height": 900}))
            shown.page.goto(address)
            shown.page.get_by_text("The end of the page").wait_for(timeout=60_000)
            shown.page.locator(".katex").first.wait_for(timeout=60_000)
            shown.page.wait_for_timeout(1500)
            yield shown
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the app did not start")


def test_nothing_leaves_the_machine_and_nothing_runs(opened: Opened) -> None:
    hosts = {urlsplit(url).hostname for url in opened.asked if not url.startswith("data:")}
    assert hosts == {"127.0.0.1"}
    assert opened.dialogs == []
    assert opened.errors == []
    block = "[data-testid=stMarkdownContainer], [data-testid=stHtml]"
    for element in ("a", "img", "script", "iframe", "input"):
        found = opened.page.locator(block).locator(element)
        assert [found.nth(n).evaluate("e => e.outerHTML") for n in range(found.count())] == []


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_what_is_seen(opened: Opened, number: int) -> None:
    text, wanted = SHOWN[number]
    seen = opened.text(f"case-{number}")
    if wanted is None:
        assert seen == _flat(text)
    else:
        assert _flat(wanted) in seen


@pytest.mark.parametrize("number", range(len(FORMULAS)))
def test_formulas_are_set(opened: Opened, number: int) -> None:
    case = opened.page.locator(f".st-key-case-{len(SHOWN) + number}")
    assert case.locator(".katex").count() >= 1
    assert case.locator(".katex-error").count() == 0
    if "$7%$" in FORMULAS[number]:
        assert case.locator(".katex-html").last.inner_text() == "7%"


def test_money_is_no_formula(opened: Opened) -> None:
    assert opened.page.locator(".st-key-case-0 .katex").count() == 0


def test_tables_lists_and_code_look_so(opened: Opened) -> None:
    assert opened.page.locator(".st-key-case-13 td").count() == 2
    assert opened.page.locator(".st-key-case-11 li").count() == 2
    assert opened.page.locator(".st-key-case-16 code").count() == 1


def test_the_answer_is_marked(opened: Opened) -> None:
    marked = opened.page.locator(".st-key-marked strong .stMarkdownColoredBackground")
    assert marked.inner_text() == "[42] apples"
    assert opened.page.locator(".st-key-marked .stMarkdownColoredBackground").count() == 2
    assert opened.text("marked") == "Soitis[42]apples.answer:42{a}(b)"


def test_raw_text_is_as_it_is(opened: Opened) -> None:
    assert opened.page.locator(".st-key-raw mark").inner_text() == "<b>bold</"
    assert opened.text("raw") == _flat(RAW.replace("\u202e", "⟨U+202E⟩"))
