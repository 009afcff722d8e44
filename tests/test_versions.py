"""Snakemake and DVC agree on what is up to date: after runs, edits, checkouts, clones, with the real tools."""

import hashlib
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from conftest import ROOT
from study_copy import change_params, commit, copy_repository, edit, planned, run, snakemake, start_history

from pipeline.versions.record import sort_stages

# filtered images, with and without errors, then the three classifiers of Table 5 and the erroneous one that train on
# them; the report shows every setting
AFTER_FILTER = {"filtered": 2, "classifiers": 4, "predictions": 4, "tables": 1, "report": 1}
AFTER_FILTER |= {"rivals": 1, "verdict": 1, "figures": 1, "errata": 1}


@pytest.fixture
def copy(finished_study, tmp_path):
    return shutil.copytree(finished_study, tmp_path / "repository")


def contents(folder):
    """Return {path: MD5} of every artifact."""
    files = (
        path for path in (folder / "results").rglob("*") if path.is_file() and not {".state", ".sums"} & {*path.parts}
    )
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def keep_all(params):
    params["studies"]["demo"]["filter"]["keep_fraction"] = 1.0
    return params


def ran(said):
    """Return {rule: number of jobs} from the progress lines of `dvc repro`."""
    rules = re.findall(r"^\[ *\d+/\d+\] (\w+) ", said, re.MULTILINE)
    return {rule: rules.count(rule) for rule in rules if not rule.startswith("all_")}


def test_a_run_leaves_nothing_to_be_done_for_either_tool(copy):
    assert "up to date" in run(copy, "dvc status")
    assert planned(copy) == {}
    assert run(copy, "git status --porcelain") == ""
    tracked = {line.split()[-1] for line in run(copy, "dvc list --dvc-only --recursive . results").splitlines()}
    made = {path.removeprefix("results/") for path in contents(copy)} - {".gitignore"}
    assert made == tracked


def test_an_edit_in_a_clone_where_snakemake_never_ran_concerns_what_uses_it(copy, tmp_path):
    run(copy, f"dvc remote add --quiet --default store {tmp_path / 'store'} && dvc push --quiet")
    commit(copy, "store")
    run(tmp_path, f"git clone --quiet {copy} clone && cd clone && dvc pull --quiet")
    change_params(tmp_path / "clone", keep_all)
    assert planned(tmp_path / "clone") == AFTER_FILTER
    # A part of it: what needs inputs that were not pulled stays as it is.
    run(tmp_path, f"git clone --quiet {copy} part && cd part && dvc pull --quiet tables8 plan")
    run(tmp_path / "part", "snakemake -n results/table8.csv")
    assert (tmp_path / "part/results/table8.csv").stat().st_mtime > 1


