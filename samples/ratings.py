"""People's labels and judges' verdicts made elsewhere: from checked rows to records."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from samples.records import FAILURES, STATUSES, Account, Label, Rubric, Spec, Verdict
from samples.registry import did_you_mean
from samples.rows import ASKED, CELL, Row
from samples.store import Store


def imported_judge(judge: str) -> Spec:
    """The spec of a judge whose verdicts were made elsewhere."""
    return Spec("judge", judge, {"kind": "imported"})


class _Finder:
    """Find the response that a row speaks of."""

    def __init__(self, store: Store):
        items = {item.id: (item.task, item.key) for item in store.items()}
        self.found: dict[tuple[str, str, str, int], dict[str, list[str]]] = {}
        self.cells: dict[str, tuple[str, str, str, int]] = {}
        for response in store.responses():
            cell = (*items[response.item], response.model, response.draw)
            by_strategy = self.found.setdefault(cell, {})
            by_strategy.setdefault(response.strategy, []).append(response.id)
            self.cells[response.id] = cell

    def response(self, row: Row) -> str:
        """By its id in ``case`` where this study has it, else by task, key, model and draw."""
        case = str(row.get("case") or "")
        if case in self.cells:
            for name, known in zip(CELL, self.cells[case], strict=False):
                if row.get(name) is not None and row.text(name) != known:
                    raise row.wrong("case", f"is an answer with {name} {known!r}; correct one")
            return case
        if case and not all(row.get(name) for name in CELL):
            raise row.wrong("case", f"no answer {case!r} in this study; import it first")
        return self._by_cell(row)

    def _by_cell(self, row: Row) -> str:
        task, key, model = row.text("task"), row.text("key"), row.text("model")
        by_strategy = self.found.get((task, key, model, row.count("draw")), {})
        strategy = row.values.get("strategy")
        if strategy == "" and "" not in by_strategy:
            strategy = None  # an empty cell
        found = [
            response
            for name, responses in by_strategy.items()
            if strategy in (None, name)
            for response in responses
        ]
        if not found:
            raise row.wrong(
                "key", f"no answer of {model!r} to {task} {key!r} of that draw; import it first"
            )
        if len(found) > 1:
            raise row.wrong(
                "strategy", f"{model!r} answers {task} {key!r} in several ways; name one"
            )
        return found[0]


def labels_from(
    rows: Iterator[Row], store: Store, rubric: Rubric, kind: str
) -> list[Rubric | Account | Label]:
    """People's labels; ``kind`` is "human", or "reference" for labels made by program."""
    finder = _Finder(store)
    rubrics = {one.id: one for one in (*store.rubrics(), rubric)}
    old = {(la.response, la.rubric, la.annotator, la.created_at): la for la in store.labels()}
    kinds = {account.name: account.kind for account in store.accounts()}
    accounts: dict[str, Account] = {}
    made: dict[tuple[str, str, str, str | None], Label] = {}
    for row in rows:
        label = _label(row, finder.response(row), named_rubric(row, rubrics, rubric))
        where = (label.response, label.rubric, label.annotator, label.created_at)
        if where in made:
            raise row.wrong(
                "annotator", f"{label.annotator!r} labels this answer twice; give created_at"
            )
        row.check_same("annotator", label, old.get(where))
        if label.annotator not in kinds:
            accounts[label.annotator] = Account(label.annotator, kind=kind)
        elif kinds[label.annotator] != kind:
            known = f"{label.annotator!r} labels as {kinds[label.annotator]} already"
            raise row.wrong("annotator", f"{known}, not as {kind}; use another name")
        made[where] = label
    return [rubric, *accounts.values(), *made.values()]


def named_rubric(row: Row, known: Mapping[str, Rubric], usual: Rubric) -> Rubric:
    """The rubric that a label was given under: the study's, or an earlier one by its hash."""
    value = row.get("rubric")
    if value is not None and value not in known:
        raise row.wrong(
            "rubric",
            f"{value!r} is not the hash of a rubric of this study: its label answers another"
            " question; leave the column out where it does not",
        )
    return usual if value is None else known[value]


