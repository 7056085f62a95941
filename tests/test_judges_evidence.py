"""Everything the gate reads, as one value: by hand on small audits, and on a published set."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binomtest
from sklearn import metrics
from small_road import NOW, audit_of, policy
from trivia import write_import_files

from judges import intervals
from judges.agreement import STATISTICS
from judges.clusters import FEW_QUESTIONS
from judges.comparisons import standing
from judges.evidence import Evidence, weigh
from judges.figures import ONE_QUESTION
from judges.people import ALL_AGREE
from judges.ranking import RANKING
from judges.tables import Audit, JudgeRun, load_audit
from samples import audit as sampling
from samples.errors import BenchwarrantError
from samples.exchange import import_file
from samples.records import Spec
from samples.rows import Source
from samples.store import Store
from samples.study import Study

PEOPLE = ["110010110100", "11--10-101--"]  # the second labelled seven, and differs on one of them
SMALL = audit_of(
    PEOPLE,
    {"good": "110010110110", "mixed": "1101-011-101"},
    question=[0, 1, 2, 3] * 3,
    model="aaaabbbbcccc",
    task="ssttssttsstt",
)

# --- one value ---------------------------------------------------------------------------------


def test_both_ways_to_count_failures_stand_side_by_side() -> None:
    about = weigh(SMALL, policy(), 1).judges["mixed"]
    # people 110010110100, the judge 1101-011-101: one "1" and one "0" failed, two are wrong
    left, wrong = (about["case"][f"failures_{how}"] for how in ("left_out", "count_as_wrong"))
    assert (left["n"], left["accuracy"]["value"]) == (10, pytest.approx(8 / 10))
    assert (wrong["n"], wrong["accuracy"]["value"]) == (12, pytest.approx(8 / 12))
    assert about["failures"] == {"unparsable": 2}
    # rows: people's "incorrect" and "correct"; the last column is what failed
    assert np.sum(about["confusion"]) == 12
    assert [row[-1] for row in about["confusion"]] == [1, 1]


def test_slices_and_ranking_follow_the_policy_s_handling() -> None:
    for handling, n in (("left_out", 3), ("count_as_wrong", 4)):
        about = weigh(SMALL, policy(failures=handling), 1).judges["mixed"]
        assert about["by"]["model"]["b"]["n"] == n
        assert set(about["by"]["task"]) == {"s", "t"}
    # b: people say 1011, the judge -011, and its failure on a right answer becomes a wrong
    assert about["shares"]["b"] == {"people": 0.75, "judge": 0.5}


def test_the_reference_says_what_it_rests_on() -> None:
    some = replace(
        SMALL.reference,
        values=np.where(np.arange(12) < 10, SMALL.reference.values, -1),
        ties=("case 10",),
        unlabelled=("case 11",),
        unsure=3,
        adjudicated=2,
    )
    found = weigh(replace(SMALL, reference=some), policy(), 1).reference
    assert found == {
        "method": "majority, adjudicated",
        "labels": "human",
        "cases": 10,
        "raters": 2,
        "adjudicated": 2,
        "ties": 1,
        "unlabelled": 1,
        "unsure": 3,
        "questions": 4,
        "prevalence": pytest.approx(6 / 10),  # 1100 1011 01
    }


def test_prevalence_is_weighted_by_the_chance_of_being_drawn() -> None:
    audit = audit_of("1100", {"j": "1100"}, weight=[3, 1, 1, 1])
    assert weigh(audit, policy(), 1).reference["prevalence"] == pytest.approx(4 / 6)


def test_without_a_settled_label_there_is_no_evidence() -> None:
    with pytest.raises(BenchwarrantError, match="no case of the audit set has a settled label"):
        weigh(audit_of("----", {"j": "1100"}), policy(), 1)


# --- people against people ---------------------------------------------------------------------


def test_the_ceiling_by_hand() -> None:
    """Seven cases with two labels, (1,1) (1,1) (1,1) (0,0) (0,1) (1,0) (0,1): four agree."""
    raters = ["1110010", "1110101"]
    found = weigh(audit_of(raters, {"j": "1110010"}), policy(), 1).ceiling
    assert found["accuracy"]["value"] == pytest.approx(4 / 7)
    # 4/7 and 5/7 say 1: chance 20/49 + 6/49 = 26/49; κ = (28 − 26) / (49 − 26)
    assert found["cohen_kappa"]["value"] == pytest.approx(2 / 23)
    assert {one["n"] for one in found.values()} == {7}


def test_the_two_who_share_most_are_found_whatever_they_say() -> None:
    raters = ["00001----", "0001-----", "----1111-"]  # four in common, then one
    found = weigh(audit_of(raters, {"j": "000011111"}), policy(), 1).ceiling["cohen_kappa"]
    assert (found["n"], found["value"]) == (4, 0.0)


def test_two_questions_are_enough_for_an_interval() -> None:
    audit = audit_of(["1100", "1010"], {"j": "1100"}, question=[0, 0, 1, 1])
    found = weigh(audit, policy(), 1).ceiling["accuracy"]
    assert found["low"] == found["high"] == 0.5  # each question has one of two


def test_kappa_is_of_the_two_who_share_most_and_the_rest_of_all() -> None:
    raters = ["11001100--", "1100110011", "--------01"]
    found = weigh(audit_of(raters, {"j": "1100110011"}), policy(), 1).ceiling
    assert (found["cohen_kappa"]["n"], found["accuracy"]["n"]) == (8, 10)
    assert found["cohen_kappa"]["value"] == 1.0
    assert found["accuracy"]["value"] == pytest.approx(9 / 10)  # mean over the doubly labelled


@pytest.mark.parametrize(
    ("raters", "question", "value", "reason"),
    [
        (["1100"], None, None, "no case has two people's labels"),
        (["11--", "--00"], None, None, "no case has two people's labels"),
        (["1100", "1100"], None, 1.0, ALL_AGREE),
        (["1100", "1010"], [0] * 4, 0.0, ONE_QUESTION),
        (["1111", "1111"], None, None, "every label that can be compared is 'correct'"),
    ],
)
def test_a_ceiling_without_an_interval_says_why(raters, question, value, reason) -> None:
    audit = audit_of(raters, {"j": "1100"}, question=question)
    found = weigh(audit, policy(), 1).ceiling["cohen_kappa"]
    assert (found["value"], found["low"], found["high"]) == (value, None, None)
    assert reason in found["reason"]


def test_the_ceiling_s_interval_resamples_questions() -> None:
    rng = np.random.default_rng(3)
    first = rng.integers(0, 2, 40)
    second = np.where(rng.random(40) < 0.8, first, 1 - first)
    question = np.repeat(np.arange(10), 4)
    raters = ["".join(map(str, one)) for one in (first, second)]
    audit = audit_of(raters, {"j": raters[0]}, question=question)
    asked = policy(resamples=200)
    found = weigh(audit, asked, 9).ceiling["accuracy"]
    draws = intervals.multinomial_weights(np.random.default_rng(9), 200, 10)
    agree = [(w[question] * (first == second)).sum() / w[question].sum() for w in draws]
    # ten questions are few: √(10 / 9) and t with 9 degrees of freedom for the normal quantile
    wider = np.sqrt(10 / 9) * stats.t.ppf(0.975, 9) / stats.norm.ppf(0.975)
    ends = found["value"] + wider * (np.quantile(agree, [0.025, 0.975]) - found["value"])
    assert (found["low"], found["high"]) == pytest.approx(tuple(ends))
    assert found["note"] == FEW_QUESTIONS


@pytest.mark.parametrize(
    ("audit", "checks"),
    [
        (SMALL, set()),
        (
            audit_of("1100", {"j": "1100"}),
            {"leniency by task", "leniency by model", "ranking", "agreement between people"},
        ),
        (
            replace(SMALL, audit_set=replace(SMALL.audit_set, design={"allocation": "labelled"})),
            {"agreement between people on the whole set"},
        ),
        (
            audit_of(PEOPLE, {"j": "110010110100"}, model="aaaaaabbbbbb", task="st" * 6),
            {"ranking"},
        ),
    ],
    ids=["all", "nothing", "not drawn at random", "two models"],
)
def test_what_could_not_be_checked_is_said(audit: Audit, checks: set[str]) -> None:
    evidence = weigh(audit, policy(), 1)
    assert {one["check"] for one in evidence.could_not_check} == checks
    if "agreement between people on the whole set" in checks:
        assert "the 7 cases with two people's labels" in evidence.could_not_check[0]["why"]
    assert not checks & {one["check"] for one in evidence.findings}


def test_one_task_is_no_slice_of_its_own() -> None:
    """The judge is far too lenient with a, so also on the whole: that is said once."""
    people, judge = "1100" * 10, "1111" * 10
    audit = audit_of(people * 2, {"j": judge + people}, model="a" * 40 + "b" * 40)
    found = weigh(audit, policy(), 1).findings
    assert {(one["check"], one["slice"]) for one in found} == {
        ("leniency by model", "a"),
        ("false accepts by model", "a"),
    }


def test_labels_that_are_all_negative_are_labels() -> None:
    found = weigh(audit_of("0000", {"j": "0010"}), policy(), 1)
    assert found.reference["prevalence"] == 0.0
    assert found.judges["j"]["case"]["failures_left_out"]["accuracy"]["value"] == 0.75


# --- what the evidence is named by -------------------------------------------------------------


def verdict_changed(audit: Audit) -> Audit:
    run = replace(audit.judges["good"], digest="b2:other")
    return replace(audit, judges=audit.judges | {"good": run})


def judge_added(audit: Audit) -> Audit:
    run = audit.judges["good"]
    other = JudgeRun(Spec("judge", "new", {"kind": "auto"}), run.verdicts, run.failures, 0, "b2:9")
    return replace(audit, judges=audit.judges | {"new": other})


CHANGED: dict[str, Callable[[Audit], Audit]] = {
    "labels": lambda a: replace(a, labels_digest="b2:other"),
    "verdicts": verdict_changed,
    "a judge's definition": lambda a: replace(
        a,
        judges=a.judges
        | {"good": replace(a.judges["good"], spec=Spec("judge", "good", {"kind": "number"}))},
    ),
    "another judge": judge_added,
    "audit set": lambda a: replace(a, audit_set=replace(a.audit_set, cases="b2:other")),
    "rubric": lambda a: replace(a, rubric=replace(a.rubric, guidance="Other.")),
}


@pytest.mark.parametrize("what", CHANGED)
def test_the_evidence_s_id_changes_with_what_it_rests_on(what: str) -> None:
    before = weigh(SMALL, policy(), 1)
    assert weigh(CHANGED[what](SMALL), policy(), 1).id != before.id


def test_the_evidence_s_id_changes_with_seed_and_policy_and_with_nothing_else() -> None:
    rule = {"statistic": "accuracy", "at_least": 0.5}
    asked = [(policy(), 1), (policy(), 2), (policy(resamples=300), 1), (policy(rule), 1)]
    asked += [(policy(scope="new models"), 1), (policy(failures="left_out"), 1)]
    asked += [(policy(confidence=0.9), 1)]
    ids = [weigh(SMALL, *one).id for one in asked]
    assert len(set(ids)) == len(asked)
    assert weigh(SMALL, policy(), 1).id == ids[0]


def plain(evidence: Evidence) -> Any:
    return json.loads(
        json.dumps([evidence.reference, evidence.ceiling, evidence.judges, evidence.findings])
    )


def test_the_figures_follow_from_the_rows_and_the_seed() -> None:
    asked = policy(resamples=200)
    assert plain(weigh(SMALL, asked, 1)) == plain(weigh(SMALL, asked, 1))
    assert plain(weigh(SMALL, asked, 1)) != plain(weigh(SMALL, asked, 2))


def test_a_judge_s_figures_do_not_depend_on_which_others_are_there() -> None:
    alone = replace(SMALL, judges={"mixed": SMALL.judges["mixed"]})
    both = weigh(SMALL, policy(), 1).judges["mixed"]
    assert weigh(alone, policy(), 1).judges["mixed"] == both


# --- a published set: 'Judging the Judges' -----------------------------------------------------


@dataclass(frozen=True)
class Published:
    evidence: Evidence
    left_out: Evidence  # the same with failures left out
    table: dict[str, dict[str, float]]  # SOURCE.md's, by judge and column


@pytest.fixture(scope="module")
def published(
    shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Published:
    folder, out = shared_data("human_judging_the_judges"), tmp_path_factory.mktemp("trivia")
    write_import_files(folder, out)
    study = Study(name="trivia", seed=7, policy={"resamples": 4000})  # 55 pairs, by Holm
    rubric = study.rater_question
    with Store(out / "study.db", create=True) as store:
        for kind in ("items", "responses", "labels", "verdicts"):
            import_file(kind, Source(out / f"{kind}.jsonl"), store, rubric)
            if kind == "labels":
                final = next(a for a in store.accounts() if a.name == "final")
                store.add([replace(final, role="adjudicator")])
        drawn = sampling.all_labelled(store, rubric)
        sampling.freeze(store, rubric, drawn, {"allocation": "labelled"}, NOW)
        audit = load_audit(study, store)
    left_out = study.policy.model_copy(update={"failures": "left_out"})
    evidence, other = (weigh(audit, one, study.seed) for one in (study.policy, left_out))
    return Published(evidence, other, source_table((folder / "SOURCE.md").read_text("utf-8")))


def source_table(text: str) -> dict[str, dict[str, float]]:
    """The table 'judge | n | accuracy | …' of SOURCE.md."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| judge | n |"))
    columns = [cell.strip() for cell in lines[start].strip("|").split("|")]
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name] = dict(zip(columns[1:], map(float, cells), strict=True))
    return rows


