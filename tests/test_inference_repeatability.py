"""Asking again: which answers, with which seeds, and what is kept of what changed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_road import NOW, collect_all, edit, nothing, write, write_files

from inference import collect
from inference.repeatability import KIND, Again, choose, line, run
from samples.cli import opened
from samples.store import Store
from samples.study import Study

Road = tuple[Study, Store]


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    """Two tasks, two strategies and two draws of a sampled model; a greedy one."""
    path = write_files(tmp_path)
    sampled = (
        '\nstrategies = ["direct", "cot"]\ndraws = 2\nsampling = { temperature = 1.0, seed = 4 }'
    )
    edit(path, '"good.jsonl"', '"good.jsonl"' + sampled)
    edit(path, "limit = 12", 'limit = 12\n[[task]]\nname = "facts"\nlimit = 6')
    write(
        path.with_name("good.jsonl"),
        [{"seed": 4, "text": "first draw"}, {"seed": 5, "text": "second draw"}],
    )
    with opened(path, create=True) as pair:
        collect_all(*pair)
        yield pair


def chosen(road: Road, number: int) -> list[Again]:
    return choose(*road, collect.plan(*road), number)


def test_the_choice_is_spread_over_tasks_and_strategies(road: Road) -> None:
    good, bad = chosen(road, 8)
    places = Counter((item.task, job.strategy) for job, item, _ in good.answers)
    assert places == {(t, s): 2 for t in ("sums", "facts") for s in ("direct", "cot")}
    assert Counter(item.task for _, item, _ in bad.answers) == {"sums": 4, "facts": 4}
    for job, item, response in good.answers:
        assert (response.item, response.spec) == (item.id, job.spec.id)
    assert {response.draw for *_, response in chosen(road, 60)[0].answers} == {0, 1}


def test_the_choice_is_the_seeds_and_a_larger_one_begins_with_it(road: Road) -> None:
    few, many = chosen(road, 5)[0].answers, chosen(road, 20)[0].answers
    assert chosen(road, 5)[0].answers == few == many[:5]
    assert len({response.id for *_, response in many}) == 20
    study, store = road
    edit(study.at("study.toml"), "[rubric]", "seed = 1\n[rubric]")
    with opened(study.at("study.toml")) as (other, _):
        jobs = collect.plan(study, store)  # the same answers, drawn by another seed
        assert choose(other, store, jobs, 5)[0].answers != few


def test_too_few_answers_are_all_asked_again_and_textless_ones_not_at_all(road: Road) -> None:
    assert [len(again.answers) for again in chosen(road, 1000)] == [72, 18]
    study, _ = road
    edit(study.at("study.toml"), "strategies", 'revision = "b"\nstrategies')
    write(study.at("good.jsonl"), [{"finish": "too_long"}])
    with opened(study.at("study.toml")) as pair:
        collect_all(*pair)
        assert [again.block.name for again in chosen(pair, 9)] == ["bad"]


def test_what_repeats_is_the_same_and_each_draw_has_its_seed(road: Road) -> None:
    study, store = road
    counts, seen = store.counts(), []
    events, failed = run(study, store, chosen(road, 30), seen.append, lambda: NOW)
    assert failed == {} and len(seen) == 30 + 18
    assert [e.id for e in store.events(KIND)] == [e.id for e in events]
    assert [(e.subject, e.body["n"], e.body["texts"]) for e in events] == [
        ("good", 30, {}),
        ("bad", 18, {}),
    ]
    assert events[0].body["engine"]["engine"] == "replay"
    assert (events[0].body["sampling"]["seed"], events[0].body["facts"]["rows"]) == (4, 2)
    assert store.counts() == counts | {"events": counts["events"] + 2}
    assert line(events[0]) == (
        "good: asked again with the same seed and settings, 0 of 30 texts changed"
    )


def test_what_changed_is_kept_with_its_text(road: Road) -> None:
    study, store = road
    rows = [
        {"seed": 5, "match": "+", "finish": "error", "error": "busy"},
        {"seed": 5, "text": "second draw"},
        {"text": "another", "finish": "length"},
    ]
    write(study.at("good.jsonl"), rows)
    again = chosen(road, 72)
    (event, _), _ = run(study, store, again, nothing, lambda: NOW)
    by_id = {r.id: r for r in store.responses()}
    # 12 sums and 6 facts in two strategies: the first draw of each changed, the sums' second failed
    assert (event.body["n"], event.body["textless"]) == (48, 24)
    assert {by_id[key].draw for key in event.body["texts"]} == {0}
    assert len(event.body["texts"]) == 36
    assert set(event.body["texts"]) < set(event.body["responses"])
    assert list(event.body["texts"].values()) == [{"text": "another", "finish": "length"}] * 36
    assert line(event).endswith("36 of 48 texts changed; 24 got no text this time")
    assert {r.text for r in by_id.values() if r.model == "good"} == {"first draw", "second draw"}


def test_a_model_that_cannot_be_asked_again_does_not_stop_the_others(road: Road) -> None:
    study, store = road
    again = chosen(road, 3)
    study.at("good.jsonl").unlink()
    events, failed = run(study, store, again, nothing, lambda: NOW)
    assert [event.subject for event in events] == ["bad"]
    assert set(failed) == {"good"} and "good.jsonl" in failed["good"]
