"""Samples of lm-evaluation-harness, in the shape that version 0.4.13 writes them."""

import json

import pytest

from samples.errors import BenchwarrantError
from samples.foreign import Foreign, import_any
from samples.records import Rubric
from samples.rows import Source

RUBRIC = Rubric("final-answer", "Correct?", ("incorrect", "correct"))
DATE = "2026-11-24T23-26-02.395762"
NAME = f"samples_sums_{DATE}.jsonl"


def row(number=0, text="It is 5.", sieve="none", score=1.0, **more):
    """One row of a task whose model writes text."""
    return {
        "doc_id": number,
        "doc": {"question": f"2 + {number}?", "answer": "5"},
        "target": "5",
        "arguments": {"gen_args_0": {"arg_0": "Q: 2 + 3?\nA:", "arg_1": {"until": ["\n"]}}},
        "resps": [[text] if isinstance(text, str) else text],
        "filtered_resps": ["5"],
        "filter": sieve,
        "metrics": ["exact_match"],
        "doc_hash": "9", "prompt_hash": "8", "target_hash": "7",
        "exact_match": score,
    } | more  # fmt: skip


def pick(target="0", options=(" blue", " red"), **more):
    """One row of a task whose model says how likely each option is."""
    calls = {
        f"gen_args_{i}": {"arg_0": "Sky?\nA:", "arg_1": text} for i, text in enumerate(options)
    }
    likely = [["-4.5", "False"] for _ in options]
    return row(target=target, arguments=calls, resps=[[one] for one in likely], **more) | {
        "filtered_resps": likely, "metrics": ["acc", "acc_norm"], "acc": 1.0, "acc_norm": 0.0,
    }  # fmt: skip


@pytest.fixture
def bring(store, tmp_path):
    def brought(rows, judges=(), rubric=RUBRIC, name=NAME, **words):
        path = tmp_path / name
        lines = [one if isinstance(one, str) else json.dumps(one) for one in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
        words.setdefault("fixed", {"model": "tiny"})
        return import_any("lm-eval", Foreign(Source(path, **words), judges), store, rubric)

    return brought


@pytest.fixture
def complaint(bring, store, tmp_path):
    def message(rows, **words):
        before = store.counts()
        with pytest.raises(BenchwarrantError) as error:
            bring(rows, **words)
        assert store.counts() == before and "\n" not in str(error.value)
        return str(error.value).replace(f"{tmp_path}/", "").replace(NAME, "FILE")

    return message


def verdicts(store):
    return [(v.judge, v.value, v.failure) for v in store.verdicts()]


def test_every_filter_of_a_metric_is_a_judge(bring, store, tmp_path):
    rows = [
        row(0, sieve="strict-match"), row(1, "41", sieve="strict-match", score=0.0),
        row(0, sieve="flexible"), row(1, "41", sieve="flexible", score=True),
    ]  # fmt: skip
    said = [line.replace(f"{tmp_path / NAME}", "FILE") for line in bring(rows)]
    assert said == [
        "2 items read from FILE, 2 new",
        "2 responses read from FILE, 2 new",
        "4 verdicts read from FILE, 4 new",
    ]
    assert verdicts(store) == [
        ("lm-eval exact_match strict-match", "correct", None),
        ("lm-eval exact_match strict-match", "incorrect", None),
        ("lm-eval exact_match flexible", "correct", None),
        ("lm-eval exact_match flexible", "correct", None),
    ]
    item, answer = store.items()[0], next(store.responses())
    assert (item.task, item.key, item.question, item.reference) == ("sums", "0", "2 + 0?", "5")
    assert (answer.model, answer.text, answer.meta["prompt"]) == (
        "tiny", "It is 5.", "Q: 2 + 3?\nA:",
    )  # fmt: skip
    assert all(line.endswith(" 0 new") for line in bring(rows))
    assert list(store.faults()) == []


def test_the_model_is_named_by_the_results_of_the_same_run(bring, complaint, store, tmp_path):
    results = f"results_{DATE}.json"
    expected = "FILE: no results file of the same run beside it names the model; add --model NAME"
    assert complaint([row()], fixed={}) == expected
    (tmp_path / "results_2026-11-25T00-00-00.1.json").write_text('{"model_name": "other"}')
    assert complaint([row()], fixed={}) == expected  # of another run
    (tmp_path / results).write_text('{"model_name": "org/toy-1b"}')
    bring([row()], fixed={})
    assert next(store.responses()).model == "org/toy-1b"
    assert "add --model NAME" in complaint([row()], fixed={}, name="samples_sums.jsonl")
    assert "name it with --set task=NAME" in complaint([row()], name="mine.jsonl")


def test_a_second_model_shares_the_questions(bring, store):
    bring([row()])
    said = bring([row(text="no idea", score=0.0)], fixed={"model": "large"})
    assert [line.rpartition(", ")[2] for line in said] == ["0 new", "1 new", "1 new"]


def test_the_columns_of_a_question_are_found_by_map(bring, store):
    doc = {"problem": "1 + 1?", "solution": "two", "level": 3}
    bring([row(doc=doc)], names={"problem": "question", "solution": "reference"})
    (item,) = store.items()
    assert (item.question, item.reference, item.meta) == ("1 + 1?", "two", {"doc": doc})


def test_a_map_that_fits_nothing_is_refused(complaint):
    assert complaint([row()], names={"problm": "question"}) == (
        "FILE has no column 'problm'; correct --map"
    )


def test_without_a_question_the_prompt_stands_for_it(bring, store):
    bring([row(doc={"problem": "?"})])
    assert store.items()[0].question == "Q: 2 + 3?\nA:"


def test_repeats_are_draws_and_their_common_score_is_nobodys(bring, complaint, store):
    rows = [row(text=["5", "four", "5"])]
    assert complaint(rows) == (
        "FILE, line 1: 'lm-eval exact_match' speaks of 3 answers at once, not of one; import the"
        " answers alone with --judge none"
    )
    bring(rows, judges=["none"])
    assert [(r.draw, r.text) for r in store.responses()] == [(0, "5"), (1, "four"), (2, "5")]
    assert verdicts(store) == []


@pytest.mark.parametrize(
    ("target", "options", "reference", "choices"),
    [
        ("0", (" blue", " red"), "A", (("A", "blue"), ("B", "red"))),
        ("red", (" blue", " red"), "B", (("A", "blue"), ("B", "red"))),
        ("1", (" 1", " 2"), "1", ()),  # the first option's text, or the second's place?
        ("green", (" blue", " red"), "green", ()),
        ("0", (" blue",) * 27, "0", ()),
    ],
)
def test_an_option_that_was_picked_is_no_text(bring, store, target, options, reference, choices):
    bring([pick(target, options)])
    (item,), (answer,) = store.items(), store.responses()
    assert (item.reference, item.choices) == (reference, choices)
    assert answer.text is None
    assert verdicts(store) == [
        ("lm-eval acc", "correct", None), ("lm-eval acc_norm", "incorrect", None),
    ]  # fmt: skip


def test_only_the_judges_that_are_named_come_in(bring, complaint, store):
    assert complaint([pick()], judges=["bleu"]) == (
        "FILE has no judge 'bleu'; known: acc, acc_norm, lm-eval acc, lm-eval acc_norm"
    )
    bring([pick()], judges=["acc_norm"])
    assert [judge for judge, *_ in verdicts(store)] == ["lm-eval acc_norm"]


def test_a_score_between_is_mapped_or_refused(bring, complaint, store):
    rows = [row(score=0.37)]
    assert complaint(rows) == (
        "FILE, line 1: 'lm-eval exact_match' says '0.37', which is no verdict; map it with --values"
        " 0.37=LABEL, or name the judges to take with --judge (--judge none takes none)"
    )
    bring(rows, values={"0.37": "incorrect"})
    assert verdicts(store) == [("lm-eval exact_match", "incorrect", None)]


def test_where_less_is_better_one_is_not_right(bring, complaint, store, tmp_path):
    better = {"higher_is_better": {"sums": {"exact_match": False}}}
    (tmp_path / f"results_{DATE}.json").write_text(json.dumps(better))
    assert "says '1', which is no verdict" in complaint([row()])
    bring([row()], values={"1": "incorrect"})
    assert verdicts(store) == [("lm-eval exact_match", "incorrect", None)]


def test_a_results_file_that_is_damaged_is_named(complaint, tmp_path):
    (tmp_path / f"results_{DATE}.json").write_text("{")
    assert complaint([row()]).startswith(f"results_{DATE}.json: it cannot be read as JSON")


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"higher_is_better": [1]}', '{"higher_is_better": {"sums": 3}}']
)
def test_a_results_file_that_says_nothing_is_no_matter(bring, tmp_path, content):
    (tmp_path / f"results_{DATE}.json").write_text(content)
    bring([row()])


