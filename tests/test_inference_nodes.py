"""What a cluster's nodes have room for, and addresses that lead nowhere. No cluster is started."""

import socket

import pytest

pytest.importorskip("ray", reason="Ray is not installed")

from inference.engine import checked
from inference.nodes import Settings, connect, in_words, shares
from samples.errors import BenchwarrantError

CPU_NODE = {"CPU": 8.0, "memory": 1e9}
GPU_NODE = {"CPU": 32.0, "GPU": 4.0}


@pytest.mark.parametrize(
    ("settings", "engine", "nodes", "workers", "resources"),
    [
        ({}, "hf", [GPU_NODE, GPU_NODE], 8, {"num_cpus": 1, "num_gpus": 1}),
        ({}, "served", [GPU_NODE, CPU_NODE], 4, {"num_cpus": 1, "num_gpus": 1}),
        ({}, "hf", [CPU_NODE, {"CPU": 4.0}], 2, {"num_cpus": 4, "num_gpus": 0}),  # the smaller's
        ({}, "openai", [GPU_NODE, CPU_NODE], 2, {"num_cpus": 1, "num_gpus": 0}),
        ({}, "replay", [{"memory": 1e9}, CPU_NODE], 1, {"num_cpus": 1, "num_gpus": 0}),
        ({"num_gpus": 2}, "hf", [GPU_NODE], 2, {"num_cpus": 1, "num_gpus": 2}),
        ({"num_gpus": 0.5}, "hf", [GPU_NODE], 8, {"num_cpus": 1, "num_gpus": 0.5}),
        ({"num_gpus": 1, "num_cpus": 16}, "hf", [GPU_NODE], 2, {"num_cpus": 16, "num_gpus": 1}),
        ({"num_gpus": 0, "num_cpus": 2}, "hf", [GPU_NODE], 1, {"num_cpus": 2, "num_gpus": 0}),
        ({"workers": 50}, "hf", [CPU_NODE], 50, {"num_cpus": 8, "num_gpus": 0}),  # more may come
    ],
)
def test_workers_and_their_shares(settings, engine, nodes, workers, resources) -> None:
    assert shares(Settings(**settings), engine, nodes) == (workers, resources)


@pytest.mark.parametrize(
    ("settings", "nodes"),
    [({"num_gpus": 1}, [CPU_NODE]), ({"num_cpus": 9}, [CPU_NODE, CPU_NODE]), ({}, [{}]), ({}, [])],
)
def test_what_fits_nowhere_is_refused(settings, nodes) -> None:
    with pytest.raises(BenchwarrantError, match=r"no node has .* set num_cpus and num_gpus"):
        shares(Settings(**settings), "openai", nodes)


@pytest.mark.parametrize("values", [{"worker": 2}, {"workers": 0}, {"num_cpus": 0}, {"block": 0}])
def test_a_mistaken_setting_is_one_line_that_names_it(values) -> None:
    with pytest.raises(BenchwarrantError, match=next(iter(values))) as caught:
        checked(Settings, values, "run.cluster")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["nonsense", "ray://head:10001", "http://head:8265", "host:", "127.0.0.1:99999"]
)
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    for given in (address, "auto"):
        with pytest.raises(BenchwarrantError, match="`ray start`") as caught:
            connect(given)
        assert "\n" not in str(caught.value) and address in str(caught.value)


def test_an_address_where_nobody_listens_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(BenchwarrantError, match=f"nothing answers at 127.0.0.1:{port}"):
        connect(f"127.0.0.1:{port}")


def test_a_long_account_becomes_one_line() -> None:
    told = in_words(RuntimeError("The actor died.\n\tclass_name: Runner\nIts node has died. " * 9))
    assert told.startswith("Its node has died.") and "\n" not in told and len(told) <= 300
    assert in_words(BenchwarrantError("check the path")) == "check the path"
