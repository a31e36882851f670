#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shared.py SERVER: two servers sell the tickets of one event over a Redis server of their own."""
import json
import re
import socket
import subprocess
import time

import harness
from harness import Server, equal, in_threads, require


class Redis:
    """A redis-server on a free port, with its files in the folder. Ended by SIGKILL."""

    def __init__(self, folder):
        while True:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
            self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder, "--save",
                                             "", "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
            if self.answers():
                return

    def answers(self):
        """False when somebody else took the port."""
        while self.process.poll() is None:
            if self.ask("INFO server").find(f"process_id:{self.process.pid}\r") >= 0:
                return True
        return False

    def ask(self, command):
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                connection.sendall(command.encode() + b"\r\nQUIT\r\n")
                return harness.read_all(connection).decode()
        except ConnectionError:
            return ""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.kill()
        self.process.wait()


def sell(server, order=""):
    """The number and the order, or the status; None when the server is gone."""
    try:
        status, text = server.post("/tickets/gig/sell" + (f"?order={order}" if order else ""))
    except (ConnectionError, harness.http.client.HTTPException):
        return None
    if status != 200:
        return status
    answer = json.loads(text)
    return answer["number"], answer["order"]


def settled(ask):
    """What ask() says in the end: Redis may be slow to answer, and 503 means later."""
    while (answer := ask()) == 503 or (isinstance(answer, tuple) and answer[0] == 503):
        pass
    return answer


def opened(server, capacity):
    return settled(lambda: server.post(f"/tickets/gig?capacity={capacity}"))


def one_event(program, folder):
    """Two servers, one of them killed: each ticket is sold once, and a told one is told again."""
    capacity = 600
    with Redis(folder) as redis:
        where = f"127.0.0.1:{redis.port}"
        with Server(program, "--redis", where) as left, Server(program, "--redis", where, "--workers", "8") as right:
            equal(opened(left, capacity), (201, f'{{"capacity":{capacity}}}\n'), "open")
            equal(opened(right, capacity)[0], 201, "open elsewhere")
            equal(opened(left, capacity)[0], 409, "open again")
            sold, lost = [], []

            def buy(i):
                server = (left, right)[i % 2]
                for purchase in range(100):
                    order = f"{i:016x}{purchase:016x}"
                    got = sell(server, order)
                    if i == 0 and purchase == 50:
                        left.process.kill()
                    if isinstance(got, tuple):
                        sold.append(got)
                    else:
                        lost.append(order)

            in_threads(4, buy)
            left.ended = True
            equal(left.process.wait(), -9, "killed")
            for order in lost:  # whether they had been sold is told now
                while not isinstance(got := sell(right, order), tuple):
                    require(got in (429, 503), f"answer {got}")
                sold.append(got)
            first = sold[0]
            equal(settled(lambda: sell(right, first[1])), first, "a sold order, again")
            while got := sell(right):  # the killed server's come back
                if got == 409:
                    break
                if isinstance(got, tuple):
                    sold.append(got)
                else:
                    time.sleep(0.05)  # it is a matter of seconds: don't heat the machine
            equal(sorted(number for number, _ in sold), list(range(capacity)), "each ticket once")
            equal(settled(lambda: right.get("/tickets/gig")), (200, f'{{"capacity":{capacity},"left":0}}\n'), "left")
            equal(right.metric("events"), 1.0, "the events")


def refused(program, folder):
    with Redis(folder) as redis, Server(program, "--redis", f"127.0.0.1:{redis.port}") as server:
        equal(opened(server, 5)[0], 201, "open")
        equal(server.post("/tickets/gig/refund?number=0")[0], 409, "no refunds")
        for order in ("", "00", "g" * 32, "0" * 31, "0" * 33, "%00" * 32, "A" * 32):
            equal(server.post(f"/tickets/gig/sell?order={order}")[0], 400, f"order {order!r}")
        equal(server.post("/tickets/none/sell")[0], 404, "unknown")
        equal(server.get("/tickets/none")[0], 404, "unknown")
        equal(server.post("/tickets/a%20b?capacity=5")[0], 400, "a space in the name")
        equal(server.post("/tickets/a%00b?capacity=5")[0], 400, "a NUL in the name")
        equal(server.post(f"/tickets/{'x' * 65}?capacity=5")[0], 400, "a long name")
        equal(server.post("/tickets/other?capacity=0")[0], 400, "no capacity")
        with Server(program, "--redis", f"127.0.0.1:{redis.port}") as other:
            equal(opened(other, 6)[0], 409, "another capacity")
        redis.ask("CONFIG SET requirepass secret")
        require(server.get("/tickets/gig")[0] in (200, 503), "a server that refuses")


def without_redis(program, _folder):
    for where in ("", "nowhere", "host:0", "host:x"):
        done = subprocess.run([program, "--redis", where], capture_output=True, text=True, check=False)
        equal((done.returncode, done.stdout), (2, ""), f"--redis {where}")
        require(re.match(r"server: --redis .*not HOST:PORT\n$", done.stderr), done.stderr)
    with socket.socket() as taken:  # and nobody listens there
        taken.bind(("127.0.0.1", 0))
        with Server(program, "--redis", f"127.0.0.1:{taken.getsockname()[1]}") as server:
            equal(server.post("/tickets/gig?capacity=5")[0], 503, "no server")
            equal(server.get("/set?name=i&val=0"), (200, "ok\n"), "the rest works")


harness.main([one_event, refused, without_redis])
