#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""few_threads.py SERVER LIBRARY: a server that can't make all of its threads says so and ends, whichever is the first."""
import os
import subprocess
import sys

WORKERS, LOOPS = 2, 4
for threads in range(WORKERS + LOOPS):
    run = subprocess.run([sys.argv[1], "--port", "0", "--workers", str(WORKERS), "--threads", str(LOOPS)], capture_output=True,
                         text=True, check=False, env={**os.environ, "LD_PRELOAD": sys.argv[2], "AX_THREADS": str(threads)})
    if run.returncode != 70 or run.stdout or (threads >= WORKERS and "cannot start 4 event loops" not in run.stderr):
        sys.exit(f"{threads} threads: exit code {run.returncode}, {run.stdout!r}, {run.stderr!r}")
