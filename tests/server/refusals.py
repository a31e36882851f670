#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""refusals.py SERVER: whatever a client sends, it gets a 4xx with a short reason, and the server lives on."""
import harness
from harness import Server, answers, equal, require


def refused(server, status, method, target, reason, body=None, headers=None):
    got = server.ask(method, target, body, headers)
    equal(got[0], status, f"{method} {target[:80]}")
    require(reason in got[1] and len(got[1]) < 200, f"{method} {target[:80]}: {got[1]!r} does not say {reason!r} in short")


def parameters(program, _folder):
    with Server(program, "--max-key", "16") as server:
        for target, reason in (
                ("/set?val=1", "name is missing"), ("/set", "name is missing"), ("/get", "name is missing"),
                ("/inc?nam=x", "name is missing"), ("/set?name=&val=1", "name is empty"), ("/get?name", "name is empty"),
                ("/set?name=x", "val is missing"), ("/set?name=x&val=", "val is not a number"),
                ("/set?name=x&val=1x", "val is not a number"), ("/set?name=x&val=0x10", "val is not a number"),
                ("/set?name=x&val=1e3", "val is not a number"), ("/set?name=x&val=--1", "val is not a number"),
                ("/set?name=x&val=-", "val is not a number"), ("/set?name=x&val=%20%201", "val is not a number"),
                ("/set?name=x&val=9223372036854775808", "val is out of range"),
                ("/set?name=x&val=-9223372036854775809", "val is out of range"),
                ("/set?name=x&val=" + "9" * 500, "val is out of range"),
                ("/set?name=" + "k" * 17 + "&val=1", "name is longer than 16 bytes"),
                ("/get?name=" + "%41" * 17, "name is longer than 16 bytes"),
                ("/set?name=x&name=y&val=1", "given twice"), ("/get?name=x&%6eame=y", "given twice"),
                ("/set?=x&name=x&val=1", "no name"), ("/get?" + "&".join(f"a{i}=1" for i in range(9)), "too many parameters"),
                ("/memo", "key is missing"), ("/memo?key=", "key is empty"), ("/memo?key=" + "k" * 17, "key is longer"),
                ("/jobs?after=x", "after is not a number"), ("/jobs?limit=0", "limit is out of range"),
                ("/jobs?limit=1001", "limit is out of range"), ("/jobs?after=-1", "after is out of range"),
                ("/tickets/" + "k" * 17, "longer than 16"), ("/tickets/", "is empty")):
            refused(server, 400, "GET", target, reason)
        for target, reason in (
                ("/tickets/e", "capacity is missing"), ("/tickets/e?capacity=0", "out of range"),
                ("/tickets/e?capacity=1000001", "out of range"), ("/accounts?floor=1", "out of range"),
                ("/accounts?floor=-9223372036854775808", "out of range"),
                ("/accounts/0/deposit", "amount is missing"), ("/accounts/0/deposit?amount=-1", "out of range"),
                ("/accounts/0/withdraw?amount=x", "not a number"), ("/accounts/0/transfer?amount=1", "to is missing")):
            refused(server, 400, "POST", target, reason)


