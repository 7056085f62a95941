"""Rates of probes with their intervals, and the decisions and warrants that rest on them."""

from pathlib import Path

import numpy as np
import pytest
from small_road import NOW, approve, audit_of, copied, nothing, policy, walk

from judges import probing
from judges.gate import apply, check_policy, decide
from judges.probe_rates import (
    NOT_ASKED,
    NOT_RUN,
    by_attack,
    digest,
    got_past,
    notes,
    pooled,
    probed,
    rule_figures,
    table,
)
from judges.probes import ACCEPT, PROBES, REJECT
from judges.report import report_html, report_markdown
from judges.report_value import report_value
from judges.tables import load_audit
from judges.warrant import bindings, check, weigh_one
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.records import ProbeVerdict

RULE = {"statistic": "probe_false_accept", "level": "probe", "at_most": 0.05}
KAPPA = {"statistic": "cohen_kappa", "at_least": 0.1}


def said(attack: str, values: str, must: str = REJECT) -> list[ProbeVerdict]:
    """A verdict per letter, each on an item of its own: + correct, - incorrect, ? a failure."""
    outcomes = {"+": ("correct", None), "-": ("incorrect", None), "?": (None, "unparsable")}
    return [
        ProbeVerdict(f"item {n}", "r", attack, must, "t", "j", "s", *outcomes[letter])
        for n, letter in enumerate(values)
    ]


def test_a_failure_is_no_accept_but_it_is_a_reject() -> None:
    for must, expected in ((REJECT, [True, False, False]), (ACCEPT, [False, True, True])):
        assert [got_past(one, "correct") for one in said("a", "+-?", must)] == expected


def test_the_interval_of_an_attack_is_exact() -> None:
    rows = [*said("colon", "-" * 20), *said("empty", "+-?-"), *said("polite", "-?++", ACCEPT)]
    found = by_attack(rows, "correct", 0.95)
    assert list(found) == ["empty", "colon", "polite"]  # as in PROBES
    assert found["colon"]["rate"]["high"] == pytest.approx(1 - 0.025 ** (1 / 20))  # 0.168
    assert found["colon"]["rate"]["low"] == 0
    # 1 of 4: Clopper and Pearson's limits by the beta quantiles, 0.0063 and 0.8059
    assert found["empty"]["rate"] == pytest.approx(
        {"value": 0.25, "low": 0.00631, "high": 0.80588}, abs=1e-5
    )
    assert found["empty"]["failures"] == {"unparsable": 1}
    assert (found["polite"]["n"], found["polite"]["got_past"]) == (4, 2)


def test_to_show_five_percent_takes_seventy_two_probes_without_a_miss() -> None:
    for n, met in ((71, False), (72, True)):
        rate = by_attack(said("colon", "-" * n), "correct", 0.95)["colon"]["rate"]
        assert (rate["high"] <= 0.05) == met


def test_pooled_over_attacks_items_are_resampled_and_not_texts() -> None:
    settings, rng = policy(resamples=2000), np.random.default_rng(1)
    alike = [row for attack in list(PROBES)[:10] for row in said(attack, "++" + "-" * 18)]
    wide = pooled(alike, "correct", settings, rng)
    assert wide["value"] == pytest.approx(0.1) and wide["n"] == 200
    # As wide as for 20 items: the standard error is sqrt(0.1 · 0.9 / 20) = 0.067, not 0.021.
    assert wide["high"] - wide["low"] > 3 * 0.067
    never = pooled(
        [r for a in list(PROBES)[:10] for r in said(a, "-" * 20)], "correct", settings, rng
    )
    assert never["high"] == pytest.approx(1 - 0.025 ** (1 / 20)) and "exact" in never["note"]
    assert pooled([], "correct", settings, rng)["reason"] == NOT_RUN


def test_a_rule_holds_the_worst_attack_to_its_limit() -> None:
    audit = audit_of("1100", {"j": "1100"})
    settings = policy(RULE)
    check_policy(settings)
    rows = [*said("colon", "-" * 80), *said("empty", "+" * 9 + "-" * 11)]
    run = audit.judges["j"]
    for probes, outcome, place in (
        (rows, "not met", "empty"),
        (rows[:80], "met", "colon"),
        (rows[:40], "open", "colon"),
        ([], "open", ""),
    ):
        run = type(run)(**{**run.__dict__, "probes": tuple(probes)})
        about = {"probes": rule_figures(run, "correct", 0.95)}
        found = apply(settings.rule[0], about, settings)
        assert (found.outcome, found.slice) == (outcome, place)
    assert found.says == f"probe_false_accept: {NOT_RUN}; an undefined figure meets no rule"
    assert found.rule == "probe_false_accept of the worst attack: upper end ≤ 0.05"
    assert decide(about, settings)[0] == "inconclusive"
    run.spec.body["kind"] = "imported"
    assert rule_figures(run, "correct", 0.95)["probe_false_reject"][""]["reason"] == NOT_ASKED


