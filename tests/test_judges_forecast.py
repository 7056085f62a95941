"""What a run would take is told before anything is sent."""

from pathlib import Path

import pytest
from pytest import approx
from small_road import STUDY, edit, walk
from test_judges_costs import charge

from judges import grade
from judges.forecast import Forecast, as_values, forecast, table, total
from judges.judge import judge_spec
from judges.llm import checked_template, fill
from samples.cli import opened
from samples.store import Store
from samples.study import Study

NEW = """[[judge]]
name = "gpt"
kind = "llm"
engine = "openai"
model = "gpt-4o-mini"
prompt = "prompt.txt"
sampling = { max_tokens = 100, temperature = 0.5 }
repeats = 3
[[judge]]
name = "hard"
kind = "number"
[[judge]]
name = "cascade"
kind = "panel"
members = ["hard", "gpt"]
how = "cascade"
[[judge]]
name = "vote"
kind = "panel"
members = ["rules", "reader", "gpt"]
how = "majority"
[[price]]
model = "gpt-4o-mini"
input = 1.0
output = 10.0
[policy]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Half of the answers name no number; nobody has asked gpt, hard or the panels."""
    walk(tmp_path, **{"bad.jsonl": [{"text": "Hm."}]})
    edit(tmp_path / "study.toml", "[policy]\n", NEW)
    return tmp_path / "study.toml"


def of(study: Study, store: Store, *names: str) -> dict[str, Forecast]:
    responses = [response.id for response in store.responses()]
    todo = grade.dockets(study, store, responses, names)
    return {one.judge: one for one in forecast(study, store, todo)}


def test_calls_tokens_and_dollars_of_a_judge(path: Path) -> None:
    with opened(path) as (study, store):
        one = of(study, store, "gpt")["gpt"]
        block = next(block for block in study.judge if block.name == "gpt")
        template = checked_template("gpt", judge_spec(study, block).body["prompt"])
        responses = [response.id for response in store.responses()]
        cases = store.cases(responses, study.rater_question)
        read = 3 * sum(len(fill(template, case).encode()) for case in cases)
    assert (one.cases, one.calls, one.output_tokens) == (24, 72, 7200)
    assert one.input_tokens == read // 4
    assert one.usd == approx((one.input_tokens + 10 * 7200) / 1e6)
    assert (one.price, one.at_most, one.measured) == ("the study file", False, False)


def test_what_a_rule_decides_spares_calls(path: Path) -> None:
    """Found out without a request: the rule reads 12 of 24, and gpt is asked about the rest."""
    with opened(path) as (study, store):
        found = of(study, store, "cascade")
        assert (found["cascade: hard"].cases, found["cascade: hard"].calls) == (24, 0)
        assert (found["cascade: gpt"].cases, found["cascade: gpt"].calls) == (12, 36)
        assert found["cascade: gpt"].at_most and not found["cascade: hard"].at_most
        assert store.counts()["verdicts"] == 72  # those from before


def test_a_panel_pays_only_for_what_nobody_has_asked(path: Path) -> None:
    with opened(path) as (study, store):
        found = of(study, store)
        assert found["gpt"].calls == 72
        assert found["cascade: gpt"].calls == found["vote: gpt"].calls == 0
        assert found["vote: reader"].calls == 0  # it has judged them before
        alone = of(study, store, "vote")
    assert [alone[f"vote: {name}"].calls for name in ("rules", "reader", "gpt")] == [0, 0, 72]


def test_calls_that_were_made_tell_what_the_next_ones_take(path: Path) -> None:
    with opened(path) as (study, store):
        block = next(block for block in study.judge if block.name == "gpt")
        spec = judge_spec(study, block)
        store.add([spec, charge(spec, 0, 0.1), charge(spec, 1, 0.0, attempt=1)])
        one = of(study, store, "gpt")["gpt"]
    assert (one.input_tokens, one.output_tokens, one.measured) == (72 * 200, 72 * 14, True)


def test_the_table_marks_what_may_be_less_and_what_nobody_knows(path: Path) -> None:
    edit(path, 'model = "gpt-4o-mini"\ninput', 'model = "gpt-x"\ninput')
    edit(path, 'model = "gpt-4o-mini"\nprompt', 'model = "gpt-99"\nprompt')
    with opened(path) as (study, store):
        found = list(of(study, store, "cascade", "reader").values())
    columns, rows = table(found)
    cells = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    assert cells["cascade: gpt"]["calls"] == "≤ 36"
    assert cells["cascade: gpt"]["dollars"] == "unknown"
    assert "[[price]]" in cells["cascade: gpt"]["price"]
    assert cells["cascade: hard"]["calls"] == cells["cascade: hard"]["dollars"] == ""
    assert cells["reader"]["dollars"] == "$0.00"
    assert "cascade: gpt will cost, which nobody knows; nothing was sent" in total(found)
    assert as_values(found)["cascade: gpt"]["usd"] is None


def test_a_study_of_rules_costs_nothing(tmp_path: Path) -> None:
    walk(tmp_path, **{"study.toml": STUDY})
    with opened(tmp_path / "study.toml") as (study, store):
        found = list(of(study, store, "rules").values())
    assert total(found).startswith("0 calls, at most $0.00; nothing was sent\n")
