#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Litmus tests in herd's C dialect, one file each, with the verdict in the first line.

    litmus.py c FILE...                  writes one C file with a model test per litmus test to stdout
    litmus.py check FILE... -- COMMAND   runs COMMAND --json, compares each verdict with the file's Result

A test passes when axmodel has exhausted it and its `exists` holds in some execution (Sometimes) or in
none (Never), and when the enumerator of tests/model/litmus/rc11.py, which reads the operations on its
own and shares nothing with axmodel, says the same. The dialect is what the files use: atomic_int
pointers as parameters, loads, stores, exchanges and additions with explicit orders, no branches; what
cannot be read stops the run. herd7 reads the files as they stand: herd7 -model rc11.cat FILE.
"""
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "model", "litmus"))
import rc11  # noqa: E402

SHORT = {long: short for short, long in rc11.ORDERS.items()}
CALL = re.compile(r"(?:int (r\d+) = )?atomic_(load|store|exchange|fetch_add)_explicit\((\w+)(?:, (\d+))?, "
                  r"memory_order_(\w+)\);$")


class Litmus:
    """name, result, procs: [(parameters, [(register or None, kind, location, value, order)])], terms of `exists`."""

    def __init__(self, path):
        self.path = path
        text = open(path).read()
        first = re.match(r'C (\S+) "Result: (Never|Sometimes)"\n', text)
        if not first:
            self.stop('the first line is not: C NAME "Result: Never" (or Sometimes)')
        self.name, self.result = first.groups()
        if self.name != os.path.basename(path)[:-len(".litmus")]:
            self.stop(f"the test is called {self.name}")
        body = re.sub(r"^\(\*.*\*\)$", "", text[first.end():], flags=re.M)
        match = re.match(r"\s*\{\}\s*((?:P\d+\([^)]*\) \{[^}]*\}\s*)+)exists \(([^)]*)\)\s*$", body)
        if not match:
            self.stop("not: {} P0(...) {...} ... exists (...)")
        self.procs = []
        for number, parameters, code in re.findall(r"P(\d+)\(([^)]*)\) \{([^}]*)\}", match.group(1)):
            if int(number) != len(self.procs):
                self.stop(f"P{number} is out of order")
            names = [self.parameter(p) for p in parameters.split(", ")]
            self.procs.append((names, [self.operation(line.strip(), names) for line in code.strip().split("\n")]))
        self.terms = [self.term(t) for t in match.group(2).split(" /\\ ")]

    def stop(self, why):
        sys.exit(f"{self.path}: {why}")

    def parameter(self, text):
        match = re.fullmatch(r"atomic_int\* (\w+)", text)
        return match.group(1) if match else self.stop(f"parameter {text}")

    def operation(self, line, names):
        match = CALL.match(line)
        if not match:
            self.stop(f"cannot read: {line}")
        register, kind, location, value, order = match.groups()
        if location not in names or order not in SHORT or (register is None) != (kind == "store") or \
                (value is None) != (kind == "load"):
            self.stop(f"cannot read: {line}")
        return register, kind, location, value, order

    def term(self, text):
        match = re.fullmatch(r"(\d+):(r\d+)=(\d+)", text)
        if not match:
            self.stop(f"cannot read the condition {text}")
        proc, register, value = int(match.group(1)), match.group(2), int(match.group(3))
        if proc >= len(self.procs) or register not in [op[0] for op in self.procs[proc][1]]:
            self.stop(f"no register {proc}:{register}")
        return proc, register, value

    def identifier(self):
        return re.sub(r"\W", "_", self.name)

    def executions(self):
        """How many executions the enumerator finds in which the condition holds."""
        letter = {"load": "R", "store": "W", "exchange": "X", "fetch_add": "A"}
        threads = [[[letter[kind], location] + ([value] if value else []) + [SHORT[order]]
                    for _, kind, location, value, order in ops] for _, ops in self.procs]
        registers = [(p, op[0]) for p, (_, ops) in enumerate(self.procs) for op in ops if op[0]]
        hits = 0
        for outcome, count in rc11.explore(threads, False).items():
            reads = dict(zip(registers, map(int, outcome.split("|")[0].split())))
            hits += count if all(reads[p, r] == v for p, r, v in self.terms) else 0
        return hits

    def c(self):
        name = self.identifier()
        places = sorted({x for parameters, _ in self.procs for x in parameters})
        out = [f"static atomic_int {', '.join(f'at_{name}_{x}' for x in places)};"]
        for p, (parameters, ops) in enumerate(self.procs):
            registers = [op[0] for op in ops if op[0]]
            if registers:
                out.append(f"static int {', '.join(f'got_{name}_{p}_{r}' for r in registers)};")
            out += [f"static void *{name}_P{p}(void *unused)", "{"]
            for register, kind, location, value, order in ops:
                call = f"atomic_{kind}_explicit(&at_{name}_{location}, {value + ', ' if value else ''}memory_order_{order});"
                out.append(f"    {f'got_{name}_{p}_{register} = ' if register else ''}{call}")
            out += ["    return unused;", "}"]
        n = len(self.procs)
        condition = " && ".join(f"got_{name}_{p}_{r} == {v}" for p, r, v in self.terms)
        out += [f"AX_MODEL_TEST({name})", "{", f"    pthread_t t[{n}];"]
        out += [f"    pthread_create(&t[{p}], NULL, {name}_P{p}, NULL);" for p in range(n)]
        out += [f"    for (int i = 0; i < {n}; i++)", "        pthread_join(t[i], NULL);",
                f'    ax_model_outcome("%d", {condition});', "}", ""]
        return "\n".join(out)


def check(tests, command):
    run = subprocess.run(command + ["--json", "--no-progress"], capture_output=True, text=True)
    got = {g["test"]: g for g in map(json.loads, run.stdout.splitlines())}
    wrong = 0
    for test in tests:
        g = got.get(test.identifier())
        if g is None or g["extent"] != "EXHAUSTED":
            print(f"{test.name}: axmodel has not exhausted it")
            wrong += 1
            continue
        model = {o["outcome"]: o["executions"] for o in g["outcomes"]}.get("1", 0)
        axioms = test.executions()
        if (model > 0) != (test.result == "Sometimes") or model != axioms:
            print(f"{test.name}: Result: {test.result}; the condition holds in {model} executions of axmodel, "
                  f"in {axioms} by the axioms")
            wrong += 1
    print(f"{len(tests)} litmus tests, {wrong} wrong")
    return 0 if tests and not wrong and run.returncode == 0 else 1


def main():
    arguments = sys.argv[1:]
    command = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1:]
    if len(arguments) < 2 or arguments[0] not in ("c", "check") or (arguments[0] == "check") != bool(command):
        sys.exit(__doc__)
    tests = [Litmus(path) for path in arguments[1:]]
    if arguments[0] == "check":
        sys.exit(check(tests, command))
    print("/* From tests/litmus. */\n#include <atomicx/model.h>\n#include <pthread.h>\n#include <stdatomic.h>\n")
    print("\n".join(test.c() for test in tests))


if __name__ == "__main__":
    main()
