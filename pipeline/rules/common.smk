"""The active study, and what every rule shares."""

import atexit
import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile

from pipeline import locks, previous
from pipeline.data.outside import folder_digest
from pipeline.expected import announce
from pipeline.poses.outside import own_files_digest
from pipeline.recipes import (
    COPIES,
    classifier_folder,
    kept_of,
    maker_of,
    split_kept,
    subset_name,
)
from pipeline.shown import (
    FIGURES,
    claim_inputs,
    claims,
    figure_inputs,
    figure_options,
)
from pipeline.sources import (
    libraries_of,
    source_files,
    template_files,
)
from pipeline.stage import WrongInput
from pipeline.study import ACCURACY_TABLES, QUALITY_TABLES, RIVALS_TABLE, Study
from pipeline.versions import hooks
from pipeline.warm import ADDRESS, PRELOADED


@contextlib.contextmanager
def told_in_one_line():
    """End this process where something is wrong that a person can mend, and say what it is, not where it was found."""
    try:
        yield
    except WrongInput as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        sys.exit(1)


with told_in_one_line():
    STUDY = Study(config)

# The python of this Snakemake runs the stages, also where its environment was not activated.
PLACES = (os.path.dirname(sys.executable), str(workflow.basedir))
shell.prefix(
    "set -euo pipefail; export PATH={}:$PATH PYTHONPATH={}; ".format(
        *map(shlex.quote, PLACES)
    )
)

# What a reader is told of a data set.
LAYOUT = ("reader", "root", "classes", "labels", "groups", "group_pattern")

# A cell is data set, size, seed and recipe; so are the names of its files.
SUBSET = "{dataset}-n{size}-s{seed}"


wildcard_constraints:
    dataset="[a-z0-9_]+",
    size="([0-9]+|all)(__[a-z0-9_]+)?",
    seed="[0-9]+",
    condition="(reacgan|spade_keypoints|spade_bones)(_[a-z0-9]+)?(__[a-z0-9_]+)?",
    maker="[a-z0-9_]+",
    kept="[a-z0-9_]+(-filtered__[a-z0-9_]+)?",
    recipe="[a-z0-9_-]+",
    number="[0-9]+",


def as_json(options):
    """Settings as one argument of a stage: what Snakemake compares is what the stage gets.

    Called in a function of wildcards only: Snakemake fills in the {words} of a text that stands in a rule.
    """
    return json.dumps(options, sort_keys=True)


def dataset_options(section):
    """Return a params function that gives one section of the data set in the wildcards."""
    return lambda wildcards: as_json(STUDY.datasets[wildcards.dataset][section])


def photographs_of(wildcards):
    """The drawn data sets are files of the graph; the others lie where their owner put them."""
    data = STUDY.datasets[wildcards.dataset]
    return [data["root"]] if "drawn" in data else []


def outside_digest(wildcards):
    """What changes when photographs outside the graph come or go; nothing where none are, or for the drawn ones."""
    data = STUDY.datasets[wildcards.dataset]
    if "drawn" in data:
        return ""
    places = [data[key] for key in ("root", "labels", "groups") if key in data]
    root, *listings = map(folder_digest, places)
    return " ".join([root, *listings]) if root else ""


def answers_folder(wildcards):
    """Where the files of a data set's raters are put."""
    return f"{STUDY.settings['rating']['answers']}/{wildcards.dataset}"


def shown_sigma(wildcards):
    """The width of the keypoint maps that the generators of a data set see."""
    return STUDY.experiments[wildcards.dataset]["generators"][STUDY.spade][
        "heatmap_sigma"
    ]


def reader_sources(wildcards):
    reader = STUDY.datasets[wildcards.dataset]["reader"]
    return source_files("pipeline.data.photographs", f"pipeline.data.{reader}")


def generator_file(wildcards):
    """The generator behind a maker."""
    subset = (wildcards.dataset, wildcards.size, wildcards.seed)
    origin, condition = STUDY.generator_of(subset, wildcards.maker)
    return f"results/generators/{subset_name(*origin)}-{condition}.safetensors"


def generated_for(wildcards):
    """The generated images of a recipe, or their copies of real ones; none for `real` and rivals."""
    made = maker_of(wildcards.recipe)
    if made is None:
        return []
    maker, filtered = made
    if maker == COPIES:
        return f"results/copies/{SUBSET}.zip".format(**wildcards)
    place = (
        f"filtered/{SUBSET}-{kept_of(wildcards.recipe)}"
        if filtered
        else f"images/{SUBSET}-{maker}"
    )
    return f"results/{place}.zip".format(**wildcards)


def images_to_filter(wildcards):
    """The generated images of which some are kept."""
    maker, _ = split_kept(wildcards.kept)
    return f"results/images/{SUBSET}-{maker}.zip".format(**wildcards)


def scores_of(wildcards):
    """The scores by which images are kept."""
    return f"results/scores/{SUBSET}-{STUDY.scored_as(wildcards.kept)}.csv".format(
        **wildcards
    )


