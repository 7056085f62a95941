"""What a model takes in memory, measured: its weights, its keys and values, and the peak."""

import re
import resource
import sys
from pathlib import Path
from typing import Any

import torch

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def restart(device: torch.device) -> None:
    """Start measuring the peak anew, where that can be done: another model may have run before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        CLEAR.write_text("5")
    except OSError:  # not Linux, or not allowed: the peak is then that of the whole process
        return


def memory(device: torch.device, model: Any, kv_bytes: int) -> dict[str, Any]:
    """Bytes of the weights as loaded, of keys and values where we hold them, and the peak.

    On a GPU the peak is what torch took there; elsewhere it is the process's resident memory,
    Python and the libraries included.
    """
    return {
        "weights": int(model.get_memory_footprint()),
        "kv": kv_bytes or None,
        "peak": _peak(device),
        "peak_of": "device" if device.type == "cuda" else "process",
    }


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if STATUS.exists():
        kilobytes = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
        if kilobytes:
            return int(kilobytes.group(1)) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # bytes there, kilobytes elsewhere


def device_name(device: torch.device) -> str:
    """The device, and which one where torch can say."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
