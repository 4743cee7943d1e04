"""Linear models on sparse features with numpy alone: losses, their gradients, and L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class SparseRows:
    """A sparse matrix by rows: `ids` and `values` of all rows end to end, `row_of` the row of each."""

    ids: NDArray[np.intp]
    values: Floats
    row_of: NDArray[np.intp]
    rows: int
    columns: int

    @classmethod
    def build(cls, rows: Sequence[tuple[NDArray[np.intp], Floats]], columns: int) -> Self:
        lengths = [len(ids) for ids, _ in rows]
        return cls(
            ids=np.concatenate([ids for ids, _ in rows]),
            values=np.concatenate([values for _, values in rows]),
            row_of=np.repeat(np.arange(len(rows)), lengths),
            rows=len(rows),
            columns=columns,
        )

    def used_columns(self) -> tuple[NDArray[np.intp], Self]:
        """Return the columns that hold anything, and the matrix of these alone."""
        used, ids = np.unique(self.ids, return_inverse=True)
        return used, replace(self, ids=ids, columns=len(used))

    def times(self, weights: Floats) -> Floats:
        """Return this matrix times `weights` (columns, k): shape (rows, k)."""
        return np.stack(
            [
                np.bincount(self.row_of, weights=column[self.ids] * self.values, minlength=self.rows)
                for column in weights.T
            ],
            axis=1,
        )

    def transposed_times(self, errors: Floats) -> Floats:
        """Return this matrix transposed times `errors` (rows, k): shape (columns, k)."""
        return np.stack(
            [
                np.bincount(self.ids, weights=column[self.row_of] * self.values, minlength=self.columns)
                for column in errors.T
            ],
            axis=1,
        )


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit_softmax(
    features: SparseRows, labels: NDArray[np.intp], sample_weights: Floats, l2: float, iterations: int
) -> tuple[Floats, Floats]:
    """Return weights (columns, classes) and bias (classes,) of a multinomial logistic regression."""
    classes = int(labels.max()) + 1
    used, features, columns = *features.used_columns(), features.columns
    targets = np.eye(classes)[labels]
    share = (sample_weights / sample_weights.sum())[:, None]

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights, bias = _unpack(flat, classes)
        chances = softmax(features.times(weights) + bias)
        loss = -float((share[:, 0] * np.log(chances[np.arange(len(labels)), labels] + 1e-12)).sum())
        errors = (chances - targets) * share
        gradient = features.transposed_times(errors) + l2 * weights
        return loss + l2 / 2 * float((weights**2).sum()), np.append(gradient.ravel(), errors.sum(axis=0))

    fitted = minimize(objective, np.zeros((features.columns + 1) * classes), iterations)
    return _spread(fitted, used, columns, classes)


def fit_ridge(features: SparseRows, targets: Floats, l2: float, iterations: int) -> tuple[Floats, Floats]:
    """Return weights (columns, 1) and bias (1,) of a least-squares regression."""
    used, features, columns = *features.used_columns(), features.columns

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights, bias = _unpack(flat, 1)
        errors = features.times(weights) + bias - targets[:, None]
        loss = float((errors**2).mean()) / 2 + l2 / 2 * float((weights**2).sum())
        errors = errors / len(targets)
        gradient = features.transposed_times(errors) + l2 * weights
        return loss, np.append(gradient.ravel(), errors.sum(axis=0))

    return _spread(minimize(objective, np.zeros(features.columns + 1), iterations), used, columns, 1)


def _spread(flat: Floats, used: NDArray[np.intp], columns: int, classes: int) -> tuple[Floats, Floats]:
    """Return the weights of all columns, those of unused ones 0, and the bias."""
    weights, bias = _unpack(flat, classes)
    spread = np.zeros((columns, classes))
    spread[used] = weights
    return spread, bias


def _unpack(flat: Floats, classes: int) -> tuple[Floats, Floats]:
    return flat[:-classes].reshape(-1, classes), flat[-classes:]


def minimize(objective: Objective, start: Floats, iterations: int, memory: int = 8) -> Floats:
    """Return a minimum of a smooth convex objective by L-BFGS with backtracking (Nocedal 1980)."""
    point = start
    value, gradient = objective(point)
    steps: list[tuple[Floats, Floats, float]] = []
    for _ in range(iterations):
        direction = -_inverse_hessian_times(gradient, steps)
        slope = float(gradient @ direction)
        if slope > -1e-12:
            break
        size = 1.0 if steps else min(1.0, 1.0 / float(np.abs(gradient).sum()) * 1e3)
        for _ in range(30):
            candidate = point + size * direction
            new_value, new_gradient = objective(candidate)
            if new_value <= value + 1e-4 * size * slope:
                break
            size /= 2
        else:
            break
        moved, turned = candidate - point, new_gradient - gradient
        curvature = float(moved @ turned)
        if curvature > 1e-16:
            steps = [*steps[-memory + 1 :], (moved, turned, 1.0 / curvature)]
        converged = value - new_value < 1e-7 * max(abs(value), 1e-9)
        point, value, gradient = candidate, new_value, new_gradient
        if converged:
            break
    return point


def _inverse_hessian_times(gradient: Floats, steps: list[tuple[Floats, Floats, float]]) -> Floats:
    result = gradient.copy()
    shares: list[float] = []
    for moved, turned, rho in reversed(steps):
        share = rho * float(moved @ result)
        shares.append(share)
        result -= share * turned
    if steps:
        moved, turned, rho = steps[-1]
        result *= 1.0 / (rho * float(turned @ turned))
    for (moved, turned, rho), share in zip(steps, reversed(shares), strict=True):
        result += moved * (share - rho * float(turned @ result))
    return result
