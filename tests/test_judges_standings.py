"""Ranks that cannot be told apart, by hand and against loops."""

import numpy as np
import pytest
from small_board import board, cell, entry

from judges import standings
from judges.entries import Entry
from judges.leaderboard import count
from judges.matching import joined
from judges.paired import compare
from judges.standings import compare_all, letters, smallest_difference
from judges.standings import ranks as held


def row(value, model):
    return next(row for row in value["rows"] if row["model"] == model)


def ranks(*entries: Entry) -> dict[str, tuple[int, int]]:
    value = board(*entries)
    return {r["model"]: (r["rank"]["best"], r["rank"]["worst"]) for r in value["rows"]}


def test_a_clear_winner_and_two_that_cannot_be_told_apart() -> None:
    found = ranks(
        entry("a", sums="1" * 36 + "0" * 4),
        entry("b", sums="10" * 12 + "0" * 16),
        entry("c", sums="01" * 12 + "0" * 16),
    )
    assert found == {"a": (1, 1), "b": (2, 3), "c": (2, 3)}


def test_all_may_hold_every_rank_where_nothing_is_shown() -> None:
    found = ranks(entry("a", sums="1100"), entry("b", sums="1010"), entry("c", sums="0110"))
    assert set(found.values()) == {(1, 3)}


@pytest.mark.parametrize(
    ("questions", "told_apart"), [(1, False), (3, False), (5, False), (8, True)]
)
def test_few_questions_show_no_difference_however_clear(questions: int, told_apart: bool) -> None:
    """m coins fall alike with chance 2/2^m: 1, 0.25, 0.0625 and 0.008."""
    found = ranks(entry("a", sums="1" * questions), entry("b", sums="0" * questions))
    assert found == ({"a": (1, 1), "b": (2, 2)} if told_apart else {"a": (1, 2), "b": (1, 2)})


def test_paired_differences_show_more_than_two_intervals_that_overlap() -> None:
    """b is wrong wherever a is, and on ten questions more."""
    value = board(entry("a", sums="1" * 60 + "0" * 40), entry("b", sums="1" * 50 + "0" * 50))
    a, b = row(value, "a"), row(value, "b")
    assert a["aggregate"]["low"] < b["aggregate"]["high"]
    assert (a["rank"], b["rank"]) == ({"best": 1, "worst": 1}, {"best": 2, "worst": 2})


def test_answers_to_other_questions_do_not_rank() -> None:
    """Nothing is paired, and resamples without any of a model's questions are left out."""
    first = Entry("a", "direct", {"sums": cell("111")})
    second = Entry("b", "direct", {"sums": cell("000", first=500)})
    assert ranks(first, second) == {"a": (1, 2), "b": (1, 2)}


def test_the_order_of_the_entries_does_not_matter() -> None:
    some = [
        entry(name, sums=text) for name, text in zip("abc", ("1110", "0110", "0001"), strict=True)
    ]
    assert ranks(*some) == ranks(*some[::-1])


def test_more_models_need_more_evidence() -> None:
    """p of a and b is 2/2^6 = 0.031: enough for one pair, not for three."""
    a, b = entry("a", sums="1" * 6 + "10" * 5), entry("b", sums="0" * 6 + "10" * 5)
    assert ranks(a, b) == {"a": (1, 1), "b": (2, 2)}
    c = entry("c", sums="1" * 6 + "10" * 5)
    assert ranks(a, b, c)["b"] == (1, 3)


def compared(*entries: Entry):
    tasks = dict.fromkeys(task for one in entries for task in one.cells)
    counts = [count(entries, task) for task in tasks]
    with np.errstate(invalid="ignore"):
        totals = np.mean(
            [one.right.sum(axis=0) / one.answers.sum(axis=0) for one in counts], axis=0
        )
    return compare_all(counts, ~np.isnan(totals), 0.95), totals


def test_a_board_with_one_model_or_none() -> None:
    assert held(*compared(entry("a", sums="10")), 0.05) == {0: (1, 1)}
    assert held(*compared(entry("a", sums="1"), entry("b", words="1")), 0.05) == {}


