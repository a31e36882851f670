#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the ordered operations cost in instructions: the notes' "Cost" lines, held to what the compilers emit.

    orders.py ROOT COMPILER...      compilers for x86-64 or AArch64, as they are installed
    orders.py --self ROOT COMPILER  each claim, made wrong, must be refused

Each operation of lib/atomic.h and include/atomicx/detail/atomic.h is compiled as a function of its own at -O2
and must come to the instruction in the tables below, and to no fence. And each AArch64 instruction that the Cost line
of an edge's section in docs/memory-ordering names must be that of an operation of this edge.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ledger"))
import ledger  # noqa: E402

SUFFIX = {"relaxed": "", "acquire": "a", "release": "l", "acq_rel": "al", "seq_cst": "al"}
ARM = {"fetch_add": "ldadd", "fetch_sub": "ldadd", "fetch_or": "ldset", "fetch_and": "ldclr", "exchange": "swp",
       "cas": "cas", "wcas": "cas"}
X86 = {"load": r"mov", "store": r"mov", "exchange": r"xchg", "fetch_add": r"lock\s+xadd", "fetch_sub": r"lock\s+xadd",
       "fetch_or": r"lock\s+cmpxchg", "fetch_and": r"lock\s+cmpxchg", "cas": r"lock\s+cmpxchg", "wcas": r"lock\s+cmpxchg"}
FENCE = {"x86_64": r"\b[lms]fence\b", "aarch64": r"\b(?:dmb|dsb)\b"}
NAMED = r"\b(?:ldapr|ldar|stlr|cas(?:al|a|l)?|swp(?:al|a|l)?|ld(?:add|set|clr)(?:al|a|l)?)\b"


def split(operation):
    """load_acquire -> load, acquire; of two orders the first."""
    m = re.match(r"(load|store|fetch_add|fetch_sub|fetch_or|fetch_and|exchange|w?cas)_(acq_rel|acquire|release|relaxed|seq_cst)",
                 operation)
    return m.groups() if m else sys.exit(f"{operation}: no row in tests/asm/orders.py")


def aarch64(operation):
    """The instruction, as a pattern; what else may be in the function is up to the compiler."""
    kind, order = split(operation)
    if kind == "load":
        return {"relaxed": "ldr", "acquire": "ldar|ldapr", "seq_cst": "ldar"}[order]
    if kind == "store":
        return {"relaxed": "str", "release": "stlr", "seq_cst": "stlr"}[order]
    return ARM[kind] + SUFFIX[order]


def x86_64(operation):
    kind, order = split(operation)
    return r"xchg" if (kind, order) == ("store", "seq_cst") else X86[kind]


def operations(root):
    """(macro, name, number of its arguments that are no ends, how many ends)"""
    for path in ("lib/atomic.h", "include/atomicx/detail/atomic.h"):
        text = open(os.path.join(root, path), encoding="utf-8").read()
        for prefix, name, parameters in re.findall(r"#define (axi_|AX_DETAIL_)((?:load|store|fetch|exchange|w?cas)_\w+)\(([^)]*)\)",
                                                   text, flags=re.I):
            names = parameters.split(", ")
            ends = sum(n.endswith("end") for n in names)
            yield prefix + name, name.lower(), len(names) - ends, ends


def source(root):
    out = ['#include <stdint.h>', '#include "atomic.h"']
    for macro, name, count, ends in operations(root):
        word = "_Atomic uint64_t" if macro.startswith("axi_") else "uint64_t"
        compare = "cas_" in name
        result = "void" if name.startswith("store") else "_Bool" if compare else "uint64_t"
        arguments = ["p", "e", "v"] if compare else ["p", "v"][:count]
        declared = [f"{word} *p"] + ["uint64_t *e" for a in arguments if a == "e"] + ["uint64_t v" for a in arguments if a == "v"]
        head = f"{result} f_{macro}({', '.join(declared)})"
        call = f"{macro}({', '.join(arguments + ['X1_end'] * ends)})"
        out.append(f"{head};\n{head} {{ {'' if result == 'void' else 'return '}{call}; }}")
    return "\n".join(out) + "\n"


def functions(assembly):
    return {m.group(1): m.group(2) for m in re.finditer(r"(?ms)^f_(\w+):[^\n]*\n(.*?)^\s*\.cfi_endproc", assembly)}


