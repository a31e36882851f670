#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readme.py SOURCE BUILD: README.md says what is so.

Every `$ ./tools/run COMMAND` of a console block is run in the build folder, as tools/run would after
building; its exit code is 0, or 1 where a broken implementation is named. `ctest` is asked for its list
only: this is a test of it already. ("Use it" is use_it.py's, from an installed library.) Lines shown below a command must occur in its output, numbers and
seeds aside. A code block after `<!-- from FILE -->` must stand in that file, word for word.
"""
import re
import subprocess
import sys

import excerpts

source, build = sys.argv[1], sys.argv[2]
text = open(f"{source}/README.md", encoding="utf-8").read()
failures = []
checked = 0


def skeleton(line):
    """A line without what differs from run to run: numbers with their signs and units, and seeds."""
    return re.sub(r"(0x[0-9a-f]+|[-+]?[0-9][0-9.,]*)", "#", line).strip()


count, lines = excerpts.wrong(source, "README.md")
checked += count
failures += lines

for block in re.findall(r"```console\n(.*?)```", text, re.S):
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        expected = 1 if "broken-" in command else 0
        actual = re.sub(r"\./tools/run +", "", command)
        actual = re.sub(r"^ctest.*", "ctest -N", actual)
        if actual == command and not command.startswith("cmake"):
            failures.append(f"not a tools/run command: {command}")
            continue
        if command.startswith("cmake"):
            continue  # plain CMake: tests/docs/plain-cmake does that in a folder of its own
        checked += 1
        run = subprocess.run(["sh", "-c", actual], cwd=build, capture_output=True, text=True, timeout=600)
        if run.returncode != expected:
            failures.append(f"{command}: exit {run.returncode}, expected {expected}\n{run.stdout}{run.stderr}")
        have = {skeleton(line) for line in (run.stdout + run.stderr).split("\n")}
        if actual != "ctest -N":
            for line in shown:
                if line.strip() not in ("", "...") and skeleton(line) not in have:
                    failures.append(f"{command}: README shows a line it does not print:\n  {line}")

for failure in failures:
    print("FAILED:", failure)
print(f"{checked} commands and excerpts, {len(failures)} failed")
sys.exit(1 if failures or not checked else 0)
