"""Memory is measured: it grows with what is loaded and held."""

import torch

from inference.footprint import device_name, memory, restart

CPU = torch.device("cpu")


class Model:
    def get_memory_footprint(self) -> int:
        return 123


def test_the_peak_holds_what_was_held_since_the_restart():
    held = torch.ones(30_000_000)  # 120 MB
    del held
    restart(CPU)
    before = memory(CPU, Model(), 0)
    assert before["weights"] == 123 and before["kv"] is None and before["peak_of"] == "process"
    held = torch.ones(50_000_000)  # 200 MB
    after = memory(CPU, Model(), 77)
    assert after["kv"] == 77
    assert held.nbytes * 0.8 < after["peak"] - before["peak"] < held.nbytes * 1.3


def test_names_the_device():
    assert device_name(CPU) == "cpu"
