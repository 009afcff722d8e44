"""Images of every kind that people have, of one and the same picture, as bytes."""

import io

import cv2
import numpy as np
from PIL import Image


def picture(width=60, height=40):
    """Red grows to the right, green downwards: no two quarter turns look alike."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 4, y * 6, np.full_like(x, 90)], 2).astype(np.uint8)


def encoded(image, kind, **options):
    """Return the bytes of a PIL image in a format of Pillow's."""
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def plain(kind, **options):
    """Return the picture in a format of Pillow's."""
    return encoded(Image.fromarray(picture()), kind, **options)


def turned(kind):
    """Return the picture as a camera stores it that was held upright: EXIF says to turn it right."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return plain(kind, exif=exif)


def half_transparent(kind, **options):
    """Return the picture whose right half cannot be seen, and hides other colours."""
    alpha = np.where(np.arange(60) < 30, 255, 0).astype(np.uint8)
    rgba = np.dstack([picture(), np.broadcast_to(alpha, (40, 60))])
    return encoded(Image.fromarray(rgba, "RGBA"), kind, **options)


def deep(suffix, grey=False):
    """Return the picture, or its red as grey, with 16 bits per sample."""
    wide = picture().astype(np.uint16) * 257
    ok, data = cv2.imencode(suffix, wide[..., 0] if grey else wide[..., ::-1])
    assert ok
    return data.tobytes()


def moving(kind):
    """Return an animation, or pages, of the picture and then black."""
    return plain(kind, save_all=True, append_images=[Image.new("RGB", (60, 40))])
