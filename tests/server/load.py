#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""load.py SERVER: ab and wrk find no failure, and the count is what they say was done.

AX_LOAD_SECONDS (1) of wrk, AX_LOAD_REQUESTS (5000) of ab.
"""
import os
import re
import shutil
import subprocess

import harness
from harness import Server, equal, require

REQUESTS = int(os.environ.get("AX_LOAD_REQUESTS", "5000"))
SECONDS = os.environ.get("AX_LOAD_SECONDS", "1")
IN_FLIGHT = 64


def count(server):
    return int(server.get("/get?name=i")[1].split()[1])


def ab(program, _folder):
    with Server(program) as server:
        for options in ([], ["-k"]):
            equal(server.get("/set?name=i&val=0"), (200, "ok\n"), "set")
            run = subprocess.run(["ab", "-q", *options, "-n", str(REQUESTS), "-c", "200", f"{server.url}/inc?name=i"],
                                 capture_output=True, text=True, check=True)
            found = dict(re.findall(r"^([A-Z][\w -]+requests|Non-2xx responses): +(\d+)", run.stdout, re.M))
            equal((found["Complete requests"], found["Failed requests"]), (str(REQUESTS), "0"), f"ab {options}")
            require("Non-2xx responses" not in found, run.stdout)
            require(not options or found["Keep-Alive requests"] == str(REQUESTS), "connections were not kept")
            equal(server.get("/get?name=i"), (200, f"i: {REQUESTS}\n"), "the count")


def wrk(program, _folder):
    """wrk stops without waiting for what is in flight: at most one request for each of its connections."""
    with Server(program) as server:
        equal(server.get("/set?name=i&val=0"), (200, "ok\n"), "set")
        run = subprocess.run(["wrk", "-t", "2", "-c", str(IN_FLIGHT), "-d", SECONDS, f"{server.url}/inc?name=i"],
                             capture_output=True, text=True, check=True)
        completed = int(re.search(r"(\d+) requests in", run.stdout).group(1))
        require("Non-2xx" not in run.stdout, run.stdout)
        while server.metric("http_connections") > 1:  # until what was in flight has come to its end
            pass
        answered = server.metric('http_requests_total{method="GET",route="/inc",status="200"}')
        got = count(server)
        equal(got, int(answered), "counted, and answered according to /metrics")
        require(completed <= got <= completed + IN_FLIGHT, f"{got} counted, {completed} completed")
        print(f"      {got} counted, {completed} completed", flush=True)


tools = [test for test in (ab, wrk) if shutil.which(test.__name__)]
for test in (ab, wrk):
    if test not in tools:
        print(f"{test.__name__} is not installed (apache2-utils, wrk): left out")
harness.main(tools)
