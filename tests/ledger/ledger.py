#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bookkeeping of ordering edges: what lib claims, the notes explain, litmus files show and tests need.

    ledger.py ROOT         checks the tree at ROOT; prints each breach, exit 1 if there are any
    ledger.py --list ROOT  prints each named end: file, line, operation
    ledger.py --self ROOT  breaks a copy of the tree in every way there is a check for, each must be reported

An end is the name an ordered operation is given: T1_rel in axi_fetch_or_release(&pool, CLOSED, T1_rel).
Its edge is what stands before the underscore. For each edge there must be
  - an operation that releases and one that acquires (a seq_cst one does what its kind can; one that
    stands for two edges has the name of one, and the other beside it: M1.sc M2.acq),
  - a section "## T1 ..." in docs/memory-ordering, which names each of the edge's litmus files,
  - a litmus file T1-... that says Never, and at least two twins T1-...+weak-... that say Sometimes,
and for each end
  - a comment that names the edge, at the operation or close above it,
  - a model test that goes red without it (an entry in a list of ends in tests/model), or a line in
    tests/ledger/unshown.txt that says why there is none yet.
A relaxed operation needs a comment close by that says why nothing more is needed. Nothing may be named
in notes, litmus files or unshown.txt that lib does not have.
"""
import collections
import glob
import os
import re
import shutil
import sys
import tempfile

END = r"[A-Z]\d+_\w+"
NEAR = 14  # lines above an operation in which its comment may stand: one explains several in a function
FREE = {"pause"}

Operation = collections.namedtuple("Operation", "file line name ends arguments used")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def arguments(text, at):
    """The arguments of the call whose '(' is at `at`, and where it ends."""
    depth, start, out = 0, at + 1, []
    for i in range(at, len(text)):
        c = text[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                out.append(text[start:i].strip())
                return out, i
        elif c == "," and depth == 1:
            out.append(text[start:i].strip())
            start = i + 1
    return out, len(text)


def without_comments(text):
    """Comments become spaces, lines stay lines."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def comments_only(text):
    out = [" " if c != "\n" else c for c in text]
    for m in re.finditer(r"/\*.*?\*/|//[^\n]*", text, flags=re.S):
        out[m.start():m.end()] = m.group(0)
    return "".join(out)


def sources(root):
    definitions = {"lib/atomic.h", "include/atomicx/detail/atomic.h"}
    for pattern in ("lib/*.c", "lib/*.h", "include/atomicx/*.h"):
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            name = os.path.relpath(path, root)
            if name not in definitions:
                yield name, read(path)


def operations(root):
    for name, text in sources(root):
        code = without_comments(text)
        for m in re.finditer(r"\b(?:axi|AX_DETAIL)_((?:load|store|fetch|exchange|add|w?cas)_\w+)\(", code, flags=re.I):
            words, end = arguments(code, m.end() - 1)
            ends = [w for w in words if re.fullmatch(END, w)]
            yield Operation(name, code.count("\n", 0, m.start()) + 1, m.group(1).lower(), ends, words,
                            not code[:m.start()].rstrip().endswith("(void)")), code.count("\n", 0, end) + 1


def kind_of(operation, which):
    """What the end does: its order's name out of the operation's, the second one being the failure order."""
    orders = re.findall(r"acq_rel|acquire|release|relaxed|seq_cst", operation.name)
    return orders[min(which, len(orders) - 1)]


def does(operation, which):
    """The sides of an edge the end can be."""
    order = kind_of(operation, which)
    plain = operation.name.split("_")[0]
    sides = set()
    if order in ("release", "acq_rel") or (order == "seq_cst" and plain != "load"):
        sides.add("release")
    if order in ("acquire", "acq_rel") or (order == "seq_cst" and plain != "store"):
        sides.add("acquire")
    return sides


