"""Reading of the service's own model files (`.npz`), with errors that say what to do."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import ConfigurationError


def load_model_file(
    path: Path, command: str, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a model file.

    Raises ConfigurationError, naming the file and the `command` that makes it, when the file is missing or
    broken or an array of `shapes` is missing or has another shape.
    """
    remedy = f"make it with `{command}`"
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise ConfigurationError(f"the model {path} is missing; {remedy}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigurationError(f"the model {path} cannot be read ({error}); {remedy}") from error
    for name, shape in shapes.items():
        found = data[name].shape if name in data else None
        if found != shape:
            raise ConfigurationError(f"the model {path} has {name} of shape {found}, not {shape}; {remedy}")
    return data


def quantize(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return `weights` (rows, columns) as int8 and the scale of each column: weights ≈ int8 * scale."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127.0
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)
