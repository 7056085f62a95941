"""Changed questions against their seeds, by hand and on GSM-Plus as published."""

import numpy as np
import pytest
from small_board import JUDGES, cell
from small_road import NOW

from judges.board_value import whole
from judges.entries import Entry
from judges.leaderboard import resample
from judges.robustness import ALL, changed_items
from samples.numbered import Asked
from samples.tasks import TaskOptions, load_task


def asked(number: int, task: str, question: str, kind: str = "", seed: str = "") -> Asked:
    meta = {"perturbation_type": kind, "seed_question": seed} if seed else {}
    return Asked(number, task, str(number), question, "number", meta)


ITEMS = [
    *(asked(n, "gsm8k", f"question {n}") for n in range(1, 9)),
    *(asked(10 + n, "plus", f"re {n}", "rephrased", f"question  {n}\n") for n in range(1, 9)),
    *(asked(20 + n, "plus", f"more {n}", "numbers", f"question {n}") for n in range(1, 5)),
    asked(30, "plus", "of nothing", "numbers", "never asked"),
]


def value(base: str, rephrased: str, numbers: str):
    parts = cell(rephrased, first=11), cell(numbers, first=21)
    cells = {"gsm8k": cell(base, first=1), "plus": parts[0].with_(parts[1])}
    board = resample([Entry("m", "cot", cells)], np.random.default_rng(1))
    made = whole(board, JUDGES, "small", 0.95, NOW, changed=changed_items(ITEMS))
    return {row["change"]: row for row in made["robustness"]}


def test_seeds_are_found_by_their_text_and_others_left_out() -> None:
    groups = {one.kind: one for one in changed_items(ITEMS)}
    assert groups["rephrased"].seeds.tolist() == list(range(1, 9))
    assert groups["numbers"].items.tolist() == [21, 22, 23, 24]
    assert {one.seed_task for one in groups.values()} == {"gsm8k"}


def test_the_drop_by_kind_is_paired_by_seed() -> None:
    found = value("11110000", "11000000", "1111")
    assert list(found) == [ALL, "numbers", "rephrased"]
    rephrased = found["rephrased"]
    assert (rephrased["seed"], rephrased["changed"], rephrased["seeds"]) == (0.5, 0.25, 8)
    assert rephrased["difference"]["value"] == -0.25
    assert rephrased["difference"]["low"] < -0.25 < rephrased["difference"]["high"]
    numbers = found["numbers"]  # only the seeds that were changed so are its base
    assert (numbers["seed"], numbers["changed"], numbers["difference"]["value"]) == (1, 1, 0)
    everything = found[ALL]
    assert (everything["n"], everything["seeds"]) == (12, 8)
    assert everything["changed"] == pytest.approx(6 / 12)
    assert all(row["p"] <= row["p_holm"] for row in found.values())


def test_what_is_not_graded_on_either_side_is_no_pair() -> None:
    found = value("uuuu0000", "11110000", "1111")
    assert found["rephrased"]["seeds"] == 4
    none = found["numbers"]
    assert (none["seeds"], none["seed"], none["difference"]["value"]) == (0, None, None)
    assert none["p"] is None and none["p_holm"] is None


def test_a_model_without_the_seed_task_has_no_row() -> None:
    board = resample([Entry("m", "cot", {"plus": cell("1", first=11)})], np.random.default_rng(1))
    made = whole(board, JUDGES, "small", 0.95, NOW, changed=changed_items(ITEMS))
    assert made["robustness"] == []


def test_gsm_plus_as_published_finds_its_seeds(shared_data) -> None:
    plus = shared_data("task_gsm_plus") / "gsmplus_testmini.jsonl"
    folder = shared_data("task_gsm8k")
    base = next(path for path in sorted(folder.glob("*test*.jsonl")))
    items = [
        *load_task(TaskOptions("gsm8k", path=base), "gsm8k").items,
        *load_task(TaskOptions("gsm-plus", path=plus), "gsm-plus").items,
    ]
    rows = [
        Asked(number, item.task, item.key, item.question, item.answer_type, dict(item.meta))
        for number, item in enumerate(items, start=1)
    ]
    groups = changed_items(rows)
    assert len(groups) == 8 and sum(len(one.items) for one in groups) > 2300
