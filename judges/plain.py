"""Plain characters, words and sentences of a free text.

What is no answer (program code, an echo) is blanked out, not cut, so that positions stay.
"""

import re
import unicodedata

SENTENCE = 300  # characters of the last sentence, at most

PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u200a\u202f\u3000", " "),
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        **{chr(0xFF01 + n): chr(0x21 + n) for n in range(94) if n != 0x0C},  # full-width ASCII
    }
)
# The mark comes first and what must not stand before it after it: so it is found the fastest.
SENTENCE_END = re.compile(r"\n|[.!?](?<![A-Z][a-z].)(?<!\b[A-Z].)(?<!\\.)(?=[\s\"')\]*_]|\Z)")

FENCE = re.compile(r"```([^\n`]{0,40})\n?(.*?)(?:```|\Z)", re.DOTALL)
CODE = re.compile(
    r"^[ \t]*(?:def[ ]|import[ ][\w.]+(?:[ ]as[ ]\w+)?[ \t]*(?:[,;#]|$)|from[ ]\w+[ ]import\b"
    r"|print[ ]?\(|class[ ]\w+[:(]"
    r"|#include|for[ ]\w+(?:,[ ]?\w+)?[ ]in[ ][^\n]{1,200}:"
    r"|while[ ][^\n]{1,200}:[ \t]*$|\w{1,40}\.sort\()",
    re.MULTILINE,
)
ASSIGNMENT = re.compile(r"^[ \t]*[A-Za-z_]\w{0,60}[ ]?=[^\n]*$", re.MULTILINE)
LINE_OF_CODE = re.compile(rf"(?:{CODE.pattern}|^[ \t]+return\b)[^\n]*", re.MULTILINE)

MARKED_UP = re.compile(r"[\\*_`~{]")
LATEX_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|normal|tt)?|textnormal|mathrm|mathbf|mbox)\s?\{([^{}]*)\}?"
)
BLANKS = re.compile(r" {2,}")
LATEX_SPACE = re.compile(r"\\[,;: ]|\\q?quad\b|~")
WORD = re.compile(r"\d+(?:\.\d+)?%?|[^\W_]+|[+/^=#√×÷∞∅≤≥≠±]|[-<>*](?=\s?\(?\d)")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
ACCENTS = re.compile("[\u0300-\u036f]")
ARTICLES = frozenset({"a", "an", "the"})


def plain(text: str) -> str:
    """One minus, one blank, one kind of quotation mark: character for character."""
    return text if text.isascii() else text.translate(PLAIN)


def lower(text: str) -> str:
    """Small letters, every character in its place: a few have small forms of two characters."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def flat(text: str) -> str:
    """The text on one line, every character in its place."""
    return text.replace("\n", " ").replace("\r", " ").replace("\t", " ")


def blank(text: str, start: int, end: int) -> str:
    """Overwrite a stretch with blanks."""
    return text[:start] + " " * (end - start) + text[end:]


def blank_code(text: str) -> str:
    """Blank out program code, fenced or not; a fence around a bare answer stays."""
    for fence in reversed(list(FENCE.finditer(text)) if "```" in text else []):
        named = fence[1].strip().lower() not in ("", "text", "txt", "plaintext", "markdown", "json")
        program = named and any(char.isalpha() for char in fence[2])
        if program or CODE.search(fence[2]) or ASSIGNMENT.search(fence[2]):
            text = blank(text, *fence.span())
    if not CODE.search(text):
        return text
    for line in (LINE_OF_CODE, ASSIGNMENT):
        text = line.sub(lambda found: " " * len(found[0]), text)
    return text


def clean(content: str) -> str:
    """Take the marking-up out of a short answer: LaTeX text and blanks, bold, code quotes."""
    if not MARKED_UP.search(content):
        return content
    content = LATEX_TEXT.sub(r" \1 ", content)
    for mark in ("\\left", "\\right", "\\!", "**", "__", "`", "\\displaystyle"):
        content = content.replace(mark, "")
    content = LATEX_SPACE.sub(" ", content).replace("{,}", ",")
    return BLANKS.sub(" ", re.sub(r"\\([$%{}&#])", r"\1", content))


def normalise(text: str) -> str:
    """Words in small letters without accents, punctuation and articles, for comparison."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = ACCENTS.sub("", unicodedata.normalize("NFKD", plain(text)).casefold())
    folded = folded.replace("'", "")
    words = WORD.findall(THOUSANDS.sub("", folded) if "," in folded else folded)
    if len(words) > 1 and all(len(word) == 1 and word.isalpha() for word in words):
        return "".join(words)  # "U. S. A.", or letters one by one
    last = len(words) - 1  # an article at the end is none: "the first letter is a"
    return " ".join([w for n, w in enumerate(words) if n == last or w not in ARTICLES])


def sentences(text: str, most: int) -> list[tuple[int, int]]:
    """(start, end) of the sentences in the last ``most`` characters, in their order."""
    begin = max(0, len(text) - most)
    ends = [end.end() for end in SENTENCE_END.finditer(text, begin)]
    return list(zip([begin, *ends], [*ends, len(text)], strict=True))


def last_sentence(text: str) -> str:
    """The last sentence that says something."""
    tail = text.rstrip()[-SENTENCE:]
    ends = [end.end() for end in SENTENCE_END.finditer(tail[:-1])]
    return tail[ends[-1] if ends else 0 :].strip()
