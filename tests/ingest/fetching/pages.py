"""Pages as news sites make them, small."""

from __future__ import annotations

PARAGRAPH = (
    "Ministers of twenty countries met on Monday and agreed on nothing in particular, officials said. "
)
BODY = "".join(f"<p>{PARAGRAPH * 3}</p>" for _ in range(8))


def page(title: str = "Ministers meet in Bali", body: str = BODY, head: str = "", html: str = "") -> str:
    return (
        f"<!DOCTYPE html><html {html}><head><meta charset=utf-8><title>{title}</title>{head}</head>"
        f"<body><nav><a href=/>Home</a></nav><article><h1>{title}</h1>{body}</article>"
        "<footer>Subscribe to our newsletter. About us.</footer></body></html>"
    )


def canonical(href: str) -> str:
    return f'<link rel="canonical" href="{href}">'
