"""JSON that stays on one line for whoever reads lines: exports and the live wire. Pure."""

from __future__ import annotations

# JSON has these in strings as they are. Readers that go by Unicode's line ends (Python's `str.splitlines`,
# `iter_lines` of HTTP clients) break a line at them.
_LINE_ENDS = (("\x85".encode(), rb"\u0085"), ("\u2028".encode(), rb"\u2028"), ("\u2029".encode(), rb"\u2029"))


def on_one_line(json: bytes) -> bytes:
    """Return UTF-8 `json`, without line feeds already, with the line ends that only Unicode knows escaped."""
    for character, escaped in _LINE_ENDS:
        json = json.replace(character, escaped)
    return json
