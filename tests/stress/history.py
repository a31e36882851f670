#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""history.py SCRIBE SUBJECT COUNTER AXCHECK: what --history writes is what was done, whole, and in its time."""
import json
import os
import signal
import subprocess
import sys
import tempfile

scribe, subject, counter, axcheck = sys.argv[1:]
folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "history")


def run(*arguments, code=(0, 3)):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    assert done.returncode in code, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def read_back():
    lines = run(axcheck, "--convert", "jsonl", path, code=(0,)).stdout.splitlines()
    return json.loads(lines[0]), [json.loads(line) for line in lines[1:-1]], json.loads(lines[-1])


def amount(thread, i):
    return (1 << (i % 63)) - 1 + thread


def every_value_comes_back(threads, iters, accounts):
    run(scribe, "--threads", threads, "--iters", iters, "--accounts", accounts, "--history", path)
    head, operations, end = read_back()
    assert head["model"] == "accounts" and head["setup"]["balances"] == list(range(accounts)), head
    assert end["end"] == len(operations)
    by_process = {}
    for operation in operations:
        by_process.setdefault(operation["process"], []).append(operation)
    assert sorted(by_process) == list(range(threads + 1))
    for thread in range(threads):
        own = by_process[thread]
        assert len(own) == iters + thread % 2, len(own)
        time = 0
        for i, operation in enumerate(own):
            assert time <= operation["invoked"], operation
            time = operation.get("answered") or operation["invoked"]
            assert operation["invoked"] <= time, operation
            if i == iters:
                assert operation["op"] == "deposit" and operation["args"] == [thread, 5] and operation.get("answered") is None
            elif i % 3 < 2:
                assert operation["op"] == "deposit" and operation["args"] == [thread, amount(thread, i)], operation
                assert operation.get("results") == ([1] if i % 3 == 0 else None), operation
            else:
                want = -amount(thread, i) if i % 2 == 0 else None
                assert operation["op"] == "total" and operation["results"] == [want], operation
    for turn, operation in enumerate(by_process[threads]):
        assert operation["op"] == "audit" and operation["results"] == [turn * 1000000007 * i for i in range(accounts)]


every_value_comes_back(2, 3, 2)
every_value_comes_back(3, 10000, 8)  # several blocks each
every_value_comes_back(1, 1, 1000)

def in_turn():
    """An invocation is the answer before it, but for the first of a batch and where notes were encoded; and each operation looked
    at the clock between its two times, so that none of these is too narrow."""
    run(scribe, "--impl", "in-turn", "--threads", 2, "--iters", 800, "--history", path)
    head, operations, _ = read_back()
    for process in range(2):
        own = [operation for operation in operations if operation["process"] == process]
        assert len(own) == 800, len(own)
        start_least = max(operation["args"][1] - operation["answered"] for operation in own)
        start_most = min(operation["args"][1] - operation["invoked"] for operation in own)
        assert start_least <= start_most + 2 * head.get("skew", 0), (process, start_least, start_most)
        batches = [i for i, operation in enumerate(own) if not operation.get("results")]
        fresh = [i for i, operation in enumerate(own) if i == 0 or operation["invoked"] > own[i - 1]["answered"]]
        encoded = sorted(set(fresh) - set(batches))
        assert len(batches) > 20 and set(batches) <= set(fresh), (batches, fresh)
        assert 3 <= len(encoded) <= 40, encoded


in_turn()

# Cut off anywhere, it is refused; at the end of a block --partial judges what is there.
whole = open(path, "rb").read()
for length in list(range(0, 400, 7)) + [len(whole) - 1]:
    with open(path, "wb") as file:
        file.write(whole[:length])
    run(axcheck, path, code=(65,))

# It can be read while it is written, and a program that is killed leaves what it wrote.
writer = subprocess.Popen([counter, "--threads", "2", "--duration", "1000", "--history", path, "--quiet"])
while not os.path.exists(path) or os.path.getsize(path) < 1 << 20:
    assert writer.poll() is None
writer.send_signal(signal.SIGSTOP)
said = run(axcheck, "--partial", path, code=(0, 3))
assert "linearizable" in said.stdout or "so far" in said.stdout, said.stdout
writer.send_signal(signal.SIGKILL)
writer.wait()
run(axcheck, "--partial", path)
run(axcheck, path, code=(65,))

# What can't be written is said at the beginning.
for where in ("/nowhere/history", folder.name, ""):
    assert "--history" in run(counter, "--iters", "10", "--history", where, code=(2,)).stderr
os.mkfifo(path + ".pipe")
assert "--history" in run(counter, "--iters", "10", "--history", path + ".pipe", code=(2,)).stderr
assert "writes none" in run(subject, "--iters", "10", "--history", path, code=(2,)).stderr
assert "--history" in run(counter, "--help").stdout and "--history" not in run(subject, "--help").stdout
beside = os.path.join(folder.name, "beside")
for name in (beside, os.path.join(folder.name, ".", "beside")):
    assert "the same file" in run(counter, "--iters", "10", "--record", beside, "--history", name, code=(2,)).stderr
run(counter, "--iters", "10", "--record", "/dev/null", "--history", "/dev/null")
if os.path.exists("/dev/full"):
    assert "--history" in run(counter, "--iters", "10", "--history", "/dev/full", code=(70,)).stderr

# The same choices with and without.
tallies = []
for extra in ([], ["--history", path]):
    record = os.path.join(folder.name, "record")
    run(counter, "--threads", "2", "--iters", "1000", "--mix", "add=1,read=1", "--seed", "7", "--record", record, *extra)
    tallies.append([worker["added"] for worker in json.load(open(record))["workers"]])
assert tallies[0] == tallies[1], tallies
print("histories: as they were done")
