#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each file of tests/histories gets the verdict that its second line states, and damaged ones are corrupt.

usage: histories.py AXCHECK FOLDER
"""
import glob
import json
import os
import pty
import re
import struct
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
            ("the pattern of closed as a number", text("counter", "0 1 2 read -> -9223372036854775807"), "not a number"),
            ("closed as an argument", text("queue", "0 1 2 enqueue closed -> 1"), "what is enqueued is no number"),
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
    lines = [f"{i} 1 9 enqueue {i // 2} -> 1" for i in range(64)] + ["99 20 21 dequeue -> 77"]
    status, output = run("--memory", "8M", "-", data=text("queue", *lines))
    check("too little memory", status == 3 and "gave up" in output, output)


def unanswered():
    """A chain of 100,000 unanswered operations that each would need the one before: going round for each is longer than ctest waits."""
    lines = [f"{i} {i} - cas {i + 1} {i + 2}" for i in range(100000)] + ["100000 1 2 write 1", "100001 1 3 write 1000000"]
    status, output = run("-", data=text("register", *lines))
    check("unanswered operations by the thousand", status == 0, output)


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


def crc32c(data):
    crc = 2**32 - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 2**32 - 1


def varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def sealed(data):
    return data + struct.pack("<I", crc32c(data))


def block(process, number, operations, payload, magic=b"AXHB"):
    return sealed(magic + struct.pack("<IIII", process, number, operations, len(payload)) + payload)


def description(**more):
    about = {"format": "atomicx-history", "version": 1, "model": "counter", "setup": {"initial": 3}, "processes": 2,
             "operations": [["read", 0, 1], ["add", 1, 1], ["add", 1, 0]], **more}
    text_form = json.dumps(about).encode()
    return sealed(b"\x89AXH\r\n\x1a\n" + struct.pack("<II", 1, len(text_form)) + text_form)


def end(operations, blocks):
    return sealed(b"AXHE" + struct.pack("<QII", operations, blocks, 0))


# kind * 2, since, took, arguments, results
ADD = bytes([2]) + varint(100) + varint(10) + zigzag(-1) + zigzag(3)
READ = bytes([0]) + varint(200) + varint(300) + zigzag(2)
PENDING = bytes([5]) + varint(5) + zigzag(7)


def binary():
    check("crc32c", crc32c(b"123456789") == 0xE3069283)
    blocks = block(0, 0, 2, ADD + READ) + block(1, 0, 1, READ) + block(0, 1, 1, bytes([2]) + varint(800) + varint(1) + zigzag(5) + zigzag(2))
    blocks += block(1, 1, 1, bytes([5]) + varint(900) + zigzag(1))
    good = description() + blocks + end(5, 4)
    status, output = run("-", data=good)
    check("a binary history written by somebody else", status == 0 and "5 operations, 1 of them unanswered" in output, output)
    status, output = run("--convert", "text", "-", data=good)
    check("as text", output == "atomicx-history 1\nmodel counter\nsetup initial 3\n0 100 110 add -1 -> 3\n0 310 610 read -> 2\n"
          "0 800 801 add 5 -> 2\n1 200 500 read -> 2\n1 900 - add 1\nend 5\n", output)
    status, output = run("-", data=good.replace(READ, bytes([0]) + varint(200) + varint(300) + zigzag(1)))
    check("a changed result without a new checksum", status == 65 and "checksum" in output, output)
    with tempfile.TemporaryDirectory() as folder:
        names = []

        def put(data):
            names.append(os.path.join(folder, f"{len(names)}"))
            with open(names[-1], "wb") as out:
                out.write(data)
        for length in range(1, len(good)):
            put(good[:length])
        for bit in range(len(good) * 8):
            put(good[:bit // 8] + bytes([good[bit // 8] ^ 1 << bit % 8]) + good[bit // 8 + 1:])
        for i in range(0, len(names), 1000):
            done = subprocess.run([AXCHECK, "-q", *names[i:i + 1000]], capture_output=True, check=False)
            lines = done.stdout.decode().splitlines()
            for name, line in zip(names[i:], lines):
                check(f"damaged {name}", ": corrupt at byte " in line, line)
            check("one line each", len(lines) == len(names[i:i + 1000]), str(len(lines)))
    huge = description(operations=[["read", 0, 1]])
    for name, data, pattern in (
            ("another version", good.replace(struct.pack("<I", 1), struct.pack("<I", 2), 1), "at byte 8: not version 1"),
            ("a block left out", description() + block(0, 1, 1, ADD) + end(1, 1), "block 1 of process 0 where its block 0 is expected"),
            ("a block twice", description() + block(0, 0, 1, ADD) * 2 + end(2, 2), "block 0 of process 0 where its block 1"),
            ("operations left out", description() + block(0, 0, 1, ADD) + end(2, 1), "1 operations in 1 blocks, but the end says 2"),
            ("more after the end", good + b"x", "more after the end"),
            ("fewer operations than the block says", description() + block(0, 0, 3, ADD) + end(3, 1), "reaches past its block"),
            ("more operations than the block says", description() + block(0, 0, 1, ADD + ADD) + end(1, 1), "more in the block"),
            ("a payload of 4 GB", description() + sealed(b"AXHB" + struct.pack("<IIII", 0, 0, 1, 2**32 - 1) + ADD), "truncated"),
            ("four thousand million operations", huge + block(0, 0, 2**32 - 1, b"\0\0\0\0") + end(2**32 - 1, 1), "reaches past its block"),
            ("an unknown kind", description() + block(0, 0, 1, bytes([6]) + ADD[1:]) + end(1, 1), "the description does not have"),
            ("a number of 11 bytes", description() + block(0, 0, 1, b"\0" + b"\xff" * 10 + b"\0\0") + end(1, 1), "more than 64 bits"),
            ("a time beyond 63 bits", description() + block(0, 0, 1, b"\0" + varint(2**63) + b"\0\0") + end(1, 1), "beyond 63 bits"),
            ("an unknown model", description(model="counters"), "does not name a model"),
            ("wrong number of arguments", description(operations=[["add", 2, 1]]), "add has 1 arguments"),
            ("not a block", description() + b"x" * 60, "not a block"),
    ):
        status, output = run("-", data=data)
        check(name, status == 65 and re.search(pattern, output), f"status {status}, wanted /{pattern}/\n{output}")
    # While it is being written: only what is certain counts. Process 1 is known up to 500, and what was answered then or later may rest on what is missing.
    status, output = run("--partial", "-", data=description() + blocks[:-10])
    check("partial", status == 0 and "history, model counter, 2 processes, 3 operations, 2 of them unanswered" in output, output)
    status, output = run("--partial", "-", data=description() + block(0, 0, 2, ADD + READ))
    check("partial without any block of a process", status == 3 and "blocks of 1 of 2 processes" in output, output)


def forms():
    """Each history says the same in each form."""
    for name in sorted(glob.glob(os.path.join(FOLDER, "*.axh"))):
        want = run(name)
        for form in ("text", "jsonl", "binary"):
            done = subprocess.run([AXCHECK, "--convert", form, name], capture_output=True, check=False)
            status, output = run("-", data=done.stdout)
            check(f"{name} as {form}", status == want[0] and output.replace("-: ", f"{name}: ") == want[1], output)
    good = (b'{"format":"atomicx-history","version":1,"model":"tickets","setup":{"capacity":1}}\n'
            b'{"process":0,"invoked":1,"answered":5,"op":"sell","args":[],"results":[0]}\n'
            b'{"process":1,"invoked":2,"answered":null,"op":"sell"}\n{"process":2,"invoked":2,"answered":6,"op":"sell","results":[null]}\n'
            b'{"end":3}\n')
    check("JSON lines", run("-", data=good)[0] == 0, run("-", data=good)[1])
    for length in range(60, len(good)):
        status, output = run("-", data=good[:length])
        check(f"JSON lines, prefix of {length}", status == 65, output)
    for old, new, pattern in ((b'"op":"sell"', b'"op":"buy"', "no operation 'buy'"), (b'"invoked":1', b'"invoked":-1', "invoked is no time"),
                              (b'"results":[0]', b'"results":[0.5]', "sell has up to 1 results"), (b'"answered":5', b'"answered":"5"', "answered is"),
                              (b'"results":[0]', b'"results":[0,0]', "sell has up to 1"), (b'"args":[]', b'"args":[1]', "sell has 0 arguments"),
                              (b'{"end":3}', b'{"end":4}', "the end says something else"), (b'"process":1', b'"process":-1', "process is no"),
                              (b'{"process":1', b'{{"process":1', "expected"), (b'"capacity":1', b'"capacity":0', "no such setup"),
                              (b'"setup":{"capacity":1}', b'"setup":{}', "tickets need a capacity")):
        status, output = run("-", data=good.replace(old, new, 1))
        check(f"JSON lines with {new}", status == 65 and re.search(pattern, output), f"{status} {output}")


def edn():
    """Jepsen's events; their order is the time."""
    def events(*lines):
        return "".join(f"{{:process {p}, :type :{t}, :f :{f}, :value {v}, :time 1}}\n" for p, t, f, v in lines).encode()

    register = [(0, "invoke", "write", 3), (1, "invoke", "read", "nil"), (0, "ok", "write", 3), (1, "ok", "read", "nil"),
                (1, "invoke", "cas", "[3 4]"), (0, "invoke", "cas", "[5 4]"), (0, "fail", "cas", "[5 4]"),
                (1, "info", "cas", "[3 4]"), (0, "invoke", "read", "nil"), (0, "ok", "read", 4)]
    nemesis = b'{:process :nemesis, :type :info, :f :kill, :value {:n #{"n1" "n\\"}2"} :x [1 2 3]}} ; a comment }\n'
    good = nemesis.join([events(*register[:3]), events(*register[3:])])
    status, output = run("-", data=good)
    check("EDN register", status == 0 and "model register, 2 processes, 4 operations, 1 of them unanswered" in output, output)
    status, output = run("-", data=good.replace(b":value 4,", b":value 5,"))
    check("EDN register that reads what nobody wrote", status == 1 and "nobody left what process 0 found" in output, output)
    status, output = run("-", data=good.replace(b"{:process", b"#jepsen.history.Op{:process"))
    check("EDN with tags", status == 0, output)
    keyed = [(0, "invoke", "write", "[7 1]"), (1, "invoke", "read", "[8 nil]"), (0, "ok", "write", "[7 1]"), (1, "ok", "read", "[8 nil]"),
             (1, "invoke", "cas", "[7 [1 2]]"), (1, "ok", "cas", "[7 [1 2]]"), (0, "invoke", "read", "[7 nil]"), (0, "ok", "read", "[7 2]")]
    status, output = run("-", data=events(*keyed))
    check("EDN registers by key", status == 0 and "each of 2 keys" in output, output)
    status, output = run("-", data=events(*keyed[:-1], (0, "ok", "read", "[7 1]")))
    check("EDN registers by key, stale read", status == 1 and "on key 7 (1 of 2 keys)" in output, output)
    counter = [(0, "invoke", "add", 2), (1, "invoke", "read", "nil"), (1, "ok", "read", 2), (0, "ok", "add", 2)]
    status, output = run("-", data=events(*counter))
    check("EDN counter", status == 0 and "model counter" in output, output)
    status, output = run("-", data=events(*counter, (1, "invoke", "read", "nil"), (1, "ok", "read", 0)))
    check("EDN counter that falls", status == 1, output)
    bank = [(0, "invoke", "read", "nil"), (0, "ok", "read", "{3 10, 7 0}"), (0, "invoke", "transfer", "{:from 3, :to 7, :amount 4}"),
            (1, "invoke", "transfer", "{:amount 20, :to 3, :from 7}"), (1, "fail", "transfer", "{:amount 20, :to 3, :from 7}"),
            (2, "invoke", "read", "nil"), (2, "ok", "read", "{7 4, 3 6}"), (0, "info", "transfer", "{:from 3, :to 7, :amount 4}")]
    status, output = run("-", data=events(*bank))
    check("EDN bank", status == 0 and "model accounts, 2 processes, 3 operations, 1 of them unanswered" in output, output)
    status, output = run("-", data=events(*bank).replace(b"{7 4, 3 6}", b"{7 4, 3 10}"))
    check("EDN bank read in the middle of a transfer", status == 1 and "audit -> 10 4" in output, output)
    status, output = run("-", data=events(*bank[2:]))
    check("EDN bank whose beginning nobody read", status == 3 and "say them with --setup 'balances" in output, output)
    status, output = run("--setup", "balances 10 0", "-", data=events(*bank[2:]))
    check("EDN bank told how it began", status == 0, output)
    status, output = run("--setup", "balances 10 1", "-", data=events(*bank[2:]))
    check("EDN bank told wrong", status == 1, output)
    for setup in ("balances 10", "balances 10 x", "balances", "balances ", "initial 3", "balances 10 0 ", ""):
        status, output = run("--setup", setup, "-", data=events(*bank[2:]))
        check(f"--setup '{setup}'", status == 65, output)
    for name, old, new, pattern in (("another account", b"{7 4, 3 6}", b"{7 4, 4 6}", "not the accounts"), ("an account twice", b"{7 4, 3 6}", b"{7 4, 7 6}", "not the accounts"),
                                    ("an account missing", b"{7 4, 3 6}", b"{7 4}", "not the accounts"), ("a balance that is none", b"{7 4, 3 6}", b"{7 nil, 3 6}", "not a map of"),
                                    ("a transfer without amount", b", :amount 4}", b"}", ":value is no {:from"), ("a transfer to nowhere", b":to 7", b":to 8", "there is no such account"),
                                    ("a read of a number", b"{7 4, 3 6}", b"6", "no map of balances"), ("a write", b":f :transfer", b":f :write", "neither :read nor :transfer")):
        status, output = run("-", data=events(*bank).replace(old, new))
        check(f"EDN bank: {name}", status == 65 and re.search(pattern, output), f"{status} {output}")
    for name, lines, pattern in (("an answer to nothing", [(0, "ok", "read", 1)], "an answer without an invocation"),
                                 ("two at once", [(0, "invoke", "read", "nil")] * 2, "invokes while its last operation"),
                                 ("an unknown type", [(0, "invoke", "read", "nil"), (0, "done", "read", 1)], ":type is none of"),
                                 ("an unknown operation", [(0, "invoke", "pop", "nil")], ":f is none of"),
                                 ("a value that does not fit", [(0, "invoke", "write", "[1 2 3]"), (0, "ok", "write", 1)], "does not fit"),
                                 ("a fraction", [(0, "invoke", "write", "1.5")], "not an integer"),
                                 ("a number too large", [(0, "invoke", "write", 2**63)], "not an integer below"),
                                 ("a number far too large", [(0, "invoke", "write", 10**30)], "more than 63 bits"),
                                 ("no process", [("nil", "invoke", "read", "nil")], ":process is no number"),
                                 ("nesting", [(0, "invoke", "read", "{" * 10000)], "nested too deeply")):
        status, output = run("-", data=events(*lines))
        check(f"EDN: {name}", status == 65 and re.search(pattern, output), f"{status} {output}")
    for form in ("text", "jsonl", "binary"):
        done = subprocess.run([AXCHECK, "--convert", form, "-"], input=events(*bank), capture_output=True, check=False)
        status, output = run("-", data=done.stdout)
        check(f"EDN bank as {form}", status == 0 and "model accounts, 2 processes, 3 operations" in output, output)
    for length in range(2, len(good)):
        status, output = run("-", data=good[:length])
        whole_line = good[length - 1:length] == b"\n"
        check(f"EDN, prefix of {length}", status == 65 or (whole_line and status in (0, 3)), f"{status} {output}")


