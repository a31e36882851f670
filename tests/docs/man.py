#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""man.py SOURCE PREFIX: the man pages say what is so.

Each installed page passes mandoc's linter; its NAME and SYNOPSIS hold each public function of its header,
with the header's own prototype, and no other; every AX_ name in it is in a header; every page that it
refers to exists; a program's options and exit codes are those of its --help; its EXAMPLE compiles and runs.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

source, prefix = sys.argv[1:]
sys.path.insert(0, f"{source}/tests")
import interface

include = f"{prefix}/include"
man = f"{prefix}/share/man"
failures = []
checked = 0


def check(page, what, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(f"{page}: {what} {detail}")


def run(command, folder, accepted=(0,)):
    environment = dict(os.environ, PATH=f"{prefix}/bin:{os.environ['PATH']}", LD_LIBRARY_PATH=library_folder)
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode in accepted, done.stdout, f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def sections(text):
    parts = re.split(r"^# (.*)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def blocks(text):
    return [block.replace("\\\\", "\\") for block in re.findall(r"^```\n(.*?)^```", text, re.S | re.M)]


def long_options(text, lines=r".*"):
    return {option for line in re.findall(rf"^{lines}$", text, re.M) for option in re.findall(r"--[a-z][a-z-]+", line)}


def exit_codes(text):
    return {int(code) for code in re.findall(r"\b(\d+)\s+[a-z]", text)}


library_folder = os.path.dirname(glob.glob(f"{prefix}/lib/**/libatomicx.so", recursive=True)[0])
pkg_config = f"PKG_CONFIG_PATH='{library_folder}/pkgconfig' pkg-config --cflags --libs"
texts = {os.path.basename(path)[:-4]: open(path, encoding="utf-8").read()
         for path in glob.glob(f"{source}/docs/man/*.scd")}
check("docs/man", "pages", len(texts) >= 16, str(len(texts)))
all_names = "".join(interface.own_text(include, h, ["-dD"]) for h in interface.headers(include))


def check_interface(page, header, names, synopsis):
    functions = interface.functions(include, header)
    public = {name: tokens for name, tokens in functions.items() if "_detail_" not in name and not name.endswith("_")}
    macros = interface.macros(include, header)
    # a function with _at is what the macro of the same name calls: NAME has the macro
    wanted = {name for name in public if name.removesuffix("_at") not in macros} | set(macros)
    topic = page.split(".")[0]
    check(page, "NAME lacks", not wanted - set(names), str(sorted(wanted - set(names))))
    extra = set(names) - wanted - {topic} - set(re.findall(r"\} (ax_\w+);", all_names))
    check(page, "NAME has what the header has not:", not extra, str(sorted(extra)))
    code = re.sub(r"\bbool\b", "_Bool", re.sub(r"#include.*", "", "\n".join(blocks(synopsis)[:1])))
    shown = {} if "typedef" in code else {
        re.search(r"\b(ax_\w+)\s*\(", declaration)[1]: " ".join(interface.tokens(declaration))
        for declaration in code.split(";") if declaration.strip()}
    check(page, "SYNOPSIS lacks", not set(public) - set(shown), str(sorted(set(public) - set(shown))))
    for name, tokens in shown.items():
        check(page, "SYNOPSIS differs from the header:", public.get(name) == tokens, f"{tokens} | {public.get(name)}")


def check_example(page, example, folder):
    if "#include" not in example:  # commands; a run on a busy machine may be vacuous (3)
        good, printed, talk = run("set -e\n" + re.sub(r"^(axstress.*|axcheck.*)$", r"\1 || [ $? = 3 ]", example, flags=re.M),
                                  folder)
        check(page, "EXAMPLE fails:", good and printed, talk)
        return
    open(f"{folder}/example.c", "w", encoding="utf-8").write(example)
    flags = "-std=gnu11 -Wall -Wextra -Wpedantic -Werror"
    if "atomicx/model.h" in example:
        command = "mv example.c mytest.c && axmodel cc -o mytest mytest.c && axmodel run ./mytest"
    elif "atomicx/stress.h" in example:
        command = (f"gcc {flags} example.c -o example $({pkg_config} atomicx-stress) && "
                   "{ ./example --threads 2 --quiet || [ $? = 3 ]; }")
    elif "atomicx/outcome.h" in example:
        command = (f"gcc {flags} example.c -o example $({pkg_config} atomicx-stress) && "
                   "{ ./example --iters 1000 || [ $? = 3 ]; }")
    else:
        library = "atomicx-cluster" if "atomicx/cluster.h" in example else "atomicx"
        if not os.path.exists(f"{library_folder}/pkgconfig/{library}.pc"):
            print(f"{page}: {library} was not built, its example is not tried")
            return
        command = f"gcc {flags} example.c -o example $({pkg_config} {library}) && ./example"
    good, printed, talk = run(command, folder)
    check(page, "EXAMPLE fails:", good and printed, talk)


with tempfile.TemporaryDirectory() as folder:
    for page in sorted(texts):  # ax_model.3 leaves the program that axmodel.1 speaks of
        text = texts[page]
        section = page.split(".")[1]
        parts = sections(text)
        names = parts["NAME"].strip().split(" - ")[0].split(", ")
        for name in names:
            check(page, "not installed:", os.path.exists(f"{man}/man{section}/{name}.{section}"), name)
        # scdoc writes paragraph macros more often than mandoc likes
        good, lint, talk = run(f"mandoc -Tlint -Wwarning {man}/man{section}/{page} | grep -v 'skipping paragraph macro'",
                               folder, (0, 1))
        check(page, "mandoc:", good and not lint, lint + talk)
        for name, number in re.findall(r"\*(ax?\w+)\*\((\d)\)", text):
            check(page, "refers to a page that is not there:", os.path.exists(f"{man}/man{number}/{name}.{number}"), name)
        for name in set(re.findall(r"\bAX_[A-Z_]+\b", text)):
            check(page, "names what no header has:", re.search(rf"\b{name}", all_names), name)
        header = page.removeprefix("ax_").removesuffix(".3") + ".h"
        if section == "3":
            check_interface(page, header, names, parts["SYNOPSIS"])
        elif section == "1":
            program = {"axmodel": f"{folder}/mytest"}.get(names[0], f"{prefix}/bin/{names[0]}")
            if names[0] == "axstress":
                program = f"{prefix}/bin/axstress-map"  # has each common option
            if not os.path.exists(program):
                check(page, "no such program:", page == "axserver.1", program)
                print(f"{page}: not built, its options and example are not tried")
                continue
            good, printed, talk = run(f"'{program}' --help", folder)
            check(page, "--help:", good, talk)
            ours, its = long_options(parts["OPTIONS"]), long_options(printed, r" +-.*")
            check(page, "options of the page and of --help differ:", ours == its, str(sorted(ours ^ its)))
            programs = glob.glob(f"{prefix}/bin/axstress-*") if names[0] == "axstress" else [program]
            for each in programs if "EXIT STATUS" in parts else []:
                if each.endswith("-litmus") and names[0] == "axstress":
                    continue  # has a page of its own
                its = exit_codes(re.split("(?i)^exit (?:code|status).*?:", run(f"'{each}' --help", folder)[1], flags=re.M)[-1].split("\n\n")[0])
                ours = exit_codes(parts["EXIT STATUS"])
                check(page, "exit codes of the page and of --help differ:", ours == its and len(its) > 4, f"{each}: {sorted(ours)} {sorted(its)}")
        check_example(page, blocks(parts["EXAMPLE"])[0], folder)

for program in os.listdir(f"{prefix}/bin"):
    check(program, "has no page", os.path.exists(f"{man}/man1/{program}.1"))
for header in interface.headers(include):
    if interface.functions(include, header):
        check(header, "has no page", f"ax_{header[:-2]}.3" in texts)

for failure in failures:
    print("FAILED:", failure)
print(f"{len(texts)} pages, {checked} checks, {len(failures)} failed")
sys.exit(1 if failures or not checked else 0)
