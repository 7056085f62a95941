"""By answer format: how often does a judge accept wrong answers, and reject right ones?

A parser may read boxed answers well and running text badly, which a pooled figure hides. The format
follows from the response's text and its item, so it is computed once per report and stored nowhere.
"""

from collections import Counter
from typing import Any

import numpy as np

from judges.agreement import STATISTICS
from judges.answers import FORMATS, answer_format, blank_prompt
from judges.figures import ERROR_RATES, HANDLINGS, Resamples, agreement_figures, count, one_minus
from judges.tables import Audit, JudgeRun
from samples.records import Case
from samples.spoken import spoken
from samples.study import PolicyBlock

NO_TEXT = FORMATS.index("no text")


def answer_form(case: Case) -> str:
    """Its format as a rule judge reads it, without thoughts and what repeats the prompt."""
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
    used = {name: STATISTICS[name] for name in ERROR_RATES.values()}
    made = agreement_figures(slices, audit, policy, policy.failures, used)
    shares_of = HANDLINGS[policy.failures](slices.plain.astype(np.float64)).sum(axis=-1)
    failures: dict[int, Counter[str]] = {code: Counter() for code in range(len(made))}
    for row in np.flatnonzero(
        (audit.reference.values >= 0) & (run.verdicts == len(audit.rubric.labels))
    ):
        failures[formats[row]][run.kinds[row] or "missing"] += 1
    return {
        FORMATS[code]: {
            "n": group["n"],
            "false_accept": one_minus(group["specificity"], shares_of[code, :-1].sum()),
            "false_reject": one_minus(group["sensitivity"], shares_of[code, -1]),
            "failures": dict(failures[code].most_common()),
        }
        for code, group in enumerate(made)
        if slices.cases[code]
    }
