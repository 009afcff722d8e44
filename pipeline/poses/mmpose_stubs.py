"""What mmpose imports and finding hands never calls, so that a few wheels suffice: no compiler, no other versions.

mmcv's operators are compiled and belong to heads of other networks, mmdet's functions to one-stage models, and
xtcocotools evaluates.
"""

import importlib.util
import sys
import types

# {module that tells whether the real ones are there: {module: names that are imported from it}}
_STAND_INS = {
    "mmcv._ext": {"mmcv.ops": ["MultiScaleDeformableAttention"]},
    "mmdet": {"mmdet": [], "mmdet.utils": ["ConfigType", "reduce_mean"]},
    "xtcocotools": {
        "xtcocotools": ["mask"],
        "xtcocotools.coco": ["COCO"],
        "xtcocotools.cocoeval": ["COCOeval"],
        "xtcocotools.mask": [],
    },
}


def stand_in():
    """Put an empty module in the place of each that is not installed; the names that mmpose asks for are empty too."""
    for real, modules in _STAND_INS.items():
        if real not in sys.modules and importlib.util.find_spec(real) is None:
            for name, members in modules.items():
                sys.modules[name] = types.ModuleType(name)
                vars(sys.modules[name]).update({member: type(member, (), {}) for member in members})
