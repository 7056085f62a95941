"""A question's or a model's text as the Markdown that `st.markdown` shows, with nothing hostile.

Markdown, tables, code and formulas look as they were meant. Nothing is loaded, linked or replaced,
and no sign is lost: money stays money, 3*4*5 keeps its stars, a list keeps its numbers.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from annotator.formulas import Piece, scan, write_code, write_fence, write_formula

JOIN = "\u2060"  # shows nothing and breaks no line: it parts signs that Streamlit would replace
ATOM, BLOCK, MARK, END = "\0", "\1", "\2", "\3"  # no text holds these once it is visible
CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MOST_EMPHASIS = 400  # stars and underscores in a paragraph; more are shown as they are
MOST_COLUMNS = 40
DEEPEST_LIST = 6
WIDEST_INDENT = 24

RULE = re.compile(r"([-*])(?:[ \t]*\1){2,}")
HEADING = re.compile(r"(#{1,6})[ \t]+(?!of\b)(?=\S)")  # "# of apples" counts apples
ANSWER = re.compile(r"#{4}[ \t]*[-+$\d(\[.\\*\0\2]")  # GSM8K's sign for the final answer
QUOTE = re.compile(r">[ \t]?(?![>=\d$(\-\0\2])(?=\S)")  # and no comparison
BULLET = re.compile(r"(?:\*|-(?![ \t]+[$\d][\d,.]*$))[ \t]+(?=\S)")
NUMBER = re.compile(r"(0|[1-9]\d{0,8})\.[ \t]+(?=\S)")
DELIMITER = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
CELL_END = re.compile(r"\\[\\|]|(\|)")
OPENING = re.compile(r"[-+=#>|]|\*(?=\s|$)")
COUNT = re.compile(r"(\d{1,9})(?=[.)](?:\s|$))")
INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])?|(?P<run>\*+|_+|~+)|(?P<www>[wW]{3}(?=\\?\.))"
    r"|[\[\]<>&$`#:@-]"
)
ESCAPES = frozenset("*_$#`~|<-.+")  # after others a reader of mathematics wants to see the stroke
SPECIAL = frozenset("[]<&$`#*_~\\|")
# Where the visible sign on the left is followed by one on the right, something is put between.
ARROWS = frozenset("-=>")
HARMLESS = frozenset(" \t*\"'“”’),.;" + ATOM)
LEFT_OF_TIMES = re.compile(r"[0-9A-Za-z)\]}\0]")
RIGHT_OF_TIMES = re.compile(r"[0-9A-Za-z(\[{\\\0-]")


def visible(text: str) -> str:
    """Control characters, and those that turn the reading direction, as their code point names."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return CONTROLS.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def as_markdown(text: str) -> str:
    """Markdown for `st.markdown(..., anchors=False)` that shows this text and does nothing else."""
    return _render(visible(text))[0]


def marked_markdown(text: str, span: tuple[int, int] | None) -> str:
    """The same, with the stretch from start to end on an orange ground where it is plain prose."""
    if span is not None:
        start, end = _trimmed(text, *span)
        inside = visible(text[start:end])
        if inside and not re.search(r"[\n*_~`\\$|\0]", inside):
            pieces = visible(text[:start]), MARK, inside, END, visible(text[end:])
            made, plain = _render("".join(pieces))
            if plain:
                return made
    return as_markdown(text)


def raw_html(text: str, span: tuple[int, int] | None = None) -> str:
    """For `st.html`: the text as it is, escaped, with the stretch from start to end marked."""
    start, end = span or (0, 0)
    before, inside, after = (
        html.escape(visible(part)) for part in (text[:start], text[start:end], text[end:])
    )
    if inside:  # black on yellow, 14:1, whatever the theme
        style = "background:#ffd84d;color:#111;border-radius:0.2em"
        inside = f'<mark style="{style}">{inside}</mark>'
    style = "white-space:pre-wrap;overflow-wrap:anywhere;margin:0;color:inherit;background:none"
    return f'<pre dir="auto" style="{style}">\n{before}{inside}{after}</pre>'


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " \t\r\n*_":
        start += 1
    while end > start and text[end - 1] in " \t\r\n*_":
        end -= 1
    return start, end


def _render(text: str) -> tuple[str, bool]:
    """Markdown, and whether a marked stretch, if there is one, is plain prose."""
    pieces = scan(text)
    body, inline, blocks = _with_places(text, pieces)
    plain = re.search(rf"{MARK}[^{ATOM}{BLOCK}\n]*{END}", body) is not None
    lines = _Layout(iter(inline), iter(blocks)).lay_out(body)
    made = "\n".join(lines).strip("\n")
    return made.replace(MARK, f"{JOIN}:orange-background[").replace(END, f"]{JOIN}"), plain


