#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""snapshots.py SERVER: a clean stop loses nothing, a kill -9 at most the interval, a damaged file is refused."""
import json
import os
import random
import signal
import subprocess

import harness
from harness import Server, equal, require

ROUNDS = int(os.environ.get("AX_KILLS", "1"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def crc64(data):
    crc = 2**64 - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xC96C5795D7870F42 if crc & 1 else 0)
    return crc ^ 2**64 - 1


def numbers(*values):
    return b"".join((value % 2**64).to_bytes(8, "little") for value in values)


def string(data):
    return numbers(len(data)) + data


def sealed(payload, version=1):
    return b"axserver" + numbers(version, len(payload), crc64(payload)) + payload


EMPTY = numbers(0) + numbers(1, 0) + numbers(0) + numbers(0)  # counters, jobs, events, accounts


def fill(server):
    for i in range(20):
        equal(server.get(f"/set?name=c{i}%2F%C3%A9&val={i * i - 50}")[0], 200, "a counter")
    equal(server.get(f"/set?name=least&val={-2**63}")[0], 200, "a counter")
    for i in range(5):
        equal(server.post("/jobs", json.dumps({"n": i}))[0], 201, "a job")
    equal(server.ask("DELETE", "/jobs/2")[0], 200, "a job less")
    equal(server.post("/tickets/opera?capacity=130")[0], 201, "an event")
    for _ in range(100):
        equal(server.post("/tickets/opera/sell")[0], 200, "a sale")
    for number in (0, 63, 64, 99):
        equal(server.post(f"/tickets/opera/refund?number={number}")[0], 200, "a refund")
    equal(server.post("/accounts?floor=-100")[0], 201, "an account")
    equal(server.post("/accounts")[0], 201, "another")
    equal(server.post("/accounts/0/transfer?to=1&amount=77")[0], 200, "a transfer")


def state(server):
    found = [server.get(f"/get?name=c{i}%2F%C3%A9") for i in range(20)] + [server.get("/get?name=least")]
    found += [server.get(f"/jobs/{i}") for i in range(1, 7)] + [server.get("/jobs"), server.get("/tickets/opera")]
    return found + [server.get("/accounts"), server.get("/accounts/0"), server.get("/accounts/1")]


def a_clean_stop_loses_nothing(program, folder):
    path = f"{folder}/state"
    with Server(program, "--snapshot", path) as server:
        fill(server)
        before = state(server)
    first = read(path)
    with Server(program, "--snapshot", path) as server:
        equal(state(server), before, "the state after the restart")
    require(sorted(read(path)[32:]) == sorted(first[32:]), "a snapshot of the same state differs by more than the order")
    with Server(program, "--snapshot", path) as server:
        equal(state(server), before, "the state after another restart")
        equal(server.post("/jobs", "{}"), (201, '{"id":6}\n'), "ids are not used twice")
        equal(server.post("/accounts/0/withdraw?amount=24")[0], 409, "floors are kept")
        sold = sorted(json.loads(server.post("/tickets/opera/sell")[1])["number"] for _ in range(34))
        equal(sold, [0, 63, 64, 99, *range(100, 130)], "the tickets that were left")
        equal(server.post("/tickets/opera/sell")[0], 409, "and no more")
    require(not os.path.exists(path + ".new"), "the file in the making was left behind")


def a_kill_loses_at_most_the_interval(program, folder):
    """What was there when a snapshot began is there after kill -9. That one began after we looked is known by two ends."""
    path = f"{folder}/state"
    sure = 0
    for _ in range(ROUNDS):
        with Server(program, "--snapshot", path, "--interval", "1") as server:
            if sure == 0:
                server.get("/set?name=x&val=0")
            value = int(server.get("/get?name=x")[1].split()[1])
            require(value >= sure, f"{value} after the restart, {sure} were saved")
            client = server.client()

            def inc():
                client.request("GET", "/inc?name=x")
                equal(client.getresponse().read(), b"ok\n", "inc")

            for _ in range(random.randrange(100, 300)):
                inc()
            sure = int(server.get("/get?name=x")[1].split()[1])
            saved = server.metric("snapshots_total")
            while server.metric("snapshots_total") < saved + 2:
                inc()
            for _ in range(random.randrange(300)):
                inc()
            most = int(server.get("/get?name=x")[1].split()[1])
            client.close()
            equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "the exit code")
    with open(path + ".new", "wb") as half:  # killed while writing
        half.write(b"axserver\1\0")
    with Server(program, "--snapshot", path) as server:
        value = int(server.get("/get?name=x")[1].split()[1])
        require(sure <= value <= most, f"{value} after the restart, {sure} to {most} expected")


