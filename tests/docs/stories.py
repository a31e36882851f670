#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""stories.py SOURCE BUILD [--write | --no-run]: docs/stories.md says what is so.

The table between its two marks is made from a run of every broken implementation: plainly, its record judged by
axcheck, under ThreadSanitizer, and (what stands for it) under axmodel. The page must have that table; --write puts
it there. The page's excerpts must stand in the files they name, and each broken implementation that a stress
program lists must have a row, and a model test that declares how it is found wrong. --no-run leaves the runs out and
looks only for names and declarations.
"""
import os
import re
import subprocess
import sys
import tempfile

import excerpts

SOURCE, BUILD = sys.argv[1], sys.argv[2]
PAGE = "docs/stories.md"
MARKS = ("<!-- table: tests/docs/stories.py --write -->\n", "<!-- end of table -->\n")
NO_DELETES = "--mix get=50,create=20,update=29,list=1"

# Of each broken implementation: arguments of its run, of its run under ThreadSanitizer, the model test, which explores
# its own source, and whether it may crash, and then leaves no record.
VARIANTS = [
    ("map", "unlocked", "--threads 4 --iters 1e6", "--threads 4 --iters 1e4 --mix get=50,add=50",
     "model_story_map broken_unlocked_additions", True),
    ("map", "iterate", "--threads 4 --iters 1e6", "--threads 4 --iters 1e4 --mix get=50,add=50",
     "model_story_map broken_iterate_meets_an_addition", True),
    ("map", "reclaim", "--threads 4 --iters 1e6",
     "--threads 4 --iters 1e4 --observers 0 --mix get=40,add=40,remove=10,insert=10",
     "model_story_map broken_reclaim_of_what_is_added_to", True),
    ("map", "lost-add", "--threads 4 --iters 1e6", "--threads 4 --iters 1e4",
     "model_story_map broken_lost_add_after_the_flush", False),
    ("memo", "memo1", "--threads 8 --iters 2e4", "--threads 8 --iters 2e3", "model_story_memo broken_memo1_is_a_data_race", True),
    ("memo", "memo3", "--threads 8 --iters 2e4", "--threads 8 --iters 2e3", "model_story_memo broken_memo3_computes_twice", False),
    ("jobs", "unlocked", "--threads 8 --iters 1e6", "--threads 4 --iters 1e4 " + NO_DELETES,
     "model_story_jobs broken_unlocked_updates", True),
    ("jobs", "iterate", "--threads 8 --iters 1e6 --keys 16", "--threads 4 --iters 1e4 " + NO_DELETES,
     "model_story_jobs broken_iterate_meets_an_update", True),
    ("jobs", "handed-out", "--threads 8 --iters 1e6 --keys 4", "--threads 4 --iters 1e4 " + NO_DELETES,
     "model_story_jobs broken_handed_out_updates", True),
    ("lock", "unlock-twice", "--threads 4 --iters 1e5", "--threads 4 --iters 2e3", "model_story_lock broken_unlocked_unchecked", False),
    ("lock", "unlock-foreign", "--threads 4 --iters 1e5", "--threads 4 --iters 2e3",
     "model_story_lock broken_foreign_unchecked", False),
    ("lock", "lock-twice", "--threads 4 --iters 1e5", "--threads 4 --iters 2e3", "model_story_lock broken_relock_unchecked", False),
    ("lock", "destroy-held", "--threads 4 --iters 1e5", "--threads 4 --iters 2e3",
     "model_story_lock broken_fini_held_unchecked", False),
    ("lock", "end-as-holder", "--threads 4 --iters 1e5", "--threads 4 --iters 2e3",
     "model_story_lock broken_thread_ended_unchecked", False),
    ("lock", "held-long", "--threads 4 --iters 1e5", "--threads 4 --iters 2e3", None, False),
    ("lock", "two-orders", "--threads 4 --iters 1e5", "--threads 4 --iters 2e3", "model_story_lock inversion_is_reported", False),
    ("lock", "copied", "--threads 4 --iters 1e6", "--threads 4 --iters 1e4", "model_story_lock broken_copied_unchecked", True),
    ("lock", "copied-checked", "--threads 4 --iters 1e5", "--threads 4 --iters 1e4",
     "model_story_lock copied_checked_is_reported", False),
    ("tickets", "check-then-act", "--threads 8 --iters 1e7 --capacity 3e7", "--threads 4 --iters 1e5 --capacity 3e5",
     "model_story_tickets broken_check_then_act_sells_a_seat_twice", False),
    ("tickets", "minus-one", "--threads 4 --iters 2e6 --capacity 4e6", "--threads 4 --iters 1e5 --capacity 2e5",
     "model_story_tickets broken_minus_one_sells_seat_minus_one", False),
    ("accounts", "lost-update", "--threads 8 --iters 2e6 --keys 2", "--threads 4 --iters 1e5 --keys 2",
     "model_story_accounts broken_lost_update_of_a_balance", False),
    ("accounts", "overdraft", "--threads 8 --iters 2e6 --keys 2", "--threads 4 --iters 1e4 --keys 2",
     "model_story_accounts broken_overdraft_of_the_last_10", False),
    ("accounts", "in-flight", "--threads 8 --iters 1e6 --keys 8", "--threads 4 --iters 1e4 --keys 8",
     "model_story_accounts broken_in_flight_at_the_audit", False),
    ("counter", "load-add-store", "--threads 8 --iters 3e7", "--threads 4 --iters 1e5",
     "model_story_counter broken_load_add_store_loses_a_login", False),
    ("counter", "plain", "--threads 8 --iters 3e7", "--threads 4 --iters 1e5 --observers 0", "model_story_counter broken_plain_is_a_data_race", False),
    ("counter", "copied", "--threads 2 --iters 1e6", "--threads 2 --iters 1e5 --observers 0", "model_story_counter broken_copied_counts_nothing", False),
    ("adder", "read-and-reset", "--threads 4 --iters 5e7", "--threads 4 --iters 1e5", "model_story_adder broken_read_and_reset_loses_what_comes_between", False),
]
# What the checked lock says of each mistake: one of these at least, and no matter which.
SAYS = {"unlock-twice": ["unlock_unlocked", "unlock_foreign"], "unlock-foreign": ["unlock_foreign", "unlock_unlocked"],
        "lock-twice": ["relock"], "destroy-held": ["fini_held"], "end-as-holder": ["thread_ended", "abandoned"],
        "held-long": ["held_long"], "two-orders": ["inversion"], "copied-checked": ["copy_used", "original_copied"]}
HEAD = ("| program | `--impl` | run | axcheck | checked lock | ThreadSanitizer | axmodel |\n"
        "|---|---|---|---|---|---|---|\n")
failures = []


def run(*command, **environment):
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, errors="replace", timeout=600,
                          env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


def plain(noun, impl, arguments, may_crash):
    """The cells of a plain run: its verdict, axcheck's of its record, what the checked lock said."""
    with tempfile.TemporaryDirectory() as folder:
        record = os.path.join(folder, "record")
        code, out, err = run(f"./stress/{noun}", "--impl", impl, *arguments, "--record", record)
        if code != 1:
            failures.append(f"{noun} {impl}: exit code {code} instead of 1\n{out}{err}")
        crashed = re.search(r": (crashed|hung)", out)
        judged = "caught, unless it crashed" if may_crash else "caught"
        if not (crashed and may_crash):
            code, verdict, _ = run("./tools/axcheck", record)
            if code != 1:
                judged = f"exit {code}"
                failures.append(f"{noun} {impl}: axcheck's exit code {code} instead of 1\n{out}{verdict}")
    said = re.search(r"the checked lock reported (.*?);", out)
    said = re.findall(r"([a-z_]+) \(", said[1]) if said else []
    expected = SAYS.get(impl.removeprefix("broken-"), []) if noun == "lock" else []
    if set(said) & set(expected):
        said = expected
    return "caught", judged, " or ".join(f"`{kind}`" for kind in said)


