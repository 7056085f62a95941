"""Answers and verdicts as numbers: the right ones, and read without a text."""

from dataclasses import replace

from samples import numbered
from samples.numbered import DEGENERATE, RIGHT


def test_the_board_reads_numbers_from_indexes_alone(full, one_of_each):
    """No plan may touch the rows of the responses, where the texts lie."""
    first, rubric = one_of_each["verdicts"], one_of_each["rubrics"]
    full.add([replace(first, value=None, failure="degenerate", attempt=1)])
    plans: list[str] = []
    full.db.conn.set_trace_callback(plans.append)
    answers = numbered.answers(full, one_of_each["responses"].spec)
    of, said = numbered.verdicts(full, first.spec, rubric)
    numbered.unfinished(full)
    full.db.conn.set_trace_callback(None)
    assert list(answers) == [1, 0, 1]  # the first item, its first draw, the first response
    verdicts = dict(zip(said[::2], said[1::2], strict=True))
    assert [verdicts[number] for number in of[1::2]] == [RIGHT, DEGENERATE]
    assert set(of[::2]) == {1}
    for query in plans:
        rows = full.db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        for *_, step in rows:
            covered = "COVERING INDEX" in step or "responses_unfinished" in step
            assert covered or step == "SCAN verdicts", step


def test_unfinished_answers_are_told_apart(full, one_of_each):
    first = one_of_each["responses"]
    more = [replace(first, draw=n + 1, finish=f) for n, f in enumerate(("length", "too_long"))]
    full.add(more)
    found = list(numbered.unfinished(full))
    assert sorted(zip(found[::2], found[1::2], strict=True)) == [(2, 1), (3, 0)]


def test_items_and_ids_by_their_numbers(full, one_of_each):
    item, answer = one_of_each["items"], one_of_each["responses"]
    assert numbered.asked(full) == [
        (1, item.task, item.key, item.question, item.answer_type, item.meta)
    ]
    scored = replace(answer, draw=1, text=None)
    full.add([scored])
    assert list(numbered.answer_numbers(full, answer.spec)) == [1, 2]
    assert list(numbered.textless_numbers(full)) == [2]
    assert numbered.response_ids(full, [2, 1]) == [scored.id, answer.id]
