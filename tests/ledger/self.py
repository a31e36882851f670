#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""self.py ROOT: breaks a copy of the tree in every way ledger.py has a check for; each break must be reported.

First the bookkeeping, a line at a time. Then, for edges of all primitives, what somebody might do by hand: rename one end,
weaken one order, delete a litmus file.
"""
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ledger  # noqa: E402

PARTS = ("lib", "include", "docs/memory-ordering", "tests/litmus", "tests/model", "tests/unit", "tests/ledger")
EDGES = ("A1", "A3", "B2", "B3", "C1", "F2", "F3", "L1", "M1", "M2", "M5", "T1", "T4")


TOUCHED = []  # files of the copy, until they are put back


def write(path, text):
    TOUCHED.append(path)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def replace(root, path, old, new):
    path = os.path.join(root, path)
    text = ledger.read(path)
    assert text.count(old) >= 1, f"{path} has no {old!r}"
    write(path, text.replace(old, new))


def append(root, path, line):
    path = os.path.join(root, path)
    write(path, ledger.read(path) + f"\n{line}\n")


def remove(root, path):
    TOUCHED.append(os.path.join(root, path))
    os.remove(TOUCHED[-1])


def rename(root, old, new):
    TOUCHED.extend(os.path.join(root, path) for path in (old, new))
    os.rename(*TOUCHED[-2:])


def put_back(root, work):
    while TOUCHED:
        path = TOUCHED.pop()
        true = os.path.join(root, os.path.relpath(path, work))
        if os.path.exists(true):
            shutil.copy(true, path)
        elif os.path.exists(path):
            os.remove(path)


NOTES = "docs/memory-ordering/"
BREAKS = [
    ("one-sided", "one end of an edge is renamed", lambda r: replace(r, "lib/lock_record.c", "L1_rel", "L9_rel")),
    ("no-section", "the same, seen from the notes", lambda r: replace(r, "lib/lock_record.c", "L1_rel", "L9_rel")),
    ("unnamed", "an operation without an end", lambda r: replace(r, "lib/tickets.c", ", T1_rel_lease)", ")")),
    ("silent", "the comment of an ordered operation goes",
     lambda r: replace(r, "lib/accounts_place.c", "/* B6", "/* It comes")),
    ("silent", "the comments of relaxed operations go", lambda r: replace(r, "lib/lease.c", "elaxed:", "ecause")),
    ("stale-section", "a section for no edge", lambda r: replace(r, NOTES + "lock.md", "## L1 ", "## L7 ")),
    ("unmentioned", "the notes forget a litmus test",
     lambda r: replace(r, NOTES + "counter.md", "C1-two-counters", "C1-some-counters")),
    ("incomplete", "a section does not say what is not claimed",
     lambda r: replace(r, NOTES + "lock.md", "    Not claimed ", "    And so on   ")),
    ("incomplete", "a section forgets a machine", lambda r: replace(r, NOTES + "lock.md", "AArch64", "others")),
    ("untrue", "a function has another order than the notes say",
     lambda r: replace(r, NOTES + "adder.md", "(slots_total, acquire)", "(slots_total, release)")),
    ("unmentioned", "the notes forget a twin", lambda r: replace(r, NOTES + "counter.md", "+weak-other_read, ", "")),
    ("unplaced", "the notes do not say where", lambda r: replace(r, NOTES + "lock.md", "    Where ", "    And ")),
    ("untrue", "the notes quote what no header says",
     lambda r: replace(r, NOTES + "tickets.md", "the closer did", "the opener did")),
    ("incomplete", "a section names no model test",
     lambda r: replace(r, NOTES + "counter.md", "C1_...", "C9_...")),
    ("untrue", "the notes name a test that there is not",
     lambda r: replace(r, NOTES + "adder.md", "sums_during_additions_grow", "sums_during_additions_shrink")),
    ("table", "the table of orders forgets one",
     lambda r: replace(r, ledger.ORDERS, "| T2_acq | fetch_and_acquire | claim_in | lib/tickets.c | 1 |\n", "")),
    ("table", "the table has one too many", lambda r: append(r, ledger.ORDERS, "| T2_acq | load_acquire | f | lib/f.c | 1 |")),
    ("no-litmus", "a litmus file is deleted", lambda r: remove(r, "tests/litmus/A1-seat-before-count.litmus")),
    ("no-twin", "a twin is deleted",
     lambda r: remove(r, "tests/litmus/A1-seat-before-count+weak-rel.litmus")),
    ("no-twin", "a twin is without an order more",
     lambda r: replace(r, "tests/litmus/A1-seat-before-count+weak-rel.litmus", "_order_acquire", "_order_relaxed")),
    ("stronger", "a litmus test is stronger than the code",
     lambda r: replace(r, "tests/litmus/M2-reachable-is-there.litmus", "_order_acquire", "_order_seq_cst")),
    ("stale-litmus", "a litmus file for no edge",
     lambda r: rename(r, "tests/litmus/A2-base-before-offset.litmus", "tests/litmus/A8-base.litmus")),
    ("result", "a Never becomes a Sometimes",
     lambda r: replace(r, "tests/litmus/B6-place-handed-on.litmus", "Result: Never", "Result: Sometimes")),
    ("one-sided", "the other end of an edge that two share goes",
     lambda r: replace(r, "lib/reclaim.c", "M3.rel", "M3")),
    ("no-mutant", "a list of ends loses one", lambda r: replace(r, "tests/model/CMakeLists.txt", " T2_acq", "")),
    ("stale-mutant", "a list of ends has one too many",
     lambda r: replace(r, "tests/model/CMakeLists.txt", " T2_acq", " T2_acq T8_acq")),
    ("stale-excuse", "an excuse for no end", lambda r: append(r, "tests/ledger/unshown.txt", "B8_rel for no reason")),
    ("no-reason", "an excuse without a reason", lambda r: append(r, "tests/ledger/unshown.txt", "T1_rel")),
]


def change(root, operation, how):
    """Writes the operation's file with its call changed: how(its name, its arguments)."""
    path = os.path.join(root, operation.file)
    text = ledger.read(path)
    for m in re.finditer(rf"\b((?:axi|AX_DETAIL)_{operation.name})\(", text, flags=re.I):
        words, end = ledger.arguments(text, m.end() - 1)
        if text.count("\n", 0, m.start()) + 1 == operation.line and words == operation.arguments:
            name, words = how(m.group(1), words)
            write(path, f"{text[:m.start()]}{name}({', '.join(words)}{text[end:]}")
            return
    sys.exit(f"{operation} is not there")


