"""The search language: a Lucene subset, parsed by hand so that no input can crash or stall it.

docs/query-language.md describes it whole; in short:

    xi blinken            both words          "xi jinping"      the phrase       "a b"~3   with slop
    a OR b, a AND b       also || and &&      -a, !a, NOT a     without          (a b)     groups
    +a b c                a; b and c only raise the rank        pre*             words that begin so
    word~, word~2         within 1, 2 edits   a^2               weighs twice     field:a, field:(a b)
    published:>2026-11-01, published:[2026-11 TO 2026-12-24], published:>now-7d, sentiment:{0 TO *]

AND binds tighter than OR, and OR tighter than mere neighbourhood, so `summit bali OR delhi` asks for a
summit in either city, as people know it from web search.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from services.index.query.clauses import Clause, Occur, explicit, join, negatable
from services.index.query.lexer import FIELD_NAMES, Kind, Token, clean, tokenize
from services.index.query.nodes import MATCH_ALL, MATCH_NOTHING, Bool, Field, In, Node, Phrase
from services.index.query.values import EXACT, BadValue, Values
from shared.errors import WireroomError

MAX_CHARS = 1_000
MAX_DEPTH = 20
MAX_CLAUSES = 100
# Words with * or ~ and phrases with ~: over 200k articles one can take 46 ms of CPU time, a plain word 1 ms.
MAX_OPEN_CLAUSES = 40
MAX_SLOP = 50
MAX_BOOST = 50.0  # to the power of MAX_DEPTH it still is a 32-bit float, which scores are
MIN_BOOST = 0.000001  # what the digits after ^ can say, and what boosts multiply down to
BOOST_DECIMALS = 6
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
        """Two lines: the query around the fault, and a caret under it, where each script has its width."""
        start = max(0, self.position - 60)
        line = clean(self.query[start : self.position + 20])
        return f"{line}\n{''.join(map(_blank, line[: self.position - start]))}^"


def _blank(char: str) -> str:
    """Return what takes the room of `char` in a line of fixed width: nothing, a space or a wide space."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return ""
    return "\u3000" if unicodedata.east_asian_width(char) in "WF" else " "


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`warnings` tell, for people, what of the text was read otherwise than it says."""

    node: Node
    warnings: tuple[str, ...] = ()


def parse(text: str, *, lenient: bool, now: datetime | None = None) -> ParsedQuery:
    """Return the meaning of `text`; blank text matches everything.

    Strict raises QuerySyntaxError at the first fault. Lenient never raises: it skips the faulty part,
    keeps the rest and says so in the warnings. Either way, punctuation that stands alone is passed over
    with a warning. Dates like "yesterday" count from `now`; without it they are faults.
    """
    return _Parser(text, lenient=lenient, now=now).parse()


class _Parser:
    """Recursive descent over tokens; recursion only into parentheses, at most MAX_DEPTH deep."""

    def __init__(self, text: str, *, lenient: bool, now: datetime | None) -> None:
        self._lenient = lenient
        self._values = Values(now)
        self._query = text
        self._warnings: list[str] = []
        if len(text) > MAX_CHARS:
            self._fault(f"a query has at most {MAX_CHARS} characters", MAX_CHARS, "the rest is ignored")
            text = text[:MAX_CHARS]
        self._tokens = tokenize(clean(text))
        self._next = 0
        self._clauses = 0
        self._open_clauses = 0

    def parse(self) -> ParsedQuery:
        if self._peek().kind is Kind.END:
            return ParsedQuery(MATCH_ALL, tuple(self._warnings))
        parts: list[Clause] = []
        while True:
            part = self._sequence(0, None)
            if part is not None:
                parts.append(Clause(part))
            token = self._advance()
            if token.kind is Kind.END:
                break
            self._fault("there is no '(' for this ')'", token.position)
        if not parts:
            self._fault("nothing to search for", 0)
        return ParsedQuery(join(parts) if parts else MATCH_NOTHING, tuple(self._warnings))

    def _sequence(self, depth: int, field: Field | None) -> Node | None:
        """Parse up to ')' or the end, leaving it. None when nothing in it can be searched for."""
        clauses: list[Clause] = []
        while self._peek().kind not in (Kind.RPAREN, Kind.END):
            clause = self._or_chain(depth, field)
            if clause is not None:
                clauses.append(clause)
        return join(clauses) if clauses else None

    def _or_chain(self, depth: int, field: Field | None) -> Clause | None:
        operands = self._chain(Kind.OR, depth, field)
        if len(operands) < 2:
            return operands[0] if operands else None
        required = tuple(o.node for o in operands if o.occur is Occur.REQUIRED)
        optional = tuple(negatable(o) for o in operands if o.occur is not Occur.REQUIRED)
        return Clause(Bool(must=required, should=optional))

    def _and_chain(self, depth: int, field: Field | None) -> Clause | None:
        operands = self._chain(Kind.AND, depth, field)
        if len(operands) < 2:
            return operands[0] if operands else None
        return Clause(join([replace(o, occur=explicit(o.occur)) for o in operands]))

    def _chain(self, operator: Kind, depth: int, field: Field | None) -> list[Clause]:
        """Parse operands joined by `operator`, skipping operators that lack an operand."""
        operands: list[Clause] = []
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

    def _modified(self, depth: int, field: Field | None) -> Clause | None:
        """Parse one clause with the +, -, ! and NOT before it."""
        occur = Occur.PLAIN
        while self._peek().kind in (Kind.PLUS, Kind.NOT):
            token = self._advance()
            if self._peek().kind in (Kind.RPAREN, Kind.END, Kind.AND, Kind.OR):
                self._fault(f"nothing follows {token.text}", token.position)
                return None
            if token.kind is Kind.PLUS:
                occur = Occur.REQUIRED if occur is Occur.PLAIN else occur
            else:
                occur = Occur.PLAIN if occur is Occur.EXCLUDED else Occur.EXCLUDED
        if self._peek().kind in (Kind.AND, Kind.OR):
            # Left for the chain that called, which moves past it.
            self._fault(f"nothing comes before {self._peek().text}", self._peek().position)
            return None
        node = self._primary(depth, field)
        return Clause(node, occur) if node is not None else None

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
            self._fault(f"a query has at most {MAX_CLAUSES} words", token.position, "the rest is ignored")
            return None
        is_open = token.prefix or token.edits is not None
        self._open_clauses += is_open
        if is_open and self._open_clauses > MAX_OPEN_CLAUSES:
            self._fault(f"a query has at most {MAX_OPEN_CLAUSES} * and ~", token.position, "it is left out")
            return None
        if not token.closed:
            end = "bracket" if token.kind is Kind.RANGE else "quote"
            self._fault(f"this {end} is never closed", token.position)
        try:
            node = self._leaf_node(token, field)
        except BadValue as error:
            self._fault(str(error), token.position)
            node = error.instead
        return self._boosted(node, token) if node is not None else None

    def _leaf_node(self, token: Token, field: Field | None) -> Node | None:
        if token.kind is Kind.RANGE:
            return self._values.range_node(field, token.text)
        if token.kind is Kind.COMPARE:
            return self._values.comparison_node(field, token.text)
        if field is None and token.prefix and not token.text.strip(":*"):
            return MATCH_ALL
        if not any(char.isalnum() for char in token.text):
            self._pass_over(token, field)
            return None
        if token.kind is Kind.PHRASE:
            if field not in EXACT:
                return Phrase(token.text, self._slop(token), field)
            token = replace(token, text=token.text.strip())
        if token.unknown_field is not None:
            self._fault(_no_field(token.unknown_field), token.position, "read as text")
        if token.misplaced is not None:
            self._fault(_MISPLACED[token.misplaced], token.position, "read as a space")
        return self._values.word_node(field, token)

    def _pass_over(self, token: Token, field: Field | None) -> None:
        """Say that a token holds neither letter nor digit: harmless among words, no value of a field."""
        message = f"nothing to search for in {token.text[:20] + '*' * token.prefix!r}"
        if field is not None:
            self._fault(message, token.position)
        else:
            self._warn(message, token.position)

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
        product = round(node.boost * boost, BOOST_DECIMALS)
        return replace(node, boost=min(max(product, MIN_BOOST), MAX_BOOST))

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _fault(self, message: str, position: int, reading: str = "") -> None:
        """Raise, or warn and go on; `reading` says what is made of the place then."""
        if not self._lenient:
            raise QuerySyntaxError(message, position, self._query)
        self._warn(f"{message}; {reading}" if reading else message, position)

    def _warn(self, message: str, position: int) -> None:
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings.append(f"{message} (at character {position + 1})")


_MISPLACED = {
    "*": "* works only at the end of a word",
    "?": "? is no wildcard here",
    "^": "^ takes a weight above 0 and at most 50, last of all",
    "~": "~ takes 1 or 2 edits, and nothing but ^ after them",
}


def _no_field(name: str) -> str:
    close = get_close_matches(name.lower(), FIELD_NAMES, n=1)
    hint = f"did you mean {close[0]}:?" if close else f"there are {', '.join(Field)}"
    return f"there is no field {name!r}; {hint}"
