#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutants of lib: each memory order one step weaker, each read-modify-write torn in two, one at a time.

    mutants.py ROOT NOUN=PROGRAM[,option...]...

PROGRAM is a model test linked with tests/model/lib/weaken.c, which makes the mutant that the environment
names; nothing is compiled here. A mutant is killed when a test of its noun is violated. One that is not
must have a line in survivors.txt beside this file, with the reason; a line for a mutant that is killed is
wrong too. Prints what each was killed by, then the score per file. Exit 1 when something is not as written.
"""
import collections
import importlib.util
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 60  # for one run; far more than any needs
STEPS = {"acquire": ["relaxed"], "release": ["relaxed"], "acq_rel": ["acquire", "release"]}
NOUNS = [(r"counter\.h", ["counter"]), (r"adder\.[ch]", ["adder"]), (r"tickets\.[ch]|lease\.c", ["tickets", "lease"]),
         (r"accounts\w*\.[ch]", ["accounts_orders", "accounts"]), (r"memo\w*\.[ch]", ["memo"]), (r"map\w*\.[ch]", ["map"]),
         (r"reclaim\.[ch]", ["reclaim"]), (r"lock\w*\.[ch]", ["lock"])]

Mutant = collections.namedtuple("Mutant", "file key variable value")


def ledger():
    spec = importlib.util.spec_from_file_location("ledger", os.path.join(HERE, "..", "ledger", "ledger.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mutants(root):
    book = ledger()
    for operation, _ in book.operations(root):
        file = os.path.basename(operation.file)
        plain = operation.name.split("_")[0]
        for which, end in enumerate(operation.ends):
            order = book.kind_of(operation, which)
            steps = STEPS.get(order) or [{"load": "acquire", "store": "release"}.get(plain, "acq_rel")]
            for step in steps:
                yield Mutant(operation.file, f"{end}={step}@{file}", "WEAKEN", f"{end}@{file}:{operation.line}={step}")
        if plain not in ("load", "store", "add"):
            yield Mutant(operation.file, f"tear:{'/'.join(operation.ends) or operation.name}@{file}", "TEAR",
                         f"{file}:{operation.line}")


def run(program, options, mutant):
    """The test that was violated, or None."""
    environment = dict(os.environ)
    if mutant is not None:
        environment[mutant.variable] = mutant.value
    try:
        result = subprocess.run([program, "--must-find", "--quiet", "--no-progress"] + options, env=environment,
                                capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    if result.returncode not in (0, 1):
        sys.exit(f"{program}: exit {result.returncode} with {mutant}\n{result.stderr}")
    found = re.findall(r"(?m)^(\w+): (?:violated|missed)", result.stdout)
    if (result.returncode == 0) != bool(found):
        sys.exit(f"{program}: exit {result.returncode}, but\n{result.stdout}")
    return found[0] if found else None


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    root = sys.argv[1]
    programs = {}
    for argument in sys.argv[2:]:
        noun, _, rest = argument.partition("=")
        programs[noun] = (rest.split(",")[0], rest.split(",")[1:])
    for noun, (program, options) in programs.items():
        found = run(program, options, None)
        if found:
            sys.exit(f"{program}: {found} is violated without any mutation")
    excused = {}
    with open(os.path.join(HERE, "survivors.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                key, _, why = line.strip().partition(" ")
                if not why:
                    sys.exit(f"survivors.txt: {key} without a reason")
                excused[key] = why
    score = collections.defaultdict(lambda: [0, 0])
    survivors, times, wrong = collections.Counter(), [], 0
    for mutant in mutants(root):
        nouns = next((n for pattern, n in NOUNS if re.fullmatch(pattern, os.path.basename(mutant.file))), [])
        killer, start = None, time.monotonic()
        for noun in nouns:
            killer = run(*programs[noun], mutant)
            if killer:
                break
        times.append(time.monotonic() - start)
        score[mutant.file][1] += 1
        if killer:
            score[mutant.file][0] += 1
            print(f"{mutant.value}: {killer}", flush=True)
            continue
        survivors[mutant.key] += 1
        if mutant.key not in excused:
            wrong += 1
            print(f"{mutant.value}: SURVIVES ({mutant.key})", flush=True)
    for key in sorted(set(excused) - set(survivors)):
        print(f"survivors.txt: {key} is killed, or is no mutant")
        wrong += 1
    for file, (killed, total) in sorted(score.items()):
        print(f"{file}: {killed} of {total}")
    killed, total = (sum(s[i] for s in score.values()) for i in (0, 1))
    times.sort()
    print(f"{killed} of {total} killed, {sum(survivors.values())} survive, {wrong} not as written; "
          f"90 in 100 within {times[len(times) * 9 // 10]:.1f} s")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
