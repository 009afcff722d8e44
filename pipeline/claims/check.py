"""The claims of Section 5.2 about classes and convergence, as numbers of this study and a sentence each."""

import json
from pathlib import Path

from pipeline.claims.class_changes import class_changes, state_class_changes
from pipeline.claims.convergence import convergence, read_history, state_convergence
from pipeline.classify.predictions import read_predictions
from pipeline.data.files import replacing
from pipeline.data.subset import read_rows
from pipeline.recipes import size_in_words
from pipeline.stage import run_stage, stage_arguments


def in_words(compared):
    """Return data set, size and seeds of one comparison in words."""
    seeds = len(compared["subsets"])
    return f"{compared['dataset']} ({size_in_words(compared['size'])}, {seeds} seed{'' if seeds == 1 else 's'})"


def by_name(paths, read):
    """Return {file name without suffix: what `read` returns of it}."""
    return {path.stem: read(path) for path in paths}


def by_seed(names, tables):
    """Replace the names in {seed: name} by their tables."""
    return {seed: tables[name] for seed, name in names.items()}


def check_claims(options, predictions, subsets, histories):
    """Return {claim: numbers and sentence}; options: "class_changes" and "convergence" as Study.claims gives them."""
    target = options["class_changes"]
    real, pretrained = (by_seed(target["cells"][name], predictions) for name in ("real", "ReACGAN"))
    changes = class_changes(real, pretrained, by_seed(target["subsets"], subsets))
    compared = {
        own["dataset"]: (
            in_words(own),
            convergence({name: by_seed(names, histories) for name, names in own["cells"].items()}),
        )
        for own in options["convergence"]
    }
    return {
        "class_changes": state_class_changes(changes, in_words(target)),
        "convergence": state_convergence(compared),
    }


def main():
    parser = stage_arguments(__doc__)
    for name in ("predictions", "subsets", "histories"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    predictions, subsets = by_name(args.predictions, read_predictions), by_name(args.subsets, read_rows)
    claims = check_claims(args.options, predictions, subsets, by_name(args.histories, read_history))
    with replacing(args.out) as beside:
        beside.write_text(json.dumps(claims, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    for claim in claims.values():
        print(claim["sentence"])


if __name__ == "__main__":
    run_stage(main)