def check_source(root, breach):
    """Ends by name: the operations they stand at; and the comments."""
    edges = collections.defaultdict(set)
    ends = collections.defaultdict(list)
    comments = {name: comments_only(text).split("\n") for name, text in sources(root)}
    for operation, last in operations(root):
        near = "\n".join(comments[operation.file][max(0, operation.line - 1 - NEAR):last + 1])
        where = f"{operation.file}:{operation.line}"
        ordered = re.search(r"acquire|release|acq_rel|seq_cst", operation.name) is not None
        if ordered and not operation.ends:
            breach("unnamed", f"{where}: {operation.name} names no end of an edge")
        if not ordered and not re.search(r"\brelaxed\b", near, flags=re.I):
            breach("silent", f"{where}: {operation.name}: no comment close by says why relaxed is enough")
        for which, end in enumerate(operation.ends):
            edge = end.split("_")[0]
            edges[edge] |= does(operation, which)
            ends[end].append(where)
            if not re.search(rf"\b{edge}\b", near):
                breach("silent", f"{where}: no comment close by names {edge}")
        beside = "\n".join(comments[operation.file][operation.line - 1:last])
        for edge, end in re.findall(r"\b([A-Z]\d+)\.(acq|rel)\b", beside):
            if any(end == side[:3] for which in range(len(operation.ends)) for side in does(operation, which)):
                edges[edge].add({"acq": "acquire", "rel": "release"}[end])
    for edge, sides in sorted(edges.items()):
        for side in {"release", "acquire"} - sides:
            breach("one-sided", f"{edge}: no operation in lib is its {side} side")
    return set(edges), ends


def check_notes(root, edges, litmus, breach):
    sections = {}
    for path in glob.glob(os.path.join(root, "docs/memory-ordering/*.md")):
        for part in re.split(r"(?m)^(?=## )", read(path)):
            m = re.match(r"## ([A-Z]\d+) ", part)
            if m:
                sections[m.group(1)] = part
    for edge in sorted(edges - set(sections)):
        breach("no-section", f"{edge}: no section in docs/memory-ordering")
    grace_periods = {"M4"}  # liburcu's, in a section of its own, without an operation of ours
    for edge in sorted(set(sections) - edges - grace_periods):
        breach("stale-section", f"docs/memory-ordering: {edge} is no edge of lib")
    for name in litmus:
        edge = name.split("-")[0]
        if edge in sections and not re.search(rf"\b{re.escape(name)}: Never", sections[edge]):
            breach("unmentioned", f"docs/memory-ordering: section {edge} does not name {name}")


def check_litmus(root, edges, breach):
    """The names of the Never files."""
    never, twins = set(), collections.Counter()
    for path in sorted(glob.glob(os.path.join(root, "tests/litmus/*.litmus"))):
        name = os.path.basename(path)[:-len(".litmus")]
        base, _, weak = name.partition("+weak-")
        first = read(path).split("\n")[0]
        result = "Sometimes" if weak else "Never"
        if first != f'C {name} "Result: {result}"':
            breach("result", f"tests/litmus/{name}.litmus: the first line is not that of a test that is {result}")
        if weak:
            twins[base] += 1
        else:
            never.add(name)
        if base.split("-")[0] not in edges:
            breach("stale-litmus", f"tests/litmus/{name}.litmus: no edge of lib")
    for edge in sorted(edges):
        if not any(name.split("-")[0] == edge for name in never):
            breach("no-litmus", f"{edge}: no litmus file says Never")
    for name in sorted(never):
        if twins[name] < 2:
            breach("no-twin", f"{name}: a twin is missing, there are {twins[name]} with a weakened end")
    for base in sorted(set(twins) - never):
        breach("stale-litmus", f"tests/litmus/{base}+weak-...: there is no {base}.litmus")
    return never


