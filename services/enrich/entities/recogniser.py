"""The entity recogniser: model files in, entities of an article out."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from services.enrich.entities.article import Sentence, prepare_article
from services.enrich.entities.canonical import Group, NamedMention, fold_mentions
from services.enrich.entities.document import DocumentPass
from services.enrich.entities.features import WordForms
from services.enrich.entities.gazetteer import Gazetteer, read_gazetteer
from services.enrich.entities.network import Network
from services.enrich.entities.rules import rule_spans
from services.enrich.entities.spans import Span, decode
from shared.errors import ConfigurationError
from shared.events import Entity, Mention

MODEL_DIR = Path(__file__).resolve().parent.parent / "models"
MODEL_FILE = "entities.npz"
GAZETTEER_FILE = "gazetteer.tsv.gz"

# Bodies may be 1 MB; what follows the first 20,000 words of one names little that is new. Tokens count
# punctuation too, and characters bound the time that tokenless text takes.
MAX_TOKENS = 24_000
MAX_CHARS = 200_000

FoundSpan = tuple[int, int, str]


class EntityRecogniser:
    """Finds the entities of articles. Deterministic; one instance serves one thread at a time.

    Only the first MAX_CHARS characters (MAX_TOKENS tokens) of a body and of a title are read.
    """

    def __init__(self, gazetteer: Gazetteer, model: bytes) -> None:
        self.version = f"net-{hashlib.sha256(model).hexdigest()[:10]}"
        self._gazetteer = gazetteer
        # An article's products are too small to share: threads that wait for each other cost eight times
        # the processor time. Setting OPENBLAS_NUM_THREADS would do, if it came before numpy's import.
        threadpool_limits(limits=1, user_api="blas")
        with np.load(BytesIO(model), allow_pickle=False) as weights:
            self._network = Network(weights, gazetteer)
        self._forms = WordForms(gazetteer)

    @classmethod
    def load(cls, model_dir: Path | None = None) -> EntityRecogniser:
        """Return a recogniser over the files in `model_dir`; None means those that come with the service.

        Raises ConfigurationError when a file is missing or unreadable.
        """
        directory = model_dir or MODEL_DIR
        gazetteer = load_gazetteer(directory)
        try:
            return cls(gazetteer, (directory / MODEL_FILE).read_bytes())
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise _unreadable(directory, error) from error

    def recognise(self, title: str, body: str) -> tuple[Entity, ...]:
        """Return the entities of an article, most mentioned first, then in order of appearance."""
        title, body = title[:MAX_CHARS], body[:MAX_CHARS]
        mentions = self.named_mentions(title, body)
        return entities_from_groups(mentions, fold_mentions(mentions, self._gazetteer))

    def named_mentions(self, title: str, body: str) -> list[NamedMention]:
        """Return every mention in reading order, title first, not yet folded into entities."""
        sentences = prepare_article(title, body, self._forms, self._gazetteer, MAX_TOKENS)
        tags = self._network.tag([s.words for s in sentences], [s.in_title for s in sentences])
        spans = [span for number, row in enumerate(tags) for span in decode(row, number)]
        spans = DocumentPass(sentences, spans, self._gazetteer).run()
        mentions = [self._mention(sentences[span.sentence], span, title, body) for span in spans]
        for in_title, text in ((True, title), (False, body)):
            mentions += rule_mentions(text, in_title, [m for m in mentions if m.in_title == in_title])
        mentions.sort(key=lambda mention: (not mention.in_title, mention.start))
        return mentions

    @staticmethod
    def _mention(sentence: Sentence, span: Span, title: str, body: str) -> NamedMention:
        start, end = sentence.tokens[span.start].start, sentence.tokens[span.end - 1].end
        text = (title if sentence.in_title else body)[start:end]
        return NamedMention(
            text, span.label, tuple(sentence.words[span.start : span.end]), start, end, sentence.in_title
        )


def rule_mentions(text: str, in_title: bool, named: list[NamedMention]) -> list[NamedMention]:
    """Return the dates, sums and percentages that overlap no name."""
    covered = bytearray(len(text))
    for mention in named:
        covered[mention.start : mention.end] = b"\x01" * (mention.end - mention.start)
    return [
        NamedMention(text[start:end], label, tuple(text[start:end].split()), start, end, in_title)
        for start, end, label in rule_spans(text)
        if not any(covered[start:end])
    ]


def entities_from_groups(mentions: Sequence[NamedMention], groups: list[Group]) -> tuple[Entity, ...]:
    """Return the entities, most mentioned first, then in order of appearance."""
    order = {id(mention): position for position, mention in enumerate(mentions)}
    groups.sort(key=lambda group: (-len(group.mentions), order[id(group.mentions[0])]))
    return tuple(
        Entity(
            text=" ".join(group.mentions[0].text.split()),
            label=group.label,
            canonical=group.canonical,
            count=len(group.mentions),
            mentions=tuple(Mention(start=m.start, end=m.end) for m in group.mentions if not m.in_title),
        )
        for group in groups
    )


def load_gazetteer(model_dir: Path | None = None) -> Gazetteer:
    """Raises ConfigurationError when the file is missing or unreadable."""
    directory = model_dir or MODEL_DIR
    try:
        return read_gazetteer(directory / GAZETTEER_FILE)
    except (OSError, EOFError, ValueError) as error:
        raise _unreadable(directory, error) from error


def _unreadable(directory: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"entity model in {directory} cannot be read ({error}); restore {MODEL_FILE} and"
        f" {GAZETTEER_FILE} from the repository, or run python -m services.enrich.training.entities"
    )
