#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tokens.py SEED COUNT PROGRAM...: replay tokens that somebody has edited, or that are another test's.

Each broken test of PROGRAM... gives a token. COUNT tokens made from those, by changing, adding, leaving out and
exchanging characters, are handed to the tests. Each is either refused (exit code 65, and said why), or is a token
of an execution of the test: then it ends twice in the same way, and a violation that it comes to has a token that
leads to the same one.

Before them come tokens that say who makes a plain access first.
"""
import random
import re
import subprocess
import sys

LETTERS = "ABCDabcd-=~0123456789"
REFUSED = re.compile(r"^axmodel: --replay: ('.*' is no replay token from character \d+ on|no execution of \w+ has this "
                     r"token: step \d+, by thread \d+, .+)$", re.S)

# Tokens of one race each, which no happens-before orders: whoever comes first, the report is the same. The last of each
# test goes on after it.
RACES = {
    "broken_plain_flag": (("bc", "cb", "C2C"),),
    "broken_same_byte": (("bc", "cb", "C32D"),),
    "broken_same_byte_of_three": (("bc", "cb"), ("cd", "dc"), ("bd", "db", "D2B")),
}


def run(program, test, *options):
    done = subprocess.run([program, "--test", test, "--no-progress", "--no-shrink", *options], capture_output=True,
                          text=True, errors="replace")
    # Addresses differ from process to process, and times do.
    report = re.sub(r"0x[0-9a-f]+|\d+\.\d+ s.*", "", done.stdout + done.stderr)
    return done.returncode, report, done.stderr


def token_of(report):
    found = re.search(r"--replay (\S+)$", report, re.M)
    return found.group(1) if found else None


def change(draw, token, others):
    text = list(token)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        place = draw.randrange(len(text) + 1)
        kind = draw.randrange(6)
        if kind == 0 or place == len(text):
            text.insert(place, draw.choice(LETTERS))
        elif kind == 1:
            text[place] = draw.choice(LETTERS)
        elif kind == 2:
            del text[place]
        elif kind == 3:
            other = draw.randrange(len(text))
            text[place], text[other] = text[other], text[place]
        elif kind == 4:
            text = text[:place] + list(draw.choice(others))[place:]
        else:
            text.insert(place, draw.choice(("99999", "-65535", "=4294967295", "\x01", " ", "é", "P", "Q", "~~", "A" * 300)))
    return "".join(text)


def judge(program, test, token, refused):
    """What is wrong, or None."""
    code, report, talk = run(program, test, "--replay", token)
    if code == 65:
        refused[0] += 1
        return None if REFUSED.match(talk.strip()) else f"refused without a word of why: {talk}"
    if code not in (0, 1, 3):
        return f"exit code {code}: {talk}"
    if run(program, test, "--replay", token)[:2] != (code, report):
        return "ends in another way the second time"
    own = token_of(talk)
    if own is not None:
        again = run(program, test, "--replay", own)
        if (again[0], token_of(again[2])) != (code, own) or again[1] != report:
            return f"its own token {own} leads elsewhere: {again[2]}"
    return None


def without_callers(report):
    """A report without its token, and without the callers: those are told of the access that came second."""
    return re.sub(r"\n     called from .*|\n  replay: .*", "", report)


def judge_race(program, test, tokens):
    """What is wrong, or None."""
    reports = {}
    for token in tokens:
        problem = judge(program, test, token, [0])
        if problem is not None:
            return f"{token}: {problem}"
        reports[token] = without_callers(run(program, test, "--replay", token)[1])
    if "data race" not in reports[tokens[0]] or len(set(reports.values())) != 1:
        return f"one race, not told in the same words: {reports}"
    return None


def judge_races(tests):
    """How many are wrong."""
    wrong = judged = 0
    for program, test in tests:
        for tokens in RACES.get(test, ()):
            judged += 1
            problem = judge_race(program, test, tokens)
            if problem is not None:
                wrong += 1
                print(f"{program} --test {test}: {problem}")
    assert judged == sum(map(len, RACES.values())), "a test with races is missing"
    return wrong


def main():
    draw = random.Random(int(sys.argv[1]))
    count = int(sys.argv[2])
    tests = []
    for program in sys.argv[3:]:
        listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            name, kind = line.split(None, 1)
            if kind != "holds":
                tests.append((program, name))
    races_wrong = judge_races(tests)
    draw.shuffle(tests)
    found = []
    for program, test in tests[:40]:
        token = token_of(run(program, test)[2])
        if token is not None:
            found.append((program, test, token))
    assert len(found) > 10, "no tokens to change"
    others = [token for _, _, token in found]
    wrong, refused = 0, [0]
    for n in range(count):
        program, test, token = found[n % len(found)]
        changed = draw.choice(others) if n % 10 == 0 else change(draw, token, others)
        if "\0" in changed or changed.startswith("--"):
            continue
        problem = judge(program, test, changed, refused)
        if problem is not None:
            wrong += 1
            print(f"{program} --test {test} --replay '{changed}': {problem}")
    print(f"{count} tokens made from {len(found)}, {refused[0]} refused, {wrong} wrong")
    # A token of another execution is a token, but most strings are none.
    return races_wrong + wrong != 0 or not count / 4 < refused[0] < count


if __name__ == "__main__":
    sys.exit(main())