def test_of_three_labels_none_is_guessed(complaint):
    rubric = Rubric("grade", "How good?", ("bad", "fair", "good"))
    assert "says '1', which is no verdict" in complaint([row()], rubric=rubric)


HUGE = json.dumps(row()).replace('"doc_id": 0', f'"doc_id": {"9" * 5000}')


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["[]"], "FILE, line 1: expected an object, {…}"),
        (['{"doc": 1'], "FILE, line 1: not JSON"),
        (['{"a": 1}'], "is not a samples file of lm-evaluation-harness: line 1 has no 'doc_id'"),
        ([row(), row(1, metrics=["f1"])], "line 2 has no 'f1', which its metrics name"),
        ([row(), row(text="other")], "FILE, line 2: doc_id 0 has other content than in line 1;"),
        ([row(), row()], "FILE, line 2, column 'judge': 'lm-eval exact_match' judges this answer"),
        ([row(resps=[["a"], ["b"]])], "line 1 has several requests for one question"),
        ([row(target="")], "column 'reference': is empty"),
        ([row(doc={"question": "\ud83d"})], "column 'question': half a surrogate pair"),
        ([row(score=[1])], "says '[1]', which is no verdict"),
        ([row(score=float("nan"))], "says 'NaN', which is no verdict"),
        ([row(metrics=7, arguments=3)], ""),
        ([HUGE], "FILE, line 1: cannot be read"),
        (["[" * 100_000], "FILE, line 1: "),
        ([""], "FILE has no rows"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_right(bring, complaint, rows, expected):
    if expected:
        assert expected in complaint(rows)
    else:
        bring(rows)  # nothing that we need is missing


def test_what_is_in_the_study_already_is_not_changed(bring, complaint):
    bring([row()])
    assert "'0' is in the study already, with other content" in complaint([row(target="6")])


def test_bytes_that_are_no_text(complaint, bring, tmp_path, store):
    path = tmp_path / NAME
    path.write_bytes(b'{"doc": "\xff"}')
    with pytest.raises(BenchwarrantError, match=r"cannot read .*codec can't decode"):
        import_any("lm-eval", Foreign(Source(path)), store, RUBRIC)
