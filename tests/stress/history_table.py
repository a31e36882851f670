#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of docs/history-format.md, and what it is about: no broken variant is forgotten, and none is said to be
caught that no test catches.

usage: history_table.py DOCUMENT NOUN=PROGRAM... -- NOUN:VARIANT...

After --: whose histories a test wants to be wrong.
"""
import re
import subprocess
import sys

wrong = []


def say(condition, sentence):
    if not condition:
        wrong.append(sentence)


split = sys.argv.index("--")
programs, tested = dict(word.split("=", 1) for word in sys.argv[2:split]), set(sys.argv[split + 1:])
with open(sys.argv[1], encoding="utf-8") as document:
    rows = re.findall(r"^\| (\w+) \| `(broken-[\w-]+)` \| (\d+|-) \| (.*) \|$", document.read(), re.M)
table = {f"{noun}:{variant}": (count, why) for noun, variant, count, why in rows}
say(len(table) == len(rows), "a variant is in the table twice")
listed = set()
for noun, program in programs.items():
    names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    listed |= {f"{noun}:{line.split()[0]}" for line in names.splitlines() if line.startswith("broken-")}
say(len(listed) > 20, f"only {len(listed)} broken variants are listed")
for name in sorted(listed - table.keys()):
    say(False, f"{name} is not in the table")
for name in sorted(name for name in table.keys() - listed if name.split(":")[0] in programs):
    say(False, f"{name} is in the table and in no program")
for name, (count, why) in sorted(table.items()):
    say(len(why) > 15, f"{name}: the table does not say why")
    if count == "-":
        say(name not in tested, f"{name}: the table says that its history has an order, and a test that it has none")
    else:
        say(name in tested, f"{name}: no test wants its history to be wrong")
        say(1 <= int(count) <= 8, f"{name}: {count} operations are not 1 to 8")
print("\n".join(wrong) if wrong else f"{len(table)} broken variants, of which a history shows {len(tested)}")
sys.exit(1 if wrong else 0)
