"""Made-up audits whose truth is known: what plans and benches hold the real gate against."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from judges.agreement import SAME_ON_TWO_LABELS, STATISTICS, Array, IntArray
from judges.consensus import Reference
from judges.figures import Resamples, Slices, agreement_figures, count
from judges.ranking import ranking_figures
from judges.tables import Audit, JudgeRun
from samples.records import AuditSet, Rubric, Spec
from samples.study import PolicyBlock

RUBRIC = Rubric("simulated", "Is the final answer correct?", ("incorrect", "correct"))
ENDLESS = 10**9  # questions: an interval of no width


@dataclass(frozen=True)
class World:
    """What answers and people are like. Shares and probabilities, 0 to 1.

    ``alike`` is the part of what makes an answer right that all models share on a question, and
    ``troubled`` the part of what makes a judge err: the correlation of two answers to one question
    in a Gaussian copula, as in Vasicek (1987).
    """

    models: tuple[float, ...]  # each one's share of right answers
    questions: int
    tasks: int = 1
    slips: float = 0.02  # how often one person's label is wrong
    alike: float = 0.3
    troubled: float = 0.2


@dataclass(frozen=True)
class Quality:
    """How often a judge accepts a wrong answer, and rejects a right one."""

    false_accept: float
    false_reject: float


@dataclass(frozen=True)
class Answers:
    """Cases drawn from a world, before anybody has judged them: (cases,) each."""

    question: IntArray
    model: IntArray
    right: IntArray


def draw_answers(world: World, cases: int, rng: np.random.Generator) -> Answers:
    """Answers drawn at random without replacement, of every model as many as of any other."""
    many = len(world.models)
    order = rng.random((world.questions, many)).argsort(axis=0)  # questions, in each model's order
    cell = order.ravel()[: min(cases, order.size)]
    model = np.tile(np.arange(many), world.questions)[: len(cell)]
    limits = ndtri(np.array(world.models))[model]
    right = _latent(cell, world.questions, world.alike, rng) < limits
    return Answers(np.unique(cell, return_inverse=True)[1], model, right.astype(np.int64))


def _latent(question: IntArray, questions: int, part: float, rng: np.random.Generator) -> Array:
    """Standard normal, correlated by ``part`` between the answers to one question."""
    shared, own = rng.standard_normal(questions)[question], rng.standard_normal(len(question))
    return np.asarray(math.sqrt(part) * shared + math.sqrt(1 - part) * own)


def verdicts(answers: Answers, quality: Quality, hard: Array) -> IntArray:
    """What a judge of this quality says; ``hard`` is standard normal, low where judges err."""
    rates = np.where(answers.right == 1, quality.false_reject, quality.false_accept)
    with np.errstate(divide="ignore"):
        wrong = hard < ndtri(rates)
    return np.asarray(np.where(wrong, 1 - answers.right, answers.right))


def trouble(world: World, answers: Answers, rng: np.random.Generator) -> Array:
    """Where judges err: the same for judges that are to be compared on the same cases."""
    questions = int(answers.question.max()) + 1
    return _latent(answers.question, questions, world.troubled, rng)


def ratings(world: World, answers: Answers, raters: int, rng: np.random.Generator) -> IntArray:
    """What people say: (cases, raters), each wrong now and then, independently."""
    slipped = rng.random((len(answers.right), raters)) < world.slips
    return np.where(slipped, 1 - answers.right[:, None], answers.right[:, None])


def audit_of(
    world: World, answers: Answers, labels: IntArray, said: IntArray, weight: Array | None = None
) -> Audit:
    """An audit as `load_audit` would read it: settled by majority, a tie settles nothing."""
    votes, raters = labels.sum(axis=1), labels.shape[1]
    values = np.where(2 * votes == raters, -1, (2 * votes > raters).astype(np.int64))
    weight = np.ones(len(said)) if weight is None else weight
    run = JudgeRun(Spec("judge", "simulated", {"kind": "auto"}), said, Counter(), 0, "")
    return Audit(
        audit_set=AuditSet(RUBRIC.id, {"allocation": "simulated"}, ""),
        rubric=RUBRIC,
        responses=tuple(map(str, range(len(said)))),
        question=answers.question,
        model=answers.model,
        task=answers.question % world.tasks,
        models=tuple(f"model {m + 1}" for m in range(len(world.models))),
        tasks=tuple(f"task {t + 1}" for t in range(world.tasks)),
        strategies=("direct",),
        weight=weight / weight.mean(),
        reference=Reference(
            values=values,
            raters=tuple(f"rater {r + 1}" for r in range(raters)),
            ratings=labels,
            labels="human",
            adjudicated=0,
            ties=(),
            unlabelled=(),
            unsure=0,
        ),
        labels_digest="",
        judges={"simulated": run},
    )


def figures_asked(audit: Audit, policy: PolicyBlock, draws: Resamples) -> dict[str, Any]:
    """The figures that the policy's rules name, by the code that makes evidence."""
    run = audit.judges["simulated"]
    by_model = count(audit, run.verdicts, audit.model, draws, models_vary=False)
    everything = np.zeros_like(audit.model)
    slices = {"": count(audit, run.verdicts, everything, draws, by_model=by_model)}
    slices["model"] = by_model
    if any(rule.per == "task" for rule in policy.rule):
        slices["task"] = count(audit, run.verdicts, audit.task, draws, by_model=by_model)
    return _about(slices, audit, policy, draws)