def sanitized(noun, impl, arguments):
    """What ThreadSanitizer reports, of what is no accident: a freed word may be met or not, a hung thread left or not."""
    options = "exitcode=66 history_size=7 atexit_sleep_ms=0"
    _, out, err = run(f"{SOURCE}/tests/tsan-run", f"./stress/{noun}-tsan", "--impl", impl, *arguments, TSAN_OPTIONS=options)
    kinds = set(re.findall(r"WARNING: ThreadSanitizer: (data race|lock-order-inversion)", out + err))
    return ", ".join(sorted(kinds)) or "silent"


def explored(model):
    """What the model test was found to show, or that each execution has the checked lock's report."""
    if model is None:
        return ""
    program, test = model.split()
    _, out, err = run("./tools/axmodel", "run", "--no-progress", "--test", test, f"./tests/model/{program}")
    found = re.search(rf"^{test}: found: ([a-z ]+) after", out + err, re.M)
    if found:
        return found[1]
    reported = re.search(rf"^{test}: holds EXHAUSTED", out, re.M) and test.endswith("_is_reported")
    return "reported" if reported else "not found"


def rows():
    for noun, name, arguments, tsan, model, may_crash in VARIANTS:
        impl = "broken-" + name
        cells = plain(noun, impl, arguments.split(), may_crash)
        yield f"| {noun} | `{impl}` | " + " | ".join((*cells, sanitized(noun, impl, tsan.split()), explored(model))) + " |\n"


