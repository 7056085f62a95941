"""The report: the shape that programs read, the same figures on every page, and hostile text."""

import html
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trivia import write_import_files

from judges import report
from judges.consensus import Reference
from judges.evidence import weigh
from judges.figures import undefined_figure
from judges.phrasing import VOICES, interval, number
from judges.report import Disagreement, report_html, report_markdown, report_value
from judges.tables import Audit, JudgeRun, load_audit
from judges.warrant import issue
from samples.audit import Drawn, all_labelled, freeze
from samples.errors import BenchwarrantError
from samples.exchange import import_file
from samples.records import Account, AuditSet, Item, Response, Rubric, Spec, Warrant
from samples.rows import Source
from samples.store import Store
from samples.study import Study

NOW = "2026-02-01T10:00:00+00:00"
HOSTILE = "\"'</td></svg><script>alert(1)</script>|`{{ 7 * 7 }}"
QUESTIONS, MODELS = 12, ("tiny", "small", "people-pleaser")
RULES = [
    {"statistic": "cohen_kappa", "bound": "low", "at_least": 0.6},
    {"statistic": "leniency", "per": "model", "bound": "both", "within": 0.9},
]


def make_study(**policy: Any) -> Study:
    return Study(name="trial", policy={"resamples": 200, "rule": RULES} | policy)


def make_audit(labels: str = "human", **verdicts: list[int]) -> Audit:
    """36 answers of 3 models to 12 questions; two raters who differ on every sixth of them.

    The first rater's label is the settled one. A verdict of 2 is a failure.
    """
    cases = QUESTIONS * len(MODELS)
    rubric = Rubric("final-answer", "Is it right?", ("incorrect", "correct"))
    first = np.array([(case * 7 % 5 < 3) for case in range(cases)]).astype(np.int64)
    second = np.where(np.arange(cases) % 6 == 0, 1 - first, first)
    return Audit(
        audit_set=AuditSet(rubric.id, {"allocation": "equal"}, "b2:00", NOW),
        rubric=rubric,
        responses=tuple(f"b2:{case:02}" for case in range(cases)),
        question=np.arange(cases) // len(MODELS),
        model=np.arange(cases) % len(MODELS),
        task=np.zeros(cases, dtype=np.int64),
        models=MODELS,
        tasks=("quiz",),
        strategies=("direct",),
        weight=np.ones(cases),
        reference=Reference(first, ("a", "b"), np.stack([first, second], 1), labels, 0, (), (), 0),
        labels_digest="b2:11",
        judges={name: make_run(name, np.array(codes)) for name, codes in verdicts.items()},
    )


def make_run(name: str, codes: np.ndarray[Any, Any]) -> JudgeRun:
    failures = Counter({"unparsable": int((codes == 2).sum())} if (codes == 2).any() else {})
    return JudgeRun(Spec("judge", name, {"kind": "exact"}), codes, failures, 0, f"b2:{name}")


def good() -> list[int]:
    """Follows the settled label but for one case called wrong and two failures."""
    codes = [int(case * 7 % 5 < 3) for case in range(QUESTIONS * len(MODELS))]
    return [1 - codes[0], *codes[1:20], 2, 2, *codes[22:]]


def make_value(audit: Audit, study: Study | None = None, *warrants: Warrant) -> dict[str, Any]:
    study = study or make_study()
    evidence = weigh(audit, study.policy, study.seed)
    return report_value(study, audit, evidence, warrants, NOW)


@pytest.fixture
def value() -> dict[str, Any]:
    always = [1] * QUESTIONS * len(MODELS)
    return make_value(make_audit(good=good(), always=always, mute=[2] * len(always)))


