"""What this machine gives a model: cores, of which a container may have fewer, and products of 16 bits."""

import os
import sys
from pathlib import Path
from typing import Any


def cores() -> int:
    """The cores that this process may use: those it may run on, or fewer where its container has a quota."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(here, quota())


def quota(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """The cores that a container may use (cgroup v2, or v1); more than any machine has where it is not limited."""
    for most, period in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = (folder / most).read_text(encoding="ascii").split()
            words += [] if period is None else (folder / period).read_text(encoding="ascii").split()
            allowed, whole = map(int, words)
        except (OSError, ValueError):  # another system, or "max 100000"
            continue
        if allowed > 0:  # v1 says -1 for no limit
            return max(1, allowed // whole)
    return sys.maxsize


def keep_to_cores(torch: Any) -> None:
    """Lets torch have no more threads than there are cores: it does not know of a container's quota."""
    if torch.get_num_threads() > cores():
        torch.set_num_threads(cores())


def fast_bfloat16(torch: Any) -> bool:
    """Whether the CPU multiplies bfloat16 itself (AVX512-BF16, AMX or ARM's BF16); False where torch cannot tell."""
    known: Any = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known.get(each, False) for each in ("avx512_bf16", "amx_bf16", "bf16"))
