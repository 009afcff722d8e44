"""mmpose's own models with weights drawn here; skipped where mmpose is not installed."""

import hashlib
import importlib.util
import sys
import types

import cv2
import numpy as np
import pytest
import torch

from pipeline.chance import stream
from pipeline.poses import mmpose_models
from pipeline.poses.detectors import make_detector
from pipeline.poses.mmpose_models import INSTALL
from pipeline.stage import WrongInput

HAND5 = "hand_2d_keypoint/rtmpose/hand5/rtmpose-m_8xb256-210e_hand5-256x256.py"
RESNET = "hand_2d_keypoint/topdown_heatmap/onehand10k/td-hm_res50_8xb32-210e_onehand10k-256x256.py"
# RHD counts each finger from its tip.
FROM_THE_TIP = [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17]

installed = pytest.mark.skipif(
    importlib.util.find_spec("mmpose") is None, reason=f"mmpose is not installed: {INSTALL}, then this file again"
)


def options(checkpoint=("absent.pth", "0000000"), **changes):
    """Return options as in params.yaml; checkpoint: (path, SHA-256)."""
    path, sha256 = checkpoint
    own = {"config": HAND5, "checkpoint": str(path), "sha256": sha256, "flip_test": True} | changes
    return {"detector": "mmpose", "roi": "image", "upscale_to": 0, "min_confidence": 0.3, "folder": None, "mmpose": own}


def hands_of(options, images):
    detect, _ = make_detector(options, None, 1)
    return [hand for (hand,) in detect(images, [{"name": str(number)} for number in range(len(images))])]


def photograph(number, height, width):
    """Return soft blots of colour, uint8 (height, width, 3): red, green and blue differ, and so do left and right."""
    coarse = stream(0, "photograph", number).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def plain():
    """RTMPose's network with weights drawn here, and what mmpose tells of its data set; made by mmpose alone."""
    mmpose_models.import_mmpose()
    import mmpose
    from mmengine.config import Config
    from mmengine.model.utils import revert_sync_batchnorm
    from mmengine.registry import init_default_scope
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    from mmpose.models.builder import build_pose_estimator

    config = Config.fromfile(f"{mmpose.__path__[0]}/.mim/configs/{HAND5}")
    init_default_scope("mmpose")
    config.model.backbone.pop("_scope_")
    torch.manual_seed(0)
    model = revert_sync_batchnorm(build_pose_estimator(config.model)).eval()
    model.cfg, model.dataset_meta = config, parse_pose_metainfo(config.train_dataloader.dataset.metainfo)
    return model


@pytest.fixture(scope="module")
def saved(plain, tmp_path_factory):
    """Return a function that saves the weights with a description: (path, SHA-256)."""

    def save(meta):
        path = tmp_path_factory.mktemp("checkpoint") / "epoch_1.pth"
        torch.save({"meta": {"dataset_meta": meta}, "state_dict": plain.state_dict()}, path)
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    return save


@pytest.fixture(scope="module")
def checkpoint(plain, saved):
    return saved(plain.dataset_meta)


def test_where_mmpose_is_absent_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(mmpose_models.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WrongInput, match=r"pip install .*envs/mmpose\.lock"):
        make_detector(options(), None, 1)


@pytest.mark.parametrize("roi", ["auto", "detect"])
def test_what_needs_a_finder_of_palms_is_refused(roi):
    with pytest.raises(WrongInput, match="image, centre"):
        make_detector(options() | {"roi": roi}, None, 1)


def test_a_configuration_is_found_by_its_name_in_the_package_and_the_place_of_others_is_told(tmp_path, monkeypatch):
    package = types.ModuleType("mmpose")
    package.__file__ = str(tmp_path / "mmpose" / "__init__.py")
    monkeypatch.setitem(sys.modules, "mmpose", package)
    configs = tmp_path / "mmpose" / ".mim" / "configs"
    configs.mkdir(parents=True)
    (configs / "one.py").write_text("")
    assert mmpose_models.config_file("one.py") == configs / "one.py"
    with pytest.raises(WrongInput, match=rf"two\.py; expected a file, or the name of one below {configs}; name it"):
        mmpose_models.config_file("two.py")