def walk(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from walk(one)


def warranted(audit: Audit, study: Study, by: str | None = "Ada") -> Warrant:
    return issue(audit, weigh(audit, study.policy, 0), study, "good", (by, NOW))


# The shape


def test_a_panel_says_on_every_page_what_it_saved(value: dict[str, Any]) -> None:
    assert "It is a panel" not in report_markdown(value) + report_html(value)
    value["judges"]["good"]["panel"] = {
        "how": "cascade",
        "members": ["rules", "<b>"],
        "n": 36,
        "decided_by": {"rules": 30, "<b>": 6},
        "undecided": 0,
        "calls_saved": 30,
    }
    said = "a panel, cascade: rules decided 30, &lt;b&gt; 6; 30 of 72 calls saved"
    assert said in report_html(value)
    assert said in report_markdown(value)
    assert said in html.escape(report.summary(value))


def test_a_judge_that_was_asked_again_has_its_flip_rate_on_every_page(
    value: dict[str, Any],
) -> None:
    assert "flip rate" not in report_markdown(value) + report_html(value)
    rate = {"value": 0.03125, "low": 0.01, "high": 0.0625, "n": 36}
    value["judges"]["good"]["repeats"] = {"n": 5, "flip_rate": rate}
    said = "asked 5 times about each case: flip rate 0.031 [0.010, 0.062], n = 36."
    assert said in report_html(value)
    assert said in report_markdown(value).replace("\\", "")
    assert said in report.summary(value)


def test_the_value_has_the_documented_keys(value: dict[str, Any]) -> None:
    top = "format study audit_set evidence created_at versions reference ceiling judges findings"
    assert set(f"{top} could_not_check".split()) <= set(value)
    assert value["format"] == "benchwarrant-report/1"
    assert {"method", "cases", "labels", "prevalence"} <= set(value["reference"])
    assert {"value", "low", "high", "n"} <= set(value["ceiling"]["cohen_kappa"])
    about = value["judges"]["good"]
    assert {"spec", "decision", "failures", "case", "by", "ranking"} <= set(about)
    assert about["failures"] == {"unparsable": 2}
    statistics = "n accuracy cohen_kappa mcc spearman krippendorff_alpha gwet_ac1 sensitivity"
    for handling, n in (("failures_left_out", 34), ("failures_count_as_wrong", 36)):
        assert set(f"{statistics} specificity leniency".split()) <= set(about["case"][handling])
        assert about["case"][handling]["n"] == n
    assert set(about["by"]) == {"model", "task"} and set(about["by"]["model"]) == set(MODELS)
    ranking = {"models", "spearman", "kendall", "mean_absolute_error", "worst_absolute_error"}
    ranking |= {"pairs_in_order", "top_models", "largest_rank_change"}
    assert set(about["ranking"]) == ranking
    assert all({"check", "why"} == set(what) for what in value["could_not_check"])


def test_findings_have_the_documented_keys() -> None:
    harsh = make_value(make_audit(harsh=[0] * QUESTIONS * len(MODELS)))
    assert harsh["findings"]
    for finding in harsh["findings"]:
        assert {"check", "slice", "effect", "q", "says"} <= set(finding)


def test_it_is_json_without_nan_and_every_null_has_a_reason(value: dict[str, Any]) -> None:
    assert json.loads(report.as_text(value)) == value
    nulls = [part for part in walk(value) if isinstance(part, dict) and None in part.values()]
    assert nulls  # the judges that always say one thing have undefined figures
    for part in nulls:
        assert re.match("(undefined|no interval): ", part["reason"]), part
    assert not any(isinstance(part, float) and not math.isfinite(part) for part in walk(value))


def test_not_even_evidence_with_nan_gets_into_the_json() -> None:
    audit, study = make_audit(good=good()), make_study()
    evidence = weigh(audit, study.policy, 0)
    nan = {"people": math.nan, "judge": math.nan}
    evidence.judges["good"]["shares"]["tiny"] = nan
    shares = report_value(study, audit, evidence, [], NOW)["judges"]["good"]["shares"]
    assert shares["tiny"] == {"reference": None, "judge": None, "reason": "undefined: no cases"}


def test_confusion_counts_are_plain_numbers_of_cases(value: dict[str, Any]) -> None:
    # Seven times 0, 1, 2 … modulo 5 goes 0 2 4 1 3, so three in five are positive: 22 of 36. The
    # judge calls case 0, a positive one, negative, and fails on 20 and 21, positive both.
    made = value["judges"]["good"]["confusion"]
    assert made["rows"] == ["incorrect", "correct"]
    assert made["columns"] == ["incorrect", "correct", "failed"]
    assert made["counts"] == [[14, 0, 0], [1, 19, 2]]


# Decisions


def test_without_a_warrant_it_is_undecided_and_says_what_the_policy_would_decide(
    value: dict[str, Any],
) -> None:
    about = value["judges"]["good"]
    assert about["decision"] == "undecided" and about["today"]["decision"] == "approved"
    assert about["says"].startswith("good has not been decided on; today's policy would approve it")
    assert [rule["outcome"] for rule in about["today"]["rules"]] == ["met", "met"]
    always = value["judges"]["always"]
    assert always["today"]["decision"] == "rejected"  # κ is 0 whatever the resample
    assert "Cohen's κ 0.000 [0.000, 0.000] (required: lower end ≥ 0.6)" in always["says"]


def test_a_warrant_bound_to_these_rows_is_the_decision() -> None:
    audit, study = make_audit(good=good()), make_study()
    about = make_value(audit, study, warranted(audit, study))["judges"]["good"]
    assert about["decision"] == "approved"
    assert about["says"].startswith("good was approved by Ada on 2026-02-01: every rule")
    unsigned = make_value(audit, study, warranted(audit, study, None))["judges"]["good"]
    assert unsigned["says"].startswith("good was approved on 2026-02-01")


def test_a_warrant_of_other_rows_is_stale_and_says_what_changed() -> None:
    study = make_study()
    before = warranted(make_audit(good=good()), study)
    flipped = [1 - good()[0], *good()[1:]]
    after = make_audit(good=flipped)
    after.judges["good"] = JudgeRun(
        after.judges["good"].spec, np.array(flipped), Counter(), 0, "b2:other"
    )
    about = make_value(after, study, before)["judges"]["good"]
    assert about["decision"] == "undecided" and "warrant" not in about
    assert about["stale"] == "approved on 2026-02-01, but the verdicts changed"
    assert about["stale"] in about["says"]


def test_a_decision_that_does_not_follow_from_the_figures_any_more_is_shown_up() -> None:
    audit, study = make_audit(good=good()), make_study()
    said = replace(warranted(audit, study), decision="rejected")
    assert make_value(audit, study, said)["judges"]["good"]["says"].startswith(
        "good was rejected by Ada on 2026-02-01, but the figures computed now would approve it"
    )


def test_the_newest_warrant_counts_even_where_an_older_one_would_still_fit() -> None:
    audit, study, other = make_audit(good=good()), make_study(), make_study(confidence=0.9)
    fits, stale = warranted(audit, study), warranted(audit, other)
    assert make_value(audit, study, stale, fits)["judges"]["good"]["decision"] == "approved"
    about = make_value(audit, study, fits, stale)["judges"]["good"]
    assert about["decision"] == "undecided" and "policy changed" in about["stale"]


def test_a_policy_without_rules_decides_nothing() -> None:
    about = make_value(make_audit(good=good()), make_study(rule=[]))["judges"]["good"]
    assert about["today"] == {"decision": "undecided", "rules": []}
    assert about["says"] == "good cannot be decided on: the policy has no rule yet."


def test_a_rule_on_an_unknown_statistic_is_refused() -> None:
    study = make_study(rule=[{"statistic": "kapa", "at_least": 0.8}])
    with pytest.raises(BenchwarrantError, match="kapa"):
        make_value(make_audit(good=good()), study)


def test_what_keeps_anybody_from_deciding_is_said() -> None:
    audit = make_audit(good=good())
    ref = audit.reference
    missing = Reference(ref.values, ref.raters, ref.ratings, "human", 0, (), ("b2:03",), 0)
    audit = Audit(**{**vars(audit), "reference": missing})
    page = report_html(make_value(audit))
    assert "Before anybody can decide: 1 of 36 cases have no label yet" in page


def test_a_judge_that_is_ranked_itself_is_marked() -> None:
    audit = make_audit(tiny=good(), strict=good())
    imported = Spec("judge", "tiny", {"kind": "imported"})
    tiny = replace(audit.judges["tiny"], spec=imported)
    value = make_value(replace(audit, judges={**audit.judges, "tiny": tiny}))
    assert value["judges"]["tiny"]["also_ranked"] is True
    assert value["judges"]["tiny"]["kin"] == {"tiny": "itself"}
    assert value["judges"]["strict"]["kin"] == {}
    said = "This judge is itself one of the models that it grades: tiny."
    for page in (report_html(value), report_markdown(value), report.summary(value)):
        assert page.count(said) == 1
    assert "(also graded)" in report_html(value)


def test_a_judge_of_a_ranked_model_s_family_is_marked(value: dict[str, Any]) -> None:
    value["judges"]["good"]["kin"] = {"small": "same family"}
    said = "This judge is of one family with models that it grades: small."
    for page in (report_html(value), report_markdown(value), report.summary(value)):
        assert page.count(said) == 1
    assert "(family graded)" in report_html(value)


def test_without_judges_the_report_says_so() -> None:
    assert "benchwarrant judge" in report_html(make_value(make_audit()))


# The pages


class Page(HTMLParser):
    """What a browser would make of a page: tags with attributes, and text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.inside:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_html_and_markdown_show_the_kappa_of_the_json(value: dict[str, Any]) -> None:
    page, markdown = Page(report_html(value)).words, report_markdown(value)
    for about in value["judges"].values():
        for handling in ("failures_left_out", "failures_count_as_wrong"):
            shown = interval(about["case"][handling]["cohen_kappa"])
            assert shown in page
            assert shown in markdown
    assert interval(value["ceiling"]["cohen_kappa"]) in page
    assert interval(value["ceiling"]["cohen_kappa"]) in markdown


def test_an_undefined_figure_shows_its_words(value: dict[str, Any]) -> None:
    # "mute" fails on everything, so nothing is left of it where failures are left out.
    assert value["judges"]["mute"]["case"]["failures_left_out"]["cohen_kappa"]["value"] is None
    assert "undefined: no cases" in Page(report_html(value)).words
    assert "undefined: no cases" in report_markdown(value)


def test_the_page_asks_nothing_of_the_network_and_runs_nothing(value: dict[str, Any]) -> None:
    page = report_html(value)
    tags = Page(page).tags
    assert not {"script", "link", "img", "iframe", "object", "embed"} & {tag for tag, _ in tags}
    attributes = [(name, text) for _, held in tags for name, text in held.items()]
    assert not [name for name, _ in attributes if name == "src" or name.startswith("on")]
    assert all(str(text).startswith("#") for name, text in attributes if name == "href")
    assert "http:" not in page and "https:" not in page
    assert "url(" not in page and "@import" not in page


def test_tables_have_captions_and_headers_plots_have_words(value: dict[str, Any]) -> None:
    page = Page(report_html(value))
    count = Counter(tag for tag, _ in page.tags)
    assert count["caption"] == count["table"] > 5
    assert all("scope" in held for tag, held in page.tags if tag == "th")
    plots = [held for tag, held in page.tags if tag == "svg" and "role" in held]
    assert len(plots) == 1 + 2 * len(value["judges"])
    ids = [held["id"] for _, held in page.tags if "id" in held]
    assert len(ids) == len(set(ids))
    for held in plots:
        assert set((held["aria-labelledby"] or "").split()) <= set(ids)
    targets = {str(held["href"])[1:] for tag, held in page.tags if tag == "a"}
    assert targets <= set(ids)


def test_hostile_text_stays_text() -> None:
    audit = make_audit(**{HOSTILE: good()})
    rubric = Rubric("r", HOSTILE, (f"no {HOSTILE}", f"yes {HOSTILE}"))
    audit = Audit(**{**vars(audit), "models": ("a", HOSTILE, "c"), "rubric": rubric})
    case = Disagreement(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    study = make_study()
    study = study.model_copy(update={"name": HOSTILE})
    made = make_value(audit, study)
    page = report_html(made, [case])
    assert "<script" not in page and "49" not in re.findall(r"`(\d+)", page)
    assert not [tag for tag, _ in Page(page).tags if tag == "script"]
    assert Page(page).text.count(HOSTILE) >= 4  # shown as it is, in the case that is to be read
    markdown = report_markdown(made)
    assert "<script" not in markdown
    table = [line for line in markdown.splitlines() if line.startswith("| ")]
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table if "alert" in line}
    # ten columns and nine: as in tables without hostile names
    assert cells == {11, 10, 4}


def test_disagreements_are_grouped_capped_and_passed_over_without_a_text(
    value: dict[str, Any],
) -> None:
    def case(place: int, label: str, text: str | None) -> Disagreement:
        return Disagreement("good", f"question {place}", "4", text, label, "x", "tiny")

    many = [case(place, "b" if place % 2 else "a", f"answer {place}.") for place in range(30)]
    page = report_html(value, [case(99, "a", None), case(98, "a", ""), *many])
    assert page.count("<article>") == report.SHOWN
    assert "question 99" not in page and "(empty)" in page
    assert page.index("answer 18.") < page.index("answer 1.")  # the labels "a" stand together
    assert page.count("<summary><small>which model") == report.SHOWN
    assert "Disagreements to read" not in report_html(value, [case(99, "a", None)])


def test_cases_to_read_are_those_the_judge_decided_otherwise_and_that_have_a_text(
    store: Store,
) -> None:
    item, spec = Item("quiz", "k", "2 + 2?", ("4", "four")), Spec("model", "tiny", {})
    texts = {"agrees": 1, "differs": 0, "failed": 2, None: 0}  # with the verdict on each
    responses = [
        Response(item.id, "tiny", spec.id, "direct", draw, text) for draw, text in enumerate(texts)
    ]
    store.add([item, spec, *responses])
    audit, ones = make_audit(), np.ones(4, dtype=np.int64)
    drawn = [Drawn(response.id, "all", 1.0, 1) for response in responses]
    freeze(store, audit.rubric, drawn, {}, "2026-01-31T09:30:00.000000+00:00")
    reference = Reference(ones, ("a",), ones[:, None], "human", 0, (), (), 0)
    audit = Audit(
        **vars(audit)
        | {"responses": tuple(r.id for r in responses), "reference": reference}
        | {"audit_set": store.audit_set()}
        | {"judges": {"good": make_run("good", np.array(list(texts.values())))}}
    )
    assert report.disagreements(audit, store) == [
        Disagreement("good", "2 + 2?", "4", "differs", "correct", "incorrect", "tiny")
    ]


@pytest.mark.parametrize("labels", ["reference", "mixed"])
def test_labels_by_program_are_never_called_peoples(labels: str) -> None:
    always = [1] * QUESTIONS * len(MODELS)
    audit = make_audit(labels, good=good(), always=always)
    value = make_value(audit)
    voice = VOICES[labels]
    page = Page(report_html(value)).words
    assert page.count(voice.warning) == 2
    assert page.count(voice.short) >= 10  # beside the figures too
    for text in (page, report_markdown(value), report.as_text(value), report.summary(value)):
        rest = text.replace(voice.warning, "").replace(voice.short, "")
        rest = rest.replace("people-pleaser", "")  # a model's name stays what it is
        rest = rest.replace("labels of people and of programs", "")
        assert not re.search(r"people|human|person", rest, re.IGNORECASE)
    assert report.summary(value).startswith(voice.warning)
    assert voice.warning in report_markdown(value)


def test_peoples_labels_are_called_so(value: dict[str, Any]) -> None:
    page = Page(report_html(value)).words
    assert "Can these judges stand in for people?" in page and "made by program" not in page


def test_an_undecided_or_new_scope_is_said(value: dict[str, Any]) -> None:
    assert "Scope these models" in Page(report_html(value)).words
    new = make_value(make_audit(good=good()), make_study(scope="new models", confidence=0.9))
    page = Page(report_html(new)).words
    assert "two-way cluster bootstrap" in page and "90% confidence" in page
    assert "200 bootstrap resamples" in page


def test_three_labels_give_rho_a_column_of_its_own() -> None:
    audit = make_audit(good=good())
    rubric = Rubric("r", "How good?", ("bad", "fair", "fine"))
    audit = Audit(**{**vars(audit), "rubric": rubric})  # a verdict of 2 is now the label "fine"
    page = report_html(make_value(audit))
    assert ">Spearman&#39;s ρ</th>" in page.replace("\n", "") and "one and the same" not in page


def test_dark_and_print_and_phone_have_their_styles() -> None:
    css = (Path(report.__file__).with_name("pages") / "page.css").read_text(encoding="utf-8")
    for query in ("prefers-color-scheme: dark", "@media print", "max-width: 40rem"):
        assert query in css


# Figures in words


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ({"value": 0.7876, "low": 0.7559, "high": 0.8171}, "0.79 [0.76, 0.82]"),
        ({"value": 1.0, "low": 0.9979, "high": 1.0}, "1.00 [0.998, 1.00]"),
        ({"value": 1.0, "low": 0.9, "high": 1.0, "note": "…"}, "1.00 [0.90, 1.00] †"),
        ({"value": -0.2, "low": -0.304, "high": 0.0}, "−0.20 [−0.30, 0.00]"),
        (undefined_figure("undefined: no cases"), "undefined: no cases"),
        (
            {"value": 0.5, "low": None, "high": None, "reason": "no interval: too few"},
            "0.50 (no interval: too few)",
        ),
    ],
)
def test_intervals_have_one_notation(figure: dict[str, Any], text: str) -> None:
    assert interval(figure) == text


@pytest.mark.parametrize(
    ("figure", "text"),
    [(0.03, "+0.03"), (-0.03, "−0.03"), (0.0, "0.00"), (1e-17, "0.00"), (0.004, "+0.004"),
     (0.0001, "+0.001"), (0.99996, "+0.999"), (-0.997, "−0.997"), (1.0, "+1.00")],
)  # fmt: skip
def test_what_is_not_quite_zero_or_one_does_not_read_so(figure: float, text: str) -> None:
    assert number(figure, signed=True) == text


def test_a_voice_changes_our_words_and_not_quoted_ones() -> None:
    voice = VOICES["reference"]
    assert voice("undefined: people always say 'people'") == (
        "undefined: the reference labels always say 'people'"
    )
    assert voice("no case has two people's labels") == "no case has two labels"
    assert VOICES["human"]("people's labels") == "people's labels"


# On a public set

# Cohen's κ over the decided cases, as computed from the file itself (its SOURCE.md).
KAPPA = {"GPT-4": 0.7876, "Llama3-70B": 0.8179, "Llama-70B": 0.7403, "Gemma-2B": 0.4220}


@pytest.mark.slow
def test_a_public_set_comes_out_with_its_known_figures(
    shared_data: Callable[[str], Path], store: Store, tmp_path: Path
) -> None:
    write_import_files(shared_data("human_judging_the_judges"), tmp_path)
    study = make_study()
    rubric = study.rater_question
    store.add([Account("final", role="adjudicator")])
    for kind in ("items", "responses", "labels", "verdicts"):
        import_file(kind, Source(tmp_path / f"{kind}.jsonl"), store, rubric)
    freeze(store, rubric, all_labelled(store, rubric), {"allocation": "labelled"}, NOW)
    audit = load_audit(study, store)
    value = make_value(audit, study)
    found = {name: value["judges"][name]["case"]["failures_left_out"] for name in KAPPA}
    kappas = {name: figures["cohen_kappa"]["value"] for name, figures in found.items()}
    assert kappas == pytest.approx(KAPPA, abs=5e-5)
    assert found["Llama-70B"]["n"] == 3465
    assert value["reference"]["prevalence"] == pytest.approx(0.6964, abs=5e-5)
    assert report.disagreements(audit, store) == []  # this set has no answers' texts
    page = Page(report_html(value)).words
    assert "0.82 [" in page and "were not drawn at random" in page
