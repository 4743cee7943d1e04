"""How clauses side by side become one node. Called by `query.parser` only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from services.index.query.nodes import MATCH_ALL, MATCH_NOTHING, Bool, Node


class Occur(Enum):
    PLAIN = auto()
    REQUIRED = auto()
    EXCLUDED = auto()


@dataclass(frozen=True, slots=True)
class Clause:
    node: Node
    occur: Occur = Occur.PLAIN


def explicit(occur: Occur) -> Occur:
    return Occur.REQUIRED if occur is Occur.PLAIN else occur


def negatable(clause: Clause) -> Node:
    return Bool(must_not=(clause.node,)) if clause.occur is Occur.EXCLUDED else clause.node


def join(clauses: list[Clause]) -> Node:
    """Return the clauses side by side: all required, or, when some carry a +, the unmarked ones optional."""
    if len(clauses) == 1 and clauses[0].occur is not Occur.EXCLUDED:
        return clauses[0].node
    required = tuple(c.node for c in clauses if c.occur is Occur.REQUIRED)
    plain = tuple(c.node for c in clauses if c.occur is Occur.PLAIN)
    excluded = tuple(c.node for c in clauses if c.occur is Occur.EXCLUDED)
    if excluded == (MATCH_ALL,) and len(clauses) == 1:
        return MATCH_NOTHING
    if required:
        return Bool(must=required, should=plain, must_not=excluded)
    return Bool(must=plain, must_not=excluded)
