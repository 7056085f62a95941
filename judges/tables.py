"""From the store's rows to the arrays that the statistics are made of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from judges.agreement import Array, IntArray
from judges.consensus import Reference, settle
from judges.judge import judge_spec
from samples.errors import BenchwarrantError
from samples.exchange import imported_judge
from samples.records import Account, AuditSet, Event, ProbeVerdict, Rubric, Spec, content_hash
from samples.store import Store
from samples.study import Study

if TYPE_CHECKING:
    from judges.traits import Traits

RECHECK = "recheck"  # the kind of event


@dataclass(frozen=True)
class JudgeRun:
    """One judge's verdicts on the audit set: label codes, K where it failed or is missing."""

    spec: Spec
    verdicts: IntArray
    failures: Counter[str]
    missing: int
    digest: str
    kinds: tuple[str | None, ...] = ()  # of failure, case by case; None where there is a value
    retried: int = 0  # verdicts that are a second attempt or a later one
    probes: tuple[ProbeVerdict, ...] = ()  # what it said to probes of the audit set's items
    scores: Array | None = None  # in [0, 1], NaN for a case without; None for a judge without


@dataclass(frozen=True)
class Audit:
    """The audit set with people's labels and judges' verdicts, one row per case."""

    audit_set: AuditSet
    rubric: Rubric
    responses: tuple[str, ...]
    question: IntArray
    model: IntArray
    task: IntArray
    models: tuple[str, ...]
    tasks: tuple[str, ...]
    strategies: tuple[str, ...]
    weight: Array  # 1 / inclusion probability, scaled to a mean of 1
    reference: Reference
    labels_digest: str
    judges: dict[str, JudgeRun]
    formats: IntArray | None = None  # places in answers.FORMATS; the report asks for them
    traits: "Traits | None" = None  # and for these
    rechecks: tuple[Event, ...] = ()  # of any judge and audit set, oldest first
    wanted: IntArray | None = None  # people whose label each case shall have; 1 where None

    def only(self, judge: str) -> "Audit":
        """The same audit with one judge."""
        return replace(self, judges={judge: self.judges[judge]})

    @property
    def at_random(self) -> bool:
        """Whether this study drew the cases, and with them the overlap between raters."""
        return self.audit_set.design.get("allocation") != "labelled"

    @property
    def overlap_at_random(self) -> bool:
        """Whether the cases with two people's labels speak for the whole set.

        They do where they were drawn for it, and nobody added labels where they seemed needed; and
        where they are the whole set, each case with as many labels.
        """
        given = (self.reference.ratings >= 0).sum(axis=1)
        if len(given) and given.min() > 1:
            return bool(given.min() == given.max())
        several = given > 1
        if self.wanted is None:
            return self.at_random
        return self.at_random and bool((given <= self.wanted)[several].all())


def study_judges(study: Study, store: Store) -> dict[str, Spec]:
    """The judges in force: those of the study file, then those whose verdicts were imported."""
    named = {block.name: judge_spec(study, block) for block in study.judge}
    for spec in store.specs("judge"):
        if spec == imported_judge(spec.name):
            named.setdefault(spec.name, spec)
    return named


def load_audit(study: Study, store: Store) -> Audit:
    """Read the audit set in force; without one, or under another rubric, it says what to do."""
    audit_set = store.audit_set()
    if audit_set is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    rubric = study.rater_question
    if audit_set.rubric != rubric.id:
        raise BenchwarrantError(
            "the rubric has changed since the audit set was frozen, so its labels no longer apply;"
            " undo the change, or run `benchwarrant sample --new` and label again"
        )
    cases = store.audit_cases(audit_set.id)
    responses = tuple(case.response for case in cases)
    items, tasks, models, strategies, _ = zip(*store.traits(responses), strict=True)
    codes = {label: code for code, label in enumerate(rubric.labels)}
    accounts = {account.name: account for account in store.accounts()}
    labels = store.current_labels(rubric.id)
    weight = np.array([1 / case.probability for case in cases])
    chosen = set(responses)
    label_rows = sorted(
        [la.response, la.annotator, la.value, la.unsure, account.role, account.kind]
        for la in labels
        if la.response in chosen
        for account in [accounts.get(la.annotator, Account(la.annotator))]
    )
    runs = {
        name: replace(
            _run(store, spec, rubric, responses),
            probes=tuple(store.probed(spec.id, rubric.id, audit_set.id)),
        )
        for name, spec in study_judges(study, store).items()
    }
    return Audit(
        audit_set=audit_set,
        rubric=rubric,
        responses=responses,
        question=_coded(items)[0],
        model=_coded(models)[0],
        task=_coded(tasks)[0],
        models=_coded(models)[1],
        tasks=_coded(tasks)[1],
        strategies=tuple(sorted(set(strategies))),
        weight=weight / weight.mean(),
        reference=settle(
            responses, labels, codes, accounts, study.policy.reference, study.policy.unsure
        ),
        labels_digest=content_hash(label_rows),
        judges={name: run for name, run in runs.items() if run.missing < len(responses)},
        rechecks=tuple(store.events(RECHECK)),
        wanted=np.array([case.raters for case in cases]),
    )


def _coded(values: Sequence[str]) -> tuple[IntArray, tuple[str, ...]]:
    names, codes = np.unique(np.array(values, dtype=object), return_inverse=True)
    return codes.astype(np.int64), tuple(names)


def _run(store: Store, spec: Spec, rubric: Rubric, responses: Sequence[str]) -> JudgeRun:
    given = store.judged(spec.id, rubric.id, responses)
    codes = {label: code for code, label in enumerate(rubric.labels)}
    found = [given.get(response) for response in responses]
    failed = len(rubric.labels)
    verdicts = [failed if row is None or row[0] is None else codes[row[0]] for row in found]
    missing = sum(row is None for row in found)
    failures = Counter(row[1] for row in found if row is not None and row[1] is not None)
    if missing:
        failures["missing"] = missing
    kinds = tuple("missing" if row is None else row[1] for row in found)
    rows = sorted([response, *given[response]] for response in responses if response in given)
    attempts = store.attempts(spec.id, rubric.id, responses)
    retried = sum(attempts.get(response, 0) > 0 for response in responses)
    scored = store.scores(spec.id, rubric.id, responses)
    scores = np.array([scored.get(response, np.nan) for response in responses]) if scored else None
    return JudgeRun(
        spec,
        np.array(verdicts),
        failures,
        missing,
        content_hash(rows),
        kinds,
        retried,
        scores=scores,
    )
