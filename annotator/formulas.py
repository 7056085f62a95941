"""Where code and mathematics stand in a text, and each written so that the page reads it so.

What is found is written anew in one fixed form. The browser's reader and this one can then not
differ on where a formula or a piece of code ends, which is how hostile text would get out of it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 5000  # characters of one formula
LONGEST_BOX = 2000
DEEPEST = 40  # braces in braces
PARAGRAPH_END = re.compile(r"\n[ \t\r]*\n")
FENCE = re.compile(
    r"^(?P<lead>[ \t]*(?:(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+)){0,6})"
    r"(?P<mark>`{3,}(?=[^`\n]*$)|~{3,})(?P<info>[^\n]*)$",
    re.MULTILINE,
)
LANGUAGES = frozenset(
    [
        *("bash", "c", "cpp", "csharp", "css", "go", "haskell", "html", "java"),
        *("javascript", "js", "json", "julia", "kotlin", "latex", "lua", "matlab", "perl"),
        *("php", "plaintext", "py", "python", "r", "ruby", "rust", "scala", "sh"),
        *("sql", "swift", "tex", "text", "toml", "ts", "txt", "typescript", "xml"),
        *("yaml"),
    ]
)
TOKEN = re.compile(
    r"(?P<open>\\[(\[])"
    r"|(?P<box>\\(?:boxed|fbox)[ ]{0,3}\{)"
    r"|\\begin\{(?P<name>(?:align|alignat|aligned|gather|gathered|equation)\*?|array|cases|split"
    r"|[pbvBV]?matrix)\}"
    r"|\\[^\w\s]|(?P<code>`+)|(?P<dollars>\$+)"
)
ONE_DOLLAR = re.compile(r"\$(?![\s$])((?:[^$\\]|\\[\s\S])*+)(?<!\s)\$(?![\d$])")
# What stands between two dollars that are no signs of mathematics.
MONEY = re.compile(r"\d[\d,.]*\)?\s+[A-Za-z]{2,}")
WORDS = re.compile(r"\b[A-Za-z]{2,}\s+[a-z]{2,}")
HALF = re.compile(r"<<|>>|[^\\^_][=+*/-]\Z")
CLOSERS = {r"\(": r"(?<!\\)\\\)", r"\[": r"(?<!\\)\\\]", "$$": r"(?<!\\)\$\$"}
BRACE = re.compile(r"\\.|([{}])", re.DOTALL)
PAIR = re.compile(r"\\.|[%$`]|!(?=\[)|\](?=[(\[])|<(?=[A-Za-z/!?])|:(?=//|[A-Za-z]{3})|www(?=\.)|@")
# These hide text, paint over what is beside them, load something or make new commands.
DENIED = re.compile(
    r"\\(?:[hvm]?phantom|m?kern|[hm]skip|hspace|vspace|rule|raisebox|smash|(?:math)?[lrc]lap"
    r"|(?:text|f?color)?color(?:box)?|html\w+|href|url|includegraphics|[egx]?def|let|futurelet"
    r"|global|long|(?:re)?newcommand|providecommand|char|verb|tiny|scriptsize|[hH]uge"
    r"|above|genfrac|operatorname\*?\{\})(?![A-Za-z])"
)
PROSE = re.compile(r"[^\\^_{}=<>]*[A-Za-z]{2,}[^\\^_{}=<>]*\s[^\\^_{}=<>]*")


class Piece(NamedTuple):
    """A stretch of a text that is no prose. ``kind`` is "fence", "code" or "formula"."""

    kind: str
    start: int
    end: int
    content: str
    display: bool = False  # a formula that its writer set on lines of its own


def scan(text: str) -> list[Piece]:
    """All code and formulas of a text, in its order; in time that grows with its length."""
    found: list[Piece] = []
    at = 0
    for fence in _fences(text):
        found += _Prose(text, at, fence.start).pieces()
        found.append(fence)
        at = fence.end
    return found + _Prose(text, at, len(text)).pieces()


def _fences(text: str) -> Iterator[Piece]:
    at = 0
    while fence := FENCE.search(text, at):
        lead, mark, info = fence["lead"], fence["mark"], fence["info"].strip()
        closing = re.compile(rf"^[ \t>]*{mark[0]}{{{len(mark)},}}[ \t\r]*$", re.MULTILINE)
        begin = min(fence.end() + 1, len(text))
        close = closing.search(text, begin)
        body = text[begin : close.start() if close else len(text)].split("\n")
        if close:
            body.pop()  # what follows the last line's end
        quoted = "[ \t]*>[ ]?|" if ">" in lead else ""
        stripped = re.compile(rf"\A(?:{quoted}[ \t]{{0,{len(lead)}}})")
        body = [stripped.sub("", line) for line in body]
        language = info.lower() if info.lower() in LANGUAGES else ""
        if info and not language:  # the page would not show it
            body.insert(0, info)
        at = close.end() if close else len(text)
        yield Piece("fence", fence.start("mark"), at, f"{language}\n" + "\n".join(body))


class _Prose:
    """One stretch without fences: finds its formulas and code from left to right."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.at, self.end = text, start, end
        self.paragraph = start  # where the present one ends
        self.ticks: dict[int, list[int]] = {}  # where its runs of backticks start, by length
        self.closers: dict[str, int] = {}  # where each closing sign stands next
        self.pairs: dict[int, int] | None = None

    def pieces(self) -> list[Piece]:
        found = []
        while token := TOKEN.search(self.text, self.at, self.end):
            self._enter(token.start())
            piece = self._piece(token)
            if piece is not None:
                found.append(piece)
            self.at = piece.end if piece else token.end()
        return found

    def _enter(self, place: int) -> None:
        if place < self.paragraph:
            return
        blank = PARAGRAPH_END.search(self.text, place, self.end)
        self.paragraph = blank.start() if blank else self.end
        self.ticks = {}
        for run in re.finditer("`+", self.text[place : self.paragraph]):
            self.ticks.setdefault(len(run[0]), []).append(place + run.start())

    def _piece(self, token: re.Match[str]) -> Piece | None:
        if token["code"]:
            return self._code(token)
        if token["dollars"]:
            return self._one_dollar(token) if token[0] == "$" else self._closed(token, "$$")
        if token["open"]:
            return self._closed(token, token[0])
        if token["box"]:
            return self._box(token)
        return self._environment(token) if token["name"] else None

    def _code(self, token: re.Match[str]) -> Piece | None:
        places = self.ticks.get(len(token[0]), [])
        after = bisect_left(places, token.end())
        if after == len(places):
            return None
        content = self.text[token.end() : places[after]]
        if token[0] == "``" and "''" in content:
            return None  # quotation marks of LaTeX
        return Piece("code", token.start(), places[after] + len(token[0]), content)

    def _one_dollar(self, token: re.Match[str]) -> Piece | None:
        found = ONE_DOLLAR.match(self.text, token.start(), self.paragraph)
        if found is None or _is_money(found[1]):
            return None
        if found.end() < len(self.text) and self.text[found.end()].isdigit():
            return None
        return _formula(found.start(), found.end(), found[1])

    def _closed(self, token: re.Match[str], opener: str) -> Piece | None:
        begin = token.start() + 2
        end = self._next(CLOSERS[opener], begin)
        line_ends = self.text[begin : begin + 1] in ("\n", "\r")
        reach = begin + LONGEST if line_ends else self.paragraph
        if end < 0 or end > min(reach, self.end) or not self.text[begin:end].strip():
            return None
        content = self.text[begin:end]
        if opener != "$$" and opener in re.sub(r"\\\\", "", content):
            return None  # it was not closed before the next one
        return _formula(token.start(), end + 2, content, display=opener != r"\(")

    def _next(self, closer: str, at: int) -> int:
        """Where the closing sign stands next, looked up anew only once the last one is passed."""
        known = self.closers.get(closer, 0)
        if 0 <= known < at:
            found = re.compile(closer).search(self.text, at, self.end)
            known = self.closers[closer] = found.start() if found else -1
        return known

    def _box(self, token: re.Match[str]) -> Piece | None:
        end = self._braces().get(token.end() - 1, self.end)
        if end >= min(self.paragraph, token.end() + LONGEST_BOX):
            return None
        inside = self.text[token.end() : end].strip()
        if re.fullmatch(r"\$[^$]+\$", inside):
            inside = inside[1:-1]
        elif PROSE.fullmatch(inside):
            inside = rf"\text{{{inside}}}"
        command = token[0].rstrip("{ ")
        return _formula(token.start(), end + 1, f"{command}{{{inside}}}" if inside else "")

    def _braces(self) -> dict[int, int]:
        """Where each brace that opens is closed."""
        if self.pairs is None:
            self.pairs = {}
            opened: list[int] = []
            for brace in BRACE.finditer(self.text, self.at, self.end):
                if brace[1] == "{":
                    opened.append(brace.start())
                elif brace[1] == "}" and opened:
                    self.pairs[opened.pop()] = brace.start()
        return self.pairs

    def _environment(self, token: re.Match[str]) -> Piece | None:
        ending = rf"\end{{{token['name']}}}"
        end = self._next(re.escape(ending), token.end())
        if end < 0 or end > min(token.end() + LONGEST, self.end):
            return None
        end += len(ending)
        return _formula(token.start(), end, self.text[token.start() : end], display=True)


