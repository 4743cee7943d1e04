"""The bytes of a file as they are read: decompressed where they are compressed, and what is whole of them.

Damage is no exception here: reading ends as at the end of the file, and `damage` says what was wrong.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

CHUNK_BYTES = 64 << 10
# zstd cannot be told how much to put out: a block of 4 bytes may stand for 128 KiB, so it is fed little.
ZSTD_CHUNK_BYTES = 8 << 10
ZSTD_FEED_BYTES = 512
# Text shrinks to a fifth, the most repetitive archive to a fiftieth; what was made to hurt to a thousandth.
BOMB_RATIO = 200
BOMB_MIN_BYTES = 256 << 20
MAX_DAMAGES_NOTED = 20


class Decoder(Protocol):
    """One compressed member: a gzip member, a zstd frame."""

    def decode(self, data: bytes, max_bytes: int) -> tuple[bytes, bytes, bool]:
        """Return what comes out, the input that was not used, and whether the member has ended.

        Raises _Damaged.
        """


class _Damaged(Exception):
    """Compressed data that cannot be right."""


class _Gzip:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    def decode(self, data: bytes, max_bytes: int) -> tuple[bytes, bytes, bool]:
        try:
            out = self._member.decompress(data, max_bytes)
        except zlib.error as error:
            raise _Damaged(str(error)) from error
        ended = self._member.eof
        return out, self._member.unused_data if ended else self._member.unconsumed_tail, ended


class _Zstd:
    def __init__(self) -> None:
        from zstandard import ZstdDecompressor, ZstdError

        self._frame = ZstdDecompressor().decompressobj()
        self._error = ZstdError

    def decode(self, data: bytes, max_bytes: int) -> tuple[bytes, bytes, bool]:
        try:
            out = self._frame.decompress(data[:ZSTD_FEED_BYTES])
        except self._error as error:
            raise _Damaged(str(error)) from error
        return out, self._frame.unused_data + data[ZSTD_FEED_BYTES:], self._frame.eof


_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # of a frame with what is no text, after a first byte of 0x50 to 0x5f


class ByteSource(io.RawIOBase):
    """Reads `file`, decompressing gzip and zstd by their magic number, whatever the file is called.

    `position` counts the bytes of the file itself. `damage` lists what was found wrong, the first ones;
    `failed` tells that the disk did not give all of it, which may be otherwise another time.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._input = b""
        self._output = memoryview(b"")
        self._decoder: Decoder | None = None
        self._ended = False
        self._given_up = False
        self.failed = False
        self.position = 0
        self.produced = 0
        self.damage: list[str] = []
        head = self._fill(CHUNK_BYTES)
        self._magic = _GZIP_MAGIC if head.startswith(_GZIP_MAGIC) else b""
        if head.startswith(_ZSTD_MAGIC) or head[1:4] == _ZSTD_SKIPPABLE:
            self._magic = _ZSTD_MAGIC
        self._name = {_GZIP_MAGIC: "gzip", _ZSTD_MAGIC: "zstd"}.get(self._magic, "")

    @property
    def compressed(self) -> bool:
        return bool(self._magic)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what RawIOBase passes
        if not self._output and not self._ended:
            piece = self._decompressed(CHUNK_BYTES) if self._magic else self._take()
            self._output = memoryview(piece)
            self._ended = not piece
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def note(self, what: str) -> None:
        if len(self.damage) < MAX_DAMAGES_NOTED and what not in self.damage:
            self.damage.append(what)

    def recover(self) -> bool:
        """After damage in compressed data, go on at what looks like the next member; False if there is none.

        Only where each record is a member of its own, as in WARC, is what follows of any use.
        """
        if not self._magic or self._given_up or not self.damage:
            return False
        data = self._input[1:]
        while (at := data.find(self._magic)) < 0:
            more = self._fill(CHUNK_BYTES)
            if not more:
                return False
            data = data[-len(self._magic) + 1 :] + more
        self._input, self._decoder, self._ended = data[at:], None, False
        return True

    def _take(self) -> bytes:
        taken, self._input = self._input or self._fill(CHUNK_BYTES), b""
        return taken

    def _fill(self, size: int) -> bytes:
        """Read on in the file itself; an error of the disk ends it."""
        try:
            self._input = self._file.read(size)
        except OSError as error:
            self._input, self._given_up, self.failed = b"", True, True
            self.note(f"cannot be read on after {self.position:,} bytes: {error.strerror or error}")
        self.position += len(self._input)
        return self._input

    def _decompressed(self, size: int) -> bytes:
        """Return the next decompressed bytes, b"" at the end or where the data are damaged."""
        is_zstd = self._magic == _ZSTD_MAGIC
        make: Callable[[], Decoder] = _Zstd if is_zstd else _Gzip
        while True:
            if not self._input and not self._fill(ZSTD_CHUNK_BYTES if is_zstd else CHUNK_BYTES):
                if self._decoder is not None:
                    self.note(f"the {self._name} data are cut off at the end of the file")
                return b""
            if self._decoder is None:
                if not self._at_member():
                    return b""
                self._decoder = make()
            try:
                out, self._input, ended = self._decoder.decode(self._input, size)
            except _Damaged as error:
                self.note(f"the {self._name} data are damaged before byte {self.position:,}: {error}")
                self._decoder = None
                return b""
            if ended:
                self._decoder = None
            self.produced += len(out)
            if self.produced > max(BOMB_MIN_BYTES, BOMB_RATIO * self.position):
                self._given_up = True
                self.note(
                    f"{self.position:,} bytes expand to more than {self.produced:,}, as no news does: "
                    "the rest was left alone"
                )
                return b""
            if out:
                return out

    def _at_member(self) -> bool:
        """Whether another member begins here; zeros may pad the last one."""
        while True:
            self._input = self._input.lstrip(b"\0")
            if len(self._input) >= len(self._magic):
                break
            held = self._input
            more = self._fill(CHUNK_BYTES)
            self._input = held + more
            if not more:
                break
        if not self._input:
            return False
        skippable = self._magic == _ZSTD_MAGIC and self._input[1:4] == _ZSTD_SKIPPABLE
        if skippable or self._input.startswith(self._magic):
            return True
        self.note(f"what follows the {self._name} data before byte {self.position:,} is something else")
        return False
