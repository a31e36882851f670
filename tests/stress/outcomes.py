#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""outcomes.py OUTCOMES LITMUS: outcomes are counted and judged; the classic shapes show nothing that C11 forbids; a test whose
actors never met is vacuous."""
import json
import os
import subprocess
import sys

outcomes, litmus = sys.argv[1:]


def run(codes, *arguments, **options):
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    assert done.returncode in (codes if isinstance(codes, tuple) else (codes,)), (arguments, done.returncode, done.stdout, done.stderr)
    return done


HOLDS = (0, 3)  # on a busy machine the actors of a short test may never be at work at once


def results(codes, *arguments, **options):
    """The tests of a run; its exit code and each verdict are what the tests' outcomes and overlaps make them."""
    done = run(codes, *arguments, "--json", **options)
    tests = json.loads(done.stdout)["tests"]
    for test in tests:
        wrong = any(outcome["kind"] in ("UNDECLARED", "FORBIDDEN") for outcome in test["outcomes"])
        assert test["result"] == ("violated" if wrong else "holds" if test["overlaps"] > 0 else "vacuous"), test
    words = {test["result"] for test in tests}
    assert done.returncode == (1 if "violated" in words else 3 if "vacuous" in words else 0), (done.returncode, words)
    return tests


for name, codes, kind in (("declared", HOLDS, "interesting"), ("undeclared", 1, "UNDECLARED"), ("forbidden", 1, "FORBIDDEN")):
    test = results(codes, outcomes, "--test", name, "--iters", "1000")[0]
    assert test["runs"] == 1024, test
    assert [(o["results"], o["times"], o["kind"]) for o in test["outcomes"]] == [("1 -2 7", 1024, kind)], test
    assert kind in run(codes, outcomes, "--test", name, "--duration", "0.01").stdout  # with tuning
assert len(results(1, outcomes, "--iters", "1")) == 4
assert len(run(0, outcomes, "--list").stdout.splitlines()) == 4
assert "4 4 4 4" in run(1, outcomes, "--test", "many", "--iters", "1000").stdout
run(0, outcomes, "--help"), run(0, outcomes, "--version")
for refused, why in ((("--test", "none"), "no such test"), (("--iters", "0"), "is too small"), (("--duration", "x"), "is not a number"),
                     (("--nonsense", "1"), "not an option"), (("--test",), "--test: needs an argument"), (("--iters", ""), "is empty"),
                     (("--duration", "1e30"), "is too large"), (("--iters", "1e30"), "is too large"), (("x",), "not an option"),
                     (("--iters", "5", "--duration", "1"), "exclude each other")):
    assert why in run(2, outcomes, *refused).stderr, refused

tests = results(HOLDS, litmus, "--iters", "1000")
assert len(tests) == 18 and all(t["runs"] >= 1000 for t in tests)

# Every machine that C11 runs on has store buffers. Two threads that are never at work at once show nothing: try on. On one
# CPU they never are.
several = len(os.sched_getaffinity(0)) > 1
for _ in range(1000 if several else 0):
    (test,) = results(HOLDS, litmus, "--test", "SB+rlx", "--duration", "0.05")
    if any(outcome["kind"] == "interesting" for outcome in test["outcomes"]):
        assert test["result"] == "holds", test  # who shows it was at work at once
        break
else:
    if several:
        sys.exit("store buffering was never seen")
    print("one CPU: store buffering was not looked for")

# On one CPU a thread is in the midst of a row of 256 states while another is only if it was interrupted there.
one = {min(os.sched_getaffinity(0))}
for _ in range(1000):
    done = run(HOLDS, litmus, "--test", "SB+rlx", "--iters", "1", preexec_fn=lambda: os.sched_setaffinity(0, one))
    if done.returncode == 3:
        assert done.stdout.startswith("SB+rlx: vacuous (no two actors"), done.stdout
        break
else:
    sys.exit("no run was vacuous")
print("outcomes: as declared")
