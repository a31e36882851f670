#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bookkeeping of ordering edges: what lib claims, the notes explain, litmus files show and tests need.

    ledger.py ROOT         checks the tree at ROOT; prints each breach, exit 1 if there are any
    ledger.py --list ROOT  prints each named end: file, line, operation
    ledger.py --write ROOT writes docs/memory-ordering/orders.md, the same as a table

An end is the name an ordered operation is given: T1_rel in axi_fetch_or_release(&pool, CLOSED, T1_rel).
Its edge is what stands before the underscore. For each edge there must be
  - an operation that releases and one that acquires (a seq_cst one does what its kind can; one that
    stands for two edges has the name of one, and the other beside it: M1.sc M2.acq),
  - a section "## T1 ..." in docs/memory-ordering with a line for everything a section has to say, which names each of
    the edge's litmus files; where it says "(close, release)", close has an operation of the edge of this order,
  - a litmus file T1-... that says Never, and at least two twins T1-...+weak-... that say Sometimes,
and for each end
  - a comment that names the edge, at the operation or close above it,
  - a model test that goes red without it (an entry in a list of ends in tests/model), or a line in
    tests/ledger/unshown.txt that says why there is none yet.
The table docs/memory-ordering/orders.md must have each of them, function by function: no order changes without it.
A relaxed operation needs a comment close by that says why nothing more is needed. Nothing may be named
in notes, litmus files or unshown.txt that lib does not have.
"""
import bisect
import collections
import functools
import glob
import os
import re
import sys

END = r"[A-Z]\d+_\w+"
NEAR = 14  # lines above an operation in which its comment may stand: one explains several in a function
ORDERS = "docs/memory-ordering/orders.md"

# last: its last line; used: what it returns is; compared: with a variable, so that it is a second look; comment: on its
# lines and right above them
Operation = collections.namedtuple("Operation", "file line last name ends arguments used compared comment")
VARIABLE = r"(?!NULL\b)[a-z_][\w.>-]*"


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


@functools.lru_cache(maxsize=None)
def without_comments(text):
    """Comments become spaces, lines stay lines."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


@functools.lru_cache(maxsize=None)
def comments_only(text):
    out = [" " if c != "\n" else c for c in text]
    for m in re.finditer(r"/\*.*?\*/|//[^\n]*", text, flags=re.S):
        out[m.start():m.end()] = m.group(0)
    return "".join(out)


class Functions:
    """Which function a line is in: lines move, names stay."""

    def __init__(self, code):
        self.lines, self.names = [], []
        for number, line in enumerate(code.split("\n"), 1):
            line = re.sub(r"__attribute__\(\(.*?\)\)", "", line)
            m = re.match(r"[A-Za-z_].*?\b(\w+)\)?\([^;]*$", line)
            if m:
                self.lines.append(number)
                self.names.append(m.group(1))

    def at(self, line):
        i = bisect.bisect_right(self.lines, line)
        return self.names[i - 1] if i else ""


def sources(root):
    definitions = {"lib/atomic.h", "include/atomicx/detail/atomic.h"}
    for pattern in ("lib/*.c", "lib/*.h", "include/atomicx/*.h"):
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            name = os.path.relpath(path, root)
            if name not in definitions:
                yield name, read(path)


@functools.lru_cache(maxsize=None)
def operations_of(name, text):
    def found():
        code, comments = without_comments(text), comments_only(text).split("\n")
        empty = [not line.strip() for line in code.split("\n")]
        for m in re.finditer(r"\b(?:axi|AX_DETAIL)_((?:load|store|fetch|exchange|add|w?cas)_\w+)\(", code, flags=re.I):
            words, end = arguments(code, m.end() - 1)
            ends = [w for w in words if re.fullmatch(END, w)]
            before = code[:m.start()].rstrip()
            condition = before.endswith(")") and "\n" in code[len(before):m.start()] # if (...) on the line above
            used = not (condition or before.endswith(("(void)", ";", "{", "}", "else", "do")))
            compared = re.match(rf"\)\s*[!=]=\s*{VARIABLE}", code[end:]) or re.search(rf"{VARIABLE}\s*[!=]=$", before[-80:])
            line, last = (code.count("\n", 0, at) + 1 for at in (m.start(), end))
            above = line - 1
            while above > 0 and empty[above - 1] and comments[above - 1].strip():
                above -= 1
            yield Operation(name, line, last, m.group(1).lower(), ends, words, used, compared is not None,
                            "\n".join(comments[above:last]))
    return list(found())


def operations(root):
    for name, text in sources(root):
        yield from operations_of(name, text)


def kind_of(operation, which):
    """What the end does: its order's name out of the operation's, the second one being the failure order."""
    orders = re.findall(r"acq_rel|acquire|release|relaxed|seq_cst", operation.name)
    return orders[min(which, len(orders) - 1)]


def edges_of(operation):
    """Those of its ends, and those its comment says it is an end of too (M2.acq)."""
    return {end.split("_")[0] for end in operation.ends} | set(re.findall(r"\b([A-Z]\d+)\.(?:rel|acq|sc)\b", operation.comment))


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
    for operation in operations(root):
        near = "\n".join(comments[operation.file][max(0, operation.line - 1 - NEAR):operation.last + 1])
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
        beside = "\n".join(comments[operation.file][operation.line - 1:operation.last])
        for edge, end in re.findall(r"\b([A-Z]\d+)\.(acq|rel)\b", beside):
            if any(end == side[:3] for which in range(len(operation.ends)) for side in does(operation, which)):
                edges[edge].add({"acq": "acquire", "rel": "release"}[end])
    for edge, sides in sorted(edges.items()):
        for side in {"release", "acquire"} - sides:
            breach("one-sided", f"{edge}: no operation in lib is its {side} side")
    return set(edges), ends


