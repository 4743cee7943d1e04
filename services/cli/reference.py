"""`wireroom reference`: the pages of docs/ that are made from the code, and so agree with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from services.cli.output import stdout


def register(app: typer.Typer) -> None:
    app.command(hidden=True)(reference)


def reference(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; docs of a checkout.")],
) -> None:
    """Write the reference of settings, streams and metrics, the OpenAPI and the AsyncAPI documents."""
    for name, text in generated_files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        stdout().print(f"[green]✓[/] {path}")


def generated_files() -> dict[str, str]:
    """Return the text of each generated file by its path under docs/."""
    return {
        "reference.md": reference_page(),
        "api/ingest.openapi.json": _json(ingest_openapi()),
        "api/index.openapi.json": _json(index_openapi()),
        "api/streams.asyncapi.json": _json(streams_asyncapi()),
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def ingest_openapi() -> dict[str, Any]:
    from services.ingest.app import create_app
    from services.ingest.settings import IngestSettings

    return create_app(IngestSettings.model_construct()).openapi()


def index_openapi() -> dict[str, Any]:
    from services.index.app import create_app
    from services.index.settings import IndexSettings

    # Making the application opens an index, so give it an empty one.
    with TemporaryDirectory() as scratch:
        return create_app(IndexSettings.model_construct(data_dir=Path(scratch))).openapi()


def streams_asyncapi() -> dict[str, Any]:
    """Return the streams as an AsyncAPI 3.0 document: one channel a stream, one message an event."""
    from pydantic.json_schema import models_json_schema

    from shared.events import SCHEMA_VERSION
    from shared.streams import STREAMS

    events = {event for spec in STREAMS for event in spec.events}
    ordered = sorted(events, key=lambda event: event.__name__)
    _, definitions = models_json_schema(
        [(event, "serialization") for event in ordered], ref_template="#/components/schemas/{model}"
    )
    channels, operations = {}, {}
    for spec in STREAMS:
        names = [event.__name__ for event in spec.events]
        channels[spec.name] = {
            "address": f"{spec.name}.{{partition}}",
            "description": f"{spec.about} The braces are part of the key: they pick the Redis Cluster slot.",
            "parameters": {"partition": {"description": "0 … WIREROOM_PARTITIONS − 1, in braces"}},
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        }
        channel = {"$ref": f"#/channels/{spec.name}"}
        for writer in spec.writers:
            operations[f"{writer}.send.{spec.name}"] = {"action": "send", "channel": channel}
        for group in spec.groups:
            operations[f"{group}.receive.{spec.name}"] = {"action": "receive", "channel": channel}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Wireroom streams",
            "version": SCHEMA_VERSION,
            "description": "An entry has the field `event`, an event as JSON, and may have `traceparent`.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {
                event.__name__: {"payload": {"$ref": f"#/components/schemas/{event.__name__}"}}
                for event in ordered
            },
            "schemas": definitions.get("$defs", {}),
        },
    }


def reference_page() -> str:
    """Return docs/reference.md."""
    lines = [
        "# Reference",
        "",
        "Made from the code by `./run reference docs`; a test keeps it equal. Do not edit.",
        *_settings_section(),
        *_streams_section(),
        *_metrics_section(),
    ]
    return "\n".join(lines) + "\n"


def _settings_section() -> Iterator[str]:
    from services.enrich.settings import EnrichSettings
    from services.index.settings import IndexSettings
    from services.ingest.settings import IngestSettings
    from shared.settings import PREFIX, ServiceSettings

    yield from (
        "",
        "## Settings",
        "",
        "Environment variables, read once at start. Any of them may be given as a file instead: "
        f"`{PREFIX}API_KEYS_FILE=/run/secrets/api_keys`.",
    )
    common = ServiceSettings.model_fields
    groups = (
        ("Every service", common),
        *(
            (name, {key: field for key, field in settings.model_fields.items() if key not in common})
            for name, settings in (
                ("ingest", IngestSettings),
                ("enrich", EnrichSettings),
                ("index", IndexSettings),
            )
        ),
    )
    for name, fields in groups:
        yield from ("", f"### {name}", "", "| variable | default | meaning |", "|---|---|---|")
        for key, field in fields.items():
            default = "unset" if field.default is None else f"`{field.default}`"
            yield f"| `{PREFIX}{key.upper()}` | {default} | {_cell(field.description or '')} |"


def _streams_section() -> Iterator[str]:
    from shared.streams import STREAMS

    yield from ("", "## Streams", "", "`{p}` is the partition, in braces.", "")
    yield from ("| stream | events | written by | read by | what |", "|---|---|---|---|---|")
    for spec in STREAMS:
        events = ", ".join(f"`{event.__name__}`" for event in spec.events)
        groups = ", ".join(spec.groups) or "people"
        cells = (f"`{spec.name}.{{p}}`", events, ", ".join(spec.writers), groups, _cell(spec.about))
        yield f"| {' | '.join(cells)} |"


def _metrics_section() -> Iterator[str]:
    from shared.metrics import CATALOGUE

    yield from ("", "## Metrics", "", "Served by every service at `/metrics`.", "")
    yield from ("| metric | kind | labels | meaning |", "|---|---|---|---|")
    for spec in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        yield f"| `{spec.name}` | {spec.kind} | {labels} | {_cell(spec.help)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
