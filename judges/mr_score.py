"""How well a model judges somebody's solutions: the MR-Score of MR-GSM8K (Zeng et al. 2023).

MR-Score = 0.2 · max(0, MCC) + 0.3 · ACC_step + 0.5 · ACC_reason. MCC is over all solutions, called
right or wrong; both shares are over the wrong solutions: of those called wrong with the first wrong
step named, and of those whose reason holds as well. A critique that can't be read is a wrong call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judges.agreement import STATISTICS, Array, IntArray, failures_count_as_wrong
from judges.chance import ratio
from judges.figures import (
    EXACT,
    NO_DISAGREEMENT,
    ONE_QUESTION,
    Figure,
    figure,
    undefined_figure,
)
from judges.intervals import (
    SLAB,
    clopper_pearson,
    multinomial_weights,
    no_disagreement_interval,
    percentile_interval,
    resampled,
)
from samples.study import PolicyBlock

WEIGHTS = {"mcc": 0.2, "step_accuracy": 0.3, "reason_accuracy": 0.5}
WIDENED = "resamples cannot move a part of it: the ends are those of its parts, weighted"
STEP, RULED, GOOD = 6, 7, 8  # columns after the six cells of the table
UNRULED = -1


@dataclass(frozen=True)
class Critiques:
    """One model's critiques of a task's solutions, a place per critique."""

    question: IntArray
    right: IntArray  # 1 where the solution is right, by the reference; else 0
    called: IntArray  # 1 right, 0 wrong, 2 not read
    step: IntArray  # 1 where a wrong solution is called so and its first wrong step named
    whole: IntArray  # 1 where the whole critique was ruled right, 0 wrong, UNRULED by nobody

    def columns(self) -> IntArray:
        """What adds up: (critiques, 9), the cells of a 2 × 3 table and the three counts."""
        cells = np.eye(6, dtype=np.int64)[self.right * 3 + self.called]
        ruled = self.step * (self.whole != UNRULED)
        return np.column_stack([cells, self.step, ruled, self.step * (self.whole == 1)])


def mr_score(
    models: Sequence[Critiques], policy: PolicyBlock, rng: np.random.Generator
) -> list[dict[str, Figure]]:
    """MCC, ACC_step, ACC_reason and MR-Score of each model, each with n and an interval.

    Questions are resampled, the same for all models. Where only some reasons were ruled on, those
    speak for the others: ACC_reason = ACC_step · the share that holds of the ruled ones.
    """
    questions = 1 + max(int(model.question.max()) for model in models)
    sums = np.zeros((questions, len(models), 9))
    for place, model in enumerate(models):
        np.add.at(sums[:, place], model.question, model.columns())
    samples = np.concatenate(
        [
            resampled(
                multinomial_weights(rng, min(SLAB, policy.resamples - start), questions), sums
            )
            for start in range(0, policy.resamples, SLAB)
        ]
    )
    return [
        _figures(model, samples[:, place], policy.confidence) for place, model in enumerate(models)
    ]


def _parts(counts: Array) -> dict[str, Array]:
    """The three parts and the whole of (…, 9) counts; NaN where undefined."""
    tables = counts[..., :6].reshape(*counts.shape[:-1], 2, 3)
    step = ratio(counts[..., STEP], tables[..., 0, :].sum(axis=-1))
    holds = ratio(counts[..., GOOD], counts[..., RULED])
    made = {
        "mcc": STATISTICS["mcc"](failures_count_as_wrong(tables)),
        "step_accuracy": step,
        "reason_accuracy": np.where(step == 0, 0.0, step * holds),
    }
    parts = [weight * np.maximum(made[name], 0) for name, weight in WEIGHTS.items()]
    return made | {"mr_score": np.sum(parts, axis=0)}


def _figures(model: Critiques, samples: Array, confidence: float) -> dict[str, Figure]:
    counts = model.columns().sum(axis=0).astype(np.float64)
    values, resamples = _parts(counts), _parts(samples)
    made: dict[str, Figure] = {}
    for name, value in values.items():
        over = model.question[model.right == 0] if "accuracy" in name else model.question
        if np.isnan(value):
            made[name] = undefined_figure(_why(name, model, counts, made))
        elif len(np.unique(over)) < 2:
            made[name] = figure(float(value), np.nan, np.nan) | {"reason": ONE_QUESTION}
        else:
            ends = percentile_interval(resamples[name], confidence)
            made[name] = figure(float(value), *(float(end) for end in ends))
            made[name] |= _unmoved(name, model, counts, made, confidence)
        made[name]["n"] = len(over)
    return made


def _unmoved(
    name: str, model: Critiques, counts: Array, made: dict[str, Figure], confidence: float
) -> Figure:
    """Other ends where a bootstrap would claim certainty, as of 12 of 12; else nothing."""
    if name == "mcc":
        table = failures_count_as_wrong(counts[:6].reshape(2, 3))
        if table[0, 1] or table[1, 0]:
            return {}
        questions = len(np.unique(model.question))
        ends = no_disagreement_interval(STATISTICS["mcc"], table, questions, confidence)
        return figure(made[name]["value"], *ends) | {"note": NO_DISAGREEMENT}
    if name == "step_accuracy":
        wrong = model.question[model.right == 0]
        if 0 < counts[STEP] < len(wrong):
            return {}
        ends = _share(counts[STEP] / len(wrong), wrong, confidence)
        return {"low": ends[0], "high": ends[1], "note": EXACT}
    step = made["step_accuracy"]
    if name == "reason_accuracy":
        if 0 < counts[GOOD] < counts[RULED] or step["low"] is None:
            return {}
        ruled = model.question[(model.step == 1) & (model.whole != UNRULED)]
        ends = _share(counts[GOOD] / counts[RULED], ruled, confidence) if len(ruled) else (0, 1)
        return {"low": step["low"] * ends[0], "high": step["high"] * ends[1], "note": EXACT}
    parts = [(made[part], weight) for part, weight in WEIGHTS.items()]
    if not any("note" in part for part, _ in parts) or any(
        part["low"] is None for part, _ in parts
    ):
        return {}
    low, high = (sum(w * max(0.0, part[end]) for part, w in parts) for end in ("low", "high"))
    return {"low": low, "high": high, "note": WIDENED}


def _share(share: float, questions: IntArray, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's interval by questions: one's critiques may all go the same way."""
    m = np.asarray(len(np.unique(questions)))
    low, high = clopper_pearson(share * m, m, confidence)
    return float(low), float(high)


def _why(name: str, model: Critiques, counts: Array, made: dict[str, Figure]) -> str:
    """Why the figure is undefined, in words; MR-Score is so for the reason of its part."""
    if name == "mr_score":
        return next(str(made[p]["reason"]) for p in WEIGHTS if made[p]["value"] is None)
    if model.right.all():
        return "undefined: no solution is wrong"
    if name == "reason_accuracy":
        named = f"{counts[STEP]:,.0f} critique{'' if counts[STEP] == 1 else 's'}"
        return f"undefined: nobody has ruled on the reason of any of {named} with the right step"
    if not model.right.any():
        return "undefined: no solution is right"
    return "undefined: all solutions are called the same"
