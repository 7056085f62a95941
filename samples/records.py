"""The words of the project as values, and the hash that names each of them.

Every record is frozen and named by the hash of its own content, so that an id in a report leads
to exactly one text. The contract of the hash: the record's fields as canonical JSON (sorted keys,
no blanks, UTF-8, no NaN), BLAKE2b with 16 bytes, written as ``b2:`` and 32 hex digits.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from json.encoder import encode_basestring
from math import isfinite
from operator import attrgetter
from typing import Any

ANSWER_TYPES = ("number", "choice", "sequence", "text", "math", "yesno", "critique")
FINISHES = ("stop", "length", "too_long", "error")
FAILURES = (  # of a verdict
    *("refused", "truncated", "unparsable", "api_error", "too_long"),
    *("refusal", "degenerate", "ambiguous"),  # what a rule says of an answer that is none
)
STATUSES = ("labelled", "skipped", "retracted", "unjudgeable")


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: equal values give equal texts."""
    return _CANONICAL.encode(value)


def content_hash(value: Any) -> str:
    """Name a JSON-like value by its content: ``b2:`` and 32 hex digits."""
    return _named(canonical_json(value))


def _named(canonical: str) -> str:
    text = canonical.encode("utf-8", "surrogatepass")
    return "b2:" + blake2b(text, digest_size=16).hexdigest()


def as_row(record: Any) -> dict[str, Any]:
    """A record's fields by name, in the order they are declared."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _real(value: float) -> str:
    return repr(value) if isfinite(value) else canonical_json(value)  # which says what is wrong


_PLAIN: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: repr,
    float: _real,
    type(None): lambda _: "null",
    dict: lambda value: canonical_json(value) if value else "{}",
}
_FORMS: dict[type, tuple[Callable[[Any], tuple[Any, ...]], str]] = {}


def record_id(record: Any) -> str:
    """The content hash of a record's fields.

    A full run hashes millions of records: what a kind's canonical JSON always says is made once,
    and the values, most of them plain, are filled in.
    """
    kind = type(record)
    if kind not in _FORMS:
        names = sorted(kind.__dataclass_fields__)
        form = ",".join(f'"{name}":%s' for name in names)
        _FORMS[kind] = attrgetter(*names), "{" + form + "}"
    values, form = _FORMS[kind]
    return _named(form % tuple([_PLAIN.get(type(v), canonical_json)(v) for v in values(record)]))


@dataclass(frozen=True)
class Item:
    """One question of a task with its reference answers; the first is the one that is shown."""

    task: str
    key: str
    question: str
    references: tuple[str, ...]
    answer_type: str = "text"
    choices: tuple[tuple[str, str], ...] = ()  # (label, text), in the order offered
    meta: Mapping[str, Any] = field(default_factory=dict)

    id = cached_property(record_id)

    @property
    def reference(self) -> str:
        return self.references[0]


@dataclass(frozen=True)
class Spec:
    """Who or what made rows: a model with its prompting and sampling, or a judge.

    ``body`` holds everything that changes the outcome and nothing that doesn't.
    """

    kind: str  # "model" or "judge"
    name: str
    body: Mapping[str, Any]

    id = cached_property(record_id)


@dataclass(frozen=True)
class Response:
    """One model's answer to one item. ``text`` is None where only scores were imported."""

    item: str
    model: str
    spec: str
    strategy: str
    draw: int
    text: str | None
    finish: str = "stop"
    prompt: str | None = None  # exactly what was sent
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    created_at: str | None = None

    id = cached_property(record_id)


@dataclass(frozen=True)
class Rubric:
    """The question put to every rater; ``labels`` are ordered and the last is the positive one."""

    name: str
    question: str
    labels: tuple[str, ...]
    guidance: str = ""

    id = cached_property(record_id)

    @property
    def positive(self) -> str:
        return self.labels[-1]


@dataclass(frozen=True)
class Case:
    """Exactly what a person or a judge is asked about."""

    item: Item
    response: Response
    rubric: Rubric


@dataclass(frozen=True)
class Label:
    """One person's answer to a case: an event. A changed mind is a further label.

    ``value`` is None where the case was skipped, where they cannot judge it ("unjudgeable"), or
    where an earlier label was taken back.
    """

    response: str
    rubric: str
    annotator: str
    status: str = "labelled"
    value: str | None = None
    unsure: bool = False
    note: str = ""
    seconds: float | None = None
    created_at: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    id = cached_property(record_id)


