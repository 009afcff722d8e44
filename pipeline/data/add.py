"""Look through a folder or ZIP archive of images, and add it to params.yaml as a data set with a quick study.

    python -m pipeline.data.add PATH --name NAME [--groups groups.csv] [--labels labels.csv] [--unreadable-at-most N]

Nothing is copied. What the folder may look like: pipeline.data.folder.
"""

import argparse
import json
import re
from pathlib import Path, PurePosixPath

import yaml

from pipeline.data.decoding import MEGAPIXELS
from pipeline.data.entries import loaded, with_entries
from pipeline.data.files import replacing
from pipeline.data.folder import GROUPS, LABELS, class_level, own_listing
from pipeline.data.grouping import told_by_names
from pipeline.data.photographs import list_photographs
from pipeline.data.split import split_photographs
from pipeline.data.survey import lines_of, survey
from pipeline.data.tree import file_names
from pipeline.params import check_params
from pipeline.stage import WrongInput, note, run_stage
from pipeline.study import Study

_PARAMS = Path("params.yaml")
_TEST_FRACTION, _MIN_IMAGES, _SEED = 0.3, 4, 0
# Images of all classes that the quick study trains on at most, and that a generator makes.
_SEEN, _MOST_EPOCHS, _GENERATED = 1000, 8, 100
_SECONDS_PER_POSE = 0.025  # of a core
_SHOWN = 10
# Layouts with a reader of their own, which knows more than folders tell: a file by which each is known.
_LAYOUTS = {
    "hagrid": re.compile(r"(ann_train_val|ann_test|(hagrid_)?annotations/(train|val|test))/[^/]+\.json"),
    "rwth": re.compile(r"(.*/)?[^/]*handshape-annotations\.txt"),
}

_DATASET = """\
# Added by pipeline.data.add: {counts}.
{name}:
  reader: folder
  root: {root}
{layout}  classes: all # or a list, in label order
  poses:
    {{detector: mediapipe, roi: auto, upscale_to: 0, min_confidence: 0.5, folder: null,
     unreadable_at_most: {unreadable}, megapixels_at_most: {megapixels}}}
  crop: {{size: 64, margin: 0.35}}
  split: {{kind: {kind}, test_fraction: {fraction}, min_images: {min_images}, seed: {seed}}}
"""
# A minute and a half of two cores, whatever the number of images and classes, once the poses are known.
_STUDY = """\
# Added by pipeline.data.add: minutes of two cores, which show that all is in order, and nothing else.
{name}:
  <<: *demo
  table8: {name}
  table9: {name}
  source: {name}
  generation: {{images_per_class: {generated}, as_published: []}}
  rivals: {{recipes: [longer, balanced, copies-pretrain], sizes: [{size}]}}
  experiments:
    {name}: # *signs_experiment has the demo's budget, *rwth_experiment the paper's
      sizes: [{size}]
      seeds: [0]
      generators:
        reacgan: &{name}_gan
          <<: *small_gan
          batch_size: 4
          steps: 40
          evaluation: {{every: 40, images: 50, features: lite0}}
        spade_bones: *{name}_gan
      classifier:
        <<: *small_classifier
        batch_size: 16
        epochs: {epochs}
"""
_NEXT = """\
next:
  python -m pipeline.progress --config study={name} -- results/sheets/crops/{name}.png
    about {seconds:.0f} s of a core to find the hands; then look at that picture: is one hand in each crop, and does the
    skeleton lie on it?
  python -m pipeline.progress --config study={name} -- results/table8.csv
    minutes; for a budget that may tell something, give `{name}` under studies.{name}.experiments in params.yaml the
    value *signs_experiment (the demo's) or *rwth_experiment (the paper's, for GPUs)"""


def add(root, name, labels=None, groups=None, unreadable=0):
    """Print what there is and add the data set and the study `name` to ./params.yaml, unless they are there.

    unreadable: how many images may be, which then are left out.
    """
    text = _read_params()
    params = loaded(text)
    check_params(params)
    if _is_there(params, name, _place(root)):
        return
    layout = _layout(root, labels, groups)
    rows, pattern = _grouped(_surveyed(root, layout, unreadable))
    layout |= {"group_pattern": pattern} if pattern else {}
    dataset = _dataset(name, root, layout, rows, _propose_split(root, rows), unreadable)
    text = with_entries(text, {"datasets": dataset, "studies": _study(name, rows)})
    Study(loaded(text) | {"study": name}).artifacts()
    with replacing(_PARAMS.resolve()) as beside:
        beside.write_text(text, encoding="utf-8", newline="")
    print(f"params.yaml: data set {name} and study {name} added; nothing was copied")
    print(_NEXT.format(name=name, seconds=_SECONDS_PER_POSE * len(rows)))