def refuse(program, path, data, *options):
    """The server does not start, says where and why in one line, and leaves the file alone."""
    with open(path, "wb") as file:
        file.write(data)
    with subprocess.Popen([program, "--port", "0", "--snapshot", path, *options], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        if process.stdout.readline():
            process.kill()
            raise AssertionError(f"it started with {data[:60]!r}")
        said = process.stderr.read()
        equal(process.wait(), 65, f"the end with {data[:60]!r}")
    require(said.startswith(f"server: {path}: byte ") and said.count("\n") == 1, said)
    equal(read(path), data, "the file")
    return said


def damaged_ones_are_refused(program, folder):
    path = f"{folder}/state"
    with Server(program, "--snapshot", path) as server:
        fill(server)
    good = read(path)
    for at in (0, 8, 16, 24, 31, 32, 40, len(good) // 2, len(good) - 1):
        refuse(program, path, good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:])
    for length in (0, 7, 31, 32, len(good) // 3, len(good) - 1):
        refuse(program, path, good[:length])
    refuse(program, path, good + b"\0")
    refuse(program, path, good + good)


def crafted_ones_are_refused(program, folder):
    """With a checksum that is right, and contents that are not."""
    path = f"{folder}/state"
    with open(path, "wb") as file:
        file.write(sealed(EMPTY))
    with Server(program, "--snapshot", path) as server:
        equal(server.get("/accounts"), (200, '{"accounts":0,"sum":0}\n'), "an empty one is fine")
    two = numbers(2) + string(b"a") + numbers(1) + string(b"b") + numbers(2)
    for payload, reason in (
            (b"", "in the middle of a number"), (EMPTY + b"\0", "more than belongs there"), (EMPTY[:-1], "middle of a number"),
            (numbers(2**60) + EMPTY[8:], "it ends in the middle"), (numbers(1, 2**63) + b"x", "string"),
            (numbers(1) + string(b"a"), "middle of a number"),
            (numbers(0) + numbers(1, 2**64 - 1), "--max-jobs"), (numbers(0) + numbers(2, 1, 1) + numbers(99), "string"),
            (numbers(0) + numbers(1, 0) + numbers(2**40), "--max-events"),
            (numbers(0) + numbers(1, 0) + numbers(1) + string(b"e") + numbers(2**32 + 1), "--max-tickets"),
            (numbers(0) + numbers(1, 0) + numbers(1) + string(b"e") + numbers(0), "--max-tickets"),
            (numbers(0) + numbers(1, 0) + numbers(1) + string(b"e") + numbers(65, 0), "middle of a number"),
            (numbers(0) + numbers(1, 0) + numbers(2) + (string(b"e") + numbers(1, 0)) * 2 + numbers(0), "already there"),
            (EMPTY[:-8] + numbers(2**32), "--max-accounts"), (EMPTY[:-8] + numbers(1, 0, -1), "below its floor"),
            (EMPTY[:-8] + numbers(1, 5, 6), "out of range"), (EMPTY[:-8] + numbers(1, -2**63, -2**63), "floor"),
            (two[:-1], "middle of a number")):
        said = refuse(program, path, sealed(payload))
        require(reason in said, f"{said!r} does not say {reason!r}")
    require("another version" in refuse(program, path, sealed(EMPTY, version=2)), "the version")
    require("--max-counters" in refuse(program, path, sealed(two + EMPTY[8:]), "--max-counters", "1"), "the limit")


def what_cannot_be_saved_is_told(program, folder):
    """The folder is gone when the snapshot is due: it is counted, the server goes on, and the end is not clean."""
    os.mkdir(f"{folder}/gone")
    with Server(program, "--snapshot", f"{folder}/gone/state", "--interval", "1") as server:
        os.rename(f"{folder}/gone", f"{folder}/away")  # with a first snapshot, on a slow machine
        server.get("/set?name=x&val=1")
        while server.metric("snapshot_failures_total") == 0:
            equal(server.get("/get?name=x"), (200, "x: 1\n"), "service goes on")
        equal(server.stop(), 70, "the exit code")
    run = subprocess.run([program, "--port", "0", "--snapshot", folder], capture_output=True, text=True, check=False)
    equal(run.returncode, 70, "a folder is no file")


harness.main([a_clean_stop_loses_nothing, a_kill_loses_at_most_the_interval, damaged_ones_are_refused,
              crafted_ones_are_refused, what_cannot_be_saved_is_told])
