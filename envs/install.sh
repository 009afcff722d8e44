#!/usr/bin/env bash
# Bring .venv to exactly what envs/requirements.lock says, and fetch the hand models. Does nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
ready=.venv/.ready
wanted=$(cat envs/requirements.lock envs/hand-landmarker.txt envs/install.sh | cksum)
if [ -f "$ready" ] && [ "$(cat "$ready")" = "$wanted" ]; then exit 0; fi

fail() { echo "error: $*" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  fail "$python is older than Python 3.11 or missing; install one, or name one: make PYTHON=/path/to/python3 demo"

if command -v uv >/dev/null; then
  uv=uv
else
  uv=.tools/uv/bin/uv
  if [ ! -x "$uv" ]; then
    echo "setting up uv (the installer) in .tools"
    "$python" -m venv --clear .tools/uv >/dev/null 2>&1 ||
      fail "$python -m venv does not work; install your system's package for it (python3-venv) or uv, and call again"
    .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r envs/uv.lock
  fi
fi

[ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
echo "installing what envs/requirements.lock pins (about 6 GB on disk, shared with uv's cache where it can be)"
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes envs/requirements.lock
# Store the bytecode of what every run imports, also where the surroundings forbid to write it later: halves each start.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m snakemake --version >/dev/null &
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -c "import cv2, matplotlib.pyplot, pytest, timm, torch._dynamo" &
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m compileall -q pipeline &
echo "fetching the hand models"
.venv/bin/python -m pipeline.poses.weights --out .cache/hand_landmarker
wait
echo "$wanted" > "$ready"
