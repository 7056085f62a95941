"""Records are named by their content: the same everywhere, other with every other content."""

from dataclasses import FrozenInstanceError, fields, replace
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.records import (
    FAILURES,
    FINISHES,
    Item,
    Label,
    Response,
    Rubric,
    Spec,
    Verdict,
    as_row,
    canonical_json,
    content_hash,
)
from samples.store import Store


def test_canonical_json_is_sorted_utf8_without_blanks():
    value = {"ü": "é\n", "a": (1, 2.5, None, True)}
    assert canonical_json(value) == '{"a":[1,2.5,null,true],"ü":"é\\n"}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # printf '%s' TEXT | b2sum -l 128
        ({"ü": "é\n", "a": (1, 2.5, None, True)}, "38073d47e20c4633bf6f64163b8092ce"),
        ("", blake2b(b'""', digest_size=16).hexdigest()),
        ([], blake2b(b"[]", digest_size=16).hexdigest()),
    ],
)
def test_content_hash_is_blake2b_of_the_canonical_json(value, expected):
    assert content_hash(value) == "b2:" + expected


def test_an_items_id_is_the_hash_of_its_fields():
    # printf '%s' '{"answer_type":"text","choices":[["A","x"]],"key":"k1","meta":{},
    #   "question":"2+2?","references":["4","four"],"task":"sums"}' | b2sum -l 128  (one line)
    item = Item("sums", "k1", "2+2?", ("4", "four"), choices=(("A", "x"),))
    assert item.id == "b2:4d24925224c261d4caaf3c79b5c90ae1"
    assert item.reference == "4"


def test_order_of_keys_does_not_count_but_types_do():
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    assert len({content_hash(value) for value in (1, 1.0, "1", True, [1], None)}) == 6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_numbers_that_json_does_not_have_are_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        content_hash(value)


def test_half_a_surrogate_pair_can_be_named():
    assert content_hash("\ud800") != content_hash("\ud801")


def test_every_field_of_every_record_is_part_of_its_id(one_of_each):
    for record in one_of_each.values():
        for field in fields(record):
            other = replace(record, **{field.name: ["something else"]})
            assert other.id != record.id, f"{type(record).__name__}.{field.name}"


def test_records_do_not_change(one_of_each):
    for record in one_of_each.values():
        with pytest.raises(FrozenInstanceError):
            setattr(record, fields(record)[0].name, "other")


def test_the_last_label_is_the_positive_one():
    assert Rubric("r", "?", ("bad", "fair", "good")).positive == "good"


# --- what the database gives back has the id that was put in ------------------------------------

text = st.text(max_size=20)
json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
meta = st.dictionaries(text, json_like, max_size=3)
real = st.none() | st.floats(min_value=0.0, allow_nan=False, allow_infinity=False)
count = st.none() | st.integers(0, 2**40)


@given(
    item=st.builds(
        Item,
        task=text,
        key=text,
        question=text,
        references=st.lists(text, min_size=1, max_size=3).map(tuple),
        choices=st.lists(st.tuples(text, text), max_size=3).map(tuple),
        meta=meta,
    ),
    body=meta,
    answer=st.fixed_dictionaries(
        {"text": st.none() | text, "finish": st.sampled_from(FINISHES), "prompt": st.none() | text}
        | {"prompt_tokens": count, "seconds": real, "meta": meta, "draw": st.integers(0, 9)}
    ),
    label=st.fixed_dictionaries({"unsure": st.booleans(), "note": text, "seconds": real}),
    verdict=st.fixed_dictionaries({"score": real, "raw": st.none() | text, "meta": meta}),
    outcome=st.sampled_from([("yes", None), *((None, failure) for failure in FAILURES)]),
)
def test_a_round_trip_through_the_store_keeps_every_id(item, body, answer, label, verdict, outcome):
    rubric, model, judge = Rubric("r", "?", ("no", "yes")), *_specs(body)
    response = Response(item.id, "m", model.id, "cot", **answer)
    made = Label(response.id, rubric.id, "ada", value="yes", meta=body, **label)
    value, failure = outcome
    said = Verdict(response.id, rubric.id, "j", judge.id, value=value, failure=failure, **verdict)
    with Store(Path(":memory:"), create=True) as store:
        assert store.add([item, rubric, model, judge, response, made, said]) == 7
        back = [*store.items(), *store.responses(), *store.labels(), *store.verdicts()]
        assert [record.id for record in back] == [item.id, response.id, made.id, said.id]
        assert [*store.specs("model"), *store.specs("judge")] == [model, judge]
        assert list(store.faults()) == []


def _specs(body):
    return Spec("model", "m", body), Spec("judge", "j", body)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), NUMBERS, st.text())


@given(
    text=st.one_of(st.none(), st.text()),
    seconds=PLAIN,
    meta=st.dictionaries(st.text(), st.lists(PLAIN)),
)
def test_an_id_is_the_hash_of_the_rows_canonical_json(text, seconds, meta):
    """However it is put together: %-signs, quotes, lone surrogates, booleans and all."""
    response = Response("b2:1", "m", "b2:2", "%s", 0, text, seconds=seconds, meta=meta)
    verdict = Verdict("b2:1", "b2:2", "%", "b2:3", value="a", raw=text, score=seconds, meta=meta)
    for record in (response, verdict):
        assert record.id == content_hash(as_row(record))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_record_with_a_number_that_json_does_not_have_has_no_id(number):
    with pytest.raises(ValueError, match="JSON"):
        Response("b2:1", "m", "b2:2", "direct", 0, "4", seconds=number).id  # noqa: B018
