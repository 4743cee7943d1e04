"""The command line that people use: puts the commands together and turns failures into words."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from services.cli import (
    admin,
    backup,
    bench,
    chaos,
    containers,
    dead,
    doctor,
    entities,
    evaluate,
    export,
    feeds,
    import_files,
    output,
    re_enrich,
    reference,
    retract,
    saved,
    search,
    show,
    sources,
    stories,
    submit,
    tail,
    up,
)
from shared.errors import WireroomError

app = typer.Typer(
    name="wireroom",
    help="Take news in, enrich it, and find it a moment later.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

# One module per group of commands; each adds its own.
for module in (
    up,
    submit,
    sources,
    retract,
    import_files,
    search,
    show,
    tail,
    stories,
    saved,
    export,
    dead,
    feeds,
    admin,
    re_enrich,
    entities,
    backup,
    doctor,
    bench,
    chaos,
    evaluate,
    containers,
    reference,
):
    module.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(version("wireroom"))
        except PackageNotFoundError:
            print("wireroom (run from its source, not installed)")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take news in, enrich it, and find it a moment later."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 fine, 1 something failed, 2 wrong usage.

    A command may have more of its own, which its help tells.
    """
    try:
        app(args=list(arguments), prog_name="wireroom")
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except (output.Failure, WireroomError) as error:
        output.show_failure(error)
        return 1
    except BrokenPipeError:
        # `wireroom search … | head` closed our output: nothing is left to say, not even at exit.
        sys.stdout = None
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
