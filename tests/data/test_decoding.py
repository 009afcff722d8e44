import struct
import zlib

import numpy as np
import pytest
from data.odd_images import deep, encoded, half_transparent, moving, picture, plain, turned
from PIL import Image

from pipeline.data.decoding import decode_photograph
from pipeline.data.manifest import load_photograph
from pipeline.stage import WrongInput

# Largest mean difference by what a format loses: nothing, JPEG's and WebP's detail, 256 colours of a palette.
EXACT, LOSSY, PALETTE = 0, 2.5, 4


def difference(data, expected):
    image = decode_photograph(data, "a")
    assert image.dtype == np.uint8 and image.shape == expected.shape
    return np.abs(image.astype(int) - expected).mean()


@pytest.mark.parametrize(
    ("kind", "bound"),
    [("JPEG", LOSSY), ("PNG", EXACT), ("WEBP", LOSSY), ("BMP", EXACT), ("TIFF", EXACT), ("GIF", PALETTE)],
)
def test_common_formats(kind, bound):
    assert difference(plain(kind), picture()) <= bound


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photograph_stands_upright_as_exif_says(kind):
    assert difference(turned(kind), np.rot90(picture(), -1)) <= LOSSY


def test_a_transparent_photograph_stands_upright_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(picture()).convert("RGBA"), "PNG", exif=exif, transparency=None)
    assert difference(data, np.rot90(picture(), -1)) == EXACT


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_what_cannot_be_seen_is_white(kind, options):
    expected = picture()
    expected[:, 30:] = 255
    assert difference(half_transparent(kind, **options), expected) == EXACT


def test_a_tall_transparent_photograph_is_as_one_piece():
    tall = picture(60, 600)
    alpha = np.random.default_rng(0).integers(0, 256, tall.shape[:2], np.uint8)
    image = Image.fromarray(np.dstack([tall, alpha]), "RGBA")
    whole = Image.alpha_composite(Image.new("RGBA", image.size, (255,) * 4), image).convert("RGB")
    assert (decode_photograph(encoded(image, "PNG"), "a") == np.array(whole)).all()


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_is_white(kind):
    image = Image.new("P", (20, 10), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (0, 0, 5, 10))
    decoded = decode_photograph(encoded(image, kind, transparency=1), "a")
    assert decoded[0, 0].tolist() == [255, 0, 0] and decoded[0, 19].tolist() == [255, 255, 255]


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bits_become_8(suffix):
    assert difference(deep(suffix), picture()) <= 1
    assert difference(deep(suffix, grey=True), np.repeat(picture()[..., :1], 3, 2)) <= 1


def test_grey_of_16_bits_with_a_transparent_colour_is_as_bright_as_without():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    decoded = decode_photograph(encoded(Image.fromarray(ramp), "PNG", transparency=3), "a")
    assert np.abs(decoded[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(kind):
    assert difference(encoded(Image.fromarray(picture()).convert("CMYK"), kind), picture()) <= LOSSY


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_has_three_equal_channels(mode):
    image = decode_photograph(encoded(Image.fromarray(picture()).convert("L").convert(mode), "PNG"), "a")
    assert image.shape == (40, 60, 3) and (image == image[..., :1]).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_of_several_frames_counts(kind):
    assert difference(moving(kind), picture()) <= PALETTE


@pytest.mark.parametrize(
    "data",
    [
        plain("JPEG")[:-100],
        plain("PNG")[:-60],
        half_transparent("PNG")[:-60],
        encoded(Image.fromarray(picture()[..., 0].astype(np.float32)), "TIFF"),
        b"RIFF cut",
        b"",
    ],
    ids=["cut JPEG", "cut PNG", "cut transparent PNG", "floating point", "cut WebP", "empty"],
)
def test_what_cannot_be_read_is_named(data):
    with pytest.raises(WrongInput, match=r"^hand\.jpg: not a readable image"):
        decode_photograph(data, "hand.jpg")


def claiming(data, offset, form, checksum=None):
    """An image whose header claims 50,000 by 50,000 pixels."""
    data = bytearray(data)
    struct.pack_into(form, data, offset, 50_000, 50_000)
    if checksum:
        struct.pack_into(">I", data, checksum, zlib.crc32(data[12:checksum]))
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        claiming(plain("PNG"), 16, ">II", checksum=29),
        claiming(half_transparent("PNG"), 16, ">II", checksum=29),
        claiming(plain("BMP"), 18, "<ii"),
        claiming(plain("GIF"), 6, "<HH"),
        claiming(plain("JPEG"), plain("JPEG").index(b"\xff\xc0") + 5, ">HH"),
    ],
    ids=["PNG", "transparent PNG", "BMP", "GIF", "JPEG"],
)
def test_an_image_too_large_for_the_memory_is_refused_by_its_header(data, monkeypatch):
    monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(WrongInput, match=r"^a\.png: 50000x50000 pixels; expected at most 200 million; reduce"):
        decode_photograph(data, "a.png")


def test_the_name_does_not_tell_the_format(tmp_path):
    for kind, name in (("JPEG", "a.png"), ("PNG", "b.jpg"), ("TIFF", "c.gif")):
        (tmp_path / name).write_bytes(plain(kind))
        assert np.abs(load_photograph(tmp_path / name).astype(int) - picture()).mean() <= LOSSY