@installed
def test_many_photographs_at_once_are_as_one_by_one(checkpoint, monkeypatch):
    monkeypatch.setattr(mmpose_models, "BATCH", 2)
    images = [photograph(0, 200, 150), photograph(1, 64, 64), photograph(2, 90, 160)]
    together, alone = hands_of(options(checkpoint), images), [hands_of(options(checkpoint), [one])[0] for one in images]
    for one, other in zip(together, alone, strict=True):
        assert one.keypoints == pytest.approx(other.keypoints, abs=1e-3)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
    # Else it would prove nothing.
    assert np.abs(together[0].keypoints - together[1].keypoints).max() > 1


@installed
@pytest.mark.parametrize("flip_test", [True, False])
def test_joints_are_where_mmpose_itself_finds_them_in_the_file(plain, checkpoint, tmp_path, monkeypatch, flip_test):
    absent = types.ModuleType("pkg_resources")  # of an older setuptools; mmpose.apis asks it where mmpose lies
    absent.DistributionNotFound, absent.get_distribution = LookupError, {}.__getitem__
    monkeypatch.setitem(sys.modules, "pkg_resources", absent)
    from mmpose.apis.inference import inference_topdown

    image = photograph(3, 120, 180)
    cv2.imwrite(str(tmp_path / "a.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    plain.test_cfg["flip_test"] = flip_test
    expected = inference_topdown(plain, str(tmp_path / "a.png"))[0].pred_instances
    (hand,) = hands_of(options(checkpoint, flip_test=flip_test), [image])
    assert hand.keypoints == pytest.approx(expected.keypoints[0], abs=1e-3)
    assert hand.confidence == pytest.approx(np.clip(expected.keypoint_scores[0], 0, 1), abs=1e-4)
    assert hand.keypoints.dtype == hand.confidence.dtype == np.float32


@installed
def test_the_checkpoint_s_names_put_the_joints_in_order(plain, saved, checkpoint):
    names = plain.dataset_meta["keypoint_id2name"]
    renamed = {number: names[place] for number, place in enumerate(FROM_THE_TIP)}
    image = photograph(4, 100, 100)
    (hand,) = hands_of(options(checkpoint), [image])
    (other,) = hands_of(options(saved(plain.dataset_meta | {"keypoint_id2name": renamed})), [image])
    # The network says the same of its 21 outputs, which now are other joints.
    assert np.array_equal(other.keypoints, hand.keypoints[FROM_THE_TIP])
    assert len(np.unique(hand.keypoints, axis=0)) > 4


@installed
def test_the_middle_of_a_frame_is_seen_as_if_it_were_all(checkpoint):
    image = photograph(5, 240, 240)
    framed = cv2.copyMakeBorder(image, 80, 80, 80, 80, cv2.BORDER_CONSTANT)  # 240 of 400: black as beyond the edge
    (whole,) = hands_of(options(checkpoint), [image])
    (middle,) = hands_of(options(checkpoint) | {"roi": "centre"}, [framed])
    assert middle.keypoints - 80 == pytest.approx(whole.keypoints, abs=1)


@installed
def test_weights_of_another_network_are_refused_by_name(checkpoint):
    with pytest.raises(WrongInput, match=r"epoch_1\.pth: does not fit .*res50"):
        make_detector(options(checkpoint, config=RESNET), None, 1)


@installed
def test_a_configuration_that_mmpose_does_not_have_is_refused(checkpoint):
    with pytest.raises(WrongInput, match=r"rtmpose-xxl\.py.*expected"):
        make_detector(options(checkpoint, config="rtmpose-xxl.py"), None, 1)


@installed
def test_nothing_is_said_on_the_terminal(checkpoint, recwarn, capfd):
    hands_of(options(checkpoint), [photograph(6, 50, 50)])
    assert capfd.readouterr().err == "" and [str(one.message) for one in recwarn] == []
