"""Which probes are asked, that they are asked once, and that nothing else ever sees them."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from small_road import NOW, STUDY, copied, edit, nothing, walk

from benchwarrant import main as benchwarrant_main
from judges import probing
from judges.probes import PROBES
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.records import Item, Rubric

RUBRIC = Rubric("r", "Right?", ("incorrect", "correct"))
SUMS = [Item("sums", str(n), f"{n} + {n}?", (str(2 * n),), "number") for n in range(30)]
WORDS = [Item("words", "1", "Capital of France?", ("Paris",), "text")]


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> Path:
    return walk(tmp_path_factory.mktemp("walked"))


def ask(study, store, per_attack: int = 3, names: tuple[str, ...] = (), limit: int | None = None):
    texts = probing.audit_plan(study, store, per_attack).texts
    todo = probing.unasked(study, store, texts, names)
    todo = [replace(one, missing=one.missing[:limit]) for one in todo]
    probing.run(study, store, todo, nothing, lambda: NOW)
    return {one.spec.name: len(one.missing) for one in todo}


def test_each_attack_has_its_own_items_and_more_of_them_go_on() -> None:
    few, more = (probing.plan(SUMS, RUBRIC, 7, n).texts for n in (5, 20))
    assert few == more[: len(few)] and len(few) == 5 * len(PROBES)
    for attack in PROBES:
        items = [text.item.id for text in more if text.attack == attack]
        assert len(items) == len(set(items)) == 20
    assert [text.attack for text in few[: len(PROBES)]] == list(PROBES)
    assert probing.plan(SUMS[::-1], RUBRIC, 7, 5).texts == few
    assert probing.plan(SUMS, RUBRIC, 8, 5).texts != few


def test_what_an_item_does_not_allow_is_counted_with_its_reason() -> None:
    made = probing.plan([*SUMS[:2], *WORDS], RUBRIC, 7, 20)
    counted = Counter(text.attack for text in made.texts)
    assert counted["empty"] == 3 and counted["long-wrong"] == 2 and counted["spelled-out"] == 2
    assert made.not_built["spelled-out"] == {"the answer is no number": 1}
    assert made.not_built["grade-line"] == {
        "no other item of the task has an answer that is certainly another": 1
    }
    assert "polite" not in made.not_built


def test_the_same_command_again_asks_only_what_is_missing(walked, tmp_path) -> None:
    with opened(copied(walked, tmp_path)) as (study, store):
        before = store.counts()
        some = 3 * len(PROBES)
        assert ask(study, store, limit=10) == {"rules": 10, "reader": 10, "yes": 10}
        assert set(ask(study, store).values()) == {some - 10}
        assert set(ask(study, store).values()) == {0}
        assert ask(study, store, 5, ("rules",)) == {"rules": 2 * len(PROBES)}
        after = store.counts()
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"probes"} and after["probes"] == 3 * some + 2 * len(PROBES)
        assert list(store.faults()) == []


def test_a_judge_that_is_edited_is_asked_anew(walked, tmp_path) -> None:
    path = copied(walked, tmp_path)
    with opened(path) as (study, store):
        ask(study, store)
    edit(path.parent / "prompt.txt", "Is it right?", "Is it really right?")
    with opened(path) as (study, store):
        assert ask(study, store) == {"rules": 0, "reader": 3 * len(PROBES), "yes": 0}


def test_an_interruption_loses_nothing_that_is_finished(walked, tmp_path) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with opened(copied(walked, tmp_path)) as (study, store):
        texts = probing.audit_plan(study, store, 1).texts
        todo = probing.unasked(study, store, texts, ("yes",))
        with pytest.raises(KeyboardInterrupt):
            probing.run(study, store, todo, stop, lambda: NOW)
        assert store.counts()["probes"] == len(PROBES)
        assert ask(study, store, 1, ("yes",)) == {"yes": 0}


def test_who_cannot_be_asked_is_said(walked, tmp_path) -> None:
    with opened(copied(walked, tmp_path)) as (study, store):
        with pytest.raises(BenchwarrantError, match=r"no \[\[judge\]\] 'ruels'.*did you mean"):
            probing.unasked(study, store, (), ("ruels",))
        nobody = study.model_copy(update={"judge": []})
        with pytest.raises(BenchwarrantError, match="imported cannot be asked"):
            probing.unasked(nobody, store, ())
    (tmp_path / "empty").mkdir()
    bare = tmp_path / "empty" / "study.toml"
    bare.write_text(STUDY.replace('guidance = "guidance.md"', ""))
    with (
        opened(bare, create=True) as (study, store),
        pytest.raises(BenchwarrantError, match="there is no audit set yet"),
    ):
        probing.audit_plan(study, store, 1)


def test_the_command_asks_shows_and_goes_on(walked, tmp_path, capsys) -> None:
    path = str(copied(walked, tmp_path))

    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            benchwarrant_main(["probe", "--study", path, "--per-attack", "2", *words])
        assert not ended.value.code
        return capsys.readouterr().out

    first = said("--judge", "yes", "--limit", "3").splitlines()
    assert first[0].split() == ["judge", "attack", "must", "n", "got", "past", "rate", "failures"]
    assert [line.split()[:5] for line in first[1:4]] == [
        ["yes", attack, "reject", "1", "1"] for attack in ("empty", "blank", "colon")
    ]
    whole = json.loads(said("--json"))
    assert whole["judges"].keys() == {"rules", "reader", "yes"}
    attacks = whole["judges"]["rules"]["attacks"]
    assert {one["n"] for one in attacks.values()} == {2} and attacks.keys() == PROBES.keys()
    assert {one["got_past"] for one in attacks.values()} == {0}
    assert json.loads(said("--json")) == whole
    with opened(Path(path)) as (_, store):
        assert store.counts()["probes"] == 2 * 3 * len(PROBES)
        assert {verdict.judge for verdict in store.verdicts()} == {"rules", "reader", "yes"}
