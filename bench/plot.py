# SPDX-License-Identifier: MIT
"""Lines as SVG, logarithmic upwards, one a case, the spread as a band."""
import html
import math
import os
import re

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 44, 48
# Okabe and Ito's palette, told apart by colour-blind readers too
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#000000")


def decades(low, high):
    """1, 2 and 5 times powers of ten that cover low to high."""
    ticks = [digit * 10.0 ** power for power in range(-4, 11) for digit in (1, 2, 5)]
    first = max(i for i, tick in enumerate(ticks) if tick <= low)
    last = min(i for i, tick in enumerate(ticks) if tick >= high)
    return ticks[first:last + 1]


def scale(value, low, high, begin, end):
    if low == high:
        return (begin + end) / 2
    return begin + (end - begin) * math.log(value / low) / math.log(high / low)


def spread(labels):
    """Moves the heights of labels apart where they would overlap."""
    placed = []
    for height, text, color in sorted(labels):
        if placed and height < placed[-1][0] + 15:
            height = placed[-1][0] + 15
        placed.append((height, text, color))
    return placed


def draw_lines(title, axis, rows, places):
    """One line a case over `places`: what each x is called, and where it stands, from 0 to 1."""
    ticks = decades(min(row["lowest"] for row in rows), max(row["highest"] for row in rows))

    def x(value):
        return LEFT + (WIDTH - RIGHT - LEFT) * places[value][1]

    def y(rate):
        return scale(rate, ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP)

    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="22" font-size="15">{html.escape(title)}</text>']
    for tick in ticks:
        svg.append(f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for value, (name, _) in places.items():
        svg.append(f'<text x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{name}</text>')
    svg.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{axis}</text>')
    labels = []
    for number, case in enumerate(dict.fromkeys(row["case"] for row in rows)):
        color = COLORS[number % len(COLORS)]
        line = sorted((row for row in rows if row["case"] == case), key=lambda row: places[row["x"]][1])
        above = [f'{x(row["x"]):.1f},{y(row["highest"]):.1f}' for row in line]
        below = [f'{x(row["x"]):.1f},{y(row["lowest"]):.1f}' for row in reversed(line)]
        middle = [f'{x(row["x"]):.1f},{y(row["median"]):.1f}' for row in line]
        dashes = ' stroke-dasharray="5 3"' if number >= len(COLORS) else ""
        svg.append(f'<polygon points="{" ".join(above + below)}" fill="{color}" opacity="0.12"/>'
                   f'<polyline points="{" ".join(middle)}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>')
        svg += [f'<circle cx="{point.split(",")[0]}" cy="{point.split(",")[1]}" r="3" fill="{color}"/>' for point in middle]
        labels.append((y(line[-1]["median"]), f'{case} {line[-1]["median"]:.4g}', color))
    for height, text, color in spread(labels):
        svg.append(f'<text x="{WIDTH - RIGHT + 10}" y="{height + 4:.1f}" fill="{color}">{html.escape(text)}</text>')
    return "\n".join(svg) + "\n</svg>\n"


def write(folder, title, svg):
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") + ".svg"
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(svg)


def draw(rows, folder):
    """Rate against threads: one file a bench, named after its title."""
    for title in dict.fromkeys(row["bench"] for row in rows):
        mine = [{**row, "x": row["threads"]} for row in rows if row["bench"] == title]
        counts = sorted({row["x"] for row in mine})
        places = {count: (str(count), scale(count, counts[0], counts[-1], 0, 1)) for count in counts}
        write(folder, title, draw_lines(f"{title}: million a second", "threads", mine, places))


def draw_series(title, what, axis, rows, folder):
    """Against anything else, whose values stand side by side in the order in which they come."""
    values = list(dict.fromkeys(row["x"] for row in rows))
    places = {value: (value, 0.5 if len(values) == 1 else i / (len(values) - 1)) for i, value in enumerate(values)}
    write(folder, title, draw_lines(f"{title}: {what}", axis, rows, places))


def draw_percentiles(rows, threads, folder):
    """What one operation takes: one file a bench."""
    for title in dict.fromkeys(row["bench"] for row in rows):
        mine = []
        for row in rows:
            if row["bench"] != title or row["threads"] != threads or row["worst"] == 0:  # nobody did any in some
                continue
            for x, name in (("p50", "p50"), ("p99", "p99"), ("p99.9", "p999"), ("worst", "worst")):
                value = max(row[name], 1)
                mine.append({"case": row["case"], "x": x, "median": value, "lowest": value, "highest": value})
        if mine:
            draw_series(f"{title}, {threads} threads: latency", "nanoseconds for one", "", mine, folder)
