#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cli.py SUBJECT COUNTER TICKETS AXCHECK: the manners of the stress programs' command line.

AXCHECK may be "-". No check depends on how fast the machine is.
"""
import concurrent.futures
import glob
import json
import os
import pty
import resource
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time

SUBJECT, COUNTER, TICKETS, AXCHECK = sys.argv[1:5]
failures = 0
checks = 0


def check(what, ok, detail=""):
    global failures, checks
    checks += 1
    if not ok:
        failures += 1
        print(f"FAILED: {what}\n  {detail}")


def run(*command, **how):
    return subprocess.run(command, capture_output=True, text=True, timeout=100, **how)


def expect(what, result, code, out="", err=""):
    check(what, result.returncode == code and out in result.stdout and err in result.stderr,
          f"wanted {code}, {out!r} on stdout, {err!r} on stderr; got {result.returncode},\n"
          f"  {result.stdout!r},\n  {result.stderr!r}")


def told(*arguments):
    """The result of a short run as JSON."""
    result = run(SUBJECT, "--json", "--quiet", *arguments)
    return json.loads(result.stdout)


def numbers():
    for option in "iters", "threads", "observers", "keys", "number":
        for text, why in (("1.5", "not a whole number"), ("1e-3", "not a whole number"), ("9e99", "too large"),
                          ("abc", "not a number"), ("", "empty"), ("1__0", "not a number"), ("_1", "not a number"),
                          ("1_", "not a number"), ("0x10", "not a number"), (" 1", "not a number"),
                          ("1 ", "not a number"), ("1.", "not a number"), (".5", "not a number"), ("1e", "not a number"),
                          ("+1", "not a number"), ("1kk", "not a number"), ("inf", "not a number")):
            result = run(SUBJECT, f"--{option}", text)
            expect(f"--{option} {text!r} is refused", result, 2, err=f"--{option} {text}: ")
            check(f"--{option} {text!r} is refused for the right reason", why in result.stderr, result.stderr)
            check(f"--{option} {text!r} leaves stdout empty", result.stdout == "", result.stdout)
    for option in "iters", "threads", "observers", "keys":
        expect(f"--{option} -4", run(SUBJECT, f"--{option}", "-4"), 2, err=f"--{option} -4: must not be negative")
    expect("--threads 0", run(SUBJECT, "--threads", "0"), 2, err="--threads 0: is too small")
    expect("--number -101", run(SUBJECT, "--number", "-101"), 2, err="--number -101: is too small")
    for text in "-1", "0", "x", "", "1e-10":
        expect(f"--duration {text}", run(SUBJECT, "--duration", text), 2, err=f"--duration {text}: ")
    for text, value in (("1e3", 1000), ("2k", 2000), ("1_000", 1000), ("1.5e1", 15), ("1.5k", 1500), ("10e0", 10),
                        ("2.50e2", 250), ("00012", 12), ("5000e-3", 5), ("1.0", 1)):
        check(f"--iters {text} is {value}", f"--iters {value} " in told("--iters", text)["command"] + " ",
              told("--iters", text)["command"])
    check("--number -4 is allowed where the range is", "number -4" in told("--iters", "5", "--number", "-4")["sentence"])
    for text, why in (("x", "not a seed"), ("", "empty"), ("0x", "empty"), ("18446744073709551616", "does not fit"),
                      ("-1", "not a seed")):
        expect(f"--seed {text}", run(SUBJECT, "--seed", text), 2, err=why)
    check("a seed of 64 bits", told("--iters", "5", "--seed", "18446744073709551615")["seed"] == "0x" + "f" * 16)


def refusals():
    for arguments, why in ((["--itres", "5"], "--itres: no such option"), (["iters"], "iters: not an option"),
                           (["--"], "--: not an option"), ([""], "(empty argument): not an option"),
                           (["--iters"], "--iters: needs an argument"), (["--iters", ""], "--iters : is empty"),
                           (["--itres"], "--itres: no such option"), (["--seed"], "--seed: needs an argument"),
                           (["--number"], "--number: needs an argument"), (["--threads="], "--threads : is empty"),
                           (["--duration", "1e-10"], "not finer than nanoseconds"), (["--duration", "1e30"], "is too large"),
                           (["--hang-after", "0.01"], "is too small"), (["--keys", "0"], "--keys 0: is too small"),
                           (["--keys", "1e30"], "is too large"), (["--observers", "1025"], "is too large"),
                           (["--dist", "zipf:1", "--keys", "1e9"], "--dist zipf:1: takes at most 16777216 keys"),
                           (["--mix", "this=1e30"], "is too large"), (["--mix", "this=1,this=2"], "this has two weights"),
                           (["--mix", "this=1,"], "nothing follows the last comma"), (["--mix", "this=" + "0" * 40 + "1"], "too many digits"),
                           (["--mix", "this=-1"], "must not be negative"),
                           (["--quiet=1"], "--quiet: takes no argument"),
                           (["--impl", "x"], "--impl x: no such"), (["--pin", "x"], "--pin x: give"),
                           (["--mix", "x=1"], "--mix x=1: give operations"), (["--mix", "this=0"], "no operation"),
                           (["--mix", "this"], "--mix this: give"), (["--mix", "this=1.5"], "is not a whole number"),
                           (["--mix", ""], "no operation has a weight"), (["--dist", "x"], "--dist x: give"),
                           (["--dist", "zipf:"], "--dist zipf:: give"), (["--dist", "zipf:0"], "must be above 0"),
                           (["--dist", "zipf:1.2.3"], "must be above 0"), (["--dist", "zipf:nan"], "give uniform"),
                           (["--iters", "5", "--duration", "1"], "--iters and --duration exclude"),
                           (["--chaos", "--no-chaos"], "--chaos and --no-chaos exclude"),
                           (["--number", "13"], "--number 13: unlucky"), (["--record", ""], "--record: give"),
                           (["--record", "/nonexistent/r"], "--record /nonexistent/r: No such file")):
        expect(" ".join(arguments), run(SUBJECT, *arguments), 2, err=why)
    expect("a program without keys", run(COUNTER, "--keys", "5"), 2, err="--keys 5: this program has no keys")
    expect("an operation that one can't do", run(TICKETS, "--impl", "semaphore", "--mix", "sell=1,refund=1"), 2,
           err="--impl semaphore: can't do refund")
    expect("setup that fails", run(SUBJECT, "--no-setup"), 70, err="setup was told to fail")


def talk():
    text = run(SUBJECT, "--help")
    expect("--help", text, 0, out="usage:")
    for option in ("threads", "iters", "duration", "impl", "list", "seed", "observers", "pin", "chaos", "no-chaos",
                   "hang-after", "in-process", "mix", "keys", "dist", "number", "record", "json", "quiet",
                   "no-progress", "help", "version"):
        check(f"--help tells of --{option}", f"--{option}" in text.stdout)
    expect("-h", run(SUBJECT, "-h"), 0, out="usage:")
    expect("--version", run(SUBJECT, "--version"), 0, out="subject (atomicx) ")
    names = [line.split()[0] for line in run(SUBJECT, "--list").stdout.splitlines()]
    listed = json.loads(run(SUBJECT, "--list", "--json").stdout)["implementations"]
    check("--list and its JSON agree", names == [one["name"] for one in listed] and "broken-crash" in names, names)
    quiet = run(SUBJECT, "--quiet")
    check("--quiet", quiet.stderr == "" and quiet.stdout.count("\n") == 1, quiet)
    loud = run(SUBJECT)
    check("stdout has one line, stderr begins with the seed",
          loud.stdout.count("\n") == 1 and loud.stderr.startswith("seed 0x") and "not shown: " in loud.stderr, loud)
    result = told("--threads", "3")
    check("JSON has the figures", result["operations"] == 3000000 and result["result"] in ("holds", "vacuous") and
          result["exit_code"] in (0, 3) and result["overlaps"] >= 0 and result["operations_per_second"] > 0, result)


def replay():
    line = ["--threads", "3", "--iters", "2e4", "--mix", "this=1,that=2", "--keys", "77", "--dist", "zipf:0.80", "--chaos",
            "--pin", "scatter", "--number", "-5", "--hang-after", "2.5", "--in-process"]
    first = told(*line)
    again = shlex.split(first["command"])
    second = json.loads(run(*again, "--json", "--quiet").stdout)
    check("the replay command gives the same configuration", first["command"] == second["command"], (first, second))
    for option in line[::2]:
        check(f"the replay command has {option}", not option.startswith("--") or option in again, again)
    check("--duration is replayed exactly", "--duration 0.0125 " in told("--duration", "0.0125")["command"])
    with tempfile.TemporaryDirectory() as folder:
        def workers(*arguments):
            path = os.path.join(folder, "r")
            run(SUBJECT, "--record", path, "--iters", "1e4", *arguments)
            with open(path, encoding="utf-8") as file:
                return json.load(file)["workers"]
        first, second, third = workers("--seed", "5"), workers("--seed", "5"), workers("--seed", "6")
        check("the same seed gives the same choices", first == second)
        check("another seed gives others", first[0]["chosen"] != third[0]["chosen"])
        check("each thread has its own", first[0]["chosen"] != first[1]["chosen"])
        check("noise doesn't change what workers choose", workers("--seed", "5", "--chaos") == first)
        sevenths = workers("--mix", "this=1,that=6", "--seed", "1")[0]["picked"]
        check("the mix is as asked", 1200 < sevenths[0] < 1660, sevenths)
        hot = workers("--dist", "hot", "--seed", "1")[0]["keys"]
        check("the hot key gets nine in ten", 8800 < hot[0] < 9200, hot)


def verdicts():
    expect("one thread", run(SUBJECT, "--threads", "1"), 3, out="vacuous: one thread")
    expect("no operation", run(SUBJECT, "--iters", "0"), 3, out="vacuous: no operation")
    expect("inconclusive", run(SUBJECT, "--unsure"), 3, out="inconclusive: ")
    expect("a crash", run(SUBJECT, "--impl", "broken-crash"), 1, out="violated: crashed: SIGSEGV")
    expect("an exit", run(SUBJECT, "--impl", "broken-exit"), 1, out="violated: ended its process with exit status 5")
    short = ["--hang-after", "0.3"]
    expect("a hang in a child", run(SUBJECT, "--impl", "broken-hang", *short), 1, out="violated: hung: nothing moved")
    expect("a hang here", run(SUBJECT, "--impl", "hangs", *short), 1, out="violated: hung: nothing moved")
    expect("a child that can't tell", run(SUBJECT, "--impl", "broken-stop", *short), 1, out="violated: hung: no sign of life")
    crashed = json.loads(run(SUBJECT, "--impl", "broken-crash", "--json").stdout)
    check("a crash in JSON", crashed["result"] == "violated" and crashed["exit_code"] == 1, crashed)


def records():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "record")
        run(SUBJECT, "--record", path)
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        check("a record", record["format"] == "atomicx-record" and record["complete"] and record["threads"] == len(record["workers"]))
        before = os.stat(path)
        expect("a crash leaves the old record", run(SUBJECT, "--impl", "broken-crash", "--record", path), 1)
        check("and nothing beside it", os.listdir(folder) == ["record"] and os.stat(path).st_mtime_ns == before.st_mtime_ns)
        expect("a hang leaves the old record", run(SUBJECT, "--impl", "hangs", "--hang-after", "0.3", "--record", path), 1)
        check("and nothing beside it, either", os.listdir(folder) == ["record"])
        expect("a full disk", run(SUBJECT, "--record", "/dev/full"), 70, err="--record /dev/full: No space left")
        result = run(SUBJECT, "--quiet", "--json", "--record", "/dev/stderr")
        check("a record into a pipe", json.loads(result.stderr)["primitive"] == "subject", result.stderr)


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


def threads_of(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except FileNotFoundError:
        return 0


def workers_at_work(pid):
    """How many threads had a tenth of a second of a CPU: the last one to reach the start line got it by working."""
    count = 0
    for stat in glob.glob(f"/proc/{pid}/task/*/stat"):
        try:
            with open(stat, encoding="ascii") as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        count += int(fields[11]) + int(fields[12]) >= os.sysconf("SC_CLK_TCK") // 10
    return count


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def interruption():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "record")
        for program, impl, in_child in ((COUNTER, "ours", False), (COUNTER, "broken-copied", True)):
            process = subprocess.Popen([program, "--impl", impl, "--threads", "2", "--iters", "1e15", "--record", path],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_until(lambda: not in_child or children_of(process.pid))
            worker = children_of(process.pid)[0] if in_child else process.pid
            check(f"{impl}: at work", wait_until(lambda: workers_at_work(worker) >= 2))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            check(f"{impl}: Ctrl-C gives 130 and the partial verdict", process.returncode == 130 and
                  f"{'violated' if in_child else 'holds'} so far (interrupted)" in out, (process.returncode, out, err))
            check(f"{impl}: nothing left running", threads_of(worker) == 0)
            with open(path, encoding="utf-8") as file:
                record = json.load(file)
            check(f"{impl}: the record is incomplete", record["complete"] is False and
                  sum(worker["ops"] for worker in record["workers"]) > 0, record["complete"])
            if AXCHECK != "-":
                expect(f"{impl}: and judged", run(AXCHECK, path), 1 if in_child else 0)
            os.unlink(path)
        for impl, in_child in (("hangs", False), ("broken-hang", True)):
            process = subprocess.Popen([SUBJECT, "--impl", impl, "--threads", "2", "--quiet", "--record", path],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_until(lambda: not in_child or children_of(process.pid))
            worker = children_of(process.pid)[0] if in_child else process.pid
            check(f"{impl}: at work", "hangs from now on" in process.stderr.readline())
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            check(f"{impl}: the first Ctrl-C waits", process.poll() is None)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            check(f"{impl}: the second one doesn't", process.returncode == 130, process.returncode)
            check(f"{impl}: nothing left running, nor on disk",
                  wait_until(lambda: threads_of(worker) == 0) and os.listdir(folder) == [], os.listdir(folder))


def suspension():
    """Ctrl-Z: time in which nobody was let to run is no hang."""
    process = subprocess.Popen([COUNTER, "--impl", "broken-copied", "--threads", "2", "--iters", "1e15", "--hang-after", "2"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    check("before Ctrl-Z: at work", wait_until(lambda: children_of(process.pid) and workers_at_work(children_of(process.pid)[0]) >= 2))
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(8)  # a child may be silent for five seconds more
    os.killpg(process.pid, signal.SIGCONT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    check("after Ctrl-Z: goes on", process.returncode == 130 and "so far (interrupted)" in out, (process.returncode, out, err))


def many_threads():
    def little_memory():
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    result = run(SUBJECT, "--threads", "100000", preexec_fn=little_memory)
    expect("100000 threads", result, 2, err="--threads 100000: ")
    check("100000 threads leave stdout empty", result.stdout == "", result.stdout)
    expect("a million threads and one", run(SUBJECT, "--threads", "1000001"), 2, err="--threads 1000001: is too large")
    result = run(SUBJECT, "--threads", "500", "--iters", "1e5")
    check("500 threads", result.returncode in (0, 3) and "500 threads" in result.stdout, result)  # 3: none met another


def on_terminal(arguments, environment):
    """What a run writes to a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        for name in "NO_COLOR", "TERM":
            os.environ.pop(name, None)
        os.environ.update(environment)
        os.execv(SUBJECT, [SUBJECT] + arguments)
    seen = b""
    while True:
        try:
            if select.select([terminal], [], [], 60)[0] == []:
                break
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    return seen


