"""A process that is started, looked after and seen off; servers are in test_inference_served.py."""

import os
import subprocess
import sys
from time import monotonic

import pytest

from inference import serving
from inference.serving import end, get_json, has_ended, launch, memory_peak, why_it_ended
from samples.errors import BenchwarrantError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path))


def python(code: str, port: int = 1) -> serving.Process:
    return launch("python", [sys.executable, "-c", code], os.environ, port)


def test_the_last_lines_are_bounded_and_printable():
    code = "for n in range(9): print('line', n, 'x' * 200, '\\x1b[2J\\u202e', flush=True)"
    process = python(code + "\nraise SystemExit(5)")
    assert has_ended(process, 10)
    said = why_it_ended(process)
    end(process)
    assert said.startswith(f"served: python ended with status 5; see {process.log} (last: ")
    assert "line 8" in said and "line 0" not in said
    assert len(said) < 1000 and said.isprintable()


def test_an_end_by_a_signal_is_told_as_one():
    process = python("import os; os.kill(os.getpid(), 9)")
    assert has_ended(process, 10)
    assert "python was ended by signal 9" in why_it_ended(process)
    assert "(last: nothing)" in why_it_ended(process)
    end(process)


def test_a_log_that_is_gone_is_no_second_fault():
    process = python("raise SystemExit(5)")
    assert has_ended(process, 10)
    process.log.unlink()
    assert "the log is gone" in why_it_ended(process)
    end(process)


def test_only_the_newest_logs_are_kept(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    for n in range(30):
        (folder / f"old-{n:02}.log").touch()
        os.utime(folder / f"old-{n:02}.log", (n, n))
    process = python("pass")
    end(process)
    kept = {file.name for file in folder.iterdir()} - {process.log.name}
    assert kept == {f"old-{n:02}.log" for n in range(11, 30)}  # 20 with the new one


def test_ending_twice_and_ending_what_has_ended():
    process = python("import time; time.sleep(60)")
    assert not has_ended(process)
    end(process)
    end(process)
    assert has_ended(process)


def test_nobody_there_is_no_answer():
    process = python("import time; time.sleep(60)", port=1)
    assert get_json(process, "/health") is None
    with pytest.raises(BenchwarrantError, match="did not answer within 0 s of its start"):
        serving.wait_until_ready(process, 0, monotonic)
    end(process)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of other processes")
def test_memory_is_that_of_the_server_and_its_children(tmp_path):
    # Both fill 50 MB and let them go: a peak that is over counts as well
    fill = "x = bytearray(50_000_000); del x; "
    told = tmp_path / "ready"
    child = f"{fill}open({str(told)!r}, 'w').close(); import time; time.sleep(60)"
    process = python(
        f"{fill}import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    )
    deadline = monotonic() + 10
    while not told.exists() and monotonic() < deadline:
        pass
    peak = memory_peak(process)
    end(process)
    assert peak is not None and 100_000_000 < peak < 200_000_000
    assert memory_peak(process) is None  # gone


def test_another_process_that_we_start_does_not_hold_the_pipe():
    """Otherwise the server would live as long as that one."""
    process = python("import time; time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        assert process.supervisor.stdin is not None
        process.supervisor.stdin.close()
        assert has_ended(process, 5)
        other.kill()
    end(process)


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BenchwarrantError, match="BENCHWARRANT_CACHE"):
        python("pass")
