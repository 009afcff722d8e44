"""Photographs as people have them: of any common format, grey or coloured, of 8 or 16 bits, opaque or not.

The first frame of an animation or of pages counts. EXIF's rotation is carried out. CMYK is converted without its colour
profile, and 16 bits are taken to span 0..65535.
"""

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

from pipeline.data.archive import decode_image
from pipeline.stage import WrongInput

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_PAPER = (255, 255, 255, 255)


def decode_photograph(data, name):
    """Decode bytes to uint8 (H, W, 3) RGB; transparent parts show white. `name` appears in the WrongInput."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.has_transparency_data:
                return _over_paper(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        pass  # OpenCV reads kinds that Pillow does not, and decides for both what cannot be read.
    try:
        return decode_image(data, name)
    except cv2.error as refused:
        raise WrongInput(f"{name}: not a readable image ({refused.err}); mend it or remove it") from None


def _over_paper(image):
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGBA", upright.size, _PAPER)
    return np.array(Image.alpha_composite(paper, upright).convert("RGB"))
