"""Training of the tagger's network: from gold marks, from public sets, and from what a teacher sees."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn import functional

from services.enrich.entities.network import TAGS
from services.enrich.training.tagger_data import PUBLIC_TAGS, UNKNOWN, Example, Examples
from services.enrich.training.tagger_student import Batcher, Student, arrays

ROUNDS = 14
_RATE, _WARM_UP = 2e-3, 100
_BATCH_ROWS = 3000
_MIN_COUNT = 3
_PIECE_WIDTH = 64
_FIRST_WORD_PIECE = 1000
_PUBLIC_SHARE, _TITLE_SHARE = 0.2, 1 / 3
_PUBLIC_WEIGHT, _TEACHER_WEIGHT, _GOLD_WEIGHT = 0.5, 0.7, 0.65
_PUBLIC_NUMBER = {TAGS.index(tag): number for number, tag in enumerate(PUBLIC_TAGS)}


def piece_table(package: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return the encoder's word pieces of Latin script and their input vectors in 64 dimensions."""
    pieces = (package / "vocab.txt").read_text(encoding="utf-8").splitlines()
    tensors = load_file(package / "model.safetensors")
    name = next(name for name in tensors if name.endswith("word_embeddings.weight"))
    vectors = tensors[name].astype(np.float32)
    vectors -= vectors.mean(0)
    axes = np.linalg.svd(vectors[_FIRST_WORD_PIECE:], full_matrices=False)[2][:_PIECE_WIDTH]
    table = vectors @ axes.T
    table /= table[_FIRST_WORD_PIECE:].std()
    kept = [row for row, piece in enumerate(pieces) if piece == "[UNK]" or _is_latin(piece)]
    return [pieces[row] for row in kept], table[kept]


def _is_latin(piece: str) -> bool:
    latin = all(ord(c) < 0x250 or 0x2010 <= ord(c) < 0x2040 or c == "€" for c in piece)
    return latin and not piece.startswith("[unused")


def listed_words(examples: Examples) -> list[str]:
    """Return the words that get a vector of their own, commonest first."""
    counts: Counter[str] = Counter()
    everything = ((examples.gold, 1.0), (examples.swapped[0], 1.0), (examples.unlabelled, 1.0))
    for group, weight in (*everything, (examples.public, 0.5)):
        for example in group:
            for word in example.words:
                if word:
                    counts[word.lower()] += weight  # type: ignore[assignment]
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [word for word, count in ranked if count >= _MIN_COUNT]


def train(examples: Examples, package: Path, seed: int, rounds: int = ROUNDS) -> bytes:
    """Return a model file. Deterministic on one thread: the same examples give the same bytes."""
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311 - it orders examples, it guards nothing
    forgetting = np.random.default_rng(seed)
    pieces, table = piece_table(package)
    words = listed_words(examples)
    student = Student(len(words) + 1, torch.tensor(table))
    batcher = Batcher({word: row for row, word in enumerate(words, 1)}, pieces)
    optimizer = torch.optim.AdamW(
        student.parameters(), lr=_RATE, weight_decay=0.02, betas=(0.9, 0.98), fused=True
    )
    plan = [batch for number in range(rounds) for batch in _round(examples, number, rng)]
    for step, batch in enumerate(plan):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, step / _WARM_UP) * max(0.02, 1 - step / len(plan))
        loss = _loss(student, student(batcher(batch, forgetting)), batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        optimizer.step()
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays(student, words, pieces))
    return file.getvalue()


def _round(examples: Examples, number: int, rng: random.Random) -> list[list[Example]]:
    """Return the batches of one round in random order, each of one kind of text."""
    copies = examples.swapped[number % len(examples.swapped)]
    titles = rng.sample(examples.titles, int(len(examples.titles) * _TITLE_SHARE))
    public = rng.sample(examples.public, int(len(examples.public) * _PUBLIC_SHARE))
    kinds: tuple[Sequence[Example], ...] = (
        [*examples.gold, *copies, *titles],
        public,
        examples.unlabelled,
    )
    batches = [batch for kind in kinds for batch in _packed(rng.sample(kind, len(kind)))]
    rng.shuffle(batches)
    return batches


def _packed(examples: Iterable[Example]) -> Iterator[list[Example]]:
    batch: list[Example] = []
    size = 0
    for example in examples:
        if batch and size + len(example.words) > _BATCH_ROWS:
            yield batch
            batch, size = [], 0
        batch.append(example)
        size += len(example.words)
    if batch:
        yield batch


def _loss(student: Student, top: Tensor, batch: Sequence[Example]) -> Tensor:
    """Return the loss a row: towards gold marks, public marks, and the teacher's probabilities."""
    tags = np.concatenate([example.tags for example in batch])
    public = np.concatenate([np.full(len(example.words), example.is_public) for example in batch])
    scores = student.tags(top)
    total: Any = torch.zeros(())
    gold = np.nonzero((tags != UNKNOWN) & ~public)[0]
    if len(gold):
        total = total + _GOLD_WEIGHT * functional.cross_entropy(
            scores[gold], torch.tensor(tags[gold]), label_smoothing=0.03, reduction="sum"
        )
    rows = np.nonzero((tags != UNKNOWN) & public)[0]
    if len(rows):
        wanted = torch.tensor([_PUBLIC_NUMBER[tag] for tag in tags[rows].tolist()])
        total = total + _PUBLIC_WEIGHT * functional.cross_entropy(
            student.public_tags(top[rows]), wanted, reduction="sum"
        )
    seen, soft = _taught(batch)
    if soft is not None:
        total = total + _TEACHER_WEIGHT * functional.kl_div(
            functional.log_softmax(scores[seen], -1), soft, reduction="sum"
        )
    loss: Tensor = total / len(tags)
    return loss


def _taught(batch: Sequence[Example]) -> tuple[list[int], Tensor | None]:
    rows: list[int] = []
    shares = []
    start = 0
    for example in batch:
        if example.soft is not None:
            rows += [start + i for i, word in enumerate(example.words) if word is not None]
            shares.append(example.soft.astype(np.float32))
        start += len(example.words)
    return rows, torch.tensor(np.concatenate(shares)) if shares else None