def _surveyed(root, layout, unreadable):
    """Return the manifest's rows; print what is in them, and raise WrongInput where more images cannot be read."""
    rows = list_photographs("folder", root, "all", **layout)
    names = file_names(root)
    _refuse_known(root, names)
    own = own_listing(names, LABELS)
    told = layout.get("labels", "folders" if own is None else root / own)
    print(f"looking at {len(rows)} images, whose classes are told by {told}", flush=True)
    found = survey(rows)
    if len(found.rows):
        print("\n".join(lines_of(found)))
    if found.unreadable:
        print("\n".join(found.unreadable))
    if len(found.unreadable) > unreadable:
        raise WrongInput(
            f"{root}: {len(found.unreadable)} images cannot be read, see above; expected {unreadable} at most; restore"
            f" or remove them, or leave them out by --unreadable-at-most {len(found.unreadable)}; nothing was changed"
        )
    return found.rows


def _refuse_known(root, names):
    for reader, known_by in _LAYOUTS.items():
        if any(map(known_by.fullmatch, names)):
            raise WrongInput(
                f"{root}: this is the layout of the data set {reader} of params.yaml, which has a reader of its own;"
                " give that entry (or a copy of it) this root; nothing was changed"
            )


def _dataset(name, root, layout, rows, kind, unreadable):
    """Return the data set's entry."""
    keys = "".join(f"  {key}: {_quoted(value)}\n" for key, value in layout.items())
    counts = f"{len(rows)} images of {rows['class'].nunique()} classes"
    split = {"kind": kind, "fraction": _TEST_FRACTION, "min_images": _MIN_IMAGES, "seed": _SEED}
    return _DATASET.format(
        name=name,
        root=_quoted(_place(root)),
        layout=keys,
        counts=counts,
        unreadable=unreadable,
        megapixels=MEGAPIXELS,
        **split,
    )