slow = pytest.mark.slow


@slow
def test_all_eleven_judges_have_the_published_figures(published: Published) -> None:
    found = {
        name: about["case"]["failures_left_out"]
        for name, about in published.evidence.judges.items()
    }
    assert set(found) == set(published.table) and len(found) == 11
    for name, row in published.table.items():
        assert found[name]["n"] == row["n"], name
        for column, statistic in (
            ("accuracy", "accuracy"),
            ("Cohen kappa", "cohen_kappa"),
            ("MCC", "mcc"),
        ):
            value = found[name][statistic]["value"]
            assert round(value, 4) == pytest.approx(row[column], abs=1e-9), (name, column)


@slow
def test_every_judge_on_every_exam_taker(
    published: Published, shared_data: Callable[[str], Path]
) -> None:
    """Against scikit-learn on the file's own rows, to the four digits asked for and beyond."""
    path = shared_data("human_judging_the_judges") / "triviaqa_v1_judgements.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    compared = 0
    for name in published.table:
        about = published.left_out.judges[name]
        for taker, figures in about["by"]["model"].items():
            told = [r for r in rows if r["exam_taker"] == taker and r[f"judge:{name}"]]
            people = [r["human_final"] for r in told]
            judge = [r[f"judge:{name}"] for r in told]
            assert figures["n"] == len(told)
            for statistic, theirs in (
                ("accuracy", metrics.accuracy_score),
                ("cohen_kappa", metrics.cohen_kappa_score),
                ("mcc", metrics.matthews_corrcoef),
            ):
                value = figures[statistic]["value"]
                if len(set(judge)) == 1 and statistic == "mcc":  # scikit-learn says 0
                    assert "always says" in figures["mcc"]["reason"]
                else:
                    assert value == pytest.approx(theirs(people, judge), abs=1e-10), (name, taker)
                compared += 1
        kappas = [figures["cohen_kappa"]["value"] for figures in about["by"]["model"].values()]
        mean = about["mean_over_models"]["cohen_kappa"]
        assert mean["value"] == pytest.approx(np.mean(kappas)) and mean["models"] == 9
        assert mean["low"] < mean["value"] < mean["high"]
    assert compared == 11 * 9 * 3


