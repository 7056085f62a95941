"""The options that an item offers, and the expressions that find their labels in a text."""

import re
from dataclasses import dataclass
from functools import lru_cache

from judges.plain import clean, normalise

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Labels:
    """The expressions that find the labels of the options: made once for "A" to "D"."""

    label: re.Pattern[str]
    run: re.Pattern[str]  # one label, or several joined by "or" and the like
    strict: re.Pattern[str]  # what can't be anything but a label, such as "(B)" or "option B"
    loose: re.Pattern[str]
    joined: re.Pattern[str]  # several labels in one word, such as "CE"


@dataclass(frozen=True)
class Offer:
    """The options of an item: label to normalised text, and how their labels are found."""

    options: Options
    texts: dict[str, str]
    find: Labels

    def labels(self, text: str) -> set[str]:
        found = {name.casefold() for name in self.find.label.findall(text)}
        return {label for label in self.texts if label.casefold() in found}


@lru_cache(maxsize=16_384)
def offer_of(options: Options) -> Offer:
    """The options as a rule looks for them; kept, since many answers are to one item."""
    texts = {label: normalise(clean(text)) for label, text in options}
    return Offer(options, texts, _labels(tuple(texts)))


@lru_cache(maxsize=256)
def _labels(labels: tuple[str, ...]) -> Labels:
    plain = "|".join(re.escape(label) for label in labels)
    bracketed = rf"[(\[{{]\s?(?i:{plain})\s?[)\]}}]|(?i:{plain})\)"
    token = rf"(?:{bracketed}|(?:{plain})(?![\w']))"
    joined = r"\s?(?:,\s?(?:or\s|and\s)?|/|&|\sor\s|\sand\s|or\s|and\s)\s?(?:maybe\s|option\s)?"
    return Labels(
        label=re.compile(rf"(?<![^\W_])(?i:{plain})(?!\w)"),
        run=re.compile(f"{token}(?:{joined}{token})*"),
        strict=re.compile(
            rf"\((?i:{plain})\)|(?<![\w(])(?i:{plain})\)"
            rf"|\b(?i:option|choice|answer|letter)[\s_:\\-]{{1,3}}\(?(?:{plain})(?![\w'])"
        ),
        loose=re.compile(rf"(?<![\w'(.-])(?:{plain})(?![\w'(-])"),
        joined=re.compile(rf"\W{{0,6}}(?:{plain}){{2,6}}\W{{0,6}}"),
    )


@lru_cache(maxsize=512)
def list_of(options: Options) -> re.Pattern[str]:
    """The whole list of options in a row, as the prompt had it."""
    pairs = [rf"\W{{0,6}}{re.escape(a)}\W{{1,5}}{re.escape(t)}" for a, t in options if t]
    return re.compile(r"(?:,?\s(?:and|or))?".join(pairs), re.IGNORECASE)
