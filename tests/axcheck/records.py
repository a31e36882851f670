#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Right records are accepted and forged ones refused, each for its own reason.

usage: records.py AXCHECK

A case is a record, the exit status it must give and a pattern its output must contain, so that a record
refused for a reason other than the one it was forged for counts as a failure.
"""
import copy
import json
import os
import re
import resource
import subprocess
import sys
import tempfile

AXCHECK = os.path.abspath(sys.argv[1])
I64 = 2**63
failures = 0
checks = 0


def check(name, ok, detail=""):
    global failures, checks
    checks += 1
    if not ok:
        failures += 1
        print(f"FAILED: {name}: {detail}")


def axcheck(data, *options):
    """Judges these bytes on standard input: status, output."""
    done = subprocess.run([AXCHECK, *options, "-"], input=data, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def text(record):
    return (json.dumps(record, separators=(",", ":")) + "\n").encode()


def case(name, record, status, pattern, *options):
    data = record if isinstance(record, bytes) else text(record)
    got, output = axcheck(data, *options)
    check(name, got == status and re.search(pattern, output), f"status {got}, wanted {status} and /{pattern}/ in:\n{output}")


def base(primitive, setup, workers, final, **more):
    return {"format": "atomicx-record", "version": 1, "primitive": primitive, "program": "forged", "impl": "ours",
            "seed": "1", "command": "none", "threads": len(workers), "iters": workers[0]["ops"], "complete": True,
            "setup": setup, "workers": [{"thread": i, **w} for i, w in enumerate(workers)], "final": final, **more}


def counter():
    """Three workers of four additions each, from 10; the values 10 to 21 were returned."""
    shares = [[10, 13, 14, 21], [11, 12, 15, 20], [16, 17, 18, 19]]
    workers = [{"ops": 4, "added": 4, "returned_sum": str(sum(s)), "returned_squares": str(sum(v * v for v in s))}
               for s in shares]
    return base("counter", {"initial": 10, "monotone": True}, workers, {"value": 22}, samples=[10, 12, 12, 22])


def adder():
    return base("adder", {"initial": 0}, [{"ops": 5, "added": 50}, {"ops": 5, "added": -20}], {"sum": 12},
                drains=[{"drainer": 0, "calls": 2, "drained": 20}, {"drainer": 1, "calls": 0, "drained": 0},
                        {"drainer": 2, "calls": 1, "drained": -2}])


def tickets():
    """Ten tickets, three workers, everything sold, five refusals."""
    return base("tickets", {"capacity": 10},
                [{"ops": 5, "sells": 4, "sold_out": 1, "refunds": 0, "held": "0:2 2 4"},
                 {"ops": 5, "sells": 3, "sold_out": 2, "refunds": 0, "held": "2:2 1"},
                 {"ops": 5, "sells": 3, "sold_out": 2, "refunds": 0, "held": "6:3"}], {"left": 0})


def concurrent_map():
    """Two workers on three keys, of which the second is gone, and two steady ones."""
    return base("map", {"keys": 3, "steady": [100, 200]},
                [{"ops": 9, "added": [5, 7, 1], "removed": [2, 0, 0]},
                 {"ops": 9, "added": [4, 3, 0], "removed": [0, 10, 0]}],
                {"keys": [4, 0, 2, 3], "values": [200, 7, 1, 100]},
                walks=[{"walks": 5, "missed": 0, "twice": 0, "strays": 0}])
def accounts():
    """Three accounts, two workers, one auditor; the second worker pays 40 in and 10 out."""
    return base("accounts", {"accounts": 3, "opening": 100, "floor": -5},
                [{"ops": 5, "accepted": 3, "refused": 2, "deposited": 0, "withdrawn": 0, "ledger": [-105, 5, 100]},
                 {"ops": 5, "accepted": 5, "refused": 0, "deposited": 40, "withdrawn": 10, "ledger": [0, 0, 30]}],
                {"balances": [-5, 105, 230], "audits": [{"count": 7, "least": 290, "most": 340, "lowest_balance": -5}]})


def closed_accounts():
    """Transfers only: every audit is the total."""
    return base("accounts", {"accounts": 2, "opening": 50, "floor": 0},
                [{"ops": 5, "accepted": 4, "refused": 1, "deposited": 0, "withdrawn": 0, "ledger": [-50, 50]}],
                {"balances": [0, 100], "audits": [{"count": 3, "least": 100, "most": 100, "lowest_balance": 0}]})


def accounts_cases():
    case("accounts", accounts(), 0, r"3 accounts agree with the ledgers, in sum 330(.|\n)*holds")
    case("closed accounts", closed_accounts(), 0, r"3 audits came to 100 up to 100, where 100 up to 100 could be")
    case("accounts without audits", forge(closed_accounts, "final", "audits", DELETE), 0, "holds")
    case("accounts nobody audited", forge(closed_accounts, "final", "audits", []), 0, "holds")
    case("money lost", forge(accounts, "final", "balances", 1, 104), 1,
         r"VIOLATED  conservation: account 1 has 104, the ledgers say 105 \(1 of 3 accounts; in sum 329, by the ledgers 330\)")
    case("money swapped", forge(accounts, "final", "balances", [-5, 230, 105]), 1, r"VIOLATED  conservation: .*\(2 of 3 accounts")
    case("below the floor", forge(accounts, "setup", "floor", -4), 1, r"VIOLATED  floors at the end: account 0 has -5, below -4")
    case("below the floor at an audit", forge(accounts, "final", "audits", 0, "lowest_balance", -6), 1,
         "VIOLATED  floors in audits: the lowest balance seen was -6, the floor is -5")
    case("an audit below", forge(accounts, "final", "audits", 0, "least", 289), 1, "VIOLATED  audits: 7 audits came to 289 up to 340")
    case("an audit above", forge(accounts, "final", "audits", 0, "most", 341), 1, "VIOLATED  audits")
    case("money in flight", forge(closed_accounts, "final", "audits", 0, "least", 99), 1, "where 100 up to 100 could be")
    case("money made in flight", forge(closed_accounts, "final", "audits", 0, "most", 101), 1, "VIOLATED  audits")
    case("a ledger that is not what was paid", forge(accounts, "workers", 1, "deposited", 41), 1,
         r"VIOLATED  own figures: worker 1's ledger comes to 30, deposited - withdrawn to 31")
    case("an operation without an answer", forge(accounts, "workers", 0, "refused", 1), 1,
         r"VIOLATED  own figures: worker 0.*accepted \+ refused is 4 of 5")
    case("no accounts", forge(accounts, "setup", "accounts", 0), 65, "setup.accounts is 0, less than 1")
    case("more accounts than balances", forge(accounts, "setup", "accounts", 2**31 - 1), 65,
         "final.balances has 3 numbers for 2147483647 accounts")
    case("a short ledger", forge(accounts, "workers", 0, "ledger", [0, 0]), 65, r"workers\[0\]\.ledger has 2 numbers for 3 accounts")
    case("no ledger", forge(accounts, "workers", 0, "ledger", DELETE), 65, r"workers\[0\]\.ledger is missing")
    case("a ledger of strings", forge(accounts, "workers", 0, "ledger", ["a", 0, 0]), 65, r"workers\[0\]\.ledger")
    case("no final balances", forge(accounts, "final", "balances", DELETE), 65, r"final\.balances is missing")
    case("audits as a number", forge(accounts, "final", "audits", 3), 65, r"final\.audits is not an array")
    case("an audit as a number", forge(accounts, "final", "audits", [3]), 65, r"final\.audits\[0\] is not an object")
    case("an audit that was not made", forge(accounts, "final", "audits", 0, "count", 0), 65, "less than 1")
    case("audits upside down", forge(accounts, "final", "audits", 0, "most", 289), 65, "less than 290")
    case("negative acceptance", forge(accounts, "workers", 0, "accepted", -1), 65, "less than 0")
    huge = forge(forge(closed_accounts, "setup", "opening", I64 - 1), "final", "balances", [I64 - 1 - 50, I64 - 1])
    case("balances beyond 64 bits", huge, 1, "VIOLATED")


def forge(make, *path_and_value):
    """A copy with one place changed; the value DELETE removes it."""
    record = make() if callable(make) else copy.deepcopy(make)
    *path, last, value = path_and_value
    at = record
    for step in path:
        at = at[step]
    if value is DELETE:
        del at[last]
    else:
        at[last] = value
    return record


DELETE = object()


def valid():
    case("counter", counter(), 0, r"final\.value 22 = initial 10 \+ 12 added(.|\n)*-: holds \(6 invariants\)\n\Z")
    case("adder", adder(), 0, r"final\.sum 12 \+ 18 drained in 3 calls = initial 0 \+ 30 added")
    case("tickets", tickets(), 0, r"10 held \+ 0 left = capacity 10")
    case("map", concurrent_map(), 0, r"20 put in - 12 taken out = 8 there")
    case("workers in any order", forge(tickets, "workers", tickets()["workers"][::-1]), 0, "holds")
    case("no limit on operations", forge(counter, "iters", None), 0, "holds")
    record = forge(counter, "complete", False)
    record["iters"] = 5
    case("interrupted", record, 0, "at most 5 operations")
    record = forge(tickets, "iters", 6)
    record["complete"] = False
    case("several readers", forge(counter, "samples", [[10, 11], [10, 22], []]), 0, "4 samples of 3 readers")
    record = base("counter", {"initial": I64 - 1}, [{"ops": 1, "added": -I64}, {"ops": 1, "added": 0}], {"value": -1})
    case("extremes of 64 bits", record, 0, "final.value -1 = initial 9223372036854775807")
    record = base("counter", {"initial": -I64}, [{"ops": 1, "added": I64 - 1}] * 2 + [{"ops": 1, "added": 1}],
                  {"value": I64 - 1})
    case("a sum that overflows on the way", record, 0, "\\+ 18446744073709551615 added")
    first, n, m = -5, 12, 2**64
    values = range(first, first + n)
    record = base("counter", {"initial": first}, [{"ops": n, "added": n, "returned_sum": str(sum(values) % m),
                                                   "returned_squares": str(sum(v * v for v in values) % m)}],
                  {"value": first + n})
    case("returned values below zero", record, 0, "those of -5 to 6 once each")
    for first, n in ((0, 1), (7, 2**31), (-2**62, 2**62 + 3), (1, 3 * 2**40 + 1), (2, 2**62 + 1)):
        s = (n * first + n * (n - 1) // 2) % m
        q = (n * first * first + first * n * (n - 1) + (n - 1) * n * (2 * n - 1) // 6) % m
        record = base("counter", {"initial": first}, [{"ops": n, "added": n, "returned_sum": str(s),
                                                       "returned_squares": str(q)}], {"value": first + n})
        case(f"{n} returned values", record, 0, "once each")
    record = tickets()
    record["workers"][2].update(sells=5, refunds=2)
    case("refunds", record, 0, "12 sold - 2 refunded = 10 held")
    record = base("tickets", {"capacity": 2**31 - 1}, [{"ops": 1, "sells": 2**31 - 1, "sold_out": 0, "refunds": 0,
                                                        "held": "0:2147483647"}], {"left": 0})
    case("the largest capacity", record, 0, "holds", "--memory", "1M")
    record = forge(tickets, "workers", 2, "held", "6:1 0:2")
    case("a run in two pieces", record, 0, "holds")
    record = base("tickets", {"capacity": 10, "kills": 2}, [{"ops": 3, "sells": 3, "sold_out": 0, "refunds": 0,
                                                             "held": "0:3"}], {"left": 5})
    case("tickets burned by kills", record, 0, "- 2 burned by 2 kills")
    record = base("tickets", {"capacity": 10, "batch": 4}, [{"ops": 3, "sells": 8, "sold_out": 1, "refunds": 0,
                                                             "held": "0:8"}], {"left": 2})
    case("a batch larger than what was left", record, 0, "1 refusals of up to 4 at once, and 2 left")
    case("spaces and unknown fields", json.dumps({**counter(), "later": [1, {"x": "\u00e9\\u001b"}]}, indent=2).encode() + b"\n",
         0, "holds")
    record = base("counter", {"initial": 0}, [{"ops": 0, "added": 0}], {"value": 0})
    case("nothing done is not a success", record, 3, "vacuous: no operation was done")


def violated():
    for name, value in (("one lost", 21), ("one too many", 23)):
        case(name, forge(counter, "final", "value", value), 1,
             rf"VIOLATED  sum: final\.value {value}, but initial 10 \+ 12 added is 22: 1 (lost|too many)")
    record = forge(counter, "final", "value", 21)
    record.update(ok=True, verdict="holds", violated=0)
    case("a record that says it is right", record, 1, "VIOLATED  sum")
    record = base("counter", {"initial": I64 - 1}, [{"ops": 1, "added": 1}], {"value": -I64})
    case("a sum that wrapped", record, 1, "is 9223372036854775808, outside signed 64 bits; final.value is -9223372036854775808")
    record = base("counter", {"initial": 0}, [{"ops": 1, "added": I64 - 1}] * 2 + [{"ops": 1, "added": 2}], {"value": 0})
    case("a sum that wrapped all the way round", record, 1, "is 18446744073709551616, outside")
    record = base("counter", {"initial": 0}, [{"ops": 3, "added": 3, "returned_sum": "3", "returned_squares": "3"}],
                  {"value": 3})
    case("right sum of returned values, wrong squares", record, 1, "VIOLATED  returned: sum 3 and squares 3 .* give 3 and 5")
    case("one value returned twice", forge(counter, "workers", 1, "returned_sum", "59"), 1, "VIOLATED  returned")
    record = forge(counter, "workers", 0, "added", 5)
    record["workers"][1]["added"] = 3
    case("not every operation added one", record, 1, "VIOLATED  ones: worker 0 added 5 in 4 operations")
    case("fewer operations than asked", forge(counter, "workers", 2, "ops", 3), 1,
         r"VIOLATED  iterations: worker 2 did 3 operations of 4 asked for \(1 of 3 workers\)")
    record = forge(counter, "complete", False)
    record["iters"] = 3
    case("interrupted after more than was asked", record, 1, "VIOLATED  iterations: worker 0 did 4 operations of 3")
    case("a sample that falls", forge(counter, "samples", [10, 12, 11, 22]), 1, "VIOLATED  samples rise: a reader saw 11 after 12")
    case("a sample below the start", forge(counter, "samples", [9, 12]), 1, "VIOLATED  samples in range: 9 is outside 10 to 22")
    case("a sample past the end", forge(counter, "samples", [[10], [12, 23]]), 1, "VIOLATED  samples in range: 23 is outside")
    case("adder: one lost", forge(adder, "final", "sum", 11), 1, r"11 \+ 18 drained in 3 calls is not initial 0 \+ 30 added: 1 lost")
    case("adder: drained twice", forge(adder, "drains", 0, "drained", 40), 1, "20 too many")
    record = forge(adder, "drains", DELETE)
    case("adder: drains forgotten", record, 1, r"final\.sum 12 is not initial 0 \+ 30 added: 18 lost")
    record = base("adder", {"initial": 0}, [{"ops": 1, "added": 1}], {"sum": 0})
    case("adder: without drains", record, 1, r"final\.sum 0 is not initial 0 \+ 1 added: 1 lost")
    record = tickets()
    record["workers"][1]["held"] = "2:2 0"
    case("a ticket swapped for one that is sold: totals balance", record, 1,
         r"VIOLATED  once: ticket 4 is held by workers (0 and 1|1 and 0) \(10 held, 9 different\)")
    record = tickets()
    record["workers"][2]["held"] = "0:3"
    case("three tickets sold twice", record, 1, r"VIOLATED  once: ticket 0 is held by workers .* \(10 held, 7 different\)")
    record = base("tickets", {"capacity": 100}, [{"ops": 1, "sells": 100, "sold_out": 0, "refunds": 0, "held": "0:100"},
                                                 {"ops": 1, "sells": 1, "sold_out": 0, "refunds": 0, "held": "50"}], {"left": -1})
    case("one ticket within a long run, left below zero", record, 1,
         r"VIOLATED  once: ticket 50 is held by workers 0 and 1(.|\n)*VIOLATED  conservation: final.left -1 of a capacity of 100")
    record = tickets()
    record["workers"][0].update(sells=5, ops=5, sold_out=0, strays=[-1])
    case("ticket -1", record, 1, r"VIOLATED  in range: worker 0 was sold ticket -1, outside 0 to 9 \(1 such sales\)")
    case("ticket 10 of 10", forge(forge(tickets, "workers", 2, "strays", [10]), "workers", 2, "sells", 4), 1,
         "VIOLATED  in range: worker 2 was sold ticket 10")
    record = forge(forge(tickets, "workers", 1, "repeats", [2, 2]), "workers", 1, "sells", 5)
    case("the same ticket again to its holder", record, 1, r"VIOLATED  no repeats: worker 1 was sold ticket 2 .*\(2 such sales\)")
    case("one sale more than tickets", forge(tickets, "workers", 0, "sells", 5), 1,
         "VIOLATED  own figures: worker 0 has 4 tickets, but its sells - refunds are 5")
    case("one refund nobody asked for", forge(tickets, "workers", 1, "refunds", 1), 1,
         "VIOLATED  own figures: worker 1 has 3 tickets, but its sells - refunds are 2")
    record = tickets()
    record["workers"][0]["sells"] += 1
    record["workers"][1]["sells"] -= 1
    case("wrong figures of two workers that cancel", record, 1, r"VIOLATED  own figures: .*\(2 of 3 workers\)")
    record = tickets()
    record["workers"][2].update(held="6:2", sells=2)
    case("a ticket vanished", record, 1, "VIOLATED  conservation: 9 held \\+ 0 left is 9, capacity 10: 1 missing")
    record["setup"]["kills"] = 1
    case("which one kill explains", record, 0, "1 burned by 1 kills")
    record["workers"][0].update(held="0:2", sells=2)
    case("and two don't fit one kill", record, 1, "VIOLATED  conservation: 7 held")
    case("a lost addition", forge(concurrent_map, "final", "values", 1, 6), 1, "VIOLATED  conservation: key 0 has 1 too little")
    case("an addition twice", forge(concurrent_map, "final", "values", 1, 8), 1, "VIOLATED  conservation: key 0 has 1 too much")
    case("a removal that took less", forge(concurrent_map, "workers", 1, "removed", 1, 9), 1, "VIOLATED  conservation: key 1 has 1 too little")
    record = forge(concurrent_map, "final", "keys", [4, 0, 2, 3, 0])
    record["final"]["values"] = [200, 7, 1, 100, 7]
    case("a key that is there twice", record, 1, "VIOLATED  once: key 0 is there twice")
    record = forge(concurrent_map, "final", "keys", [4, 0, 2, 3, 5])
    record["final"]["values"] = [200, 7, 1, 100, 0]
    case("a key that is nobody's", record, 1, "VIOLATED  known: key 5 is there")
    record = forge(concurrent_map, "final", "keys", [0, 2, 3])
    record["final"]["values"] = [7, 1, 100]
    case("a steady key gone", record, 1, "VIOLATED  steady: key 4, which nobody touched, is gone")
    for what in ("missed", "twice", "strays"):
        case("a walk that " + what, forge(concurrent_map, "walks", 0, what, 1), 1, "VIOLATED  walks: 5 walks")
    case("a row too short", forge(concurrent_map, "workers", 0, "added", [1, 2]), 65, r"workers\[0\]\.added has 2 numbers instead of 3")
    case("values without keys", forge(concurrent_map, "final", "keys", [1]), 65, r"final\.values has 4 numbers instead of 1")
    case("more keys than bytes", forge(concurrent_map, "setup", "keys", 2**40), 65, r"setup\.keys is 1099511627776, more than")
    case("a ticket too many left", forge(tickets, "final", "left", 1), 1, "is 11, capacity 10: 1 too many")
    case("more left than there are", forge(tickets, "final", "left", I64 - 1), 1, "VIOLATED  conservation: final.left 9223372036854775807")
    record = forge(tickets, "final", "left", 1)
    record["workers"][2].update(held="6:2", sells=2)
    case("refused although one was left", record, 1, "VIOLATED  sold out: 5 refusals of up to 1 at once, and 1 left")
    record["setup"]["batch"] = 2
    case("but not two, when two were wanted", record, 0, "sold out: 5 refusals of up to 2 at once, and 1 left")
    record = forge(record, "setup", "batch", 1)
    case("nor where a lease may have held it", forge(record, "setup", "leased", 1), 0,
         "sold out: 5 refusals of up to 1 at once, and 1 left, where leases held up to 1")
    case("leases that held fewer than are left", forge(forge(record, "setup", "leased", 1), "final", "left", 2), 1,
         "VIOLATED  sold out: 5 refusals of up to 1 at once, and 2 left, where leases held up to 1")
    case("leases of less than nothing", forge(record, "setup", "leased", -1), 65, "setup.leased is -1, less than 0")


def corrupt_fields():
    case("wrong format", forge(counter, "format", "atomicx-recor"), 65, 'at byte 10: format is "atomicx-recor", not')
    case("a history's name on a record", forge(counter, "format", "atomicx-history"), 65, "does not name a model")
    case("version 2", forge(counter, "version", 2), 65, "version is 2; this axcheck knows version 1")
    case("version as a string", forge(counter, "version", "1"), 65, "version is not an integer")
    case("unknown primitive", forge(counter, "primitive", "ticket"), 65, 'primitive is "ticket", which this axcheck can')
    case("a missing worker", forge(counter, "workers", 1, DELETE), 65, "workers has 2 entries for 3 threads")
    record = counter()
    record["workers"].append({**record["workers"][0]})
    case("a worker too many", record, 65, "workers has 4 entries for 3 threads")
    case("a worker twice", forge(counter, "workers", 2, "thread", 1), 65, r"workers\[2\]\.thread is 1 for the second time")
    case("a worker with a number too high", forge(counter, "workers", 2, "thread", 3), 65, r"workers\[2\]\.thread is 3, more than 2")
    case("a worker without a number", forge(counter, "workers", 0, "thread", DELETE), 65, r"workers\[0\]\.thread is missing")
    case("two thousand million threads", forge(counter, "threads", 2**31 - 1), 65, "has 3 entries for 2147483647 threads")
    case("no threads", forge(counter, "threads", 0), 65, "threads is 0, less than 1")
    case("negative operations", forge(counter, "workers", 1, "ops", -4), 65, r"workers\[1\]\.ops is -4, less than 0")
    case("negative sales", forge(tickets, "workers", 1, "sells", -3), 65, r"workers\[1\]\.sells is -3, less than 0")
    case("negative iterations", forge(counter, "iters", -1), 65, "iters is -1, less than 0")
    case("no final state", forge(counter, "final", DELETE), 65, "final is missing")
    case("final state of another kind", forge(counter, "final", [22]), 65, "final is not an object")
    case("no setup", forge(counter, "setup", DELETE), 65, "setup is missing")
    case("complete is 1", forge(counter, "complete", 1), 65, "complete is neither true nor false")
    case("added as a string", forge(counter, "workers", 0, "added", "4"), 65, r"workers\[0\]\.added is not an integer")
    case("added missing", forge(counter, "workers", 0, "added", DELETE), 65, r"workers\[0\]\.added is missing")
    case("returned sums of some workers", forge(forge(counter, "workers", 0, "returned_sum", DELETE), "workers", 0,
                                                "returned_squares", DELETE), 65, "returned_sum in 2 of 3 entries")
    for bad in ("", "07", "-1", "1e3", " 1", str(2**64)):
        case(f"returned_sum {bad!r}", forge(counter, "workers", 0, "returned_sum", bad), 65, "is not a decimal number below 2")
    case("samples with a string", forge(counter, "samples", [10, "11"]), 65, r"samples\[1\] is not an integer")
    case("samples of mixed kinds", forge(counter, "samples", [[10], 11]), 65, r"samples\[1\] is not an array")
    case("samples with drains", forge(adder, "samples", [0]), 65, "samples can't be judged in a run with drains")
    case("drained without a call", forge(adder, "drains", 1, "drained", 1), 65, r"drains\[1\] drained 1 in no call")
    case("capacity 0", forge(tickets, "setup", "capacity", 0), 65, "setup.capacity is 0, less than 1")
    case("capacity 2^31", forge(tickets, "setup", "capacity", 2**31), 65, "setup.capacity is 2147483648, more than 2147483647")
    case("negative kills", forge(tickets, "setup", "kills", -1), 65, "setup.kills is -1, less than 0")
    case("a stray that is a ticket", forge(tickets, "workers", 0, "strays", [3]), 65, r"workers\[0\]\.strays\[0\] is 3, within 0 to 9")
    case("a repeat that is no ticket", forge(tickets, "workers", 0, "repeats", [10]), 65, r"workers\[0\]\.repeats\[0\] is 10, outside 0 to 9")
    for bad, at, why in (("0:2 2 5", 6, "past the capacity"), ("0:11", 0, "past the capacity"), ("10", 0, "past the capacity"),
                         ("0:10 0", 5, "past the capacity"), ("9999999999:9999999999", 0, "past the capacity"),
                         ("0:2 18446744073709551614:1", 4, "beyond any ticket"), ("0:18446744073709551616", 2, "beyond any ticket"),
                         ("00:2", 0, "leading zero"), ("0:02", 2, "leading zero"), ("0:2  2", 4, "a digit is expected"),
                         (" 0:2", 0, "a digit is expected"), ("0:2 ", 3, "a space at the end"), ("0:", 2, "a digit is expected"),
                         (":2", 0, "a digit is expected"), ("0:0", 2, "a run of no ticket"), ("0:2:1", 3, "neither a space nor"),
                         ("-1:2", 0, "a digit is expected"), ("0,2", 1, "neither a space nor"), ("+1", 0, "a digit is expected"),
                         ("1e1", 1, "neither a space nor"), ("0:2\t1", 3, "neither a space nor")):
        record = forge(tickets, "workers", 0, "held", bad)
        begin = text(record).index(b'"held":"') + len(b'"held":"')
        case(f"held {bad!r}", record, 65, rf"at byte {begin + at}: workers\[0\]\.held: .*{why}")
    case("held as an array", forge(tickets, "workers", 0, "held", [1]), 65, r"workers\[0\]\.held is not a string")
    record = forge(counter, "impl", "\x1b[2J\x9bX")
    _, output = axcheck(text(record))
    check("no control character of a record reaches the terminal", "\x1b" not in output and "\x9b" not in output, output)


def corrupt_bytes():
    right = text(counter())
    case("nothing", b"", 65, "at byte 0: empty")
    case("only spaces", b" \n\n", 65, "at byte 3: empty")
    case("another kind of file", b"\x7fELF\n", 65, "at byte 0: not a record")
    case("an array", b"[" + right.strip() + b"]\n", 65, "at byte 0: not a record")
    case("a byte order mark", b"\xef\xbb\xbf" + right, 65, "at byte 0: not a record")
    case("an empty object", b"{}\n", 65, "at byte 0: format is missing")
    case("no newline at the end", right[:-1], 65, f"at byte {len(right) - 1}: truncated: the newline")
    case("two records", right + right, 65, f"at byte {len(right) + 1}: end of file expected")
    case("garbage after the end", right + b"x\n", 65, "end of file expected")
    case("a closing bracket too many", right.strip() + b"}\n", 65, "closes what was never opened")
    case("a bracket of the wrong kind", right.replace(b"]", b"}", 1), 65, "corrupt at byte")
    for bad, why in ((b"NaN", "invalid token"), (b"Infinity", "invalid token"), (b"-Infinity", "invalid token"),
                     (b"22.0", "not an integer"), (b"22e0", "not an integer"), (b"2.2E1", "not an integer"),
                     (b"022", "invalid token"), (b"+22", "invalid token"), (b"0x16", "."), (b"22_0", "invalid token|expected"),
                     (b"9223372036854775808", "too big integer"), (b"-9223372036854775809", "too big negative integer"),
                     (b"9" * 400, "too big integer"), (b"-", "invalid token"), (b"null", "is not an integer"),
                     (b"true", "is not an integer"), (b'"22"', "is not an integer"), (b"", "unexpected token")):
        case(f"final.value {bad[:24]!r}", right.replace(b'"value":22', b'"value":' + bad), 65, why)
    case("a fraction where nobody looks", right.replace(b'"impl":"ours"', b'"impl":"ours","x":0.5'), 65, "a number that is not an integer")
    case("a key twice", right.replace(b'"value":22', b'"value":21,"value":22'), 65, "duplicate object key")
    case("a key twice, once in escapes", right.replace(b'"value":22', b'"value":21,"v\\u0061lue":22'), 65, "duplicate object key")
    case("bytes that are not UTF-8", right.replace(b"ours", b"ou\xff\xfes"), 65, "unable to decode byte 0xff")
    case("an overlong encoding", right.replace(b"ours", b"ou\xc0\xafs"), 65, "unable to decode byte 0xc0")
    case("half a surrogate pair", right.replace(b"ours", b"ou\\ud800s"), 65, "Unicode|surrogate|invalid")
    case("a zero byte", right.replace(b"ours", b"ou\x00rs"), 65, "control character")
    case("an escaped zero byte", right.replace(b"ours", b"ou\\u0000rs"), 65, "NUL")
    case("a comment", right.replace(b"{", b"{/* */", 1), 65, "corrupt at byte")
    case("a comma too many", right.replace(b"]", b",]", 1), 65, "corrupt at byte")
    case("single quotes", right.replace(b'"impl"', b"'impl'"), 65, "corrupt at byte")
    case("nesting where nobody looks", right.replace(b'"ours"', b'"ours","x":' + b"[" * 20 + b"]" * 20), 65, "nested too deeply")


def many_files():
    """Every prefix of every kind of record is corrupt; every changed bit is at worst another record."""
    with tempfile.TemporaryDirectory() as folder:
        for make in (counter, adder, tickets, concurrent_map, accounts):
            data = text(make())
            names = []
            for length in range(len(data)):
                names.append(os.path.join(folder, f"{length}.json"))
                with open(names[-1], "wb") as out:
                    out.write(data[:length])
            done = subprocess.run([AXCHECK, "--quiet", *names], capture_output=True, text=True, check=False)
            lines = done.stdout.splitlines()
            check(f"{make.__name__}: each prefix", done.returncode == 65 and len(lines) == len(names), done.stdout[-300:])
            for length, line in enumerate(lines):
                at = re.search(r": corrupt at byte (\d+): ", line)
                check(f"{make.__name__}: prefix of {length} bytes", at and int(at[1]) == length and "truncated" in line or length == 0
                      and "empty" in line, line)
            for i, name in enumerate(names):
                flipped = bytearray(data)
                flipped[i] ^= 1 << (i % 8)
                with open(name, "wb") as out:
                    out.write(flipped)
            done = subprocess.run([AXCHECK, "--json", *names], capture_output=True, check=False)
            verdicts = [json.loads(line)["verdict"] for line in done.stdout.splitlines()]
            check(f"{make.__name__}: flipped bits", done.returncode in (1, 65) and len(verdicts) == len(names)
                  and set(verdicts) <= {"holds", "violated", "corrupt"}, f"{done.returncode} {set(verdicts)}")
            check(f"{make.__name__}: flipped bits are seen", verdicts.count("holds") < len(names) // 2, str(verdicts.count("holds")))


def worst_of_several():
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            with open(os.path.join(folder, name), "wb") as out:
                out.write(data)
        put("right", text(counter()))
        put("wrong", text(forge(counter, "final", "value", 21)))
        put("corrupt", b"{")
        put("vacuous", text(base("counter", {"initial": 0}, [{"ops": 0, "added": 0}], {"value": 0})))
        for names, status in (("right", 0), ("wrong", 1), ("right wrong", 1), ("wrong right", 1), ("vacuous right", 3),
                              ("vacuous wrong", 1), ("corrupt wrong right", 65), ("wrong corrupt", 65), ("missing", 2),
                              ("missing wrong", 2), ("corrupt missing", 65), (".", 70), (". corrupt", 70), ("", 2)):
            done = subprocess.run([AXCHECK, *names.split()], capture_output=True, cwd=folder, check=False)
            check(f"files {names!r}", done.returncode == status, f"status {done.returncode}, wanted {status}")
        done = subprocess.run([AXCHECK, "--json", "right", "corrupt"], capture_output=True, cwd=folder, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        check("--json", [line["verdict"] for line in lines] == ["holds", "corrupt"] and lines[1]["offset"] == 1
              and len(lines[0]["invariants"]) == 6, str(lines))
        done = subprocess.run([AXCHECK, "-q", "right", "wrong"], capture_output=True, text=True, cwd=folder, check=False)
        check("--quiet", done.stdout == "right: holds (6 invariants)\nwrong: VIOLATED (3 of 6 invariants)\n", done.stdout)
        put("\x1b[31m", b"{")
        done = subprocess.run([AXCHECK, "\x1b[31m"], capture_output=True, cwd=folder, check=False)
        check("a name with an escape sequence", b"\x1b" not in done.stdout, done.stdout)


def command_line():
    for options, status, pattern in ((["--help"], 0, "usage: axcheck"), (["--version"], 0, r"axcheck \d+\.\d+\.\d+"),
                                     (["--nonsense"], 2, "--help"), (["--memory"], 2, "--help"), (["--memory", "0", "x"], 2, "--memory"),
                                     (["--memory", "-1", "x"], 2, "--memory"), (["--memory", "99999999999999999999", "x"], 2, "--memory"),
                                     (["--memory", "99999999999999G", "x"], 2, "--memory"), (["--memory", "1KB", "x"], 2, "--memory")):
        done = subprocess.run([AXCHECK, *options], capture_output=True, text=True, check=False)
        output, other = (done.stdout, done.stderr) if status == 0 else (done.stderr, done.stdout)
        check(str(options), done.returncode == status and re.search(pattern, output) and other == "", f"{done.returncode} {output}")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([AXCHECK, "-"], input=text(counter()), stdout=full, stderr=subprocess.PIPE, check=False)
        check("an output that can't be written", done.returncode == 70, str(done.returncode))


def offered(block, begin=b"", end=b"", total=10 << 30):
    """Offers this much and tells how much was taken before axcheck closed the pipe."""
    done = subprocess.Popen([AXCHECK, "--memory", "64M", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    taken = 0
    try:
        done.stdin.write(begin)
        while taken < total:
            done.stdin.write(block)
            taken += len(block)
        done.stdin.write(end)
    except BrokenPipeError:
        pass
    try:
        done.stdin.close()
    except BrokenPipeError:
        pass
    output = done.stdout.read().decode()
    return done.wait(), output, taken


def endless_input():
    mega = 1 << 20
    for name, begin, block, status, pattern in (
            ("nesting", b"", b"[" * mega, 65, "at byte 0: not a record"),
            ("nesting in an object", b'{"a":', b"[" * mega, 65, "at byte 20: nested too deeply"),
            ("nested objects", b"", b'{"a":' * (mega // 5), 65, "at byte 80: nested too deeply"),
            ("a number", b'{"a":', b"9" * mega, 3, "gave up: larger than the memory allowed, 64 MiB"),
            ("a string", b'{"a":"', b"x" * mega, 3, "gave up"), ("spaces", b"", b" " * mega, 3, "gave up")):
        got, output, taken = offered(block, begin)
        check(f"10 GB of {name}", got == status and re.search(pattern, output) and taken < 1 << 30, f"{got} {taken} {output}")
    # What is small as text and large once parsed: millions of empty containers.
    for bulk in (b"[]", b"{}", b'{"":0}', b"0", b'""'):
        block = b"," + bulk
        got, output, _ = offered(block * 65536, b'{"a":[0', b"]}\n", 32 * 65536 * len(block))
        check(f"millions of {bulk}", got == 3 and "gave up: needs more than 64 MiB" in output, f"{got} {output}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    check("memory stays bounded", peak < 512 << 10, f"{peak} KiB")  # a sanitizer's own needs included


endless_input()  # first: it looks at the peak memory of all children so far
valid()
violated()
accounts_cases()
corrupt_fields()
corrupt_bytes()
many_files()
worst_of_several()
command_line()
print(f"{checks} checks, {failures} failed")
sys.exit(1 if failures or checks < 1000 else 0)
