"""The small network in PyTorch, for training only: what `network.py` runs in numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from services.enrich.entities.features import (
    BUCKETS,
    FEATURES,
    MAX_WORD_CHARS,
    SHAPES,
    WordPieces,
    gram_buckets,
    shape_number,
)
from services.enrich.entities.network import TAGS
from services.enrich.training.tagger_data import PUBLIC_TAGS, Example

WIDTH = 112
DILATIONS = (1, 1, 2, 1)
_DROPPED = 0.15
# What training forgets at random, so that the network does not lean on one kind of evidence.
_WORDS_FORGOTTEN, _NAMES_FORGOTTEN, _LISTS_FORGOTTEN, _ARTICLES_FORGOTTEN = 0.15, 0.12, 0.05, 0.25


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples end to end. Distinct words come once, `word_of` says which each row has."""

    listed: Tensor
    grams: tuple[Tensor, Tensor]
    pieces: tuple[Tensor, Tensor]
    word_of: Tensor
    shapes: Tensor
    features: Tensor
    is_token: Tensor
    group_rows: Tensor
    groups: Tensor
    group_count: int


class Student(nn.Module):
    def __init__(self, word_count: int, piece_table: Tensor) -> None:
        super().__init__()
        self.piece_table: Tensor
        self.register_buffer("piece_table", piece_table)
        self.words = nn.Embedding(word_count, WIDTH)
        self.grams = nn.EmbeddingBag(BUCKETS, WIDTH, mode="mean")
        self.pieces = nn.Linear(piece_table.shape[1], WIDTH, bias=False)
        self.shapes = nn.Embedding(SHAPES, WIDTH)
        self.features = nn.Linear(FEATURES, WIDTH)
        self.layers = nn.ModuleList(nn.Linear(3 * WIDTH, WIDTH) for _ in DILATIONS)
        self.pool = nn.Linear(WIDTH, WIDTH)
        self.tags = nn.Linear(WIDTH, len(TAGS))
        # The public sets follow another guide: they teach the layers below through a top of their own.
        self.public_tags = nn.Linear(WIDTH, len(PUBLIC_TAGS))
        self.drop = nn.Dropout(_DROPPED)
        for module, std in ((self.words, 0.05), (self.grams, 0.3), (self.shapes, 0.3), (self.pool, 0.02)):
            nn.init.normal_(module.weight, std=std)
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=math.sqrt(0.4 / WIDTH))

    def forward(self, batch: Batch) -> Tensor:
        """Return the top of each row, from which `tags` and `public_tags` score it."""
        pieces = functional.embedding_bag(batch.pieces[0], self.piece_table, batch.pieces[1], mode="mean")
        words = self.words(batch.listed) + self.grams(*batch.grams) + self.pieces(pieces)
        h = functional.relu(words[batch.word_of] + self.shapes(batch.shapes) + self.features(batch.features))
        h = self.drop(h * batch.is_token)
        for depth, (dilation, layer) in enumerate(zip(DILATIONS, self.layers, strict=True)):
            edge = h.new_zeros(dilation, WIDTH)
            around = torch.cat([torch.cat([edge, h[:-dilation]]), h, torch.cat([h[dilation:], edge])], 1)
            h = self.drop((h + functional.relu(layer(around))) * batch.is_token)
            if depth == 0:
                h = h.index_add(0, batch.group_rows, self._shared(h, batch))
        return h

    def _shared(self, h: Tensor, batch: Batch) -> Tensor:
        index = batch.groups[:, None].expand(-1, WIDTH)
        most = torch.zeros(batch.group_count, WIDTH).scatter_reduce(
            0, index, h[batch.group_rows], "amax", include_self=False
        )
        shared: Tensor = functional.relu(self.pool(most))[batch.groups]
        return shared


