#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records of the lock's, the memo's and the job stores' programs: right ones accepted, forged ones refused for their own reason.

usage: stories.py AXCHECK [CORPUS_FOLDER]

With a folder, the right records are written there as seeds for fuzzing.
"""
import copy
import json
import os
import sys

import forging
from forging import case, replace

KINDS = ("unlock_unlocked unlock_foreign relock copy_used original_copied fini_held thread_ended abandoned "
         "held_long inversion not_a_lock unchecked").split()


def base(primitive, setup, workers, final, **more):
    return {"format": "atomicx-record", "version": 1, "primitive": primitive, "program": "forged", "impl": "ours",
            "seed": "1", "command": "none", "threads": len(workers), "iters": workers[0]["ops"], "complete": True,
            "setup": setup, "workers": [{"thread": i, **w} for i, w in enumerate(workers)], "final": final, **more}


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


def forgetful():
    """The same; key 0 was forgotten once and computed again, flight 4; flights failed, and one thread ended in one."""
    record = memo()
    for worker, forgotten, errors in zip(record["workers"], ([1, 0, 2], [0, 0, 0]), (1, 2)):
        worker.update(forgotten=forgotten, errors=errors, stale=0)
    record["workers"][1].update(computed_keys=[2, 0], computed_serials=[2, 4], computed_ends=[200, 500])
    record["final"]["flights"] = {"entered": 8, "handed_over": 1, "died": 1, "destroyed": 4}
    return record


def jobs():
    """Two shared ids, of which job 1 was deleted in revision 3, and two workers' pairs, 2 with 3 and 4 with 5."""
    return base("jobs", {"keys": 2, "one_moment": True},
                [{"ops": 9, "created": [1, 0], "updated": [2, 3], "removed": [0, 0], "dropped": [0, 0],
                  "first": 4, "second": 4, "torn": 0},
                 {"ops": 9, "created": [0, 1], "updated": [1, 0], "removed": [0, 1], "dropped": [0, 3],
                  "first": 1, "second": 0, "torn": 0}],
                {"ids": [5, 0, 2, 3, 4], "revisions": [0, 3, 4, 4, 1], "torn": 0},
                lists=[{"lists": n, "torn": 0, "strays": 0, "twice": 0, "missed": 0, "stale": 0, "uneven": 0}
                       for n in (7, 0, 5)])


def forged(name, record, path, value, status, pattern):
    """The record with one value replaced (or, for the value ..., taken out)."""
    record = copy.deepcopy(record)
    replace(record, path, value)
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

case("a memo with forgotten keys", forgetful(), 0, "holds .11 invariants")
forged("again without being forgotten", forgetful(), ["workers", 0, "forgotten"], [0, 5, 2], 1,
       "VIOLATED +once: key 0 was computed by flights 1 and 4 .1 such keys, 4")
forged("twice again, forgotten once", forgetful(), ["workers", 1], {**forgetful()["workers"][1], "computed_keys": [0, 0],
       "computed_serials": [2, 4]}, 1, "VIOLATED +once: key 0 was computed by flights 2 and 4")
forged("a forgotten value", forgetful(), W + ["stale"], 1, 1, "VIOLATED +forgotten: 1 calls")
forged("a flight too few", forgetful(), ["final", "flights", "entered"], 7, 1, "VIOLATED +all flights: 7 entered, 4 ended with a value")
forged("an error too many", forgetful(), W + ["errors"], 5, 1, "VIOLATED +all flights: 8 entered")
forged("a stranded flight", forgetful(), ["final", "flights", "handed_over"], 0, 1, "VIOLATED +handed over: 0 of 1")
forged("a value that stays", forgetful(), ["final", "flights", "destroyed"], 3, 1, "VIOLATED +values' ends: 3 destroyed of 4")
for field in ("errors", "stale"):
    forged(f"no {field}", forgetful(), W + [field], ..., 65, field)
for field in ("entered", "handed_over", "died", "destroyed"):
    forged(f"no {field}", forgetful(), ["final", "flights", field], ..., 65, field)
    forged(f"{field} negative", forgetful(), ["final", "flights", field], -1, 65, field)
forged("forgotten too short", forgetful(), ["workers", 0, "forgotten"], [1], 65, "forgotten.*has 1 elements, not one for each of 3")
forged("forgotten, a negative time", forgetful(), ["workers", 0, "forgotten"], [1, -1, 0], 65, "is negative")
case("jobs", jobs(), 0, "holds     one moment: 12 lists missed 0(.|\\n)*holds .8 invariants")
forged("a job lost", jobs(), ["final"], {"ids": [0, 2, 3, 4], "revisions": [3, 4, 4, 1], "torn": 0}, 1,
       r"VIOLATED +existence: job 5 is there -1 times more than it is due \(1 jobs")
