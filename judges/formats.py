"""By answer format: how often does a judge accept wrong answers, and reject right ones?

A parser may read boxed answers well and running text badly, which a pooled figure hides. The format
follows from the response's text and its item, so it is computed once per report and stored nowhere.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from judges.agreement import STATISTICS, Array, IntArray, judge_cells
from judges.answers import FORMATS, answer_format, blank_prompt
from judges.figures import HANDLINGS, Figure, Resamples, agreement_figures, count
from judges.tables import Audit, JudgeRun
from samples.records import Case
from samples.spoken import spoken
from samples.store import Store
from samples.study import PolicyBlock

NO_TEXT = FORMATS.index("no text")
RATES = {"false_accept": "specificity", "false_reject": "sensitivity"}  # 1 − each


def with_formats(audit: Audit, store: Store) -> Audit:
    """The audit with each response's format; what was imported without a text has "no text"."""
    codes = np.full(len(audit.responses), NO_TEXT, dtype=np.int64)
    readable = store.readable(audit.audit_set.id)
    rows = [row for row, response in enumerate(audit.responses) if response in readable]
    cases = store.cases([audit.responses[row] for row in rows], audit.rubric)
    for row, case in zip(rows, cases, strict=True):
        codes[row] = FORMATS.index(_format(case))
    return replace(audit, formats=codes)


def _format(case: Case) -> str:
    """As a rule judge reads it: without thoughts, and without what repeats the prompt."""
    text = spoken(case.response.text or "", case.response.prompt)
    if case.response.prompt:
        text = blank_prompt(text, case.response.prompt)
    return answer_format(text, case.item)


def by_format(
    run: JudgeRun, audit: Audit, policy: PolicyBlock, draws: Resamples
) -> dict[str, dict[str, Any]]:
    """Both rates of every format that occurs, from the resamples that all other figures use.

    Each rate has the ``n`` of the answers that it is a share of. Empty where no response has a
    text.
    """
    formats = audit.formats
    if formats is None or (formats == NO_TEXT).all():
        return {}
    slices = count(audit, run.verdicts, formats, draws)
    used = {name: STATISTICS[name] for name in RATES.values()}
    made = agreement_figures(slices, audit, policy, policy.failures, used)
    shares_of = _shares_of(run, audit, formats, policy.failures)
    failures: dict[int, Counter[str]] = {code: Counter() for code in range(len(made))}
    for row in np.flatnonzero((audit.reference.values >= 0) & (run.verdicts == shares_of.shape[1])):
        failures[formats[row]][run.kinds[row] or "missing"] += 1
    return {
        FORMATS[code]: {
            "n": group["n"],
            "false_accept": _one_minus(group["specificity"], shares_of[code, :-1].sum()),
            "false_reject": _one_minus(group["sensitivity"], shares_of[code, -1]),
            "failures": dict(failures[code].most_common()),
        }
        for code, group in enumerate(made)
        if slices.cases[code]
    }


def _shares_of(run: JudgeRun, audit: Audit, formats: IntArray, handling: str) -> Array:
    """Plain numbers of answers that count, by format and people's label: (formats, K)."""
    rows, k = np.flatnonzero(audit.reference.values >= 0), len(audit.rubric.labels)
    cells = judge_cells(audit.reference.values[rows], run.verdicts[rows], k)
    size = k * (k + 1)
    plain = np.bincount(formats[rows] * size + cells, minlength=(int(formats.max()) + 1) * size)
    return np.asarray(HANDLINGS[handling](plain.reshape(-1, k, k + 1).astype(float)).sum(axis=-1))


def _one_minus(figure: Figure, n: float) -> Figure:
    """The share of the others: its interval is the share's, turned round."""
    turned = {"value": "value", "low": "high", "high": "low"}
    ends = {to: None if figure[of] is None else 1 - figure[of] for to, of in turned.items()}
    return figure | ends | {"n": int(n)}
