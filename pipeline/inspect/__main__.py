"""Tell what an artifact is, where it came from and what it holds, and draw it where a person would rather look."""

import argparse
import os
import signal
import sys
from pathlib import Path

from pipeline.data.files import replacing
from pipeline.inspect.contents import read_contents
from pipeline.inspect.place import PICTURES, RESULTS, place_of
from pipeline.inspect.report import listing_lines, report_lines
from pipeline.stage import WrongInput, run_stage


def inspect(path, picture=None):
    """Print all about the artifact at a path, or a line for each in a folder; draw the former to `picture`.

    Raises WrongInput for what is missing, damaged, empty or of no known kind.
    """
    if path.is_dir():
        lines, unreadable = listing_lines(path)
        print("\n".join(lines))
        if unreadable:
            raise WrongInput(f"{path}: {unreadable} artifacts cannot be read, see above; delete and make them again")
        return
    contents = read_contents(path)
    print("\n".join(report_lines(path, contents)))
    print(f"  picture    {_draw(contents, picture or place_of(path).picture)}", flush=True)


def _draw(contents, target):
    """Write the picture of an artifact; return its path, or why there is none."""
    if contents.draw is None:
        return "none: the lines above say it all"
    try:
        drawn = contents.draw()
    except WrongInput as wrong:
        return f"none: {wrong}"
    from PIL import Image

    with replacing(target) as beside:
        Image.fromarray(drawn).save(beside, format="PNG")
    return os.path.relpath(target) if target.is_relative_to(Path.cwd()) else target


def check_picture(picture, artifacts):
    """Raise WrongInput for a place where a picture would be none, or would take the place of an artifact."""
    if len(artifacts) != 1 or artifacts[0].is_dir():
        raise WrongInput("--picture: names the picture of one artifact; name one artifact, or leave --picture out")
    if picture.suffix != ".png":
        raise WrongInput(f"--picture {picture}: expected a name that ends in .png; rename it")
    resolved = picture.resolve()
    parts = place_of(resolved).name.split("/")
    if resolved == artifacts[0].resolve() or (parts[0] == RESULTS and parts[1] != PICTURES):
        raise WrongInput(
            f"--picture {picture}: artifacts lie there, which no picture replaces; choose a place outside {RESULTS}/,"
            " or leave --picture out"
        )


def main():
    parser = argparse.ArgumentParser(prog="python -m pipeline.inspect", description=__doc__)
    parser.add_argument("artifacts", type=Path, nargs="+", metavar="ARTIFACT", help="a file, or a folder of them")
    picture_help = "where the picture goes (results/.inspected/…)"
    parser.add_argument("--picture", type=Path, metavar="PATH", help=picture_help)
    args = parser.parse_args()
    if args.picture:
        check_picture(args.picture, args.artifacts)
    wrongs = []
    for path in args.artifacts:
        # One damaged artifact does not hide the others.
        try:
            inspect(path, args.picture)
        except WrongInput as wrong:
            wrongs.append(str(wrong))
    for wrong in wrongs[:-1]:
        print("error: " + " ".join(wrong.split()), file=sys.stderr)
    if wrongs:
        raise WrongInput(wrongs[-1])


if __name__ == "__main__":
    # Ends quietly when the reader, such as `head`, has seen enough.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    run_stage(main)
