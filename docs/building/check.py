"""Links inside the built site: every page and every anchor that is linked to has to be there."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """The anchors of a page, what it links to, and its pictures without words."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: list[str] = []
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in one element."""
        given = dict(attrs)
        self.anchors.update(value for key in ("id", "name") if (value := given.get(key)))
        if tag == "a" and given.get("href"):
            self.targets.append(given["href"] or "")
        if tag in ("img", "script", "link", "source", "audio"):
            self.targets += [value for key in ("src", "href") if (value := given.get(key))]
        if tag == "img" and "alt" not in given:  # an empty text is one: a thumbnail beside its title
            self.silent.append(given.get("src") or "a picture without a file")


def read(site: Path) -> dict[Path, _Page]:
    """Return every page of the site."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        if "_static" in path.parts:  # the theme's templates
            continue
        found[path] = _Page()
        found[path].feed(path.read_text(encoding="utf-8"))
    return found


def dead_links(site: Path) -> list[tuple[str, str]]:
    """Return (page, target) of every link inside the site that leads nowhere."""
    pages, dead = read(site), []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not to.exists() or (anchor and to in pages and anchor not in pages[to].anchors):
                dead.append((path.relative_to(site).as_posix(), target))
    return dead


def silent_pictures(site: Path) -> list[tuple[str, str]]:
    """Return (page, picture) of every picture without an alternative text."""
    return [
        (path.relative_to(site).as_posix(), picture) for path, page in read(site).items() for picture in page.silent
    ]
