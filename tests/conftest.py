"""What tests share: real photographs, on machines that have them, and one finished study of seconds."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def real_data(name):
    """Return the folder of a real data set, or skip the calling test where it is absent."""
    folder = Path(os.environ.get("REAL_DATA") or ROOT.parent / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip(f"real photographs are not on this machine: {name} (set REAL_DATA to their folder)")
    return folder


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory):
    """A copy of the repository, under git and DVC, with the tiny study run to the end. Not to be changed: copy it."""
    from study_copy import commit, copy_repository, snakemake, start_history

    folder = tmp_path_factory.mktemp("finished") / "repository"
    copy_repository(folder)
    start_history(folder)
    status, said = snakemake(folder, "all")
    assert status == 0, said[-3000:]
    commit(folder, "the study as it was made")
    return folder
