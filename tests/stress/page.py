#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""page.py SOURCE EXAMPLE: the stress page's example is the file that is built, and does what the page says; and the stress
programs use the harness by its public headers alone, as everybody does."""
import glob
import os
import re
import subprocess
import sys

source, example = sys.argv[1:]
sys.path.insert(0, f"{source}/tests/docs")
import excerpts

count, failures = excerpts.wrong(source, "stress/README.md")
if count == 0:
    failures.append("the page has no example")

# Of our own, a program may include <atomicx/NAME.h> and what lies beside it.
ours = glob.glob(f"{source}/stress/*.[ch]") + glob.glob(f"{source}/stress/broken/*.[ch]")
if len(ours) < 20:
    failures.append(f"only {len(ours)} files of stress programs found")
for path in ours:
    for style, name in re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)', open(path, encoding="utf-8").read(), re.M):
        if style == "<" and name.startswith("atomicx/") and not re.fullmatch(r"atomicx/\w+\.h", name):
            failures.append(f"{path} includes <{name}>")
        if style == '"' and "harness" in os.path.relpath(os.path.join(os.path.dirname(path), name), source):
            failures.append(f"{path} includes {name}")

# What the page shows: three operations, two of which got the same number.
page = open(f"{source}/stress/README.md", encoding="utf-8").read()
sentence = re.search(r"^    (stack broken-pop: violated: .*)$", page, re.M)[1]
for seed in range(1, 11):
    done = subprocess.run([example, "--impl", "broken-pop", "--threads", "3", "--seed", str(seed), "--quiet"],
                          capture_output=True, text=True, timeout=250)
    if done.returncode == 1:
        break
if not re.match(re.sub(r"\d+ threads", "[12] threads", re.escape(sentence).replace(r"\ ", " ")).replace("3 operations", r"\d operations"),
                done.stdout):
    failures.append(f"instead of {sentence!r}: {done.stdout}{done.stderr}")
right = subprocess.run([example, "--threads", "3", "--iters", "4000", "--quiet"], capture_output=True, text=True, timeout=250)
if right.returncode not in (0, 3) or "each of 1000 rounds has an order" not in right.stdout:
    failures.append(f"the right one: {right.returncode} {right.stdout}{right.stderr}")

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