def _is_money(content: str) -> bool:
    words = "\\" not in content and WORDS.search(content)
    return bool(words or MONEY.match(content) or HALF.search(content))


def _formula(start: int, end: int, content: str, display: bool = False) -> Piece | None:
    return Piece("formula", start, end, content, display) if content.strip() else None


def safe_formula(content: str) -> str | None:
    """A formula on one line, as KaTeX shall read it; None where its source is shown instead.

    Nothing of it is a comment, and nothing would be a link, a picture or a directive even to a
    reader that does not know formulas.
    """
    depth = deepest = 0
    for brace in BRACE.finditer(content):
        depth += {"{": 1, "}": -1}.get(brace[1], 0)
        deepest = max(deepest, depth)
        if depth < 0 or deepest > DEEPEST:
            return None
    if depth or len(content) > LONGEST or DENIED.search(content) or "⟨U+" in content:
        return None
    in_text = r"\text" in content and len(re.findall(r"(?<!\\)\$", content)) % 2 == 0
    swaps = {"%": r"\%", "$": "$" if in_text else r"\$", "`": r"\text{\textasciigrave}"}

    def swap(found: re.Match[str]) -> str:
        whole = found[0]
        return whole if whole[0] == "\\" else swaps.get(whole, whole + " ")

    line = " ".join(PAIR.sub(swap, " ".join(content.split())).split())
    if line.endswith("\\") and not line.endswith("\\\\"):
        line += " "
    return "{}" + line if line.startswith("~") else line


