# SPDX-License-Identifier: MIT
"""forging.py: records are given to axcheck (argv[1]), right ones and ones with something replaced."""
import json
import os
import re
import subprocess
import sys

_AXCHECK = os.path.abspath(sys.argv[1])
failures = 0
checks = 0


def case(name, record, status, pattern):
    global failures, checks
    checks += 1
    data = (json.dumps(record, separators=(",", ":")) + "\n").encode()
    done = subprocess.run([_AXCHECK, "-"], input=data, capture_output=True, check=False)
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode != status or not re.search(pattern, output):
        failures += 1
        print(f"FAILED: {name}: status {done.returncode}, wanted {status} and /{pattern}/ in:\n{output}")


def replace(record, path, value):
    """Replaces one value in place, or, for the value ..., takes it out."""
    *steps, last = path
    for step in steps:
        record = record[step]
    if value is ...:
        del record[last]
    else:
        record[last] = value
