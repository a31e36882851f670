#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""outcomes.py OUTCOMES LITMUS: outcomes are counted and judged; the classic shapes show nothing that C11 forbids."""
import json
import os
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
assert len(json.loads(run(1, outcomes, "--iters", "1", "--json").stdout)["tests"]) == 4
assert len(run(0, outcomes, "--list").stdout.splitlines()) == 4
assert "4 4 4 4" in run(1, outcomes, "--test", "many", "--iters", "1000").stdout
run(0, outcomes, "--help"), run(0, outcomes, "--version")
for refused, why in ((("--test", "none"), "no such test"), (("--iters", "0"), "is too small"), (("--duration", "x"), "is not a number"),
                     (("--nonsense", "1"), "not an option"), (("--test",), "--test: needs an argument"), (("--iters", ""), "is empty"),
                     (("--duration", "1e30"), "is too large"), (("--iters", "1e30"), "is too large"), (("x",), "not an option"),
                     (("--iters", "5", "--duration", "1"), "exclude each other")):
    assert why in run(2, outcomes, *refused).stderr, refused

tests = json.loads(run(0, litmus, "--iters", "1000", "--json").stdout)["tests"]
assert len(tests) == 18 and all(t["runs"] >= 1000 for t in tests)

# Every machine that C11 runs on has store buffers. Two threads that are never at work at once show nothing: try on. On one
# processor they never are.
for _ in range(1000 if len(os.sched_getaffinity(0)) > 1 else 0):
    if "interesting" in run(0, litmus, "--test", "SB+rlx", "--duration", "0.05").stdout:
        break
else:
    if len(os.sched_getaffinity(0)) > 1:
        sys.exit("store buffering was never seen")
    print("one processor: store buffering was not looked for")
print("outcomes: as declared")
