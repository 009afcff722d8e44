import random

import numpy as np
import pytest

from pipeline.poses.findings import Finding, arrays_of, read_findings
from pipeline.poses.memory import Memory, read_remembered


def findings(count):
    """Findings of so many photographs, no two alike."""
    return [
        Finding(np.full((21, 2), place, np.float32), np.ones(21, np.float32), "left", (40, 30), place / 7, "")
        for place in range(count)
    ]


def same(one, other):
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def remembering(folder, known):
    """Remember {key: Finding} in a folder; return the one file that it makes."""
    Memory(folder).add(known)
    (file,) = folder.iterdir()
    return file


def test_whichever_bit_of_a_file_falls_over_its_photographs_are_looked_at_anew_or_are_as_they_were(tmp_path):
    known = dict(zip("ab", findings(2), strict=True))
    file, chance = remembering(tmp_path / "m", known), random.Random(0)
    good, undamaged, taken_up = file.read_bytes(), read_remembered(file), 0
    directory = good.index(b"PK\x01\x02")  # flags, lengths and names of the archive: each its own kind of error
    places = [*chance.sample(range(directory), 50), *chance.sample(range(directory, len(good)), 100)]
    for place in places:
        rotten = bytearray(good)
        rotten[place] ^= 1 << chance.randrange(8)
        file.write_bytes(rotten)
        found = read_remembered(file)
        taken_up += found is not None
        assert found is None or all(np.array_equal(found[name], own) for name, own in undamaged.items()), place
    assert 0 < taken_up < 100  # dates and attributes tell nothing
    file.write_bytes(good)
    assert all(same(Memory(tmp_path / "m").find(key), own) for key, own in known.items())


def test_a_photograph_that_a_damaged_file_knew_is_looked_at_anew(tmp_path):
    known = dict(zip("ab", findings(2), strict=True))
    file = remembering(tmp_path / "m", known)
    good = file.read_bytes()
    method = good.rindex(b"PK\x01\x02") + 10  # of the last array: one that zipfile does not know
    file.write_bytes(good[:method] + b"\x07" + good[method + 1 :])
    assert Memory(tmp_path / "m").find("a") is None
    Memory(tmp_path / "m").add(known)
    assert same(Memory(tmp_path / "m").find("a"), known["a"])


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("reason"),
        lambda arrays: arrays.update(further=arrays["score"]),
        lambda arrays: arrays.update(score=arrays["score"][:1]),
        lambda arrays: arrays.update(keypoints=arrays["keypoints"].reshape(2, 42)),
        lambda arrays: arrays.update(side=np.zeros(2)),
    ],
)
def test_arrays_that_are_no_findings_are_not_taken_up(tmp_path, change):
    arrays = arrays_of(findings(2))
    np.savez(tmp_path / "good.npz", **arrays)
    assert read_findings(tmp_path / "good.npz").keys() == set(Finding._fields)
    change(arrays)
    np.savez(tmp_path / "other.npz", **arrays)
    assert read_findings(tmp_path / "other.npz") is None
    assert read_remembered(tmp_path / "good.npz") is None  # it has no keys
