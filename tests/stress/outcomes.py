#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""outcomes.py OUTCOMES LITMUS: outcomes are counted and judged; the classic shapes show nothing that C11 forbids."""
import json
import subprocess
import sys

outcomes, litmus = sys.argv[1:]


def run(code, *arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


for name, code, kind in (("declared", 0, "interesting"), ("undeclared", 1, "UNDECLARED"), ("forbidden", 1, "FORBIDDEN")):
    test = json.loads(run(code, outcomes, "--test", name, "--iters", "1000", "--json").stdout)["tests"][0]
    assert test["result"] == ("violated" if code else "holds") and test["runs"] == 1024, test
    assert [(o["results"], o["times"], o["kind"]) for o in test["outcomes"]] == [("1 -2 7", 1024, kind)], test
    assert kind in run(code, outcomes, "--test", name, "--duration", "0.01").stdout  # with tuning
assert len(json.loads(run(1, outcomes, "--iters", "1", "--json").stdout)["tests"]) == 3
assert len(run(0, outcomes, "--list").stdout.splitlines()) == 3
run(0, outcomes, "--help"), run(0, outcomes, "--version")
for refused in (("--test", "none"), ("--iters", "0"), ("--duration", "x"), ("--nonsense", "1"), ("--test",)):
    run(2, outcomes, *refused)

tests = json.loads(run(0, litmus, "--iters", "4000", "--json").stdout)["tests"]
assert len(tests) == 18 and all(t["runs"] >= 4000 for t in tests)

# Every machine that C11 runs on has store buffers. Two threads that are never at work at once show nothing: try on.
for _ in range(1000):
    if "interesting" in run(0, litmus, "--test", "SB+rlx", "--duration", "0.05").stdout:
        break
else:
    sys.exit("store buffering was never seen")
print("outcomes: as declared")
