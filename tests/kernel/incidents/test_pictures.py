"""What a picture must be to be kept, and what is left of it: its pixels, upright, and nothing else."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from beffroi.foundation.clock import DAY, MINUTE
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents.rules import evidence, redrawn, taken_when
from tests.kernel.incidents.photos import BLUE, RED, bomb, halves, noise, photo, segments


def _near(found: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) < 24 for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_picture_is_written_anew_without_a_word_of_metadata(form: str) -> None:
    sent = photo(form)
    assert b"SECRET" in sent
    kept = redrawn(sent)
    assert (kept.width_px, kept.height_px, segments(kept.jpeg)[0]) == (64, 48, "APP0")
    for jpeg in (kept.jpeg, kept.thumbnail):
        assert b"SECRET" not in jpeg and not {name for name in segments(jpeg) if name != "APP0"} & {
            "COM", *(f"APP{n}" for n in range(1, 16))
        }  # fmt: skip
        with Image.open(io.BytesIO(jpeg)) as again:
            assert (again.format, again.mode, dict(again.getexif())) == ("JPEG", "RGB", {})


@pytest.mark.parametrize(
    ("orientation", "size", "red", "blue"),
    [
        (1, (64, 48), (8, 24), (56, 24)),
        (3, (64, 48), (56, 24), (8, 24)),
        (6, (48, 64), (24, 8), (24, 56)),
        (8, (48, 64), (24, 56), (24, 8)),
    ],
)
def test_picture_is_turned_as_the_camera_was_held(
    orientation: int, size: tuple[int, int], red: tuple[int, int], blue: tuple[int, int]
) -> None:
    kept = redrawn(photo(orientation=orientation))
    with Image.open(io.BytesIO(kept.jpeg)) as upright:
        assert upright.size == size == (kept.width_px, kept.height_px)
        assert _near(upright.getpixel(red), RED) and _near(upright.getpixel(blue), BLUE)


def test_large_picture_is_made_smaller_and_fits() -> None:
    kept = redrawn(noise(3_000, 2_000))
    assert len(kept.jpeg) <= evidence.MAX_KEPT_BYTES
    assert max(kept.width_px, kept.height_px) <= evidence.MAX_SIDE_PX
    assert abs(kept.width_px / kept.height_px - 1.5) < 0.01
    with Image.open(io.BytesIO(kept.thumbnail)) as small:
        assert max(small.size) == evidence.THUMBNAIL_PX
    plain = redrawn(photo(width=4_000, height=3_000))
    assert (plain.width_px, plain.height_px) == (2_048, 1_536)


def test_transparent_picture_stands_on_white() -> None:
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    with Image.open(io.BytesIO(redrawn(out.getvalue()).jpeg)) as kept:
        assert _near(kept.getpixel((5, 5)), (255, 255, 255))


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16"])
def test_every_kind_of_pixels_is_kept_as_colours(mode: str) -> None:
    image = halves().convert("L" if mode == "I;16" else mode)
    image = image.convert("I;16") if mode == "I;16" else image
    out = io.BytesIO()
    image.save(out, "JPEG" if mode == "CMYK" else "PNG")
    with Image.open(io.BytesIO(redrawn(out.getvalue()).jpeg)) as kept:
        assert (kept.mode, kept.size) == ("RGB", (64, 48))


def _gif() -> bytes:
    out = io.BytesIO()
    halves().save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (b"", "picture-missing"),
        (b"no picture", "picture-unknown"),
        (_gif(), "picture-unknown"),
        (photo()[:600], "picture-unread"),
        (photo("PNG")[:-40], "picture-unread"),
        (bomb(), "picture-too-large"),
        (bomb(6_000, 5_000), "picture-too-large"),
        (bytes(evidence.MAX_SENT_BYTES + 1), "picture-too-large"),
    ],
    ids=["nothing", "text", "gif", "cut jpeg", "cut png", "bomb", "large png", "too many bytes"],
)
def test_what_cannot_be_kept_is_refused_with_a_word(sent: bytes, key: str) -> None:
    with pytest.raises(Refused) as refusal:
        redrawn(sent)
    assert refusal.value.key == key


@settings(max_examples=60)
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP"]),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_damaged_picture_is_kept_or_refused_and_never_crashes(form: str, damage: list[tuple[int, int]]) -> None:
    sent = bytearray(photo(form))
    for place, byte in damage:
        sent[place % len(sent)] = byte
    try:
        kept = redrawn(bytes(sent))
    except Refused:
        return
    assert len(kept.jpeg) <= evidence.MAX_KEPT_BYTES


AT = 1_780_000_000_000_000


@pytest.mark.parametrize(
    ("taken_at", "expected"),
    [(AT - MINUTE, AT - MINUTE), (None, AT), (AT + MINUTE, AT), (AT - 31 * DAY, AT), (AT, AT)],
)
def test_clock_of_a_camera_is_believed_where_it_can_be(taken_at: int | None, expected: int) -> None:
    assert taken_when(taken_at, AT) == expected