def page():
    """--html: one file that needs nothing else, whatever the names and the histories say."""
    with tempfile.TemporaryDirectory() as folder:
        hostile = os.path.join(folder, '<b onload="x">&.axh')
        with open(hostile, "wb") as out:
            out.write(text("counter", "0 1 2 add 1 -> 0", "1 3 4 add 1 -> 0"))
        where = os.path.join(folder, "page.html")
        status, output = run("--html", where, hostile, os.path.join(FOLDER, "accounts-torn-audit.axh"), os.path.join(FOLDER, "mutex-handover.axh"))
        with open(where, encoding="utf-8") as file:
            written = file.read()
        check("the page's exit status", status == 1, output)
        check("a drawing for each wrong history", written.count("<svg ") == 2 and written.count('<g class="op') == 3, written)
        check("names are escaped", "<b onload" not in written and "&lt;b onload=&quot;x&quot;&gt;&amp;.axh" in written, written)
        rest = written.replace('xmlns="http://www.w3.org/2000/svg"', "")
        check("nothing is fetched or run", not re.search(
            r"https?:|//|<(script|link|img|image|use|iframe|object|embed|form|base)\b|http-equiv|\b(src|srcset|href|data|action|poster)=|@import|url\(|\bon\w+=",
            re.sub(r"&lt;.*?&gt;", "", rest)), rest)
        check("every tag is closed", all(written.count(f"<{tag}") == written.count(f"</{tag}>") for tag in ("section", "svg", "g ", "ul", "pre", "html", "body")
                                         if tag != "g ") and written.rstrip().endswith("</html>"), written)
        check("where it can't be written", run("--html", os.path.join(folder, "no", "page"), hostile)[0] == 2)
        check("with --convert", run("--html", where, "--convert", "text", hostile)[0] == 2)
    for jobs, wanted in (("1", 0), ("16", 0), ("0", 2), ("17", 2), ("x", 2)):
        check(f"--jobs {jobs}", run("--jobs", jobs, os.path.join(FOLDER, "mutex-handover.axh"))[0] == wanted)


