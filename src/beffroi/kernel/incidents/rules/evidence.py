"""What a picture must be to be kept, and how it is written anew: turned upright, made smaller, without a word of metadata. Pure.

Nothing of what was sent is kept but its pixels: position, time, device and comments that a camera writes go with the rest.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from beffroi.foundation.clock import DAY, Instant
from beffroi.foundation.errors import Refused

MAX_SENT_BYTES = 20 << 20
MAX_PIXELS = {"JPEG": 64_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
"""Formats that are read, and the most pixels of each: a JPEG is decoded at a fraction of its size, the others whole."""

MAX_SIDE_PX = 2_048
MAX_KEPT_BYTES = 1_500_000
THUMBNAIL_PX = 192
MAX_PER_INCIDENT = 200
MAX_AGE: Instant = 30 * DAY
_TRIES = ((MAX_SIDE_PX, 84), (MAX_SIDE_PX, 72), (1_600, 72), (1_200, 68), (1_024, 50))
"""Side and quality, until it fits; noise of 1,024 by 1,024 pixels fits at the last."""


@dataclass(frozen=True, slots=True)
class Redrawn:
    """A picture as it is kept: a JPEG upright, its size, and a small one to choose it by."""

    jpeg: bytes
    width_px: int
    height_px: int
    thumbnail: bytes


def redrawn(picture: bytes) -> Redrawn:
    """Return a picture written anew. Raises Refused for what is too large, is no JPEG, PNG or WebP, or cannot be read whole."""
    if not picture:
        raise Refused("there is no picture: choose one", key="picture-missing")
    if len(picture) > MAX_SENT_BYTES:
        raise Refused(
            f"the picture has {len(picture)} bytes; {MAX_SENT_BYTES} at most: send a smaller one",
            key="picture-too-large",
        )
    try:
        with Image.open(io.BytesIO(picture), formats=list(MAX_PIXELS)) as opened:
            pixels = _upright(opened)
    except UnidentifiedImageError as error:
        raise Refused(
            "it is no picture that can be kept: send a JPEG, a PNG or a WebP", key="picture-unknown"
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many("more than can be counted") from error
    except (OSError, ValueError, SyntaxError, struct.error, EOFError, IndexError, OverflowError) as error:
        raise Refused("the picture cannot be read whole: take it or send it again", key="picture-unread") from error
    jpeg, size = _fitting(pixels)
    small = _smaller(pixels, THUMBNAIL_PX)
    return Redrawn(jpeg, *size, _written(small, 70))


def check_step(step: str) -> str:
    """Return the step that a picture is about, as it is kept. Raises Refused when it is too long or cannot be shown."""
    plain = step.strip()
    if len(plain) > 64 or (plain and not plain.isprintable()):
        raise Refused("the step has 64 printable characters at most", key="text-too-long")
    return plain


def taken_when(taken_at: Instant | None, at: Instant) -> Instant:
    """Return when a picture was taken: what the camera's clock says where that can be, else when it came.

    A clock that is ahead, or back by more than 30 days, is wrong; a picture is not lost for it.
    """
    return taken_at if taken_at is not None and at - MAX_AGE <= taken_at <= at else at


def _upright(opened: Image.Image) -> Image.Image:
    """Decode no more than is wanted, turn upright, and keep the pixels alone: over white where it was transparent."""
    width, height = opened.size
    if width * height > MAX_PIXELS[str(opened.format)]:
        raise _too_many(f"{width} by {height} pixels")
    if opened.format == "JPEG":
        opened.draft("RGB", (MAX_SIDE_PX, MAX_SIDE_PX))
    opened.load()
    turned = ImageOps.exif_transpose(opened)
    if turned.mode in ("RGBA", "LA", "PA", "P", "RGBa", "La"):
        turned = turned.convert("RGBA")
        ground = Image.new("RGB", turned.size, "white")
        ground.paste(turned, mask=turned.getchannel("A"))
        return ground
    plain = Image.new("RGB", turned.size)
    plain.paste(turned.convert("RGB"))
    return plain


def _fitting(pixels: Image.Image) -> tuple[bytes, tuple[int, int]]:
    for side, quality in _TRIES:
        smaller = _smaller(pixels, side)
        jpeg = _written(smaller, quality)
        if len(jpeg) <= MAX_KEPT_BYTES:
            break
    return jpeg, smaller.size


def _smaller(pixels: Image.Image, side: int) -> Image.Image:
    if max(pixels.size) <= side:
        return pixels
    ratio = side / max(pixels.size)
    size = (max(1, round(pixels.width * ratio)), max(1, round(pixels.height * ratio)))
    return pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _written(pixels: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _too_many(told: str) -> Refused:
    return Refused(f"the picture would be {told} once opened: send a smaller one", key="picture-too-large")
