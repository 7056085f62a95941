"""By what the bias audit divides the answers: who wrote them, how, and what they look like.

Everything here follows from the rows and the study file, so it is worked out once per report and
stored nowhere; no decision rests on it.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from judges.agreement import Array, IntArray
from judges.answers import FORMATS, Ruling
from judges.formats import NO_TEXT, answer_form
from judges.kinship import ITSELF, kin
from judges.lineage import NONE, lineage
from judges.outcomes import name_outcome
from judges.tables import Audit
from samples import blind
from samples.spoken import spoken
from samples.store import Store
from samples.study import Study

NO_TEXTS = "the responses have no text"
ALIKE = "all answers are alike in it"
KIN = ("itself", "its own family")
OF_MODELS = ("family", "size", "compression")
OF_TEXTS = ("answer format", "language", "degenerate answers")
MOSTLY = 0.9  # of an answer's letters: fewer are mixed scripts
ANSWERS = "an answer"
SCRIPTS = {"CJK": "Han or kana", "HIRAGANA": "Han or kana", "KATAKANA": "Han or kana"}
ASIDE = frozenset({"MATHEMATICAL", "MODIFIER", "FEMININE", "MASCULINE", "SCRIPT", "DOUBLE"})


@dataclass(frozen=True)
class Trait:
    """A slice's place in ``names`` for each case; −1 where it is not known."""

    names: tuple[str, ...]
    codes: IntArray
    why_not: str = ""  # where nothing can be compared by it


@dataclass(frozen=True)
class Traits:
    """What was found out about the cases."""

    slices: dict[str, Trait]
    characters: Array  # of what was said aloud; NaN where there is no text
    kin: dict[str, Trait]  # by judge


def with_traits(audit: Audit, study: Study, store: Store) -> Audit:
    """The audit with each response's format and all other traits."""
    facts = store.answer_facts(audit.audit_set.id)
    types, strategies, finishes = zip(*(facts[one] for one in audit.responses), strict=True)
    of = dict(zip(audit.models, (lineage(model, study) for model in audit.models), strict=True))
    by_case = [of[audit.models[code]] for code in audit.model]
    slices = {
        "family": _trait([one.family for one in by_case]),
        "size": _trait([one.size for one in by_case], "no size stands in the models' names"),
        "compression": _trait([one.compression for one in by_case]),
        "strategy": _trait(strategies, "the responses name none"),
        "answer type": _trait(types),
        "truncation": _trait(["cut off" if end == "length" else "complete" for end in finishes]),
    }
    if slices["compression"].names == (NONE,):
        slices["compression"] = replace(slices["compression"], why_not="no model is compressed")
    texts = _texts(audit, store)
    for kind, values in zip(OF_TEXTS, (texts.formats, texts.scripts, texts.outcomes), strict=True):
        slices[kind] = _trait(values, NO_TEXTS)
    formats = [FORMATS.index(form) if form else NO_TEXT for form in texts.formats]
    related = {
        name: _kin(audit, kin(run.spec, study, audit.models)) for name, run in audit.judges.items()
    }
    traits = Traits(slices, np.array(texts.characters), related)
    return replace(audit, formats=np.array(formats), traits=traits)


def _trait(values: Sequence[str], why_none: str = "it is not known") -> Trait:
    """An empty value is not known."""
    names = tuple(sorted({value for value in values if value}))
    places = {name: place for place, name in enumerate(names)}
    codes = np.array([places.get(value, -1) for value in values], dtype=np.int64)
    return Trait(names, codes, "" if len(names) > 1 else ALIKE if names else why_none)


def _kin(audit: Audit, related: Mapping[str, str]) -> Trait:
    """A judge's own answers, and those of models of its family."""
    place = {model: int(how != ITSELF) for model, how in related.items()}
    codes = np.array([place.get(model, -1) for model in audit.models], dtype=np.int64)
    why_not = "" if related else "it is none of the graded models, nor of a family with one"
    return Trait(KIN, codes[audit.model], why_not)


@dataclass(frozen=True)
class _Texts:
    """Case by case; empty, or NaN, where there is no text."""

    formats: list[str]
    scripts: list[str]
    outcomes: list[str]
    characters: list[float]


def _texts(audit: Audit, store: Store) -> _Texts:
    many = len(audit.responses)
    found = _Texts([""] * many, [""] * many, [""] * many, [np.nan] * many)
    readable = blind.readable(store, audit.audit_set.id)
    rows = [row for row, response in enumerate(audit.responses) if response in readable]
    cases = store.cases([audit.responses[row] for row in rows], audit.rubric)
    for row, case in zip(rows, cases, strict=True):
        said = spoken(case.response.text or "", case.response.prompt)
        found.formats[row] = answer_form(case)
        found.scripts[row] = script(said)
        found.outcomes[row] = outcome(said)
        found.characters[row] = len(said.strip()) or np.nan
    return found


def outcome(said: str) -> str:
    """ "degenerate" and "refusal" as rule judges call them; all else is an answer."""
    return name_outcome(Ruling(True, None, "", "", marked=False), said).failure or ANSWERS


def script(said: str) -> str:
    """The script that nine in ten of a text's letters are of, which stands for its language.

    Languages that share a script are not told apart: English and French are both Latin.
    """
    letters: Counter[str] = Counter()
    for char, number in Counter(said).items():
        letters[_script(char) if char.isalpha() else ""] += number
    del letters[""]
    if not letters:
        return "no letters"
    most, number = letters.most_common(1)[0]
    return f"{most} letters" if number >= MOSTLY * letters.total() else "mixed scripts"


@cache
def _script(letter: str) -> str:
    """The first word of its name in Unicode; empty for signs that no language is written in."""
    word = "LATIN" if letter.isascii() else unicodedata.name(letter, "").partition(" ")[0]
    return "" if word in ASIDE else SCRIPTS.get(word, word.capitalize())
