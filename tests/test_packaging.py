"""What is installed: the four rooms and the front door, and a clear word when a room is taken."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import benchwarrant

ROOT = Path(__file__).parents[1]


def test_rooms_are_ours() -> None:
    assert benchwarrant.foreign_room() == ""


def test_another_packages_room_is_named(tmp_path: Path) -> None:
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "__init__.py").write_text("")
    code = "import benchwarrant; benchwarrant.main()"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "'judges' is another package's" in run.stderr
    assert str(tmp_path) in run.stderr


@pytest.mark.slow
def test_wheel_holds_the_rooms_and_nothing_else(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "-q",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"samples", "inference", "judges", "annotator", "benchwarrant.py"}
    needed = ["judges/pages/report.html.j2", "judges/prompts/", "samples/templates/study.toml"]
    needed += ["inference/catalog.toml", "inference/prices.toml"]
    for start in needed:
        assert any(name.startswith(start) for name in names), start


def test_lock_names_no_place() -> None:
    """A lock with addresses or paths would tie every user to one machine's index."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock and "file:" not in lock and " @ " not in lock
    assert "\ntorch==" not in lock  # installed first, by its own line
    pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in pinned) and lock.count("--hash=sha256:") >= len(pinned)
