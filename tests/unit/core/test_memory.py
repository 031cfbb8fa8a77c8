"""The most memory that was used while something ran is seen: its own pages, and those of a process that it started."""

import json
import subprocess
import sys

from hilum.core.memory import MemoryPeak

MIB = 2**20
BOTH = (64 + 128 - 8) * MIB
PROGRAM = f"""
import json, subprocess, sys, time
import numpy as np
from hilum.core.memory import watch_memory

with watch_memory() as before:
    time.sleep(0.05)
hold = "import time; held = bytearray({128 * MIB}); print(flush=True); time.sleep(90)"
with watch_memory() as peak:
    held = np.ones({64 * MIB}, np.uint8)
    child = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE)
    child.stdout.readline()
    until = time.monotonic() + 60  # a busy machine is looked at less often
    while peak.anonymous_bytes - before.anonymous_bytes <= {BOTH} and time.monotonic() < until:
        time.sleep(0.05)
    child.kill()
    child.communicate()
print(json.dumps([vars(before), vars(peak)]))
"""


def test_what_is_allocated_meanwhile_is_seen_here_and_in_a_process_below() -> None:
    """In a process of its own: the one that runs the tests lets go of memory, and has other processes below."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, peak = json.loads(done.stdout)
    assert peak["anonymous_bytes"] - before["anonymous_bytes"] > BOTH
    assert peak["resident_bytes"] >= before["resident_bytes"]
    assert before["anonymous_bytes"] <= before["resident_bytes"]


def test_a_look_sees_what_is_used_now() -> None:
    peak = MemoryPeak()
    peak.look()
    assert peak.lately == peak.anonymous_bytes > MIB
    peak.lately = 0
    peak.look()
    assert 0 < peak.lately <= peak.anonymous_bytes
