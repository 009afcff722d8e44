"""The graph of a whole study as Snakemake builds it, to be looked at; nothing runs."""

import contextlib
import io
import os
from pathlib import Path

from snakemake.api import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.settings.types import Quietness

from pipeline.versions.hooks import PLANNING

_ANY_SIZE = 10**13  # bytes; as in profiles/default: inputs compare by content at any size


@contextlib.contextmanager
def planned(params, force=False):
    """Yield Snakemake's workflow with the graph of everything that a study is made of.

    params: the whole content of a params.yaml. force: as if nothing had been made yet.
    """
    os.environ[PLANNING] = "1"
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        with contextlib.redirect_stdout(io.StringIO()):
            workflow = api.workflow(
                ResourceSettings(cores=1),
                config_settings=ConfigSettings(config=params, replace_workflow_config=True),
                snakefile=Path("Snakefile"),
            )
            workflow.dag(
                DAGSettings(targets={"all"}, forceall=force, max_checksum_file_size=_ANY_SIZE, force_incomplete=True)
            ).printrulegraph()
        yield workflow._workflow


def jobs_of(workflow):
    """Return the jobs that make something, each after those it needs."""
    return [job for level in workflow.dag.toposorted() for job in level if job.output]
