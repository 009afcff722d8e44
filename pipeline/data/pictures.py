"""Pictures for a person to look at, as PNG files."""

import cv2

from pipeline.data.files import replacing


def write_png(path, picture):
    """Write a picture uint8 (H, W, 3) RGB."""
    ok, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not ok:
        raise ValueError(f"{path}: a picture of shape {picture.shape} could not be encoded")
    with replacing(path) as beside:
        beside.write_bytes(png.tobytes())
