"""Joining a Ray cluster, or starting one, and what its nodes have room for."""

import logging
import os
import re
import secrets
import socket
from collections.abc import Mapping, Sequence
from math import floor
from textwrap import shorten
from typing import Any

import ray
from pydantic import BaseModel, ConfigDict, Field
from ray.exceptions import RayError

import inference
import samples
from inference.engine import COMPUTING
from samples.errors import BenchwarrantError

log = logging.getLogger(__name__)

OBJECTS = 256 << 20  # bytes of shared memory for chats under way on a local cluster


class Settings(BaseModel):
    """``run.cluster`` of a [[model]]: who does the work. None of it changes the text."""

    model_config = ConfigDict(extra="forbid")

    workers: int | None = Field(default=None, ge=1)  # one per GPU, or one per node without
    num_gpus: float | None = Field(default=None, ge=0)  # of each worker
    num_cpus: float | None = Field(default=None, gt=0)
    block: int = Field(default=512, ge=1)  # chats that a worker gets at a time, at most
    patience: float = Field(default=900, gt=0)  # seconds until the first worker has its model


def shares(
    settings: Settings, engine: str, nodes: Sequence[Mapping[str, float]]
) -> tuple[int, dict[str, float]]:
    """How many workers, and what each of them is given.

    Ray lets a worker see only its share: without a GPU of its own it would compute on the CPU, and
    torch runs as many threads as it has CPUs.
    """
    computes = engine in COMPUTING
    gpus, cpus = settings.num_gpus, settings.num_cpus
    if gpus is None:
        gpus = 1.0 if computes and any(node.get("GPU", 0) >= 1 for node in nodes) else 0.0
    if cpus is None:
        alone = computes and not gpus
        cpus = min((node["CPU"] for node in nodes if node.get("CPU")), default=1.0) if alone else 1
    fits = [
        min(floor(node.get("CPU", 0) / cpus), floor(node.get("GPU", 0) / gpus) if gpus else 10**6)
        for node in nodes
    ]
    if not any(fits):
        raise BenchwarrantError(
            f"cluster: no node has {cpus:g} CPUs and {gpus:g} GPUs for a worker; set num_cpus and"
            " num_gpus in run.cluster"
        )
    workers = settings.workers or (sum(fits) if gpus else sum(map(bool, fits)))
    return workers, {"num_cpus": cpus, "num_gpus": gpus}


def connect(address: str) -> bool:
    """Join the cluster, or start one here; False where this process is in one already."""
    if ray.is_initialized():
        return False
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or "local"
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    _silence()
    if address == "local":
        # Ray listens on every interface, and would keep its password in a file.
        if not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        ray.init(address, include_dashboard=False, object_store_memory=OBJECTS, **quiet)
        return True
    _check_reachable(address)
    # Nodes run the code that runs here, whatever they have installed.
    code = {"py_modules": [samples, inference]}
    try:
        ray.init(address, runtime_env=code, **quiet)
    except (RayError, ConnectionError, RuntimeError, ValueError) as error:
        raise BenchwarrantError(f"cluster: {address}: {in_words(error)}") from error
    return True


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes."""
    if address == "auto":
        return
    place = re.fullmatch(r"\[?([^/]+?)\]?:(\d{1,5})", address)
    if not place:
        raise BenchwarrantError(
            f"cluster: {address!r} is not host:port; run this on a machine of the cluster and give"
            " the address that `ray start` shows there, or auto"
        )
    try:
        socket.create_connection((place[1], int(place[2])), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise BenchwarrantError(
            f"cluster: nothing answers at {address} ({error}); give the address that `ray start`"
            " shows on the head, or auto"
        ) from None


def _silence() -> None:
    """Ray prints the cluster's accidents on standard output, where our figures go."""
    from ray._private import worker

    def note(data: Mapping[str, Any], ignore_prefix: bool) -> None:
        log.info("%s", data.get("lines"))

    setattr(worker, "print_to_stdstream", note)  # noqa: B010  (Ray has no setting for it)


def in_words(error: Exception | None) -> str:
    """One line. Ray says what happened in the last line of many."""
    cause = getattr(error, "cause", None)
    if isinstance(error, BenchwarrantError) or isinstance(cause, BenchwarrantError):
        return str(cause or error)
    if cause is not None:
        return shorten(f"{type(cause).__name__}: {cause}", 300)
    said = str(error).strip().splitlines() or [type(error).__name__]
    return f"{shorten(said[-1], 220)}; run the same command again to go on where this stopped"
