"""A local server that we start, wait for, use through the `openai` engine, and stop.

    [[model]]
    name = "smollm2"
    engine = "served"
    model = "embedded:smollm2-135m"
    options = { server = "llama.cpp" }

The command may live in another environment (``run = { command = ["~/vllm/bin/vllm"] }``), so that
the server's needs never meet ours. It listens on the loopback alone and, where it can, asks for a
key that is made for this one start. The server's own chat template makes the prompt.
"""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, perf_counter
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from inference.engine import Chat, Completion, EngineSpec, Sampling, checked
from inference.openai_api import OpenAIEngine
from inference.servers import (
    SECRET,
    SERVERS,
    Server,
    Start,
    check_arguments,
    program,
    weights,
    weights_bytes,
)
from inference.serving import (
    HOST,
    end,
    get_json,
    has_ended,
    launch,
    memory_peak,
    wait_until_ready,
    why_it_ended,
)
from samples.errors import BenchwarrantError
from samples.registry import find

RETRIES = 2  # nothing but the server itself can be in the way


class Options(BaseModel):
    """What changes the text that comes back."""

    model_config = ConfigDict(extra="forbid")

    server: str  # one of SERVERS
    arguments: list[str] = []  # further ones of the server's own
    context: int | None = Field(default=None, ge=1)  # tokens of a prompt and its answer
    enable_thinking: bool | None = None  # handed to templates that know it
    system: str | None = None  # goes before every chat
    response_format: dict[str, Any] | None = None
    extra_body: dict[str, Any] = {}

    def of_requests(self) -> dict[str, Any]:
        """The options of the engine that sends the requests."""
        extra = dict(self.extra_body)
        if self.enable_thinking is not None:
            given = extra.get("chat_template_kwargs") or {}
            extra["chat_template_kwargs"] = {**given, "enable_thinking": self.enable_thinking}
        asked = {"system": self.system, "response_format": self.response_format}
        return {**asked, "extra_body": extra or None}


class Run(BaseModel):
    """What changes the speed, or where the server runs."""

    model_config = ConfigDict(extra="forbid")

    command: Annotated[list[str], BeforeValidator(lambda x: [x] if isinstance(x, str) else x)] = []
    environment: dict[str, str] = {}  # more variables for the server
    port: int | None = Field(default=None, ge=1, le=65535)  # a free one
    concurrency: int | None = Field(default=None, ge=1, le=1000)
    startup_timeout: float = Field(default=900, gt=0)
    timeout: float = Field(default=600, gt=0)  # of one request
    base_dir: Path = Path()  # the folder that a relative model path starts from

    @field_validator("environment")
    @classmethod
    def _no_secrets(cls, environment: dict[str, str]) -> dict[str, str]:
        for name in environment:
            if SECRET.search(name) or name.upper().endswith(("TOKEN", "KEY")):
                raise ValueError(f"keys stand in no file; set {name} in the shell instead")
        return environment


