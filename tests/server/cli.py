#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cli.py SERVER: the command line answers as people expect."""
import re
import socket
import subprocess

import harness
from harness import Server, equal, require


def run(program, *options):
    done = subprocess.run([program, *options], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def help_and_version(program, _folder):
    code, out, err = run(program, "--help")
    equal((code, err), (0, ""), "--help")
    for word in ("usage: server", "--listen", "--port", "--threads", "--snapshot", "--max-connections", "/metrics", "exit codes"):
        require(word in out, f"--help does not say {word}")
    require(max(map(len, out.splitlines())) <= 120, "a line of --help is too long")
    code, out, err = run(program, "--version")
    require(code == 0 and out.startswith("server (libatomicx) "), "--version")


def mistakes(program, _folder):
    for options in (("--port", "x"), ("--port", "65536"), ("--port", "-1"), ("--port",), ("--nonsense", "1"), ("--nonsense",),
                    ("here",), ("--threads", "1e9"), ("--port=",), ("--max-key", "0"), ("-p", "80")):
        code, out, err = run(program, *options)
        equal((code, out, err.count("\n")), (2, "", 1), f"{options}")
        require(err.startswith(f"server: {options[0].split('=')[0]}: "), err)


def addresses(program, _folder):
    for options in (("--listen", "nowhere.invalid"), ("--listen", "192.0.2.1")):
        code, out, err = run(program, "--port", "0", *options)
        equal((code, out, err.count("\n")), (70, "", 1), f"{options}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, err = run(program, "--port", str(taken.getsockname()[1]))
        require(code == 70 and "in use" in err, err)
    with Server(program, "--listen=127.0.0.1", "--threads=3") as server:
        equal(server.get("/healthz"), (200, "ok\n"), "--name=value")


def few_files(program, _folder):
    """With fewer files than connections it says how many there can be."""
    with subprocess.Popen(["sh", "-c", 'ulimit -n 200 && exec "$0" --port 0', program], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        require(process.stdout.readline().startswith("listening on "), "it listens")
        process.terminate()
        _, said = process.communicate()
        equal(process.returncode, 0, "the exit code")
        room = int(re.search(r"leaves room for (\d+) connections\n$", said).group(1))
        require(0 < room < 200, said)


harness.main([help_and_version, mistakes, addresses, few_files])
