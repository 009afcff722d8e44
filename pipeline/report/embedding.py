"""Files inside a page: as data URIs, so that it needs neither network nor neighbours."""

import base64
import hashlib

import cv2

from pipeline.stage import WrongInput

_JPEG_QUALITY = 85
_TYPES = {".png": "image/png", ".pdf": "application/pdf", ".csv": "text/csv", ".jpeg": "image/jpeg"}


def data_uri(content, suffix):
    """Return bytes as a data URI of the type of a file suffix."""
    return f"data:{_TYPES[suffix]};base64,{base64.b64encode(content).decode()}"


def embedded(path):
    """Return a file as it is as a data URI."""
    return data_uri(path.read_bytes(), path.suffix)


def embedded_picture(path):
    """Return (data URI, width, height) of a PNG, its bytes unchanged."""
    height, width, _ = _decoded(path).shape
    return embedded(path), width, height


def embedded_sheet(path):
    """Return (data URI, width, height) of a contact sheet as JPEG: as a PNG it is five times as large."""
    sheet = _decoded(path)
    height, width, _ = sheet.shape
    ok, jpeg = cv2.imencode(".jpeg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not ok:
        raise ValueError(f"{path}: a picture of {width}x{height} pixels could not be encoded as JPEG")
    return data_uri(jpeg.tobytes(), ".jpeg"), width, height


def _decoded(path):
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise WrongInput(f"{path}: not a readable picture; delete it and run Snakemake again")
    return picture


def csp_hash(text):
    """Return what a Content-Security-Policy calls a style or script by, so that no other is obeyed."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