def _with_places(text: str, pieces: Sequence[Piece]) -> tuple[str, list[Piece], list[Piece]]:
    """The text with a sign in the place of each piece, and the pieces within and between lines."""
    parts: list[str] = []
    inline: list[Piece] = []
    blocks: list[Piece] = []
    at = line = 0
    for piece in pieces:
        parts.append(text[at : piece.start])
        line = max(line, text.rfind("\n", at, piece.start) + 1)
        lead = text[line : min(piece.start, line + 16)].strip()
        own_line = lead[:1] not in ("|", "#", ">") and not re.fullmatch(r"[-*+]|\d+[.)]", lead)
        if piece.kind == "fence" or (piece.display and own_line):
            blocks.append(piece)
            parts.append(f"\n\n{BLOCK}\n\n")
        else:
            inline.append(piece)
            parts.append(ATOM)
        at = piece.end
    return "".join([*parts, text[at:]]), inline, blocks


@dataclass
class _Level:
    """An open list: how far it is indented in the text and in what is made of it."""

    source: int
    offset: int
    number: int | None


@dataclass
class _Layout:
    """Lines of Markdown from lines of text; every line's kind is settled here, none by chance."""

    inline: Iterator[Piece]
    blocks: Iterator[Piece]
    out: list[str] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=list)
    last: str = "blank"
    emphasis: bool = True

    def lay_out(self, body: str) -> list[str]:
        lines = [line.rstrip(" \t") for line in body.split("\n")]
        at = 0
        while at < len(lines):
            if at == 0 or not lines[at - 1]:
                self._new_paragraph(lines, at)
            rows = self._table(lines, at)
            if not rows:
                self._line(lines[at])
            at += rows or 1
        return self.out

    def _new_paragraph(self, lines: list[str], at: int) -> None:
        stars = 0
        while at < len(lines) and lines[at] and stars <= MOST_EMPHASIS:
            stars += lines[at].count("*") + lines[at].count("_") + lines[at].count("~")
            at += 1
        self.emphasis = stars <= MOST_EMPHASIS

    def _line(self, line: str) -> None:
        text = line.lstrip(" \t")
        indent = len(line[: len(line) - len(text)].expandtabs(4))
        if not text:
            self._add("", "blank")
        elif text == BLOCK:
            self._block()
        elif RULE.fullmatch(text):
            self._gap()
            self._add("---", "block")
        elif (found := HEADING.match(text)) and not ANSWER.match(text):
            self._gap()
            self._add(f"{found[1]} {self._inline(text[found.end() :])}", "block")
        elif found := QUOTE.match(text):
            if self.last != "quote":
                self._gap()
            self._add("> " + self._text(text[found.end() :]), "quote")
        elif found := BULLET.match(text):
            self._item(indent, text[0], None, text[found.end() :])
        elif (found := NUMBER.match(text)) and self._in_turn(indent, int(found[1])):
            self._item(indent, found[1] + ".", int(found[1]), text[found.end() :])
        else:
            self._prose(indent, text)

    def _add(self, line: str, kind: str) -> None:
        """Put a line there; one that goes on from the line before it begins a new one on screen."""
        if kind == self.last == "blank":
            return
        if kind in ("text", "quote") and self.last in ("text", "item", "quote"):
            self.out[-1] += "  "
        self.out.append(line)
        self.last = kind

    def _gap(self) -> None:
        """End whatever is open."""
        self.levels.clear()
        if self.last != "blank":
            self._add("", "blank")

    def _block(self) -> None:
        self._gap()
        piece = next(self.blocks)
        fence = piece.kind == "fence"
        made = write_fence(piece.content) if fence else write_formula(piece.content, True, False)
        self._add(made, "block")
        self._gap()

    def _prose(self, indent: int, text: str) -> None:
        if self.last == "quote":
            self._gap()
        if self.last in ("blank", "block"):
            while self.levels and indent <= self.levels[-1].source:
                self.levels.pop()
        if self.levels:
            self._add(" " * self.levels[-1].offset + self._text(text), "text")
        else:
            blanks = "\u00a0" * min(indent, WIDEST_INDENT)
            self._add(blanks + self._text(text), "text")

    # --- lists and tables ----------------------------------------------------------------------

    def _in_turn(self, indent: int, number: int) -> bool:
        """Whether the page would give this item of a list the number that the text gives it."""
        level = next((x for x in reversed(self.levels) if x.source < indent + 2), None)
        if level is None or level.number is None or level.source + 1 < indent:
            return True
        return number == level.number + 1

    def _item(self, indent: int, sign: str, number: int | None, text: str) -> None:
        if self.last == "quote":
            self._gap()
        while self.levels and indent < self.levels[-1].source:
            self.levels.pop()
        if self.levels and indent <= self.levels[-1].source + 1:
            old = self.levels.pop()
            new_list = (old.number is None) != (number is None)
        else:
            new_list = True
        if len(self.levels) == DEEPEST_LIST:
            self.levels.pop()
        if new_list and self.last != "blank":
            self._add("", "blank")
        begin = self.levels[-1].offset if self.levels else 0
        self.levels.append(_Level(indent, begin + len(sign) + 1, number))
        self._add(f"{' ' * begin}{sign} {self._text(text)}", "item")

    def _table(self, lines: list[str], at: int) -> int:
        """How many lines from here are a table, which they are made into."""
        if at + 1 >= len(lines) or "|" not in lines[at] or "|" not in lines[at + 1]:
            return 0
        rule = lines[at + 1].strip()
        head, signs = _cells(lines[at]), _cells(rule)
        if not DELIMITER.fullmatch(rule) or not len(head) == len(signs) <= MOST_COLUMNS:
            return 0
        self._gap()
        self._row(head)
        self._add("| " + " | ".join(sign.strip() for sign in signs) + " |", "row")
        end = at + 2
        while end < len(lines) and "|" in lines[end]:
            cells = _cells(lines[end])
            rest = cells[len(head) - 1 :]  # the page would leave out what is too much
            self._row([*cells[: len(head) - 1], r"\|".join(rest)] if rest else cells)
            end += 1
        self._add("", "blank")
        return end - at

    def _row(self, cells: list[str]) -> None:
        made = (self._inline(cell.strip(), row=True) for cell in cells)
        self._add("| " + " | ".join(made) + " |", "row")

    # --- within a line -------------------------------------------------------------------------

    def _text(self, text: str) -> str:
        """A line that shall open nothing: no list, no heading, no quotation, no table."""
        made = self._inline(text)
        if OPENING.match(made):
            return "\\" + made
        return COUNT.sub(r"\1\\", made, count=1) if COUNT.match(made) else made

    def _inline(self, text: str, row: bool = False) -> str:
        made = INLINE.sub(lambda found: _sign(found, self.emphasis), text)
        while ATOM * 2 in made:
            made = made.replace(ATOM * 2, ATOM + JOIN + ATOM)
        return re.sub(ATOM, lambda _: _write(next(self.inline), row), made)


