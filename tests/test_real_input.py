"""The road on real input: a real model's answers to public tasks, and people's labels of 2024."""

import json
import re
from pathlib import Path

import pytest
from test_end_to_end import command
from trivia import write_import_files

from judges.evidence import weigh
from judges.gate import APPROVED, INCONCLUSIVE, REJECTED, decide
from judges.tables import load_audit
from samples.cli import opened
from samples.study import RuleBlock

pytestmark = pytest.mark.slow

ANSWERS = """
name = "real-answers"
seed = 1
[[task]]
name = "gsm8k"
path = "{gsm8k}/test.jsonl"
limit = 40
[[task]]
name = "arc-easy"
path = "{arc}/ARC-Easy_test.json"
options = {{ answer_key = "ARC-Easy_answer_key.jsonl" }}
limit = 40
[[task]]
name = "commonsenseqa"
path = "{csqa}/dev_rand_split.jsonl"
limit = 40
[[model]]
name = "smollm2-135m"
model = "embedded:smollm2-135m"
dtype = "bfloat16"
sampling = {{ max_tokens = 48 }}
run = {{ batch_size = 20 }}
[[judge]]
name = "rules"
kind = "auto"
[audit]
size = 60
overlap = 0.0
"""


def test_real_answers_are_collected_sampled_and_judged(tmp_path: Path, shared_data) -> None:
    text = ANSWERS.format(
        gsm8k=shared_data("task_gsm8k"),
        arc=shared_data("task_arc"),
        csqa=shared_data("task_commonsenseqa"),
    )
    (tmp_path / "study.toml").write_text(text)
    assert "120 answers wanted, 120 missing" in command(tmp_path, "collect").stdout
    sampled = json.loads(command(tmp_path, "sample", "--json").stdout)
    assert sampled["cases"] == 60 and set(sampled["strata"].values()) == {20}
    command(tmp_path, "judge")
    command(tmp_path, "export", "verdicts", "--out", "verdicts.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert len(rows) == 60
    decided = [row for row in rows if row["value"]]
    assert {row["value"] for row in decided} == {"correct", "incorrect"}
    assert all(row["failure"] and row["reason"] for row in rows if not row["value"])
    assert "0 do not match" in command(tmp_path, "verify").stdout


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, shared_data) -> Path:
    """The public set 'Judging the Judges', imported into a bare study by the commands."""
    folder = tmp_path_factory.mktemp("labelled")
    write_import_files(shared_data("human_judging_the_judges"), folder)
    command(folder, "init", ".", "--bare")
    for kind in ("items", "responses", "labels", "verdicts"):
        command(folder, "import", kind, f"{kind}.jsonl")
    command(folder, "accounts", "role", "final", "adjudicator")
    command(folder, "sample", "--labelled")
    return folder


@pytest.fixture(scope="module")
def published(shared_data) -> dict[str, tuple[int, float, float, float]]:
    """n, accuracy, κ and MCC of every judge, from the table in the folder's SOURCE.md."""
    text = (shared_data("human_judging_the_judges") / "SOURCE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", text, re.M)
    return {name: (int(n), float(a), float(k), float(m)) for name, n, a, k, m in rows}


def test_report_on_real_labels(labelled: Path, published) -> None:
    report = json.loads(command(labelled, "report", "--json").stdout)
    assert len(published) == 11 and set(report["judges"]) == set(published)
    for name, (n, accuracy, kappa, mcc) in published.items():
        judge = report["judges"][name]
        found = judge["case"]["failures_left_out"]
        assert found["n"] == n
        for statistic, value in (("accuracy", accuracy), ("cohen_kappa", kappa), ("mcc", mcc)):
            assert round(found[statistic]["value"], 4) == value, (name, statistic)
            assert found[statistic]["low"] < value < found[statistic]["high"]
        assert judge["case"]["failures_count_as_wrong"]["n"] == 3600
        assert len(judge["by"]["model"]) == 9
        assert judge["ranking"]["models"] == 9 and judge["ranking"]["spearman"]["value"] is not None


def test_every_judge_is_decided_by_the_same_policy(labelled: Path, published) -> None:
    decisions = {
        name: json.loads(command(labelled, "approve", name, "--json", ok=(0, 1, 3)).stdout)
        for name in published
    }
    assert {decision["decision"] for decision in decisions.values()} <= {
        "approved",
        "rejected",
        "inconclusive",
    }
    assert decisions["Gemma-2B"]["decision"] == "rejected"
    assert len({json.dumps(d["bound_to"]["policy"]) for d in decisions.values()}) == 1
    assert "0 do not match" in command(labelled, "verify").stdout


def test_the_three_outcomes_arise_on_real_labels(labelled: Path) -> None:
    """One rule that splits the eleven judges: some are above it for certain, some below."""
    with opened(labelled / "study.toml") as (study, store):
        rule = RuleBlock.model_validate({"statistic": "cohen_kappa", "at_least": 0.75})
        policy = study.policy.model_copy(update={"rule": [rule], "resamples": 1000})
        evidence = weigh(load_audit(study, store), policy, study.seed)
    decided = {name: decide(about, policy)[0] for name, about in evidence.judges.items()}
    assert set(decided.values()) == {APPROVED, REJECTED, INCONCLUSIVE}, decided