def test_images_for(switch, options):
    """Return an input function: the test images where these options, of the wildcards, hold a switch; none else."""
    return lambda wildcards: (
        f"results/crops/{wildcards.dataset}-test.zip"
        if switch in options(wildcards)["as_published"]
        else []
    )


def as_argument(name):
    """Return a params function: an input as an argument of the stage where there is one."""
    return lambda wildcards, input: f"--{name} {input[name]}" if input[name] else ""


def generator_options(wildcards):
    return STUDY.generator_options(
        wildcards.dataset, wildcards.size, wildcards.seed, wildcards.condition
    )


def extra_images(wildcards):
    """The training images of the data set that a generator learns from besides its own, if one is named."""
    extra = generator_options(wildcards)["extra_images"]
    return f"results/crops/{extra}-train.zip" if extra else []


def image_options(wildcards):
    return STUDY.image_options(wildcards.seed, wildcards.maker)


def classifier_file(wildcards):
    """The classifier of a cell."""
    cell = f"{SUBSET}-{{recipe}}".format(**wildcards)
    return f"results/{classifier_folder(cell)}/{cell}.safetensors"


def predictions_of(wildcards):
    return [
        f"results/predictions/{cell['cell']}.csv"
        for cell in STUDY.cells(wildcards.number)
    ]


def compared_predictions(wildcards):
    """The answers of every recipe of the table of rivals, which are those of the verdict."""
    return [
        f"results/predictions/{cell['cell']}.csv" for cell in STUDY.cells(RIVALS_TABLE)
    ]


def predictions_of_errata(wildcards):
    return [
        f"results/predictions/{cell}.csv"
        for row in STUDY.errata_rows()
        for cell in row["cells"]
    ]


def image_set(wildcards):
    """The generated images of a maker; none for `real`, whose images are the training crops."""
    if wildcards.maker == "real":
        return []
    return f"results/images/{SUBSET}-{{maker}}.zip".format(**wildcards)


def quality_of(wildcards):
    return [
        f"results/quality/{cell['cell']}.json"
        for cell in STUDY.quality_cells(wildcards.number)
    ]


def as_arguments(inputs):
    """Inputs by name as arguments of a stage."""
    return " ".join(f"--{name} {' '.join(files)}" for name, files in inputs.items())


def figure_sources(wildcards):
    return source_files(f"pipeline.figures.{FIGURES[wildcards.number]}")


def shown_image_sets(wildcards):
    """The image sets of a data set's contact sheet."""
    shown = STUDY.shown_image_sets(wildcards.dataset)
    return [
        f"results/images/{subset_name(*subset)}-{maker}.zip" for subset, maker in shown
    ]


def origins_of_shown(wildcards):
    """The subsets that the generators behind a data set's shown image sets learnt from."""
    return [
        STUDY.generator_of(*shown)[0]
        for shown in STUDY.shown_image_sets(wildcards.dataset)
    ]


def makers_of(wildcards):
    """The makers of those image sets."""
    return [maker for _, maker in STUDY.shown_image_sets(wildcards.dataset)]


def shown_subset(wildcards):
    """The subset behind the images of a data set's contact sheet."""
    (subset, _), *_ = STUDY.shown_image_sets(wildcards.dataset)
    return subset_name(*subset)


def jobs_to_do():
    return workflow.dag.needrun_jobs(exclude_finished=False)


def needed_libraries():
    """What the stages of the jobs to be done import, of what takes seconds."""
    code = {file for job in jobs_to_do() for file in job.input if file.endswith(".py")}
    return sorted(libraries_of(code) & PRELOADED.keys())


# Said at the end of a dry run, below Snakemake's own summary.
atexit.register(announce, workflow, STUDY)

# Jobs read this file as well; only the Snakemake that plans looks at what DVC brought.
ALONE = None
if workflow.is_main_process:
    if hooks.PLANNING not in os.environ and not workflow.dryrun:
        with told_in_one_line():
            ALONE = locks.begin_alone(on_cluster=workflow.non_local_exec)
        if locks.BEGUN_BY in os.environ:
            locks.end_with(int(os.environ[locks.BEGUN_BY]))
    hooks.adopt(config)


def end():
    """What is left to do when the jobs of a run have ended, well or not."""
    if ALONE:
        with told_in_one_line():
            previous.put_back()
    hooks.record(config)


onsuccess:
    end()


onerror:
    end()


onstart:
    if ALONE:
        with told_in_one_line():
            previous.set_aside(job.output for job in jobs_to_do())
    # Jobs of this machine start in forks of one warm process; those of a cluster start on their own.
    if workflow.local_exec:
        os.environ[ADDRESS] = os.path.join(
            tempfile.mkdtemp(prefix="warm-"), "socket"
        )
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pipeline.warm",
                "--serve",
                os.environ[ADDRESS],
                str(os.getpid()),
                *needed_libraries(),
            ],
            stdout=subprocess.DEVNULL,
        )
