"""Snapshots kept for a while, so that pages by relevance go on in the very order they began in.

A score depends on the whole index, so with each commit hits may change places. A page's cursor names the
snapshot it is of; as long as that is kept, the next page is exact.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from services.index.engine.writing import Snapshot

# Each holds its segments' files, which are shared with its neighbours but for the latest ones.
MAX_KEPT = 32


class SnapshotCache:
    """The snapshots whose cursors were given out or used last, by their `seq`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_seq: OrderedDict[int, Snapshot] = OrderedDict()

    def keep(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._by_seq[snapshot.seq] = snapshot
            self._by_seq.move_to_end(snapshot.seq)
            if len(self._by_seq) > MAX_KEPT:
                self._by_seq.popitem(last=False)

    def get(self, seq: int, otherwise: Snapshot) -> Snapshot:
        with self._lock:
            return self._by_seq.get(seq, otherwise)

    def clear(self) -> None:
        with self._lock:
            self._by_seq.clear()