@slow
def test_the_two_best_judges_are_told_from_the_others(published: Published) -> None:
    pairs = published.evidence.comparisons
    assert len(pairs) == 11 * 10 / 2
    stand = standing("Llama3-70B", pairs)
    assert stand["below"] == [] and "Gemma-2B" in stand["above"]
    [two] = [p for p in pairs if set(p["judges"]) == {"Llama3-70B", "GPT-4"}]
    wrong = two["only_first_right"] + two["only_second_right"]
    exact = binomtest(two["only_first_right"], wrong).pvalue
    assert two["accuracy"]["p"] == pytest.approx(exact) and two["n"] == 3600
    low, value, high = (two["cohen_kappa"][end] for end in ("low", "value", "high"))
    assert low < value < high and two["cohen_kappa"]["p_holm"] >= two["cohen_kappa"]["p"]


@slow
def test_failures_are_counted_and_kept_apart(published: Published) -> None:
    for name, about in published.evidence.judges.items():
        missing = 3600 - published.table[name]["n"]
        assert about["failures"] == {"unparsable": missing}
        left, wrong = (about["case"][f"failures_{h}"] for h in ("left_out", "count_as_wrong"))
        assert (left["n"], wrong["n"]) == (published.table[name]["n"], 3600)
        # what failed is wrong: the same right answers of more cases
        right = left["accuracy"]["value"] * left["n"]
        assert wrong["accuracy"]["value"] == pytest.approx(right / 3600)


