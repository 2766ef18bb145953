"""Pictures drawn for tests: with a place in them, upside down, broken, or far too large."""

from __future__ import annotations

import io
import random
import struct
import zlib

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

RED, BLUE = (200, 30, 30), (30, 30, 200)


def halves(width: int = 64, height: int = 48) -> Image.Image:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def photo(form: str = "JPEG", *, orientation: int = 1, width: int = 64, height: int = 48) -> bytes:
    """What a telephone writes: position, device, time, a comment, and how the camera was held."""
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif[Base.Make] = "SECRET-DEVICE"
    exif[Base.DateTime] = "2026:11:26 02:00:00"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (47.0, 19.0, 12.0)
    out = io.BytesIO()
    extra = {"comment": b"SECRET-COMMENT"} if form == "JPEG" else {}
    halves(width, height).save(out, form, exif=exif, xmp=b"<x>SECRET-XMP</x>", quality=95, **extra)
    return out.getvalue()


def noise(width: int, height: int, form: str = "JPEG") -> bytes:
    """What compresses worst."""
    image = Image.frombytes("RGB", (width, height), random.Random(7).randbytes(width * height * 3))
    out = io.BytesIO()
    image.save(out, form, quality=98)
    return out.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes that says it holds thousands of millions of pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    )


def segments(jpeg: bytes) -> list[str]:
    """The names of a JPEG's segments up to its pixels."""
    place, found = 2, []
    while jpeg[place] == 0xFF and jpeg[place + 1] != 0xDA:
        marker = jpeg[place + 1]
        found.append(f"APP{marker - 0xE0}" if 0xE0 <= marker <= 0xEF else "COM" if marker == 0xFE else f"{marker:02X}")
        place += 2 + struct.unpack(">H", jpeg[place + 2 : place + 4])[0]
    return found
