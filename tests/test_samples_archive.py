"""A study that moves: the same rows by the same ids, the same verify, and nothing else."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_audit import build_study, numbered
from test_end_to_end import command, label_all, write_study
from trivia import write_import_files

from samples.archive import _line, _text, export_study, import_study
from samples.blind import own, own_flags
from samples.errors import BenchwarrantError
from samples.login import AT_HOME
from samples.oversight import checked, flags
from samples.records import (
    Account,
    CheckLabel,
    Control,
    Event,
    Item,
    Label,
    Lease,
    ProbeVerdict,
    Response,
    Rubric,
    Spec,
    as_row,
    canonical_json,
    content_hash,
)
from samples.store import TABLES, Store
from samples.study import load_study
from samples.study_files import file_hash


def ids(folder: Path) -> dict[str, list[str]]:
    with Store(folder / "study.db") as store:
        return {table: [r.id for r in store.records(kind)] for kind, table in TABLES.items()}


def out(study: Path, folder: Path) -> Path:
    path = study / "study.toml"
    loaded = load_study(path)
    with Store(loaded.at(loaded.database)) as store:
        export_study(store, path, loaded, folder)
    return folder


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A small study with everything in it: labels, two judges' warrants, accounts."""
    folder = tmp_path_factory.mktemp("decided")
    write_study(folder)
    for step in ("collect", "sample", "judge"):
        command(folder, step)
    label_all(folder)
    command(folder, "accounts", "add", "eve", "--role", "lead")
    command(folder, "accounts", "revoke", "eve")
    command(folder, "accounts", "add", "eve", "--role", "adjudicator")
    command(folder, "approve", "rules", "--signed-by", "Ann")
    command(folder, "approve", "yes", ok=(0, 1, 3))
    return folder


@pytest.fixture
def archive(decided, tmp_path):
    command(decided, "export", "study", "--out", str(tmp_path / "archive"))
    return tmp_path / "archive"