def check_mutants(root, ends, breach):
    shown = set()
    for path in glob.glob(os.path.join(root, "tests/model/**/CMakeLists.txt"), recursive=True) + \
            glob.glob(os.path.join(root, "tests/model/**/*.cmake"), recursive=True):
        shown |= set(re.findall(rf"\b{END}\b", re.sub(r"(?m)#.*$|\(\w+ [^)]*--test[^)]*\)", "", read(path))))
    excused = {}
    for number, line in enumerate(read(os.path.join(root, "tests/ledger/unshown.txt")).split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        end, _, why = line.partition(" ")
        if not why.strip():
            breach("no-reason", f"tests/ledger/unshown.txt:{number}: {end} without a reason")
        if end not in ends:
            breach("stale-excuse", f"tests/ledger/unshown.txt:{number}: {end} is no end in lib")
        excused[end] = why
    for end in sorted(set(ends) - shown - set(excused)):
        breach("no-mutant", f"{ends[end][0]}: nothing in tests/model goes red without {end}")
    for end in sorted(e for e in shown - set(ends) if re.fullmatch(r"[A-Z]\d+_(acq|rel|sc|fail)\w*", e)):
        breach("stale-mutant", f"tests/model: {end} is no end in lib")
    return len(shown & set(ends)), len(set(excused) - shown)


def check(root):
    """[(kind, text)] and one line that sums up."""
    breaches = []

    def breach(kind, text):
        breaches.append((kind, text))
    edges, ends = check_source(root, breach)
    never = check_litmus(root, edges, breach)
    check_notes(root, edges, never, breach)
    shown, excused = check_mutants(root, ends, breach)
    return breaches, (f"{len(edges)} edges, {len(ends)} ends, {shown} of them shown by a model test, {excused} excused, "
                      f"{len(never)} litmus tests, {len(breaches)} breaches")


# ---- the checks, checked ----

def replace(root, path, old, new):
    path = os.path.join(root, path)
    text = read(path)
    assert text.count(old) >= 1, f"{path} has no {old!r}"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


def append(root, path, line):
    with open(os.path.join(root, path), "a", encoding="utf-8") as f:
        f.write(f"\n{line}\n")


def rename(root, old, new):
    os.rename(os.path.join(root, old), os.path.join(root, new))


BREAKS = [
    ("one-sided", "one end of an edge is renamed", lambda r: replace(r, "lib/lock_record.c", "L1_rel", "L9_rel")),
    ("no-section", "the same, seen from the notes", lambda r: replace(r, "lib/lock_record.c", "L1_rel", "L9_rel")),
    ("unnamed", "an operation without an end", lambda r: replace(r, "lib/tickets.c", ", T1_rel_lease)", ")")),
    ("silent", "the comment of an ordered operation goes",
     lambda r: replace(r, "lib/accounts_place.c", "/* B6", "/* It comes")),
    ("silent", "the comments of relaxed operations go", lambda r: replace(r, "lib/lease.c", "elaxed:", "ecause")),
    ("stale-section", "a section for no edge", lambda r: replace(r, "docs/memory-ordering/lock.md", "## L1 ", "## L7 ")),
    ("unmentioned", "the notes forget a litmus test",
     lambda r: replace(r, "docs/memory-ordering/counter.md", "C1-two-counters", "C1-some-counters")),
    ("no-litmus", "a litmus file is deleted", lambda r: os.remove(os.path.join(r, "tests/litmus/A1-seat-before-count.litmus"))),
    ("no-twin", "a twin is deleted",
     lambda r: os.remove(os.path.join(r, "tests/litmus/A1-seat-before-count+weak-rel.litmus"))),
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


def self_test(root):
    wrong = 0
    before = check(root)[0]
    if before:
        print("the tree itself has breaches; first run without --self")
        return 1
    for kind, what, spoil in BREAKS:
        with tempfile.TemporaryDirectory() as work:
            for part in ("lib", "include", "docs/memory-ordering", "tests/litmus", "tests/model", "tests/ledger"):
                shutil.copytree(os.path.join(root, part), os.path.join(work, part))
            spoil(work)
            found = [text for k, text in check(work)[0] if k == kind]
            print(f"{what}: {found[0] if found else 'NOT REPORTED'}")
            wrong += not found
    untried = {"one-sided", "no-section", "unnamed", "silent", "stale-section", "unmentioned", "no-litmus", "no-twin",
               "stale-litmus", "result", "no-mutant", "stale-mutant", "stale-excuse", "no-reason"} - {k for k, _, _ in BREAKS}
    assert not untried, untried
    print(f"{len(BREAKS)} breaks, {wrong} not reported")
    return 1 if wrong else 0


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--self":
        sys.exit(self_test(arguments[1]))
    if len(arguments) == 2 and arguments[0] == "--list":
        for operation, _ in operations(arguments[1]):
            for which, end in enumerate(operation.ends):
                print(f"{end} {operation.name} {kind_of(operation, which)} {operation.file}:{operation.line}")
        return
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    breaches, summary = check(arguments[0])
    for _, text in breaches:
        print(text)
    print(summary)
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
