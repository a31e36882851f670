#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records of the lock's and the memo's programs: right ones accepted, forged ones refused for their own reason.

usage: lock_memo.py AXCHECK [CORPUS_FOLDER]

With a folder, the right records are written there as seeds for fuzzing.
"""
import copy
import json
import os
import re
import subprocess
import sys

AXCHECK = os.path.abspath(sys.argv[1])
KINDS = ("unlock_unlocked unlock_foreign relock copy_used original_copied fini_held thread_ended abandoned "
         "held_long inversion not_a_lock unchecked").split()
failures = 0
checks = 0


def base(primitive, setup, workers, final):
    return {"format": "atomicx-record", "version": 1, "primitive": primitive, "program": "forged", "impl": "ours",
            "seed": "1", "command": "none", "threads": len(workers), "iters": workers[0]["ops"], "complete": True,
            "setup": setup, "workers": [{"thread": i, **w} for i, w in enumerate(workers)], "final": final}


def lock():
    return base("lock", {"checked": True}, [{"ops": 5, "added": 9, "refused": 0}, {"ops": 5, "added": -4, "refused": 0}],
                {"total": 5, "reports": {kind: 0 for kind in KINDS}})


def memo():
    """Three keys; flights 1, 2 and 3 computed keys 0, 2 and 1; the second worker asked for two of them."""
    first = {"ops": 4, "again": 0, "early": 0, "wrong": 0, "failed": 0, "got_keys": [0, 1, 2], "got_serials": [1, 3, 2],
             "got_times": [100, 300, 250], "computed_keys": [1, 0], "computed_serials": [3, 1], "computed_ends": [299, 100]}
    second = {"ops": 4, "again": 0, "early": 0, "wrong": 0, "failed": 0, "got_keys": [0, 2], "got_serials": [1, 2],
              "got_times": [101, 200], "computed_keys": [2], "computed_serials": [2], "computed_ends": [200]}
    return base("memo", {"keys": 3}, [first, second], {"peak": 2})


def case(name, record, status, pattern):
    global failures, checks
    checks += 1
    data = (json.dumps(record, separators=(",", ":")) + "\n").encode()
    done = subprocess.run([AXCHECK, "-"], input=data, capture_output=True, check=False)
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode != status or not re.search(pattern, output):
        failures += 1
        print(f"FAILED: {name}: status {done.returncode}, wanted {status} and /{pattern}/ in:\n{output}")


def forged(name, record, path, value, status, pattern):
    """The record with one value replaced (or, for the value ..., taken out)."""
    record = copy.deepcopy(record)
    at = record
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    case(name, record, status, pattern)


case("lock", lock(), 0, "holds .4 invariants")
forged("an addition lost", lock(), ["final", "total"], 4, 1, "VIOLATED +conservation: 5 added by 2 workers, the table holds 4")
forged("an operation refused", lock(), ["workers", 1, "refused"], 1, 1, "VIOLATED +all done: 1 of 10")
for kind in KINDS:
    forged(f"a report of {kind}", lock(), ["final", "reports", kind], 3, 1, f"VIOLATED +no misuse: .* {kind} 3")
    forged(f"no word of {kind}", lock(), ["final", "reports", kind], ..., 65, kind)
forged("a negative number of reports", lock(), ["final", "reports", "relock"], -1, 65, "relock")
forged("no reports", lock(), ["final", "reports"], ..., 65, "reports")
forged("reports of another type", lock(), ["final", "reports"], [1], 65, "reports")
forged("refused is negative", lock(), ["workers", 0, "refused"], -1, 65, "refused")
forged("checked is no boolean", lock(), ["setup", "checked"], 1, 65, "checked")
unchecked = lock()
unchecked["setup"]["checked"] = False
case("an unchecked lock has no say", unchecked, 0, "holds .3 invariants")
forged("but a report counts", unchecked, ["final", "reports", "abandoned"], 1, 1, "VIOLATED +no misuse")

case("memo", memo(), 0, "holds .7 invariants")
W = ["workers", 0]
twice = memo()
twice["workers"][1].update(computed_keys=[2, 1], computed_serials=[2, 4], computed_ends=[200, 300])
case("a key computed twice", twice, 1, "VIOLATED +once: key 1 was computed by flights [34] and [34] .1 such keys, 4 comp")
forged("a flight nobody flew", memo(), W + ["got_serials"], [1, 9, 2], 1, "VIOLATED +own flight: a caller of key 1 got flight 9")
forged("another key's flight", memo(), W + ["got_serials"], [2, 3, 2], 1, "VIOLATED +own flight: a caller of key 0 got flight 2")
forged("a value before it was there", memo(), W + ["got_times"], [99, 300, 250], 1,
       "VIOLATED +after publication: key 0 was returned 1 ns before")
forged("another value later", memo(), W + ["again"], 1, 1, "VIOLATED +one value: 1 later")
forged("an unfinished value", memo(), W + ["early"], 2, 1, "VIOLATED +whole values: 2 unfinished")
forged("a wrong value", memo(), W + ["wrong"], 2, 1, "VIOLATED +whole values: 0 unfinished, 2 wrong")
forged("no value", memo(), W + ["failed"], 1, 1, "VIOLATED +all served: 1 of 8")
for field in ("again", "early", "wrong", "failed"):
    forged(f"no {field}", memo(), W + [field], ..., 65, field)
    forged(f"{field} negative", memo(), W + [field], -1, 65, field)
for field in ("got_serials", "got_times", "computed_serials", "computed_ends"):
    forged(f"{field} too short", memo(), W + [field], [1], 65, field + ".*has 1 elements")
    forged(f"no {field}", memo(), W + [field], ..., 65, field + ".*has 0 elements")
    forged(f"{field} no array", memo(), W + [field], 7, 65, field)
forged("a key out of range", memo(), W + ["got_keys"], [0, 1, 3], 65, "is 3, outside 0 to 2")
forged("a negative key", memo(), W + ["computed_keys"], [1, -1], 65, "is -1, outside 0 to 2")
forged("no keys", memo(), ["setup", "keys"], 0, 65, "keys")
forged("a number of keys beyond memory", memo(), ["setup", "keys"], 2**62, 0, "holds")

if len(sys.argv) > 2:
    for name, record in (("lock", lock()), ("memo", memo())):
        with open(os.path.join(sys.argv[2], name + ".json"), "w", encoding="ascii") as file:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
print(f"{checks} checks, {failures} failed")
sys.exit(1 if failures or checks < 60 else 0)
