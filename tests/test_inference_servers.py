"""What is started for each kind of server, with which weights, and what is refused."""

import sys
from pathlib import Path

import pytest

from inference import embedded, llama_server
from inference.engine import EngineSpec
from inference.servers import SERVERS, Start, check_arguments, program, weights, weights_bytes
from samples.errors import BenchwarrantError


def start(server: str, context: int | None = None, **spec: str) -> Start:
    whole = EngineSpec("served", "some/model", options={"server": server}, **spec)
    return Start("/models/m", "m", whole, 4711, 8, context)


def executable(folder: Path, name: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return str(folder / name)


# The command


def test_the_usual_program_is_found_on_the_path(tmp_path, monkeypatch):
    vllm = executable(tmp_path / "bin", "vllm")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert program(SERVERS["vllm"], []) == [vllm, "serve"]


def test_a_program_of_another_environment(tmp_path, monkeypatch):
    vllm = executable(tmp_path / "vllm-env", "vllm")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert program(SERVERS["vllm"], ["~/vllm-env/vllm"]) == [vllm, "serve"]


@pytest.mark.parametrize(
    "server, follows",
    [
        ("vllm", ["-m", "vllm.entrypoints.cli.main", "serve"]),
        ("sglang", ["-m", "sglang.launch_server"]),
        ("transformers", ["-m", "transformers.cli.transformers", "serve"]),
        ("llama.cpp", ["-P", llama_server.__file__]),
    ],
)
def test_a_python_of_another_environment(server, follows, tmp_path):
    python = executable(tmp_path / "bin", "python3.12")
    assert program(SERVERS[server], [python]) == [python, *follows]


def test_a_command_of_several_words_is_taken_as_it_is(tmp_path):
    python = executable(tmp_path / "bin", "python")
    command = [python, "-m", "my_vllm"]
    assert program(SERVERS["vllm"], command) == [*command, "serve"]


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_what_is_missing_says_how_to_install_it(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(BenchwarrantError) as caught:
        program(SERVERS[name], [])
    text = str(caught.value)
    assert f"no program '{name}'" in text and f"pip install {name}" in text
    assert "run.command" in text and "\n" not in text


def test_every_server_listens_on_the_loopback_alone():
    for name, server in SERVERS.items():
        line = server.arguments(start(name))
        if name == "llama.cpp":  # its launcher takes no host: see its own test
            assert "--host" not in line
        else:
            assert line[line.index("--host") + 1] == "127.0.0.1"
        assert line[line.index("--port") + 1] == "4711"
        assert "/models/m" in line


def test_the_command_line_of_sglang():
    line = SERVERS["sglang"].arguments(start("sglang", 2048, revision="abc", dtype="bfloat16"))
    assert line == [
        *("--model-path", "/models/m", "--host", "127.0.0.1", "--port", "4711"),
        *("--served-model-name", "m", "--dtype", "bfloat16", "--random-seed", "0"),
        *("--sampling-defaults", "openai", "--revision", "abc", "--context-length", "2048"),
    ]


def test_the_command_line_of_llama_cpp_is_one_its_launcher_takes():
    asked = llama_server.read(SERVERS["llama.cpp"].arguments(start("llama.cpp", 2048)))
    assert (asked.model, asked.alias, asked.port) == ("/models/m", "m", 4711)
    assert (asked.slots, asked.context) == (8, 2048)


def test_what_a_server_cannot_do_is_refused():
    with pytest.raises(BenchwarrantError, match="leave out dtype and revision"):
        SERVERS["llama.cpp"].arguments(start("llama.cpp", dtype="bfloat16"))
    with pytest.raises(BenchwarrantError, match="leave out dtype and revision"):
        SERVERS["llama.cpp"].arguments(start("llama.cpp", revision="abc"))
    with pytest.raises(BenchwarrantError, match=r"options\.context"):
        SERVERS["transformers"].arguments(start("transformers", 2048))


@pytest.mark.parametrize(
    "argument", ["--api-key", "--hf-token=x", "--hf_token", "--ssl-keyfile-password", "--host"]
)
def test_arguments_that_are_refused(argument):
    with pytest.raises(BenchwarrantError, match=argument.partition("=")[0]):
        check_arguments([argument])


def test_arguments_about_tokens_are_no_secrets():
    check_arguments(["--max-num-batched-tokens", "8192", "--tokenizer-mode", "slow", "n_batch=512"])


# The weights


def spec(model: str, server: str = "llama.cpp") -> EngineSpec:
    return EngineSpec("served", model, options={"server": server})


def test_a_file_or_the_only_one_of_a_folder(tmp_path):
    file = tmp_path / "models" / "tiny.gguf"
    file.parent.mkdir()
    file.write_bytes(b"12345")
    assert weights(spec("models/tiny.gguf"), tmp_path) == file
    assert weights(spec("models"), tmp_path) == file
    assert weights(spec(str(file.parent)), Path("/elsewhere")) == file
    assert weights_bytes(file) == 5
    (tmp_path / "models" / "other.gguf").write_bytes(b"1")
    with pytest.raises(BenchwarrantError, match="holds 2 GGUF files; name the one to run"):
        weights(spec("models"), tmp_path)


def test_a_folder_for_the_others(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(b"123")
    (folder / "b.safetensors").write_bytes(b"45")
    (folder / "tokenizer.json").write_bytes(b"{}")
    assert weights(spec("model", "vllm"), tmp_path) == folder
    assert weights_bytes(folder) == 5


def test_the_hub_is_the_servers_business(tmp_path):
    assert weights(spec("Qwen/Qwen2.5-0.5B-Instruct", "vllm"), tmp_path) is None


@pytest.mark.parametrize("model, server", [("./gone", "vllm"), ("Qwen/Qwen2.5-0.5B", "llama.cpp")])
def test_a_missing_model_is_refused(model, server, tmp_path):
    with pytest.raises(BenchwarrantError, match="there is no model at"):
        weights(spec(model, server), tmp_path)


def test_an_embedded_model_comes_in_the_form_that_the_server_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "gguf", lambda *, name: tmp_path / f"{name}.gguf")
    monkeypatch.setattr(embedded, "path", lambda *, name: tmp_path / name)
    assert weights(spec("embedded:tiny"), tmp_path) == tmp_path / "tiny.gguf"
    assert weights(spec("embedded:tiny", "vllm"), tmp_path) == tmp_path / "tiny"
