"""What the site is built with: a page for every public name, links that lead to pages, examples with pictures."""

import ast
import importlib
import pathlib
import tomllib

import pytest

from docs.building import api, blocks, check, command, drawing, links, pictures

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))


def test_every_public_name_has_a_page():
    import konvolve
    from konvolve import layers, ndimage, nn
    from konvolve.compat import astropy

    listed = {f"{module}.{name}" for module, name in api.names()}
    expected = {f"konvolve.{name}" for name in dir(konvolve) if name[0] != "_"}
    expected -= {"konvolve.layers", "konvolve.ndimage", "konvolve.nn"}
    for module in (layers, ndimage, nn, astropy):
        for name, value in vars(module).items():
            ours = getattr(value, "__module__", "").startswith(module.__name__)
            if ours and name[0] != "_" and callable(value) and not name.startswith(("Convolution", "SeparableConvol")):
                expected.add(f"{module.__name__}.{name}")
    assert listed == expected - {"konvolve.nn.Weight", "konvolve.layers.factors"}


@pytest.mark.parametrize(("module", "name"), api.names())
def test_a_page_has_a_docstring_and_a_line_for_each_library(module, name):
    assert api.first_line(module, name).endswith((".", ":"))
    page = api._page(module, name)
    assert "What works where" in page
    assert len(page.partition("What works where")[2].strip()) > 60


def test_the_pages_are_written_and_old_ones_removed(tmp_path):
    (tmp_path / "konvolve.gone.rst").touch()
    api.write(tmp_path)
    written = {path.stem for path in tmp_path.glob("*.rst")}
    assert written == {"index", *(f"{module}.{name}" for module, name in api.names())}


def test_the_commands_page_is_what_the_program_prints(tmp_path):
    command.write(tmp_path / "command.md")
    text = (tmp_path / "command.md").read_text()
    for name in ("blur", "filter", "reverb", "plan", "bench", "doctor"):
        assert f"## konvolve {name}" in text
    assert "--sigma" in text


def test_links_of_pages_outside_lead_to_pages_of_the_site():
    origin, page = ROOT / "benchmarks" / "README.md", ROOT / "docs" / "results" / "measuring.md"
    assert links.relinked("[x](../docs/nn.md#a)", origin, page) == "[x](../nn.md#a)"
    assert links.relinked("[x](results/cpu.md)", origin, page) == "[x](cpu.md)"
    assert links.relinked("[x](https://a.b/c)", origin, page) == "[x](https://a.b/c)"
    assert links.relinked("[the race](contest)", origin, page) == "`the race`"
    code = "```python\nnet[1](net[0])\n```"
    assert links.relinked(code, origin, page) == code


def test_a_link_to_a_file_that_is_gone_is_refused():
    with pytest.raises(ValueError, match=r"README\.md links to gone\.md"):
        links.relinked("[x](gone.md)", ROOT / "README.md", ROOT / "docs" / "x.md")


def test_dead_links_and_silent_pictures_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#there"></a><a href="c.html"></a><img src="b.html">')
    (tmp_path / "b.html").write_text('<p id="here"></p><img src="b.html" alt="words"><a href="a.html"></a>')
    assert check.dead_links(tmp_path) == [("a.html", "b.html#there"), ("a.html", "c.html")]
    assert check.silent_pictures(tmp_path) == [("a.html", "b.html")]


def test_a_drawing_has_every_room_and_says_what_it_shows(tmp_path):
    text = (ROOT / "docs" / "architecture.md").read_text()
    page = drawing.replaced(text, tmp_path)
    assert "mermaid" not in page
    assert "methods imports planning, backends" in page
    floors, arrows = drawing.parsed(text.partition("```mermaid")[2].partition("```")[0])
    picture = (tmp_path / "architecture.svg").read_text()
    assert picture.count('<path d="M') == len(arrows) + 1  # and the tip
    assert all(f">{room}</text>" in picture for rooms in floors.values() for room in rooms)
    assert arrows[0] == ("command", "bench")


def test_every_section_of_the_gallery_is_listed():
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert folders == set(pictures.SECTIONS)
    assert all((ROOT / "examples" / name / "GALLERY_HEADER.rst").exists() for name in folders)
    assert f"[{len(EXAMPLES)} examples](examples)" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_a_title_and_a_picture(path):
    text = path.read_text()
    tree = ast.parse(text)
    title, rule, *_ = ast.get_docstring(tree).splitlines()
    assert set(rule) == {"="}
    assert len(rule) == len(title)
    assert "plt.subplots" in text
    assert "konvolve" in text
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported.isdisjoint({"argparse", "requests", "pooch"})  # it runs as it stands, without a network


def test_one_sentence_says_what_konvolve_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sentence = project["description"]
    assert importlib.import_module("konvolve").__doc__ == sentence
    for page in ("README.md", "docs/index.md"):
        assert (ROOT / page).read_text().splitlines()[2] == f"**{sentence}**"


@pytest.mark.slow
@pytest.mark.parametrize("page", blocks.pages(), ids=lambda page: page.stem)
def test_the_examples_of_a_page_run_in_a_fresh_process(page):
    code, said = blocks.run(page)
    assert code == 0, said
