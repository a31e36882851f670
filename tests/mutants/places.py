#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether the ledger and the mutants know every atomic operation of lib: the compiler is asked, which has its own list.

    places.py ROOT CC         CC: gcc, whose dump of a function names each atomic builtin and the line it stands on
    places.py --self ROOT CC  operations put into a copy of the tree past lib/atomic.h must be reported

What gcc makes of lib and of the inline functions of include/atomicx, with and without ThreadSanitizer, must be the
operations that tests/ledger/ledger.py reads there, line by line and kind by kind: one written as a bare builtin, a
macro of <stdatomic.h> or a plain access to an _Atomic object (which is sequentially consistent) would have no name, no
comment, no section and no mutant. atomic_init is none: the object is not shared yet. And each of them must be one that
tests/mutants/mutants.py changes, or one of which there is nothing to take: a relaxed load.
"""
import collections
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutants  # noqa: E402
from mutants import ledger  # noqa: E402

CONFIGURATIONS = [[], ["-fsanitize=thread"]]


def kind(text):
    """Of an operation of ours, and of a builtin."""
    text = text.lower()
    if "compare_exchange" in text or re.match(r"w?cas_", text):
        return "cas"
    m = re.match(r"(load|store|exchange|fetch_(?:add|sub|or|and|xor|nand))", text)
    return m.group(1) if m else text


def compiled(root, compiler, pattern):
    """{(file, line): kinds} by gcc, of the sources that match and the public headers."""
    found = collections.defaultdict(set)
    with tempfile.TemporaryDirectory() as work:
        headers = os.path.join(work, "headers.c")  # nothing there calls the inline functions
        with open(headers, "w", encoding="utf-8") as f:
            f.writelines(f"#include <atomicx/{os.path.basename(p)}>\n"
                         for p in sorted(glob.glob(os.path.join(root, "include/atomicx/*.h"))))
        for source in sorted(glob.glob(os.path.join(root, pattern))) + [headers]:
            for options in CONFIGURATIONS if source != headers else [["-fkeep-inline-functions"]]:
                run = subprocess.run(
                    [compiler, "-std=c11", "-D_GNU_SOURCE", '-DAX_VERSION="0"', "-DAX_DETAIL_NO_ASM", f"-I{root}/include",
                     f"-I{root}/lib", "-O0", "-fdump-tree-gimple-lineno=/dev/stdout", "-S", "-o", "/dev/null", *options, source],
                    capture_output=True, text=True)
                if run.returncode != 0:
                    sys.exit(f"{source}: {run.stderr}")
                for line in run.stdout.splitlines():
                    m = re.search(r"__(?:atomic|sync)_(\w+?)(?:_\d+)? \(", line)
                    if m:
                        at = re.search(r"\[([^\[\]:]+):(\d+):\d+\]", line)
                        where = (os.path.relpath(at.group(1), root), int(at.group(2))) if at else (source, 0)
                        found[where].add(kind(m.group(1)))
    return found


def check(root, compiler, pattern="lib/*.c"):
    """[what is wrong], and one line that sums up."""
    known, wrong = collections.defaultdict(list), []
    texts = {name: text.split("\n") for name, text in ledger.sources(root)}
    for operation in ledger.operations(root):
        for line in range(operation.line, operation.last + 1):
            known[operation.file, line].append(operation)
    found = compiled(root, compiler, pattern)
    for (name, line), kinds in sorted(found.items()):
        text = texts[name][line - 1] if name in texts else ""
        here = set()
        for operation in known[name, line]:
            here |= {"load", "store"} if operation.name.startswith("add_own") else {kind(operation.name)}
        for other in sorted(kinds - here):
            if not (other == "store" and re.search(r"\batomic_init\(", text)):
                wrong.append(f"{name}:{line}: an atomic {other} that is no operation of atomic.h: {text.strip()}")
    count = 0
    changed = {(m.file, m.value.split("@")[1].split("=")[0]) for m in mutants.mutants(root)}
    for operation in ledger.operations(root):
        count += 1
        wanted = {"load", "store"} if operation.name.startswith("add_own") else {kind(operation.name)}
        if not any(wanted <= found[operation.file, line] for line in range(operation.line, operation.last + 1)):
            wrong.append(f"{operation.file}:{operation.line}: {operation.name} is not compiled")
        elif operation.name != "load_relaxed" and (operation.file,
                                                   f"{os.path.basename(operation.file)}:{operation.line}") not in changed:
            wrong.append(f"{operation.file}:{operation.line}: no mutant of {operation.name}")
    return wrong, f"{count} operations, {len(wrong)} wrong"


def self_test(root, compiler):
    breaks = [
        ("a plain access to an _Atomic object", "lib/tickets.c", "axi_store_relaxed(&t->magic, 0);", "t->magic = 0;"),
        ("a macro of <stdatomic.h>", "lib/tickets.c", "axi_store_relaxed(&t->magic, TICKETS_MAGIC);",
         "atomic_store(&t->magic, TICKETS_MAGIC);"),
        ("a builtin", "include/atomicx/counter.h", "AX_DETAIL_LOAD_SEQ_CST(&counter->value_, C1_read)",
         "__atomic_load_n(&counter->value_, __ATOMIC_SEQ_CST)"),
        ("another kind behind the name", "lib/atomic.h", "axi_fetch_or_relaxed(p, v) atomic_fetch_or_explicit",
         "axi_fetch_or_relaxed(p, v) atomic_fetch_xor_explicit"),
    ]
    missed = 0
    for what, path, old, new in breaks:
        with tempfile.TemporaryDirectory() as work:
            for part in ("lib", "include"):
                shutil.copytree(os.path.join(root, part), os.path.join(work, part))
            path = os.path.join(work, path)
            with open(path, encoding="utf-8") as f:
                text = f.read()
            assert old in text, f"{path} has no {old!r}"
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            found = [w for w in check(work, compiler, "lib/tickets.c")[0] if " that is no operation " in w]
            print(f"{what}: {found[0] if found else 'NOT REPORTED'}")
            missed += not found
    sys.exit(1 if missed else 0)


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--self"] and len(arguments) == 3:
        self_test(os.path.abspath(arguments[1]), arguments[2])
    if len(arguments) != 2 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    wrong, summary = check(os.path.abspath(arguments[0]), arguments[1])
    print("\n".join(wrong + [summary]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
