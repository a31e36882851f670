#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Litmus programs under RC11: the C test, and what it must show.

    rc11.py c LITMUS            writes a C file of model tests to stdout
    rc11.py expect LITMUS       prints executions and outcomes per program
    rc11.py check LITMUS COMMAND...   runs COMMAND --json and compares outcomes and their counts
    rc11.py random SEED COUNT   writes a litmus file of random programs to stdout, every other one with waits

The second opinion that axmodel is checked against. It shares nothing with axmodel: every assignment of
sources to reads and every order of the writes to a location is tried, and each candidate is judged by
the axioms of Lahav, Vafeiadis, Kang, Hur and Dreyer, "Repairing Sequential Consistency in C/C++11"
(PLDI 2017), written down as relations over events, a read-modify-write being two. Release sequences are
those of C++20 unless --c11 is given.
"""
import functools
import itertools
import json
import random
import re
import subprocess
import sys

ORDERS = {"rlx": "relaxed", "acq": "acquire", "rel": "release", "acq_rel": "acq_rel", "sc": "seq_cst"}
ACQUIRE = {"acq", "acq_rel", "sc"}
RELEASE = {"rel", "acq_rel", "sc"}
RESULTS = "RXACB"  # operations whose value is part of the outcome


def parse(path):
    """[(name, [[op, ...] per thread])], an op being its words."""
    programs, combos = [], [{}]
    for number, line in enumerate(open(path), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("foreach "):
            names, lists = [], []
            for part in line[len("foreach "):].split(";"):
                words = part.split()
                names.append(words[0])
                lists.append(words[1:])
            combos = [dict(zip(names, c)) for c in itertools.product(*lists)]
            continue
        for combo in combos:
            text = re.sub(r"\$(\w)", lambda m: combo[m.group(1)], line)
            name, body = text.split(" : ", 1)
            threads = [[op.split() for op in thread.split(";")] for thread in body.split("||")]
            for op in itertools.chain(*threads):
                if op[0] not in "WRXACBFLUSM" or op[-1] not in ORDERS:
                    sys.exit(f"{path}:{number}: cannot read {' '.join(op)}")
            programs.append((name.strip(), threads))
        combos = [{}]
    return programs


# ---- the candidate executions of a program ----

def locations(threads):
    return sorted({op[1] for thread in threads for op in thread if op[0] not in "FM"})


def mutexes(threads):
    return {op[1] for thread in threads for op in thread if op[0] == "L"}


class Slot:
    """One operation: where it is, and what it does to the value it finds (None: it does not write)."""

    def __init__(self, thread, index, op):
        self.thread, self.index, self.op = thread, index, op
        self.kind = op[0]
        self.loc = op[1] if self.kind not in "FM" else None
        self.reads = self.kind in "RXACBLS"
        self.may_write = self.kind in "WXACBLU"
        self.weak_failure = False  # of this candidate

    def possible(self, old):
        """Whether it can go on when it finds this value: a lock waits for 0, an S for its value, and a weak
        compare-exchange that fails in spite of its value needs that value."""
        if self.kind == "L":
            return old == 0
        if self.kind == "S" or self.weak_failure:
            return old == int(self.op[2])
        return True

    def written(self, old):
        if self.kind in "WX":
            return int(self.op[2])
        if self.kind == "A":
            return old + int(self.op[2])
        if self.kind in "CB":
            return int(self.op[3]) if old == int(self.op[2]) and not self.weak_failure else None
        if self.kind in "LU":
            return 1 if self.kind == "L" else 0
        return None


def evaluate(slots, source):
    """Values read and written for a choice of sources, or None when it makes no sense."""
    read, wrote, state = {}, {}, {}

    def visit(s):
        if state.get(s) == "open":
            return False  # a cycle of program order and reads-from: out of thin air
        if state.get(s) == "done":
            return True
        state[s] = "open"
        for earlier in slots:
            if earlier.thread == s.thread and earlier.index < s.index and not visit(earlier):
                return False
        if s.reads:
            w = source[s]
            if w is None:
                read[s] = 0
            else:
                if not visit(w) or wrote[w] is None:
                    return False
                read[s] = wrote[w]
            if not s.possible(read[s]):
                return False
        wrote[s] = s.written(read.get(s))
        state[s] = "done"
        return True

    return (read, wrote) if all(visit(s) for s in slots) else None


# ---- relations: row i is the set of successors of i, as bits ----

def empty(n):
    return [0] * n


def union(*relations):
    return [functools.reduce(int.__or__, rows) for rows in zip(*relations)]


def bits(x):
    while x:
        low = x & -x
        yield low.bit_length() - 1
        x ^= low


def seq(a, *more):
    for b in more:
        out = []
        for row in a:
            r = 0
            for j in bits(row):
                r |= b[j]
            out.append(r)
        a = out
    return a


def plus(a):
    a = list(a)
    for k in range(len(a)):
        row = a[k]
        for i in range(len(a)):
            if a[i] >> k & 1:
                a[i] |= row
    for k in range(len(a)):
        row = a[k]
        for i in range(len(a)):
            if a[i] >> k & 1:
                a[i] |= row
    return a


def optional(a):
    return [row | 1 << i for i, row in enumerate(a)]


def only(test, n):
    return [1 << i if test(i) else 0 for i in range(n)]


def inverse(a):
    out = empty(len(a))
    for i, row in enumerate(a):
        for j in bits(row):
            out[j] |= 1 << i
    return out


def reflexive(a):
    return any(row >> i & 1 for i, row in enumerate(a))


class Event:
    def __init__(self, kind, loc, order, thread, slot):
        self.kind, self.loc, self.order, self.thread, self.slot = kind, loc, order, thread, slot


def consistent(slots, locs, source, read, wrote, mo_choice, c11):
    events = [Event("W", loc, "init", -1, None) for loc in locs]
    read_event, write_event = {}, {}
    n_init = len(events)
    for s in slots:
        order = s.op[-1]
        if s.kind in "CB":
            order = s.op[-2] if wrote[s] is not None else s.op[-1]
        if s.kind == "F":
            events.append(Event("F", None, order, s.thread, s))
        if s.reads:
            read_event[s] = len(events)
            events.append(Event("R", s.loc, order, s.thread, s))
        if wrote.get(s) is not None:
            write_event[s] = len(events)
            events.append(Event("W", s.loc, order, s.thread, s))
    n = len(events)
    sb, rf, mo, rmw = empty(n), empty(n), empty(n), empty(n)
    for i, a in enumerate(events):
        for j, b in enumerate(events):
            if i != j and ((i < n_init <= j) or (i >= n_init and a.thread == b.thread and i < j)):
                sb[i] |= 1 << j
    for s, r in read_event.items():
        w = source[s]
        rf[locs.index(s.loc) if w is None else write_event[w]] |= 1 << r
        if s in write_event:
            rmw[r] |= 1 << write_event[s]
    for loc, sequence in zip(locs, mo_choice):
        chain = [locs.index(loc)] + [write_event[s] for s in sequence]
        for i, a in enumerate(chain):
            for b in chain[i + 1:]:
                mo[a] |= 1 << b
    rb = [row & ~(1 << i) for i, row in enumerate(seq(inverse(rf), mo))]
    same = [sum(1 << j for j, b in enumerate(events) if b.loc == a.loc and a.loc is not None) for a in events]

    def atomic(e):
        return e.order != "init"

    def released(i):
        return events[i].order in RELEASE and events[i].kind in "WF"

    def acquired(i):
        return events[i].order in ACQUIRE and events[i].kind in "RF"

    is_w = only(lambda i: events[i].kind == "W", n)
    is_f = only(lambda i: events[i].kind == "F", n)
    w_rlx = only(lambda i: events[i].kind == "W" and atomic(events[i]), n)
    r_rlx = only(lambda i: events[i].kind == "R", n)
    chain = optional(plus(seq(rf, rmw)))
    rs = seq(is_w, chain)
    if c11:
        sb_loc = [row & same[i] for i, row in enumerate(sb)]
        rs = seq(is_w, optional(sb_loc), w_rlx, chain)
    sw = seq(only(released, n), optional(seq(is_f, sb)), rs, rf, r_rlx, optional(seq(sb, is_f)), only(acquired, n))
    hb = plus(union(sb, sw))
    eco = plus(union(rf, mo, rb))
    if reflexive(seq(hb, optional(eco))):
        return False
    if any(row & seq(rb, mo)[i] for i, row in enumerate(rmw)):
        return False
    sb_other = [row & ~same[i] for i, row in enumerate(sb)]
    hb_loc = [row & same[i] for i, row in enumerate(hb)]
    scb = union(sb, seq(sb_other, hb, sb_other), hb_loc, mo, rb)
    e_sc = only(lambda i: events[i].order == "sc", n)
    f_sc = only(lambda i: events[i].order == "sc" and events[i].kind == "F", n)
    psc_base = seq(union(e_sc, seq(f_sc, optional(hb))), scb, union(e_sc, seq(optional(hb), f_sc)))
    psc_f = seq(f_sc, union(hb, seq(hb, eco, hb)), f_sc)
    return not reflexive(plus(union(psc_base, psc_f)))


def deaths(thread):
    """What of a thread may be left when it dies before one of its operations after M, or does not."""
    mortal = [i for i, op in enumerate(thread) if op[0] == "M"]
    if mortal:
        for i, op in enumerate(thread):
            if i > mortal[0] and op[0] not in "FM":
                yield i
    yield len(thread)


def explore(threads, c11):
    """{outcome: number of consistent executions}"""
    every = [Slot(t, i, op) for t, thread in enumerate(threads) for i, op in enumerate(thread)]
    table = {}
    for ends in itertools.product(*map(deaths, threads)):
        slots = [s for s in every if s.index < ends[s.thread]]
        weak = [s for s in slots if s.kind == "B"]
        for failures in itertools.product([False, True], repeat=len(weak)):
            for s, fails in zip(weak, failures):
                s.weak_failure = fails
            failing = [s.thread for s in weak if s.weak_failure]
            if len(failing) == len(set(failing)):  # at most one per thread
                add_executions(table, threads, every, slots, c11)
    return table


def add_executions(table, threads, every, slots, c11):
    locs = locations(threads)
    hidden = mutexes(threads)
    readers = [s for s in slots if s.reads]
    sources = [[None] + [w for w in slots if w.may_write and w.loc == r.loc and w is not r] for r in readers]
    for choice in itertools.product(*sources):
        source = dict(zip(readers, choice))
        values = evaluate(slots, source)
        if values is None:
            continue
        read, wrote = values
        writers = [[s for s in slots if s.loc == loc and wrote[s] is not None] for loc in locs]
        for mo_choice in itertools.product(*(itertools.permutations(w) for w in writers)):
            if any(a.thread == b.thread and a.index > b.index for order in mo_choice
                   for k, a in enumerate(order) for b in order[k + 1:]):
                continue  # against program order on one location: saves time, the axioms refuse it too
            if any(s.reads and source[s] is not before for order in mo_choice for before, s in zip([None, *order], order)):
                continue  # a read-modify-write that does not follow its source: the same
            if not consistent(slots, locs, source, read, wrote, mo_choice, c11):
                continue
            final = [wrote[order[-1]] if order else 0 for loc, order in zip(locs, mo_choice) if loc not in hidden]
            results = [read.get(s, 0) for s in every if s.kind in RESULTS]
            outcome = " ".join(map(str, results)) + " |" + "".join(f" {v}" for v in final)
            table[outcome] = table.get(outcome, 0) + 1


# ---- the same programs in C ----

def identifier(name):
    return "L_" + re.sub(r"\W", "_", name)


def c_source(programs):
    out = ["/* SPDX-License-Identifier: MIT */",
           "/* Made by rc11.py from litmus.txt. */",
           "#include <atomicx/model.h>", "", "#include <pthread.h>", "#include <stdatomic.h>", "#include <stdio.h>", "",
           "static int r[32];", ""]
    for name, threads in programs:
        ident = identifier(name)
        hidden = mutexes(threads)
        locs = [x for x in locations(threads) if x not in hidden]
        out.append(f"/* {name} */")
        out.append("static atomic_int " + ", ".join(f"{ident}_{x}" for x in locs) + ";")
        out += [f"static pthread_mutex_t {ident}_{x} = PTHREAD_MUTEX_INITIALIZER;" for x in sorted(hidden)]
        register = 0
        for t, thread in enumerate(threads):
            lines = []
            for op in thread:
                order = f"memory_order_{ORDERS[op[-1]]}"
                if op[0] == "F":
                    lines.append(f"atomic_thread_fence({order});")
                    continue
                if op[0] == "M":
                    lines.append("ax_model_mortal();")
                    continue
                at = f"&{ident}_{op[1]}"
                if op[0] in "LU":
                    lines.append(f"pthread_mutex_{'lock' if op[0] == 'L' else 'unlock'}({at});")
                    continue
                if op[0] == "S":
                    lines.append(f"while (atomic_load_explicit({at}, {order}) != {op[2]}) ;")
                    continue
                if op[0] == "W":
                    lines.append(f"atomic_store_explicit({at}, {op[2]}, {order});")
                    continue
                if op[0] == "R":
                    lines.append(f"r[{register}] = atomic_load_explicit({at}, {order});")
                elif op[0] == "X":
                    lines.append(f"r[{register}] = atomic_exchange_explicit({at}, {op[2]}, {order});")
                elif op[0] == "A":
                    lines.append(f"r[{register}] = atomic_fetch_add_explicit({at}, {op[2]}, {order});")
                else:
                    success = f"memory_order_{ORDERS[op[-2]]}"
                    strength = "strong" if op[0] == "C" else "weak"
                    lines.append(f"int e{register} = {op[2]}; atomic_compare_exchange_{strength}_explicit("
                                 f"{at}, &e{register}, {op[3]}, {success}, {order}); r[{register}] = e{register};")
                register += 1
            out.append(f"static void *{ident}_{t}(void *u) {{ {' '.join(lines)} return u; }}")
        n = len(threads)
        values = ", ".join([f"r[{k}]" for k in range(register)] +
                           [f"atomic_load_explicit(&{ident}_{x}, memory_order_relaxed)" for x in locs])
        text = " ".join(["%d"] * register) + " |" + " %d" * len(locs)
        out += [f"AX_MODEL_TEST({ident})", "{", f"    pthread_t t[{n}];"]
        out += [f"    pthread_create(&t[{t}], NULL, {ident}_{t}, NULL);" for t in range(n)]
        out += [f"    for (int i = 0; i < {n}; i++)", "        pthread_join(t[i], NULL);",
                f'    ax_model_outcome("{text}", {values});', "}", ""]
    return "\n".join(out)


def check(programs, command, c11):
    wanted = {identifier(name): (name, threads) for name, threads in programs}
    run = subprocess.run(command + ["--json", "--no-progress"], capture_output=True, text=True)
    seen, wrong, executions = set(), 0, 0
    for line in run.stdout.splitlines():
        got = json.loads(line)
        name, threads = wanted[got["test"]]
        seen.add(got["test"])
        expected = explore(threads, c11)
        found = {o["outcome"].strip(): o["executions"] for o in got["outcomes"]}
        expected = {k.strip(): v for k, v in expected.items()}
        executions += sum(expected.values())
        if found == expected and got["executions"] == sum(expected.values()) and got["extent"] == "EXHAUSTED":
            continue
        wrong += 1
        print(f"{name}: {got['executions']} executions ({got['extent']}), expected {sum(expected.values())}")
        for outcome in sorted(set(found) | set(expected)):
            if found.get(outcome, 0) != expected.get(outcome, 0):
                print(f"    {outcome}: {found.get(outcome, 0)}, expected {expected.get(outcome, 0)}")
    missing = set(wanted) - seen
    for ident in sorted(missing):
        print(f"{wanted[ident][0]}: no verdict")
    print(f"{len(seen)} programs, {executions} executions, {wrong + len(missing)} wrong")
    return 0 if seen and not wrong and not missing else 1


# ---- random programs ----

# As many ways to choose sources as the enumerator goes through in half a minute.
MOST_CHOICES = 300_000


def choices(threads):
    """How many ways there are to choose sources, weak failures and deaths, most of which are not consistent."""
    slots = [Slot(t, i, op) for t, thread in enumerate(threads) for i, op in enumerate(thread)]
    n = 2 ** sum(s.kind == "B" for s in slots)
    for r in slots:
        if r.reads:
            n *= 1 + sum(w.may_write and w.loc == r.loc and w is not r for w in slots)
    for thread in threads:
        n *= sum(1 for _ in deaths(thread))
    return n


def affordable(make, rng):
    """A program of make that the enumerator comes to an end with."""
    while True:
        text = make(rng)
        if choices([[op.split() for op in thread.split(";")] for thread in text.split("||")]) <= MOST_CHOICES:
            return text


def random_program(rng):
    """Two to four threads, at most seven operations, two or three locations, every operation and order."""
    locs = "xyz"[:rng.choice([1, 2, 2, 2, 3])]
    threads = [[] for _ in range(rng.choice([2, 2, 3, 3, 4]))]
    reads = ["rlx", "acq", "sc"]
    writes = ["rlx", "rel", "sc"]
    both = ["rlx", "acq", "rel", "acq_rel", "sc"]
    if rng.random() < 0.3:
        reads = writes = both = ["rlx", "sc"]
    value = 0
    for k in range(rng.randint(len(threads), 6)):
        thread = threads[k] if k < len(threads) else rng.choice(threads)
        loc = rng.choice(locs)
        value += 1
        kind = rng.choice("RRRWWWWAXCF")
        if kind == "R":
            op = f"R {loc} {rng.choice(reads)}"
        elif kind == "W":
            op = f"W {loc} {value} {rng.choice(writes)}"
        elif kind == "A":
            op = f"A {loc} 10 {rng.choice(both)}"
        elif kind == "X":
            op = f"X {loc} {value} {rng.choice(both)}"
        elif kind == "C":
            success = rng.choice(both)
            fail = {"sc": ["rlx", "acq", "sc"], "acq": ["rlx", "acq"], "acq_rel": ["rlx", "acq"]}.get(success, ["rlx"])
            op = f"C {loc} {rng.randint(0, value)} {value} {success} {rng.choice(fail)}"
        else:
            op = f"F {rng.choice(both[1:] if len(both) > 2 else ['sc'])}"
        thread.append(op)
    threads[0].append(f"W {locs[0]} 99 rlx")
    return " || ".join("; ".join(thread) for thread in threads)


def waiting_program(rng):
    """Two to four threads that also wait for each other, in ways that end: critical sections of one mutex, each of
    one or two operations; loads until a value is there that an earlier thread stores, once; weak compare-exchanges;
    and perhaps a thread that may die, for which nobody waits."""
    count = rng.choice([2, 3, 3, 4])
    flags = dict(zip(rng.sample(range(count), rng.choice([0, 1, 1, 2])), "pq"))
    mortal = rng.choice([None, None] + [t for t in range(count) if t not in flags])
    left = 6 if mortal is None else 5
    value = 0
    threads = []

    def plain():
        nonlocal value, left
        value += 1
        left -= 1
        loc = rng.choice("xy")
        kind = rng.choice("RRWWAB")
        if kind == "R":
            return [f"R {loc} {rng.choice(['rlx', 'acq', 'sc'])}"]
        if kind == "W":
            return [f"W {loc} {value} {rng.choice(['rlx', 'rel', 'sc'])}"]
        if kind == "A":
            return [f"A {loc} 10 {rng.choice(['rlx', 'acq', 'rel', 'acq_rel', 'sc'])}"]
        return [f"B {loc} {rng.choice([0, 0, value - 1])} {value} {rng.choice(['rlx', 'acq_rel', 'sc'])} rlx"]

    for t in range(count):
        parts = [[f"S {flags[u]} 1 {rng.choice(['rlx', 'acq', 'sc'])}"] for u in flags if u < t and rng.random() < 0.6]
        parts += [plain() for _ in range(rng.choice([0, 1, 1, 2])) if left > 0]
        if t != mortal and left > 0 and rng.random() < 0.6:
            parts.append(["L m acq"] + plain() + ["U m rel"])
        rng.shuffle(parts)
        if t in flags:
            parts.insert(rng.randint(0, len(parts)), [f"W {flags[t]} 1 {rng.choice(['rlx', 'rel', 'sc'])}"])
        if t == mortal:
            parts.insert(rng.randint(0, len(parts)), ["M rlx"])
        threads.append([op for part in parts for op in part])
    threads[0].append("W x 99 rlx")
    return " || ".join("; ".join(thread) for thread in threads if thread)


def main():
    arguments = sys.argv[1:]
    c11 = "--c11" in arguments
    if c11:
        arguments.remove("--c11")
    if len(arguments) == 3 and arguments[0] == "random":
        rng = random.Random(int(arguments[1]))
        for k in range(int(arguments[2])):
            print(f"random{k} : {affordable(waiting_program if k % 2 else random_program, rng)}")
        return
    if len(arguments) < 2 or arguments[0] not in ("c", "expect", "check"):
        sys.exit(__doc__)
    programs = parse(arguments[1])
    if arguments[0] == "c":
        print(c_source(programs))
    elif arguments[0] == "expect":
        for name, threads in programs:
            table = explore(threads, c11)
            print(f"{name}: {sum(table.values())} executions")
            for outcome, count in sorted(table.items()):
                print(f"    {outcome}: {count}")
    else:
        command = arguments[2:] + (["--rs", "c11"] if c11 else [])
        sys.exit(check(programs, command, c11))


if __name__ == "__main__":
    main()
