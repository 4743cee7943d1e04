"""Query nodes to text: what a person could have typed to mean them.

`parser.parse(write(node))` is `node` again, for every node that the parser makes, as long as the text is
within its limits. Dates that counted from a clock are written as the instants they were.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from services.index.query.lexer import FIELD, FIELD_NAMES, OPERATORS
from services.index.query.nodes import (
    MATCH_NOTHING,
    Bool,
    Field,
    Fuzzy,
    In,
    MatchAll,
    Node,
    Phrase,
    Prefix,
    Range,
    Term,
)  # fmt: skip
from services.index.query.parser import BOOST_DECIMALS, MAX_CHARS, MAX_DEPTH

_ALWAYS_SPECIAL = re.compile(r'[\\\s()"“”„«»*~^]')
_SPECIAL_IN_PHRASE = re.compile(r'[\\"“”„«»]')
_SPECIAL_AT_START = "+-![{<>"
_WILD_QUESTION = re.compile(r"(?<=[^\W_])\?(?=[^\W_])")


def write(node: Node) -> str:
    """Return the text of `node`, with more parentheses than it needs where they help a reader.

    Raises ValueError for exact filters (`In`), which have no text.
    """
    text = _Writer(sparing=False).sequence(node)
    if len(text) > MAX_CHARS or _depth(text) > MAX_DEPTH:
        return _Writer(sparing=True).sequence(node)
    return text


class _Writer:
    """`sparing` leaves out all parentheses that the binding of AND over OR over neighbourhood implies.

    Then the text is no deeper than the one that the node was made from.
    """

    def __init__(self, *, sparing: bool) -> None:
        self._sparing = sparing

    def sequence(self, node: Node) -> str:
        """Return the text of a whole query, or of what stands between parentheses."""
        if not isinstance(node, Bool):
            return _leaf(node)
        if node.boost != 1.0:
            return self._group(node)
        if node == MATCH_NOTHING:
            return "-*"
        if not node.must and not node.must_not and len(node.should) > 1:
            return " OR ".join(map(self._alternative, node.should))
        if node.must and node.should and not node.must_not:
            # Joined by OR, a negative among the optional needs no parentheses.
            required = [f"+{self._operand(child)}" for child in node.must]
            return " OR ".join([*required, *map(self._alternative, node.should)])
        excluded = [f"-{self._operand(child)}" for child in node.must_not]
        if node.must and node.should:
            parts = [f"+{self._operand(child)}" for child in node.must]
            return " ".join([*parts, *map(self._neighbour, node.should), *excluded])
        if node.should:  # beside must_not alone: one of them has to match
            only = Bool(should=node.should) if len(node.should) > 1 else node.should[0]
            return " ".join([self._neighbour(only), *excluded])
        return " ".join([*map(self._neighbour, node.must), *excluded])

    def _neighbour(self, node: Node) -> str:
        """Return the text of a clause that stands unmarked in a sequence."""
        if isinstance(node, Bool) and self._sparing and node.boost == 1.0:
            if len(node.should) > 1 and not node.must and not node.must_not:
                return self.sequence(node)
            if chain := self._and_chain(node):
                return chain
        return self._operand(node)

    def _alternative(self, node: Node) -> str:
        """Return the text of an operand of OR."""
        if isinstance(node, Bool) and node.boost == 1.0:
            if len(node.must_not) == 1 and not node.must and not node.should:
                return f"-{self._operand(node.must_not[0])}"
            if self._sparing and (chain := self._and_chain(node)):
                return chain
        return self._operand(node)

    def _and_chain(self, node: Bool) -> str:
        """Return two or more operands joined by AND, or nothing for a node of another form."""
        if node.should or len(node.must) + len(node.must_not) < 2:
            return ""
        excluded = [f"-{self._operand(child)}" for child in node.must_not]
        return " AND ".join([*map(self._operand, node.must), *excluded])

    def _operand(self, node: Node) -> str:
        return self._group(node) if isinstance(node, Bool) else _leaf(node)

    def _group(self, node: Bool) -> str:
        inner = Bool(node.must, node.should, node.must_not)
        return f"({self.sequence(inner)}){_boost(node.boost)}"


def _leaf(node: Node) -> str:
    match node:
        case MatchAll():
            return f"*{_boost(node.boost)}"
        case Term():
            return f"{_field(node.field)}{_word(node.text, node.field)}{_boost(node.boost)}"
        case Prefix():
            return f"{_field(node.field)}{_word(node.text, node.field)}*{_boost(node.boost)}"
        case Fuzzy():
            word = _word(node.text, node.field)
            return f"{_field(node.field)}{word}~{node.distance}{_boost(node.boost)}"
        case Phrase():
            slop = f"~{node.slop}" if node.slop else ""
            text = _SPECIAL_IN_PHRASE.sub(r"\\\g<0>", node.text)
            return f'{_field(node.field)}"{text}"{slop}{_boost(node.boost)}'
        case Range():
            return f"{_field(node.field)}{_range(node)}{_boost(node.boost)}"
        case In() | Bool():
            raise ValueError(f"{type(node).__name__} has no text here")


def _field(field: Field | None) -> str:
    return f"{field.value}:" if field is not None else ""


def _word(text: str, field: Field | None) -> str:
    """Return `text` such that the lexer reads exactly it, as one word."""
    escaped = _ALWAYS_SPECIAL.sub(r"\\\g<0>", text)
    if "//" not in text:
        escaped = _WILD_QUESTION.sub(r"\\?", escaped)
    if text[:1] in _SPECIAL_AT_START or (field is None and text in OPERATORS):
        return "\\" + escaped
    if field is None and (name := FIELD.match(escaped)) is not None:
        after = escaped[name.end() :]
        if name.group()[:-1].lower() in FIELD_NAMES or not (after == "" or after.startswith("//")):
            return f"{name.group()[:-1]}\\:{after}"
    return escaped


def _boost(boost: float) -> str:
    return "" if boost == 1.0 else f"^{_decimal(boost)}"


def _range(node: Range) -> str:
    if isinstance(node.lower, datetime) or isinstance(node.upper, datetime):
        return _dates(node)
    if node.boost == 1.0 and (node.lower is None) != (node.upper is None):
        if node.upper is None and node.include_upper and node.lower is not None:
            return f">{'=' * node.include_lower}{_bound(node.lower)}"
        if node.lower is None and node.include_lower and node.upper is not None:
            return f"<{'=' * node.include_upper}{_bound(node.upper)}"
    opening, closing = "{["[node.include_lower], "}]"[node.include_upper]
    return f"{opening}{_bound(node.lower)} TO {_bound(node.upper)}{closing}"


def _dates(node: Range) -> str:
    """Bounds are whole seconds: the parser includes the lower one and not the upper."""
    if node.boost == 1.0 and node.upper is None and node.include_lower:
        return f">={_bound(node.lower)}"
    if node.boost == 1.0 and node.lower is None and not node.include_upper:
        return f"<{_bound(node.upper)}"
    opening, closing = "{["[node.include_lower], "}]"[node.include_upper]
    return f"{opening}{_bound(node.lower)} TO {_bound(node.upper)}{closing}"


def _bound(bound: datetime | float | None) -> str:
    if bound is None:
        return "*"
    if isinstance(bound, datetime):
        instant = bound.astimezone(UTC)
        if (instant.hour, instant.minute, instant.second) == (0, 0, 0):
            return instant.date().isoformat()
        clock = instant.time().isoformat("seconds" if instant.second else "minutes")
        return f"{instant.date().isoformat()}T{clock}Z"
    return _decimal(bound, decimals=15)


def _decimal(number: float, decimals: int = BOOST_DECIMALS) -> str:
    """Return the shortest decimal of `number`, which no exponent is part of: 0.000001, not 1e-06."""
    short = repr(float(number))
    if "e" not in short:
        return short.removesuffix(".0")
    return f"{number:.{decimals}f}".rstrip("0").rstrip(".")


def _depth(text: str) -> int:
    """Return an upper bound of how deep parentheses nest; escaped and quoted ones count too."""
    depth = deepest = 0
    for char in text:
        if char == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif char == ")":
            depth -= 1
    return deepest