def check_compiler(root, compiler, wanted, report):
    machine = subprocess.run([compiler, "-dumpmachine"], capture_output=True, text=True, check=True).stdout.split("-")[0]
    if machine not in FENCE:
        sys.exit(f"{compiler} is for {machine}: nothing is claimed of that")
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "orders.c")
        with open(path, "w", encoding="utf-8") as f:
            f.write(source(root))
        flags = ["-march=armv8.1-a", "-ffreestanding"] if machine == "aarch64" else []
        assembly = subprocess.run([compiler, "-std=c11", "-O2", "-S", "-o", "-", *flags, "-I", os.path.join(root, "include"),
                                   "-I", os.path.join(root, "lib"), path], capture_output=True, text=True, check=True).stdout
    found = functions(assembly)
    tried = 0
    for macro, name, _, _ in operations(root):
        body = found.get(macro, "")
        pattern = wanted[machine](name)
        locked = len(re.findall(r"\block\b", body)) + len(re.findall(r"\bxchg[a-z]?\s+.*\(", body))
        plain = split(name)[0] in ("load", "store") and not pattern.startswith("xchg")
        if not re.search(rf"^\s*(?:{pattern})[a-z]?\s", body, flags=re.M):
            report(f"{compiler}: {macro} is not {pattern}:\n{body}")
        elif re.search(FENCE[machine], body) or (machine == "x86_64" and locked != (0 if plain else 1)):
            report(f"{compiler}: {macro} has a fence or another locked instruction:\n{body}")
        tried += 1
    return f"{tried} operations for {machine}"


def check_notes(root, notes, report):
    of_edge = {}
    for operation in ledger.operations(root):
        for edge in ledger.edges_of(operation):
            names = set(aarch64(operation.name).split("|"))
            names.add(aarch64(re.sub(r"acq_rel|acquire|release|seq_cst", "relaxed", operation.name)))  # "for" this one
            of_edge.setdefault(edge, set()).update(names)
    claims = 0
    for text in notes:
        for edge, part in ledger.sections_of(text):
            cost = re.search(r"(?m)^    Cost .*\n(?:     {15,}.*\n)*", part)
            for name in re.findall(NAMED, cost.group(0)) if edge and cost else []:
                claims += 1
                if name not in of_edge.get(edge, set()):
                    report(f"{edge}: the notes name {name}, no operation of this edge is one")
    if claims == 0:
        report("the notes name no instruction")
    return f"{claims} instructions named in the notes"


def read_notes(root):
    return [ledger.read(path) for path in ledger.notes(root)]


def self_test(root, compiler):
    """Claims made wrong, one at a time."""
    wrong = {
        "an acquire load is a plain one": {"aarch64": lambda n: "ldr" if n == "load_acquire" else aarch64(n),
                                           "x86_64": lambda n: "xchg" if n == "load_acquire" else x86_64(n)},
        "a seq_cst store is a plain one": {"aarch64": lambda n: "str" if n == "store_seq_cst" else aarch64(n),
                                           "x86_64": lambda n: "mov" if n == "store_seq_cst" else x86_64(n)},
    }
    missed = 0
    for what, wanted in wrong.items():
        found = []
        check_compiler(root, compiler, wanted, found.append)
        print(f"{what}: {found[0].splitlines()[0] if found else 'NOT REPORTED'}")
        missed += not found
    for what, old, new in (("an instruction that no end has", "AArch64 casl", "AArch64 casal"),
                           ("no instruction at all", "AArch64", "none")):
        found = []
        check_notes(root, [re.sub(NAMED, "", t) if new == "none" else t.replace(old, new) for t in read_notes(root)], found.append)
        print(f"{what}: {found[0] if found else 'NOT REPORTED'}")
        missed += not found
    sys.exit(1 if missed else 0)


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--self"] and len(arguments) == 3:
        self_test(arguments[1], arguments[2])
    if len(arguments) < 2 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    wrong = []
    said = [check_compiler(arguments[0], c, {"x86_64": x86_64, "aarch64": aarch64}, wrong.append) for c in arguments[1:]]
    said.append(check_notes(arguments[0], read_notes(arguments[0]), wrong.append))
    print("\n".join(wrong + [", ".join(said) + f": {len(wrong)} wrong"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
