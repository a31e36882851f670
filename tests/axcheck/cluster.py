#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cluster.py AXCHECK: records of the cluster's program: a right one accepted, forged ones refused for their own reason."""
import copy
import sys

import forging
from forging import case, replace


def right():
    """Six tickets, two tills; the first one's process was killed once, with two buyers who had ticket 4 each unsaid."""
    first = {"thread": 0, "ops": 3, "told": 3, "refused": 0, "kills": 1, "stops": 0, "held": "0:2 2", "odd": [],
             "found": [4], "said": [4]}
    second = {"thread": 1, "ops": 3, "told": 3, "refused": 0, "kills": 0, "stops": 1, "held": "2:2 1", "odd": [],
              "found": [], "said": []}
    return {"format": "atomicx-record", "version": 1, "primitive": "cluster", "program": "forged", "impl": "ours", "seed": "1",
            "command": "none", "threads": 2, "iters": 3, "complete": True,
            "setup": {"capacity": 6, "buyers": 2, "server_kills": 0}, "workers": [first, second],
            "final": {"sold": 6, "free": 0, "leased": 0}, "audits": [0, 6, 0, 2, 2, 2]}


def forged(name, changes, status, pattern):
    """The right record with some values replaced (or, for the value ..., taken out)."""
    record = copy.deepcopy(right())
    for path, value in changes.items():
        replace(record, [int(step) if step.isdigit() else step for step in path.split(".")], value)
    case(name, record, status, pattern)


case("right", right(), 0, r"holds +once: 6 tickets told")
forged("a ticket told twice", {"workers.1.held": "1:3"}, 1, r"VIOLATED  once: ticket 1 was told")
forged("a ticket told twice by one till", {"workers.1.held": "2:2", "workers.1.odd": [2]}, 1, r"VIOLATED  once")
forged("a ticket out of range", {"workers.1.held": "2:2", "workers.1.odd": [-1]}, 1, r"VIOLATED  once")
forged("a ticket not told", {"workers.1.held": "2:2"}, 1, r"VIOLATED  own figures: workers\[1\]")
forged("answers missing", {"workers.1.told": 2, "workers.1.held": "2:2"}, 1, r"VIOLATED  own figures: workers\[1\]")
forged("told but not sold", {"final.sold": 5, "final.free": 1}, 1, r"VIOLATED  sold: 6 tickets told, 5 sold")
forged("not all sold", {"setup.capacity": 7, "final.free": 1, "audits": []}, 1, r"VIOLATED  sold")
forged("a purchase told another ticket", {"workers.0.said": [0]}, 1, r"VIOLATED  found again: a purchase had ticket 4 and was told 0")
forged("more found than kills explain", {"workers.1.found": [2], "workers.1.said": [2]}, 1, r"VIOLATED  found again")
forged("a ticket in two places", {"audits": [0, 6, 0, 2, 3, 2]}, 1, r"VIOLATED  conservation: .* in 2 of 3 counts")
forged("a ticket in no place", {"audits": [0, 6, 0, 2, 2, 1]}, 1, r"VIOLATED  conservation")
forged("an uneven end", {"final.leased": 1}, 1, r"VIOLATED  conservation")
forged("no triples", {"audits": [0, 6]}, 65, r"audits has 2 numbers, which are no triples")
forged("found without said", {"workers.0.said": []}, 65, r"said has 0 numbers for 1 found")
forged("a run beyond the capacity", {"workers.1.held": "5:2"}, 65, r"workers\[1\]\.held")
forged("no capacity", {"setup.capacity": ...}, 65, r"setup\.capacity is missing")
forged("no buyers", {"setup.buyers": 0}, 65, r"setup\.buyers is 0, less than 1")
forged("no end", {"final.leased": ...}, 65, r"final\.leased is missing")
forged("negative kills", {"workers.0.kills": -1}, 65, r"less than 0")
forged("an audit of strings", {"audits": ["a", 1, 2]}, 65, r"audits\[0\]")

print(f"{forging.checks} records, {forging.failures} failed")
sys.exit(1 if forging.failures else 0)
