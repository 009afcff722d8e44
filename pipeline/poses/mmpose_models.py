"""OpenMMLab's top-down models of hands, by mmpose's own configurations and a checkpoint that the user brings.

The photograph is the hand's box, or its middle is; mmpose itself adds a quarter around it and scales it to the model's
input. Positions are its own: pixel i has its centre at i.
"""

import importlib.metadata
import importlib.util
import warnings
from pathlib import Path

import numpy as np
import torch

from pipeline.poses.hand import Hand
from pipeline.poses.mmpose_checkpoint import read_checkpoint
from pipeline.poses.mmpose_stubs import stand_in
from pipeline.poses.skeleton import joint_order
from pipeline.stage import WrongInput

INSTALL = "python -m pip install --no-deps --require-hashes -r envs/mmpose.lock"
# The side of the hand's box by policy, as a share of the photograph's longer side.
SHARES = {"image": 1.0, "centre": 0.6}
BATCH = 16  # half the time per image of one by one


class MmposeModel:
    """Find the hand of each of many images; options: config, checkpoint, sha256 and flip_test; roi names the policy."""

    def __init__(self, options, roi, threads=1):
        if roi not in SHARES:
            raise WrongInput(f"poses option roi: {roi!r}; with mmpose expected one of {', '.join(SHARES)}")
        self._share = SHARES[roi]
        if importlib.util.find_spec("mmpose") is None:
            raise WrongInput(f"poses option detector: mmpose is not installed; install it by `{INSTALL}`")
        weights, names = read_checkpoint(options["checkpoint"], options["sha256"])
        import_mmpose()
        torch.set_num_threads(threads)
        config, self._meta = _configuration(options["config"])
        names = names or [name for _, name in sorted(self._meta["keypoint_id2name"].items())]
        self._order = joint_order(names, options["checkpoint"])
        config.model.test_cfg.flip_test = options["flip_test"]
        self._model, self._prepare = _build(config, weights, options)
        self.description = (
            f"mmpose {importlib.metadata.version('mmpose')}, {Path(options['config']).stem},"
            f" sha256 {options['sha256'][:12]}"
        )

    def __call__(self, images):
        """Return for each image uint8 (H, W, 3) RGB a list of the one hand that the model always sees.

        Confidence is the model's score of each joint, a maximum of a map and no probability, clipped to 0..1.
        """
        from mmengine.dataset import pseudo_collate

        hands = []
        for start in range(0, len(images), BATCH):
            samples = [self._prepare(self._sample(image)) for image in images[start : start + BATCH]]
            with torch.inference_mode():
                hands += [
                    [self._hand(found.pred_instances)] for found in self._model.test_step(pseudo_collate(samples))
                ]
        return hands

    def _sample(self, image):
        height, width = image.shape[:2]
        middle, reach = np.array([width, height]) / 2, self._share * max(width, height) / 2
        box = np.concatenate([middle - reach, middle + reach])[None].astype(np.float32)
        # mmpose expects the channels in OpenCV's order.
        pixels = np.ascontiguousarray(image[..., ::-1])
        return {"img": pixels, "bbox": box, "bbox_score": np.ones(1, np.float32), **self._meta}

    def _hand(self, found):
        keypoints, scores = found.keypoints[0][self._order], found.keypoint_scores[0][self._order]
        return Hand(keypoints.astype(np.float32), np.clip(scores, 0, 1).astype(np.float32), "")


def import_mmpose():
    """Import what registers mmpose's models and transforms: some 15 s."""
    stand_in()
    with warnings.catch_warnings(action="ignore"):  # of what is not there and not needed
        importlib.import_module("mmpose.datasets")
        importlib.import_module("mmpose.models")
    warnings.filterwarnings("ignore", category=FutureWarning, module="mmpose")  # torch's, once per layer


def config_file(name):
    """Return the path of a configuration, by its name in mmpose's package or by its path; raise WrongInput for none."""
    import mmpose

    configs = Path(mmpose.__file__).parent / ".mim" / "configs"
    path = next((path for path in (configs / name, Path(name)) if path.is_file()), None)
    if path is None:
        raise WrongInput(f"poses.mmpose.config: {name}; expected a file, or the name of one below {configs}; name it")
    return path


def _configuration(name):
    """Return (configuration, the description of its data set), by its name in mmpose's package or by its path."""
    from mmengine.config import Config
    from mmengine.registry import init_default_scope
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    from mmpose.registry import DATASETS

    path = config_file(name)
    config = Config.fromfile(path)
    init_default_scope("mmpose")
    data = config.train_dataloader.dataset
    with warnings.catch_warnings(action="ignore"):  # the names in there begin at mmpose's root, which it finds
        return config, parse_pose_metainfo(data.get("metainfo") or DATASETS.get(data.type).METAINFO)


def _build(config, weights, options):
    """Return (model in evaluation mode, what prepares its input); raise WrongInput where the weights are another's."""
    from mmengine.dataset import Compose
    from mmengine.model.utils import revert_sync_batchnorm
    from mmpose.models.builder import build_pose_estimator

    config.model.backbone.pop("_scope_", None)  # mmdet's backbones that RTMPose takes are mmpose's as well
    model = revert_sync_batchnorm(build_pose_estimator(config.model))
    try:
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as wrong:  # shapes differ
        missing = str(wrong).splitlines()[1:2]
    if missing:
        raise WrongInput(
            f"{options['checkpoint']}: does not fit {options['config']} ({missing[0].strip()}); expected the weights of"
            " that model; name the configuration that the checkpoint was trained with"
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.to(device).eval(), Compose(config.test_dataloader.dataset.pipeline)
