"""Two designs beside the strata: question by question, to stop when it is certain; and active.

Both draw every answer with a known chance, so every statistic stays that of all answers.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from samples import numbered
from samples.audit import Drawn, Frame, draw_audit, named
from samples.errors import BenchwarrantError
from samples.records import Rubric
from samples.store import Store
from samples.study import AuditBlock

FLOOR = 0.25  # where judges agree; where they disagree most it is 1 + FLOOR, five times as much


def design(block: AuditBlock) -> dict[str, Any]:
    """The design as it is kept with the audit set."""
    made = block.model_dump(mode="json")
    return made | ({"allocation": "questions"} if block.sequential else {})


def draw_by_design(
    store: Store, frame: Frame, block: AuditBlock, rubric: Rubric, seed: int
) -> list[Drawn]:
    """Draw what the study's [audit] block asks for, of whatever design."""
    if not (block.sequential or block.allocation == "active") or not frame.responses:
        neyman = block.allocation == "neyman"  # looks at every verdict so far
        positive = store.positive_shares(rubric, block.strata) if neyman else {}
        drawn = draw_audit(frame, block, seed, positive)
        ids = numbered.response_ids(store, [int(case.response) for case in drawn])
        return [replace(case, response=own) for case, own in zip(drawn, ids, strict=True)]
    if block.size > len(frame.responses):
        raise BenchwarrantError(
            f"the audit set shall have {block.size} cases but only {len(frame.responses)} answers"
            " can be drawn; lower audit.size or collect more"
        )
    rng, frame = random.Random(f"audit {seed}"), named(store, frame)
    if block.sequential:
        questions = [item for item, *_ in store.traits(frame.responses)]
        return draw_questions(frame, questions, block, rng)
    return draw_active(frame, disagreement(frame, store.outcomes(rubric.id)), block, rng)


def draw_questions(
    frame: Frame, questions: Sequence[str], block: AuditBlock, rng: random.Random
) -> list[Drawn]:
    """Questions in random order, each with answers drawn at random among those to it.

    ``questions`` has the question of every answer. While there are enough questions, each has one
    answer, which tells most per label; where there are not, all have the same number, the last ones
    one more. A question with fewer answers gives all of them, and ``size`` is then not reached.
    """
    answers: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        answers.setdefault(question, []).append(place)
    order = sorted(answers)
    rng.shuffle(order)
    each, more = divmod(block.size, len(order))
    drawn = []
    for turn, question in enumerate(order):
        own = answers[question]
        few, many = min(each, len(own)), min(each + 1, len(own))
        chance = (few + (many - few) * more / len(order)) / len(own)
        for place in rng.sample(own, few if turn < len(order) - more else many):
            response, stratum = frame.responses[place], frame.strata[place]
            drawn.append(Drawn(response, stratum, chance, _raters(block, rng)))
    return drawn


def disagreement(frame: Frame, outcomes: Mapping[str, Sequence[int]]) -> list[float]:
    """How far apart the judges are on every answer, the farthest of all being 1.

    The chance that two judges drawn with replacement differ, 1 − Σ p² (Simpson 1949); a failure
    is an outcome like any other.
    """
    short = sum(sum(outcomes.get(response, ())) < 2 for response in frame.responses)
    if short:
        raise BenchwarrantError(
            f"allocation 'active' needs two judges' verdicts on every answer, and {short} of"
            f" {len(frame.responses)} have fewer; run `benchwarrant judge --all`, or use 'equal'"
        )
    apart = []
    for response in frame.responses:
        counts = outcomes[response]
        apart.append(1 - sum((n / sum(counts)) ** 2 for n in counts))
    most = max(apart) or 1.0
    return [value / most for value in apart]


def draw_active(
    frame: Frame, apart: Sequence[float], block: AuditBlock, rng: random.Random
) -> list[Drawn]:
    """Draw each answer with a chance that grows with the judges' disagreement, none with 0.

    Systematic sampling with unequal chances (Madow 1949), along strata and disagreement, within
    them at random: the sample has its size, and of every stratum and disagreement its share.
    """
    chances = probabilities([FLOOR + value for value in apart], block.size)
    order = list(range(len(apart)))
    rng.shuffle(order)
    order.sort(key=lambda place: (frame.strata[place], apart[place]))
    start, drawn = rng.random(), []
    ends = list(accumulate(chances[place] for place in order))
    for place, end, begin in zip(order, ends, [0.0, *ends], strict=False):
        if int(end + start + 1e-9) > int(begin + start + 1e-9):
            response, stratum = frame.responses[place], frame.strata[place]
            drawn.append(Drawn(response, stratum, chances[place], _raters(block, rng)))
    rng.shuffle(drawn)
    return drawn


def probabilities(sizes: Sequence[float], n: int) -> list[float]:
    """Inclusion probabilities in proportion to ``sizes``, none above 1, that add up to ``n``."""
    certain: set[int] = set()
    while True:
        rest = sum(size for place, size in enumerate(sizes) if place not in certain)
        scale = (n - len(certain)) / rest if rest else 0.0
        over = {p for p, size in enumerate(sizes) if p not in certain and size * scale >= 1}
        if not over:
            return [1.0 if p in certain else size * scale for p, size in enumerate(sizes)]
        certain |= over


def _raters(block: AuditBlock, rng: random.Random) -> int:
    """Whether this case is one of those with several raters."""
    return block.raters_per_case if rng.random() < block.overlap else 1
