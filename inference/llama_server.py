"""llama.cpp's server by xllamacpp, in a process of its own: loopback only, with a key.

    LLAMA_API_KEY=... python llama_server.py --model FILE --alias NAME --port P [NAME=VALUE ...]

Run as a file by any Python that has xllamacpp; it needs nothing else of this project. NAME=VALUE
sets a field of xllamacpp's CommonParams, such as n_gpu_layers=0.
"""

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

KEY = "LLAMA_API_KEY"
# What a sampling field is set to so that it does nothing: llama.cpp's own defaults (top_k 40,
# top_p 0.95, min_p 0.05), or those in the model's file, would shape every drawn text.
NEUTRAL = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "penalty_repeat": 1.0, "xtc_probability": 0.0}


def read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="llama_server.py", allow_abbrev=False)
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("--alias")
    parser.add_argument("--port", type=int)
    parser.add_argument("--slots", type=int, default=1, help="chats at a time")
    parser.add_argument("--context", type=int, default=4096, help="tokens of each slot")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("fields", nargs="*", metavar="NAME=VALUE")
    return parser.parse_args(arguments)


def parameters(asked: argparse.Namespace, library: Any) -> Any:
    """The library's parameters: the prefix of a slot is kept, and nothing but the request draws."""
    p = library.CommonParams()
    p.model.path, p.model_alias = asked.model, {asked.alias}
    p.hostnames, p.port, p.ui = ["127.0.0.1"], asked.port, False
    p.api_keys = [os.environ[KEY]] if KEY in os.environ else []
    p.n_parallel = asked.slots
    p.n_ctx = asked.slots * asked.context  # it is shared out among the slots
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = asked.threads
    p.cache_prompt, p.cache_ram_mib = True, 0  # whole prompts don't come back, beginnings do
    p.endpoint_slots = False  # shows what others ask
    p.verbosity = 2  # warnings; three lines a request would fill the log
    p.reasoning_format = library.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    marks = library.common_params_sampling_config
    for name, value in NEUTRAL.items():
        setattr(p.sampling, name, value)
        mark = getattr(marks, f"COMMON_PARAMS_SAMPLING_CONFIG_{name.upper()}")
        p.sampling.user_sampling_config |= int(mark)
    for field in asked.fields:
        set_field(p, field)
    return p


def set_field(p: Any, field: str) -> None:
    """Set a field from its text; what it holds by now says of which type it is."""
    name, _, text = field.partition("=")
    now = getattr(p, name, None)
    try:
        if isinstance(now, bool):
            value: Any = {"true": True, "false": False}[text.lower()]
        elif isinstance(now, int | float | str):
            value = type(now)(text)
        else:
            raise ValueError
        setattr(p, name, value)
    except (KeyError, ValueError):
        sys.exit(f"llama.cpp: no field of CommonParams can be set by {field!r}")


def main() -> None:
    asked = read(sys.argv[1:])
    try:
        library = import_module("xllamacpp")
    except ImportError as error:
        sys.exit(f"{error}; pip install xllamacpp")
    if asked.version:
        sys.stdout.write(f"xllamacpp {library.__version__}\n")
        return
    try:
        server = library.Server(parameters(asked, library))
    except RuntimeError as error:  # what is wrong stands in the lines before
        sys.exit(f"cannot start with {asked.model}: {error}")
    sys.stdout.write(f"listening on {server.listening_address}\n")
    sys.stdout.flush()
    threading.Event().wait()  # until a signal ends this process


if __name__ == "__main__":
    main()
