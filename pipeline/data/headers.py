"""What the header of an image says, before its pixels are decoded into memory."""

import io
import struct

from PIL import Image

from pipeline.memory import expect_memory
from pipeline.stage import WrongInput

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGE = 10_000_000  # pixels: a smaller image needs less memory than it is worth to ask for
_DECODING = 8  # bytes per pixel: four of them as decoded, three more as RGB, and what the decoder holds

# What Pillow raises for damaged images.
UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, struct.error)
# Its own limit on pixels is below ours.
Image.MAX_IMAGE_PIXELS = None


def open_header(data, name):
    """Return the Pillow image of these bytes, of which the header is read alone; `name` appears in the WrongInput."""
    try:
        return Image.open(io.BytesIO(data))
    except UNREADABLE:  # and without a header nobody knows how much memory it would take to try
        raise WrongInput(f"{name}: not a readable image; restore the file or remove it from the data set") from None


def size_in_header(data, name):
    """Return (width, height) of an image; raise WrongInput where it has no header."""
    if data.startswith(_PNG) and len(data) >= 24:
        return struct.unpack(">II", data[16:24])  # Pillow takes longer than OpenCV takes to decode a crop
    return open_header(data, name).size


def expect_memory_for(size, name):
    """Raise WrongInput where there is no memory to decode an image of this (width, height)."""
    width, height = size
    if width * height > _LARGE:
        expect_memory(_DECODING * width * height, f"{name}, {width}x{height} pixels", "reduce or remove the image")