def label_of(row: Row, rubric: Rubric) -> str:
    """The row's value, which is a label of the rubric; nothing else is taken for one."""
    value = row.text("value")
    if value not in rubric.labels:
        known = did_you_mean(value, [*rubric.labels])
        raise row.wrong("value", f"{value!r} is no label of the rubric; {known}")
    return value


def _label(row: Row, response: str, rubric: Rubric) -> Label:
    status = row.one_of("status", STATUSES, "labelled")
    given = status == "labelled" or row.get("value") is not None
    value = label_of(row, rubric) if given else None
    if value is not None and status != "labelled":
        raise row.wrong("value", f"{value!r} does not go with status {status!r}; leave it empty")
    return Label(
        response,
        rubric.id,
        row.text("annotator"),
        status=status,
        value=value,
        unsure=_truth(row, "unsure"),
        note=row.optional_text("note") or "",
        seconds=row.number_of("seconds", _seconds, "a number of seconds"),
        created_at=row.number_of("created_at", _moment, "a date and time like 2026-01-31T09:30"),
        meta={**_asked(row), **row.meta},
    )


def _asked(row: Row) -> dict[str, Any]:
    """What was asked beside the label; in CSV, where all are texts, the step is a number again."""
    given = {name: row.get(name) for name in ASKED if row.get(name) is not None}
    step = given.get("step")
    return given | ({"step": int(step)} if isinstance(step, str) and step.isdecimal() else {})


def _moment(text: str) -> str:
    """A time as all are written, UTC to the microsecond, so that their texts sort by time."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _truth(row: Row, column: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    value = str(row.get(column) or "false").lower()
    if value not in words:
        raise row.wrong(column, f"{value!r} is not true or false")
    return words[value]


def verdicts_from(rows: Iterator[Row], store: Store, rubric: Rubric) -> list[Any]:
    """Judges' verdicts: a label of the rubric, or one of FAILURES in either column."""
    finder = _Finder(store)
    old = {(v.response, v.spec, v.attempt): v for v in store.verdicts() if v.rubric == rubric.id}
    made: dict[tuple[str, str, int], Verdict] = {}
    specs: dict[str, Spec] = {}
    for row in rows:
        spec = imported_judge(row.text("judge"))
        verdict = _verdict(row, finder.response(row), rubric, spec)
        if (where := (verdict.response, spec.id, verdict.attempt)) in made:
            raise row.wrong("judge", f"{spec.name!r} judges this answer twice; number by attempt")
        row.check_same("judge", verdict, old.get(where))
        made[where] = verdict
        specs[spec.id] = spec
    return [rubric, *specs.values(), *made.values()]


def _verdict(row: Row, response: str, rubric: Rubric, spec: Spec) -> Verdict:
    value = None if row.get("value") is None else row.text("value")
    failure = row.one_of("failure", FAILURES, "") or None
    if failure is None and value in FAILURES and value not in rubric.labels:
        value, failure = None, value
    if (value is None) == (failure is None):
        raise row.wrong("value", f"expected a label or a failure (one of {', '.join(FAILURES)})")
    if value is not None and value not in rubric.labels:
        known = did_you_mean(value, [*rubric.labels])
        raise row.wrong("value", f"{value!r} is no label of the rubric; {known}")
    return Verdict(
        response,
        rubric.id,
        spec.name,
        spec.id,
        value=value,
        failure=failure,
        score=row.number_of("score", _score, "a number from 0 (negative) to 1 (positive)"),
        raw=row.optional_text("raw") or None,
        attempt=row.count("attempt"),
        meta=dict(row.meta),
    )


def _seconds(value: Any) -> float:
    seconds = float(value) + 0.0
    if not 0 <= seconds < float("inf"):
        raise ValueError
    return seconds


def _score(value: Any) -> float:
    score = float(value) + 0.0  # the database has no -0.0
    if not 0 <= score <= 1:
        raise ValueError
    return score
