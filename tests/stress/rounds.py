#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rounds.py DECLARED REPLAYED: rounds, on a program whose mistakes show in known rounds (declared.c)."""
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

declared, replayed = sys.argv[1:]
failures = []


def run(program, *arguments, code):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=250)
    if done.returncode != code:
        failures.append(f"{' '.join(arguments)}: exit code {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    return done


def says(done, pattern):
    if not re.search(pattern, done.stdout + done.stderr, re.S):
        failures.append(f"{' '.join(done.args[1:])}: not a word of {pattern!r} in\n{done.stdout}{done.stderr}")


# What one thread does alone is wrong by itself: found at once, and cut down to it.
for impl, pattern in (("forgets", r"no order explains these results: a round of 1 thread and 2 operations, shrunk from 12 .*"
                                  r"put 2 -> 0 +\[\].*look -> \d+ +\[\]"),
                      ("crashes", r"crashed: SIGSEGV: a round of 1 thread and 2 operations, shrunk from 12"),
                      ("guard", r"the guard was trodden on: a round of 1 thread and 1 operation, shrunk from 12")):
    done = run(declared, "--impl", "broken-" + impl, "--threads", "3", "--seed", "1", "--quiet", code=1)
    says(done, pattern)
    says(done, r"--round 'put\(2\)")
    if impl == "forgets":
        says(done, r"one thread, alone; the model says: look -> 2\n")
    again = re.search(r"again with: (.*)", done.stdout)
    if again:  # and the command that was printed finds it again
        says(run(*shlex.split(again[1]), "--quiet", code=1), r"put(\(2\)| 2 -> 0)")

report = json.loads(run(declared, "--impl", "broken-guard", "--threads", "2", "--json", code=1).stdout)
if "--round" not in report.get("counterexample", ""):
    failures.append(f"no round in {report}")

# A crash with several teams, of which none comes again with one.
says(run(declared, "--impl", "broken-once", "--threads", "6", code=1), r"violated: crashed: SIGSEGV, and not again in \d+ rounds of one team")

# A call that never returns.
says(run(declared, "--impl", "broken-hangs", "--threads", "2", "--hang-after", "1", "--round", "put(2) look | next", code=1),
     r"hung: nothing moved for 1 s: thread 0 is in look\n.*put\(2\) look")

# timeout(1) sends a signal to its child, and then one to its whole process group.
held = subprocess.Popen([declared, "--iters", "1e15", "--threads", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        start_new_session=True)
children = f"/proc/{held.pid}/task/{held.pid}/children"
while not (child := open(children, encoding="ascii").read().split()) or len(os.listdir(f"/proc/{child[0]}/task")) < 3:
    time.sleep(0.01)  # until its workers are there
for _ in range(2):
    os.killpg(held.pid, signal.SIGTERM)
said = held.communicate(timeout=250)[0]
if held.returncode != 130 or " so far (interrupted): " not in said or "violated" in said:
    failures.append(f"two of SIGTERM: {held.returncode} {said}")

# The right one, by its model and by itself; a torn increment, found in the midst of one.
for program in (declared, replayed):
    done = subprocess.run([program, "--threads", "3"], capture_output=True, text=True, timeout=250)
    if done.returncode not in (0, 3):  # 3: on a busy machine nobody met anybody
        failures.append(f"right: {done.returncode}\n{done.stdout}")
    says(done, r"each of 1000 rounds has an order")
# What blocks signals, for a while or for good, can't be paused there, and is as right as it was.
for arguments in (["--impl", "masks"], ["--impl", "masked"], ["--impl", "masks", "--round", "look@60+1 | next"],
                  ["--impl", "masked", "--round", "look@5+1 | next"]):
    done = subprocess.run([declared, "--threads", "3", *arguments], capture_output=True, text=True, timeout=250)
    if done.returncode not in (0, 3):
        failures.append(f"{arguments}: {done.returncode}\n{done.stdout}")
# What changes nothing where it was tried first may have to come later: next, next, put(1), look -> 1 is an order.
done = subprocess.run([declared, "--round", "next | next put(1)@76+1 look", "--iters", "2000"], capture_output=True, text=True,
                      timeout=250)
if done.returncode not in (0, 3):
    failures.append(f"a put of what is there: {done.returncode}\n{done.stdout}")
says(run(replayed, "--impl", "broken-guard", "--threads", "2", code=1), "the guard was trodden on")
run(replayed, "--impl", "broken-forgets", "--threads", "2", "--no-chaos", "--round", "put(2) look", code=3)

# One thread has nobody to meet, and no operation is no evidence.
says(run(declared, "--threads", "1", code=3), "vacuous: one thread")
says(run(declared, "--iters", "0", code=3), "vacuous: no operation")
says(run(declared, "--impl", "no-memory", code=3), "an object could not be created")

for arguments, sentence in (
        (["--round", "poke"], "poke is no operation"), (["--round", "put"], "put takes 1 numbers"),
        (["--round", "put(1"], "put takes 1 numbers"), (["--round", "put(1)look"], "without a space"),
        (["--round", " | "], "there is no operation"), (["--round", "look@0"], "a pause is"),
        (["--round", "look " * 17], "at most 16 operations"), (["--round", "look |" * 8], "at most 8 threads"),
        (["--round", "look", "--mix", "put=1"], "look can't be done"), (["--ops", "17"], "from 1 to 16"),
        (["--record", "r"], "rounds leave no record"), (["--history", "h"], "this program writes none")):
    says(run(declared, *arguments, code=2), sentence)
says(run(declared, "--help", code=0), r"--round PLAN")

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
