"""The transformers engine on a random tiny model, and once on the embedded real one."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_model import CONTEXT, build_tiny_model

from inference.embedded import cache_folder
from inference.engine import Completion, EngineSpec, Message, Sampling, open_engine
from inference.hf import HfEngine
from samples.errors import BenchwarrantError

QUESTIONS = [
    "How many?",
    "What is 2 + 3, and why is it not the other number that the three of them shouted?",
    "Sort 3, 1, 2.",
    "Name a colour that is neither green nor blue nor anything in between.",
    "Yes?",
    "the the the the",
]
CHATS = [(Message("user", question),) for question in QUESTIONS]
DRAWN = Sampling(temperature=1.0, max_tokens=24, seed=1)


@pytest.fixture(autouse=True)
def own_cache(request, tmp_path, monkeypatch):
    """The lock of quick tests is their own; the slow test has the user's cache and lock."""
    if "slow" not in request.keywords:
        monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def engine(tiny):
    engine = HfEngine(EngineSpec("hf", str(tiny)), {"device": "cpu"})
    yield engine
    engine.close()


def run(model: Path, chats: Sequence, sampling: Sampling, *, batch_size: int = 16, **options):
    """What an engine of its own answers, in the order asked."""
    spec = EngineSpec("hf", str(model), options=options)
    engine = HfEngine(spec, {"device": "cpu", "batch_size": batch_size})
    try:
        return sorted(engine.generate(chats, sampling), key=lambda done: done.index)
    finally:
        engine.close()


def texts(completions: Sequence[Completion]) -> list[str | None]:
    return [completion.text for completion in completions]


def changed(tiny: Path, folder: Path, **generation) -> Path:
    """A copy of the tiny model with another generation_config.json."""
    shutil.copytree(tiny, folder)
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | generation))
    return folder


# The prompt


def test_sends_the_rendered_chat(engine):
    chat = (Message("system", "Be brief."), Message("user", "Hi"))
    done = next(engine.generate([chat], Sampling(max_tokens=4)))
    assert done.prompt == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    # A byte is a token and so is each of the 5 control tokens: 7 + 9 + 1, 5 + 2 + 1 and 10 bytes
    assert done.prompt_tokens == 5 + 17 + 8 + 10
    assert done.completion_tokens == 4 and done.finish == "length"
    assert done.seconds is not None and done.seconds > 0


def test_system_text_of_the_options_goes_first(tiny):
    done = run(tiny, CHATS[:1], Sampling(max_tokens=1), system="Be brief.")[0]
    assert done.prompt.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHow")


def test_thinking_is_handed_to_the_template(tiny, tmp_path):
    model = shutil.copytree(tiny, tmp_path / "thinker")
    (model / "chat_template.jinja").write_text("{{ enable_thinking | default('unset') }}")
    for option, expected in [({}, "unset"), ({"enable_thinking": False}, "False")]:
        assert run(model, CHATS[:1], Sampling(max_tokens=1), **option)[0].prompt == expected


def test_plain_text_for_models_without_a_template(tmp_path):
    model = build_tiny_model(tmp_path, chat_template=False)
    with pytest.raises(BenchwarrantError, match=r"set options\.chat_template = false"):
        run(model, CHATS, Sampling())
    chat = (Message("system", "Be brief."), Message("user", "Hi"))
    done = run(model, [chat], Sampling(max_tokens=2), chat_template=False)[0]
    assert done.prompt == "Be brief.\n\nHi\n\n"
    assert (
        done.prompt_tokens == 1 + 9 + 2 + 2 + 2
    )  # the tokenizer's first token goes before the text


# The text


def test_greedy_text_does_not_depend_on_the_batch(tiny):
    one_by_one, together, in_fours = (
        texts(run(tiny, CHATS, Sampling(max_tokens=24), batch_size=size)) for size in (1, 16, 4)
    )
    assert one_by_one == together == in_fours
    assert len(set(together)) == len(CHATS)  # so there is something to depend on


