"""Photographs as people have them: of any common format, grey or coloured, of 8 or 16 bits, opaque or not.

The first frame of an animation or of pages counts. EXIF's rotation is carried out. CMYK is converted without its colour
profile, and 16 bits are taken to span 0..65535. What its header says to be too large is not decoded.
"""

import numpy as np
from PIL import Image, ImageOps

from pipeline.data.archive import decode_image
from pipeline.data.headers import UNREADABLE, expect_memory_for, open_header
from pipeline.stage import WrongInput

MEGAPIXELS = 200  # at most, unless told otherwise: the largest telephones' photographs, 1.2 to 1.6 GB each
_PAPER = (255, 255, 255, 255)
_STRIP = 256  # rows


def decode_photograph(data, name, megapixels=MEGAPIXELS):
    """Decode bytes to uint8 (H, W, 3) RGB; transparent parts show white. `name` appears in the WrongInput.

    megapixels: of how many million pixels an image may be.
    """
    image = open_header(data, name)
    width, height = image.size
    if width * height > megapixels * 1e6:
        raise WrongInput(
            f"{name}: {width}x{height} pixels; expected at most {megapixels:g} million; reduce or remove it, or raise"
            " megapixels_at_most of the data set's poses in params.yaml"
        )
    try:
        # Pillow cannot lay grey of 16 bits over paper: it would clip all of it but the darkest.
        if image.has_transparency_data and not image.mode.startswith("I"):
            expect_memory_for(image.size, name)
            return _over_paper(image)
    except UNREADABLE:
        pass  # OpenCV decides for both what cannot be decoded.
    return decode_image(data, name)


def _over_paper(image):
    ImageOps.exif_transpose(image, in_place=True)
    width, height = image.size
    seen = np.empty((height, width, 3), np.uint8)
    # Strip by strip: four copies of the whole would be alive at once.
    for top in range(0, height, _STRIP):
        strip = image.crop((0, top, width, min(top + _STRIP, height))).convert("RGBA")
        paper = Image.new("RGBA", strip.size, _PAPER)
        seen[top : top + _STRIP] = Image.alpha_composite(paper, strip).convert("RGB")
    return seen