def true_figures(world: World, quality: Quality, policy: PolicyBlock) -> dict[str, Any]:
    """The same figures of endless answers that people label without a slip: value and both ends."""
    right = np.array(world.models)
    accept, reject = quality.false_accept, quality.false_reject
    tables = np.zeros((len(right), 2, 3))
    tables[:, 0, :2] = (1 - right)[:, None] * [1 - accept, accept]
    tables[:, 1, :2] = right[:, None] * [reject, 1 - reject]
    pooled = np.repeat(tables.mean(axis=0)[None], world.tasks, axis=0)
    whole = {"": _endless(pooled[:1]), "model": _endless(tables), "task": _endless(pooled)}
    answers = Answers(*(np.arange(world.tasks * len(right)) % len(right) for _ in range(3)))
    people = np.zeros((len(answers.right), 1), dtype=np.int64)
    audit = audit_of(world, answers, people, answers.right)
    once = Resamples(np.ones((1, 2), dtype=np.float32), None, np.ones((2, 1)))
    return _about(whole, audit, policy, once)


def _endless(tables: Array) -> Slices:
    many = np.full((1, len(tables)), ENDLESS)
    return Slices(
        point=tables,
        samples=tables[:, None],
        plain=np.full(tables.shape, ENDLESS),
        clusters={"left_out": many, "count_as_wrong": many},
        heaviest=np.zeros(len(tables)),  # of endless cases none weighs anything
        sums=np.ones((1, 1, *tables.shape)),  # somewhere judge and people differ
    )


def _about(
    slices: dict[str, Slices], audit: Audit, policy: PolicyBlock, draws: Resamples
) -> dict[str, Any]:
    def asked(per: str) -> list[dict[str, Any]]:
        rules = [rule for rule in policy.rule if rule.level == "case" and (rule.per or "") == per]
        names = {rule.statistic for rule in rules}
        # On two labels some statistics are copies of another one, which has to be there.
        names |= {first for first, *rest in SAME_ON_TWO_LABELS if names & set(rest)}
        used = {name: made for name, made in STATISTICS.items() if name in names}
        return agreement_figures(slices[per], audit, policy, policy.failures, used)

    about: dict[str, Any] = {"case": {f"failures_{policy.failures}": asked("")[0]}, "by": {}}
    for per, names in (("model", audit.models), ("task", audit.tasks)):
        if per in slices:
            about["by"][per] = dict(zip(names, asked(per), strict=True))
    if any(rule.level == "ranking" for rule in policy.rule):
        about["ranking"] = ranking_figures(slices["model"], draws, policy, policy.failures)
    return about


def labels_decide(policy: PolicyBlock) -> PolicyBlock:
    """The rules on agreement and on the ranking; probes, scores and the like are not simulated."""
    kept = [
        rule
        for rule in policy.rule
        if rule.level == "ranking"
        or (rule.level == "case" and rule.statistic in STATISTICS and rule.against is None)
    ]
    return policy.model_copy(update={"rule": kept})
