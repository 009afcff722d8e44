import contextlib
import os
import signal
import time

import chaos.fuzz
import pytest
from chaos.damage import of_bytes
from chaos.fuzz import damaged, fuzz, outcome, place_of, run_cases
from chaos.readers import READERS, Reader, groups_of

from pipeline.data.listings import LISTING_MB
from pipeline.stage import WrongInput

CASES = 12  # of each reader; a person runs thousands (python tests/chaos/fuzz.py)


@pytest.mark.parametrize("name", READERS)
def test_good_files_are_read(name, tmp_path):
    reader = READERS[name]
    for number, good in enumerate(reader.make(tmp_path)):
        path = place_of(reader, tmp_path, number)
        path.write_bytes(good)
        result = outcome(reader, path)
        path.unlink()
        # The second set of poses is of fewer photographs than the manifest beside it.
        assert result == (["refused"] if (name, number) == ("poses", 1) else ["read"])


def test_every_reader_refuses_damaged_files_by_name(tmp_path):
    tally = fuzz(READERS, tmp_path, 0, range(1), CASES)
    assert tally.finds() == {}
    assert {name: own["cases"] for name, own in tally.counts.items()} == dict.fromkeys(READERS, CASES)
    assert sum(own["refused"] for own in tally.counts.values()) > CASES, "the damage is too slight to be noticed"


def found_in(read, folder, monkeypatch):
    """The outcomes of three cases of a reader."""
    monkeypatch.setattr(chaos.fuzz, "SECONDS", 1)
    reader = Reader(None, of_bytes, "*.bin", read)
    return dict(run_cases("one", reader, [b"good"], folder, range(3)))


def refusing(path):
    raise WrongInput("something is wrong")


def hoarding(path):
    bytearray(8 << 30)


def sleeping(path):
    time.sleep(30)


def swallowing(path):
    with contextlib.suppress(Exception):
        time.sleep(30)


def dying(path):
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (lambda path: {}["a"], "KeyError"),
        (refusing, "without the file's name"),
        (hoarding, "MemoryError"),
        (sleeping, "TooLong"),
        (swallowing, "TooLong"),
        (dying, "died"),
    ],
)
def test_what_is_no_refusal_is_found(read, what, tmp_path, monkeypatch):
    found = found_in(read, tmp_path, monkeypatch)
    assert list(found) == [0, 1, 2]
    assert all(result[0] == "find" and what in result[1] for result in found.values()), found


MILLION = range(10**6)


def entries_of_hagrid(folder):
    """Return annotations of a million photographs, more than of any gesture."""
    return ("{" + ",".join(f'"{n}":{{}}' for n in MILLION) + "}").encode()


def groups_of_a_million(folder):
    """Return groups of a million photographs, among them those of the folder."""
    return groups_of(folder)[0] + "".join(f"{n}.jpg,signer{n % 99}\n" for n in MILLION).encode()


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [("HaGRID annotations", entries_of_hagrid, "refused"), ("groups.csv", groups_of_a_million, "read")],
)
def test_a_million_entries_keep_the_limit_of_memory(tmp_path, monkeypatch, name, make, expected):
    monkeypatch.setattr(chaos.fuzz, "SECONDS", 60)  # also beside other work
    given = READERS[name]
    reader = Reader(None, lambda data, other, chance: data, given.place, given.read)
    assert dict(run_cases(name, reader, [make(tmp_path)], tmp_path, [0])) == {0: [expected]}


@pytest.mark.parametrize("name", ["HaGRID annotations", "labels.csv"])
def test_a_listing_beyond_the_limit_is_refused_by_name_unread(tmp_path, name):
    reader = READERS[name]
    reader.make(tmp_path)
    path = place_of(reader, tmp_path, 0)
    with path.open("wb") as file:
        file.truncate(LISTING_MB * 10**6 + 10**6)  # a hole, which takes no room on the disk
    with pytest.raises(
        WrongInput, match=rf"{path.name}: a listing of {LISTING_MB + 1} MB; expected {LISTING_MB} at most"
    ):
        reader.read(path)


def test_more_entries_than_any_gesture_has_are_refused_with_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.data.hagrid.ENTRIES_AT_MOST", 2)
    reader = READERS["HaGRID annotations"]
    good, path = reader.make(tmp_path)[0], place_of(reader, tmp_path, 0)
    path.write_bytes(good)
    with pytest.raises(WrongInput, match=rf"{path.name}: 3 entries; expected at most 2 of one gesture"):
        reader.read(path)


def test_a_case_is_made_again_by_its_seed(tmp_path):
    reader = READERS["answers"]
    good = reader.make(tmp_path)
    once, again = ([damaged("answers", reader, good, seed) for seed in range(40)] for _ in range(2))
    assert once == again and len(set(once)) > 20
