#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Litmus tests in herd's C dialect, one file each, with the verdict in the first line.

    litmus.py c FILE...                       writes an outcome test (outcome.h) for each to stdout, one C file
    litmus.py check DOC FILE... -- MODEL      MODEL is that file under axmodel: each verdict against the file's Result
                                              and against the enumerator's, and DOC against both
    litmus.py run FILE... -- NATIVE [option...]   NATIVE is that file as it is: none that says Never may be seen
    litmus.py table DOC FILE... -- MODEL -- NATIVE [option...]   writes DOC anew
    litmus.py herd7 FILE... -- HERD7 [option...]  each verdict, and what else may be seen, against herd7's with rc11.cat

A test passes when axmodel has exhausted it and its `exists` holds in some execution (Sometimes) or in none (Never),
and when the enumerator of tests/model/litmus/rc11.py, which reads the operations on its own and shares nothing with
axmodel, says the same. The dialect is what the files use: atomic_int pointers as parameters, loads, stores, exchanges
and additions with explicit orders, no branches; what cannot be read stops the run.

That a machine never shows something says nothing about C11, nor about the next machine: x86-64 lets a store be
overtaken by a later load and nothing else. That it shows what is forbidden would be a broken compiler, machine or test.
"""
import collections
import datetime
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


ANY = "|".join(str(n) for n in range(10))  # what a register may hold: no file adds up to more


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

    def outcomes(self):
        """What the registers of the condition may hold by the enumerator, and in how many executions they do."""
        letter = {"load": "R", "store": "W", "exchange": "X", "fetch_add": "A"}
        threads = [[[letter[kind], location] + ([value] if value else []) + [SHORT[order]]
                    for _, kind, location, value, order in ops] for _, ops in self.procs]
        registers = [(p, op[0]) for p, (_, ops) in enumerate(self.procs) for op in ops if op[0]]
        found = collections.Counter()
        for outcome, count in rc11.explore(threads, False).items():
            reads = dict(zip(registers, map(int, outcome.split("|")[0].split())))
            found[tuple(reads[p, r] for p, r, _ in self.terms)] += count
        return found

    def executions(self):
        """Of them, those in which the condition holds."""
        return self.outcomes()[tuple(value for _, _, value in self.terms)]

    def weak(self):
        """The outcome in which the condition holds."""
        return " ".join(str(value) for _, _, value in self.terms)

    def c(self):
        name = self.identifier()
        places = sorted({x for parameters, _ in self.procs for x in parameters})
        out = [f"struct words_{name} {{ " + " ".join(f"_Alignas(64) atomic_int {x};" for x in places) + " };"]
        for p, (_, ops) in enumerate(self.procs):
            out += [f"AX_OUTCOME_ACTOR({name}_P{p}, struct words_{name})", "{", "    (void)r;"]
            for register, kind, location, value, order in ops:
                call = f"atomic_{kind}_explicit(&state->{location}, {value + ', ' if value else ''}memory_order_{order});"
                slots = [i for i, (q, r, _) in enumerate(self.terms) if (q, r) == (p, register)]
                out.append(f"    {f'r[{slots[0]}] = ' if slots else '(void)' if kind != 'store' else ''}{call}")
            out.append("}")
        kind = "FORBIDDEN" if self.result == "Never" else "INTERESTING"
        out += [f"static const ax_outcome outcomes_{name}[] = {{",
                f'    {{ "{self.weak()}", AX_{kind}, "the condition holds" }},',
                f'    {{ "{" ".join([ANY] * len(self.terms))}", AX_ACCEPTABLE, "it does not" }},', "};", ""]
        return "\n".join(out)

    def entry(self):
        name = self.identifier()
        actors = ", ".join(f"{name}_P{p}" for p in range(len(self.procs)))
        return (f'        AX_OUTCOME_TEST("{self.name}", "{self.result}", struct words_{name}, {len(self.terms)}, '
                f"outcomes_{name}, {actors}),")


def program(tests):
    out = ["/* From tests/litmus. */", "#include <atomicx/outcome.h>", "#include <stdatomic.h>", ""]
    out += [test.c() for test in tests]
    out += ["int main(int argc, char **argv)", "{", "    static const ax_outcome_test tests[] = {"]
    out += [test.entry() for test in tests]
    out += ["    };", '    return ax_outcome_main(argc, argv, "edges", tests, sizeof tests / sizeof *tests);', "}"]
    return "\n".join(out)


def modelled(tests, command):
    """{name: what axmodel says}, and how many are not as the files and the axioms say."""
    run = subprocess.run(command + ["--json", "--no-progress"], capture_output=True, text=True)
    got = {g["test"]: g for g in map(json.loads, run.stdout.splitlines())}
    says, wrong = {}, 0
    for test in tests:
        g = got.get(test.name)
        if g is None or g["extent"] != "EXHAUSTED":
            print(f"{test.name}: axmodel has not exhausted it")
            wrong += 1
            continue
        weak = {o["outcome"]: o["executions"] for o in g["outcomes"]}.get(test.weak(), 0)
        axioms = test.executions()
        if (weak > 0) != (test.result == "Sometimes") or weak != axioms:
            print(f"{test.name}: Result: {test.result}; the condition holds in {weak} executions of axmodel, "
                  f"in {axioms} by the axioms")
            wrong += 1
        says[test.name] = f"in {weak} of {g['executions']} executions" if weak else f"in none of {g['executions']}"
    if run.returncode != 0:
        print(f"{command[0]}: exit {run.returncode}")
        wrong += 1
    return says, wrong


def seen_here(tests, command):
    """{name: (how often the condition held, of how many)}; stops when what is forbidden was seen."""
    result = subprocess.run(command + ["--json"], capture_output=True, text=True)
    if result.returncode not in (0, 1, 3):  # 3: on a busy machine the actors of a test may never have met
        sys.exit(f"{command}: exit {result.returncode}\n{result.stderr}")
    seen = {got["test"]: (sum(o["times"] for o in got["outcomes"] if o["kind"] != "acceptable"), got["runs"])
            for got in json.loads(result.stdout)["tests"]}
    missing = [t.name for t in tests if seen.get(t.name, (0, 0))[1] == 0]
    wrong = [t.name for t in tests if t.result == "Never" and seen.get(t.name, (0, 0))[0] != 0]
    if missing or wrong or result.returncode == 1:
        sys.exit(f"not run: {missing}; seen and forbidden: {wrong}; exit {result.returncode}")
    return seen


# ---- the table ----

def row(test, says, seen):
    return f"| {test.name} | {'yes' if test.result == 'Sometimes' else 'no'} | {says.get(test.name, '?')} | {seen} |"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        match = re.search(r"(?m)^model name\s*: (.*)$", f.read())
    return match.group(1) if match else os.uname().machine


def write_table(doc, tests, says, seen):
    lines = ["# What may be seen, what axmodel finds, what a processor has shown", "",
             "Written by `tests/litmus/litmus.py table`. `ctest -R model.edges` holds all but the last column to the files;",
             "`ctest -R litmus` runs each of them on the machine at hand.", "",
             f"Seen on: {processor()}, {os.cpu_count()} processors, {datetime.date.today().isoformat()}.", "",
             "| litmus test | C11 allows it | axmodel finds it | seen |", "|---|---|---|---|"]
    for test in tests:
        weak, states = seen[test.name]
        lines.append(row(test, says, f"{weak} times in {states}" if weak else f"never in {states}"))
    with open(doc, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


def check_table(doc, tests, says):
    with open(doc, encoding="utf-8") as f:
        rows = [line.strip() for line in f if re.match(r"\| [A-Z]\d", line)]
    wrong = 0
    for test in tests:
        begin = row(test, says, "")[:-len(" |")]
        mine = [r for r in rows if r.startswith(begin)]
        if len(mine) != 1 or (test.result == "Never" and not re.search(r"\| never in \d+ \|$", mine[0])):
            print(f"{doc}: one row should begin with {begin}")
            wrong += 1
    if len(rows) != len(tests):
        print(f"{doc}: {len(rows)} rows for {len(tests)} tests")
        wrong += 1
    return wrong


def herd7(tests, command):
    wrong = 0
    for test in tests:
        out = subprocess.run(command + ["-model", "rc11.cat", test.path], capture_output=True, text=True).stdout
        match = re.search(r"(?m)^Observation \S+ (\w+)", out)
        states = [dict(re.findall(r"(\d+:r\d+)=(\d+);", line)) for line in re.findall(r"(?m)^(?:\d+:r\d+=\d+; *)+$", out)]
        seen = {tuple(int(state[f"{p}:{r}"]) for p, r, _ in test.terms) for state in states}
        if not match or match.group(1) != test.result or seen != set(test.outcomes()):
            print(f"{test.name}: Result: {test.result}; herd7 says {match.group(1) if match else 'nothing'}, and sees {seen}; "
                  f"the axioms allow {set(test.outcomes())}")
            wrong += 1
    return wrong


def main():
    parts, part = [], []
    for argument in sys.argv[1:] + ["--"]:
        if argument == "--":
            parts.append(part)
            part = []
        else:
            part.append(argument)
    mode, files = (parts[0] or [""])[0], parts[0][1:]
    doc = files.pop(0) if mode in ("check", "table") and files else None
    if {"c": 1, "check": 2, "run": 2, "table": 3, "herd7": 2}.get(mode) != len(parts) or not files or not all(parts):
        sys.exit(__doc__)
    tests, wrong = [Litmus(path) for path in sorted(files, key=lambda path: path[:-len(".litmus")])], 0
    if mode == "c":
        print(program(tests))
        return
    if mode == "check":
        says, wrong = modelled(tests, parts[1])
        wrong += check_table(doc, tests, says)
    elif mode == "run":
        seen = seen_here(tests, parts[1])
        print(f"{sum(weak > 0 for weak, _ in seen.values())} weak outcomes seen, none that is forbidden")
    elif mode == "table":
        says, wrong = modelled(tests, parts[1])
        write_table(doc, tests, says, seen_here(tests, parts[2]))
    else:
        wrong = herd7(tests, parts[1])
    print(f"{len(tests)} litmus tests, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
