"""The full run on a Ray cluster: engines in its processes, the writer and the judge in this one."""

from pathlib import Path

import pytest
from readme import run as command
from small_road import approve, collect_all, edit, freeze_all, judge_all, label_all, write_files
from tiny_model import build_tiny_model

pytest.importorskip("ray", reason="Ray is not installed")

from samples.cli import opened


@pytest.mark.slow
def test_a_cluster_answers_while_the_judge_grades_here(tmp_path: Path) -> None:
    build_tiny_model(tmp_path / "tiny")
    path = write_files(tmp_path)
    edit(
        path,
        'engine = "replay"\nmodel = "good.jsonl"',
        'engine = "hf"\nmodel = "./tiny"\nsampling = { max_tokens = 6 }\ndtype = "float32"\n'
        "run = { cluster = { workers = 1, block = 4 } }",
    )
    edit(
        path, 'statistic = "cohen_kappa"\nat_least = 0.4', 'statistic = "accuracy"\nat_least = 0.0'
    )
    edit(path, "limit = 12", "limit = 6")
    with opened(path, create=True) as (study, store):
        assert collect_all(study, store) == {}
        freeze_all(study, store)
        judge_all(study, store)
        label_all(study, store)
        assert approve(study, store, "rules").decision == "approved"
    edit(path, "limit = 6", "limit = 40")
    said = command("benchmark", "--judge", "rules", "--cluster", "auto", "--study", str(path))
    assert "done; `benchwarrant leaderboard` shows it" in said, said
    with opened(path) as (study, store):
        spec = next(one for one in store.specs("judge") if one.name == "rules")
        assert store.counts()["responses"] == 80
        assert len(store.judged(spec.id, study.rater_question.id)) == 80
        ran = store.events("model ran")[-2:]
        assert {event.body["ray"] for event in ran} and {
            event.body["workers"] for event in ran
        } == {1}
        assert list(store.faults()) == []
    again = command("benchmark", "--judge", "rules", "--cluster", "auto", "--study", str(path))
    assert "done" in again
