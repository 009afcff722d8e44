"""Photographs as people have them: of any common format, grey or coloured, of 8 or 16 bits, opaque or not.

The first frame of an animation or of pages counts. EXIF's rotation is carried out. CMYK is converted without its colour
profile, and 16 bits are taken to span 0..65535. What its header says to be too large is not decoded.
"""

import io
import struct

import numpy as np
from PIL import Image, ImageOps

from pipeline.data.archive import decode_image
from pipeline.stage import WrongInput

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MEGAPIXELS = 200  # at most, unless told otherwise: the largest telephones' photographs, 600 MB each
# What Pillow raises for damaged images.
UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, struct.error)
_PAPER = (255, 255, 255, 255)
# Its own limit on pixels is below ours.
Image.MAX_IMAGE_PIXELS = None


def decode_photograph(data, name, megapixels=MEGAPIXELS):
    """Decode bytes to uint8 (H, W, 3) RGB; transparent parts show white. `name` appears in the WrongInput.

    megapixels: of how many million pixels an image may be.
    """
    try:
        image = Image.open(io.BytesIO(data))
    except UNREADABLE:  # and without a header nobody knows how much memory it would take to try
        raise WrongInput(f"{name}: not a readable image; restore the file or remove it from the data set") from None
    width, height = image.size
    if width * height > megapixels * 1e6:
        raise WrongInput(
            f"{name}: {width}x{height} pixels; expected at most {megapixels:g} million; reduce or remove it, or raise"
            " megapixels_at_most of the data set's poses in params.yaml"
        )
    try:
        if image.has_transparency_data:
            return _over_paper(image)
    except UNREADABLE:
        pass  # OpenCV decides for both what cannot be decoded.
    return decode_image(data, name)


def _over_paper(image):
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGBA", upright.size, _PAPER)
    return np.array(Image.alpha_composite(paper, upright).convert("RGB"))
