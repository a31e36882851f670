#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readme.py SOURCE BUILD [--whole]: README.md says what is so.

Every `$ ./tools/run COMMAND` of a console block is run in the build folder, as tools/run would after
building; its exit code is 0, or 1 where a broken implementation is named. `ctest` is asked for its list
only: this is a test of it already; and 1e7 iterations are 1e6, if not --whole. Lines shown below a command must
occur in its output, numbers and seeds aside. ("Use it" is use_it.py's, from an installed library; building plainly
is plain-cmake's.) A block that begins with the server is a session: the server runs on a port of its own, the
commands after it talk to it and print just what is shown, and it ends cleanly. The block after `<!-- session -->`
is run whole, with servers and a Redis of its own on free ports; its last line says in a comment what it prints. A code block
after `<!-- from FILE -->` must stand in that file, word for word.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import excerpts

source, build = sys.argv[1], sys.argv[2]
text = open(f"{source}/README.md", encoding="utf-8").read()
failures = []
checked = 0


def skeleton(line):
    """A line without what differs from run to run: numbers with their signs and units, and seeds."""
    return re.sub(r"(0x[0-9a-f]+|[-+]?[0-9][0-9.,]*)", "#", line).strip()


def commands(block):
    """The block's commands, each with the lines shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield command, shown


def session(block):
    """Runs the server of the first command and the others against it; how many, and what was wrong."""
    (start, (said,)), *rest = commands(block)
    program = start.removeprefix("./tools/run ")
    process = subprocess.Popen([*program.split(), "--port", "0"], cwd=build, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline().rstrip("\n")
    port, wrong = line.rpartition(":")[2], []
    if skeleton(line) != skeleton(said):
        wrong.append(f"{start}: prints {line}")
    for command, shown in rest:
        if not shutil.which(command.split()[0]):
            print(f"{command}: not installed, left out, and what follows")
            break
        run = subprocess.run(["sh", "-c", command.replace(":8000/", f":{port}/")], cwd=build, capture_output=True, text=True, check=False)
        if run.returncode != 0 or run.stdout.rstrip("\n").split("\n") != shown:
            wrong.append(f"{command}: exit {run.returncode}\n{run.stdout}{run.stderr}")
    process.terminate()
    if process.wait() != 0:
        wrong.append(f"{start}: exit {process.returncode}")
    return 1 + len(rest), wrong


def free_ports(count):
    """The first of so many ports in a row that are free."""
    for first in range(20000 + os.getpid() % 10000, 32768):
        try:
            with contextlib.ExitStack() as all_of_them:
                for port in range(first, first + count):
                    all_of_them.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
    raise AssertionError("no free ports")


def two_servers(block):
    """Runs the block whole; what is wrong."""
    first = free_ports(3)
    for i, port in enumerate(("8001", "8002", "6379")):
        block = block.replace(port, str(first + i))
    block = block.replace("./examples", f"{build}/examples")
    with tempfile.TemporaryDirectory() as folder:
        script = (f"redis-server --port {first + 2} --appendonly yes --appendfsync always --save '' >log &\n"
                  f"until redis-cli -p {first + 2} ping >ping && grep -q PONG ping; do :; done\n"
                  + block.replace("%1", "%2").replace(" &", " >>log 2>&1 &"))
        with subprocess.Popen(["bash", "-c", script], cwd=folder, start_new_session=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            try:
                said = []
                process.wait()  # not for the end of its output: the servers have it, too
                said = os.read(process.stdout.fileno(), 65536).decode().rstrip("\n").split("\n")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    wanted = re.search(r"# (\d+) numbers, (\d+) time each", block).groups()
    return [] if said[-1].split() == list(wanted) else [f"two servers: said {said}"]


count, lines = excerpts.wrong(source, "README.md")
checked += count
failures += lines

for block in re.findall(r"<!-- session -->\n\n```sh\n(.*?)```", text, re.S):
    if not os.path.exists(f"{build}/examples/server/server") or not shutil.which("redis-server") or not shutil.which("curl"):
        print("no server is built, or redis-server or curl are not installed: two servers are left out")
        continue
    checked += 1
    failures += two_servers(block)

for block in re.findall(r"```console\n(.*?)```", text, re.S):
    if block.startswith("$ ./tools/run ./examples/server/server"):
        if not os.path.exists(f"{build}/examples/server/server"):
            print("the server is not built (libmicrohttpd-dev): its session is left out")
            continue
        ran, wrong = session(block)
        checked += ran
        failures += wrong
        continue
    for command, shown in commands(block):
        expected = 1 if "broken-" in command else 0
        actual = re.sub(r"\./tools/run +", "", command)
        actual = re.sub(r"^ctest.*", "ctest -N", actual)
        if "--whole" not in sys.argv[3:]:
            actual = actual.replace("--iters 1e7", "--iters 1e6")
        if not command.startswith("./tools/run "):
            failures.append(f"not a tools/run command: {command}")
            continue
        checked += 1
        for _ in range(10):
            run = subprocess.run(["sh", "-c", actual], cwd=build, capture_output=True, text=True, timeout=600)
            if run.returncode not in (0, 3) or run.returncode == expected:
                break  # else a run in which no threads met, on a busy machine
        if run.returncode != expected:
            failures.append(f"{command}: exit {run.returncode}, expected {expected}\n{run.stdout}{run.stderr}")
        have = {skeleton(line) for line in (run.stdout + run.stderr).split("\n")}
        if actual != "ctest -N":
            for line in shown:
                if line.strip() not in ("", "...") and skeleton(line) not in have:
                    failures.append(f"{command}: README shows a line it does not print:\n  {line}")

for failure in failures:
    print("FAILED:", failure)
print(f"{checked} commands and excerpts, {len(failures)} failed")
sys.exit(1 if failures or not checked else 0)