@slow
def test_people_s_side_of_the_published_set(published: Published) -> None:
    reference, ceiling = published.evidence.reference, published.evidence.ceiling
    assert (reference["cases"], reference["questions"], reference["raters"]) == (3600, 400, 3)
    assert round(reference["prevalence"], 3) == 0.696
    assert reference["ties"] == reference["unlabelled"] == 0
    # raters B and C share most cases: 40, on which SOURCE.md has κ 0.500
    assert ceiling["cohen_kappa"]["n"] == 40
    assert ceiling["cohen_kappa"]["value"] == pytest.approx(0.5, abs=5e-4)
    assert ceiling["accuracy"]["n"] == 57
    said = [one["why"] for one in published.evidence.could_not_check]
    assert any("57 cases" in why and "not drawn at random" in why for why in said)


@slow
def test_slices_and_ranking_of_the_published_set(published: Published) -> None:
    for about in published.evidence.judges.values():
        assert about["ranking"]["models"] == 9 == len(about["by"]["model"])
        for name in RANKING:
            figure = about["ranking"][name]
            assert figure["low"] <= figure["high"] and -1 <= figure["value"] <= 8  # places
    gpt4 = published.evidence.judges["GPT-4"]["by"]["model"]
    kappas = {model: figures["cohen_kappa"]["value"] for model, figures in gpt4.items()}
    # Very good on the whole, and hardly better than chance on one exam taker.
    assert min(kappas.values()) == pytest.approx(0.25, abs=0.03)
    assert (
        published.evidence.judges["GPT-4"]["case"]["failures_left_out"]["cohen_kappa"]["low"] > 0.7
    )


@slow
def test_intervals_of_the_published_set_hold_their_values(published: Published) -> None:
    for about in published.evidence.judges.values():
        figures = about["case"]["failures_left_out"]
        for name in STATISTICS:
            one = figures[name]
            assert one["low"] <= one["value"] <= one["high"], name
            assert one["low"] < one["high"], name


def test_people_s_agreement_is_weighted_as_the_cases_are_drawn() -> None:
    """Cases on which people differ are drawn three times as often, and weigh a third."""
    # 8 of 12 agree; with weights 1 / chance: 8 · 3 of 8 · 3 + 4 · 1
    people = ["110011001100", "110011000011"]
    weight = [3.0] * 8 + [1.0] * 4
    audit = audit_of(people, {"j": people[0]}, weight=weight)
    found = weigh(audit, policy(), 1).ceiling
    assert found["accuracy"]["value"] == pytest.approx(24 / 28)
    # κ of the pair by weight: labels 14 of 28 and 14 of 28 positive, so D_e = .5
    assert found["cohen_kappa"]["value"] == pytest.approx(1 - (4 / 28) / 0.5)
