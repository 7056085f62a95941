"""Solutions judged: how well each model tells right solutions from wrong ones, and says why.

The correctness and the step are read from every critique by the rule. On the reason people have
ruled, by calling the whole critique right; where no label is settled, an approved judge has.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from judges.consensus import settle
from judges.critique import first_wrong_steps
from judges.gate import APPROVED
from judges.mr_score import UNRULED, Critiques, mr_score
from judges.phrasing import VOICES
from judges.rules import rule_judge
from judges.tables import Audit
from judges.warrant import changes
from samples.records import Rubric, Spec
from samples.store import Store
from samples.study import Study

RUBRIC = Rubric("critique", "Are the correctness and the step right?", ("incorrect", "correct"))
RULE_ON_REASONS = ("llm", "imported")  # kinds of judges
CALLED = {"incorrect": 0, "correct": 1}
NOT_READ = 2

Ruled = tuple[int, str]  # 1 where the whole critique is right, 0 or UNRULED; and by whom


@dataclass(frozen=True)
class Read:
    """What the rule reads from one critique."""

    item: str
    right: int  # whether the solution is
    called: int
    step: int  # 1 where a wrong solution is called so and its first wrong step named
    failure: str | None


def solutions_judged(study: Study, store: Store, audit: Audit) -> list[dict[str, Any]]:
    """The figures of each task, model and strategy; empty where no item asks for a critique."""
    rows = store.answers_of("critique")
    newest = {row[2:5]: row[5] for row in rows}  # a model asked anew in another way is another
    rows = [row for row in rows if newest[row[2:5]] == row[5]]
    if not rows:
        return []
    responses = [row[0] for row in rows]
    ruled = _ruled(responses, study, store, audit)
    groups: dict[str, dict[tuple[str, str], list[tuple[Read, Ruled]]]] = {}
    for row, read, ruling in zip(rows, _read(responses, store), ruled, strict=True):
        groups.setdefault(row[2], {}).setdefault((row[3], row[4]), []).append((read, ruling))
    return [
        {"task": task, "model": model, "strategy": strategy} | about
        for task, models in sorted(groups.items())
        for (model, strategy), about in zip(
            models, _figures(list(models.values()), study), strict=True
        )
    ]


def _read(responses: Sequence[str], store: Store) -> Iterator[Read]:
    """As the judge `critique` reads them, one at a time: texts may be many and long."""
    judge = rule_judge(Spec("judge", "critique", {"kind": "critique"}), {})
    try:
        for case in store.cases(responses, RUBRIC):
            (verdict,) = judge.judge([case])
            wrong = bool(first_wrong_steps(case.item))
            called = CALLED.get(verdict.meta.get("correctness", ""), NOT_READ)
            step = wrong and verdict.value == RUBRIC.positive
            failure = verdict.failure if called == NOT_READ else None
            yield Read(case.item.id, int(not wrong), called, int(step), failure)
    finally:
        judge.close()


def _ruled(responses: Sequence[str], study: Study, store: Store, audit: Audit) -> list[Ruled]:
    """Who says of each critique whether all of it is right: people, or an approved judge."""
    rubric = study.rater_question
    codes = {label: code for code, label in enumerate(rubric.labels)}
    accounts = {account.name: account for account in store.accounts()}
    policy = study.policy
    people = settle(
        responses,
        store.current_labels(rubric.id),
        codes,
        accounts,
        policy.reference,
        policy.unsure,
    )
    judged = {name: store.judged(spec, rubric.id) for name, spec in _approved(study, store, audit)}

    def ruling(response: str, settled: int) -> Ruled:
        if settled >= 0:
            return int(settled == len(rubric.labels) - 1), VOICES[people.labels].labels
        for name, verdicts in judged.items():
            value, _ = verdicts.get(response, (None, None))
            if value is not None:
                return int(value == rubric.positive), name
        return UNRULED, ""

    return [ruling(*pair) for pair in zip(responses, people.values, strict=True)]


def _approved(study: Study, store: Store, audit: Audit) -> list[tuple[str, str]]:
    """(name, spec) of the judges under a valid warrant that read reasons, as a rule can't."""
    newest = {warrant.judge: warrant for warrant in store.warrants()}
    return [
        (name, run.spec.id)
        for name, run in audit.judges.items()
        if run.spec.body["kind"] in RULE_ON_REASONS
        if name in newest and newest[name].decision == APPROVED
        if not changes(newest[name], audit, study)
    ]


def _figures(models: list[list[tuple[Read, Ruled]]], study: Study) -> list[dict[str, Any]]:
    """Of the models of one task, over the same resamples."""
    items = {read.item for answers in models for read, _ in answers}
    question = {item: place for place, item in enumerate(sorted(items))}
    critiques = [
        Critiques(
            question=np.array([question[read.item] for read, _ in answers]),
            right=np.array([read.right for read, _ in answers]),
            called=np.array([read.called for read, _ in answers]),
            step=np.array([read.step for read, _ in answers]),
            whole=np.array([whole for _, (whole, _) in answers]),
        )
        for answers in models
    ]
    figures = mr_score(critiques, study.policy, np.random.default_rng(study.seed))
    return [_counts(answers) | found for answers, found in zip(models, figures, strict=True)]


def _counts(answers: Sequence[tuple[Read, Ruled]]) -> dict[str, Any]:
    failures = Counter(
        read.failure or "unparsable" for read, _ in answers if read.called == NOT_READ
    )
    rulers = Counter(by for read, (whole, by) in answers if read.step and whole != UNRULED)
    return {
        "n": len(answers),
        "wrong_solutions": sum(not read.right for read, _ in answers),
        "right_steps": sum(read.step for read, _ in answers),
        "not_read": dict(failures.most_common()),
        "reasons_ruled_by": dict(rulers.most_common()),
    }