def all_listed():
    """Every broken implementation has a row, and none is missing."""
    have = {(noun, "broken-" + name) for noun, name, *_ in VARIANTS}
    nouns = {name for name in os.listdir(f"{BUILD}/stress") if re.fullmatch("[a-z]+", name)
             and os.path.isfile(f"{BUILD}/stress/{name}") and os.access(f"{BUILD}/stress/{name}", os.X_OK)}
    nouns.discard("cluster")  # no implementations of a primitive: tests/cluster catches its own
    want = {(noun, line.split()[0]) for noun in nouns for line in run(f"./stress/{noun}", "--list")[1].splitlines()
            if line.startswith("broken-")}
    for noun, impl in sorted(have ^ want):
        failures.append(f"{noun} {impl}: {'has no row' if (noun, impl) in want else 'is not in --list'}")


# broken-held-long takes a clock, which the model has not.
NOT_MODELLED = {("lock", "held-long")}


def all_modelled():
    """The model test of each is there and says that it finds something, or that the checked lock's report is in each
    execution: ctest runs them all (model.model_story_NOUN)."""
    declared = {}
    for noun, name, _, _, model, _ in VARIANTS:
        if model is None:
            if (noun, name) not in NOT_MODELLED:
                failures.append(f"{noun} broken-{name}: no model test")
            continue
        program, test = model.split()
        if program not in declared:
            listed = run(f"./tests/model/{program}", "--list")[1]
            declared[program] = dict(line.split(None, 1) for line in listed.splitlines())
        kind = declared[program].get(test)
        if kind is None or (kind.strip() == "holds" and not test.endswith("_is_reported")):
            failures.append(f"{noun} broken-{name}: {program} has no test {test} that finds it")


all_listed()
if os.path.isdir(f"{BUILD}/tests/model"):  # not where a sanitizer was chosen for the whole build
    all_modelled()
table = "" if "--no-run" in sys.argv else HEAD + "".join(rows())
text = open(f"{SOURCE}/{PAGE}", encoding="utf-8").read()
before, _, rest = text.partition(MARKS[0])
written, _, after = rest.partition(MARKS[1])
if "--write" in sys.argv:
    with open(f"{SOURCE}/{PAGE}", "w", encoding="utf-8") as page:
        page.write(before + MARKS[0] + table + MARKS[1] + after)
elif not table:
    named = [tuple(line.split(" | ")[:2]) for line in written.splitlines()[2:]]
    if named != [(f"| {noun}", f"`broken-{name}`") for noun, name, *_ in VARIANTS]:
        failures.append(f"{PAGE}: the table's rows are not those of {sys.argv[0]}")
elif written != table:
    failures += [f"{PAGE}: the table says\n  {old}\nand the run\n  {new}"
                 for old, new in zip(written.splitlines() or [""], table.splitlines()) if old != new]
count, lines = excerpts.wrong(SOURCE, PAGE)
failures += lines
for failure in failures:
    print("FAILED:", failure)
print(f"{len(VARIANTS)} implementations, {count} excerpts, {len(failures)} failed")
sys.exit(1 if failures or not count else 0)