def test_all_pairs_are_what_comparing_two_at_a_time_gives() -> None:
    """Several draws, unequal sets of questions, two tasks: the matrix products against a loop."""
    rng = np.random.default_rng(5)
    entries = []
    for name in "abcd":
        texts = ["".join(rng.choice(list("01-"), size)) for size in (24, 36)]
        few = {"a": 24, "b": 18, "c": 24, "d": 20}[name]
        entries.append(entry(name, sums=texts[0][:few], words=texts[1], draws=2))
    pairs, _ = compared(*entries)
    for a in range(4):
        for b in range(4):
            if a == b:
                continue
            sides = []
            for task in ("sums", "words"):
                mine, theirs = entries[a].cells[task], entries[b].cells[task]
                sides.append(joined((mine.item, mine.right()), (theirs.item, theirs.right())))
            alone = compare(sides, 0.95)
            assert pairs.difference[a, b] == pytest.approx(alone.difference["value"])
            assert pairs.low[a, b] == pytest.approx(alone.difference["low"])
            assert pairs.high[a, b] == pytest.approx(alone.difference["high"])
            assert pairs.p[a, b] == pytest.approx(alone.p)
    assert pairs.pairs == 6


def test_letters_are_runs_in_which_nobody_is_told_apart() -> None:
    """Seven models in steps of 6 of 60 questions, each right wherever the next one is."""
    some = [entry(f"m{n}", sums="1" * (54 - 6 * n) + "0" * (6 + 6 * n)) for n in range(7)]
    pairs, totals = compared(*some)
    found = letters(pairs, totals, 0.05)
    for a in range(7):
        for b in range(a):
            if set(found[a]) & set(found[b]):
                assert pairs.p_holm[a, b] >= 0.05
    for a in range(6):  # neighbours share a letter just where they are not told apart
        assert bool(set(found[a]) & set(found[a + 1])) == (pairs.p_holm[a, a + 1] >= 0.05)
    assert found[0] == "a" and len({letter for own in found.values() for letter in own}) < 7


def test_one_group_of_all_and_no_group_where_there_is_no_rank() -> None:
    value = board(entry("a", sums="1100"), entry("b", sums="1010"), entry("c", words="11"))
    assert {one["groups"] for one in value["rows"]} == {None}
    value = board(entry("a", sums="1100"), entry("b", sums="1010"))
    assert {one["groups"] for one in value["rows"]} == {"a"}


def test_with_more_groups_than_letters_they_are_set_apart() -> None:
    """Thirty models, each of which beats the next on a hundred questions."""
    some = [entry(f"m{n}", sums="0" * (100 * n) + "1" * (3000 - 100 * n)) for n in range(30)]
    pairs, totals = compared(*some)
    found = letters(pairs, totals, 0.05)
    assert [found[e] for e in (0, 25, 26, 29)] == ["a", "z", "aa", "ad"]


def test_the_smallest_difference_is_found_in_four_of_five_studies() -> None:
    """Simulated boards whose true difference is what one board says it could find."""
    rng, m = np.random.default_rng(2), 400

    def drawn(gap: float):
        both = rng.random(m)
        other = np.where(rng.random(m) < 0.6, both, rng.random(m))
        texts = ["".join("10"[int(x)] for x in side) for side in (both > 0.4, other > 0.4 + gap)]
        return compared(*(entry(name, sums=text) for name, text in zip("ab", texts, strict=True)))

    size = smallest_difference(drawn(0.1)[0], 0.95)["one_pair"]["median"]
    found = np.mean([drawn(size)[0].p[0, 1] < 0.05 for _ in range(300)])
    assert 0.72 < found < 0.88


THREE = entry("a", sums="1110"), entry("b", sums="1100"), entry("c", sums="0000")


def test_every_pair_is_in_the_file_the_better_first() -> None:
    value = board(
        *(
            entry(name, sums=text)
            for name, text in zip("abc", ("1110", "1100", "0000"), strict=True)
        )
    )
    assert [(one["a"][0], one["b"][0]) for one in value["pairs"]] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    assert [one["difference"] for one in value["pairs"]] == [0.25, 0.75, 0.5]
    assert all(one["low"] <= one["difference"] <= one["high"] for one in value["pairs"])
    assert all(one["p"] <= one["p_holm"] <= 1 for one in value["pairs"])


def test_of_very_many_pairs_only_neighbours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standings, "MOST_PAIRS", 2)
    monkeypatch.setattr(standings, "NEIGHBOURS", 1)
    value = board(
        *(
            entry(name, sums=text)
            for name, text in zip("abc", ("1110", "1100", "0000"), strict=True)
        )
    )
    assert [one["a"][0] + one["b"][0] for one in value["pairs"]] == ["ab", "bc"]
