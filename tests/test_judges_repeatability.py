"""Answers asked for again: what the report says of texts and final answers that changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_road import NOW, STUDY, answers_in, edit, nothing, walk, write

from inference import collect
from inference import repeatability as again
from judges.evidence import weigh
from judges.repeatability import repeatability
from judges.report import report_html, report_markdown, report_value
from judges.tables import load_audit
from samples.cli import opened
from samples.store import Store
from samples.study import Study

SAMPLED = STUDY.replace(
    'model = "good.jsonl"', 'model = "good.jsonl"\nsampling = { temperature = 0.7, seed = 40 }'
)


@pytest.fixture
def road(tmp_path: Path) -> Iterator[tuple[Study, Store]]:
    walk(tmp_path, **{"study.toml": SAMPLED})
    with opened(tmp_path / "study.toml") as pair:
        yield pair


def ask_again(study: Study, store: Store, now: str = NOW) -> None:
    chosen = again.choose(study, store, collect.plan(study, store), 12)
    _, failed = again.run(study, store, chosen, nothing, lambda: now)
    assert failed == {}


def test_nothing_is_said_where_nothing_was_asked_again(road: tuple[Study, Store]) -> None:
    assert repeatability(*road) == []


def test_an_engine_that_repeats_itself_has_an_interval_all_the_same(
    road: tuple[Study, Store],
) -> None:
    ask_again(*road)
    (engine,) = repeatability(*road)
    assert (engine["engine"], engine["n"], engine["textless"]) == ("replay", 24, 0)
    assert [(one["model"], one["n"]) for one in engine["models"]] == [("good", 12), ("bad", 12)]
    # Clopper–Pearson for 0 of n: 1 - (0.05 / 2) ** (1 / n)
    assert engine["texts_changed"] == {
        "value": 0.0,
        "low": 0.0,
        "high": pytest.approx(1 - 0.025 ** (1 / 24)),
        "changed": 0,
    }
    assert engine["models"][0]["answers_changed"]["high"] == pytest.approx(1 - 0.025 ** (1 / 12))


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [
        ("The answer is SUM.", "It is SUM, so the answer is SUM.", False),  # right both times
        ("The answer is SUM.", "The answer is 99.", True),
        ("The answer is 99.", "So: the answer is 99.", False),  # the same wrong answer
        ("The answer is 99.", "The answer is 98.", True),
        ("I do not know.", "I cannot say.", False),  # none is read either time
        ("I do not know.", "The answer is 99.", True),
        ("<think>99</think>The answer is SUM.", "<think>98</think>The answer is SUM.", False),
    ],
)
def test_a_text_may_change_and_its_final_answer_stay(
    tmp_path: Path, first: str, second: str, changed: bool
) -> None:
    walk(tmp_path, **{"study.toml": SAMPLED, "good.jsonl": answers_in(first)})
    with opened(tmp_path / "study.toml") as (study, store):
        before = list(store.responses())
        write(study.at("good.jsonl"), answers_in(second))
        ask_again(study, store)
        (engine,) = repeatability(study, store)
        good = engine["models"][0]
        assert good["texts_changed"]["changed"] == 12
        assert good["answers_changed"]["changed"] == 12 * changed
        assert engine["texts_changed"]["value"] == 0.5  # the other model's stay the same
        assert list(store.responses()) == before  # the second texts are no answers of the study


def test_the_newest_measurement_counts_and_only_of_models_as_they_are(
    road: tuple[Study, Store],
) -> None:
    study, store = road
    ask_again(study, store)
    write(study.at("good.jsonl"), answers_in("The answer is 99."))
    ask_again(study, store, NOW.replace("2026-01-31", "2026-02-01"))
    (engine,) = repeatability(study, store)
    good = engine["models"][0]
    assert good["measured_at"].startswith("2026-02-01") and good["answers_changed"]["value"] == 1
    path = study.at("study.toml")
    edit(path, "seed = 40", "seed = 41")
    with opened(path) as (changed, _):
        (engine,) = repeatability(changed, store)
        assert [one["model"] for one in engine["models"]] == ["bad"]


def test_the_pages_say_it(road: tuple[Study, Store]) -> None:
    study, store = road
    write(study.at("good.jsonl"), [{"text": "<b>The</b> answer is 99."}])
    ask_again(study, store)
    audit = load_audit(study, store)
    evidence = weigh(audit, study.policy, study.seed)
    value = report_value(study, audit, evidence, store.warrants(), NOW)
    assert 'id="repeatability"' not in report_html(value)
    value["repeatability"] = repeatability(study, store)
    for page in (report_html(value), report_markdown(value)):
        words = " ".join(page.split())
        assert "1.00 [0.74" in words.replace('<span class="ends">', "")  # 12 of 12: 0.025 ** (1/12)
        assert "0.50 [" in words.replace('<span class="ends">', "")  # both models together
        assert "nothing promises that a run repeats" in words
