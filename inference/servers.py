"""The servers that `served` can start: what the command line of each looks like.

A server is one entry of SERVERS. Each is told to leave the sampling defaults of the model's file
alone, so that what is drawn follows from our own sampling, and to reuse the beginning that prompts
have in common. vLLM's and SGLang's arguments are those of their 0.33 and 0.5; llama.cpp runs by
xllamacpp.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inference import embedded, llama_server
from inference.engine import EngineSpec
from samples.errors import BenchwarrantError

OURS = {"--host", "--port", "--model", "--model-path", "--served-model-name", "--alias", "--uds"}
SECRET = re.compile(r"(api|hf|auth|access|secret)[-_]?(key|token)|password|secret", re.IGNORECASE)


@dataclass(frozen=True)
class Start:
    """What a server is started with."""

    model: str  # a folder, a file, or the hub's id
    name: str  # what the server shall call it
    spec: EngineSpec
    port: int
    concurrency: int
    context: int | None


@dataclass(frozen=True)
class Server:
    """How one kind of server is started and asked what it is."""

    program: str  # looked for beside our own Python, then on the PATH
    verb: tuple[str, ...]  # what follows the program
    by_python: tuple[str, ...]  # what follows instead where run.command is a Python
    arguments: Callable[[Start], list[str]]
    install: str
    version: str | Callable[[list[str]], list[str]]  # a path of its API, or a command from its own
    named: bool = True  # takes the name that we give, and lists it
    draws: bool = True  # temperature, top_p and seed of a request are kept
    key: str | None = None  # the environment variable that it takes its API key from
    environment: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 64


def _vllm(start: Start) -> list[str]:
    spec = start.spec
    return [
        start.model,
        *("--host", "127.0.0.1", "--port", str(start.port), "--served-model-name", start.name),
        *("--dtype", spec.dtype, "--seed", "0", "--generation-config", "vllm"),
        *("--enable-prefix-caching", "--disable-uvicorn-access-log"),
        *(["--revision", spec.revision] if spec.revision else []),
        *(["--max-model-len", str(start.context)] if start.context else []),
    ]


def _sglang(start: Start) -> list[str]:
    spec = start.spec  # its prefix cache is on unless it is switched off
    return [
        *("--model-path", start.model, "--host", "127.0.0.1", "--port", str(start.port)),
        *("--served-model-name", start.name, "--dtype", spec.dtype, "--random-seed", "0"),
        *("--sampling-defaults", "openai"),
        *(["--revision", spec.revision] if spec.revision else []),
        *(["--context-length", str(start.context)] if start.context else []),
    ]


def _transformers(start: Start) -> list[str]:
    if start.context:
        raise BenchwarrantError("served: options.context: transformers serve takes none")
    where = ["--host", "127.0.0.1", "--port", str(start.port)]
    return [start.model, *where, "--dtype", start.spec.dtype, "--default-seed", "0"]


def _llama(start: Start) -> list[str]:
    if start.spec.dtype != "auto" or start.spec.revision:
        raise BenchwarrantError(
            "served: a GGUF file has its own number format and no revision; leave out dtype and"
            " revision"
        )
    return [
        *("--model", start.model, "--alias", start.name, "--port", str(start.port)),
        *("--slots", str(start.concurrency)),
        *(["--context", str(start.context)] if start.context else []),
    ]


LAUNCHER = ("-P", llama_server.__file__)  # -P: the files beside it hide no library's module

SERVERS: dict[str, Server] = {
    "vllm": Server(
        program="vllm",
        verb=("serve",),
        by_python=("-m", "vllm.entrypoints.cli.main", "serve"),
        arguments=_vllm,
        install="install vLLM in an environment of its own (python -m venv ~/vllm &&"
        ' ~/vllm/bin/pip install vllm) and set run.command = ["~/vllm/bin/vllm"]',
        version="/version",
        key="VLLM_API_KEY",
        environment={"VLLM_NO_USAGE_STATS": "1"},
    ),
    "sglang": Server(
        program="sglang",
        verb=("serve",),
        by_python=("-m", "sglang.launch_server"),
        arguments=_sglang,
        install="install SGLang in an environment of its own (python -m venv ~/sglang &&"
        ' ~/sglang/bin/pip install sglang) and set run.command = ["~/sglang/bin/python"]',
        version="/server_info",
    ),
    "llama.cpp": Server(
        program=sys.executable,
        verb=LAUNCHER,
        by_python=LAUNCHER,
        arguments=_llama,
        install="pip install xllamacpp",
        version=lambda command: [*command, "--version"],
        key=llama_server.KEY,
        concurrency=8,
    ),
    "transformers": Server(
        program="transformers",
        verb=("serve",),
        by_python=("-m", "transformers.cli.transformers", "serve"),
        arguments=_transformers,
        install="pip install 'transformers[serving]'",
        version=lambda command: [*command[:-1], "version"],
        named=False,  # the request must name the very folder, and GET /v1/models may fail
        draws=False,  # it samples only where the model's own generation_config.json says so
        concurrency=4,
    ),
}


def program(server: Server, command: Sequence[str]) -> list[str]:
    """What starts the server's command line: the user's command, or the usual program."""
    usual, *more = command or [server.program]
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(os.path.expanduser(usual), path=beside)
    if not found:
        where = "run.command" if command else "PATH"
        raise BenchwarrantError(f"served: {where}: no program {usual!r}; {server.install}")
    is_python = Path(found).name.startswith("python") and not more
    return [found, *more, *(server.by_python if is_python else server.verb)]


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse what we set ourselves, and keys: arguments are part of the record."""
    for argument in arguments:
        name = argument.partition("=")[0]
        if name in OURS:
            raise BenchwarrantError(f"served: options.arguments: {name} is set by the program")
        if name.startswith("-") and SECRET.search(name):
            raise BenchwarrantError(
                f"served: options.arguments: {name} would be kept in the record; the server"
                " inherits the environment: set the secret there"
            )


def weights(spec: EngineSpec, base_dir: Path) -> Path | None:
    """The model's file or folder on this machine; None: the server gets it from the hub."""
    kind, _, name = spec.model.partition(":")
    wants_file = spec.options.get("server") == "llama.cpp"
    if kind == "embedded":
        return (embedded.gguf if wants_file else embedded.path)(name=name)
    path = base_dir / Path(spec.model).expanduser()
    if path.is_dir() and wants_file:
        files = sorted(path.glob("*.gguf"))
        if len(files) != 1:
            raise BenchwarrantError(
                f"served: {path} holds {len(files)} GGUF files; name the one to run"
            )
        return files[0]
    if path.exists():
        return path
    if wants_file or spec.model.startswith((".", "/", "~")):
        raise BenchwarrantError(f"served: there is no model at {path}; check the path")
    return None


def weights_bytes(path: Path) -> int:
    """The size of the weights on the disk."""
    kinds = {".safetensors", ".gguf", ".bin"}
    files = [path] if path.is_file() else [f for f in path.iterdir() if f.suffix in kinds]
    return sum(file.stat().st_size for file in files)
