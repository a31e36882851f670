#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""finding.py [--write] PAGE PROGRAM...: how many executions it takes to find a mistake, at random and by PCT.

PROGRAMs are model tests; each of their tests that must be found wrong is looked for from several seeds, in each of the ways
below, with a limit. A mistake that every way misses from half of the seeds is a failure. --write puts the table into PAGE,
between its two marks: the median of the seeds, of the mistakes for which some way needs more than a few executions,
and a line for all the others. A livelock is left out: directed runs are not fair enough to tell one.
"""
import json
import statistics
import subprocess
import sys

MARKS = ("<!-- table: tests/model/finding.py --write -->\n", "<!-- end of table -->\n")
LIMIT = 20000
SEEDS = range(1, 12)
FEW = 8
WAYS = {"random": ["--random", str(LIMIT)], **{f"PCT, {d}": ["--pct", str(d), "--bound", f"executions={LIMIT}"] for d in (2, 3, 5)}}


def broken(program):
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line.split()[1] not in ("holds", "livelock")]


def runs(program, test, way, seed):
    """How many it took; LIMIT + 1: it was not found."""
    done = subprocess.run([program, *WAYS[way], "--seed", str(seed), "--no-shrink", "--no-progress", "--json", "--test", test],
                          capture_output=True, text=True, timeout=600)
    verdict = json.loads(done.stdout.splitlines()[0])
    return verdict["runs"] if verdict["verdict"] == "found" else LIMIT + 1


def told(median):
    return f"> {LIMIT}" if median > LIMIT else str(int(median))


def main(arguments):
    write = "--write" in arguments
    page, *programs = [a for a in arguments if a != "--write"]
    rows, easy, missed = [], 0, []
    for program in programs:
        for test in broken(program):
            medians = [statistics.median(runs(program, test, way, seed) for seed in SEEDS) for way in WAYS]
            missed += [test] if min(medians) > LIMIT else []
            if max(medians) <= FEW:
                easy += 1
            else:
                rows.append((min(medians), f"| `{test}` | " + " | ".join(map(told, medians)) + " |\n"))
    head = f"| mistake | {' | '.join(WAYS)} |\n|---|{'---:|' * len(WAYS)}\n"
    table = head + "".join(row for _, row in sorted(rows)) + f"| {easy} others |" + f" {FEW} at most |" * len(WAYS) + "\n"
    if write:
        text = open(page, encoding="utf-8").read()
        before, _, rest = text.partition(MARKS[0])
        with open(page, "w", encoding="utf-8") as out:
            out.write(before + MARKS[0] + table + MARKS[1] + rest.partition(MARKS[1])[2])
    else:
        print(table, end="")
    for line in missed:
        print("FAILED: not found", line)
    return 1 if missed else 0


sys.exit(main(sys.argv[1:]))
