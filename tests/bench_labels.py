"""`make bench-labels`: labels saved by stopping early and by active design, and how often both err.

Simulated audits on the real gate, by the rule "the lower end of Cohen's κ is 0.8 or more": 10
models, 1,000 questions, a judge of known quality and, for the active design, two others that err 5%
and 10% of the time, often on the same answers. Prints one line per figure: what was done, ours, the
uniform sample's or the limit, the ratio, the goal. With ``--quick`` fewer simulations.
"""

import argparse
import csv
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small products: threads wait for each other

import math
import platform
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from judges.agreement import STATISTICS
from judges.betting import figures, log_wealth
from judges.figures import draw_resamples
from judges.gate import APPROVED, INCONCLUSIVE, REJECTED, decide
from judges.intervals import (
    cluster_sums,
    multinomial_weights,
    percentile_interval,
    resampled,
)
from judges.sequential import FIRST_LOOKS
from judges.simulation import (
    Answers,
    Quality,
    World,
    audit_of,
    draw_answers,
    figures_asked,
    trouble,
    true_figures,
    verdicts,
)
from samples.audit import Frame
from samples.draws import disagreement, draw_active, draw_questions
from samples.study import AuditBlock, PolicyBlock

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHWARRANT_DATA", ROOT.parent / "shared" / "data"))
BOUND, UNIFORM, ACTIVE = 0.8, 1000, 500
KAPPAS = (0.98, 0.95, 0.92, 0.90, 0.88, 0.85, 0.75, 0.70, 0.60)
WORLD = World(tuple(np.linspace(0.2, 0.8, 10).tolist()), 1000, slips=0.0)
OTHERS = (0.05, 0.10)  # the error rates of the two judges that have run before
RULE = {"statistic": "cohen_kappa", "at_least": BOUND}
POLICY = PolicyBlock.model_validate({"resamples": 1000, "rule": [RULE]})
Outcome = tuple[str, int]  # the decision, and the labels that it took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer simulations")
    quick = parser.parse_args().quick
    times, at_bound = (20, 60) if quick else (120, 1000)
    print("labels: takes about four minutes", flush=True)
    start = time.perf_counter()
    designs = {"sequential": sequential, "active": active}
    for kappa in KAPPAS:
        usual = _run(uniform, kappa, times)
        for name, design in designs.items():
            _compare(kappa, name, _run(design, kappa, times), usual)
    errors("uniform sample of 1,000", _run(uniform, BOUND, at_bound))
    errors("sequential, a look after every label", _run(sequential, BOUND, at_bound))
    errors("active sample of 500", _run(active, BOUND, at_bound))
    looks(at_bound * 2)
    real(20 if quick else 100)
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, numpy"
        f" {np.__version__}; {times} audits for each figure, {at_bound} at the bound;"
        f" {time.perf_counter() - start:.0f} seconds"
    )


# The designs


def uniform(quality: Quality, rng: np.random.Generator) -> Outcome:
    answers = draw_answers(WORLD, UNIFORM, rng)
    said = verdicts(answers, quality, trouble(WORLD, answers, rng))
    return _gate(answers, said, None, POLICY, rng), UNIFORM


def sequential(quality: Quality, rng: np.random.Generator) -> Outcome:
    """One answer to each question, and a look after every label; all labelled, the last look."""
    answers, said = _one_by_one(quality, rng)
    tail = (1 - POLICY.confidence) / 2
    found = _looked_at(_tables(answers, said), tail * FIRST_LOOKS)
    if found[0] != INCONCLUSIVE:
        return found
    last = POLICY.model_copy(update={"confidence": 1 - 2 * tail * (1 - FIRST_LOOKS)})
    return _gate(answers, said, None, last, rng), UNIFORM


def _looked_at(tables: np.ndarray, tail: float) -> Outcome:
    """The first decision, and the labels so far; bets look at two questions at a time."""
    bets = figures(2)["cohen_kappa"].bets(tables, 1.0)
    looks = [log_wealth(bet(BOUND)) >= -math.log(tail) for bet in (bets.above, bets.below)]
    first = [int(look.argmax()) if look.any() else len(tables) for look in looks]
    if min(first) == len(tables):
        return INCONCLUSIVE, len(tables)
    return (APPROVED, REJECTED)[int(np.argmin(first))], 2 * (min(first) + 1)


