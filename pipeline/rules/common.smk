"""The active study, and what every rule shares."""

import json
import os
import subprocess
import sys
import tempfile

from snakemake.exceptions import WorkflowError

from pipeline.sources import source_files
from pipeline.stage import WrongInput
from pipeline.study import Study, maker_of, origin_of
from pipeline.warm import ADDRESS

try:
    STUDY = Study(config)
except WrongInput as wrong:
    raise WorkflowError(str(wrong))

# The python of this Snakemake runs the stages, also where its environment was not activated.
shell.prefix(
    f"set -euo pipefail; export PATH={os.path.dirname(sys.executable)}:$PATH PYTHONPATH={workflow.basedir}; "
)

# Progress goes to the log; an error of one line goes to the terminal as well.
LOGGED = " > {log} 2> >(tee -a {log} >&2)"

# A cell is data set, size, seed and recipe; so are the names of its files.
SUBSET = "{dataset}-n{size}-s{seed}"


wildcard_constraints:
    dataset="[a-z0-9_]+",
    size="[0-9]+|all",
    seed="[0-9]+",
    condition="reacgan|spade_keypoints|spade_bones",
    maker="[a-z0-9_]+",
    recipe="[a-z0-9_-]+",
    number="[0-9]+",


def as_json(options):
    """Settings as one argument of a stage: what Snakemake compares is what the stage gets."""
    return json.dumps(options, sort_keys=True)


def dataset_options(section):
    """Return a params function that gives one section of the data set in the wildcards."""
    return lambda wildcards: as_json(STUDY.datasets[wildcards.dataset][section])


onstart:
    # Jobs of this machine start in forks of one warm process; those of a cluster start on their own.
    os.environ[ADDRESS] = os.path.join(tempfile.mkdtemp(prefix="warm-"), "socket")
    subprocess.Popen(
        [sys.executable, "-m", "pipeline.warm", "--serve", os.environ[ADDRESS], str(os.getpid())],
        stdout=subprocess.DEVNULL,
    )
