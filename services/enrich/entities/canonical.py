"""Folding of an article's mentions into entities: surname, acronym and alias mentions under one name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.enrich.entities.gazetteer import CODE_OF_LABEL, Gazetteer
from services.enrich.entities.spans import acronym_letters, initials

# Bodies that news knows by the short form; of all others the full name is the better heading.
_KNOWN_BY_SHORT_FORM = {
    "Group of 20": "G20",
    "Group of Seven": "G7",
    "Group of 7": "G7",
    "Group of 77": "G77",
    "Asia-Pacific Economic Cooperation": "APEC",
    "Association of Southeast Asian Nations": "ASEAN",
    "North Atlantic Treaty Organization": "NATO",
    "United Nations Educational, Scientific and Cultural Organization": "UNESCO",
    "United Nations Children's Fund": "UNICEF",
    "Organization of the Petroleum Exporting Countries": "OPEC",
    "National Aeronautics and Space Administration": "NASA",
}
# So many people with one surname are a list; comparing all with all would take for ever on a long one.
_MAX_HOLDERS = 50
_NAME_SUFFIXES = frozenset({"Jr.", "Jr", "Sr.", "Sr", "II", "III", "IV"})
_COMPANY_SUFFIXES = frozenset(
    {
        "Inc.",
        "Inc",
        "Ltd.",
        "Ltd",
        "Corp.",
        "Corp",
        "Co.",
        "Co",
        "plc",
        "PLC",
        "LLC",
        "AG",
        "SA",
        "S.A.",
        "GmbH",
    }
    | {"NV", "SE", "AB", "ASA", "Oyj", "SpA", "Bhd", "Pte", "Pty", "Limited", "Corporation", "Incorporated"}
)


@dataclass(slots=True)
class NamedMention:
    """A mention as found. `words` are its normalised tokens; `start` and `end` index the title or body."""

    text: str
    label: str
    words: tuple[str, ...]
    start: int
    end: int
    in_title: bool


@dataclass(slots=True)
class Group:
    """The mentions of one thing, in reading order."""

    label: str
    canonical: str
    mentions: list[NamedMention] = field(default_factory=list)


def fold_mentions(mentions: Sequence[NamedMention], gazetteer: Gazetteer) -> list[Group]:
    """Return one group for each thing named. `mentions` are in reading order, title first."""
    people = [mention for mention in mentions if mention.label == "PERSON"]
    others = [mention for mention in mentions if mention.label != "PERSON"]
    return _fold_people(people, gazetteer) + _fold_others(others, gazetteer)


def _person_core(words: Sequence[str]) -> tuple[str, ...]:
    """Return a name without initials and suffixes, in lower case: "Joseph R. Biden Jr." → joseph biden."""
    core = tuple(
        w.lower() for w in words if not (len(w) <= 2 and w.endswith(".")) and w not in _NAME_SUFFIXES
    )
    return core or tuple(w.lower() for w in words)


def _fold_people(mentions: Sequence[NamedMention], gazetteer: Gazetteer) -> list[Group]:
    """Fold partial names to full ones: the only match, else the nearest before, else the most frequent."""
    cores = [_person_core(mention.words) for mention in mentions]
    full = Counter(core for core in cores if len(core) > 1)
    holders: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for core in full:
        for word in set(core):
            if len(holders[word]) < _MAX_HOLDERS:
                holders[word].append(core)
    resolved: list[tuple[str, ...]] = []
    latest: dict[tuple[str, ...], int] = {}
    for position, core in enumerate(cores):
        target = _full_name(core, full, holders, latest)
        latest[target] = position
        resolved.append(target)
    first_named: dict[tuple[str, ...], NamedMention] = {}
    for mention, core in zip(mentions, cores, strict=True):
        if not mention.text.isupper():
            first_named.setdefault(core, mention)
    groups: dict[str, Group] = {}
    by_core: dict[tuple[str, ...], Group] = {}
    for mention, core in zip(mentions, resolved, strict=True):
        group = by_core.get(core)
        if group is None:
            named = first_named.get(core, mention)
            canonical = _known_name("PERSON", named, gazetteer) or _display(named)
            group = groups.setdefault(canonical, Group("PERSON", canonical))
            by_core[core] = group
        group.mentions.append(mention)
    return list(groups.values())


def _full_name(
    core: tuple[str, ...],
    full: Counter[tuple[str, ...]],
    holders: dict[str, list[tuple[str, ...]]],
    latest: dict[tuple[str, ...], int],
) -> tuple[str, ...]:
    candidates = [
        name for name in holders.get(core[-1], ()) if len(name) > len(core) and _is_part(core, name)
    ]
    if not candidates:
        return core
    # A surname is likelier than a given name: "Kim" among Kim Sang-sik and Lee Kim is decided below.
    closing = [name for name in candidates if name[-len(core) :] == core]
    opening = [name for name in candidates if name[: len(core)] == core]
    candidates = closing if closing and not opening else candidates
    preceding = [name for name in candidates if name in latest]
    if preceding:
        return max(preceding, key=lambda name: latest[name])
    return max(candidates, key=lambda name: full[name])


def _is_part(short: tuple[str, ...], name: tuple[str, ...]) -> bool:
    words = iter(name)
    return all(word in words for word in short)


def _fold_others(mentions: Sequence[NamedMention], gazetteer: Gazetteer) -> list[Group]:
    groups: dict[tuple[str, str], Group] = {}
    short_forms = _short_forms(mentions, gazetteer)
    for mention in mentions:
        key = _key(mention)
        long = short_forms.get((mention.label, key), mention)
        canonical = _known_name(long.label, long, gazetteer) or _display(long)
        group_key = (mention.label, _simplified(canonical))
        group = groups.setdefault(group_key, Group(mention.label, canonical))
        group.mentions.append(mention)
    return list(groups.values())


def _short_forms(
    mentions: Sequence[NamedMention], gazetteer: Gazetteer
) -> dict[tuple[str, str], NamedMention]:
    """Map (label, key) of acronyms and of first words of bodies to the one long form they stand for."""
    longs = {(m.label, _key(m)): m for m in reversed(mentions) if len(m.words) > 1}
    by_first: defaultdict[tuple[str, str], list[NamedMention]] = defaultdict(list)
    by_initials: defaultdict[tuple[str, str], list[NamedMention]] = defaultdict(list)
    for (label, key), long in longs.items():
        for letters in initials(long.words):
            by_initials[label, letters].append(long)
        if label == "ORG":
            by_first[label, key.partition(" ")[0]].append(long)
    found: dict[tuple[str, str], NamedMention] = {}
    for mention in mentions:
        short = (mention.label, _key(mention))
        if len(mention.words) > 1 or short in found:
            continue
        word = mention.words[0]
        acronyms = by_initials[mention.label, acronym_letters(word)]
        starts = by_first[short] if not gazetteer.codes_of(word) else []
        matches = acronyms or starts
        if len(matches) == 1:
            found[short] = matches[0]
    return found


def _key(mention: NamedMention) -> str:
    return _simplified(" ".join(mention.words))


def _simplified(name: str) -> str:
    words = name.split()
    while len(words) > 1 and words[-1] in _COMPANY_SUFFIXES:
        words.pop()
    if len(words) > 1 and words[0].lower() == "the":
        words = words[1:]
    return " ".join(words).lower()


def _known_name(label: str, mention: NamedMention, gazetteer: Gazetteer) -> str | None:
    code = CODE_OF_LABEL.get(label)
    if code is None:
        return None
    name = gazetteer.main_names.get((code, " ".join(mention.words)))
    return _KNOWN_BY_SHORT_FORM.get(name, name) if name else None


def _display(mention: NamedMention) -> str:
    """Return the mention's text on one line; "RANCHI" as "Ranchi" when its normal form is known."""
    text = " ".join(mention.text.split())
    normal = " ".join(mention.words)
    return normal if text.isupper() and not normal.isupper() and len(normal) == len(text) else text