def terminal():
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        print("what is written to a terminal was not looked at:", error)
        return
    colorful = {"TERM": "xterm"}
    for seconds in "0.9", "3", "10":  # a busy machine may keep the one that prints from its turn
        run_long = ["--duration", seconds]
        seen = on_terminal(run_long, colorful)
        if b"to go" in seen:
            break
    check("a progress line with rate and time to go", b"M/s" in seen and b"to go" in seen and b"\x1b[" in seen, seen)
    seen = on_terminal(run_long, {"TERM": "xterm", "NO_COLOR": "1"})
    check("NO_COLOR: progress without escapes", b"to go" in seen and b"\x1b" not in seen, seen)
    seen = on_terminal(run_long, {"TERM": "dumb"})
    check("a dumb terminal gets no escapes in the progress", b"\x1b[K" not in seen and b"to go" in seen, seen)
    check("--no-progress", b"to go" not in on_terminal(run_long + ["--no-progress"], colorful))
    check("--quiet", b"to go" not in on_terminal(run_long + ["--quiet"], colorful))


def counted(part):
    global failures, checks
    failures = checks = 0
    part()
    sys.stdout.flush()
    return checks, failures


# Side by side, as most of them wait most of the time.
PARTS = suspension, verdicts, terminal, interruption, many_threads, numbers, refusals, talk, replay, records
with concurrent.futures.ProcessPoolExecutor(5) as pool:
    made, failed = (sum(counts) for counts in zip(*pool.map(counted, PARTS)))
print(f"{made} checks, {failed} failed")
sys.exit(1 if failed or not made else 0)
