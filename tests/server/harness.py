# SPDX-License-Identifier: MIT
"""harness.py: the real server on a port of its own, and clients that can misbehave.

A test is a script: `harness.main(PROGRAM, tests)` runs each function of the list with the program's path. Nothing
here waits for time to pass: a condition is waited for, and if it never comes, ctest's time limit says so.
"""
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback


class Server:
    """
    A running server. Used in `with`: it must end by SIGTERM, with code 0. Its patience outlasts any machine's
    slowness, unless the options say otherwise.
    """

    def __init__(self, program, *options):
        self.ended = False
        self.process = subprocess.Popen([program, "--port", "0", "--timeout", "3600", *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.match(r"listening on http://127\.0\.0\.1:(\d+)\n$", line)
        if not found:
            raise AssertionError(f"not the line we wait for: {line!r}, exit code {self.process.wait()}")
        self.port = int(found.group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.process.kill()
        elif not self.ended:
            equal(self.stop(), 0, "the exit code")
        self.process.wait()
        self.process.stdout.close()

    def stop(self, number=signal.SIGTERM):
        self.ended = True
        self.process.send_signal(number)
        return self.process.wait()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def client(self):
        return http.client.HTTPConnection("127.0.0.1", self.port)

    def ask(self, method, target, body=None, headers=None):
        """Status and text of one request on a connection of its own."""
        client = self.client()
        try:
            client.request(method, target, body, headers or {})
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        finally:
            client.close()

    def get(self, target):
        return self.ask("GET", target)

    def post(self, target, body=None):
        return self.ask("POST", target, body)

    def raw(self, data):
        """All that comes back for these bytes, once the server or we have closed."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):  # who has refused already need not take the rest
                connection.sendall(data)
            return read_all(connection)

    def until_served(self):
        """Asks until there is an answer: under a short time limit a stalled client is cut off, rightly."""
        while True:
            try:
                equal(self.get("/healthz"), (200, "ok\n"), "healthz")
                return
            except (ConnectionError, http.client.HTTPException):
                continue

    def metric(self, name):
        status, text = self.get("/metrics")
        equal(status, 200, "/metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0


def read_all(connection):
    got = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return got
        if not piece:
            return got
        got += piece


def answers(data):
    """The statuses and bodies of pipelined answers."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        found.append((int(head.split()[1]), rest[:length].decode()))
        data = rest[length:]
    return found


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def require(condition, what):
    if not condition:
        raise AssertionError(what)


def in_threads(count, function):
    """Runs function(i) in `count` threads and gives their results; the first exception is raised here."""
    results, failures = [None] * count, []

    def run(i):
        try:
            results[i] = function(i)
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def main(tests):
    """script PROGRAM [NAME...]: runs the tests, or those named, side by side; each gets the program and an empty folder."""
    program = os.path.abspath(sys.argv[1])
    chosen = [test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]]

    def run(i):
        with tempfile.TemporaryDirectory() as folder:
            try:
                chosen[i](program, folder)
                print(f"  ok  {chosen[i].__name__}", flush=True)
                return 0
            except BaseException:  # pylint: disable=broad-except
                print(f"FAIL  {chosen[i].__name__}\n{traceback.format_exc()}", flush=True)
                return 1

    failed = sum(in_threads(len(chosen), run))
    print(f"{len(chosen)} tests, {failed} failed")
    sys.exit(1 if failed or not chosen else 0)
