"""The built site in a real browser: pages load, search finds, a thumbnail leads to its page, a phone shows it all.

Debian's chromium, driven by playwright. Screenshots go to the folder that KONVOLVE_SCREENSHOTS names, if it is set.
"""

import functools
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: apt-get install chromium"),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    if not (SITE / "index.html").exists():
        subprocess.run([sys.executable, "-m", "docs"], cwd=ROOT, check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def picture(page, name):
    if folder := os.environ.get("KONVOLVE_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def pages():
    found = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    return [name for name in found if not name.startswith("_static")]


def test_every_page_loads_without_an_error(address, page):
    said = []
    page.on("console", lambda each: said.append((each.text, each.location)) if each.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    # What is not on this machine is not fetched: the site has all it needs.
    page.on("request", lambda request: request.url.startswith((address, "data:")) or said.append(request.url))
    names = pages()
    assert len(names) > 90
    for name in names:
        answer = page.goto(f"{address}/{name}", wait_until="load")
        assert answer.ok, name
        assert not said, (name, said)


def test_search_finds_fftconvolve(address, page):
    page.goto(f"{address}/search.html?q=fftconvolve")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("fftconvolve" in each for each in found)
    picture(page, "search")


def test_a_thumbnail_leads_to_its_page(address, page):
    page.goto(f"{address}/gallery/index.html")
    picture(page, "gallery")
    page.locator(".sphx-glr-thumbcontainer a", has_text="Blur a colour picture").first.click()
    page.wait_for_load_state()
    assert page.locator("h1").inner_text().startswith("Blur a colour picture")
    assert page.locator("img.sphx-glr-single-img").count() >= 1
    picture(page, "example")


@pytest.mark.parametrize("name", ["index", "gallery/index", "api/konvolve.fftconvolve"])
def test_every_link_has_a_name(address, page, name):
    """What a screen reader says of a link: its text, its label, or the alternative text of its picture."""
    page.goto(f"{address}/{name}.html")
    nameless = """links => links.filter(a => !(a.innerText.trim() || a.ariaLabel || a.title
        || [...a.querySelectorAll("img")].some(img => img.alt.trim()))).map(a => a.href)"""
    assert page.locator("a[href]:visible").evaluate_all(nameless) == []
    assert page.locator(".sphx-glr-thumbcontainer a").count() >= (name == "gallery/index") * 20


@pytest.mark.parametrize(
    "name", ["index", "quickstart", "api/konvolve.fftconvolve", "gallery/index", "boundaries", "speed"]
)
def test_a_phone_shows_it_without_scrolling_sideways(browser, address, name):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", device_scale_factor=2)
    page = context.new_page()
    page.goto(f"{address}/{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "phone-" + name.replace("/", "-"))
    context.close()


@pytest.mark.parametrize("name", ["index", "api/index", "api/konvolve.convolve", "guides", "command"])
def test_a_desktop_shows_it(address, page, name):
    page.goto(f"{address}/{name}.html")
    assert page.locator("h1").count() == 1
    picture(page, "desktop-" + name.replace("/", "-"))