def progress():
    """On stderr alone, and only where it was asked for or somebody watches."""
    names = sorted(glob.glob(os.path.join(FOLDER, "accounts-*.axh")))
    with tempfile.TemporaryDirectory() as folder:
        binary_form = os.path.join(folder, "binary")
        with open(binary_form, "wb") as out:
            out.write(subprocess.run([AXCHECK, "--convert", "binary", os.path.join(FOLDER, "map-keys-apart.axh")], capture_output=True, check=True).stdout)
        for files, lines in (([binary_form], ("checking, 0 % of ", "judging, 0 % of ")), (names, (f"judging, 0 % of {len(names)} files",))):
            plain = subprocess.run([AXCHECK, *files], capture_output=True, check=False)
            told = subprocess.run([AXCHECK, "--progress", *files], capture_output=True, check=False)
            check("progress leaves the rest alone", plain.stdout == told.stdout and plain.returncode == told.returncode and plain.stderr == b"", plain.stderr)
            check("progress", all(f"axcheck: {line}" in told.stderr.decode() for line in lines), told.stderr)


def watched():
    """On a terminal there is a line that is written over, with how long it still takes, and at the end none."""
    good = os.path.join(FOLDER, "mutex-handover.axh")
    with tempfile.TemporaryDirectory() as folder:
        waits = os.path.join(folder, "waits")
        os.mkfifo(waits)
        ours, its = pty.openpty()
        with subprocess.Popen([AXCHECK, good, waits], stdout=subprocess.PIPE, stderr=its) as judge:
            os.close(its)
            shown = b""
            while not re.search(rb"\raxcheck: judging, 50 % of 2 files, about \d+ s left\x1b\[K", shown):
                shown += os.read(ours, 4096)  # ctest ends a test that waits for ever
            with open(good, "rb") as source, open(waits, "wb") as out:
                out.write(source.read())
            printed = judge.stdout.read().decode()
            try:
                while more := os.read(ours, 4096):
                    shown += more
            except OSError:
                pass  # as the other side is closed
            check("progress on a terminal", judge.wait() == 0 and shown.endswith(b"\r\x1b[K") and "progress" not in printed and printed.count("holds") == 4, shown)
        os.close(ours)


def side_by_side():
    """Several files at a time, in the order in which they were given, and each as if it were alone."""
    names = sorted(glob.glob(os.path.join(FOLDER, "*.axh")))
    names.insert(3, os.path.join(FOLDER, "no-such-file"))
    alone = [run(name) for name in names]
    for jobs in ("1", "2", "16"):
        done = subprocess.run([AXCHECK, "--jobs", jobs, *names], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        check(f"{jobs} at a time", done.stdout.decode() == "".join(output for status, output in alone if status != 2) and done.returncode == 2
              and b"no-such-file: No such file" in done.stderr, done.stderr)


folder_of_histories()
page()
progress()
watched()
side_by_side()
edn()
refused()
binary()
forms()
gives_up()
unanswered()
flipped_bits()
print(f"{checks} checks, {failures} failed")
sys.exit(1 if failures or checks < 2000 else 0)