def active(quality: Quality, rng: np.random.Generator) -> Outcome:
    """Half of the labels, drawn from all answers where this judge and two others disagree."""
    answers = draw_answers(WORLD, WORLD.questions * len(WORLD.models), rng)
    shared = trouble(WORLD, answers, rng)
    judges = [
        verdicts(answers, q, (shared + trouble(WORLD, answers, rng)) / math.sqrt(2))
        for q in (quality, *(Quality(rate, rate) for rate in OTHERS))
    ]
    names = tuple(map(str, range(len(shared))))
    positive = np.sum(judges, axis=0)
    said = {name: [p, len(judges) - p] for name, p in zip(names, positive.tolist(), strict=True)}
    frame = Frame(names, tuple(str(m) for m in answers.model.tolist()))
    block = AuditBlock(size=ACTIVE, overlap=0.0)
    drawn = draw_active(
        frame, disagreement(frame, said), block, random.Random(int(rng.integers(2**32)))
    )
    rows = np.array([int(case.response) for case in drawn])
    weight = np.array([1 / case.probability for case in drawn])
    question = np.unique(answers.question[rows], return_inverse=True)[1]
    chosen = Answers(question, answers.model[rows], answers.right[rows])
    return _gate(chosen, judges[0][rows], weight, POLICY, rng), ACTIVE


def _gate(
    answers: Answers,
    said: np.ndarray,
    weight: np.ndarray | None,
    policy: PolicyBlock,
    rng: np.random.Generator,
) -> str:
    audit = audit_of(WORLD, answers, answers.right[:, None], said, weight)
    draws = draw_resamples(audit, policy, rng)
    return decide(figures_asked(audit, policy, draws), policy)[0]


def _one_by_one(quality: Quality, rng: np.random.Generator) -> tuple[Answers, np.ndarray]:
    everything = draw_answers(WORLD, WORLD.questions * len(WORLD.models), rng)
    names = tuple(map(str, range(len(everything.model))))
    block = AuditBlock(size=UNIFORM, sequential=True, overlap=0.0)
    seed = random.Random(int(rng.integers(2**32)))
    questions = everything.question.astype(str).tolist()
    drawn = draw_questions(Frame(names, names), questions, block, seed)
    rows = np.array([int(case.response) for case in drawn])
    answers = Answers(np.arange(UNIFORM), everything.model[rows], everything.right[rows])
    return answers, verdicts(answers, quality, trouble(WORLD, answers, rng))


def _tables(answers: Answers, said: np.ndarray) -> np.ndarray:
    tables = np.zeros((len(said), 2, 2))
    tables[np.arange(len(said)), answers.right, said] = 1.0
    return tables