def encodings(program, _folder):
    with Server(program) as server:
        for target, reason in (
                ("/get?name=%", "hexadecimal"), ("/get?name=%4", "hexadecimal"), ("/get?name=%zz", "hexadecimal"),
                ("/get?name=a%00b", "control character"), ("/get%00?name=a", "control character"),
                ("/get?na%00me=a", "control character"), ("/set?name=a%0Ab&val=1", "control character"),
                ("/set?name=a%0d%0aSet-Cookie:x&val=1", "control character"), ("/get?name=%7f", "control character"),
                ("/g%", "hexadecimal"), ("/get?name=a#b", "percent-encoded"), ("/a/b/c/d/e", "too many parts")):
            refused(server, 400, "GET", target, reason)
        for line in (b"GET /set?name=a\0b&val=1 HTTP/1.1", b"GET /set?name=a b&val=1 HTTP/1.1", b"GET set?name=a&val=1 HTTP/1.1",
                     b"GET /set?name=a\0&val=1 HTTP/1.1 HTTP/1.1", b"GET /set?name=a&val=1\0 HTTP/1.1", b"GET * HTTP/1.1",
                     b"GET /set?name=a\x01&val=1 HTTP/1.1", b"GET //h/set?name=a&val=1 HTTP/1.1"):
            (status, reason), = answers(server.raw(line + b"\r\nHost: h\r\nConnection: close\r\n\r\n"))
            require(status in (400, 404), f"{line}: {status} {reason}")
        equal(server.get("/get?name=a"), (404, "a not found\n"), "none of these set it")
        (status, reason), = answers(server.raw(b"GET http://h/get?name=a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
        equal((status, reason), (404, "a not found\n"), "an absolute target is no mistake")


def methods_and_paths(program, _folder):
    with Server(program) as server:
        server.get("/set?name=x&val=0")
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "get", "X" * 300):
            refused(server, 405, method, "/inc?name=x", "GET")
        equal(server.get("/get?name=x"), (200, "x: 0\n"), "none of these counted")
        for method, target in (("PUT", "/jobs"), ("PUT", "/jobs/1"), ("DELETE", "/tickets/e"), ("GET", "/tickets/e/sell"),
                               ("GET", "/accounts/0/deposit?amount=1"), ("DELETE", "/accounts/0"), ("POST", "/metrics")):
            refused(server, 405, method, target, "the method is not one of")
        client = server.client()
        client.request("PUT", "/jobs")
        equal(client.getresponse().getheader("Allow"), "POST, GET, DELETE", "what is allowed")
        client.close()
        for target in ("/", "/nowhere", "/get/", "/jobs/", "/jobs/x", "/jobs/-1", "/jobs/1/2", "/jobs/99999999999999999999",
                       "/accounts/x", "/accounts/100000", "/tickets/nothing", "/tickets/a/b/c", "/GET", "/%2e%2e/etc/passwd"):
            refused(server, 404, "GET", target, "")


def versions(program, _folder):
    """Only HTTP/1 is spoken; other versions get the standard's 505, from libmicrohttpd."""
    with Server(program) as server:
        for version, status in ((b"1.0", 200), (b"1.1", 200), (b"1.2", 200), (b"0.9", 505), (b"2.0", 505), (b"9.9", 505), (b"3", 400),
                                (b"1.10", 400), (b"1.", 400), (b"x.y", 400), (b"-1.1", 400), (b"1.1\0", 400), (b"1.1 ", 400)):
            got = server.raw(b"GET /healthz HTTP/" + version + b"\r\nHost: h\r\nConnection: close\r\n\r\n")
            equal(answers(got)[0][0], status, f"HTTP/{version}")
        for line, status in ((b"GET /healthz", 400), (b"GET /healthz http/1.1", 400), (b"GET /healthz FTP/1.1", 400),
                             (b"PRI * HTTP/2.0", 505), (b"CONNECT h:80 HTTP/1.1", 400), (b"TRACE / HTTP/1.1", 404),
                             (b"GE\0T /healthz HTTP/1.1", 405)):
            equal(answers(server.raw(line + b"\r\nHost: h\r\nConnection: close\r\n\r\n"))[0][0], status, f"{line}")
        equal(server.get("/healthz"), (200, "ok\n"), "the server lives")


def bodies(program, _folder):
    with Server(program, "--max-body", "1000") as server:
        for body, reason in (("", "no JSON"), ("x", "no JSON"), ("[1]", "no JSON object"), ("1", "no JSON"),
                             ('{"a":1', "no JSON"), ('{"a":1}{', "no JSON"), ('{"a":1,"a":2}', "no JSON"),
                             ('{"a":"\\u0000"}', "no JSON"), ('{"a":"\0"}', "no JSON"), ("[" * 900, "no JSON"),
                             (b'{"a":"\xff"}', "no JSON")):
            refused(server, 400, "POST", "/jobs", reason, body)
        refused(server, 413, "POST", "/jobs", "longer than 1000", "x" * 1001)
        refused(server, 413, "GET", "/get?name=x", "longer than 1000", "x" * 1001)
        equal(server.post("/jobs", '{"a":"' + "x" * 992 + '"}')[0], 201, "exactly the limit")
        (status, reason), = answers(server.raw(b"POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n"))
        equal(status, 413, f"a body announced as huge: {reason}")
        (status, reason), = answers(server.raw(b"POST /jobs HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"))
        equal((status, "Content-Length" in reason), (411, True), f"a body without a length: {reason}")
        chunked = b"Transfer-Encoding: chunked"
        for head in (b"Content-Length: x", b"Content-Length: -1", chunked + b"\r\n\r\nzz", chunked + b"\r\n\r\n1;" + b"a" * 40000,
                     chunked + b"\r\nX: " + b"x" * 7000 + b"\r\n\r\n1;" + b"a" * 2000, chunked + b"\r\n\r\n" + b"f" * 20,
                     chunked + b"\r\n\r\n0\r\na: " + b"b" * 40000, chunked + b"\r\nContent-Length: 2", b"Transfer-Encoding: gzip",
                     b"a" * 40000, b"a: " + b"b" * 40000, b"\0: \0"):
            got = server.raw(b"POST /jobs HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + head + b"\r\n\r\n")
            require(not got or got.split()[1].startswith(b"4"), f"{head[:40]}: {got[:100]}")
        got = server.raw(b"GET /get?name=" + b"x" * 100000 + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        require(not got or got.split()[1] in (b"414", b"431", b"413"), f"an endless line: {got[:100]}")
        equal(server.get("/healthz"), (200, "ok\n"), "the server lives")


def rooms(program, _folder):
    with Server(program, "--max-counters", "2", "--max-jobs", "2", "--max-events", "2", "--max-accounts", "2",
                "--max-tickets", "5") as server:
        for i in range(2):
            equal(server.get(f"/set?name=c{i}&val=1")[0], 200, "a counter")
            equal(server.post("/jobs", "{}")[0], 201, "a job")
            equal(server.post(f"/tickets/e{i}?capacity=5")[0], 201, "an event")
            equal(server.post("/accounts")[0], 201, "an account")
        refused(server, 403, "GET", "/set?name=c2&val=1", "as many counters as are allowed")
        equal(server.get("/set?name=c1&val=2")[0], 200, "those that are there can be set")
        refused(server, 403, "POST", "/jobs", "as many jobs as are allowed", "{}")
        refused(server, 403, "POST", "/tickets/e2?capacity=5", "as many events as are allowed")
        refused(server, 403, "POST", "/accounts", "as many accounts as are allowed")
        refused(server, 400, "POST", "/tickets/e3?capacity=6", "out of range")


def noise(program, _folder):
    """Bytes that are no HTTP: a 4xx or none, and then the connection's end, at the time limit if it must be."""
    with Server(program, "--timeout", "1") as server:
        garbage = (b"\r\n\r\n", b"\0" * 100, b"\xff\xfe" * 50 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n",
                   b"GET / HTTP/1.1\r\n: \r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/x.y\r\n\r\n")
        open_ones = [server.connect() for _ in garbage]
        for connection, data in zip(open_ones, garbage):
            connection.sendall(data)
        for connection, data in zip(open_ones, garbage):
            got = harness.read_all(connection)
            require(not got or got.split()[1].startswith(b"4"), f"{data!r}: {got[:100]!r}")
            connection.close()
        server.until_served()


harness.main([parameters, encodings, methods_and_paths, versions, bodies, rooms, noise])
