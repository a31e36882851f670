#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""endpoints.py SERVER: every endpoint answers as promised, and also when many ask at once."""
import json

import harness
from harness import Server, equal, in_threads, require


def conversation(server, *steps):
    """
    Each step: "METHOD TARGET", or that and a body; the status and the line answered, or the status alone; and what
    is shown by it.
    """
    for asked, wanted, what in steps:
        line, body = asked if isinstance(asked, tuple) else (asked, None)
        status, text = server.ask(*line.split(" "), body)
        if isinstance(wanted, tuple):
            equal((status, text), (wanted[0], wanted[1] and wanted[1] + "\n"), f"{what}: {line}")
        else:
            equal(status, wanted, f"{what}: {line}: {text}")


def counters_are_the_storys(program, _folder):
    with Server(program) as server:
        conversation(
            server,
            ("GET /set?name=x&val=0", (200, "ok"), "set"),
            ("GET /get?name=x", (200, "x: 0"), "get"),
            ("GET /inc?name=x", (200, "ok"), "inc"),
            ("GET /get?name=x", (200, "x: 1"), "get"),
            ("GET /get?name=y", (404, "y not found"), "get of an unknown name"),
            ("GET /inc?name=y", (404, "y not found"), "inc of an unknown name"),
            ("GET /get?name=y", (404, "y not found"), "an inc that was refused adds nothing"),
            ("GET /set?name=x&val=-5", (200, "ok"), "set again"),
            ("GET /get?name=x", (200, "x: -5"), "the last set counts"),
            ("HEAD /get?name=x", (200, ""), "HEAD"))


def counters_hold_all_of_int64(program, _folder):
    with Server(program) as server:
        for value in (-(2**63), 2**63 - 1):
            conversation(server, (f"GET /set?name=x&val={value}", (200, "ok"), "set"),
                         ("GET /get?name=x", (200, f"x: {value}"), "get"))
        conversation(server, ("GET /inc?name=x", 409, "one more than fits"),
                     ("GET /get?name=x", (200, f"x: {2**63 - 1}"), "left as it was"))


def names_are_bytes(program, _folder):
    with Server(program, "--max-key", "8") as server:
        conversation(
            server,
            ("GET /set?name=a%2Fb%26c%3D%3F&val=1", (200, "ok"), "reserved characters, encoded"),
            ("GET /get?name=%61%2fb%26c=%3f", (200, "a/b&c=?: 1"), "the same, otherwise encoded"),
            ("GET /set?name=a+b&val=2", (200, "ok"), "plus is a space"),
            ("GET /get?name=a%20b", (200, "a b: 2"), "and a space is a space"),
            ("GET /set?name=%F0%9F%8E%AB%F0%9F%8E%AB&val=3", (200, "ok"), "8 bytes are allowed"),
            ("GET /get?name=%F0%9F%8E%AB%F0%9F%8E%AB", (200, "\U0001f3ab\U0001f3ab: 3"), "UTF-8"))


def jobs_come_and_go(program, _folder):
    with Server(program) as server:
        conversation(
            server,
            ("GET /jobs", (200, '{"count":0,"jobs":[]}'), "no jobs"),
            (("POST /jobs", '{"title": "a", "n": [1, 2.5, null, "\\u00e9"]}'), (201, '{"id":1}'), "the first"),
            (("POST /jobs", "{}"), (201, '{"id":2}'), "the second"),
            ("GET /jobs/1", (200, '{"id":1,"job":{"title":"a","n":[1,2.5,null,"\u00e9"]}}'), "the first, compact"),
            (("POST /jobs/2", '{"done": true}'), (200, "ok"), "replaced"),
            ("GET /jobs/2", (200, '{"id":2,"job":{"done":true}}'), "what replaced it"))
        listed = json.loads(server.get("/jobs")[1])
        equal([job["id"] for job in listed["jobs"]], [1, 2], "the list")
        equal(json.loads(server.get("/jobs?after=1")[1])["jobs"], [{"id": 2, "job": {"done": True}}], "a page")
        equal(len(json.loads(server.get("/jobs?limit=1")[1])["jobs"]), 1, "a short page")
        conversation(
            server,
            ("DELETE /jobs/1", (200, "ok"), "deleted"),
            ("DELETE /jobs/1", 404, "deleted twice"),
            ("GET /jobs/1", 404, "gone"),
            (("POST /jobs/1", "{}"), 404, "gone, and stays so"),
            ("DELETE /jobs", (200, "ok"), "all deleted"),
            (("POST /jobs", "{}"), (201, '{"id":3}'), "ids are not used twice"))


def long_lists_come_in_pages(program, _folder):
    with Server(program) as server:
        for _ in range(12):
            equal(server.post("/jobs", '{"a":"' + "x" * 60000 + '"}')[0], 201, "a job")
        seen, after = [], 0
        while True:
            status, text = server.get(f"/jobs?after={after}")
            equal(status, 200, "a page")
            page = json.loads(text)
            equal(page["count"], 12, "the count of all")
            require(len(text) < 262144 + 61000, f"a page of {len(text)} bytes")
            if not page["jobs"]:
                break
            seen += [job["id"] for job in page["jobs"]]
            after = seen[-1]
        equal(seen, list(range(1, 13)), "each job once, in order")