def real(times: int) -> None:
    """Real judges and people: one answer to each of 400 questions, against all 3,600 labels."""
    if not (folder := DATA / "human_judging_the_judges").is_dir():
        print(f"{folder.name}: not measured: the public data is not here; set BENCHWARRANT_DATA")
        return
    with (folder / "triviaqa_v1_judgements.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    question = np.unique([row["question_id"] for row in rows], return_inverse=True)[1]
    people = np.array([row["human_final"] == "True" for row in rows]).astype(np.int64)
    judges = [column for column in rows[0] if column.startswith("judge:")]
    tail, found = (1 - POLICY.confidence) / 2, []
    for judge in judges:
        # a verdict that is missing is a wrong one
        said = np.array([{"True": 1, "False": 0}.get(row[judge], -1) for row in rows])
        said = np.where(said < 0, 1 - people, said)
        sums = cluster_sums(question, 2 * people + said, None, int(question.max()) + 1, 4)
        drawn = multinomial_weights(np.random.default_rng(1), POLICY.resamples, len(sums))
        samples = STATISTICS["cohen_kappa"](resampled(drawn, sums).reshape(-1, 2, 2))
        low, high, _ = percentile_interval(samples, POLICY.confidence)
        whole = APPROVED if low >= BOUND else REJECTED if high < BOUND else INCONCLUSIVE
        for turn in range(times):
            order = np.random.default_rng([3, turn]).permutation(len(rows))
            one = order[np.unique(question[order], return_index=True)[1]]  # of each question
            one = np.random.default_rng([4, turn]).permutation(one)
            cases = Answers(question[one], question[one], people[one])
            decision, labels = _looked_at(_tables(cases, said[one]), tail)
            found.append((whole, decision, labels))
    early = [(whole, decision, n) for whole, decision, n in found if decision != INCONCLUSIVE]
    against = sum({whole, decision} == {APPROVED, REJECTED} for whole, decision, _ in early)
    certain = sum(whole != INCONCLUSIVE for whole, *_ in found)
    print(
        f"Judging the Judges, {len(judges)} judges, {times} orders of {len(sums)} questions: all"
        f" {len(rows):,} labels decide {certain / times:.0f} judges; an order of questions, a look"
        f" after every label, decides {len(early) / times:.1f}, by a median of"
        f" {np.median([n for *_, n in early]):.0f} labels, {against} of {len(early)} of them"
        " against all labels, stated",
        flush=True,
    )


# What is printed


def _run(
    design: Callable[[Quality, np.random.Generator], Outcome], kappa: float, times: int
) -> list[Outcome]:
    quality = _of_kappa(kappa)
    return [
        design(quality, np.random.default_rng([7, round(1000 * kappa), n])) for n in range(times)
    ]


def _of_kappa(kappa: float) -> Quality:
    """The judge whose true κ this is, that errs on right and wrong answers alike."""
    low, high = 0.0, 0.5
    for _ in range(30):
        middle = (low + high) / 2
        about = true_figures(WORLD, Quality(middle, middle), POLICY)
        true = about["case"]["failures_count_as_wrong"]["cohen_kappa"]["value"]
        low, high = (middle, high) if true > kappa else (low, middle)
    return Quality(low, low)


def _compare(kappa: float, name: str, ours: list[Outcome], usual: list[Outcome]) -> None:
    """Labels, and whether the right decision is as frequent as with the uniform sample."""
    right = APPROVED if kappa > BOUND else REJECTED
    shares = [100 * sum(d == right for d, _ in found) / len(found) for found in (ours, usual)]
    wrong = [
        100 * sum(d not in (right, INCONCLUSIVE) for d, _ in found) / len(found)
        for found in (ours, usual)
    ]
    labels = float(np.mean([n for _, n in ours]))
    ratio = UNIFORM / labels
    same = shares[0] >= shares[1] - 5  # points: what chance can do to 100 audits, about
    verdict = "ok" if ratio >= 2 and same else "missed"
    print(
        f"true κ {kappa:.2f}, {name}: labels: {labels:,.0f}, uniform {UNIFORM:,}, {ratio:.2f} ×,"
        f" goal 2 ×, {verdict}; % {right} {shares[0]:.0f} (uniform {shares[1]:.0f}), decided"
        f" wrongly {wrong[0]:.0f} ({wrong[1]:.0f})",
        flush=True,
    )


def errors(name: str, found: list[Outcome]) -> None:
    """A judge just at the bound: to approve it is an error, as to reject it; 2.5% are allowed."""
    allowed = 100 * (1 - POLICY.confidence) / 2
    counts = Counter(decision for decision, _ in found)
    for decision in (APPROVED, REJECTED):
        share = 100 * counts[decision] / len(found)
        _error_line(f"true κ {BOUND}, {name}: % {decision}", share, allowed, len(found))


def looks(times: int) -> None:
    """The bets alone, at all of the error: how often a look after every label errs even once."""
    quality, bad = _of_kappa(BOUND), Counter[str]()
    tail = (1 - POLICY.confidence) / 2
    for turn in range(times):
        rng = np.random.default_rng([11, turn])
        answers, said = _one_by_one(quality, rng)
        bets = figures(2)["cohen_kappa"].bets(_tables(answers, said), 1.0)
        for side, bet in (("approved", bets.above), ("rejected", bets.below)):
            bad[side] += bool((log_wealth(bet(BOUND)) >= -math.log(tail)).any())
    for side in ("approved", "rejected"):
        what = f"true κ {BOUND}, bets alone, any of 500 looks: % {side}"
        _error_line(what, 100 * bad[side] / times, 100 * tail, times)


def _error_line(what: str, share: float, allowed: float, times: int) -> None:
    error = 100 * math.sqrt(allowed / 100 * (1 - allowed / 100) / times)
    verdict = "ok" if share <= allowed + 2 * error else "missed"
    print(
        f"{what}: {share:.2f}, allowed {allowed:.2f} (± {2 * error:.2f} by chance), {verdict}",
        flush=True,
    )


if __name__ == "__main__":
    main()