def _study(name, rows):
    """Return the study's entry; its work hardly grows with the number of images or classes."""
    images, classes = len(rows), rows["class"].nunique()
    settings = {
        "size": "all" if images <= _SEEN else max(_MIN_IMAGES, _SEEN // classes),
        "epochs": min(_MOST_EPOCHS, max(1, _SEEN // (2 * images))),
        "generated": max(2, min(10, _GENERATED // classes)),
    }
    return _STUDY.format(name=name, **settings)


def _read_params():
    try:
        with open(_PARAMS, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        raise WrongInput(f"{_PARAMS}: not in {Path.cwd()}; run this in the repository") from None


def _is_there(params, name, where):
    # Also no number and no word, such as `on`, that YAML takes for something else than text.
    if not re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", name) or yaml.safe_load(name) != name:
        raise WrongInput(
            f"--name {name!r}: expected words of lower-case letters and digits with _ between them; choose another"
        )
    own = params["datasets"].get(name)
    if own is None and name not in params["studies"]:
        return False
    if own is None or own["root"] != where:
        found = f"a study {name}" if own is None else f"data set {name}, which lies in {own['root']}"
        raise WrongInput(f"params.yaml has {found} already; choose another --name; nothing was changed")
    print(f"params.yaml has data set {name} already; nothing was changed (to add it anew, remove its entries there)")
    return True


def _layout(root, labels, groups):
    """Return the listings that the reader would not find by itself."""
    given = {"labels": (labels, LABELS), "groups": (groups, GROUPS)}
    given = {key: (path, own) for key, (path, own) in given.items() if path is not None}
    names = file_names(root) if given else []
    return {
        key: _place(path)
        for key, (path, own) in given.items()
        if path.resolve() != (root / (own_listing(names, own) or own)).resolve()
    }


def _place(path):
    """Return a path as params.yaml holds it: relative to the repository where it lies there."""
    whole, here = Path(path).absolute(), Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


def _quoted(text):
    return json.dumps(text, ensure_ascii=False)


def _grouped(rows):
    """Return (rows with groups, the pattern that tells them or None); say which it is."""
    files = rows["name"].str.replace(r"@[0-9]+(,[0-9]+){3}$", "", regex=True)
    if (rows["group"] != files).any():
        print(f"groups: {rows['group'].nunique()} as listed")
        return rows, None
    depth, _ = class_level([PurePosixPath(name).parts[:-1] for name in files])
    told = told_by_names(files, depth)
    if told is None:
        note("no groups are given and names tell none: each image is its own, and near-duplicates may stand on both")
        note("sides of the split; list signers or clips in a groups.csv (file,group), and name it with --groups")
        return rows, None
    rows = rows.assign(group=[re.search(told.pattern, name)[1] for name in files])
    example = f"{files[0]}: {rows['group'][0]}"
    print(f"groups: {rows['group'].nunique()}, told from the names by {told.words} ({example})")
    print("  if these are no signers or clips, remove group_pattern from params.yaml, or list them with --groups")
    return rows, told.pattern


def _propose_split(root, rows):
    """Return the kind of split, and print what it comes to before poses are known."""
    sizes = rows["class"].value_counts()
    small = sorted(sizes.index[sizes < _MIN_IMAGES])
    kept = rows[~rows["class"].isin(small)]
    if len(sizes) - len(small) < 2:
        raise WrongInput(
            f"{root}: {len(sizes) - len(small)} classes have {_MIN_IMAGES} images or more; expected at least 2, as"
            " folders below it, or by a labels file (file,label)"
        )
    kind, test = _official(root, kept) or _drawn(kept)
    untested = sorted(set(kept["class"]) - set(kept["class"][test]))
    print(f"split: {kind}, {int(test.sum())} of {len(kept)} images test, {kept['group'][test].nunique()} groups")
    if small:
        print(f"  classes left out for fewer than {_MIN_IMAGES} images: {', '.join(small)}")
    if untested:
        print(f"  classes without a test image: {', '.join(untested)}")
    return kind


def _official(root, rows):
    """Return ("official", who tests) where the owner has split the rows, or None; tell of groups on both sides.

    Raises WrongInput for a class that could not train.
    """
    sides = set(rows["part"])
    if sides != {"train", "test"}:
        if sides != {""}:
            lack = "has images on no side" if "" in sides else f"has {sides.pop()} images alone"
            note(f"the split that came with the images {lack}, so another is proposed")
        return None
    test = split_photographs(rows, "official", _TEST_FRACTION, _SEED)
    untrained = sorted(set(rows["class"]) - set(rows["class"][~test]))
    if untrained:
        raise WrongInput(
            f"{root}: class {untrained[0]!r} has test images alone, as have {len(untrained) - 1} other classes;"
            " expected training images of each; add some, or leave the class out; nothing was changed"
        )
    both = sorted(set(rows["group"][test]) & set(rows["group"][~test]))
    if both:
        shown = ", ".join(both[:_SHOWN]) + (" …" if len(both) > _SHOWN else "")
        note(f"{len(both)} groups stand on both sides of the split that came with the images ({shown}): test results")
        note("may be too good; for another split, give kind: grouped under datasets in params.yaml")
    return "official", test


def _drawn(rows):
    """Return (kind, who tests) of a split by groups, or by images where groups cannot be split."""
    test = split_photographs(rows, "grouped", _TEST_FRACTION, _SEED)
    if test.any():
        return "grouped", test
    note("the groups cannot be split, so images are, whatever their group: test results will be too good")
    return "random", split_photographs(rows, "random", _TEST_FRACTION, _SEED)


def main():
    parser = argparse.ArgumentParser(prog="python -m pipeline.data.add", description=__doc__.partition("\n")[0])
    parser.add_argument("path", type=Path, metavar="PATH", help="folder or ZIP archive of images")
    parser.add_argument("--name", required=True, help="of the data set and its study")
    parser.add_argument("--groups", type=Path, help="CSV file (file,group): the signer or clip of each image")
    parser.add_argument("--labels", type=Path, help="CSV file (file,label[,x,y,w,h][,group]) in place of class folders")
    parser.add_argument(
        "--unreadable-at-most", type=int, default=0, metavar="N", help="so many images may be damaged, and are left out"
    )
    args = parser.parse_args()
    add(args.path, args.name, args.labels, args.groups, args.unreadable_at_most)


if __name__ == "__main__":
    run_stage(main)
