"""The terminal of `wireroom up`: progress, the panel with the addresses, the log stream, Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from services.cli.client import ServiceClient, api_key
from services.cli.hit_view import hit_lines
from services.cli.log_view import JsonLog, LogView, TerminalLog
from services.cli.output import Failure, as_typed, plural, stderr, stdout
from services.cli.samples import SampleRun, run_samples
from services.supervisor.stack import Stack, StackSettings, StartFailed, running_stack


async def run_up(settings: StackSettings, samples: Path | None, log_format: str) -> int:
    """Run everything until SIGINT, SIGTERM or SIGHUP; return the exit code."""
    log: LogView = JsonLog() if log_format == "json" else TerminalLog(stderr(), settings.log_level)
    signals = _Signals(log)
    progress = _Progress(stderr(), quiet=log_format == "json")
    started = time.monotonic()
    try:
        async with AsyncExitStack() as running:
            with progress.step("Starting Redis, ingest, enrich and index…"):
                stack = await running.enter_async_context(running_stack(settings, log.report))
                signals.watch(stack)
                if not await signals.unless_stopped(stack.start()):
                    return signals.exit_code
            ready_s = time.monotonic() - started
            log.announce("info", "ready", ingest=stack.url("ingest"), index=stack.url("index"))
            if log_format != "json":
                stdout().print(_panel(stack, ready_s))
            if samples is not None:
                submitting = asyncio.ensure_future(_submit_samples(stack, samples, log))
                with progress.step("Submitting the sample wire…"):
                    await signals.unless_stopped(submitting)
                run = None if submitting.cancelled() else submitting.result()
                if run is not None and log_format != "json":
                    stdout().print(_sample_lines(run))
            await signals.stopped.wait()
            progress.tell("Stopping: finishing what is in hand. Ctrl-C again stops at once.")
        progress.tell("Stopped.")
    except StartFailed as error:
        raise Failure(str(error), _last_words(error)) from error
    finally:
        signals.restore()
    return signals.exit_code


def _last_words(error: StartFailed) -> str:
    if not error.recent:
        return f"{error.process} logged nothing. `wireroom doctor` checks what could be wrong."
    # A service that keeps exiting says the same each time.
    lines = "\n".join(f"  {line}" for line in dict.fromkeys(error.recent))
    return f"It last said:\n{lines}\n`wireroom doctor` checks what could be wrong."


@dataclass(slots=True)
class _Progress:
    """A spinner while something takes long, on a terminal only."""

    console: Console
    quiet: bool

    def step(self, message: str) -> Status:
        status = self.console.status(f"[dim]{message}[/]")
        return _NoStatus(message) if self.quiet or not self.console.is_terminal else status

    def tell(self, message: str) -> None:
        if self.quiet:
            return
        with contextlib.suppress(OSError):  # the terminal may be gone: draining goes on
            if self.console.is_terminal:
                self.console.file.write("\r")  # over the ^C that the terminal has just echoed
            self.console.print(f"[dim]{message}[/]")


class _NoStatus(Status):
    """Where there is no terminal, a spinner is nothing at all."""

    def __enter__(self) -> _NoStatus:
        return self

    def __exit__(self, *_: object) -> None:
        return None


@dataclass(slots=True)
class _Signals:
    """The first signal drains, the second one kills."""

    log: LogView
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    exit_code: int = 0
    _stack: Stack | None = None

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    def watch(self, stack: Stack) -> None:
        self._stack = stack

    def _on_signal(self) -> None:
        if not self.stopped.is_set():
            self.stopped.set()
        elif self._stack is not None:
            self.exit_code = 130
            self._stack.kill()

    async def unless_stopped(self, work: Any) -> bool:
        """Do `work` unless a signal comes first; return whether it was done."""
        task = asyncio.ensure_future(work)
        waiting = asyncio.create_task(self.stopped.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            return False
        await task
        return True

    def restore(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _submit_samples(stack: Stack, samples: Path, log: LogView) -> SampleRun | None:
    """A failure here is told and no more: everything runs, and that is what was asked for."""
    try:
        run = await asyncio.to_thread(_run_samples, stack, samples)
    except FileNotFoundError:
        log.announce("warning", "there is no sample wire here, nothing was submitted", path=str(samples))
        return None
    except Failure as error:
        log.announce("warning", f"the sample wire was not submitted: {error.message}")
        return None
    log.announce("info", "samples searchable", articles=run.searchable, seconds=round(run.seconds, 3))
    return run


def _run_samples(stack: Stack, samples: Path) -> SampleRun:
    key, data_dir = api_key(), stack.settings.data_dir
    with (
        ServiceClient("ingest", stack.url("ingest"), key, data_dir=data_dir) as ingest,
        ServiceClient("index", stack.url("index"), key) as index,
    ):
        return run_samples(ingest, index, samples)


def _panel(stack: Stack, ready_s: float) -> Panel:
    grid = Table.grid(padding=(0, 3))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(no_wrap=True, overflow="fold")
    index, ingest = stack.url("index"), stack.url("ingest")
    grid.add_row("Web page", Text(f"{index}/", style=f"bold link {index}/"))
    grid.add_row("Search", Text(f"{index}/v1/search?q=…"))
    grid.add_row("Submit", Text(f"POST {ingest}/v1/articles"))
    grid.add_row("API docs", Text(f"{index}/docs, {ingest}/docs"))
    grid.add_row("Data", Text(_short_path(stack.settings.data_dir)))
    title = Text.assemble(("Wireroom", "bold"), f" is ready after {ready_s:.1f} s")
    return Panel(grid, title=title, title_align="left", border_style="green", expand=False, padding=(0, 2))


def _short_path(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _sample_lines(run: SampleRun) -> Group:
    if run.lost:
        first = Text(f"! {plural(run.lost, 'sample article')} did not become searchable", style="yellow")
    elif run.accepted:
        first = Text(
            f"✓ {plural(run.accepted, 'sample article')} submitted, enriched and searchable ", "green"
        )
        first.append(f"in {run.seconds:.1f} s", style="bold green")
    else:
        first = Text(f"✓ {plural(run.searchable, 'sample article')} searchable from before", style="green")
    lines: list[RenderableType] = [Text(), first]
    if run.hit is not None:
        lines += [Text(), Text.assemble(("$ ", "dim"), as_typed(f'wireroom search "{run.query}"'))]
        lines += [hit_lines(run.hit), Text()]
        found = f"{plural(run.total, 'article')} found in {run.search_ms:.0f} ms. Ctrl-C stops everything."
        lines.append(Text(found, style="dim"))
    return Group(*lines)
