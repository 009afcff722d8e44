import zipfile

import pytest
import torch

from pipeline.states import read_state

WEIGHTS = torch.arange(1000.0)


def test_a_state_is_read_as_it_was_saved(tmp_path):
    torch.save({"weights": WEIGHTS, "step": 3}, tmp_path / "s.pt")
    state = read_state(tmp_path / "s.pt")
    assert state["step"] == 3 and torch.equal(state["weights"], WEIGHTS)


def test_a_weight_of_which_a_bit_fell_over_is_noticed(tmp_path):
    torch.save({"weights": WEIGHTS}, tmp_path / "s.pt")
    data = bytearray((tmp_path / "s.pt").read_bytes())
    data[data.index(WEIGHTS[500:510].numpy().tobytes()) + 2] ^= 4
    (tmp_path / "s.pt").write_bytes(data)
    # torch itself does not mind.
    assert not torch.equal(torch.load(tmp_path / "s.pt", weights_only=True)["weights"], WEIGHTS)
    assert read_state(tmp_path / "s.pt") is None


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"\x80\x02.", None])
def test_what_is_no_state_is_none(tmp_path, content):
    if content is None:
        with zipfile.ZipFile(tmp_path / "s.pt", "w") as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02c__builtin__\neval\n.")
    else:
        (tmp_path / "s.pt").write_bytes(content)
    assert read_state(tmp_path / "s.pt") is None
    torch.save([1, 2], tmp_path / "list.pt")
    assert read_state(tmp_path / "list.pt") is None
