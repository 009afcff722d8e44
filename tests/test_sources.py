import ast
import subprocess
import sys

from conftest import ROOT

from pipeline.sources import libraries_of, source_files


def test_a_stage_depends_on_all_it_imports_and_no_more():
    files = source_files("pipeline.data.subset")
    assert {"pipeline/data/subset.py", "pipeline/data/archive.py", "pipeline/chance.py"} <= set(files)
    assert not any(path.startswith(("pipeline/gan", "pipeline/classify")) for path in files)


def test_an_edit_of_one_reader_concerns_its_own_data_sets():
    assert "pipeline/data/rwth.py" not in source_files("pipeline.data.photographs", "pipeline.data.hagrid")
    assert "pipeline/data/rwth.py" not in source_files("pipeline.poses.extract")


def test_the_list_agrees_with_what_python_really_imports():
    for module in ("pipeline.gan.train", "pipeline.classify.train", "pipeline.generate.sample", "pipeline.poses.crop"):
        loaded = f"import sys, {module}; print([m for m in sys.modules if m.startswith('pipeline.')])"
        done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
        really = {name.replace(".", "/") + ".py" for name in ast.literal_eval(done.stdout)}
        assert {path for path in really if (ROOT / path).is_file()} <= set(source_files(module))


def test_tables_need_no_torch_and_trainings_do():
    for module, needed in (
        ("pipeline.report.tables", False),
        ("pipeline.poses.crop", False),
        ("pipeline.gan.train", True),
    ):
        assert ("torch" in libraries_of(source_files(module))) is needed


def test_folders_import_only_from_folders_before_their_own():
    order = [
        "data",
        "poses",
        "gan",
        "generate",
        "classify",
        "bench",
        "metrics",
        "audit",
        "rating",
        "claims",
        "figures",
        "verdict",
        "report",
        "versions",
        "inspect",
    ]
    for path in sorted((ROOT / "pipeline").glob("*/*.py")):
        folder = path.parent.name
        for used in source_files(f"pipeline.{folder}.{path.stem}"):
            other = used.split("/")[1]
            if other in order and other != "metrics":
                assert order.index(other) <= order.index(folder), f"{path} imports {used}"