def _write(piece: Piece, row: bool) -> str:
    if piece.kind == "code":
        return write_code(piece.content, row)
    return write_formula(piece.content, False, row)


def _cells(line: str) -> list[str]:
    line = line.strip()
    ends = [end.start() for end in CELL_END.finditer(line) if end[1]]
    cells = [
        line[start:end]
        for start, end in zip([0, *(end + 1 for end in ends)], [*ends, len(line)], strict=True)
    ]
    if cells and not cells[0].strip():
        cells.pop(0)
    if cells and ends and not cells[-1].strip():
        cells.pop()
    return cells


def _sign(found: re.Match[str], emphasis: bool) -> str:
    """One sign, or a run of stars, so that it shows as what it is."""
    text, whole = found.string, found[0]
    if whole == "\\":
        return r"\\"
    after = text[found.end() : found.end() + 1]
    if found["run"]:
        return whole if emphasis and _stresses(found, after) else _escape(whole, after)
    if found["escaped"]:
        stroke = "" if found["escaped"] in ESCAPES else r"\\"
        return stroke + _escape(found["escaped"], _shown(text, found.end()), always=True)
    return _escape(whole, _shown(text, found.end()))


def _shown(text: str, at: int) -> str:
    """The sign that will be seen at this place."""
    if text[at : at + 1] == "\\" and text[at + 1 : at + 2] in ESCAPES:
        at += 1
    return text[at : at + 1]


def _stresses(found: re.Match[str], after: str) -> bool:
    """Whether stars, strokes or waves may be Markdown's, and are no product or name."""
    text, whole = found.string, found[0]
    before = text[found.start() - 1 : found.start()] if found.start() else ""
    if whole[0] == "~":
        return len(whole) == 2
    if whole[0] == "_":
        return len(whole) == 1
    return not (LEFT_OF_TIMES.match(before) and RIGHT_OF_TIMES.match(after))


def _escape(signs: str, after: str, always: bool = False) -> str:
    made = "".join("\\" + sign if always or sign in SPECIAL else sign for sign in signs)
    last = signs[-1]
    replaced = (
        (last in "-<>~" and after in ARROWS)
        or (last == ":" and after not in HARMLESS)
        or (last == "@" and not after.isspace())
        or (last in "wW" and after == ".")
    )
    if not replaced or not after:
        return made
    return rf"\:{JOIN}" if made == ":" else made + JOIN  # the join alone may begin a name
