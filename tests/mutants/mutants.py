#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutants of lib: each memory order one step weaker, each step torn or left out, one at a time (the kinds are those of
tests/model/lib/weaken.h).

    mutants.py [--only TEXT] ROOT NOUN=PROGRAM[,option...]...

PROGRAM is a test linked with tests/model/lib/weaken.c, which makes the mutant that the environment names; nothing is
compiled here. It is a model test, or, where NOUN begins with unit_, one of tests/unit, killing by its exit status. A
mutant is killed when a test of its noun is violated, or never ends; tests named after its edge are tried first, then
the quickest. Of what lib's comment calls a hint nothing but time depends: where no test goes red without it the mutant
is equivalent, and counted apart. Any other that is not killed must have a line in survivors.txt beside this file, with
the reason; a line for a mutant that is killed is wrong too. Prints what each was killed by, then the score per file.
Exit 1 when something is not as written. --only: the mutants whose name contains TEXT, and no look at survivors.txt.
"""
import collections
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "ledger"))
import ledger  # noqa: E402

SECONDS = 10  # for one test, of the processor; a mutant that needs more is not killed
JOBS = 2
MAP = ("map_slots map_short map_entries map_ck map_memory map_memory_ck map_histories_slots map_histories_short "
       "map_histories_entries map_histories_ck")
STEPS = {"acquire": ["relaxed"], "release": ["relaxed"], "acq_rel": ["acquire", "release"]}
# Of a file: the model tests, and how the unit tests begin.
NOUNS = [(r"counter\.h", "counter", "counter"), (r"adder\.[ch]", "adder", "adder"),
         (r"tickets\.[ch]|lease\.c", "tickets tickets_inside lease lease_inside", "tickets claim lease grant step"),
         (r"accounts\w*\.[ch]", "accounts_inside accounts_orders accounts", "accounts"),
         (r"memo\w*\.[ch]", "memo_inside memo", "memo"), (r"map\w*\.[ch]", MAP, "map reclaim_alone"),
         (r"alloc\.c", MAP, "alloc map_memory"), (r"reclaim\.[ch]", "reclaim", "reclaim map_fork map_memory"),
         (r"lock\w*\.[ch]", "lock_inside lock", "lock")]
CALLS = {"axi_release": "kept", "axi_release_zeroed": "kept", "axi_retire": "early", "ck_pr_fence_store": "unfenced"}

Mutant = collections.namedtuple("Mutant", "file key variable value edge hint")


def weaker(operation, which):
    """The orders one step below that of an end. C11 7.17.7.4 forbids a failure order stronger than the success order:
    what a compare-and-exchange may not ask for is no mutant."""
    orders = re.findall(r"acq_rel|acquire|release|relaxed|seq_cst", operation.name)
    order = ledger.kind_of(operation, which)
    plain = operation.name.split("_")[0]
    steps = STEPS.get(order) or [{"load": "acquire", "store": "release"}.get(plain, "acq_rel")]
    if plain in ("cas", "wcas") and which == 0 and len(orders) > 1 and orders[1] == "acquire":
        steps = [s for s in steps if s in ("acquire", "acq_rel")]
    return steps


def steps_of(operation):
    """What else can become of an operation. Two looks find the same under the mutex that writers hold, at what stays
    while it is in use, and where nothing overlaps."""
    plain = operation.name.split("_")[0]
    if plain == "load":
        stays = re.search(r"under the mutex|\bin use\b|nothing overlaps", operation.comment)
        return ["stale"] if operation.compared and not stays else []
    kinds = [] if operation.used else ["lost"]
    if plain in ("store", "add"):
        return kinds
    kinds.append("torn")
    if plain in ("cas", "wcas") and operation.used:
        kinds.append("once")
    changed = operation.arguments[2 if plain in ("cas", "wcas") else 1]
    if operation.name.startswith(("fetch_add", "fetch_sub")) or (plain.endswith("cas") and re.search(r"\s[+-]\s", changed)):
        kinds.append("more")
    return kinds


def mutants(root):
    """Each once: two looks on one line are one mutant."""
    return list({mutant.value: mutant for mutant in all_mutants(root)}.values())


def all_mutants(root):
    functions = {}
    for name, text in ledger.sources(root):
        code = ledger.without_comments(text)
        functions[name] = ledger.Functions(code)
        for m in re.finditer(r"(?<=\s)(axi_release(?:_zeroed)?|axi_retire|ck_pr_fence_store)\(", code):
            line = code.count("\n", 0, m.start()) + 1
            base, kind = os.path.basename(name), CALLS[m.group(1)]
            yield Mutant(name, f"{kind}:{m.group(1)}@{base}:{functions[name].at(line)}", "MUTATE", f"{kind}@{base}:{line}", "", False)
    for operation in ledger.operations(root):
        base = os.path.basename(operation.file)
        where = f"{base}:{functions[operation.file].at(operation.line)}"
        edge = operation.ends[0].split("_")[0] if operation.ends else ""
        for which, end in enumerate(operation.ends):
            for step in weaker(operation, which):
                yield Mutant(operation.file, f"{end}={step}@{where}", "WEAKEN",
                             f"{end}@{base}:{operation.line}={step}", end.split("_")[0], False)
        is_hint = re.search(r"\bhints?\b", operation.comment) is not None
        for kind in steps_of(operation):
            yield Mutant(operation.file, f"{kind}:{'/'.join(operation.ends) or operation.name}@{where}", "MUTATE",
                         f"{kind}@{base}:{operation.line}", edge, is_hint)


class Program:
    """A model test program, and what its tests cost when nothing is changed."""

    def __init__(self, path, options):
        self.command = [path, "--quiet", "--no-progress"] + options
        result = subprocess.run(self.command + ["--json"], capture_output=True, text=True)
        found = [json.loads(line) for line in result.stdout.splitlines()]
        wrong = [f["test"] for f in found if f["verdict"] != "holds"]
        if result.returncode not in (0, 3) or wrong or not found:
            sys.exit(f"{path}: exit {result.returncode} without any mutation, {wrong}\n{result.stderr}")
        self.costs = {f["test"]: f["seconds"] for f in found}

    def finds(self, test, mutant):
        environment = dict(os.environ)
        environment[mutant.variable] = mutant.value
        # The processor's time, not the clock's: others may use the machine.
        limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))  # noqa: E731
        result = subprocess.run(self.command + ["--must-find", "--no-shrink", "--test", test], env=environment,
                                capture_output=True, text=True, preexec_fn=limit)
        if result.returncode < 0 or re.search(r"(?m)^\w+: (?:holds|stopped)", result.stdout):
            return False
        if result.returncode == 1 and re.search(r"(?m)^\w+: vacuous", result.stdout):
            return True  # of the executions that ended before, none does
        if result.returncode != 0 or not re.search(r"(?m)^\w+: violated", result.stdout):
            sys.exit(f"{self.command[0]}: exit {result.returncode} with {mutant}\n{result.stdout}{result.stderr}")
        return True


class Unit:
    """A unit test program: one test."""

    def __init__(self, path):
        self.path, began = path, time.monotonic()
        start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        result = subprocess.run([path], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"{path}: exit {result.returncode} without any mutation\n{result.stdout}{result.stderr}")
        self.costs = {"main": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start}
        self.asleep = max(60, 20 * (time.monotonic() - began))  # who takes that much longer never ends

    def finds(self, test, mutant):
        del test
        environment = dict(os.environ)
        environment[mutant.variable] = mutant.value
        limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))  # noqa: E731
        try:
            result = subprocess.run([self.path], env=environment, capture_output=True, text=True, preexec_fn=limit,
                                    timeout=self.asleep)
        except subprocess.TimeoutExpired:
            return True
        return result.returncode != 0


def of(path, programs):
    """The programs that a mutant of this file is tried on."""
    for pattern, models, units in NOUNS:
        if re.fullmatch(pattern, os.path.basename(path)):
            return [n for n in programs if n in models.split() or re.match("unit_(" + "|".join(units.split()) + ")", n)]
    return []


def judge(mutant, programs):
    """The test that kills it, or None; and the seconds that took, of one that was not waiting."""
    tests = [(not (mutant.edge and re.search(rf"(?:^|_){mutant.edge}_", test)), cost, noun, test)
             for noun in of(mutant.file, programs) for test, cost in programs[noun].costs.items()]
    start = time.monotonic()
    for _, _, noun, test in sorted(tests):
        if programs[noun].finds(test, mutant):
            return f"{noun}: {test}", time.monotonic() - start
    return None, time.monotonic() - start


def read_survivors():
    excused = {}
    with open(os.path.join(HERE, "survivors.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                key, _, why = line.strip().partition(" ")
                if not why:
                    sys.exit(f"survivors.txt: {key} without a reason")
                excused[key] = why
    return excused


def report(judged, excused):
    """Prints; how much is not as survivors.txt says (None: nobody asks)."""
    score = collections.defaultdict(collections.Counter)
    survivors, wrong = set(), 0
    for mutant, (killer, _) in judged:
        equivalent = mutant.hint and killer is None
        kind = "orders" if mutant.variable == "WEAKEN" else "hints" if equivalent else "steps"
        for row in (mutant.file, "all"):
            score[row][kind] += 1
            score[row][kind, "killed"] += killer is not None
        if killer is None and not equivalent:
            survivors.add(mutant.key)
    if excused is not None:
        wrong = len(survivors - set(excused))
        for key in sorted(set(excused) - survivors):
            print(f"survivors.txt: {key} is killed, or is no mutant")
            wrong += 1
    for row in sorted(score, key=lambda row: (row == "all", row)):
        got = score[row]
        print(f"{row}: " + ", ".join([f"{got[k, 'killed']} of {got[k]} {k}" for k in ("orders", "steps") if got[k]] +
                                     [f"beside {got['hints']} hints"] * (got["hints"] > 0)))
    times = sorted(seconds for _, (killer, seconds) in judged if killer)
    within = f"; 90 in 100 within {times[len(times) * 9 // 10]:.1f} s" if times else ""
    print(f"{len(times)} of {len(judged) - score['all']['hints']} killed, {wrong} not as written{within}")
    return wrong


def main():
    arguments, only = sys.argv[1:], None
    if arguments[:1] == ["--only"] and len(arguments) > 1:
        only, arguments = arguments[1], arguments[2:]
    if len(arguments) < 2 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    chosen = [m for m in mutants(arguments[0]) if not only or only in f"{m.key} {m.value}"]
    if not chosen:
        sys.exit("no mutants")
    named = dict(argument.split("=", 1) for argument in arguments[1:])
    programs = {}
    for noun in sorted({noun for m in chosen for noun in of(m.file, named)}):
        path, *options = named[noun].split(",")
        programs[noun] = Unit(path) if noun.startswith("unit_") else Program(path, options)
    excused = None if only else read_survivors()
    judged = []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for mutant, verdict in zip(chosen, pool.map(lambda m: judge(m, programs), chosen)):
            judged.append((mutant, verdict))
            killer, seconds = verdict
            if killer or excused is None or mutant.key not in excused:
                what = killer or ("a hint" if mutant.hint else f"SURVIVES ({mutant.key})")
                print(f"{mutant.value}: {what} ({seconds:.1f} s)", flush=True)
    sys.exit(1 if report(judged, excused) else 0)


if __name__ == "__main__":
    main()
