import hashlib
import json
import os
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

from pipeline.inspect.origin import origin_at
from pipeline.inspect.place import check_kind, name_says, place_of, rule_of, rule_sentences
from pipeline.stage import WrongInput
from pipeline.study import Study

# So long that Snakemake cuts the name of the record.
LONG = "results/scores/" + "/".join(["long" * 20] * 4) + ".csv"
SNAKEFILE = f"""
rule scores:
    input:
        table="in.csv",
        gone="gone.csv",
        code=["kept.py", "edited.py"],
    output:
        {LONG!r}
    params:
        options='{{{{"batch_size": 64, "name": "a b"}}}}'.format(),
        state="x.pt",
    shell:
        "sleep 0.2; cp {{input.table}} {{output}}"
"""


@pytest.fixture
def snakemade(tmp_path):
    """A project in which the real Snakemake has made one file."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    for name in ("in.csv", "gone.csv", "kept.py", "edited.py"):
        (tmp_path / name).write_text(name)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all", "--", LONG]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_snakemakes_record_tells_inputs_settings_code_and_time(snakemade):
    (snakemade / "gone.csv").unlink()
    (snakemade / "edited.py").write_text("new")
    os.utime(snakemade / "kept.py")  # a new date is no new content
    origin = origin_at(place_of(snakemade / LONG))
    assert origin.told_by == "Snakemake's record" and origin.rule == "scores"
    assert origin.settings == {"batch_size": 64, "name": "a b", "other arguments": ["x.pt"]}
    assert origin.inputs == {"in.csv": "unchanged", "gone.csv": "not here"}
    assert origin.code == {"kept.py": "unchanged", "edited.py": "changed since"}
    seconds = float(origin.made.partition(", in ")[2].removesuffix(" s"))
    assert 0.2 <= seconds < 60 and origin.remarks == []
    # Edited, or put here by `dvc checkout`: the record may be that of another version.
    os.utime(snakemade / LONG, (1, 1))
    assert "its date is not the recorded one" in origin_at(place_of(snakemade / LONG)).remarks[0]


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


@pytest.fixture
def locked(tmp_path):
    """A project with two scores as DVC leaves it: a lock, and in the cache the list of the folder."""
    for name, text in (
        ("results/scores/a.csv", "a\n"),
        ("results/scores/b.csv", "b\n"),
        ("results/images/a.zip", "zip"),
        ("results/plan/scores.json", json.dumps({"results/scores/a.csv": {"options": {"batch_size": 64}}})),
        ("code.py", "code"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    listing = json.dumps([{"md5": md5(f"{name}\n"), "relpath": f"{name}.csv"} for name in "ab"])
    folder = md5(listing) + ".dir"
    cached = tmp_path / ".dvc/cache/files/md5" / folder[:2] / folder[2:]
    cached.parent.mkdir(parents=True)
    cached.write_text(listing)
    plan = (tmp_path / "results/plan/scores.json").read_text()
    stage = {
        "cmd": "snakemake all_scores",
        "deps": [
            {"path": "results/plan/scores.json", "md5": md5(plan)},
            {"path": "results/images", "md5": "0.dir", "nfiles": 1, "size": 3},
            {"path": "code.py", "md5": md5("code")},
        ],
        "params": {"params.yaml": {"study": "demo"}},
        "outs": [{"path": "results/scores", "md5": folder, "nfiles": 2, "size": 4}],
    }
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"scores": stage}}))
    return tmp_path


def test_without_snakemakes_record_dvc_lock_tells(locked):
    origin = origin_at(place_of(locked / "results/scores/a.csv"))
    assert origin.told_by == "stage `scores` of dvc.lock"
    assert origin.settings == {"study": "demo", "batch_size": 64}
    assert origin.inputs == {
        "results/plan/scores.json": "unchanged",
        "results/images": "as many files and bytes as it had",
    }
    assert origin.code == {"code.py": "unchanged"}
    assert origin.remarks == ["the content that stage `scores` of dvc.lock has recorded"]


def test_dvc_lock_tells_what_changed_since(locked):
    (locked / "results/scores/a.csv").write_text("edited\n")
    (locked / "results/images/a.zip").write_text("longer")
    (locked / "results/plan/scores.json").write_text("{}")
    (locked / "code.py").unlink()
    origin = origin_at(place_of(locked / "results/scores/a.csv"))
    assert set(origin.inputs.values()) == {"changed since", "other files than it had"}
    assert origin.code == {"code.py": "not here"}
    # The plan of today says nothing of the settings of then.
    assert origin.settings == {"study": "demo"}
    assert origin.remarks[0].startswith("not the content that stage `scores`")


def test_a_folder_whose_list_was_not_pulled_is_not_judged(locked):
    next((locked / ".dvc/cache").rglob("*.dir")).unlink()
    assert "not in the local DVC cache" in origin_at(place_of(locked / "results/scores/a.csv")).remarks[0]


def test_a_lock_with_conflicts_is_named(locked):
    (locked / "dvc.lock").write_text("<<<<<<< ours\nstages:\n")
    with pytest.raises(WrongInput, match=r"dvc\.lock"):
        origin_at(place_of(locked / "results/scores/a.csv"))


def test_without_any_record_it_says_so(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/table8.csv").write_text("x")
    assert origin_at(place_of(tmp_path / "results/table8.csv")).told_by.startswith("no record")


def test_every_artifact_of_every_study_has_a_rule_and_a_name_that_says_something():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for name in params["studies"]:
        for rule, files in Study(params | {"study": name}).artifacts().items():
            for file in files:
                place = place_of(ROOT / file)
                assert (rule_of(place), place.name) == (rule, file)
                assert rule_sentences()[rule].endswith((".", ")."))
                assert "nothing" not in name_says(place)


@pytest.mark.parametrize(
    "name, says",
    [
        ("generators/a_b-n5-s3-reacgan.safetensors", "data set a_b, 5 training images per class, seed 3, condition r"),
        ("images/a-nall-s0-spade_bones_from_b.zip", "all training images, seed 0, images of spade_bones trained on b"),
        ("filtered/a-n5-s0-reacgan.zip", "the best images of reacgan"),
        ("real_classifiers/a-n5-s0-real.csv", "recipe real: real images alone"),
        ("predictions/a-n5-s0-reacgan-filtered-mixup.csv", "mixup with the best images of reacgan"),
        ("subsets/a-n5__generator-s0.csv", "5 training images per class, the generator's own, seed 0"),
        (
            "generators/a-nall__x_y-s3-reacgan__x_y.safetensors",
            "images (variant x_y), seed 3, condition reacgan (variant",
        ),
        ("images/a-nall-s0-spade_bones_from_b__x.zip", "images of spade_bones trained on b (variant x)"),
        ("scores/a-nall-s0-reacgan-filtered__x.csv", "images of reacgan, filtered (variant x)"),
        (
            "filtered/a-nall-s0-reacgan__y-filtered__x.zip",
            "the best images of reacgan (variant y), filtered (variant x)",
        ),
        ("predictions/a-n5-s0-reacgan-pretrain__x.csv", "pretrain (variant x) with images of reacgan"),
        ("predictions/a-n5-s0-real__x.csv", "real images alone (variant x)"),
        ("errata/errata_long.csv", "errors of the released code, one row per cell"),
        ("crops/a-test.zip", "data set a, test"),
        (".state/generators/a-n5-s0-spade_bones.pt", "condition spade_bones"),
        ("predictions/a-n5-s0-copies-mixup.csv", "recipe copies-mixup: mixup with copies of the real images"),
        ("classifiers/a-n5-s0-real_mixup.csv", "recipe real_mixup: real images alone"),
        ("copies/a-n5-s0.zip", "data set a, 5 training images per class, seed 0"),
        ("rivals_long.csv", "table of rivals"),
        ("verdict.md", "verdict on generated images"),
        ("table8_long.csv", "Table 8 of the paper, one row per cell"),
    ],
)
def test_the_name_is_put_into_words(tmp_path, name, says):
    assert says in name_says(place_of(tmp_path / "results" / name))


def test_a_file_in_the_wrong_folder_is_refused(tmp_path):
    path = tmp_path / "results/generators/a.safetensors"
    with pytest.raises(WrongInput, match="found a classifier; expected a generator in results/generators"):
        check_kind(place_of(path), path, "classifier")
    check_kind(place_of(tmp_path / "a.safetensors"), path, "classifier")


def test_a_link_into_the_cache_is_the_artifact_that_it_stands_for(tmp_path):
    (tmp_path / "results/scores").mkdir(parents=True)
    (tmp_path / "cached").write_text("x")
    (tmp_path / "results/scores/a.csv").symlink_to(tmp_path / "cached")
    assert place_of(tmp_path / "results/scores/a.csv").name == "results/scores/a.csv"
