"""The leaderboard as one value: the rows, and all that is compared within them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from judges import compression, robustness, strategies
from judges.calibrated import Places, calibrated
from judges.entries import entries
from judges.leaderboard import Board, CorrectedFigures, leaderboard, resample
from judges.mandates import Mandate, by_judge
from judges.panel import members_of
from judges.robustness import Changed, changed_items
from judges.solutions import solutions_judged
from judges.tables import Audit, load_audit, study_judges
from judges.views import views
from samples import numbered
from samples.records import Spec, Warrant
from samples.store import Store
from samples.study import Study

NO_RULE = ("llm", "imported", "constant")  # kinds of judges that name no degenerate answer


def board_value(
    study: Study, store: Store, granted: Mapping[str, Warrant], now: str
) -> dict[str, Any]:
    """Read the study and make its whole leaderboard; ``granted`` is the warrant of each task."""
    board = resample(entries(study, store, granted), np.random.default_rng(study.seed))
    asked, audit, judges = numbered.asked(store), load_audit(study, store), by_judge(granted)
    critiques: list[dict[str, Any]] = []
    if any(one.answer_type == "critique" for one in asked):
        critiques = solutions_judged(study, store, audit)
    places, confidence = audit_places(store, audit, board), study.policy.confidence
    known = study_judges(study, store)
    return whole(
        board,
        judges,
        study.name,
        confidence,
        now,
        changed=changed_items(asked),
        critiques=critiques,
        names_degenerate=all(names_degenerate(known[one.judge]) for one in judges),
        corrected=calibrated(board, audit, places, judges, study.seed, confidence),
    )


def audit_places(store: Store, audit: Audit, board: Board) -> Places:
    """Where the board has the audit's cases; answers made by other settings are not on it."""
    entry_of = {spec: e for e, entry in enumerate(board.entries) for spec in entry.specs}
    rows = store.audit_places(audit.audit_set.id)
    return Places(
        np.array([entry_of.get(spec, -1) for spec, _ in rows], dtype=np.int64),
        np.array([item for _, item in rows], dtype=np.int64),
    )


def whole(
    board: Board,
    judges: Sequence[Mandate],
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
    value = leaderboard(board, judges, study, confidence, now, corrected)
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