# What each section says. A grace period has no litmus test, and no operation of ours.
LINES = [("Relied on by",), ("Program order",), ("Synchronizes-with", "Order", "Store buffering"), ("Therefore",),
         ("Litmus",), ("If weakened",), ("Shown by",), ("Hardware",), ("Cost",), ("Not claimed",)]
ORDERED = r"\(([\w, ]+?), (acquire|release|acq_rel|seq_cst|sequentially consistent)\)"


@functools.lru_cache(maxsize=None)
def words_of(text):
    return set(re.findall(r"\w+", text))


def test_names(root):
    """What tests are called, and all other words in them."""
    paths = [p for folder in ("unit", "model/lib") for p in glob.glob(os.path.join(root, "tests", folder, "*.c"))]
    return set().union(*(words_of(read(p)) for p in paths)) | {os.path.basename(p)[:-len(".c")] for p in paths}


def check_section(edge, part, performed, tests, breach):
    """performed: {(function, order)} of the edge's operations."""
    said = {label.strip(): text for label, text in re.findall(r"(?m)^    ([A-Z][\w -]{17})(.*(?:\n {22}.*)*)", part)}
    for names in LINES:
        if not any(name in said for name in names) and (edge, names) not in (("M4", ("Litmus",)),):
            breach("incomplete", f"docs/memory-ordering: section {edge} has no line {' or '.join(names)}")
    for name in ("Hardware", "Cost"):
        for machine in ("x86-64", "AArch64"):
            if name in said and performed and machine not in said[name]:
                breach("incomplete", f"docs/memory-ordering: section {edge}: {name} says nothing of {machine}")
    for name, more in re.findall(r"\b(\w+_\w+)(\.\.\.)?", re.sub(r"_\s+", "_", said.get("Shown by", ""))):
        if not (any(t.startswith(name) for t in tests) if more else name in tests):
            breach("untrue", f"docs/memory-ordering: section {edge}: there is no test {name}")
    for functions, order in re.findall(ORDERED, re.sub(r"\s+", " ", part)):
        order = order.replace("sequentially consistent", "seq_cst")
        for function in functions.split(", "):
            if performed and (function, order) not in performed:
                breach("untrue", f"docs/memory-ordering: section {edge}: {function} has no operation of {edge} that is {order}")


def check_notes(root, edges, litmus, performed, breach):
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
    tests = test_names(root)
    for edge, part in sorted(sections.items()):
        check_section(edge, part, performed.get(edge, set()), tests, breach)


# ---- the table of orders ----

def table(root):
    """The page, and {edge: {(function, order)}}."""
    functions = {name: Functions(without_comments(text)) for name, text in sources(root)}
    rows, performed = collections.Counter(), collections.defaultdict(set)
    for operation in operations(root):
        function = functions[operation.file].at(operation.line)
        for which, end in enumerate(operation.ends):
            rows[end, operation.name, function, operation.file] += 1
            orders = {kind_of(operation, which)}
            orders |= does(operation, which) if "acq_rel" in orders else set()
            for edge in edges_of(operation):
                performed[edge] |= {(function, order) for order in orders}
    lines = ["# Every order in lib", "",
             "Written by `tests/ledger/ledger.py --write`; `ctest -R ledger` compares. Each row is an end of an edge, the operation",
             "that is given it, and where: the sections of this folder say what it is for. What is not here is relaxed.", "",
             "| end | operation | function | file | times |", "|---|---|---|---|---|"]
    for (end, name, function, file), times in sorted(rows.items()):
        lines.append(f"| {end} | {name} | {function} | {file} | {times} |")
    return "\n".join(lines) + "\n", performed


def check_table(root, page, breach):
    path = os.path.join(root, ORDERS)
    there = set(read(path).split("\n")) if os.path.exists(path) else set()
    wanted = set(page.split("\n"))
    for row in sorted(wanted - there):
        breach("table", f"{ORDERS} lacks: {row} (ledger.py --write puts it in; section, litmus tests and model tests follow)")
    for row in sorted(there - wanted):
        breach("table", f"{ORDERS} has, and lib has not: {row}")


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
        for listed in re.findall(r"\((?:\w+_ends|end IN ITEMS) ([^)]*)\)", re.sub(r"(?m)#.*$", "", read(path))):
            shown |= set(re.findall(rf"\b{END}\b", listed))
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
    for end in sorted(shown - set(ends)):
        breach("stale-mutant", f"tests/model: {end} is no end in lib")
    return len(shown & set(ends)), len(set(excused) - shown)


def check(root):
    """[(kind, text)] and one line that sums up."""
    breaches = []

    def breach(kind, text):
        breaches.append((kind, text))
    edges, ends = check_source(root, breach)
    never = check_litmus(root, edges, breach)
    page, performed = table(root)
    check_table(root, page, breach)
    check_notes(root, edges, never, performed, breach)
    shown, excused = check_mutants(root, ends, breach)
    return breaches, (f"{len(edges)} edges, {len(ends)} ends, {shown} of them shown by a model test, {excused} excused, "
                      f"{len(never)} litmus tests, {len(breaches)} breaches")


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--write":
        with open(os.path.join(arguments[1], ORDERS), "w", encoding="utf-8") as f:
            f.write(table(arguments[1])[0])
        return
    if len(arguments) == 2 and arguments[0] == "--list":
        for operation in operations(arguments[1]):
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