def write_formula(content: str, display: bool, row: bool) -> str:
    """Markdown of a formula; one on its own lines where ``display``. ``row``: in a table's row."""
    line = safe_formula(content)
    if line is None:
        source = " ".join(content.split())
        return write_fence("latex\n" + content.strip("\n")) if display else write_code(source, row)
    sign = "$" * max(2, 1 + max(map(len, re.findall(r"\$+", line)), default=0))
    if display:
        return f"{sign}\n{line}\n{sign}"
    line = re.sub(r"(\\(?:begin|end)\{)(align|gather)(?:at)?\*?\}", r"\1\2ed}", line)
    line = re.sub(r"\\(?:begin|end)\{equation\*?\}", "", line).strip()
    if row:
        line = re.sub(r"\\\\|\\?\|", _upright, line)
    pad = " " if line[:1] == "$" or line[-1:] in ("$", "\\", " ") else ""
    return f"{sign}{pad}{line}{pad}{sign}"


def _upright(found: re.Match[str]) -> str:
    return {"|": r"\vert ", r"\|": r"\Vert "}.get(found[0], found[0])


def write_code(content: str, row: bool) -> str:
    """Markdown of code within a line; ``row``: in a table's row, where an upright ends a cell."""
    line = re.sub(r"[ \t]*\r?\n[ \t]*", " ", content)
    if row:
        line = re.sub(r"\\?\|", r"\\|", line)
    sign = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    edges = line[:1] + line[-1:]
    pad = " " if "`" in edges or (edges == "  " and line.strip()) else ""
    return f"{sign}{pad}{_no_icon(line)}{pad}{sign}"


def write_fence(content: str) -> str:
    """Markdown of a block of code; the first line of ``content`` is its language."""
    sign = "`" * max(3, 1 + max(map(len, re.findall("`+", content)), default=0))
    return f"{sign}{_no_icon(content)}\n{sign}"


def _no_icon(code: str) -> str:
    """Streamlit rewrites this even within code."""
    return code.replace(":material/", ":\u2060material/")
