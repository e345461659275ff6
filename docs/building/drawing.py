"""The drawing of who imports whom: Mermaid's text in a page, drawn as a picture, since the site brings no Mermaid."""

from __future__ import annotations

import re
from pathlib import Path

from docs.building.links import write as write_page

_BLOCK = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)


def parsed(text: str) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Return the floors with their rooms, and (from, to) of each arrow, of a flowchart of subgraphs."""
    floors: dict[str, list[str]] = {}
    arrows = []
    for line in text.splitlines():
        if found := re.match(r'\s*subgraph \w+\["(.*)"\]', line):
            floors[found[1]] = []
        elif found := re.match(r"\s*(\w+) --> (\w+)", line):
            arrows.append((found[1], found[2]))
        elif (found := re.match(r"\s*(\w+)$", line)) and found[1] != "end":
            floors[list(floors)[-1]].append(found[1])
    return floors, arrows


def replaced(source: str, folder: Path) -> str:
    """Return a page with its Mermaid block replaced by a picture, which is written into the folder."""
    return _BLOCK.sub(lambda found: _picture(found[1], folder), source)


def _picture(text: str, folder: Path) -> str:
    floors, arrows = parsed(text)
    below: dict[str, list[str]] = {}
    for one, other in arrows:
        below.setdefault(one, []).append(other)
    words = "; ".join(f"{one} imports {', '.join(others)}" for one, others in below.items())
    write_page(folder / "architecture.svg", drawn(floors, arrows))
    return f"![Who imports whom: {words}.]({folder.name}/architecture.svg)\n"


def drawn(floors: dict[str, list[str]], arrows: list[tuple[str, str]]) -> str:
    """Return the drawing as SVG: a row of boxes for each floor, and a line from each box to those that it imports."""
    wide, tall, box = 860, 110, (104, 34)
    places = {
        room: ((index + 0.5) * wide / len(rooms), row * tall + 62)
        for row, rooms in enumerate(floors.values())
        for index, room in enumerate(rooms)
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall * len(floors)}" font-family="sans-serif">',
        f'<rect width="{wide}" height="{tall * len(floors)}" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#0072b2"/></marker></defs>',
    ]
    for row, title in enumerate(floors):
        parts.append(
            f'<rect x="2" y="{row * tall + 4}" width="{wide - 4}" height="{tall - 10}" fill="#f3f5f8" rx="6"/>'
        )
        parts.append(f'<text x="12" y="{row * tall + 22}" font-size="13" fill="#555555">{title}</text>')
    for one, other in arrows:
        (x1, y1), (x2, y2) = places[one], places[other]
        if y1 == y2:  # along a floor: over the boxes between
            y1 = y2 = y1 - box[1] / 2
            bend = y1 - 36
        else:
            y1, y2 = y1 + box[1] / 2, y2 - box[1] / 2
            bend = (y1 + y2) / 2
        parts.append(
            f'<path d="M{x1:.0f},{y1:.0f} C{x1:.0f},{bend:.0f} {x2:.0f},{bend:.0f} {x2:.0f},{y2:.0f}" fill="none" '
            'stroke="#0072b2" stroke-opacity="0.55" marker-end="url(#tip)"/>'
        )
    for room, (x, y) in places.items():
        parts.append(
            f'<rect x="{x - box[0] / 2:.0f}" y="{y - box[1] / 2:.0f}" width="{box[0]}" height="{box[1]}" rx="5" '
            'fill="#ffffff" stroke="#333333"/>'
        )
        parts.append(f'<text x="{x:.0f}" y="{y + 5:.0f}" font-size="15" text-anchor="middle">{room}</text>')
    return "\n".join([*parts, "</svg>\n"])