@dataclass(frozen=True)
class CheckLabel(Label):
    """A label that measures the person, and is no rating of the case.

    Of a case that they were shown once more, or of a control; then ``response`` is the control's.
    """

    purpose: str = "repeat"  # or "control"

    id = cached_property(record_id)


@dataclass(frozen=True)
class Control:
    """A case with a known answer, mixed in to see whether people read; no model wrote it."""

    rubric: str
    question: str
    references: tuple[str, ...]
    text: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    note: str = ""  # why this is the answer

    id = cached_property(record_id)


@dataclass(frozen=True)
class Lease:
    """A case kept for a person while it is on their screen; the newest of both is in force."""

    audit_set: str
    response: str
    annotator: str
    until: str
    created_at: str

    id = cached_property(record_id)


@dataclass(frozen=True)
class Verdict:
    """One judge's answer to a case: a value or a failure, with the raw text it was read from."""

    response: str
    rubric: str
    judge: str
    spec: str
    value: str | None = None
    failure: str | None = None  # one of FAILURES
    score: float | None = None  # graded judges: 0 (surely negative) to 1 (surely positive)
    raw: str | None = None
    reason: str | None = None  # what was read, and why it counts or does not
    attempt: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    created_at: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    id = cached_property(record_id)


@dataclass(frozen=True)
class ProbeVerdict:
    """One judge's answer to a probe: a text made up to test the judge, and no model's response."""

    item: str
    rubric: str
    attack: str
    must: str  # "reject" or "accept"
    text: str
    judge: str
    spec: str
    value: str | None = None
    failure: str | None = None  # one of FAILURES
    raw: str | None = None
    reason: str | None = None
    created_at: str | None = None

    id = cached_property(record_id)


@dataclass(frozen=True)
class Charge:
    """One attempt to ask a model for money: what became of it, and what it took."""

    spec: str  # of the judge that asked
    purpose: str  # "verdict", "probe" or "recheck"
    request: str  # hash of what was sent
    attempt: int  # 0 is the first, the others are its repetitions
    outcome: str  # "answered", a status such as "429", "garbled", "cut", "unreached"
    input_tokens: int  # without those that a cache gave or took
    cached_tokens: int
    written_tokens: int  # to a cache
    output_tokens: int
    usd: float | None  # at the price of the day; None: nobody knew it
    estimated: bool = False  # nobody said what it took, and it may be billed
    batch: str | None = None  # the provider's name of it
    serial: int = 0  # within its run: two attempts may be alike
    created_at: str | None = None

    id = cached_property(record_id)


@dataclass(frozen=True)
class AuditSet:
    """A frozen sample: how it was drawn, and the hash of the cases that came out."""

    rubric: str
    design: Mapping[str, Any]
    cases: str  # content hash of the list of its cases' rows
    created_at: str | None = None

    id = cached_property(record_id)


@dataclass(frozen=True)
class AuditCase:
    """One case of an audit set, with the chance that it had of being drawn."""

    audit_set: str
    response: str
    position: int
    stratum: str
    probability: float  # inclusion probability, in (0, 1]
    raters: int  # how many people shall label it

    id = cached_property(record_id)


@dataclass(frozen=True)
class Warrant:
    """The decision about one judge, bound to everything that it rests on."""

    judge: str
    spec: str
    audit_set: str
    decision: str  # "approved", "rejected" or "inconclusive"
    body: Mapping[str, Any]
    signed_by: str | None
    created_at: str

    id = cached_property(record_id)


@dataclass(frozen=True)
class Account:
    """Who may come in, and as what: an event; the newest of a name is in force.

    ``kind`` is "human", or "reference" for labels made by program, which are never called human.
    ``secret`` is a hash; None where nobody can sign in by that name.
    """

    name: str
    role: str = "annotator"  # or "adjudicator", "lead"
    kind: str = "human"
    status: str = "active"  # or "revoked"
    secret: str | None = None
    created_at: str | None = None

    id = cached_property(record_id)


@dataclass(frozen=True)
class Event:
    """Something that happened to the study and is worth keeping: a run, a model load."""

    kind: str
    subject: str
    body: Mapping[str, Any]
    created_at: str

    id = cached_property(record_id)
