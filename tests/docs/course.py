#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""course.py FOLDER AXMODEL: FOLDER/README.md says what its programs say.

A code block after `<!-- from FILE -->` stands in that file, word for word. A block after `<!-- run FILE -->`
is what `axmodel run` prints for it, all of it, without what differs from run to run. Every program is run.
"""
import os
import re
import subprocess
import sys
import tempfile

folder, axmodel = sys.argv[1], sys.argv[2]
failures = []


def printed(path):
    with tempfile.TemporaryDirectory() as place:
        program = os.path.join(place, "program")
        for command in [axmodel, "cc", "-Wall", "-Wextra", "-Werror", "-o", program, path], [axmodel, "run", program]:
            result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
            if result.returncode != 0:
                failures.append(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    # a search that ends at a violation says how far it came, and every one how long it took
    text = re.sub(r"(found: .+) after \d+ runs.*", r"\1", result.stdout)
    return re.sub(r"(EXHAUSTED, \d+ executions) .*", r"\1", text).strip()


with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
    page = file.read()
excerpts = re.findall(r"<!-- from (\S+) -->\n+```c\n(.*?)```", page, re.S)
runs = re.findall(r"<!-- run (\S+) -->\n+```\n(.*?)```", page, re.S)
for name, block in excerpts:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        if block.strip() not in file.read():
            failures.append(f"the excerpt of {name} is not in it:\n{block}")
for name, block in runs:
    actual = printed(os.path.join(folder, name))
    if actual != block.strip():
        failures.append(f"{name} prints something else:\n{actual}")
programs = {name for name in os.listdir(folder) if name.endswith(".c")}
if programs != {name for name, _ in runs}:
    failures.append(f"programs {sorted(programs)}, shown {sorted(name for name, _ in runs)}")
for failure in failures:
    print("FAILED:", failure)
print(f"{len(excerpts)} excerpts, {len(runs)} runs, {len(failures)} failed")
sys.exit(1 if failures or not runs else 0)
