"""The leaderboard for people: hostile names do no harm, and what must be said is said."""

import json
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from small_board import board, entry

from judges.board_page import as_text, html, name, notes, points, rank, shown, table

HOSTILE = "\"'</td></table><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """What a browser would see: the tags, the text, and the cells of every row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.feed(page)
        self.rows = [[cell.strip() for cell in row] for row in self.rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [key for key, _ in attrs]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def value(labels: str = "human", **pooled: Any) -> dict[str, Any]:
    made = board(
        entry("a", sums="111t" * 2 + "1110" * 3 + "uuu", words="1-"),
        entry("b", sums="1000" * 5, words="11", parent="a", compression="int8"),
        entry("c", sums="10" * 10),
    )
    made["judges"][0]["error"] |= pooled
    return made | {"labels": labels}


def test_the_page_holds_the_board() -> None:
    made = value()
    page = Page(html(made))
    head, a, b, c, *_ = page.rows
    assert head[:6] == ["Rank", "Group", "Model", "All tasks", "sums", "words"]
    assert (a[2], b[2], c[2]) == ("a · direct", "b · directint8, of a", "c · direct")
    sums = made["rows"][0]["tasks"]["sums"]
    assert sums["value"] == 0.75 and sums["n"] == 20
    assert a[4] == shown(sums) + "n = 20" and a[4].startswith("75.0% [")
    assert (c[3], c[5]) == ("—", "—")  # c has no answers to words
    assert "n = 40" in page.text  # of the audit
    assert "signed by eve" in page.text


def test_hostile_names_are_text() -> None:
    made = board(entry(HOSTILE, sums="1100"), entry("b", sums="1000", parent=HOSTILE))
    made["study"] = HOSTILE
    made["judges"][0] |= {"judge": HOSTILE}
    made["judges"][0]["warrant"]["signed_by"] = HOSTILE
    for row in made["rows"]:
        row["by_judge"][HOSTILE] = row["by_judge"].pop("rules")
    page = Page(html(made))
    assert page.tags.count("script") == 1 and "img" not in page.tags
    assert "onerror" not in page.attributes
    assert page.text.count(HOSTILE) >= 5  # title, heading, judge, model, parent, signature
    assert "49" not in page.text.replace(HOSTILE, "")
    assert page.tags.count("table") == html(made).count("<table")


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = html(value())
    assert "http://" not in page and "https://" not in page
    assert not {"link", "img", "iframe"} & set(Page(page).tags) and "src" not in page.split()
    script = page.partition("<script>")[2].partition("</script>")[0]
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'"
    assert page.count("<script") == 1 and f'content="{policy}"' in page


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ("human", None),
        ("reference", "reference labels made by program, not against people's"),
        ("mixed", "partly against reference labels made by program"),
    ],
)
def test_a_judge_checked_by_a_program_says_so_on_top(labels: str, says: str | None) -> None:
    made = value(labels)
    page = html(made)
    assert ('class="banner"' in page) is (says is not None)
    if says:
        banner = page[page.index('class="banner"') :]
        assert says in Page(banner[: banner.index("</p>")]).text
        assert page.index('class="banner"') < page.index("<table")
        assert any(says in line for line in notes(made))
    else:
        assert "by program" not in page


def test_notes_count_what_is_not_a_plain_grade() -> None:
    lines = notes(value())
    assert lines[0] == (
        "Graded by rules, whose measured error is in the audit of n = 40: Cohen's κ 0.90"
        " [0.80, 0.95], leniency +1.0 [−2.0, +4.0] points."
    )
    assert lines[1].startswith("1 answers on which the judge failed; they count as wrong")
    assert lines[2].startswith("2 answers without text")
    assert lines[3].startswith("3 answers not graded yet")
    assert lines[4].startswith("b against a: ") and "10 right → wrong, 1 wrong → right" in lines[4]
    assert len(lines) == 5


def test_notes_do_not_speak_of_what_did_not_happen() -> None:
    assert len(notes(board(entry("a", sums="10")))) == 1


@pytest.mark.parametrize(
    ("kappa", "says"),
    [
        ({"value": 0.9, "low": None, "high": None, "reason": "no interval: …"}, "κ 0.90, leniency"),
        ({"value": None, "low": None, "high": None, "reason": "undefined: …"}, "n = 40, leniency"),
    ],
)
def test_a_judge_whose_kappa_has_no_interval_has_a_page(kappa: dict[str, Any], says: str) -> None:
    made = value(cohen_kappa=kappa)
    assert says in notes(made)[0]
    assert "κ" in html(made) or kappa["value"] is None


NONE = {"value": None, "low": None, "high": None, "reason": "no"}
BARE = {"value": -0.125, "low": None, "high": None, "reason": "no interval"}


@pytest.mark.parametrize(
    ("figure", "as_share", "as_points"),
    [
        (
            {"value": 0.625, "low": 0.55, "high": 0.701},
            "62.5% [55.0, 70.1]",
            "+62.5 [+55.0, +70.1]",
        ),
        ({"value": -0.125, "low": -0.18, "high": 0.071}, None, "−12.5 [−18.0, +7.1]"),
        (BARE, "-12.5%", "−12.5"),
        (NONE, "—", "—"),
        (None, "—", "—"),
    ],
)
def test_figures_in_print(figure: Any, as_share: str | None, as_points: str) -> None:
    assert as_share is None or shown(figure) == as_share
    assert points(figure) == as_points


@pytest.mark.parametrize(
    ("held", "text"),
    [({"best": 1, "worst": 1}, "1"), ({"best": 1, "worst": 3}, "1–3"), (None, "—")],
)
def test_ranks_in_print(held: Any, text: str) -> None:
    assert rank({"rank": held}) == text


def test_the_terminal_s_table_has_the_same_cells() -> None:
    made = value()
    columns, rows = table(made)
    assert columns == ["rank", "group", "model", "all tasks", "sums", "words"]
    assert [row[2] for row in rows] == [name(one) for one in made["rows"]]
    assert rows[0][4] == shown(made["rows"][0]["tasks"]["sums"])
    assert {len(row) for row in rows} == {6}


def test_a_model_without_a_strategy_is_just_its_name() -> None:
    assert name({"model": "a", "strategy": ""}) == "a"
    assert name({"model": "a", "strategy": "cot"}) == "a · cot"


def test_the_json_file_is_the_value() -> None:
    made = value()
    assert json.loads(as_text(made)) == made and as_text(made).endswith("}\n")
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_text(made | {"confidence": float("nan")})
