import random

import pytest

from pipeline.data.sorting import sorted_rows


@pytest.mark.parametrize("held", [1, 3, 7, 49, 50, 51, 1000])
def test_any_memory_gives_the_order_of_python(held):
    draw = random.Random(0)
    rows = [{"name": draw.choice("aAbéz\n\"'"), "came": str(number)} for number in range(50)]
    assert list(sorted_rows(iter(rows), "name", held)) == sorted(rows, key=lambda row: row["name"])


def test_no_more_than_asked_is_taken_in_before_it_waits_on_the_disk():
    alive, most = set(), 0

    class Row(dict):
        def __init__(self, number):
            super().__init__(name=f"{number:04}")
            alive.add(id(self))

        def __del__(self):
            alive.discard(id(self))

    def rows():
        nonlocal most
        for number in reversed(range(1000)):
            yield Row(number)
            most = max(most, len(alive))

    assert [int(row["name"]) for row in sorted_rows(rows(), "name", 100)] == list(range(1000))
    assert most <= 202
