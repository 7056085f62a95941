"""People and judges on the public set NQ-open 301, against the figures in its SOURCE.md."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from open_qa import outputs, table
from sklearn.metrics import roc_auc_score
from small_road import policy

from judges.agreement import STATISTICS
from judges.consensus import Reference
from judges.evidence import Evidence, weigh
from judges.scores import GRADED
from judges.tables import Audit, JudgeRun
from samples.records import AuditSet, Rubric, Spec

YES = {"Yes": 1, "No": 0}
JUDGES = {"GPT-4": "NQ301_gpt-4.tsv", "BEM": "NQ301_BEM.tsv"}


@pytest.fixture(scope="module")
def folder(shared_data: Callable[[str], Path]) -> Path:
    return shared_data("human_openqa_nq301")


def davinci(path: Path) -> Iterator[int]:
    """Its verdicts: the file's rows have one field fewer than its header, so the place is fixed."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in list(csv.reader(file, delimiter="\t"))[1:]:
            yield YES.get(row[2], 2)


@pytest.fixture(scope="module")
def evidence(folder: Path) -> Evidence:
    """All 1,490 answers, their people and three judges, straight from the files."""
    rows = table(folder / "NQ301_human.tsv")
    verdicts = {
        name: [YES.get(row["Acceptable?"], 2) for row in table(folder / file)]
        for name, file in JUDGES.items()
    }
    verdicts["text-davinci-003"] = list(davinci(folder / "NQ301_text-davinci-003.tsv"))
    _, question = np.unique([row["id"] for row in rows], return_inverse=True)
    rubric = Rubric("final-answer", "Acceptable?", ("No", "Yes"))
    raters = ("annotator1", "annotator2", "annotator3")
    nothing = np.zeros(len(rows), dtype=np.int64)
    audit = Audit(
        audit_set=AuditSet(rubric.id, {"allocation": "labelled"}, "b2:00"),
        rubric=rubric,
        responses=tuple(str(number) for number in range(len(rows))),
        question=question,
        model=nothing,
        task=nothing,
        models=("all systems",),
        tasks=("nq",),
        strategies=("direct",),
        weight=np.ones(len(rows)),
        reference=Reference(
            values=np.array([YES[row["Acceptable?"]] for row in rows]),
            raters=raters,
            ratings=np.array([[YES.get(row[who], -1) for who in raters] for row in rows]),
            labels="human",
            adjudicated=0,
            ties=(),
            unlabelled=(),
            unsure=0,
        ),
        labels_digest="b2:00",
        judges={
            name: JudgeRun(
                Spec("judge", name, {"kind": "imported"}),
                np.array(given),
                {},
                0,
                f"b2:{name}",
                scores=bem_scores(folder) if name == "BEM" else None,
            )
            for name, given in verdicts.items()
        },
    )
    return weigh(audit, policy(resamples=1000, failures="left_out"), 7)


def bem_scores(folder: Path) -> np.ndarray:
    """BEM's probability that the answer means the same as a gold answer: the likeliest of them."""
    rows = table(folder / JUDGES["BEM"])
    return np.array([max(p[1] for p in json.loads(r["BEM probs per gold answer"])) for r in rows])


def figures_of(text: str) -> dict[str, tuple[int, float, float, float]]:
    """SOURCE.md's figures of each judge: n, accuracy, κ, MCC."""
    found = re.findall(
        r"([\w-]+) \{'n': (\d+), 'acc': ([\d.]+), 'kappa': ([\d.]+), 'mcc': ([\d.]+)\}", text
    )
    return {name: (int(n), *map(float, rest)) for name, n, *rest in found}


def test_two_people_on_the_doubly_labelled_answers(evidence: Evidence, folder: Path) -> None:
    text = (folder / "SOURCE.md").read_text("utf-8")
    n, agreement, kappa = re.search(
        r"Annotator 1 vs 2 \(n=(\d+)\): agreement (0\.\d+), Cohen kappa (0\.\d+)", text
    ).groups()
    found = evidence.ceiling["cohen_kappa"]
    assert found["n"] == int(n) == 1483
    assert round(found["value"], 4) == float(kappa)
    assert found["low"] < found["value"] < found["high"]
    # each of the two against the others, whom the third joins on the answers where they differ
    assert evidence.people["annotator1"]["n"] >= 1483 - 195
    assert float(agreement) == 0.8685
    said = [one["check"] for one in evidence.could_not_check]
    assert "agreement between people on the whole set" in said  # thirds were asked on hard ones


def test_three_judges(evidence: Evidence, folder: Path) -> None:
    published = figures_of((folder / "SOURCE.md").read_text("utf-8"))
    assert set(published) == set(evidence.judges) == {"GPT-4", "BEM", "text-davinci-003"}
    for name, (n, accuracy, kappa, mcc) in published.items():
        found = evidence.judges[name]["case"]["failures_left_out"]
        assert found["n"] == n
        for statistic, value in (("accuracy", accuracy), ("cohen_kappa", kappa), ("mcc", mcc)):
            assert round(found[statistic]["value"], 4) == value, (name, statistic)


def test_gpt_4_with_its_two_undecided_replies_read_as_no(evidence: Evidence) -> None:
    """Twice it cannot determine whether the answer is right: κ is .696 if that is a no."""
    counts = np.array(evidence.judges["GPT-4"]["confusion"])
    assert counts[:, 2].sum() == 2
    as_no = counts[:, :2] + np.stack([counts[:, 2], np.zeros(2)], axis=1)
    assert round(float(STATISTICS["cohen_kappa"](as_no)), 3) == 0.696


def test_the_scores_of_a_graded_judge(evidence: Evidence, folder: Path) -> None:
    people = np.array([YES[row["Acceptable?"]] for row in table(folder / "NQ301_human.tsv")])
    scores = bem_scores(folder)
    found = evidence.judges["BEM"]["graded"]["failures_left_out"]
    area = roc_auc_score(people, scores)
    assert found["n"] == 1490 and found["auroc"]["value"] == pytest.approx(area, abs=1e-10)
    assert found["brier"]["value"] == pytest.approx(np.mean((scores - people) ** 2), abs=1e-10)
    for name in GRADED:
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert evidence.judges["GPT-4"]["graded"] == {}


def test_the_ranking_of_twelve_systems(folder: Path) -> None:
    text = (folder / "SOURCE.md").read_text("utf-8")
    published = dict(re.findall(r"'([\w-]+)': (0\.\d+)", text.partition("matched answers:")[2]))
    human = {
        (row["Question"].lower(), row["Model answer"].lower()): YES[row["Acceptable?"]]
        for row in table(folder / "NQ301_human.tsv")
    }
    right: dict[str, list[int]] = {}
    for output in outputs(folder / "model_outputs_301.jsonl"):
        cell = output["question"].lower(), output["prediction"].lower()
        if cell in human:
            right.setdefault(output["model"], []).append(human[cell])
    assert len(right) == len(published) == 12
    shares = {model: float(np.mean(values)) for model, values in right.items()}
    assert {m: f"{share:.3f}" for m, share in shares.items()} == {
        m: f"{float(share):.3f}" for m, share in published.items()
    }