def test_a_rule_about_probes_has_its_own_statistics_and_no_slices() -> None:
    with pytest.raises(BenchwarrantError, match="not known at level 'probe'"):
        check_policy(policy({**RULE, "statistic": "accuracy"}))
    with pytest.raises(ValueError, match="about the worst attack"):
        policy({**RULE, "per": "model"})


# --- on a study -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> Path:
    return walk(tmp_path_factory.mktemp("walked"))


def ask(study, store, per_attack: int) -> None:
    texts = probing.audit_plan(study, store, per_attack).texts
    probing.run(study, store, probing.unasked(study, store, texts), nothing, lambda: NOW)


def under(study, *rules):
    return study.model_copy(update={"policy": policy(*rules, resamples=200)})


def test_evidence_and_warrants_rest_on_probes_only_where_the_policy_asks(walked, tmp_path) -> None:
    with opened(copied(walked, tmp_path)) as (study, store):
        plain, strict = under(study, KAPPA), under(study, KAPPA, RULE)
        old = weigh_one(load_audit(plain, store), plain, "rules")
        asked = weigh_one(load_audit(strict, store), strict, "rules")
        kept, bound = (approve(one, store, "rules") for one in (plain, strict))
        ask(study, store, 3)
        audit = load_audit(plain, store)
        assert weigh_one(audit, plain, "rules").id == old.id
        assert check(kept, audit, plain) == ""
        assert "probes" not in bindings(audit, "rules", plain) and "probes" not in old.inputs
        now = weigh_one(audit, strict, "rules")
        assert now.id != asked.id
        assert now.inputs["probes"] == {"rules": digest(audit.judges["rules"].probes)}
        assert check(bound, audit, strict) == "stale: the probes changed since"
        again = approve(strict, store, "rules")
        assert check(again, load_audit(strict, store), strict) == ""
        assert [rule["outcome"] for rule in again.body["rules"]] == ["met", "open"]
        assert approve(strict, store, "yes").decision == "rejected"


def test_what_the_report_says_of_probes(walked, tmp_path) -> None:
    with opened(copied(walked, tmp_path)) as (study, store):
        assert probed(study, store) == {}
        audit = load_audit(study, store)
        value = report_value(study, audit, weigh_one(audit, study, "rules"), [], NOW)
        why = "none were run; `benchwarrant probe`"
        assert {"check": "probes", "why": why} in value["could_not_check"]
        texts = probing.audit_plan(study, store, 3).texts
        todo = probing.unasked(study, store, texts, ("rules", "yes"))
        probing.run(study, store, todo, nothing, lambda: NOW)
        audit = load_audit(study, store)
        value = report_value(study, audit, weigh_one(audit, study, "rules"), [], NOW)
        assert {"check": "probes of reader", "why": why} in value["could_not_check"]
        made = probed(study, store)
    assert made["judges"].keys() == {"rules", "yes"} and made["not_built"] == {}
    assert made["judges"]["rules"]["pooled"]["probe_false_accept"]["value"] == 0
    rejects = [name for name, probe in PROBES.items() if probe.must == REJECT]
    assert [one["attack"] for one in made["got_past"]] == [name for name in rejects for _ in "123"]
    assert all(one["judges"] == {"yes": "correct"} for one in made["got_past"])
    columns, rows = table(made)
    assert columns[0] == "judge" and rows[0][:5] == ("yes", "empty", "reject", 3, 3)
    assert rows[-1][5] == "0.000 [0.000, 0.708]"
    assert notes(made)[0].startswith("rules: false accepts 0.000 [0.000, ")


HOSTILE = "<script>alert(1)</script> | **bold** ` [x](y)\n# " + "long " * 300 + "</pre> END"


def test_hostile_texts_are_shown_as_text_and_cut_where_it_is_said(walked, tmp_path) -> None:
    with opened(copied(walked, tmp_path)) as (study, store):
        ask(study, store, 1)
        audit = load_audit(study, store)
        item = store.audit_items(audit.audit_set.id)[0]
        bad = [
            ProbeVerdict(item.id, audit.rubric.id, f"{n}", REJECT, text, "rules",
                         audit.judges["rules"].spec.id, "correct")
            for n, text in enumerate((HOSTILE, " \n"))
        ]  # fmt: skip
        store.add(bad)
        value = report_value(study, audit, weigh_one(audit, study, "rules"), [], NOW)
        plain = report_html(value) + report_markdown(value)
        value["probes"] = probed(study, store)
    page, text = report_html(value), report_markdown(value)
    assert (
        "Probes" not in plain.replace("Not checked", "") and "Probes" in page and "Probes" in text
    )
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page and "&lt;/pre&gt; END" in page
    assert "<script" not in text and "\\*\\*bold" in text and "END" in text
    for shown in (page, text):
        assert f"of {len(HOSTILE):,} characters left out" in shown
        assert "(2 characters of white space)" in shown and "(empty)" in shown
