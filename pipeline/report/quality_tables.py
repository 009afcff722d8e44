"""Tables 3 and 4: how real the images of each generator look, to a network and to people, real images beside them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.data.document import NUMBER, read_document
from pipeline.data.files import replacing
from pipeline.report.inputs import HUMAN_SCORE
from pipeline.report.layout import as_rows, mean_and_sd, published_values, write_table
from pipeline.stage import WrongInput, run_stage, stage_arguments

# The name and the digits of each measure. Distances between other features than Inception's are not called FID and KID.
_NAMES = {
    "frechet_distance": ("FID", "FD-lite0", 2),
    "kernel_distance": ("KID", "KD-lite0", 4),
    "inception_score": ("IS", "IS-lite0", 2),
    "precision": ("precision", "precision-lite0", 2),
    "recall": ("recall", "recall-lite0", 2),
    "density": ("density", "density-lite0", 2),
    "coverage": ("coverage", "coverage-lite0", 2),
}
_ENDS = ("value", "low", "high")
_QUALITY = {
    "features": str,
    "real_images": int,
    "generated_images": int,
    "measures": {str: dict.fromkeys(_ENDS, NUMBER)},
}


def heading(measure, features):
    """Return the column of a measure by the features behind it: "FID", or "FD-lite0"."""
    inception, lite0, _ = _NAMES[measure]
    return inception if features == "inception" else lite0


def summarise(cells, qualities):
    """Return one row per table cell: mean and sample sd over seeds, and the interval, whose ends are means over seeds.

    cells: of the study; qualities: what was measured of each, in their order, maybe nothing.
    """
    rows = []
    for cell, quality in zip(cells, qualities, strict=True):
        counts = {name: quality[name] for name in ("real_images", "generated_images")}
        for measure in _NAMES:
            found = quality["measures"][measure] if quality["measures"] else dict.fromkeys(_ENDS, np.nan)
            ends = {name: found[name] for name in _ENDS}
            rows.append(cell | {"measure": measure, "column": heading(measure, quality["features"])} | ends | counts)
    groups = pd.DataFrame(rows).groupby(["row", "source", "method", "column", "measure"], sort=False)
    summary = groups.agg(
        seeds=("value", "count"),
        value=("value", "mean"),
        sd=("value", "std"),
        low=("low", "mean"),
        high=("high", "mean"),
        real_images=("real_images", "first"),
        generated_images=("generated_images", "first"),
    ).reset_index()
    texts = [_text(cell, _NAMES[cell.measure][2]) for cell in summary.itertuples()]
    reasons = np.where(summary["seeds"] > 0, "", "fewer than two images to compare")
    return summary.assign(text=texts, reason=reasons).drop(columns="measure")


def human_scores(cells, ratings, form):
    """Return the cells of the column "human", one per row; form: the page on which people rate, for a row not rated.

    ratings: {maker: {"mean", "sd", "low", "high", "ratings", "images"}}; sd is over the ratings of all people.
    """
    rows = []
    for cell in {cell["row"]: cell for cell in cells}.values():
        own = ratings[cell["maker"]]
        rated = own["ratings"] > 0
        place = {name: cell[name] for name in ("row", "source", "method")}
        score = {"value": own["mean"], "sd": own["sd"], "low": own["low"], "high": own["high"]}
        reason = "" if rated else f"nobody has rated these images on {form}"
        counts = {"seeds": int(rated), "generated_images": own["images"], "reason": reason}
        rows.append(place | {"column": "human"} | score | counts)
    table = pd.DataFrame(rows).astype(dict.fromkeys(("value", "sd", "low", "high"), float))
    return table.assign(text=[_text(cell, 2) for cell in table.itertuples()])


def _text(cell, digits):
    if pd.isna(cell.value):
        return ""
    interval = "" if pd.isna(cell.low) else f" [{cell.low:.{digits}f}, {cell.high:.{digits}f}]"
    return mean_and_sd(cell.value, cell.sd, digits) + interval


def images_behind(summary):
    """Return {row: "35, 200"}: validation images, and images compared with them."""
    first = summary[summary["real_images"].notna()].drop_duplicates("row").set_index("row")
    return {row: f"{own.real_images:.0f}, {own.generated_images:.0f}" for row, own in first.iterrows()}


def add_published(summary, cells, number):
    """Return the cells with rows that only the paper has, not run here, and {column: the paper's values by row}."""
    published = published_values(number).set_index("row")
    rows = {cell["published"]: cell["row"] for cell in cells if cell["published"] in published.index}
    absent = [name for name in published.index if name not in rows]
    rows |= {name: summary["row"].max() + 1 + place for place, name in enumerate(absent)}
    columns = list(dict.fromkeys(summary["column"]))
    reason = "no generator of this study has these settings (params.yaml)"
    not_run = [
        {"row": rows[name], "source": cells[0]["source"], "method": name, "column": column, "reason": reason}
        for name in absent
        for column in columns
    ]
    added = pd.DataFrame(not_run, columns=["row", "source", "method", "column", "reason"]).assign(seeds=0, text="")
    values = {column: {row: published.loc[name, column] for name, row in rows.items()} for column in published}
    return pd.concat([summary, added], ignore_index=True), values


def as_metrics(summary):
    """Return {source: {method: {column: value}}}, for `dvc metrics diff`."""
    metrics = {}
    for cell in summary[summary["seeds"] > 0].to_dict("records"):
        metrics.setdefault(cell["source"], {}).setdefault(cell["method"], {})[cell["column"]] = round(cell["value"], 4)
    return metrics


def read_quality(path):
    """Return what the stage `quality` wrote; WrongInput where a file is something else."""
    quality = read_document(path, _QUALITY)
    # Of fewer than two images there are none.
    if quality["measures"] and quality["measures"].keys() != _NAMES.keys():
        raise WrongInput(f"{path}: not the measures of an image set; delete it and run Snakemake again")
    return quality


def read_ratings(path, makers):
    """Return what people said of each maker's images, as the stage `ratings` wrote it; WrongInput for another file."""
    return read_document(path, {"sources": dict.fromkeys(makers, HUMAN_SCORE)})["sources"]


def main():
    parser = stage_arguments(__doc__, inputs=["ratings"], outputs=["out", "long", "metrics"])
    parser.add_argument("--quality", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    cells, files = args.options["cells"], {path.stem: path for path in args.quality}
    measured = summarise(cells, [read_quality(files[cell["cell"]]) for cell in cells])
    human = human_scores(cells, read_ratings(args.ratings, {cell["maker"] for cell in cells}), args.options["form"])
    summary = pd.concat([measured, human], ignore_index=True)
    metrics, beside = as_metrics(summary), {}
    further = {"images (real, compared)": images_behind(measured)}
    if args.options["beside_paper"]:
        summary, beside = add_published(summary, cells, args.options["table"])
    write_table(as_rows(summary, beside, further), summary, args)
    with replacing(args.metrics) as path:
        path.write_text(json.dumps(metrics, indent=1) + "\n")
    print(json.dumps({"image sets": len(cells), "rows": summary["row"].nunique()}))


if __name__ == "__main__":
    run_stage(main)