def test_drawn_text_depends_on_seed_and_prompt_alone(tiny):
    in_fours = texts(run(tiny, CHATS, DRAWN, batch_size=4))
    assert texts(run(tiny, CHATS, DRAWN, batch_size=1)) == in_fours
    assert texts(run(tiny, CHATS[::-1], DRAWN, batch_size=4)) == in_fours[::-1]
    assert texts(run(tiny, CHATS[3:], DRAWN)) == in_fours[3:]  # as after a resume
    other_seed = texts(run(tiny, CHATS, replace(DRAWN, seed=2)))
    assert not set(other_seed) & set(in_fours)
    assert texts(run(tiny, CHATS[:1] * 2, DRAWN)) == in_fours[:1] * 2


def test_the_models_own_sampling_defaults_are_left_out(tiny, tmp_path):
    eager = changed(
        tiny, tmp_path / "eager", do_sample=True, temperature=0.1, top_k=1, repetition_penalty=9.0
    )
    for sampling in (Sampling(max_tokens=24), DRAWN):
        assert texts(run(eager, CHATS, sampling)) == texts(run(tiny, CHATS, sampling))


def test_ends_at_every_end_token_the_model_names(engine, tiny, tmp_path):
    full = next(engine.generate(CHATS[1:2], DRAWN))
    end = next(c for c in full.text[5:] if c.isascii() and c.isalnum() and c not in "th")
    tokens = [2, engine._local.tokenizer.convert_tokens_to_ids(end)]
    done = run(changed(tiny, tmp_path / "also", eos_token_id=tokens), CHATS[1:2], DRAWN)[0]
    assert done.text == full.text.partition(end)[0]
    assert done.finish == "stop"
    one_less = replace(DRAWN, max_tokens=done.completion_tokens - 1)  # without the end token
    assert next(engine.generate(CHATS[1:2], one_less)).text == done.text


def test_cuts_before_the_first_stop_string(engine):
    plain = sorted(engine.generate(CHATS, DRAWN), key=lambda done: done.index)
    stop = plain[3].text[10:12]
    cut = sorted(
        engine.generate(CHATS, replace(DRAWN, stop=("never", stop))), key=lambda d: d.index
    )
    assert cut[3].text == plain[3].text.partition(stop)[0]
    assert cut[3].finish == "stop" and cut[3].completion_tokens < plain[3].completion_tokens
    untouched = [i for i, done in enumerate(plain) if stop not in done.text]
    assert len(untouched) >= 3
    assert [cut[i].text for i in untouched] == [plain[i].text for i in untouched]
    assert {cut[i].finish for i in untouched} == {"length"}


def test_what_does_not_fit_is_not_cut(engine):
    fits = CONTEXT - 24 - len("<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n")
    fits += len("<|im_start|><|im_end|><|im_start|>") - 3  # those are one token each
    chats = [(Message("user", "x" * (fits + extra)),) for extra in (1, 0)]
    long, short = sorted(engine.generate(chats, DRAWN), key=lambda done: done.index)
    assert (long.text, long.finish, long.prompt_tokens) == (None, "too_long", CONTEXT - 24 + 1)
    assert "x" * (fits + 1) in long.prompt
    assert (short.finish, short.completion_tokens) == ("length", 24)


# The run


@pytest.fixture(params=["slots", "padded", "continuous"])
def by_each_way(request, tiny):
    engine = HfEngine(EngineSpec("hf", str(tiny)), {"device": "cpu", "way": request.param})
    yield engine
    assert engine.facts()["ways"] == [request.param]
    engine.close()


def test_every_way_gives_the_same_greedy_text(by_each_way, tiny):
    asked = Sampling(max_tokens=24)
    done = sorted(by_each_way.generate(CHATS, asked), key=lambda done: done.index)
    expected = run(tiny, CHATS, asked, batch_size=1)
    for one, other in zip(done, expected, strict=True):
        assert replace(one, seconds=None) == replace(other, seconds=None)
        assert one.seconds is not None and one.seconds > 0


