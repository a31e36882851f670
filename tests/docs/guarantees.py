#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""guarantees.py SOURCE BUILD [--write]: docs/guarantees.md agrees with headers, sources and tests.

After `<!-- from HEADER -->` stands the header's own table of operations, and after it one that names, for each of
its columns, tests that exist. Every public function of that header
has one line. In its second column a path is followed by a piece of code that stands in that file; its third
names tests that exist. --write puts the headers' tables in.
"""
import os
import re
import subprocess
import sys

source, build = sys.argv[1], sys.argv[2]
page_path = os.path.join(source, "docs/guarantees.md")
failures = []


def read(path):
    with open(os.path.join(source, path), encoding="utf-8") as file:
        return file.read()


def header_table(header):
    """The first table of its leading comment that has a column `progress`."""
    rows = [line[3:] for line in read(header).splitlines() if line.startswith(" * |")]
    begin = next(i for i, row in enumerate(rows) if "| progress" in row)
    width = rows[begin].count("|")
    end = next((i for i in range(begin, len(rows)) if rows[i].count("|") != width), len(rows))
    return "\n".join(re.sub(r" +", " ", row) for row in rows[begin:end])


def public_functions(header):
    text = re.sub(r"/\*.*?\*/", "", read(header), flags=re.S)
    names = re.findall(r"^(?!typedef)[a-z][\w \*]*?[ \*](ax_[a-z0-9_]+)\s*\(", text, re.M)
    return {re.sub(r"_at$", "", name) for name in names if not name.startswith("ax_detail_")}


page = read("docs/guarantees.md")
if sys.argv[3:] == ["--write"]:
    page = re.sub(r"(<!-- from (\S+) -->\n)(\n\|(?! function).*?\n(?=\n))?",
                  lambda m: f"{m[1]}\n{header_table(m[2])}\n", page, flags=re.S)
    with open(page_path, "w", encoding="utf-8") as file:
        file.write(page)

listed = subprocess.run(["ctest", "-N"], cwd=build, capture_output=True, text=True, check=True).stdout
tests = set(re.findall(r"^ +Test +#\d+: (\S+)", listed, re.M))
lines = 0
for section in re.split(r"^## ", page, flags=re.M)[1:]:
    header = re.search(r"<!-- from (\S+) -->", section)[1]
    if f"\n{header_table(header)}\n" not in section:
        failures.append(f"{header}: its table stands otherwise on the page (--write puts it in)")
    columns = [c.strip() for c in header_table(header).split("\n")[0].strip("| ").split("|")][1:]
    tested = re.search(r"^\| column \| tests \|\n\|---\|---\|\n((?:\|.*\n)*)", section, re.M)
    for named, names in re.findall(r"^\| (.*?) \| (.*) \|$", tested[1] if tested else "", re.M):
        columns = [c for c in columns if c not in re.split(r", (?!if)", named) and c != named]
        for name in re.findall(r"`(\w+\.[\w.-]+)`", names):
            if name not in tests:
                failures.append(f"{header}, {named}: no test {name}")
    for column in columns:
        failures.append(f"{header}: no test of the column {column}")
    told = []
    for functions, effect, names in re.findall(r"^\| (`ax_.*?) \| (.*) \| (`[^|]*) \|$", section, re.M):
        lines += 1
        told += re.findall(r"`(\w+)`", functions)
        for path, code in re.findall(r"`((?:lib|include|cluster)/[\w./]+)` `([^`]+)`", effect):
            if code.replace("\\|", "|") not in re.sub(r"\s+", " ", read(path)):
                failures.append(f"{functions}: {path} has no {code}")
        for name in re.findall(r"`([^`]+)`", names):
            if name not in tests:
                failures.append(f"{functions}: no test {name}")
    for name in sorted(public_functions(header) ^ set(told)):
        failures.append(f"{header}: {name} is {'on the page only' if name in told else 'not on the page'}")
    for name in sorted({name for name in told if told.count(name) > 1}):
        failures.append(f"{header}: {name} has more than one line")
for failure in failures:
    print("FAILED:", failure)
print(f"{lines} lines, {len(failures)} failed")
sys.exit(1 if failures or not lines else 0)
