"""Audit a data set: near-duplicates between its training and test images, and memorised images among generated ones.

The split of the study and a random one of the same images, as the released code draws it, are held side by side.
"""

import functools
import json
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from pipeline.audit.findings import WARNING, findings
from pipeline.audit.fingerprints import fingerprints, images_at
from pipeline.audit.leaks import audit_split, calibrate, summarise, worst
from pipeline.audit.memorised import memorisation, subset_positions
from pipeline.audit.pairs import pairs_page
from pipeline.chance import seed_of
from pipeline.data.archive import read_metadata
from pipeline.data.files import replacing
from pipeline.data.pictures import write_png
from pipeline.data.split import split_photographs
from pipeline.generate.quality import drawn
from pipeline.metrics.lite0 import Lite0Network
from pipeline.stage import WrongInput, note, run_stage, stage_arguments

_WORST, _WORST_GENERATED = 24, 8  # pairs on the page; of each set of generated images


def drawn_groups(rows, most, seed):
    """Return a mask of whole groups, in drawn order, that hold at most `most` rows together."""
    sizes = rows["group"].value_counts()
    order = sorted(sizes.index, key=lambda name: seed_of(seed, "audit", name))
    return rows["group"].isin(np.array(order)[sizes[order].cumsum().to_numpy() <= most]).to_numpy()


def audit_duplicates(train, test, network, options):
    """Return ({name: what is told}, table of the test images, the closest pairs for the page) of two image sets."""
    parts = [read_metadata(path)[0] for path in (train, test)]
    chosen = drawn_groups(pd.concat(parts), options["images"], options["seed"])
    positions = [np.flatnonzero(mask) for mask in np.split(chosen, [len(parts[0])])]
    for path, own in zip((train, test), positions, strict=True):
        if not len(own):
            raise WrongInput(
                f"{path}: no image among those drawn; expected some of both parts; raise `images` of audit"
            )
    prints = fingerprints(list(zip((train, test), positions, strict=True)), network)
    tests = np.arange(len(prints.rows)) >= len(positions[0])
    calibration = calibrate(prints, np.flatnonzero(~tests))
    random = split_photographs(prints.rows, "random", tests.mean(), options["seed"])
    tables = [audit_split(prints, np.flatnonzero(~mask), np.flatnonzero(mask), calibration) for mask in (tests, random)]
    told = {"images": len(prints.rows), "images_of": len(chosen), "threshold": calibration.told()}
    told |= dict(zip(("split", "random_split"), (summarise(table, calibration) for table in tables), strict=True))
    return told, tables[0], _closest(train, test, positions, prints, tables[0], calibration)


def _closest(train, test, positions, prints, table, calibration):
    rows, numbers = np.array(worst(table, calibration, _WORST)).T
    images, others = images_at(test, positions[1][rows]).images, images_at(train, positions[0][numbers]).images
    found = zip(table.iloc[rows].itertuples(), prints.rows.iloc[numbers].itertuples(), strict=True)
    return list(zip(images, others, [_told(own, other) for own, other in found], strict=True))


def _told(own, other):
    near = own.exact or ("near" if own.flagged else "not near")
    distances = f"hash {own.hash_distance:.0f} of 64, features {own.features_distance:.2f}: {near}"
    return [distances, f"test: {own.group}", f"train: {other.group}"]


class Learnt(NamedTuple):
    """What a generator learnt from: positions (N,) in a file of crops, features (1, N, D); unseen ones (V, U, D)."""

    crops: str
    positions: np.ndarray
    features: torch.Tensor
    unseen: torch.Tensor


def learnt_from(crops, subset, network, options):
    """Return the Learnt of a subset: of a large one `images` that train and `generated` unseen ones, drawn."""
    fit, unseen = subset_positions(crops, subset)
    if not len(fit):
        raise WrongInput(f"{subset}: no image that trains; expected some of part `fit`; make the subset again")
    fit = fit[drawn(len(fit), options["images"], options["seed"], "audit", "fit")]
    unseen = unseen[drawn(len(unseen), options["generated"], options["seed"], "audit", "unseen")]
    features = fingerprints([(crops, fit)], network, as_it_is=True).vectors["features"]
    real = fingerprints([(crops, unseen)], network).vectors["features"] if len(unseen) else features[:, :0]
    return Learnt(crops, fit, features, real)


def audit_generated(images, learnt, network, options, maker):
    """Return (measures, the closest pairs for the page) of a generator's images beside what it learnt from."""
    count = len(read_metadata(images)[0])
    if not count:
        raise WrongInput(f"{images}: no image; expected generated ones; make the set again")
    looked = drawn(count, options["generated"], options["seed"], "audit", maker)
    found = memorisation(fingerprints([(images, looked)], network).vectors["features"], learnt.unseen, learnt.features)
    order = np.argsort(found.distances, kind="stable")[:_WORST_GENERATED]
    made, others = images_at(images, looked[order]), images_at(learnt.crops, learnt.positions[found.numbers[order]])
    words = zip(found.distances[order], made.rows["class"], others.rows["class"], others.rows["group"], strict=True)
    lines = [
        [f"features {near:.2f}", f"generated: {name}", f"train: {own}, {group}"] for near, name, own, group in words
    ]
    return found.measures, list(zip(made.images, others.images, lines, strict=True))


def write_audit(args, told, table, blocks):
    """Write the numbers to args.out, the test images to args.table, the closest pairs to args.page."""
    with replacing(args.out) as beside:
        beside.write_text(json.dumps(told, indent=1) + "\n")
    columns = [column for column in table.columns if not column.endswith("_number")]
    flags = dict.fromkeys(table.select_dtypes(bool).columns, int)
    with replacing(args.table) as beside:
        table[columns].astype(flags).to_csv(beside, index=False, float_format="%.4f")
    write_png(args.page, pairs_page(blocks))


def main():
    parser = stage_arguments(__doc__, inputs=["train", "test"], outputs=["out", "table", "page"])
    parser.add_argument("--images", nargs="*", default=[], help="generated image sets")
    parser.add_argument("--learnt-from", nargs="*", default=[], help="of each, the training crops of its generator")
    parser.add_argument("--subsets", nargs="*", default=[], help="of each, which of these crops trained it")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    options, network = args.options, Lite0Network()
    told, table, pairs = audit_duplicates(args.train, args.test, network, options)
    blocks, told["memorisation"] = [("test images, and the nearest training image beside each", pairs)], {}
    known = functools.cache(lambda crops, subset: learnt_from(crops, subset, network, options))
    for maker, images, *origin in zip(options["makers"], args.images, args.learnt_from, args.subsets, strict=True):
        told["memorisation"][maker], pairs = audit_generated(images, known(*origin), network, options, maker)
        blocks.append((f"{maker}: generated images, and the nearest training image beside each", pairs))
    told["findings"] = findings(options["dataset"], options["kind"], told)
    write_audit(args, told, table, blocks)
    print("\n".join(told["findings"]))
    for sentence in told["findings"]:
        if sentence.startswith(WARNING):
            note(f"{options['dataset']}: {sentence}")


if __name__ == "__main__":
    run_stage(main)
