#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""connections.py SERVER: slow, silent and greedy clients, pipelining, and an end that leaves nobody without an answer."""
import os
import resource
import signal
import time

import harness
from harness import Server, answers, equal, read_all, require

SLOW = int(os.environ.get("AX_SLOW_CONNECTIONS", "300"))


def pipelined(program, _folder):
    with Server(program) as server:
        server.get("/set?name=x&val=0")
        request = b"GET /inc?name=x HTTP/1.1\r\nHost: h\r\n\r\n"
        last = b"GET /get?name=x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        got = answers(server.raw(request * 200 + b"GET /get?name= HTTP/1.1\r\nHost: h\r\n\r\n" + last))
        equal([status for status, _ in got], [200] * 200 + [400, 200], "the answers, in order")
        equal(got[-1][1], "x: 200\n", "the last one")


def byte_by_byte(program, _folder):
    with Server(program) as server, server.connect() as connection:
        for byte in b"POST /jobs HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{\"a\":1}":
            connection.send(bytes([byte]))
        equal(answers(read_all(connection)), [(201, '{"id":1}\n')], "a request in single bytes")


def dripping(program, _folder):
    """A byte now and then does not buy more time: the server ends it, or this loop never does."""
    with Server(program, "--timeout", "1") as server, server.connect() as connection:
        connection.settimeout(0.05)
        connection.sendall(b"GET /get?name=")
        while True:
            try:
                connection.send(b"x")
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                return


def all_at_once(program, _folder):
    """
    As many requests as libmicrohttpd takes from epoll at a time, and nothing after them: its own loop would ask for more
    first, and wait for it for ever. They come together as the server is stopped meanwhile.
    """
    with Server(program, "--threads", "1") as server:
        kept = [server.connect() for _ in range(128)]
        for _ in range(3):
            server.process.send_signal(signal.SIGSTOP)
            for connection in kept:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            server.process.send_signal(signal.SIGCONT)
            for connection in kept:
                require(connection.recv(1000).startswith(b"HTTP/1.1 200"), "no answer")
        for connection in kept:
            connection.close()


def slow_ones(program, _folder):
    """Many who sent half a request; one in earnest is served meanwhile, and at last they are all cut off."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = SLOW if hard == resource.RLIM_INFINITY else min(SLOW, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(count + 100, 1024), hard))
    with Server(program, "--timeout", "3", "--max-connections", str(count + 10)) as server:
        slow = [server.connect() for _ in range(count)]
        for i, connection in enumerate(slow):
            connection.sendall([b"GET /get?na", b"POST /jobs HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", b"G", b""][i % 4])
        server.until_served()
        for connection in slow:
            got = read_all(connection)
            require(not got or got.split()[1].startswith(b"4"), repr(got[:100]))
            connection.close()
        server.until_served()
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
            kib = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
        print(f"      {count} slow connections, at most {kib // 1024} MiB", flush=True)
        if "tsan" not in program and "AX_SANITIZED" not in os.environ:
            require(kib * 1024 < (48 << 20) + count * 32768, "more than 32 KiB for each, and 48 MiB")


def too_many(program, _folder):
    """What is over the limit is closed at once, whatever it sends; a place that is left is taken again."""
    with Server(program, "--max-connections", "4", "--threads", "2") as server:
        kept = []
        while len(kept) < 4:
            connection = server.connect()
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            require(connection.recv(1000).startswith(b"HTTP/1.1 200"), "within the limit")
            kept.append(connection)

        def one_more():
            with server.connect() as connection:
                try:
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                except (BrokenPipeError, ConnectionResetError):
                    return b""
                return read_all(connection)

        for _ in range(10):
            equal(one_more(), b"", "over the limit")
        kept.pop().close()
        answer = b""
        while not answer:  # until the server has noticed
            answer = one_more()
        require(answer.startswith(b"HTTP/1.1 200"), repr(answer))
        for connection in kept:
            connection.close()


def is_handed_over(server, connection):
    """By the kernel, which keeps a silent one for a second: from then on it is an established one on the server's side, too."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return f"0100007F:{server.port:04X} 0100007F:{connection.getsockname()[1]:04X} 01 " in table.read()


def what_was_accepted_is_answered(program, _folder):
    """Requests that were sent before the signal: on new connections, on kept ones, in the middle of work."""
    with Server(program, "--memo-rounds", "3000000", "--grace", "600") as server:
        server.get("/set?name=x&val=0")
        inc = b"GET /inc?name=x HTTP/1.1\r\nHost: h\r\n\r\n"
        kept = [server.connect() for _ in range(20)]
        for connection in kept:
            connection.sendall(inc)
            require(b"ok" in connection.recv(1000), "the first request of a kept connection")
        working = [server.connect() for _ in range(8)]
        for i, connection in enumerate(working):
            connection.sendall(f"GET /memo?key={i % 3} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        idle = server.connect()
        half = server.connect()
        half.sendall(b"GET /inc?name=")
        for connection in kept[::2]:
            connection.sendall(inc * 3)
        while not is_handed_over(server, idle):
            time.sleep(0.05)
        server.process.send_signal(signal.SIGSTOP)  # so that these wait in the kernel's queue
        fresh = [server.connect() for _ in range(50)]
        for connection in fresh:
            connection.sendall(inc)
        server.process.terminate()
        equal(server.stop(signal.SIGCONT), 0, "the exit code")
        for connection in fresh:
            equal(answers(read_all(connection)), [(200, "ok\n")], "on a new connection")
        for i, connection in enumerate(kept):
            equal(answers(read_all(connection)), [(200, "ok\n")] * (0 if i % 2 else 3), "on a kept connection")
        for connection in working:
            (status, _), = answers(read_all(connection))
            equal(status, 200, "in the middle of work")
        equal(read_all(idle), b"", "one that asked nothing")
        equal(read_all(half), b"", "one that had not finished asking")
        for connection in fresh + kept + working + [idle, half]:
            connection.close()


def grace_ends(program, _folder):
    """An answer that nobody takes holds the end up for the grace only, and the exit code says so."""
    with Server(program, "--grace", "1", "--max-key", "4096") as server:
        for _ in range(40):
            server.post("/jobs", '{"a":"' + "x" * 60000 + '"}')
        with server.connect() as connection:
            connection.setsockopt(harness.socket.SOL_SOCKET, harness.socket.SO_RCVBUF, 4096)
            connection.sendall(b"GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n" * 200)
            connection.recv(1)
            equal(server.stop(), 1, "the exit code")


def interrupted(program, _folder):
    server = Server(program)
    equal(server.stop(signal.SIGINT), 130, "the exit code")
    server.process.stdout.close()


harness.main([pipelined, byte_by_byte, dripping, all_at_once, slow_ones, too_many, what_was_accepted_is_answered, grace_ends,
              interrupted])
