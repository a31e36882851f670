#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""undecided.py UNDECIDED: what a run says of a round that its judge gave up on (undecided.c): exit code 3, and why."""
import json
import re
import subprocess
import sys

THREADS, CALLS = 4, 8
ROUND = " | ".join(" ".join(f"step({thread * CALLS + call + 1})" for call in range(CALLS)) for thread in range(THREADS))

COMMAND = [sys.argv[1], "--round", ROUND, "--quiet", "--no-chaos"]  # a thread that is held would hold all others, too

plain = subprocess.run(COMMAND, capture_output=True, text=True, check=False, timeout=250)
told = subprocess.run([*COMMAND, "--json"], capture_output=True, text=True, check=False, timeout=250)
REASON = r"[1-9]\d* of [1-9]\d* rounds would take too long to judge"
fine = (plain.returncode == 3 and re.match(f"order order: inconclusive: {REASON}", plain.stdout) is not None
        and told.returncode == 3 and json.loads(told.stdout)["result"] == "inconclusive"
        and re.match(REASON, json.loads(told.stdout)["sentence"]) is not None)
if not fine:
    print(plain, told, sep="\n")
sys.exit(0 if fine else 1)
