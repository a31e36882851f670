# SPDX-License-Identifier: MIT
"""excerpts.py: a code block after `<!-- from FILE -->` must stand in that file, word for word."""
import re


def wrong(source, page):
    """How many excerpts the page has, and a line for each that is not in its file."""
    text = open(f"{source}/{page}", encoding="utf-8").read()
    found = re.findall(r"<!-- from (\S+) -->\n+```c\n(.*?)```", text, re.S)
    lines = []
    for path, block in found:
        if block.strip() not in open(f"{source}/{path}", encoding="utf-8").read():
            lines.append(f"{page}: the excerpt of {path} is not in it:\n{block}")
    return len(found), lines
