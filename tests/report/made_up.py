"""A small study's artifacts as the report gets them, made up: every kind, and names that are no friends of HTML."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import yaml
from conftest import ROOT

from pipeline.study import Study

HOSTILE = "<b>&\"\n'</script>"
REASON = "Nobody rated <these> images."
TABLE3 = pd.DataFrame(
    {
        "source": ["drawn_signs", "drawn_signs"],
        "method": ["ReACGAN", "SPADE-bones"],
        "seeds": ["2", "1 to 2"],
        "FID (lite0)": ["2045.20 ± 3.10", "1999.00 ± 2.00 [1990.00, 2010.50]"],
        "FID (lite0) (paper)": ["45.45", "51.05"],
        "IS": ["2.10 ± 0.10", "2.33 ± 0.20"],
        "Human": ["", "1.40"],
        "Human (paper)": ["3.97", ""],
    }
)


def demo():
    """Return the Study of params.yaml as it is delivered."""
    return Study(yaml.safe_load((ROOT / "params.yaml").read_text()) | {"study": "demo"})


def make_up(study):
    """Write everything that a report may show below the current folder; return the paths in results/, sorted."""
    for path in (*study.reported(), *_further()):
        folder = path.rpartition("/")[0]
        Path(folder).mkdir(parents=True, exist_ok=True)
        write = {"png": _picture, "pdf": _pdf, "csv": _table, "json": _document}[path.rpartition(".")[2]]
        write(path)
    return sorted(Path("results").rglob("*.*"))


def _further():
    """The kinds that a study may make besides."""
    figures = [f"results/figures/figure{number}.{kind}" for number in (2, 7) for kind in ("png", "pdf")]
    ratings = [f"results/ratings/{name}.json" for name in ("drawn_signs", "drawn_gestures")]
    tables = ["results/table3.csv", "results/table3_long.csv"]
    return [
        *figures,
        *ratings,
        *tables,
        "results/claims/claims.json",
        "results/errata/errata.csv",
        "results/errata/errata.json",
        "results/quality/drawn_signs-nall-s0-reacgan.json",
    ]


def _picture(path):
    cv2.imwrite(path, np.full((40, 60, 3), 200, np.uint8))


def _pdf(path):
    with open(path, "wb") as file:
        file.write(b"%PDF-1.4 " + path.encode())


def _document(path):
    document = {
        "verdict": {"dataset": HOSTILE, "verdicts": {"all": {"finding": "help", "sentences": [f"{HOSTILE} helps."]}}},
        "audit": {"split": {"leaks": "drawn_signs" in path}, "findings": [f"{HOSTILE} has a near-duplicate."]},
        "claims": {"class_changes": {"sentence": f"1 class rose: {HOSTILE}.", "rose": 1, "minority": {"rose": 0}}},
        "errata": {"reacgan-filtered-pretrain": {"section": "5.2", "sentence": f"It {HOSTILE} helps."}},
        "quality": {"fid": {"value": 31.25, "n": 40}},
        "conditioning": {"generated": {"accuracy": {"value": 0.125, "n": 16}}, "real": {}},
        "ratings": _ratings("drawn_signs" in path),
    }[path.split("/")[1]]
    with open(path, "w") as file:
        json.dump(document, file)


def _ratings(rated):
    source = {"mean": 4.25, "sd": None, "ratings": 4, "images": 2, "low": 3.5, "high": 5.0}
    return {
        "image_set": "ab12",
        "raters": 2 if rated else 0,
        "complete": 1 if rated else 0,
        "refused": [{"file": f"{HOSTILE}.csv", "reason": "made for another set"}] if rated else [],
        "sources": {"real": source} if rated else {},
        "agreement": {"krippendorff_alpha": 0.5 if rated else None, "pairs": 6 if rated else 0},
    }


def _table(path):
    kind, name = path.split("/")[1], path.rpartition("/")[2]
    rows = {
        "manifests": {"name": ["a", "b", "c", "d"], "class": [HOSTILE, HOSTILE, "nan", "nan"], "group": list("ggkl")},
        "poses": {
            "name": list("abcd"),
            "class": [HOSTILE, HOSTILE, "nan", "nan"],
            "found": [1, 1, 0, 0],
            "reason": ["", "", "not readable: <c>.jpg", "no <hand> seen"],
        },
        "splits": {"name": ["a", "b"], "class": HOSTILE, "part": ["train", "test"], "group": ["g", "g"]},
        "subsets": {"file_name": ["a.png"], "part": ["fit"]},
        "errata": {"recipe": ["real", HOSTILE], "erratum": ["none (corrected)", "adc"], "accuracy": ["61.25", "60.50"]},
        "training": {"step": [2, 4], "loss_d": [3.0, 1.5], "loss_g": [0.5, 2.0], "frechet": [80.5, 90.25]},
    }
    if name == "table3.csv":
        table = TABLE3
    elif name == "table3_long.csv":
        cells = [(method, column) for method in TABLE3["method"] for column in ("FID (lite0)", "IS", "Human")]
        table = pd.DataFrame(cells, columns=["method", "column"]).assign(source="drawn_signs", seeds=2, reason="")
        table.loc[2, ["seeds", "reason"]] = 0, REASON
    elif name.endswith("_long.csv"):
        table = pd.DataFrame({"source": ["s"], "method": ["m"], "column": ["all"], "seeds": [1], "reason": [""]})
    elif kind.startswith(("table", "rivals")):
        table = pd.DataFrame({"source": [HOSTILE], "method": ["m"], "all": [f"{len(name)}.5"]})
    else:
        table = pd.DataFrame(rows[kind])
    table.to_csv(path, index=False)