class ServedEngine:
    """Owns a server process: it is there when this is made, and gone when we are."""

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        self.spec = spec
        self._options = checked(Options, spec.options, "served: options")
        self._run = checked(Run, run, "served: run")
        self._server: Server = find("server", self._options.server, SERVERS)
        check_arguments(self._options.arguments)
        self._weights = weights(spec, self._run.base_dir)
        self._concurrency = self._run.concurrency or self._server.concurrency
        self._peak: int | None = None
        start = self._start()
        self._command = [
            *program(self._server, self._run.command),
            *self._server.arguments(start),
            *self._options.arguments,
        ]
        self._open(start)

    def _start(self) -> Start:
        spec = self.spec
        model = str(self._weights.absolute() if self._weights else spec.model)
        name = spec.model.rpartition(":")[2]  # SGLang takes what follows a colon for an adapter
        if not self._server.named:
            at = f"@{spec.revision}" if spec.revision and not self._weights else ""
            model = name = model + at
        port, context = _free_port(self._run.port), self._options.context
        return Start(model, name, spec, port, self._concurrency, context)

    def _open(self, start: Start) -> None:
        key = secrets.token_urlsafe(32) if self._server.key else None
        began = perf_counter()
        environment = self._environment(key)
        self._process = launch(self._options.server, self._command, environment, start.port)
        try:
            wait_until_ready(self._process, self._run.startup_timeout, monotonic)
            self._load_seconds = perf_counter() - began
            self._about = self._ask_about(start, key)
            self._client = self._connect(start, key)
        except BaseException:
            end(self._process)
            raise

    def _environment(self, key: str | None) -> dict[str, str]:
        """Ours without the keys of other services, which are none of the server's business."""
        ours = {name: v for name, v in os.environ.items() if not name.endswith("_API_KEY")}
        own = {self._server.key: key} if self._server.key and key else {}
        return {**ours, **self._server.environment, **self._run.environment, **own}

    def _ask_about(self, start: Start, key: str | None) -> dict[str, Any]:
        """Version, context and parameters by the server's own account."""
        about: dict[str, Any] = {"server_version": self._version(key)}
        if self._server.named:
            listed = (get_json(self._process, "/v1/models", key) or {}).get("data") or [{}]
            if listed[0].get("id") != start.name:
                raise BenchwarrantError(
                    f"served: what answers at port {start.port} is not the server that was"
                    " started; leave out run.port to have a free one taken"
                )
            more = listed[0].get("meta") or {}
            about["context"] = listed[0].get("max_model_len") or more.get("n_ctx")
            about["parameters"] = more.get("n_params")
        return about

    def _version(self, key: str | None) -> str | None:
        version = self._server.version
        if isinstance(version, str):
            told = get_json(self._process, version, key)
            return str(told["version"]) if isinstance(told, dict) and "version" in told else None
        with suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(
                version(program(self._server, self._run.command)),
                env=self._environment(None),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            return done.stdout.strip().rpartition("\n")[2] or None
        return None

    def _connect(self, start: Start, key: str | None) -> OpenAIEngine:
        """The engine that sends the requests: straight to the server, whatever proxy is set."""
        variable = f"BENCHWARRANT_SERVED_{secrets.token_hex(8).upper()}"
        run: dict[str, Any] = {
            "base_url": f"http://{HOST}:{start.port}/v1",
            "concurrency": self._concurrency,
            "timeout": self._run.timeout,
            "max_retries": RETRIES,
        }
        direct = ",".join(
            filter(None, [os.environ.get("no_proxy", os.environ.get("NO_PROXY")), HOST])
        )
        with _set({variable: key or "none", "NO_PROXY": direct, "no_proxy": direct}):
            spec = EngineSpec("openai", start.name, options=self._options.of_requests())
            return OpenAIEngine(spec, {**run, **({"api_key_env": variable} if key else {})})

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        """One completion per chat, in the order of arrival; a crash is told as what it is."""
        self._check(sampling)
        yield from self._watched(self._client.generate(chats, sampling))

    def generate_json(
        self, chats: Sequence[Chat], sampling: Sampling, schema: Mapping[str, Any]
    ) -> Iterator[Completion]:
        """Completions by the schema, where the server heeds it."""
        self._check(sampling)
        yield from self._watched(self._client.generate_json(chats, sampling, schema))

    def score(self, chats: Sequence[Chat], labels: Sequence[str]) -> Iterator[Completion]:
        """What the first token of each answer gives each label."""
        yield from self._watched(self._client.score(chats, labels))

    def _check(self, sampling: Sampling) -> None:
        if sampling.temperature > 0 and not self._server.draws:
            raise BenchwarrantError(
                f"served: {self._options.server} does not keep the sampling of a request; set"
                " sampling.temperature = 0, or take another server or engine"
            )

    def _watched(self, completions: Iterator[Completion]) -> Iterator[Completion]:
        try:
            yield from completions
        except BenchwarrantError:
            if not has_ended(self._process, patience=1):
                raise
            raise BenchwarrantError(
                f"{why_it_ended(self._process)}; finished answers are kept: run the same command"
                " again"
            ) from None

    def facts(self) -> dict[str, Any]:
        """What ran and what it took, and what the requests showed."""
        self._peak = memory_peak(self._process) or self._peak  # still known after a crash
        return {
            "server": self._options.server,
            **self._about,
            "command": self._command,
            "load_seconds": self._load_seconds,
            "weights_bytes": weights_bytes(self._weights) if self._weights else None,
            "memory": {"weights": None, "kv": None, "peak": self._peak, "peak_of": "process"},
            "concurrency": self._concurrency,
            **self._client.facts(),
        }

    def close(self) -> None:
        try:
            self._client.close()
        finally:
            end(self._process)


def _free_port(wanted: int | None) -> int:
    """A port that nobody listens at: the wanted one, or any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise BenchwarrantError(
                f"served: run.port: {wanted} cannot be used ({error.strerror}); leave it out to"
                " have a free one taken"
            ) from None
        return int(probe.getsockname()[1])


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for as long as a client is made, which reads them then."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