def test_the_commands_of_the_readme_run_what_an_edit_concerns_and_revisions_are_complete(copy, tmp_path):
    section = (ROOT / "README.md").read_text().split("## Versions with DVC")[1].split("\n## ")[0]
    keep, elsewhere, after, _shared = re.findall(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    places = {"/path/to/store": tmp_path / "store", "/path/to/repository": copy, "elsewhere": tmp_path / "elsewhere"}

    def here(block):
        for name, place in places.items():
            block = block.replace(name, str(place))
        return block

    before = contents(copy)
    run(copy, "git config user.name Test && git config user.email test@example.org")
    change_params(copy, keep_all)
    assert planned(copy) == AFTER_FILTER
    said = run(copy, after)
    assert ran(said) == AFTER_FILTER
    assert re.search(r"params.yaml +studies.demo.filter.keep_fraction +0.3 +1.0", said)
    assert "table8" in (copy / "logs/plots/index.html").read_text()
    assert "results/table8.json" in run(copy, "dvc metrics diff --all")
    assert "up to date" in run(copy, "dvc status")
    assert planned(copy) == {}

    run(copy, here(keep))
    assert "Nothing to be done" in run(copy, here(elsewhere))
    assert contents(tmp_path / "elsewhere") == contents(copy)

    run(copy, "git checkout --quiet HEAD~1 && dvc checkout --quiet")
    assert planned(copy) == {}
    assert contents(copy) == before
    assert "up to date" in run(copy, "dvc status")


def test_a_comment_concerns_nothing(copy):
    path = copy / "params.yaml"
    path.write_text("# a word\n" + path.read_text())
    assert planned(copy) == {}
    assert "up to date" in run(copy, "dvc status")


def test_an_edit_of_code_that_changes_no_result_stops_there(copy):
    edit(copy / "pipeline" / "generate" / "keep_best.py", "\nif __name__", "\n# a word\nif __name__")
    assert ran(run(copy, "dvc repro")) == {"filtered": 2}
    assert planned(copy) == {}


def test_a_file_that_somebody_changed_is_made_again_and_one_merely_touched_is_not(copy):
    before = contents(copy)
    (copy / "results/images/drawn_signs-nall-s0-reacgan.zip").touch()
    assert planned(copy) == {}
    (copy / "results/table9.csv").write_text("mine")
    assert planned(copy) == {"tables": 1, "report": 1}
    assert snakemake(copy, "results/table9.csv")[0] == 0
    assert contents(copy) == before


def test_a_lost_intermediate_is_made_again(copy):
    before = contents(copy)
    (copy / "results/subsets/drawn_signs-n2-s0.csv").unlink()
    assert ran(run(copy, "dvc repro")) == {"subsets": 1}
    assert contents(copy) == before
    assert planned(copy) == {}


def test_settings_of_the_command_line_are_not_recorded_as_those_of_params(copy):
    lock = (copy / "dvc.lock").read_bytes()
    (copy / "other.yaml").write_text("studies: {demo: {filter: {keep_fraction: 1.0}}}")
    status, said = snakemake(
        copy, "--configfile", "other.yaml", "--", "results/filtered/drawn_signs-nall-s0-reacgan.zip"
    )
    assert status == 0 and "not recorded in dvc.lock" in said
    assert (copy / "dvc.lock").read_bytes() == lock


def test_a_seed_more_concerns_its_own_cells_and_the_tables(copy):
    def two_seeds(params):
        params["studies"]["demo"]["experiments"]["drawn_gestures"]["seeds"] = [0, 1]
        return params

    change_params(copy, two_seeds)
    # 7 rows of Table 9, of which 6 use images of ReACGAN and SPADE
    expected = {"subsets": 1, "generators": 2, "images": 2, "classifiers": 6, "real_classifiers": 1, "predictions": 7}
    # Tables 4 and 9; claims compare seeds, and Figures 7 and 8 show claims
    tables = {"quality": 3, "quality_tables": 1, "tables": 1}
    assert planned(copy) == expected | tables | {"claims": 1, "figures": 2, "report": 1}


def test_the_first_stages_alone_are_recorded(tmp_path):
    folder = tmp_path / "repository"
    copy_repository(folder)
    start_history(folder)
    status, said = snakemake(folder, *(f"results/manifests/{name}.csv" for name in ("drawn_signs", "drawn_gestures")))
    assert status == 0 and "note: recorded in dvc.lock" in said, said
    assert {"drawn", "manifests"} <= yaml.safe_load((folder / "dvc.lock").read_text())["stages"].keys()


def from_folder(params, root):
    """Give the demo photographs of one's own in place of those that are drawn."""
    own = params["datasets"]["drawn_signs"]
    del own["drawn"]
    own |= {"reader": "folder", "root": root, "classes": "all"}
    return params


def test_a_clone_without_the_photographs_has_nothing_to_do_and_one_with_others_has(tmp_path):
    folder = tmp_path / "repository"
    copy_repository(folder)
    for grey, name in enumerate(f"{label}/{number}.png" for label in "ab" for number in range(6)):
        (folder / "data/mine" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "data/mine" / name), np.full((8, 8, 3), grey, np.uint8))
    change_params(folder, lambda params: from_folder(params, "data/mine"))
    start_history(folder)
    status, said = snakemake(folder, "results/manifests/drawn_signs.csv")
    assert status == 0 and "note: recorded in dvc.lock" in said, said
    run(folder, f"dvc remote add --quiet --default store {tmp_path / 'store'} && dvc push --quiet")
    commit(folder, "manifest")
    for clone, photographs in ((tmp_path / "without", False), (tmp_path / "with", True)):
        run(tmp_path, f"git clone --quiet {folder} {clone.name} && cd {clone.name} && dvc pull --quiet manifests plan")
        if photographs:
            shutil.copytree(folder / "data", clone / "data")
        status, said = snakemake(clone, "-n", "results/manifests/drawn_signs.csv")
        assert status == 0 and "Nothing to be done" in said, said
    (clone / "data/mine/a/1.png").rename(clone / "data/mine/a/9.png")
    assert "rule manifests:" in snakemake(clone, "-n", "results/manifests/drawn_signs.csv")[1]


def test_a_stage_with_a_stale_file_is_not_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("whole/a", "part/a", "stale/a"):
        Path(name).parent.mkdir()
        Path(name).touch()
    outs = {name: [name] for name in ("whole", "part", "stale", "absent")}
    wanted = ["whole/a", "part/a", "part/b", "stale/a", "absent/a"]
    assert sort_stages(outs, wanted, {"stale/a", "part/b", "absent/a"}) == (["whole"], ["part"])


def test_dvc_yaml_is_what_the_graph_says():
    written = run(ROOT, "python -m pipeline.versions.stages")
    assert yaml.safe_load(written) == yaml.safe_load((ROOT / "dvc.yaml").read_text())