def test_stop_strings_and_draws_do_not_depend_on_the_way(tiny):
    made = []
    for way in ("slots", "padded"):
        engine = HfEngine(EngineSpec("hf", str(tiny)), {"device": "cpu", "way": way})
        asked = replace(DRAWN, stop=("e", "a"))
        done = sorted(engine.generate(CHATS, asked), key=lambda done: done.index)
        made.append([(one.text, one.finish, one.completion_tokens) for one in done])
        engine.close()
    assert made[0] == made[1]
    assert any(finish == "stop" for _, finish, _ in made[0])


def test_hands_over_each_row_when_it_is_done(engine):
    """With two slots for six prompts, the longest go in first and a finished one makes room."""
    engine._local.batch_size = 2
    rows = []
    engine._local.model.register_forward_pre_hook(
        lambda _, args, kwargs: rows.append(kwargs["input_ids"].shape[0]), with_kwargs=True
    )
    results = engine.generate(CHATS, Sampling(max_tokens=1))
    first = next(results)
    assert rows == [2]
    done = [first, *results]
    assert max(rows) <= 2
    assert sorted(completion.index for completion in done) == list(range(len(CHATS)))


def fail_above(engine: HfEngine, rows: int, error: Exception) -> None:
    """Make the model fail on larger batches, as a full memory does."""

    def check(_, __, kwargs):
        if len(kwargs["input_ids"]) > rows:
            raise error

    engine._local.model.register_forward_pre_hook(check, with_kwargs=True)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
)
def test_out_of_memory_halves_the_batch(engine, error, caplog):
    expected = sorted(engine.generate(CHATS, DRAWN), key=lambda done: done.index)
    fail_above(engine, 2, error)
    done = sorted(engine.generate(CHATS, DRAWN), key=lambda done: done.index)
    assert texts(done) == texts(expected)
    assert engine.facts()["batch_size"] == 1  # 6 -> 3 -> 1
    assert caplog.messages == [f"out of memory: going on with batches of {n}" for n in (3, 1)]


