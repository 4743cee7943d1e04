"""The search language: a Lucene subset, parsed by hand so that no input can crash or stall it.

    xi blinken            both words          "xi jinping"      the phrase       "a b"~3   with slop
    a OR b, a AND b       also || and &&      -a, !a, NOT a     without          (a b)     groups
    +a b c                a; b and c only raise the rank        pre*             words that begin so
    word~, word~2         within 1, 2 edits   a^2               weighs twice     field:a, field:(a b)
    published:>2026-11-01, published:[2026-11 TO 2026-12-24], sentiment:{0 TO *]

AND binds tighter than OR, and OR tighter than mere neighbourhood, so `summit bali OR delhi` asks for a
summit in either city, as people know it from web search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from services.index.query.lexer import Kind, Token, clean, tokenize
from services.index.query.nodes import MATCH_ALL, MATCH_NOTHING, Bool, Field, In, Node, Phrase
from services.index.query.values import BadValue, comparison_node, range_node, word_node
from shared.errors import WireroomError

MAX_CHARS = 1_000
MAX_DEPTH = 20
MAX_CLAUSES = 100
MAX_SLOP = 50
MAX_BOOST = 50.0  # to the power of MAX_DEPTH it still is a 32-bit float, which scores are
MAX_WARNINGS = 10


class QuerySyntaxError(WireroomError):
    """The query text breaks the grammar at `position`, a character offset into `query`."""

    def __init__(self, message: str, position: int, query: str) -> None:
        self.message = message
        self.position = position
        self.query = query
        super().__init__(f"{message} (at character {position + 1})")

    @property
    def caret(self) -> str:
        """Two lines: the query around the fault, and a caret under it."""
        start = max(0, self.position - 60)
        line = clean(self.query[start : self.position + 20])
        return f"{line}\n{' ' * (self.position - start)}^"


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`warnings` tell, for people, what of the text was read otherwise than it says."""

    node: Node
    warnings: tuple[str, ...] = ()


def parse(text: str, *, lenient: bool) -> ParsedQuery:
    """Return the meaning of `text`; blank text matches everything.

    Strict raises QuerySyntaxError at the first fault. Lenient never raises: it skips the faulty part,
    keeps the rest and says so in the warnings.
    """
    return _Parser(text, lenient=lenient).parse()


class _Occur(Enum):
    PLAIN = auto()
    REQUIRED = auto()
    EXCLUDED = auto()


@dataclass(frozen=True, slots=True)
class _Clause:
    node: Node
    occur: _Occur = _Occur.PLAIN


