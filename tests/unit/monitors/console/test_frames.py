"""Data that a guest has written on its console."""

from __future__ import annotations

import base64
import gzip
import zlib

import testtools

from osc_imagebuild.monitors.console import frames
from tests.unit.samples import BUILD_ID

DATA = b"any bytes \0\xff" * 200


def written(
    data: bytes, kind: str = "inventory", build_id: str = BUILD_ID
) -> list[str]:
    """The lines of a guest that packs with zlib."""
    return lines(zlib.compress(data, 0), kind, build_id)


def lines(
    packed: bytes, kind: str = "inventory", build_id: str = BUILD_ID
) -> list[str]:
    """The lines of a guest that has packed something."""
    text = base64.b64encode(packed).decode()
    pieces = [text[n : n + 160] for n in range(0, len(text), 160)]
    return [
        f"IMAGEBUILD-DATA {build_id} {kind} {place}/{len(pieces)} "
        f"{frames.checksum(piece)} {piece}"
        for place, piece in enumerate(pieces, 1)
    ]


class DecodeTest(testtools.TestCase):
    """What is read of frames."""

    def read(self, text: list[str]) -> bytes | None:
        return frames.decode("\r\n".join(text), BUILD_ID, "inventory")

    def test_whole(self) -> None:
        """All frames, in any order, with lines and words of others around them."""
        text = written(DATA)
        self.assertGreater(len(text), 10)
        self.assertEqual(DATA, self.read(text))
        self.assertEqual(DATA, self.read(text[::-1]))
        self.assertEqual(DATA, self.read([f"login: {line}\nwelcome" for line in text]))

    def test_gzip(self) -> None:
        """What a shell can pack."""
        self.assertEqual(DATA, self.read(lines(gzip.compress(DATA))))

    def test_some_are_missing(self) -> None:
        """Nothing of it is believed, unless it was written again."""
        text = written(DATA)
        self.assertIsNone(self.read(text[:-1]))
        self.assertIsNone(self.read([]))
        spoilt = text[3][:-5] + "[ 9.1]" + text[3][-5:]
        self.assertIsNone(self.read([*text[:3], spoilt, *text[4:]]))
        twice = [*text[:3], spoilt, *text[4:], *text[:2], "oops", *text[3:]]
        self.assertEqual(DATA, self.read(twice))

    def test_last_word(self) -> None:
        """What was written last counts, if it is whole."""
        first, second = written(DATA), written(b"short")
        self.assertEqual(b"short", self.read([*first, *second]))
        self.assertEqual(b"short", self.read([*second, *first[:-1]]))

    def test_others(self) -> None:
        """Another build's frames, and those of another kind, are nothing of ours."""
        self.assertIsNone(self.read(written(DATA, build_id=BUILD_ID.replace("1", "2"))))
        self.assertIsNone(self.read(written(DATA, kind="tests")))
        self.assertTrue(frames.is_begun(written(DATA)[0], BUILD_ID, "inventory"))
        self.assertFalse(frames.is_begun(written(DATA)[0], BUILD_ID, "tests"))

    def test_hostile(self) -> None:
        """No bomb, no place out of range, no end that never comes."""
        bomb = zlib.compress(b"\0" * (frames.MOST_BYTES + 1), 9)
        self.assertIsNone(self.read(lines(bomb)))
        self.assertIsNone(self.read(lines(zlib.compress(DATA)[:-4])))
        self.assertIsNone(self.read(lines(b"no archive")))
        odd = "A" * 5
        form = f"IMAGEBUILD-DATA {BUILD_ID} inventory %s {frames.checksum(odd)} {odd}"
        for place in ("1/1", "0/1", "2/1", "1/9999", "9999/9999"):
            self.assertIsNone(self.read([form % place]), place)