def tickets_are_sold_once(program, _folder):
    with Server(program) as server:
        conversation(
            server,
            ("POST /tickets/opera?capacity=100", (201, '{"capacity":100}'), "opened"),
            ("POST /tickets/opera?capacity=100", 409, "opened twice"),
            ("POST /tickets/ballet/sell", 404, "an unknown event"))

        def buy(_):
            client, mine = server.client(), []
            while True:
                client.request("POST", "/tickets/opera/sell")
                answer = client.getresponse()
                text = answer.read().decode()
                if answer.status == 409:
                    equal(text, "sold out\n", "the reason")
                    client.close()
                    return mine
                mine.append(json.loads(text)["number"])

        sold = sum(in_threads(8, buy), [])
        equal(sorted(sold), list(range(100)), "each ticket once")
        equal(server.get("/tickets/opera"), (200, '{"capacity":100,"left":0}\n'), "none left")
        refunds = in_threads(8, lambda _: server.post("/tickets/opera/refund?number=63")[0])
        equal(sorted(refunds), [200] + [409] * 7, "of eight refunds of one ticket")
        conversation(
            server,
            ("GET /tickets/opera", (200, '{"capacity":100,"left":1}'), "one left"),
            ("POST /tickets/opera/sell", (200, '{"number":63}'), "sold again"),
            ("POST /tickets/opera/refund?number=100", 400, "no such ticket"))


def accounts_keep_the_sum(program, _folder):
    with Server(program) as server:
        conversation(
            server,
            ("POST /accounts", (201, '{"account":0}'), "opened"),
            ("POST /accounts?floor=-50", (201, '{"account":1}'), "opened with an overdraft"),
            ("POST /accounts/0/deposit?amount=1000", (200, "ok"), "deposit"),
            ("POST /accounts/1/withdraw?amount=50", (200, "ok"), "withdrawal into the overdraft"),
            ("POST /accounts/1/withdraw?amount=1", 409, "and beyond"),
            ("POST /accounts/0/transfer?to=1&amount=10", (200, "ok"), "transfer"),
            ("POST /accounts/0/transfer?to=1&amount=991", 409, "transfer of too much"),
            ("POST /accounts/0/transfer?to=0&amount=1", 400, "transfer to itself"),
            ("POST /accounts/0/transfer?to=7&amount=1", 404, "transfer to nobody"),
            (f"POST /accounts/0/deposit?amount={2**63 - 1}", 409, "more than fits"),
            ("GET /accounts/1", (200, '{"account":1,"balance":-40}'), "balance"),
            ("GET /accounts/2", 404, "no such account"))

        def trade(i):
            client, wrong = server.client(), 0
            for step in range(60):
                if i == 0:
                    client.request("GET", "/accounts")
                else:
                    client.request("POST", f"/accounts/{i % 2}/transfer?to={(i + 1) % 2}&amount={step}")
                answer = client.getresponse()
                text = answer.read().decode()
                require(answer.status in (200, 409), text)
                wrong += i == 0 and text != '{"accounts":2,"sum":950}\n'
            client.close()
            return wrong

        equal(sum(in_threads(5, trade)), 0, "audits that saw another sum")


def memo_computes_once(program, _folder):
    with Server(program, "--memo-rounds", "3000000") as server:
        found = in_threads(12, lambda i: server.get(f"/memo?key=k{i % 2}"))
        equal(len(set(found)), 2, "results of two keys")
        equal({status for status, _ in found}, {200}, "statuses")
        equal(server.metric("memo_computations_total"), 2.0, "computations for twelve requests")
        equal(server.get("/memo?key=k0"), found[0], "a result that is there")
        equal(server.metric("memo_computations_total"), 2.0, "computations after another request")
        require(server.metric("memo_hits_total") >= 1, "no hit was counted")


def metrics_count_what_was_answered(program, _folder):
    with Server(program) as server:
        for _ in range(3):
            server.get("/set?name=x&val=1")
        server.get("/set?name=x")
        server.get("/nowhere")
        server.get("/metrics")
        equal(server.metric('http_requests_total{method="GET",route="/set",status="200"}'), 3.0, "good ones")
        equal(server.metric('http_requests_total{method="GET",route="/set",status="400"}'), 1.0, "bad ones")
        equal(server.metric('http_requests_total{method="",route="",status="404"}'), 1.0, "those without a route")
        # what is counted when a request is answered is not in the answer of /metrics itself: 6 before, 3 by metric()
        equal(server.metric("http_request_duration_seconds_count"), 9.0, "latencies")
        equal(server.metric('http_request_duration_seconds_bucket{le="+Inf"}'), 10.0, "the last bucket")
        equal(server.metric("counters"), 1.0, "counters")
        text = server.get("/metrics")[1]
        for line in text.splitlines():
            require(line.startswith("# ") or len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0, line)
        equal(server.get("/healthz"), (200, "ok\n"), "healthz")


harness.main([counters_are_the_storys, counters_hold_all_of_int64, names_are_bytes, jobs_come_and_go, long_lists_come_in_pages,
              tickets_are_sold_once, accounts_keep_the_sum, memo_computes_once, metrics_count_what_was_answered])
