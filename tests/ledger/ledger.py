#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bookkeeping of ordering edges: what lib claims, the notes explain, litmus files show and tests need.

    ledger.py ROOT         checks the tree at ROOT; prints each breach, exit 1 if there are any
    ledger.py --list ROOT  prints each named end: file, line, operation
    ledger.py --write ROOT writes docs/memory-ordering/orders.md, the same as a table, and the sections' lines "Where"

An end is the name an ordered operation is given: T1_rel in axi_fetch_or_release(&pool, CLOSED, T1_rel).
Its edge is what stands before the underscore. For each edge there must be
  - an operation that releases and one that acquires (a seq_cst one does what its kind can; one that
    stands for two edges has the name of one, and the other beside it: M1.sc M2.acq),
  - a section "## T1 ..." in docs/memory-ordering with a line for everything a section has to say: all of the edge's
    litmus files and files of lib, words that the header it quotes has, tests that there are, a model test among them;
    where it says "(close, release)", close has an operation of the edge of this order,
  - a litmus file T1-... that says Never, whose orders are not stronger than those in lib, and for each of them (but a
    mutex's) a twin T1-...+weak-... that says Sometimes and differs in this order alone,
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
import textwrap

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


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


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


def model_tests(root):
    return {name for p in glob.glob(os.path.join(root, "tests/model/lib/*.c"))
            for name in re.findall(r"\bAX_MODEL_TEST\((\w+)\)", read(p))}


def words_only(text):
    return " " + " ".join(re.findall(r"[\w-]+", text.lower())) + " "


def lines_of(part):
    return {label.strip(): text for label, text in re.findall(r"(?m)^    ([A-Z][\w -]{17})(.*(?:\n {22}.*)*)", part)}


def where_line(places):
    """The line that says in which functions of which files the edge's operations are; places: {(file, function)}."""
    files = collections.defaultdict(set)
    for file, function in places:
        files[file].add(function)
    text = "; ".join(f"{file}: {', '.join(sorted(functions))}" for file, functions in sorted(files.items()))
    return textwrap.fill(text, 120, initial_indent="    Where".ljust(22), subsequent_indent=" " * 22, break_on_hyphens=False)


def with_where(part, places):
    """The section with that line, before the one on litmus tests."""
    part = re.sub(r"(?m)^    Where .*\n(?: {22}.*\n)*", "", part)
    return re.sub(r"(?m)^    Litmus ", lambda m: f"{where_line(places)}\n{m.group(0)}", part)


def check_section(root, edge, part, performed, tests, breach):
    """performed: {(function, order)} of the edge's operations."""
    said = lines_of(part)
    for header, more in re.findall(r"(\w+\.h)\b((?:(?!\w+\.h\b).)*)", said.get("Relied on by", ""), flags=re.S):
        for quote in re.findall(r'"([^"]+)"', more):
            path = os.path.join(root, "include/atomicx", header)
            if not os.path.exists(path) or words_only(quote) not in words_only(read(path)):
                breach("untrue", f"docs/memory-ordering: section {edge}: {header} does not say: {' '.join(quote.split())}")
    shown = said.get("Shown by", "")
    if performed and not any(re.search(rf"\b{name}\b", re.sub(r"_\s+", "_", shown)) or
                             any(name.startswith(begin) for begin in re.findall(r"\b(\w+_)\.\.\.", shown))
                             for name in model_tests(root)):
        breach("incomplete", f"docs/memory-ordering: section {edge} names no model test")
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


def notes(root):
    return sorted(glob.glob(os.path.join(root, "docs/memory-ordering/*.md")))


def sections_of(text):
    """(edge or None, text)"""
    for part in re.split(r"(?m)^(?=## )", text):
        m = re.match(r"## ([A-Z]\d+) ", part)
        yield m.group(1) if m else None, part


def check_notes(root, edges, litmus, performed, places, breach):
    sections = {edge: part for path in notes(root) for edge, part in sections_of(read(path)) if edge}
    for edge in sorted(edges - set(sections)):
        breach("no-section", f"{edge}: no section in docs/memory-ordering")
    grace_periods = {"M4"}  # liburcu's, in a section of its own, without an operation of ours
    for edge in sorted(set(sections) - edges - grace_periods):
        breach("stale-section", f"docs/memory-ordering: {edge} is no edge of lib")
    for edge in sorted(edges & set(sections)):
        files = " ".join(f"{name}: Never; {', '.join('+weak-' + twin for twin in twins)}: Sometimes"
                         for name, twins in sorted(litmus.items()) if name.split("-")[0] == edge)
        if " ".join(lines_of(sections[edge]).get("Litmus", "").split()) != files:
            breach("unmentioned", f"docs/memory-ordering: section {edge} does not name its litmus tests: {files}")
        if with_where(sections[edge], places[edge]) != sections[edge]:
            breach("unplaced", f"docs/memory-ordering: section {edge} does not say where (ledger.py --write): "
                               f"{' '.join(where_line(places[edge]).split())}")
    tests = test_names(root)
    for edge, part in sorted(sections.items()):
        check_section(root, edge, part, performed.get(edge, set()), tests, breach)


# ---- the table of orders ----

def table(root):
    """The page, {edge: {(function, order)}}, and {edge: {(file, function)}}."""
    functions = {name: Functions(without_comments(text)) for name, text in sources(root)}
    rows, performed, places = collections.Counter(), collections.defaultdict(set), collections.defaultdict(set)
    for operation in operations(root):
        function = functions[operation.file].at(operation.line)
        for which, end in enumerate(operation.ends):
            rows[end, operation.name, function, operation.file] += 1
            orders = {kind_of(operation, which)}
            orders |= does(operation, which) if "acq_rel" in orders else set()
            for edge in edges_of(operation):
                performed[edge] |= {(function, order) for order in orders}
                places[edge].add((operation.file, function))
    lines = ["# Every order in lib", "",
             "Written by `tests/ledger/ledger.py --write`; `ctest -R ledger` compares. Each row is an end of an edge, the operation",
             "that is given it, and where: the sections of this folder say what it is for. What is not here is relaxed.", "",
             "| end | operation | function | file | times |", "|---|---|---|---|---|"]
    for (end, name, function, file), times in sorted(rows.items()):
        lines.append(f"| {end} | {name} | {function} | {file} | {times} |")
    return "\n".join(lines) + "\n", performed, places


def check_table(root, page, breach):
    path = os.path.join(root, ORDERS)
    there = set(read(path).split("\n")) if os.path.exists(path) else set()
    wanted = set(page.split("\n"))
    for row in sorted(wanted - there):
        breach("table", f"{ORDERS} lacks: {row} (ledger.py --write puts it in; section, litmus tests and model tests follow)")
    for row in sorted(there - wanted):
        breach("table", f"{ORDERS} has, and lib has not: {row}")


ORDER = r"(?<=memory_order_)(?:acquire|release|acq_rel|seq_cst)"


def litmus_body(root, name):
    text = read(os.path.join(root, f"tests/litmus/{name}.litmus"))
    return re.sub(r"(?m)^\(\*.*\*\)$|\A.*$", "", text).strip()


def check_twins(root, name, twins, breach):
    """Each order of the test, but those of a location called mutex, is relaxed in one of its twins, and nothing else."""
    body = litmus_body(root, name)
    wanted = set()
    for m in re.finditer(ORDER, body):
        if not re.search(r"\(mutex\b[^(]*$", body[:m.start()]):
            wanted.add(body[:m.start()] + "relaxed" + body[m.end():])
    for twin in twins:
        found = litmus_body(root, f"{name}+weak-{twin}")
        if found not in wanted:
            breach("no-twin", f"{name}+weak-{twin}: not {name} with one order relaxed, or the same as another twin")
        wanted.discard(found)
    for text in wanted:
        line = next(b for a, b in zip(text.split("\n"), body.split("\n")) if a != b)
        breach("no-twin", f"{name}: no twin is without the order of {line.strip()}")


def check_strength(root, edges, name, breach):
    """A litmus test that is stronger than the code says nothing of the code."""
    edge = name.split("-")[0]
    for kind, order in re.findall(rf"atomic_(\w+?)_explicit\([^;]*memory_order_(\w+)", litmus_body(root, name)):
        if order == "seq_cst" and any(kind_of(o, 0) not in ("seq_cst", "relaxed") and
                                      ({"load": "acquire", "store": "release"}.get(kind, "release") in does(o, 0))
                                      for o in operations(root) if edge in edges_of(o)):
            breach("stronger", f"tests/litmus/{name}.litmus: a {kind} is seq_cst, but not every one of {edge} in lib")


def check_litmus(root, edges, breach):
    """{the name of a Never file: the ends that its twins are without}"""
    never, twins = set(), collections.defaultdict(list)
    for path in sorted(glob.glob(os.path.join(root, "tests/litmus/*.litmus"))):
        name = os.path.basename(path)[:-len(".litmus")]
        base, _, weak = name.partition("+weak-")
        first = read(path).split("\n")[0]
        result = "Sometimes" if weak else "Never"
        if first != f'C {name} "Result: {result}"':
            breach("result", f"tests/litmus/{name}.litmus: the first line is not that of a test that is {result}")
        if weak:
            twins[base].append(weak)
        else:
            never.add(name)
        if base.split("-")[0] not in edges:
            breach("stale-litmus", f"tests/litmus/{name}.litmus: no edge of lib")
    for edge in sorted(edges):
        if not any(name.split("-")[0] == edge for name in never):
            breach("no-litmus", f"{edge}: no litmus file says Never")
    for name in sorted(never):
        check_twins(root, name, twins[name], breach)
        check_strength(root, edges, name, breach)
    for base in sorted(set(twins) - never):
        breach("stale-litmus", f"tests/litmus/{base}+weak-...: there is no {base}.litmus")
    return {name: twins[name] for name in never}


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
    page, performed, places = table(root)
    check_table(root, page, breach)
    check_notes(root, edges, never, performed, places, breach)
    shown, excused = check_mutants(root, ends, breach)
    return breaches, (f"{len(edges)} edges, {len(ends)} ends, {shown} of them shown by a model test, {excused} excused, "
                      f"{len(never)} litmus tests, {len(breaches)} breaches")


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--write":
        page, _, places = table(arguments[1])
        write(os.path.join(arguments[1], ORDERS), page)
        for path in notes(arguments[1]):
            write(path, "".join(with_where(part, places[edge]) if edge in places else part
                                for edge, part in sections_of(read(path))))
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
