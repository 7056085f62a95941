"""The served engine against a stand-in for vLLM's command, and for real against llama.cpp."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inference import served, serving
from inference.engine import Chat, EngineSpec, Message, Sampling
from inference.served import ServedEngine
from samples.errors import BenchwarrantError

# What answers as `vllm serve` does, as far as we ask. Its variant comes by a variable.
STAND_IN = f"""#!{sys.executable}
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

variant = os.environ.get("STAND_IN")
given = dict(zip(sys.argv, sys.argv[1:]))
if variant == "crashes at start":
    sys.stderr.write("loading\\nRuntimeError: no \\x1b[31mGPU\\x1b[0m here\\n")
    sys.exit(3)
if variant == "hangs at start":
    sys.stderr.write("compiling " + str(os.getpid()) + "\\n")
    sys.stderr.flush()
    time.sleep(60)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def allowed(self):
        key = os.environ.get("VLLM_API_KEY")
        return key is None or self.headers.get("Authorization") == "Bearer " + key

    def do_GET(self):
        name = "another" if variant == "is a stranger" else given.get("--served-model-name")
        listed = {{"data": [{{"id": name, "max_model_len": 2048}}]}}
        known = {{"/health": {{}}, "/version": {{"version": "0.33.0"}}}}
        if self.path == "/v1/models":
            self.answer(*((200, listed) if self.allowed() else (401, {{}})))
        elif self.path in known:
            self.answer(200, known[self.path])
        else:
            self.answer(404, {{}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.allowed():
            return self.answer(401, {{"error": {{"message": "no key"}}}})
        asked = body["messages"][-1]["content"]
        if asked == "crash":
            sys.stderr.write("CUDA error: an illegal memory access was encountered\\n")
            sys.stderr.flush()
            os._exit(7)
        told = {{"argv": sys.argv[1:], "pid": os.getpid(), "body": body,
                "environ": dict(os.environ)}}
        text = json.dumps(told[asked]) if asked in told else "re: " + asked
        message = {{"role": "assistant", "content": text}}
        choice = {{"index": 0, "message": message, "finish_reason": "stop"}}
        usage = {{"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
        self.answer(200, {{"id": "1", "object": "chat.completion", "created": 1, "usage": usage,
                           "model": body["model"], "choices": [choice]}})


ThreadingHTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
"""
QUICK = Sampling(max_tokens=8)
Open = Callable[..., ServedEngine]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> None:
    if "real" not in request.fixturenames:
        monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def vllm(tmp_path: Path) -> Path:
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return program


@pytest.fixture
def serve(vllm: Path) -> Iterator[Open]:
    """Open an engine on the stand-in, and close it after the test."""
    opened: list[ServedEngine] = []

    def serve(variant: str = "", spec: EngineSpec | None = None, **run: Any) -> ServedEngine:
        spec = spec or EngineSpec("served", "some/model", options={"server": "vllm"})
        environment = {"STAND_IN": variant, **run.pop("environment", {})}
        settings = {"command": [str(vllm)], "environment": environment, **run}
        opened.append(ServedEngine(spec, settings))
        return opened[-1]

    yield serve
    for engine in opened:
        engine.close()


def ask(engine: ServedEngine, *questions: str, sampling: Sampling = QUICK) -> list[str | None]:
    chats: list[Chat] = [(Message("user", question),) for question in questions]
    got = {c.index: c.text for c in engine.generate(chats, sampling)}
    return [got[index] for index in range(len(questions))]


def tell(engine: ServedEngine, what: str) -> Any:
    return json.loads(ask(engine, what)[0] or "")


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether the process has ended by then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True
        )
        if not state.stdout.strip() or state.stdout.startswith("Z"):
            return True
        time.sleep(0.05)
    return False


# Start, use, stop


def test_answers_and_says_what_ran(serve: Open) -> None:
    engine = serve(concurrency=3)
    assert ask(engine, "a", "b", "c", "d", "e") == ["re: a", "re: b", "re: c", "re: d", "re: e"]
    facts = json.loads(json.dumps(engine.facts(), allow_nan=False))
    assert (facts["server"], facts["server_version"]) == ("vllm", "0.33.0")
    assert (facts["context"], facts["concurrency"]) == (2048, 3)
    assert facts["served"] == ["some/model"]
    assert 0 < facts["load_seconds"] < 60
    assert facts["command"][1:] == tell(engine, "argv")
    assert facts["weights_bytes"] is None  # the hub's: the server has it, not we
    if sys.platform == "linux":  # a Python with an HTTP server
        assert 5_000_000 < facts["memory"]["peak"] < 200_000_000


def test_the_command_line_of_vllm(serve: Open) -> None:
    options = {"server": "vllm", "context": 4096, "arguments": ["--max-num-seqs", "8"]}
    spec = EngineSpec("served", "some/model", "abc123", "bfloat16", options)
    argv = tell(serve(spec=spec), "argv")
    port = argv[argv.index("--port") + 1]
    assert argv == [
        *("serve", "some/model", "--host", "127.0.0.1", "--port", port),
        *("--served-model-name", "some/model", "--dtype", "bfloat16", "--seed", "0"),
        *("--generation-config", "vllm", "--enable-prefix-caching"),
        *("--disable-uvicorn-access-log", "--revision", "abc123", "--max-model-len", "4096"),
        *("--max-num-seqs", "8"),
    ]


def test_seed_and_options_reach_the_server(serve: Open) -> None:
    options: dict[str, Any] = {"server": "vllm", "enable_thinking": False, "system": "Be brief."}
    options["extra_body"] = {"chat_template_kwargs": {"date": "today"}, "min_p": 0.1}
    engine = serve(spec=EngineSpec("served", "some/model", options=options))
    drawn = Sampling(temperature=0.7, top_p=0.9, max_tokens=8, seed=42, stop=("Q:",))
    body = json.loads(ask(engine, "body", sampling=drawn)[0] or "")
    assert (body["seed"], body["temperature"], body["top_p"]) == (42, 0.7, 0.9)
    assert body["stop"] == ["Q:"] and body["messages"][0]["content"] == "Be brief."
    assert body["chat_template_kwargs"] == {"date": "today", "enable_thinking": False}
    assert body["min_p"] == 0.1


def test_it_is_gone_after_close(serve: Open) -> None:
    engine = serve()
    pid = tell(engine, "pid")
    engine.close()
    assert gone(pid, 1)
    engine.close()


def test_two_at_a_time_do_not_meet(serve: Open) -> None:
    first, second = serve(), serve()
    assert tell(first, "pid") != tell(second, "pid")


# Keys


def test_the_key_is_seen_nowhere(serve: Open) -> None:
    engine = serve()
    key = tell(engine, "environ")["VLLM_API_KEY"]
    assert len(key) >= 32
    assert key not in json.dumps(engine.facts()) and key not in " ".join(tell(engine, "argv"))
    assert key not in os.environ.values()
    assert all(key not in log.read_text() for log in serving.cache_folder().rglob("*.log"))
    assert serving.get(engine._process, "/v1/models")[0] == 401  # so it is asked for
    assert tell(serve(), "environ")["VLLM_API_KEY"] != key


def test_keys_of_other_services_are_not_handed_on(
    serve: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("HF_TOKEN", "hf-token")  # the server may have to fetch a gated model
    environ = tell(serve(environment={"CUDA_VISIBLE_DEVICES": "1"}), "environ")
    assert "OPENAI_API_KEY" not in environ and environ["HF_TOKEN"] == "hf-token"
    assert environ["CUDA_VISIBLE_DEVICES"] == "1" and environ["VLLM_NO_USAGE_STATS"] == "1"


def test_no_proxy_comes_between(serve: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    before = dict(os.environ)
    engine = serve(timeout=5)
    assert dict(os.environ) == before
    assert ask(engine, "a") == ["re: a"]


@pytest.mark.parametrize(
    "options, run, said",
    [
        ({"arguments": ["--api-key", "sk-1"]}, {}, "--api-key would be kept in the record"),
        ({"arguments": ["--hf-token=hf_1"]}, {}, "--hf-token would be kept in the record"),
        ({"arguments": ["--host=0.0.0.0"]}, {}, "--host is set by the program"),
        ({}, {"environment": {"HF_TOKEN": "hf_1"}}, "set HF_TOKEN in the shell instead"),
        ({}, {"port": 0}, "'port'"),
        ({"server": "vlm"}, {}, "unknown server 'vlm'; did you mean 'vllm'"),
        ({"serve": "vllm"}, {}, "'serve': unknown; did you mean 'server'"),
        ({}, {"command": ["/no/such/vllm"]}, "no program '/no/such/vllm'; install vLLM in an"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(
    options: dict[str, Any], run: dict[str, Any], said: str
) -> None:
    spec = EngineSpec("served", "some/model", options={"server": "vllm", **options})
    with pytest.raises(BenchwarrantError) as caught:
        ServedEngine(spec, run)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert "sk-1" not in str(caught.value) and "hf_1" not in str(caught.value)


# Faults


def test_a_crash_at_start_is_told_with_its_last_lines(serve: Open, tmp_path: Path) -> None:
    with pytest.raises(BenchwarrantError) as caught:
        serve("crashes at start")
    text = str(caught.value)
    assert text.startswith("served: vllm ended with status 3; see ")
    assert "loading | RuntimeError: no ?[31mGPU?[0m here" in text  # no escape reaches a terminal
    (log,) = (tmp_path / "cache" / "served").iterdir()
    assert str(log) in text and "RuntimeError" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_start_that_hangs_ends_at_the_timeout(serve: Open, tmp_path: Path) -> None:
    with pytest.raises(BenchwarrantError, match=r"answer within 1 s .*run\.startup_timeout"):
        serve("hangs at start", startup_timeout=1)
    (log,) = (tmp_path / "cache" / "served").iterdir()
    assert gone(int(log.read_text().split()[1]), 1)


def test_a_crash_in_the_middle_keeps_what_was_answered(serve: Open) -> None:
    engine = serve(concurrency=1)
    chats: list[Chat] = [(Message("user", text),) for text in ("a", "b", "crash", "c")]
    got = []
    with pytest.raises(BenchwarrantError) as caught:
        for completion in engine.generate(chats, QUICK):
            got.append(completion.text)
    assert got == ["re: a", "re: b"]
    text = str(caught.value)
    assert "vllm ended with status 7" in text and "illegal memory access" in text
    assert "run the same command again" in text and "\n" not in text
    assert engine.facts()["server_version"] == "0.33.0"  # the record of the run is still made


def test_a_stranger_at_the_port_gets_no_prompts(serve: Open) -> None:
    with pytest.raises(BenchwarrantError, match="not the server that was started"):
        serve("is a stranger")


def test_a_port_in_use_is_refused(serve: Open) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BenchwarrantError, match=r"run\.port: \d+ cannot be used"):
            serve(port=taken.getsockname()[1])


def test_interrupted_while_it_waits_it_leaves_no_server(
    serve: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[serving.Process] = []

    def interrupt(process: serving.Process, *_: Any) -> None:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(served, "wait_until_ready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        serve()
    assert started[0].supervisor.returncode is not None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_orphan_is_left_when_we_are_killed(vllm: Path, tmp_path: Path, number: int) -> None:
    program = textwrap.dedent(f"""
        import sys, time
        from inference.engine import EngineSpec, Message, Sampling
        from inference.served import ServedEngine
        spec = EngineSpec("served", "some/model", options={{"server": "vllm"}})
        engine = ServedEngine(spec, {{"command": {str(vllm)!r}}})
        (told,) = engine.generate([(Message("user", "pid"),)], Sampling())
        sys.stdout.write(told.text + "\\n")
        sys.stdout.flush()
        time.sleep(60)
    """)
    command = [sys.executable, "-c", program]
    root = Path(served.__file__).parents[1]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root
    ) as us:
        assert us.stdout is not None
        pid = int(us.stdout.readline())
        assert not gone(pid, 0.2)
        os.kill(us.pid, number)
        us.wait(10)
        assert gone(pid)


def test_a_server_that_does_not_keep_the_sampling_is_not_asked_to_draw(serve: Open) -> None:
    spec = EngineSpec("served", "some/model", "abc", options={"server": "transformers"})
    engine = serve(spec=spec)
    assert ask(engine, "a") == ["re: a"]
    assert json.loads(ask(engine, "body")[0] or "")["model"] == "some/model@abc"
    with pytest.raises(BenchwarrantError, match="does not keep the sampling"):
        ask(engine, "a", sampling=Sampling(temperature=1))


def test_a_schema_goes_along_and_scores_are_missed(serve: Open) -> None:
    engine = serve()
    chats: list[Chat] = [(Message("user", "body"),)]
    [done] = engine.generate_json(chats, QUICK, {"type": "object"})
    sent = json.loads(done.text or "")
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}
    with pytest.raises(BenchwarrantError, match="returned no log-probabilities"):
        list(engine.score(chats, ["no", "yes"]))
    with pytest.raises(BenchwarrantError, match="illegal memory access"):
        list(engine.score([(Message("user", "crash"),)], ["no", "yes"]))


# For real


@pytest.fixture(scope="module")
def real() -> Iterator[ServedEngine]:
    pytest.importorskip("xllamacpp", reason="pip install xllamacpp")
    options = {"server": "llama.cpp", "context": 1024}
    spec = EngineSpec("served", "embedded:smollm2-135m", options=options)
    engine = ServedEngine(spec, {"concurrency": 2})
    yield engine
    engine.close()


@pytest.mark.slow
def test_llama_cpp_answers_the_same_twice(real: ServedEngine) -> None:
    questions = ("What is the capital of France?", "Name a colour.")
    first, second = (ask(real, *questions, sampling=Sampling(max_tokens=16)) for _ in "12")
    assert first == second and all(first) and first[0] != first[1]
    drawn = [
        ask(real, "Tell me a story.", sampling=Sampling(1.0, max_tokens=16, seed=seed))
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.slow
def test_llama_cpp_is_in_the_record(real: ServedEngine) -> None:
    import xllamacpp

    facts = real.facts()
    assert facts["server_version"] == f"xllamacpp {xllamacpp.__version__}"
    assert facts["parameters"] == 134_515_008  # SmolLM2-135M, as its config adds up
    assert facts["weights_bytes"] == 98_362_432
    assert facts["context"] == 1024  # of a slot: two chats at a time share nothing
    if sys.platform == "linux":
        assert facts["memory"]["peak"] > facts["weights_bytes"]


@pytest.mark.slow
def test_llama_cpp_says_what_is_too_long(real: ServedEngine) -> None:
    long = "one two three " * 500  # 1,500 words in 1,024 tokens
    (done,) = real.generate([(Message("user", long),)], QUICK)
    assert (done.finish, done.text) == ("too_long", None)


@pytest.mark.slow
def test_llama_cpp_ends_with_close(real: ServedEngine) -> None:
    spec = EngineSpec("served", real.spec.model, options={"server": "llama.cpp", "context": 256})
    engine = ServedEngine(spec, {"concurrency": 1})
    pids = [int(status.parent.name) for status in serving._group(engine._process.supervisor.pid)]
    engine.close()
    assert all(gone(pid, 1) for pid in pids)


@pytest.mark.slow
def test_llama_cpp_says_why_it_cannot_load(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="pip install xllamacpp")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF, or what?" * 100)
    spec = EngineSpec("served", "broken.gguf", options={"server": "llama.cpp"})
    with pytest.raises(
        BenchwarrantError, match=r"cpp ended with status 1; .*cannot start with .*broken"
    ):
        ServedEngine(spec, {"base_dir": tmp_path})
