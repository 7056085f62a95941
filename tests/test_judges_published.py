"""The coefficients that the literature and package manuals print, recomputed to the last digit."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from judges.agreement import STATISTICS
from judges.intraclass import intraclass, mean_squares
from judges.orders import ranked
from judges.raters import RATER_STATISTICS, rater_tables

SharedData = Callable[[str], Path]
Row = dict[str, str]

RATER_NAMES = {
    "cohen_kappa": "conger_kappa",
    "fleiss_pi": "fleiss_kappa",
    **{name: name for name in RATER_STATISTICS},
}
TWO_RATER_NAMES = {
    ("percent_agreement", "identity"): "accuracy",
    ("cohen_kappa", "identity"): "cohen_kappa",
    ("cohen_kappa", "linear"): "cohen_kappa_linear",
    ("cohen_kappa", "quadratic"): "cohen_kappa_quadratic",
    ("conger_kappa", "identity"): "cohen_kappa",
    ("fleiss_pi", "identity"): "scott_pi",
    ("gwet_ac", "identity"): "gwet_ac1",
    ("gwet_ac", "quadratic"): "gwet_ac2",
    ("brennan_prediger", "identity"): "brennan_prediger",
    ("krippendorff_alpha", "identity"): "krippendorff_alpha",
    ("krippendorff_alpha", "quadratic"): "krippendorff_alpha_interval",
}


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def coded(rows: list[list[str]]) -> tuple[np.ndarray, list[str]]:
    """Label codes with −1 for a blank, and the labels in order."""
    labels = sorted({cell for row in rows for cell in row if cell})
    return np.array([[labels.index(c) if c else -1 for c in row] for row in rows]), labels


def from_counts(rows: list[list[str]]) -> np.ndarray:
    """Counts per category as ratings: the raters of a row are exchangeable."""
    return np.array([np.repeat(np.arange(len(row)), np.array(row, int)) for row in rows])


def from_contingency(table: np.ndarray) -> np.ndarray:
    return np.array([[i, j] for i, j in np.ndindex(table.shape) for _ in range(int(table[i, j]))])


def ratings_of(name: str, tables: Path) -> tuple[np.ndarray, list[str]]:
    """A table of the folder as ratings (cases, raters) and its labels."""
    rows = read(tables / f"{name}.csv")
    if "counts" in name:
        return from_counts(rows), ["1", "2", "3", "4", "5"]
    if "contingency" in name:
        cells = np.array([row[-3:] for row in rows], dtype=float)
        return from_contingency(cells), ["1", "2", "3"]
    if "artstein" in name:
        rows = [row[1:] for row in rows]
    return coded(rows)


def edge_case(case: str, tables: Path) -> np.ndarray:
    rows = [row[1:] for row in read(tables / "t15_edge_cases_long.csv") if row[0] == case]
    coders, items, labels = (sorted({row[i] for row in rows}) for i in range(3))
    ratings = np.full((len(items), len(coders)), -1)
    for coder, item, label in rows:
        ratings[items.index(item), coders.index(coder)] = labels.index(label)
    return ratings


def paradox(case: str, tables: Path) -> np.ndarray:
    for name, *cells in read(tables / "t16_kappa_paradox_2x2.csv"):
        if name == case:
            both, first, second, neither = map(float, cells)
            return np.array([[neither, second], [first, both]])
    raise KeyError(case)


def computed(row: Row, tables: Path) -> list[float]:
    """Every way this project has of computing the row's coefficient; none where it has not."""
    table, _, case = row["table"].partition(" ")
    case = case.strip("()")
    coefficient, weights = row["coefficient"], row["weights"]
    if case.startswith("e"):
        ratings = rater_tables(edge_case(case, tables), 2).sum()
        names = {"krippendorff_alpha": ["krippendorff_alpha"]}.get(
            coefficient, ["fleiss_kappa", "conger_kappa"]
        )
        return [float(RATER_STATISTICS[name](ratings)) for name in names]
    if case.startswith("vanoest"):
        return [float(STATISTICS["cohen_kappa"](paradox(case, tables)))]
    if coefficient == "mcc":
        pairs, labels = coded(read(tables / f"{table}.csv"))
        return [float(STATISTICS["mcc"](two_way(pairs, len(labels))))]
    if coefficient == "spearman_rho":
        x, y = np.array(read(tables / f"{table}.csv"), dtype=float).T
        ranks = np.argsort(np.argsort([x, y], axis=1), axis=1).T  # no ties in this table
        return [
            float(ranked(x, y)["spearman"]),
            float(STATISTICS["spearman"](two_way(ranks, len(x)))),
        ]
    if coefficient.startswith("icc"):
        _, model, unit = coefficient.split("_")
        squares = mean_squares(np.array(read(tables / f"{table}.csv"), dtype=float))
        return [float(intraclass(squares, int(model), averaged=unit == "k"))]
    if coefficient not in RATER_NAMES:
        return []
    ratings, labels = ratings_of(table, tables)
    k = len(labels)
    rater_statistic = RATER_STATISTICS[RATER_NAMES[coefficient]]
    options = {"values": [float(x) for x in labels]} if weights in ("interval", "ratio") else {}
    values = [float(rater_statistic(rater_tables(ratings, k).sum(), weights, **options))]
    if ratings.shape[1] == 2 and (coefficient, weights) in TWO_RATER_NAMES:
        statistic = STATISTICS[TWO_RATER_NAMES[coefficient, weights]]
        values.append(float(statistic(two_way(ratings, k))))
    return values


