# SPDX-License-Identifier: MIT
"""What the public headers declare, from the compiler's preprocessor: functions, function-like macros."""
import os
import re
import subprocess


def headers(include):
    return sorted(name for name in os.listdir(f"{include}/atomicx") if name.endswith(".h"))


def own_text(include, header, options=()):
    """The header's lines after preprocessing, without what it includes; detail/ counts to who includes it."""
    run = subprocess.run(["gcc", "-E", "-std=gnu11", f"-I{include}", *options, f"{include}/atomicx/{header}"],
                         check=True, capture_output=True, text=True)
    own, lines = False, []
    for line in run.stdout.split("\n"):
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            own = marker[1].endswith(f"/atomicx/{header}") or f"/detail/{header}" in marker[1]
        elif own:
            lines.append(line)
    return "\n".join(lines)


def tokens(text):
    return re.findall(r"\w+|\.\.\.|[^\s\w]", text)


def without_attributes(text):
    found = re.search(r"__attribute__\s*\(", text)
    while found:
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        text = text[:found.start()] + text[end:]
        found = re.search(r"__attribute__\s*\(", text)
    return text


STORAGE = ("static", "inline", "extern", "__extension__")


def functions(include, header, inline=True):
    """{name: prototype as one line of tokens} of the functions a header declares, and defines inline."""
    text = without_attributes(own_text(include, header).replace('extern "C"', ""))
    depth, piece, found = 0, "", {}
    for character in text:
        if character == "{":
            depth += 1
        if depth == 0:
            piece += character
        if (character == ";" and depth == 0) or (character == "{" and depth == 1) or (character == "}" and depth == 1):
            declared = re.search(r"\b(ax_\w+)\s*\(", piece)
            if declared and character != "}" and "typedef" not in piece and "=" not in piece:
                prototype = tokens(piece.rstrip(";"))
                if inline or "static" not in prototype:
                    found[declared[1]] = " ".join(word for word in prototype if word not in STORAGE)
            piece = ""
        if character == "}":
            depth -= 1
    return found


def macros(include, header):
    """Function-like macros that a user calls: ax_NAME(...) and AX_WITH_...(...)."""
    text = own_text(include, header, ["-dD"])
    return sorted(set(re.findall(r"^#define ((?:ax_(?!detail)|AX_WITH_)\w+)\(", text, re.M)))
