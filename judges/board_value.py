"""The leaderboard as one value: the rows, and all that is compared within them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from judges import compression, robustness, strategies
from judges.entries import entries
from judges.leaderboard import Board, CorrectedFigures, leaderboard, resample
from judges.panel import members_of
from judges.robustness import Changed, changed_items
from judges.solutions import solutions_judged
from judges.tables import load_audit, study_judges
from judges.views import views
from samples.records import Spec, Warrant
from samples.store import Store
from samples.study import Study

NO_RULE = ("llm", "imported", "constant")  # kinds of judges that name no degenerate answer


def board_value(
    study: Study,
    store: Store,
    granted: Warrant,
    now: str,
    corrected: CorrectedFigures | None = None,
) -> dict[str, Any]:
    """Read the study and make its whole leaderboard."""
    board = resample(entries(study, store, granted), np.random.default_rng(study.seed))
    asked = store.asked()
    critiques: list[dict[str, Any]] = []
    if any(one.answer_type == "critique" for one in asked):
        critiques = solutions_judged(study, store, load_audit(study, store))
    return whole(
        board,
        granted,
        study.name,
        study.policy.confidence,
        now,
        changed=changed_items(asked),
        critiques=critiques,
        names_degenerate=names_degenerate(study_judges(study, store)[granted.judge]),
        corrected=corrected,
    )


def whole(
    board: Board,
    granted: Warrant,
    study: str,
    confidence: float,
    now: str,
    *,
    changed: Sequence[Changed] = (),
    critiques: Sequence[dict[str, Any]] = (),
    names_degenerate: bool = True,
    corrected: CorrectedFigures | None = None,
) -> dict[str, Any]:
    """The JSON value; ``changed`` items, ``critiques`` and ``corrected`` figures where there are.

    ``methods`` says in words how each part was computed.
    """
    value = leaderboard(board, granted, study, confidence, now, corrected)
    value["compression"] = compression.compression(board, confidence, names_degenerate)
    value["strategies"] = strategies.strategies(board, confidence)
    value["robustness"] = robustness.robustness(board, changed, confidence)
    value["reasoning"] = list(critiques)
    value["views"] = views(value["rows"])
    value["methods"] = {
        "compression": compression.METHOD,
        "strategies": strategies.METHOD,
        "robustness": robustness.METHOD,
        "reasoning": "MR-Score (Zeng et al. 2023): 0.2 max(0, MCC) + 0.3 step + 0.5 reason",
    }
    return value


def names_degenerate(judge: Spec) -> bool:
    """Whether this judge, or a member of it, is a rule, which names what is no answer."""
    return any(one.body["kind"] not in NO_RULE for one in members_of(judge) or [judge])