class Batcher:
    """Makes batches of examples. With `rng`, for training, it forgets some of what is known."""

    def __init__(self, listed: Mapping[str, int], pieces: Sequence[str]) -> None:
        self._listed = listed
        self._cut = WordPieces(pieces)
        self._cached: dict[str, tuple[list[int], list[int]]] = {}

    def __call__(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        number: dict[str, int] = {}
        word_of = np.array([number.setdefault(w or "-", len(number)) for e in examples for w in e.words])
        words = list(number)
        listed = np.array([self._listed.get(word.lower(), 0) for word in words])
        features = np.concatenate([example.features for example in examples]).astype(np.float32)
        if rng:
            listed[rng.random(len(words)) < _WORDS_FORGOTTEN] = 0
            kept = (rng.random(len(words)) >= _NAMES_FORGOTTEN)[word_of]
            kept &= np.concatenate(
                [np.full(len(e.words), rng.random() >= _LISTS_FORGOTTEN) for e in examples]
            )
            features[:, :-1] *= kept[:, None]
        groups, count = self._groups(examples, rng)
        rows = np.nonzero(groups >= 0)[0]
        known = [self._known(word) for word in words]
        return Batch(
            torch.tensor(listed),
            _flat([grams for grams, _ in known]),
            _flat([pieces for _, pieces in known]),
            torch.tensor(word_of),
            torch.tensor([shape_number(w) if w else 0 for e in examples for w in e.words]),
            torch.tensor(features),
            torch.tensor([[w is not None] for e in examples for w in e.words], dtype=torch.float32),
            torch.tensor(rows),
            torch.tensor(groups[rows]),
            count,
        )

    @staticmethod
    def _groups(
        examples: Sequence[Example], rng: np.random.Generator | None
    ) -> tuple[NDArray[np.int64], int]:
        groups, count = [], 0
        for example in examples:
            apart = rng is not None and rng.random() < _ARTICLES_FORGOTTEN
            own = (example.sentence_groups if apart else example.groups).copy()
            size = int(own.max()) + 1
            own[own >= 0] += count
            groups.append(own)
            count += size
        return np.concatenate(groups), max(count, 1)

    def _known(self, word: str) -> tuple[list[int], list[int]]:
        known = self._cached.get(word)
        if known is None:
            word_start = word[:MAX_WORD_CHARS]
            known = self._cached[word] = (gram_buckets(word_start), self._cut(word_start))
        return known


def _flat(bags: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    starts = np.concatenate([[0], np.cumsum([len(bag) for bag in bags])[:-1]])
    return torch.tensor([i for bag in bags for i in bag]), torch.tensor(starts)


def arrays(student: Student, words: Sequence[str], pieces: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a model file: tables in 8 bits, the rest in 16."""
    state = {name: tensor.numpy() for name, tensor in student.state_dict().items()}
    weights: dict[str, NDArray[Any]] = {
        "words": np.array("\n".join(words)),
        "pieces": np.array("\n".join(pieces)),
    }
    for name, source in (("word", "words.weight"), ("gram", "grams.weight"), ("piece", "piece_table")):
        scale = np.maximum(np.abs(state[source]).max(1, keepdims=True), 1e-9) / 127
        weights[f"{name}_q"] = np.round(state[source] / scale).astype(np.int8)
        weights[f"{name}_s"] = scale.astype(np.float32)
    weights["piece_projection"] = state["pieces.weight"].T.astype(np.float16)
    weights["shape"] = state["shapes.weight"].astype(np.float16)
    linear = {"features": ("features", "bias"), "pool": ("pool", "pool_bias"), "tags": ("out", "out_bias")}
    linear |= {f"layers.{i}": (f"conv{i}", f"conv{i}_bias") for i in range(len(DILATIONS))}
    for source, (name, bias) in linear.items():
        weights[name] = state[f"{source}.weight"].T.astype(np.float16)
        weights[bias] = state[f"{source}.bias"].astype(np.float32)
    weights["dilations"] = np.array(DILATIONS)
    return weights