def test_out_of_memory_with_one_prompt_is_an_error(engine):
    fail_above(engine, 0, torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(BenchwarrantError, match=r"with one prompt of \d+ tokens; use another"):
        list(engine.generate(CHATS, DRAWN))


def test_another_failure_is_not_taken_for_a_full_memory(engine):
    fail_above(engine, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        list(engine.generate(CHATS, DRAWN))


def test_facts(engine, tiny):
    facts = engine.facts()
    assert facts["parameters"] == 90_688  # 74,112 in the layers + 64 + 258 x 64 for the tokens
    assert facts["weights_bytes"] == (tiny / "model.safetensors").stat().st_size
    assert (facts["device"], facts["dtype"], facts["context"]) == ("cpu", "float32", CONTEXT)
    assert facts["batch_size"] == 64 and facts["threads"] == torch.get_num_threads()
    # A tied head counts once: the parameters' bytes, and the rotary angles beside them
    assert facts["memory"]["weights"] == pytest.approx(4 * 90_688, rel=0.02)
    assert facts["memory"]["peak"] > 50_000_000  # torch alone takes more
    assert facts["load_seconds"] > 0 and facts["commit"] is None and "compress" not in facts
    json.dumps(facts)


def test_dtype_and_compression(tiny):
    spec = EngineSpec("hf", str(tiny), dtype="bfloat16", options={"compress": "prune-0.5"})
    engine = open_engine(spec, {"device": "cpu"})
    facts = engine.facts()
    engine.close()
    assert facts["dtype"] == "bfloat16"
    assert facts["compress"]["share_zero"] == pytest.approx(0.5)
    pruned = run(tiny, CHATS, Sampling(max_tokens=8), compress="prune-0.5")
    assert texts(pruned) != texts(run(tiny, CHATS, Sampling(max_tokens=8)))


def test_a_relative_path_starts_from_the_study(tiny):
    engine = HfEngine(EngineSpec("hf", tiny.name), {"base_dir": tiny.parent, "device": "cpu"})
    assert engine.facts()["parameters"] > 0
    engine.close()


LOCKED = """
import sys
from pathlib import Path
from filelock import FileLock, Timeout
try:
    FileLock(sys.argv[1]).acquire(timeout=0)
except Timeout:
    sys.exit(7)
"""


def test_one_process_at_a_time_on_the_cpu(tiny):
    def another_process() -> int:
        lock = str(cache_folder() / "inference.lock")
        return subprocess.run([sys.executable, "-c", LOCKED, lock], check=False).returncode

    first, second = (HfEngine(EngineSpec("hf", str(tiny)), {"device": "cpu"}) for _ in range(2))
    first.close()
    first.close()  # twice is no harm
    assert another_process() == 7  # the second is still open
    second.close()
    assert another_process() == 0
    with pytest.raises(BenchwarrantError):
        HfEngine(EngineSpec("hf", "/no/such/model"), {"device": "cpu"})
    assert another_process() == 0


HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(0.5)
"""


def test_waits_for_another_process(tiny, caplog):
    command = [sys.executable, "-c", HOLDER, str(cache_folder() / "inference.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with caplog.at_level(logging.WARNING):
            HfEngine(EngineSpec("hf", str(tiny)), {"device": "cpu"}).close()
    assert caplog.messages == ["another process runs a model on this CPU: waiting for it to finish"]


# What a user can get wrong


@pytest.mark.parametrize(
    ("spec", "run", "message"),
    [
        ({"options": {"compres": "int8"}}, {}, r"options: 'compres': unknown; did you mean 'comp"),
        ({"options": {"chat_template": "maybe"}}, {}, r"options: 'chat_template': .*boolean"),
        ({}, {"batchsize": 1}, r"run: 'batchsize': unknown; did you mean 'batch_size'\?"),
        ({}, {"batch_size": 0}, r"run: 'batch_size': .* greater than or equal to 1"),
        ({}, {"device": "tpu"}, r"no device 'tpu' here; use .*cpu"),
        ({"dtype": "float8"}, {}, r"unknown dtype 'float8'; did you mean 'float"),
        ({"options": {"compress": "int9"}}, {}, r"unknown compression 'int9'"),
        ({"model": "./missing"}, {}, r"no model folder .*missing; check the path"),
        ({"model": "embedded:smollm"}, {}, r"unknown embedded model 'smollm'; did you mean"),
        ({"model": "two words"}, {}, r"cannot load the model 'two words' .*HF_HUB_OFFLINE"),
    ],
)
def test_mistakes_are_one_line_that_says_what_to_do(tiny, spec, run, message):
    with pytest.raises(BenchwarrantError, match=message) as caught:
        HfEngine(replace(EngineSpec("hf", str(tiny)), **spec), {"device": "cpu"} | run)
    assert "\n" not in str(caught.value)


FROM_HUB = """
import sys
from inference.engine import EngineSpec
from inference.hf import HfEngine
from samples.errors import BenchwarrantError
for model in sys.argv[1:]:
    try:
        facts = HfEngine(EngineSpec("hf", model), {"device": "cpu"}).facts()
        print(facts["commit"], facts["parameters"])
    except BenchwarrantError as error:
        print(error)
"""


def test_the_hub_without_network(tiny, tmp_path):
    """What was downloaded before is used; what was not is one line."""
    repository, commit = tmp_path / "hub" / "models--we--tiny", "0123456789" * 4
    shutil.copytree(tiny, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    done = subprocess.run(
        [sys.executable, "-c", FROM_HUB, "we/tiny", "we/missing"],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    there, missing = done.stdout.splitlines()
    assert there == f"{commit} 90688"
    assert "cannot load the model 'we/missing'" in missing and "HF_HUB_OFFLINE=1" in missing
    assert done.stderr == ""


def test_an_empty_folder_is_no_model(tmp_path):
    with pytest.raises(BenchwarrantError, match="cannot load the model"):
        HfEngine(EngineSpec("hf", str(tmp_path)), {"device": "cpu"})


def test_code_that_comes_with_a_model_is_not_run(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked whether to run it"))
    model = shutil.copytree(tiny, tmp_path / "mystery")
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "mystery", "auto_map": {"AutoConfig": "code.Config"}}
    (model / "config.json").write_text(json.dumps(config))
    (model / "code.py").write_text("raise SystemExit('run after all')")
    with pytest.raises(BenchwarrantError, match="contains custom code which must be executed"):
        HfEngine(EngineSpec("hf", str(model)), {"device": "cpu"})


def test_a_model_without_an_end_token_is_refused(tiny, tmp_path):
    endless = changed(tiny, tmp_path / "endless", eos_token_id=None)
    for name in ("tokenizer_config.json", "config.json"):
        values = json.loads((endless / name).read_text())
        values.pop("eos_token", None)
        values.pop("eos_token_id", None)
        (endless / name).write_text(json.dumps(values))
    with pytest.raises(BenchwarrantError, match="names no end token"):
        HfEngine(EngineSpec("hf", str(endless)), {"device": "cpu"})


# The real one


@pytest.mark.slow
def test_the_embedded_model_answers_the_same_in_every_batch():
    countries = ["France", "Germany", "Italy", "Spain", "Japan", "Egypt", "Peru", "Norway"]
    chats = [(Message("user", f"What is the capital of {country}?"),) for country in countries]
    answers = {}
    for size in (1, 8):
        engine = HfEngine(
            EngineSpec("hf", "embedded:smollm2-135m"), {"device": "cpu", "batch_size": size}
        )
        done = sorted(engine.generate(chats, Sampling(max_tokens=24)), key=lambda d: d.index)
        answers[size] = texts(done)
        facts = engine.facts()
        engine.close()
    assert answers[1] == answers[8]
    assert "Paris" in answers[8][0] and "Berlin" in answers[8][1]
    assert (facts["parameters"], facts["dtype"]) == (134_515_008, "float32")
    assert "<|im_start|>system\nYou are a helpful AI assistant" in done[0].prompt

    drawn = Sampling(temperature=0.7, top_p=0.9, max_tokens=16, seed=5)
    spec = EngineSpec("hf", "embedded:smollm2-135m", options={"compress": "int8"})
    engine = HfEngine(spec, {"device": "cpu", "batch_size": 4})
    in_fours = {done.index: done.text for done in engine.generate(chats, drawn)}
    alone = next(engine.generate(chats[2:3], drawn))
    record = engine.facts()["compress"]
    engine.close()
    assert alone.text == in_fours[2]
    # 30 layers of 7 matrices; 576 x (576 + 192 + 192 + 576 + 3 x 1536) numbers in a layer
    assert (record["matrices"], record["parameters_touched"]) == (210, 30 * 576 * 6144)
    assert 0 < record["max_error"] < 0.1 and record["share_zero"] < 0.05


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_embedded_model_on_a_gpu():
    """By itself it takes the GPU, in bfloat16 and larger batches, and knows a capital."""
    engine = HfEngine(EngineSpec("hf", "embedded:smollm2-135m"), {})
    chats = [(Message("user", "What is the capital of France?"),)] * 80
    answers = texts(engine.generate(chats, Sampling(max_tokens=24)))
    facts = engine.facts()
    engine.close()
    assert len(answers) == 80 and all("Paris" in answer for answer in answers)
    assert (facts["device"].partition(":")[0], facts["dtype"]) == ("cuda", "bfloat16")
    assert facts["batch_size"] == 256 and facts["ways"] == ["continuous"]
    assert facts["memory"]["peak_of"] == "device"