class _Parser:
    """Recursive descent over tokens; recursion only into parentheses, at most MAX_DEPTH deep."""

    def __init__(self, text: str, *, lenient: bool) -> None:
        self._lenient = lenient
        self._query = text
        self._warnings: list[str] = []
        if len(text) > MAX_CHARS:
            self._fault(f"a query has at most {MAX_CHARS} characters; the rest is ignored", MAX_CHARS)
            text = text[:MAX_CHARS]
        self._tokens = tokenize(clean(text))
        self._next = 0
        self._clauses = 0

    def parse(self) -> ParsedQuery:
        if self._peek().kind is Kind.END:
            return ParsedQuery(MATCH_ALL, tuple(self._warnings))
        parts: list[_Clause] = []
        while True:
            part = self._sequence(0, None)
            if part is not None:
                parts.append(_Clause(part))
            token = self._advance()
            if token.kind is Kind.END:
                break
            self._fault("there is no '(' for this ')'", token.position)
        if not parts:
            self._fault("nothing to search for", 0)
        return ParsedQuery(_join(parts) if parts else MATCH_NOTHING, tuple(self._warnings))

    def _sequence(self, depth: int, field: Field | None) -> Node | None:
        """Parse up to ')' or the end, leaving it. None when nothing in it can be searched for."""
        clauses: list[_Clause] = []
        while self._peek().kind not in (Kind.RPAREN, Kind.END):
            clause = self._or_chain(depth, field)
            if clause is not None:
                clauses.append(clause)
        return _join(clauses) if clauses else None

    def _or_chain(self, depth: int, field: Field | None) -> _Clause | None:
        operands = self._chain(Kind.OR, depth, field)
        if len(operands) < 2:
            return operands[0] if operands else None
        required = tuple(o.node for o in operands if o.occur is _Occur.REQUIRED)
        optional = tuple(_negatable(o) for o in operands if o.occur is not _Occur.REQUIRED)
        return _Clause(Bool(must=required, should=optional))

    def _and_chain(self, depth: int, field: Field | None) -> _Clause | None:
        operands = self._chain(Kind.AND, depth, field)
        if len(operands) < 2:
            return operands[0] if operands else None
        return _Clause(_join([replace(o, occur=_explicit(o.occur)) for o in operands]))

    def _chain(self, operator: Kind, depth: int, field: Field | None) -> list[_Clause]:
        """Parse operands joined by `operator`, skipping operators that lack an operand."""
        operands: list[_Clause] = []
        while True:
            operand = self._and_chain(depth, field) if operator is Kind.OR else self._modified(depth, field)
            if operand is not None:
                operands.append(operand)
            if self._peek().kind is not operator:
                return operands
            token = self._advance()
            if self._peek().kind in (Kind.RPAREN, Kind.END):
                self._fault(f"nothing follows {token.text}", token.position)
                return operands

    def _modified(self, depth: int, field: Field | None) -> _Clause | None:
        """Parse one clause with the +, -, ! and NOT before it."""
        occur = _Occur.PLAIN
        while self._peek().kind in (Kind.PLUS, Kind.NOT):
            token = self._advance()
            if self._peek().kind in (Kind.RPAREN, Kind.END, Kind.AND, Kind.OR):
                self._fault(f"nothing follows {token.text}", token.position)
                return None
            if token.kind is Kind.PLUS:
                occur = _Occur.REQUIRED if occur is _Occur.PLAIN else occur
            else:
                occur = _Occur.PLAIN if occur is _Occur.EXCLUDED else _Occur.EXCLUDED
        if self._peek().kind in (Kind.AND, Kind.OR):
            # Left for the chain that called, which moves past it.
            self._fault(f"nothing comes before {self._peek().text}", self._peek().position)
            return None
        node = self._primary(depth, field)
        return _Clause(node, occur) if node is not None else None

    def _primary(self, depth: int, field: Field | None) -> Node | None:
        token = self._peek()
        if token.kind is Kind.FIELD:
            self._advance()
            field = token.field
            if self._peek().kind in (Kind.RPAREN, Kind.END):
                self._fault(f"{token.text} needs a value", token.position)
                return None
        if self._peek().kind is Kind.LPAREN:
            return self._group(depth, field)
        return self._leaf(self._advance(), field)

    def _group(self, depth: int, field: Field | None) -> Node | None:
        opening = self._advance()
        if depth >= MAX_DEPTH:
            self._fault(f"parentheses nest at most {MAX_DEPTH} deep", opening.position)
            while self._peek().kind is Kind.LPAREN:
                self._advance()
            return None
        node = self._sequence(depth + 1, field)
        closing = self._peek()
        if closing.kind is Kind.END:
            self._fault("this '(' has no ')'", opening.position)
            return node
        self._advance()
        if node is None:
            self._fault("these parentheses hold nothing to search for", opening.position)
            return None
        if closing.edits is not None:
            self._fault("~ needs a word or a phrase before it", closing.position + 1)
        return self._boosted(node, closing)

    def _leaf(self, token: Token, field: Field | None) -> Node | None:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            self._fault(f"a query has at most {MAX_CLAUSES} words; the rest is ignored", token.position)
            return None
        if not token.closed:
            end = "quote" if token.kind is Kind.PHRASE else "bracket"
            self._fault(f"this {end} is never closed", token.position)
        try:
            node = self._leaf_node(token, field)
        except BadValue as error:
            self._fault(str(error), token.position)
            return None
        return self._boosted(node, token) if node is not None else None

    def _leaf_node(self, token: Token, field: Field | None) -> Node | None:
        if token.kind is Kind.RANGE:
            return range_node(field, token.text)
        if token.kind is Kind.COMPARE:
            return comparison_node(field, token.text)
        if field is None and token.prefix and not token.text.strip(":*"):
            return MATCH_ALL
        if not any(char.isalnum() for char in token.text):
            self._warn(f"nothing to search for in {token.text[:20]!r}", token.position)
            return None
        if token.kind is Kind.PHRASE and field is not Field.PUBLISHED:
            return Phrase(token.text, self._slop(token), field)
        if token.unknown_field is not None and "//" not in token.text:
            self._warn(f"there is no field {token.unknown_field!r}; read as text", token.position)
        if token.inner_wildcard:
            self._warn("* works only at the end of a word", token.position)
        return word_node(field, token)

    def _slop(self, token: Token) -> int:
        if token.edits is None:
            return 0
        slop = int(float(token.edits or 1))
        if slop > MAX_SLOP:
            self._fault(f"~{token.edits} is more than {MAX_SLOP}", token.position)
        return min(slop, MAX_SLOP)

    def _boosted(self, node: Node, token: Token) -> Node:
        if token.boost is None or isinstance(node, In):
            return node
        boost = float(token.boost)
        if not 0 < boost <= MAX_BOOST:
            self._fault(f"^{token.boost} is not above 0 and at most {MAX_BOOST:g}", token.position)
            return node
        return replace(node, boost=min(node.boost * boost, MAX_BOOST))

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _fault(self, message: str, position: int) -> None:
        if not self._lenient:
            raise QuerySyntaxError(message, position, self._query)
        self._warn(message, position)

    def _warn(self, message: str, position: int) -> None:
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings.append(f"{message} (at character {position + 1})")


def _explicit(occur: _Occur) -> _Occur:
    return _Occur.REQUIRED if occur is _Occur.PLAIN else occur


def _negatable(clause: _Clause) -> Node:
    return Bool(must_not=(clause.node,)) if clause.occur is _Occur.EXCLUDED else clause.node


def _join(clauses: list[_Clause]) -> Node:
    """Return the clauses side by side: all required, or, when some carry a +, the unmarked ones optional."""
    if len(clauses) == 1 and clauses[0].occur is not _Occur.EXCLUDED:
        return clauses[0].node
    required = tuple(c.node for c in clauses if c.occur is _Occur.REQUIRED)
    plain = tuple(c.node for c in clauses if c.occur is _Occur.PLAIN)
    excluded = tuple(c.node for c in clauses if c.occur is _Occur.EXCLUDED)
    if required:
        return Bool(must=required, should=plain, must_not=excluded)
    return Bool(must=plain, must_not=excluded)
