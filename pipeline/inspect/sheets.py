"""Contact sheets are pictures already: their size, and whether they are whole."""

from PIL import Image

from pipeline.inspect.contents import Contents, in_one_line
from pipeline.stage import WrongInput


def read(path):
    """Return the Contents of a PNG; raise WrongInput where it cannot be decoded to its end."""
    try:
        with Image.open(path) as image:
            image.load()
            size, mode = f"{image.width} x {image.height} pixels", image.mode
    except (OSError, SyntaxError) as wrong:  # Pillow raises the latter for a broken PNG chunk
        raise WrongInput(f"{path}: no complete PNG ({in_one_line(wrong)}); delete it and run Snakemake again") from None
    return Contents("picture", size, lines=lambda: [f"{size}, {mode}", "open it in any viewer"])