def two_way(pairs: np.ndarray, k: int) -> np.ndarray:
    table = np.zeros((k, k))
    np.add.at(table, (pairs[:, 0], pairs[:, 1]), 1)
    return table


@pytest.fixture
def folder(shared_data: SharedData) -> Path:
    return shared_data("reference_interrater")


def expected_rows(folder: Path) -> Iterator[Row]:
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def test_every_published_row(folder: Path) -> None:
    checked, left, twice = 0, [], 0
    for row in expected_rows(folder):
        values = computed(row, folder / "tables")
        if not values:
            left.append(row["coefficient"])
            continue
        checked += 1
        twice += len(values) > 1
        about = f"{row['table']} {row['coefficient']} {row['weights']}"
        if row["match"] == "convention":
            # nltk calls agreement without any variation 1; here it is undefined, never 1.
            assert np.isnan(values).all(), about
            continue
        digits = int(row["digits"] or 7)
        published = float(row["published"] or row["recomputed"])
        for value in values:
            # Wikipedia cuts −29/165 after nine digits instead of rounding it.
            printed = np.trunc(value * 1e9) / 1e9 if about.startswith("t18") else value
            assert printed == pytest.approx(published, rel=0, abs=0.5000001 * 10**-digits), about
    assert checked == 59
    assert twice == 18  # two-rater rows also by the judge's tables: 9 + 2 + 5, e2 and Spearman's
    assert left == []


def test_one_label_only_leaves_scotts_s_defined(folder: Path) -> None:
    # S asks about the labels that could have been given, so with two labels it is 2 · 1 − 1 = 1;
    # nltk's row lists it with π and κ because there the set of labels is what was seen.
    tables = rater_tables(edge_case("e2", folder / "tables"), 2).sum()
    assert float(RATER_STATISTICS["brennan_prediger"](tables)) == 1


@pytest.mark.parametrize(
    ("case", "accuracy", "kappa"),
    [
        ("vanoest_ex1", 0.82, 0.0),
        ("vanoest_ex2a", 0.944, -0.0234),
        ("vanoest_ex2b", 0.944, -0.0234),
    ],
)
def test_kappa_paradox(case: str, accuracy: float, kappa: float, folder: Path) -> None:
    # ex1: 82 of 100 agree, both sides say positive 90 times: p_e = .81 + .01 = .82, so κ = 0.
    table = paradox(case, folder / "tables")
    assert float(STATISTICS["accuracy"](table)) == pytest.approx(accuracy, abs=1e-12)
    assert float(STATISTICS["cohen_kappa"](table)) == pytest.approx(kappa, abs=5e-5)
    assert float(STATISTICS["gwet_ac1"](table)) > 0.7  # the coefficient made for this case
