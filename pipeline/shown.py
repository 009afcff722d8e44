"""What the claims and the figures of a study show: their inputs, and those settings that they tell."""

from pipeline.recipes import classifier_folder, subset_name

# The figures, of which 9 is not the paper's, and the modules that draw them.
FIGURES = {
    "1": "training_approaches",
    "2": "class_counts",
    "3": "poses",
    "4": "networks",
    "5": "networks",
    "6": "samples",
    "7": "class_changes",
    "8": "convergence",
    "9": "harm_map",
}
# Settings that Figures 1, 4 and 5 show: an edit of another one redraws nothing.
_TOLD_OF_TRAINING = ("strategy", "strategies", "weights", "epochs", "pretrain_epochs", "seed", "as_published")
_TOLD_OF_NETWORKS = (
    "condition",
    "channels",
    "z_dim",
    "shared_dim",
    "embed_dim",
    "lambda_cond",
    "margin",
    "temperature",
    "as_published",
)


def _largest(study, dataset):
    """Return the subsets of a data set's largest size: one name per seed."""
    size = study.sizes(dataset)[-1]
    return {str(seed): subset_name(dataset, size, seed) for seed in study.seeds(dataset)}


def claims(study):
    """Return what the claims of Section 5.2 compare: target and gestures, largest size, by where training starts.

    "cells" is {initialisation: {seed: cell}}, "subsets" {seed: subset}.
    """
    recipes = {"real": "real", "ReACGAN": "reacgan-pretrain", "SPADE": f"{study.spade}-pretrain"}
    compared = {
        dataset: {
            "dataset": dataset,
            "size": study.sizes(dataset)[-1],
            "subsets": _largest(study, dataset),
            "cells": {
                name: {seed: f"{subset}-{recipe}" for seed, subset in _largest(study, dataset).items()}
                for name, recipe in recipes.items()
            },
        }
        for dataset in study.targets()
    }
    return {"class_changes": compared[study.target], "convergence": list(compared.values())}


def claim_inputs(study):
    """Return {input: its files} of the claims."""
    compared = claims(study)
    changes = compared["class_changes"]
    return {
        "predictions": [
            f"results/predictions/{cell}.csv"
            for name in ("real", "ReACGAN")
            for cell in changes["cells"][name].values()
        ],
        "subsets": [f"results/subsets/{subset}.csv" for subset in changes["subsets"].values()],
        "histories": [
            f"results/{classifier_folder(cell)}/{cell}.csv"
            for one in compared["convergence"]
            for cells in one["cells"].values()
            for cell in cells.values()
        ],
    }


def figure_inputs(study, number):
    """Return {input: its files} of a figure."""
    data = study.targets()
    crops = [f"results/crops/{dataset}-train.zip" for dataset in data]
    return {
        "1": {},
        "2": {"splits": [f"results/splits/{dataset}.csv" for dataset in data]},
        "3": {"crops": crops[:1]},
        "4": {"crops": crops[:1]},
        "5": {"crops": crops[:1]},
        "6": {"crops": crops, "images": [f"results/images/{name}.zip" for name, *_ in _sampled(study, data)]},
        "7": {"claims": ["results/claims/claims.json"]},
        "8": {"claims": ["results/claims/claims.json"], "histories": claim_inputs(study)["histories"]},
        "9": {"verdict": ["results/verdict/verdict.csv"]},
    }[number]


def figure_options(study, number):
    """Return the settings of a figure."""
    subset = (study.target, study.sizes(study.target)[-1], study.seeds(study.target)[0])
    spade = study.generator_options(*subset, study.spade)
    return {
        "1": lambda: {
            "strategies": [
                _only(_TOLD_OF_TRAINING, study.classifier_options(*subset, recipe))
                for recipe in ("real", "reacgan-pretrain", "reacgan-regularization", "reacgan-mixup")
            ]
        },
        "2": dict,
        "3": lambda: _only(["heatmap_sigma"], spade),
        "4": lambda: _only(_TOLD_OF_NETWORKS, study.generator_options(*subset, "reacgan")),
        "5": lambda: _only(_TOLD_OF_NETWORKS, spade),
        "6": lambda: {"sets": _sampled(study, study.targets())},
        "7": dict,
        "8": lambda: {"compared": claims(study)["convergence"]},
        "9": lambda: {"dataset": study.target},
    }[number]()


def _sampled(study, data):
    """Return [(image set, data set, maker)] of the generated images of Figure 6."""
    return [
        (f"{subset_name(*subset)}-{maker}", dataset, maker)
        for dataset in data
        for subset, maker in study.shown_image_sets(dataset)
    ]


def _only(names, options):
    return {name: options[name] for name in names}
