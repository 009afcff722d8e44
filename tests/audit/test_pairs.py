import numpy as np

from pipeline.audit.pairs import pairs_page

GREY, RED = (np.full((64, 64, 3), colour, np.uint8) for colour in (120, (200, 10, 10)))


def test_every_pair_is_on_the_page_side_by_side():
    page = pairs_page([("some", [(GREY, RED, ["a", "b"])] * 5), ("none", []), ("more", [(RED, GREY, ["c"])])])
    grey, red = ((page == image[0, 0]).all(axis=2) for image in (GREY, RED))
    assert grey.sum() == red.sum() == 6 * 128 * 128
    assert red[:, 1:][grey[:, :-1]].sum() == 5 * 128 and grey[:, 1:][red[:, :-1]].sum() == 128


def test_a_long_name_stays_below_its_own_pair():
    narrow = pairs_page([("h", [(GREY, GREY, ["x" * 200])])])
    assert (narrow[:, 10 + 2 * 128 :] == 255).all()
    assert (narrow[30 + 128 :, :250] < 255).any()
