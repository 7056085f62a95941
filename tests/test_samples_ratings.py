"""Labels and verdicts from rows; tests/test_samples_exchange.py tries them through files."""

from pathlib import Path

import pytest

from samples.errors import BenchwarrantError
from samples.ratings import imported_judge, labels_from, verdicts_from
from samples.rows import Row


def test_a_rating_of_an_answer_that_is_not_there_is_refused(store, one_of_each):
    store.add(one_of_each.values())
    rubric = one_of_each["rubrics"]
    values = {"case": "b2:00", "annotator": "ada", "judge": "gpt", "value": "correct"}
    row = Row(Path("log.eval"), 3, values, {}, unit="sample")
    for rows in (
        lambda: labels_from(iter([row]), store, rubric, "human"),
        lambda: verdicts_from(iter([row]), store, rubric),
    ):
        with pytest.raises(BenchwarrantError) as error:
            rows()
        assert str(error.value) == (
            "log.eval, sample 3, column 'case': no answer 'b2:00' in this study; import it first"
        )


def test_a_verdict_is_tied_to_its_answer_and_its_judge(store, one_of_each):
    store.add(one_of_each.values())
    answer, rubric = one_of_each["responses"], one_of_each["rubrics"]
    row = Row(Path("x"), 1, {"case": answer.id, "judge": "gpt", "value": "correct"}, {"cost": 1})
    _, spec, verdict = verdicts_from(iter([row]), store, rubric)
    assert spec == imported_judge("gpt")
    assert (verdict.response, verdict.spec, verdict.meta) == (answer.id, spec.id, {"cost": 1})