def test_another_machine_has_the_same_rows_and_the_same_verify(decided, archive, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    said = command(new, "import", "study", str(archive)).stdout
    rows = sum(map(len, ids(decided).values()))
    assert said == f"{rows} rows read from {archive}, {rows} new\n"
    assert command(new, "verify").stdout == command(decided, "verify").stdout
    assert "follows from the rows" in command(new, "verify").stdout
    theirs, ours = ids(new), ids(decided)
    assert len(theirs.pop("accounts")) == len(ours.pop("accounts")) == 4
    assert theirs == ours
    for name in ("study.toml", "guidance.md", "prompt.txt", "good.jsonl"):
        assert (new / name).read_bytes() == (decided / name).read_bytes()
    again = out(new, tmp_path / "again")
    assert {f.name: f.read_bytes() for f in again.iterdir()} == {
        f.name: f.read_bytes() for f in archive.iterdir()
    }
    assert command(new, "import", "study", str(archive)).stdout == (
        f"{rows} rows read from {archive}, 0 new\n"
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
STUDY = 'name = "x"\n'


@given(
    st.lists(st.tuples(texts, texts, st.none() | texts), max_size=5, unique_by=lambda row: row[0]),
    st.lists(st.tuples(texts, texts, st.floats(0, 1e9), texts), max_size=5),
)
def test_any_text_arrives_as_it_was(tmp_path_factory, answers, labels):
    folder = tmp_path_factory.mktemp("any")
    for name in ("old", "new"):
        (folder / name).mkdir()
    (folder / "old" / "study.toml").write_text(STUDY)
    rubric, spec = Rubric("r", "?", ("no", "yes")), Spec("model", "m", {"é": [1, 2.5, None]})
    items = [Item("t", key, q, (q, key), "choice", ((key, q),), {q: key}) for key, q, _ in answers]
    responses = [
        Response(item.id, "m", spec.id, "", 0, text, meta={"x": text})
        for item, (_, _, text) in zip(items, answers, strict=True)
    ]
    said = [
        Label(responses[0].id, rubric.id, who, value="yes", note=note, seconds=time, created_at=at)
        for who, note, time, at in labels
        if responses
    ]
    with Store(folder / "old" / "study.db", create=True) as store:
        store.add([rubric, spec, *items, *responses, *said])
    import_study(out(folder / "old", folder / "out"), folder / "new" / "study.toml")
    assert ids(folder / "new") == ids(folder / "old")
    assert (folder / "new" / "study.toml").read_text() == STUDY


def test_no_secret_and_no_path_of_this_machine_goes_out(decided, archive, tmp_path):
    with Store(decided / "study.db") as store:
        secrets = [account.secret for account in store.records(Account) if account.secret]
    content = b"".join(f.read_bytes() for f in archive.rglob("*") if f.is_file())
    assert secrets and not any(secret.encode() in content for secret in secrets)
    assert str(decided).encode() not in content and str(tmp_path).encode() not in content
    lines = (archive / "accounts.jsonl").read_text().splitlines()
    assert [json.loads(line)["role"] for line in lines][-1] == "adjudicator"


def test_sessions_and_failed_sign_ins_stay_at_home_and_none_comes_in(decided, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(decided, home)
    with Store(home / "study.db") as store:
        stays = [Event(kind, "who", {"secret": "hash"}, "2026-01-01") for kind in sorted(AT_HOME)]
        store.add([*stays, Event("model ran", "m", {}, "2026-01-01")])
    folder = out(home, tmp_path / "out")
    content = (folder / "events.jsonl").read_text()
    assert "model ran" in content and not any(kind in content for kind in AT_HOME)
    (tmp_path / "new").mkdir()
    import_study(folder, tmp_path / "new" / "study.toml")
    forged = {"id": stays[-1].id, **as_row(stays[-1])}
    (folder / "events.jsonl").write_text(canonical_json(forged) + "\n")
    with pytest.raises(BenchwarrantError, match="holds a session"):
        import_study(folder, tmp_path / "another" / "study.toml")


def test_labels_of_a_copy_come_back_and_accounts_stay_as_they_are(decided, archive, tmp_path):
    home, copy = tmp_path / "home", tmp_path / "copy"
    shutil.copytree(decided, home)
    copy.mkdir()
    command(copy, "import", "study", str(archive))
    command(copy, "accounts", "role", "ann", "adjudicator")
    with Store(copy / "study.db") as store:
        label = replace(store.labels()[0], annotator="zoe", created_at="2026-02-01")
        store.add([label, Account("zoe")])
    before = ids(home)
    said = command(home, "import", "study", str(out(copy, tmp_path / "back"))).stdout
    assert "2 new" in said
    assert (
        "account 'ann' was kept as annotator, human, active; in the folder it is adjudicator"
        in said
    )
    after = ids(home)
    assert after.pop("labels") == [*before.pop("labels"), label.id]
    assert after.pop("accounts") == [*before.pop("accounts"), Account("zoe").id]
    assert after == before
    with Store(home / "study.db") as store:
        assert {a.name: bool(a.secret) for a in store.accounts()}["eve"]  # still lets eve in


def test_work_done_offline_comes_together(tmp_path):
    """Two people label copies of a study; one of them has labelled a case in both."""
    home = tmp_path / "home"
    home.mkdir()
    build_study(home, numbered(4))
    with Store(home / "study.db") as store:
        rubric = store.audit_set().rubric
        cases = [case.response for case in store.audit_cases(store.audit_set().id)]
        control = Control(rubric, "2 + 2?", ("4",), "It is 5.", "incorrect")
        store.add([control, Account("ann"), Account("ben")])
    start = out(home, tmp_path / "start")

    def work(name, second, value):
        """In a copy: a label, a check, a flag and a lease."""
        at = f"2026-01-01T12:00:{second:02}.000000+00:00"
        folder = tmp_path / f"{name} {second}"
        folder.mkdir()
        import_study(start, folder / "study.toml")
        flag = {"annotator": name, "audit_set": "", "on": value == "correct"}
        with Store(folder / "study.db") as copy:
            copy.add([Label(cases[0], rubric, name, value=value, created_at=at)])
            checks = (cases[0], "repeat"), (control.id, "control")
            for case, purpose in checks:
                known = {"value": value, "purpose": purpose, "created_at": at}
                copy.add([CheckLabel(case, rubric, name, **known)])
            copy.add([Event("flag", cases[0], flag, at)])
            copy.add([Lease(copy.audit_set().id, cases[0], name, at, at)])
        return out(folder, tmp_path / f"back {name} {second}")

    backs = [work("ann", 30, "correct"), work("ann", 10, "incorrect"), work("ben", 20, "correct")]
    assert not any((back / "leases.jsonl").exists() for back in backs)
    for back in (*backs, *backs):
        import_study(back, home / "study.toml")
    with Store(home / "study.db") as store:
        counts = store.counts()
        assert (counts["labels"], counts["check_labels"], counts["leases"]) == (3, 6, 0)
        assert len(store.events("flag")) == 3
        current = {(one.annotator, one.value) for one in store.current_labels(rubric)}
        assert current == {("ann", "correct"), ("ben", "correct")}  # though it came in first
        told = {(one.annotator, one.purpose, one.value) for one in checked(store, rubric)}
        assert told == {(n, p, "correct") for n in ("ann", "ben") for p in ("repeat", "control")}
        assert {seen.status for seen in own(store, rubric, "ann")} == {"labelled"}
        assert own_flags(store, "ann") == {cases[0]}
        raised = flags(store, store.audit_set().id, rubric)
        assert [flag.annotator for flag in raised] == ["ben", "ann"]
        assert list(store.faults()) == []


@pytest.mark.slow
def test_a_public_study_moves_with_its_warrant(shared_data, tmp_path):
    """54,484 rows, and a decision that follows from them on either side."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    write_import_files(shared_data("human_judging_the_judges"), old)
    command(old, "init", ".", "--bare")
    for kind in ("items", "responses", "labels", "verdicts"):
        command(old, "import", kind, f"{kind}.jsonl")
    command(old, "sample", "--labelled")
    command(old, "approve", "GPT-4", ok=(0, 1, 3))
    command(old, "export", "study", "--out", str(tmp_path / "archive"))
    command(new, "import", "study", str(tmp_path / "archive"))
    assert command(new, "verify").stdout == command(old, "verify").stdout
    assert ids(new) == ids(old)


# --- what is refused ---------------------------------------------------------------------------


@pytest.fixture
def refused(archive, tmp_path):
    """What an import of the archive says that must fail, and that it wrote nothing."""

    def message(study: Path | None = None) -> str:
        place = study or tmp_path / "fresh"
        place.mkdir(exist_ok=True)
        before = {f.name: f.stat().st_mtime_ns for f in place.iterdir()}
        with pytest.raises(BenchwarrantError) as error:
            import_study(archive, place / "study.toml")
        assert {f.name: f.stat().st_mtime_ns for f in place.iterdir()} == before
        assert "\n" not in str(error.value)
        return str(error.value).replace(f"{tmp_path}/", "")

    return message


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_anywhere_is_found(archive, refused, data):
    path = archive / data.draw(st.sampled_from(sorted(f.name for f in archive.iterdir())))
    content = path.read_bytes()
    if not content:
        return
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != content[place]))
    path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
    try:
        said = refused()
    finally:
        path.write_bytes(content)
    assert path.name in said
    if path.suffix == ".jsonl" and path.stem in TABLES.values():
        line = content[:place].count(b"\n") + 1
        assert f"{path.name}, line {line}" in said


def _edit(path: Path, change) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: lines + lines[-1:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [],
    ],
)
def test_lines_that_are_gone_doubled_or_moved_are_found(archive, refused, change):
    _edit(archive / "labels.jsonl", change)
    assert "labels.jsonl, line" in refused() and "or they are in another order" in refused()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot read archive/manifest.json: No such file or directory"),
        (b"{", "archive/manifest.json is damaged"),
        (b"\xff", "archive/manifest.json is damaged"),
        (b"[]", "archive/manifest.json is not of the format benchwarrant-study/1"),
        (b'{"format": "benchwarrant-study/2"}', "archive/manifest.json is not of the format"),
        (b'{"format": "benchwarrant-study/1"}', "archive/manifest.json has been changed"),
        (b"[" * 100_000, "archive/manifest.json is damaged"),
    ],
)
def test_a_folder_that_is_no_study(archive, refused, content, expected):
    (archive / "manifest.json").unlink()
    if content is not None:
        (archive / "manifest.json").write_bytes(content)
    assert refused().startswith(expected)


def _sign(archive: Path, change) -> None:
    """Change the manifest as a stranger would, who makes its hash right again."""
    manifest = json.loads((archive / "manifest.json").read_text())
    change(manifest)
    manifest["id"] = content_hash({k: v for k, v in manifest.items() if k != "id"})
    (archive / "manifest.json").write_bytes(_text(manifest))


@pytest.mark.parametrize("name", ["../up.txt", "/etc/passwd", "a/../../up.txt", "hook.sh"])
def test_no_file_is_written_that_the_study_does_not_name(archive, refused, name):
    (archive / "hook.sh").write_text("x")
    _sign(archive, lambda manifest: manifest["files"].update({name: "b2:00"}))
    assert "is no file of this study" in refused()


def test_a_database_outside_the_folder_is_refused(decided, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(decided, moved)
    text = 'database = "../elsewhere.db"\n' + (moved / "study.toml").read_text()
    (moved / "study.toml").write_text(text)
    (moved / "study.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(BenchwarrantError, match=r"puts its database outside of"):
        import_study(out(moved, tmp_path / "out"), tmp_path / "study.toml")


def test_rows_of_another_study_do_not_mix(decided, archive, refused, tmp_path):
    other = tmp_path / "other"
    write = {"task": "sums", "key": "1", "question": "other?", "references": ("3",)}
    shutil.copytree(decided, other, ignore=shutil.ignore_patterns("study.db*"))
    with Store(decided / "study.db") as store:
        key = next(store.records(Item)).key
    with Store(other / "study.db", create=True) as store:
        store.add([Item(**write | {"key": key})])
    assert "items.jsonl, line 1: does not fit this study" in refused(other)
    with Store(other / "study.db") as store:
        assert store.counts()["items"] == 1


def test_a_study_with_broken_rows_does_not_go_out(decided, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(decided, broken)
    with Store(broken / "study.db") as store:
        store.db.execute("DROP TRIGGER labels_no_update")
        store.db.execute("UPDATE labels SET note = 'x' WHERE seq = 1")
    with pytest.raises(BenchwarrantError, match=r"labels: row .* has been changed"):
        out(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()


def test_a_folder_is_never_overwritten(decided, archive):
    with pytest.raises(BenchwarrantError, match="is there already; name a new folder"):
        out(decided, archive)


def test_values_of_a_wrong_type_leave_no_trace(archive, refused):
    """A stranger's rows may have right hashes and yet be none that this database can hold."""
    line = json.loads((archive / "labels.jsonl").read_text().splitlines()[0])
    line.pop("id")
    bad = Label(**line | {"note": 7})
    (archive / "labels.jsonl").write_bytes(_line(bad))
    table = {"rows": 1, "hash": file_hash(archive / "labels.jsonl")}
    _sign(archive, lambda manifest: manifest["tables"].update({"labels": table}))
    assert "labels: row" in refused() and "nothing was imported" in refused()


def test_probes_go_along_and_a_folder_from_before_them_comes_in(decided, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(decided, copy)
    with Store(copy / "study.db") as store:
        item, rubric = store.items()[0], store.rubrics()[0]
        spec = store.specs("judge")[0]
        probe = ProbeVerdict(item.id, rubric.id, "empty", "reject", "", spec.name, spec.id, "yes")
        store.add([probe])
    import_study(out(copy, tmp_path / "with"), tmp_path / "there" / "study.toml")
    assert ids(tmp_path / "there")["probes"] == [probe.id]
    before = out(decided, tmp_path / "before")
    (before / "probes.jsonl").unlink()
    _sign(before, lambda manifest: manifest["tables"].pop("probes"))
    import_study(before, tmp_path / "old" / "study.toml")
    assert ids(tmp_path / "old") == ids(tmp_path / "there") | {"probes": []}
