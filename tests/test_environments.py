import re

import yaml
from conftest import ROOT

LOCK = (ROOT / "envs" / "requirements.lock").read_text()
MMPOSE = (ROOT / "envs" / "mmpose.lock").read_text()


def test_the_conda_file_pins_what_the_lock_pins():
    conda = yaml.safe_load((ROOT / "envs" / "main.yaml").read_text())
    (pinned,) = [part["pip"] for part in conda["dependencies"] if isinstance(part, dict)]
    for pin in pinned:
        assert re.search(rf"^{re.escape(pin)} ", LOCK, re.MULTILINE), f"{pin} is not in envs/requirements.lock"


def test_every_locked_package_has_a_hash_and_none_names_a_host():
    for name in ("requirements.lock", "uv.lock", "hand-landmarker.txt", "mmpose.lock"):
        text = re.sub(r"^ *#.*$", "", (ROOT / "envs" / name).read_text(), flags=re.MULTILINE)
        packages = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert all("--hash=sha256:" in package for package in packages), name
        assert "://" not in text


def test_what_mmpose_needs_besides_replaces_no_package_of_the_environment():
    ours, added = (re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE) for text in (LOCK, MMPOSE))
    assert len(added) == len(set(added) - set(ours)) >= 8
