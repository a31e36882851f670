#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""use_it.py README PREFIX: what README's "Use it" says works in an empty folder, from the installed prefix.

A block after `<!-- file: NAME -->` is written to that file; one after `<!-- run -->` is a list of commands,
each of which prints "1 hit". The CMake project is built as it stands, and with the file as C++, and once
more with add_subdirectory of the source in place of find_package. PREFIX "/" is the system itself.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

readme, prefix = os.path.abspath(sys.argv[1]), sys.argv[2]
section = re.search(r"^## Use it\n(.*?)^## ", open(readme, encoding="utf-8").read(), re.S | re.M)[1]
files = dict(re.findall(r"<!-- file: (\S+) -->\n+```\w+\n(.*?)^```", section, re.S | re.M))
commands = re.findall(r"<!-- run -->\n+```sh\n(.*?)^```", section, re.S | re.M)[0].strip().split("\n")
environment = dict(os.environ)
if prefix != "/":
    library = os.path.dirname(glob.glob(f"{prefix}/lib/**/libatomicx.so", recursive=True)[0])
    environment |= {"PKG_CONFIG_PATH": f"{library}/pkgconfig", "LD_LIBRARY_PATH": library, "CMAKE_PREFIX_PATH": prefix}
failures = []
checked = 0


def prints_a_hit(what, command, folder):
    global checked
    checked += 1
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode != 0 or done.stdout.strip().split("\n")[-1] != "1 hit":
        failures.append(f"{what}: exit {done.returncode}\n{done.stdout}{done.stderr}")


def in_a_folder(what, command, change=lambda name, text: (name, text)):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (change(*item) for item in files.items()):
            open(f"{folder}/{name}", "w", encoding="utf-8").write(text)
        prints_a_hit(what, command, folder)


def as_cxx(name, text):
    return name.replace("hits.c", "hits.cc"), text.replace("hits.c", "hits.cc")


def uninstalled(name, text):
    source = os.path.dirname(readme)
    return name, re.sub(r"find_package\(.*\)", f"add_subdirectory({source} libatomicx)", text)


for command in commands:
    in_a_folder(command, command)
cmake = "cmake -S . -B build && cmake --build build --parallel 2 && ./build/hits"
in_a_folder("CMake, C", cmake)
in_a_folder("CMake, C++", cmake, as_cxx)
if prefix != "/":
    in_a_folder("add_subdirectory", cmake, uninstalled)

for failure in failures:
    print("FAILED:", failure)
print(f"{checked} ways to use it, {len(failures)} failed")
sys.exit(1 if failures or checked < 4 else 0)
