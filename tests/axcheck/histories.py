#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each file of tests/histories gets the verdict that its second line states, and damaged ones are corrupt.

usage: histories.py AXCHECK FOLDER
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

AXCHECK, FOLDER = os.path.abspath(sys.argv[1]), sys.argv[2]
failures = 0
checks = 0


def check(name, ok, detail=""):
    global failures, checks
    checks += 1
    if not ok:
        failures += 1
        print(f"FAILED: {name}: {detail}")


def run(*arguments, data=None):
    done = subprocess.run([AXCHECK, *arguments], input=data, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def folder_of_histories():
    names = sorted(glob.glob(os.path.join(FOLDER, "*.axh")))
    seen = {"holds": set(), "violated": set()}
    for name in names:
        with open(name, encoding="ascii") as lines:
            lines = lines.read().split("\n")
        verdict, why = re.fullmatch(r"# (holds|violated): (.{10,})", lines[1]).groups()
        model = lines[2].split()[1]
        status, output = run(name)
        check(os.path.basename(name), status == (0 if verdict == "holds" else 1), f"{why}\n{output}")
        if status == 1:
            drawn = re.search(r"counterexample of (\d+) operations?", output)
            check(f"{name}: a counterexample", drawn is None or int(drawn[1]) <= 8, output)
        seen[verdict].add(model)
    check("a right and a wrong one of each model", len(seen["holds"]) == 8 and seen["holds"] == seen["violated"], str(seen))
    check("at least 60", len(names) >= 60, str(len(names)))


def text(model, *lines):
    head = f"atomicx-history 1\nmodel {model}\n"
    return (head + "".join(line + "\n" for line in lines) + f"end {sum(line[0].isdigit() for line in lines)}\n").encode()


def refused():
    good = text("counter", "setup initial 3", "0 1 2 add 1 -> 3")
    check("the good one", run("-", data=good)[0] == 0, run("-", data=good)[1])
    for name, data, pattern in (
            ("another version", good.replace(b"history 1", b"history 2"), "at byte 0: not version 1"),
            ("no model", b"atomicx-history 1\n0 1 2 read -> 0\nend 1\n", "at byte 18: the history does not name its model"),
            ("an unknown model", text("counters", "0 1 2 read -> 0"), "at byte 24: no such model"),
            ("two models", good.replace(b"setup", b"model counter\nsetup"), "a second model"),
            ("setup of another model", text("counter", "setup capacity 3", "0 1 2 read -> 0"), "no such setup for a counter: capacity"),
            ("tickets without capacity", text("tickets", "0 1 2 sell -> 0"), "tickets need a capacity"),
            ("capacity 0", text("tickets", "setup capacity 0", "0 1 2 sell -> 0"), "no such setup"),
            ("accounts without balances", text("accounts", "0 1 2 total -> 0"), "accounts need balances"),
            ("a balance below 0", text("accounts", "setup balances 3 -1", "0 1 2 total -> 2"), "a balance below 0"),
            ("an unknown operation", text("counter", "0 1 2 put 1 -> 0"), "has no operation 'put'"),
            ("an argument missing", text("counter", "0 1 2 add"), "a word is missing"),
            ("an argument too many", text("counter", "0 1 2 add 1 2 -> 0"), "'->' is expected"),
            ("a result too many", text("counter", "0 1 2 add 1 -> 0 1"), "more results than"),
            ("a result of what has none", text("counter", "0 1 2 write 1 -> 0"), "more than this operation takes"),
            ("a result missing", text("counter", "0 1 2 add 1 ->"), "not a number|a word"),
            ("answered before it was invoked", text("counter", "0 2 1 read -> 0"), "answered at 1, before it was invoked at 2"),
            ("a process doing two things", text("counter", "0 1 5 read -> 0", "0 4 6 read -> 0"), "at byte 48: process 0 invoked it at 4 while"),
            ("a process going on unanswered", text("counter", "0 1 - add 1", "0 4 6 read -> 0"), "its last one is unanswered"),
            ("a result without an answer", text("counter", "0 1 - add 1 -> 0"), "a result of an operation that was never answered"),
            ("a negative time", text("counter", "0 -1 2 read -> 0"), "not a number"),
            ("a time beyond 63 bits", text("counter", "0 1 9223372036854775808 read -> 0"), "not a number"),
            ("a process beyond 32 bits", text("counter", "4294967296 1 2 read -> 0"), "not a number"),
            ("a fraction", text("counter", "0 1 2 read -> 0.5"), "not a number"),
            ("a leading zero", text("counter", "0 1 2 read -> 00"), "not a number"),
            ("two spaces", text("counter", "0 1 2  read -> 0"), "a word is missing"),
            ("a space at the end", text("counter", "0 1 2 read -> 0 "), "a space at the end"),
            ("no account of that number", text("accounts", "setup balances 3", "0 1 2 balance 1 -> 0"), "there is no such account"),
            ("a result that is no flag", text("set", "0 1 2 add 1 -> 2"), "neither 0 nor 1"),
            ("more after the end", good + b"0 3 4 read -> 4\n", "more after the end"),
            ("an end that counts wrong", good.replace(b"end 1", b"end 2"), "1 operations, but the end says 2"),
            ("no end", good.replace(b"end 1\n", b""), "truncated: the line 'end COUNT' is missing"),
            ("bytes that are no text", good.replace(b"add", b"\xff\x00\x1b"), "has no operation"),
    ):
        status, output = run("-", data=data)
        check(name, status == 65 and re.search(pattern, output) and re.search(r"corrupt at byte \d+: ", output)
              and "\x1b" not in output, f"status {status}, wanted /{pattern}/\n{output}")
    for length in range(16, len(good)):
        status, output = run("-", data=good[:length])
        check(f"prefix of {length} bytes", status == 65 and "corrupt at byte" in output, output)
    status, output = run("-", data=text("counter"))
    check("no operation", status == 3 and "vacuous" in output, output)


def gives_up():
    # Fourteen overlapping additions that nobody looked at, and a read that needs all subsets tried.
    lines = [f"{i} 1 9 add {1 << i}" for i in range(14)] + ["99 20 21 read -> 5"]
    status, output = run("--steps", "1000", "-", data=text("counter", *lines))
    check("too few steps", status == 3 and "gave up: no verdict within 1000 steps" in output, output)
    status, output = run("-", data=text("counter", *lines))
    check("enough steps", status == 1, output)
    lines = [f"{i} 1 9 enqueue {i} -> 1" for i in range(64)] + ["99 20 21 dequeue -> 77"]
    status, output = run("--memory", "8M", "-", data=text("queue", *lines))
    check("too little memory", status == 3 and "gave up" in output, output)


def flipped_bits():
    """A changed bit makes another history or a corrupt one, never a crash."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name in sorted(glob.glob(os.path.join(FOLDER, "*-refund*.axh"))) + sorted(glob.glob(os.path.join(FOLDER, "accounts-t*.axh"))):
            with open(name, "rb") as file:
                data = file.read()
            for i in range(len(data)):
                for bit in (0, 3, 6):
                    names.append(os.path.join(folder, f"{len(names)}"))
                    with open(names[-1], "wb") as out:
                        out.write(data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1:])
        done = subprocess.run([AXCHECK, "-q", "--steps", "100000", *names], capture_output=True, check=False)
        check("flipped bits", done.returncode in (1, 65) and done.stdout.count(b"\n") == len(names), str(done.returncode))


folder_of_histories()
refused()
gives_up()
flipped_bits()
print(f"{checks} checks, {failures} failed")
sys.exit(1 if failures or checks < 200 else 0)