forged("a deleted job back", jobs(), ["final"], {"ids": [5, 0, 2, 3, 4, 1], "revisions": [0, 3, 4, 4, 1, 0], "torn": 0}, 1,
       "VIOLATED +existence: job 1 is there 1 times more")
forged("a job nobody created", jobs(), ["workers", 0, "created"], [0, 0], 1, "VIOLATED +existence: job 0 is there 1 times more")
forged("a job there twice", jobs(), ["final"], {"ids": [5, 0, 2, 3, 4, 4], "revisions": [0, 3, 4, 4, 1, 1], "torn": 0}, 1,
       "VIOLATED +once: job 4 is there twice")
for stray in (6, -1):
    forged("nobody's job", jobs(), ["final"], {"ids": [5, 0, 2, 3, 4, stray], "revisions": [0, 3, 4, 4, 1, 1], "torn": 0}, 1,
           f"VIOLATED +known: job {stray} is there, which nobody created")
forged("an update lost", jobs(), ["final", "revisions"], [0, 2, 4, 4, 1], 1, r"VIOLATED +updates: job 0 lacks 1 updates \(1 jobs")
forged("an update too many", jobs(), ["final", "revisions"], [0, 4, 4, 4, 1], 1, "VIOLATED +updates: job 0 lacks -1 updates")
forged("an update lost with a deleted job", jobs(), ["workers", 1, "dropped"], [0, 2], 1, "VIOLATED +updates: job 1 lacks 1")
forged("a step lost", jobs(), ["workers", 1, "second"], 1, 1, "VIOLATED +updates: job 5 lacks 1 updates")
forged("a step of the other worker's", jobs(), ["workers", 0, "first"], 5, 1, "VIOLATED +updates: job 2 lacks 1 updates")
forged("a half-written job", jobs(), ["workers", 0, "torn"], 1, 1, "VIOLATED +whole: 1 jobs got, 0 listed, 0 left")
forged("a half-written job in a list", jobs(), ["lists", 2, "torn"], 1, 1, "VIOLATED +whole: 0 jobs got, 1 listed, 0 left")
forged("a half-written job left", jobs(), ["final", "torn"], 1, 1, "VIOLATED +whole: 0 jobs got, 0 listed, 1 left")
for field, invariant in (("strays", "lists"), ("twice", "lists"), ("missed", "one moment"), ("stale", "one moment"),
                         ("uneven", "one moment")):
    forged(f"a list with {field}", jobs(), ["lists", 1, field], 1, 1, f"VIOLATED +{invariant}: 12 lists")
walked = jobs()
walked["setup"]["one_moment"] = False
case("lists without a promise", walked, 0, "holds .7 invariants")
for field in ("missed", "stale", "uneven"):
    forged(f"may have {field}", walked, ["lists", 1, field], 1, 0, "holds .7 invariants")
forged("but not half-written jobs", walked, ["lists", 1, "torn"], 1, 1, "VIOLATED +whole")
for path in (["setup", "keys"], ["setup", "one_moment"], ["lists"], ["lists", 0, "lists"], ["lists", 1, "uneven"], ["final", "ids"],
             ["final", "revisions"], ["final", "torn"], W + ["created"], W + ["updated"], W + ["removed"], W + ["dropped"],
             W + ["first"], W + ["second"], W + ["torn"]):
    forged(f"no {path}", jobs(), path, ..., 65, str(path[-1]) if path != ["lists", 0, "lists"] else "lists")
    forged(f"{path} of another type", jobs(), path, "7", 65, str(path[-1]))
for field in ("created", "updated", "removed", "dropped"):
    forged(f"{field} too short", jobs(), W + [field], [1], 65, field + " has 1 numbers, not 2")
for field in ("created", "updated", "removed"):
    forged(f"{field} negative", jobs(), W + [field], [0, -1], 65, field + " has -1, less than 0")
forged("revisions too short", jobs(), ["final", "revisions"], [1], 65, "revisions has 1 numbers, not 5")
forged("more jobs than bytes", jobs(), ["setup", "keys"], 2**40, 65, "keys is 1099511627776, more than")
forged("a list that is none", jobs(), ["lists", 1], 3, 65, r"lists\[1\] is not an object")

if len(sys.argv) > 2:
    for name, record in (("lock", lock()), ("memo", memo()), ("jobs", jobs())):
        with open(os.path.join(sys.argv[2], name + ".json"), "w", encoding="ascii") as file:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
print(f"{forging.checks} checks, {forging.failures} failed")
sys.exit(1 if forging.failures or forging.checks < 130 else 0)
