"""The command's page: what ``konvolve COMMAND --help`` prints."""

from __future__ import annotations

from pathlib import Path

from docs.building.links import write as write_page

HEAD = """# The command

`pip install "konvolve[cli]"` brings `konvolve`. This page is what the program itself prints;
`konvolve COMMAND --help` prints it in a terminal.

"""


def write(path: Path) -> None:
    """Write the page, a section for each command."""
    import typer

    from konvolve.command.main import application

    whole = typer.main.get_command(application())
    with_context = {"konvolve": _help(whole, None)}
    top = whole.make_context("konvolve", [], resilient_parsing=True)
    for name, command in whole.commands.items():
        with_context[f"konvolve {name}"] = _help(command, top)
    sections = [f"## {name}\n\n```text\n{text}\n```\n" for name, text in with_context.items()]
    write_page(path, HEAD + "\n".join(sections))


def _help(command, parent) -> str:
    """What a command's --help prints, 100 columns wide."""
    name = "konvolve" if parent is None else command.name
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=100, max_content_width=100
    )
    return command.get_help(context).rstrip()