def rename_end(name, words):
    return name, [re.sub(r"^[A-Z]\d+_", "X9_", w) if re.fullmatch(ledger.END, w) else w for w in words]


def weaken(name, words):
    return re.sub("acq_rel|acquire|release|seq_cst", lambda m: "RELAXED" if m.group(0).isupper() else "relaxed", name,
                  flags=re.I), [w for w in words if not re.fullmatch(ledger.END, w)]


def by_hand(root):
    """(what, how to do it to a copy)"""
    operations = list(ledger.operations(root))
    for edge in EDGES:
        # The last one of those, which are the best hidden: the edge has others, and so perhaps has the end.
        operation = [o for o in operations if o.ends and o.ends[0].startswith(edge + "_")][-1]
        where = f"{operation.file}:{operation.line}"
        litmus = sorted(f for f in os.listdir(os.path.join(root, "tests/litmus")) if f.startswith(edge))[-1]
        yield f"{operation.ends[0]} at {where} renamed", lambda r, o=operation: change(r, o, rename_end)
        yield f"{operation.ends[0]} at {where} weakened", lambda r, o=operation: change(r, o, weaken)
        yield f"{litmus} deleted", lambda r, f=litmus: remove(r, os.path.join("tests/litmus", f))


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    root, wrong, tried = os.path.abspath(sys.argv[1]), 0, 0
    if ledger.check(root)[0]:
        sys.exit("the tree itself has breaches; first run ledger.py")
    kinds = set(re.findall(r'breach\("([\w-]+)"', ledger.read(ledger.__file__)))
    untried = kinds - {kind for kind, _, _ in BREAKS}
    if untried:
        sys.exit(f"no break for {untried}")
    with tempfile.TemporaryDirectory() as work:
        for part in PARTS:
            shutil.copytree(os.path.join(root, part), os.path.join(work, part))
        for kind, what, spoil in BREAKS + [(None, what, spoil) for what, spoil in by_hand(root)]:
            spoil(work)
            found = [text for k, text in ledger.check(work)[0] if kind in (None, k)]
            print(f"{what}: {found[0] if found else 'NOT REPORTED'}")
            wrong += not found
            tried += 1
            put_back(root, work)
        if ledger.check(work)[0]:
            sys.exit("a break was not put back")
    print(f"{tried} breaks, {wrong} not reported")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
