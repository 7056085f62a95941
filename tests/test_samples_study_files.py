"""Which files go along with a study file, and what in it must not."""

import pytest

from samples.errors import BenchwarrantError
from samples.study import load_study
from samples.study_files import check_no_keys, named_files, outside

STUDY = """
name = "x"
database = "study.db"
[rubric]
guidance = "texts/guidance.md"
[[task]]
name = "sums"
path = "{path}"
"""


@pytest.fixture
def study(tmp_path):
    """A study file that names this path as a task's, beside files of all sorts."""

    def written(path, more=""):
        home = tmp_path / "home"
        (home / "texts").mkdir(parents=True, exist_ok=True)
        for name in ("texts/guidance.md", "study.db", "rows.jsonl", "not-named.txt", ".env"):
            (home / name).write_text("x")
        (tmp_path / "secret.txt").write_text("x")
        (home / "study.toml").write_text(STUDY.format(path=path) + more)
        return home / "study.toml"

    return written


@pytest.mark.parametrize(
    ("path", "found", "leads_out"),
    [
        ("rows.jsonl", ["rows.jsonl"], []),
        ("texts/../rows.jsonl", ["rows.jsonl"], []),
        ("gone.jsonl", [], []),
        ("texts", [], []),
        ("../secret.txt", [], ["../secret.txt"]),
        ("/etc/hosts", [], ["/etc/hosts"]),
    ],
)
def test_what_is_named_and_inside_goes_along(study, path, found, leads_out):
    file = study(path)
    assert named_files(file, load_study(file)) == sorted([*found, "texts/guidance.md"])
    assert outside(file) == leads_out


def test_a_link_that_leads_out_stays(study, tmp_path):
    file = study("link.txt")
    (file.parent / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert named_files(file, load_study(file)) == ["texts/guidance.md"]


def test_an_address_with_a_password_is_refused(study):
    model = '[[model]]\nname = "m"\nmodel = "m"\nrun = {{ base_url = "http://{}127.0.0.1:1/v1" }}\n'
    check_no_keys(study("rows.jsonl", model.format("")))
    with pytest.raises(BenchwarrantError, match="an address with a user name or password"):
        check_no_keys(study("rows.jsonl", model.format("me:pass@")))
