"""The active study of params.yaml: checked, and turned into the artifacts that its tables are made of.

A recipe names what trains a classifier, as paths carry it: `real`, `reacgan-pretrain`, `reacgan-filtered-mixup`,
`spade_bones_from_hagrid-regularization` (a generator trained on HaGRID, fed with the target's poses).
"""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import jsonschema
import yaml

from pipeline.stage import WrongInput

STRATEGIES = ("pretrain", "mixup", "regularization")
ACCURACY_TABLES = ("5", "6", "7", "8", "9")
QUALITY_TABLES = ("3", "4")
TABLES = (*QUALITY_TABLES, *ACCURACY_TABLES)
CONDITIONS = ("reacgan", "spade_keypoints", "spade_bones")
_METHODS = dict(zip(CONDITIONS, ("ReACGAN", "SPADE-keypoints", "SPADE-bones"), strict=True))
# The figures of the paper and the modules that draw them.
FIGURES = {
    "1": "training_approaches",
    "2": "class_counts",
    "3": "poses",
    "4": "networks",
    "5": "networks",
    "6": "samples",
    "7": "class_changes",
    "8": "convergence",
}
# Settings that Figures 1, 4 and 5 show: an edit of another one redraws nothing.
_TOLD_OF_TRAINING = ("strategy", "strategies", "weights", "epochs", "pretrain_epochs", "seed")
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
# What the report shows of artifacts(), and of trainings those behind the images shown.
_REPORTED = (
    "results/table*.csv",
    "results/figures/*",
    "results/claims/*.json",
    "results/quality/*.json",
    "results/ratings/*.json",
    "results/conditioning/measures/*.json",
    "results/sheets/*.png",
    "results/manifests/*.csv",
    "results/poses/*.csv",
    "results/splits/*.csv",
)
_SCHEMA = Path(__file__).parent / "schemas" / "params.schema.yaml"


def check_params(params):
    """Raise WrongInput, naming the key, where params.yaml is not what the schema says or names what is not there."""
    schema = yaml.safe_load(_SCHEMA.read_text())
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(plain(params)))
    if error is not None:
        raise WrongInput(f"params.yaml, {_dotted(error.absolute_path)}: {error.message}; mend that key")
    _choose(params["studies"], params["study"], "study", "studies")
    for name, study in params["studies"].items():
        for role in ("table8", "table9", "source"):
            _choose(study["experiments"], study[role], f"studies.{name}.{role}", f"studies.{name}.experiments")
        for dataset in study["experiments"]:
            _choose(params["datasets"], dataset, f"studies.{name}.experiments.{dataset}", "datasets")
            _check_experiment(study, dataset, f"studies.{name}.experiments.{dataset}")
    for name, dataset in params["datasets"].items():
        if "drawn" in dataset and dataset["root"] != f"results/drawn/{name}.zip":
            raise WrongInput(f"params.yaml, datasets.{name}.root: a drawn data set lies in results/drawn/{name}.zip")


def plain(value):
    """Return a copy made of ordinary dicts and lists, as JSON knows them."""
    return json.loads(json.dumps(value))


def _dotted(path):
    return ".".join(str(part) for part in path) or "top level"


def _choose(choices, wanted, key, place):
    if wanted not in choices:
        known = f"{sorted(choices)}, the keys of {place}"
        raise WrongInput(f"params.yaml, {key}: found {wanted!r}; expected one of {known}")


def _check_experiment(study, dataset, key):
    """Check that an experiment has the generators its tables need, and each setting a value for every size."""
    experiment = study["experiments"][dataset]
    needed = {"reacgan", study["spade"]} if dataset in (study["table8"], study["table9"]) else {study["spade"]}
    missing = sorted(needed - set(experiment["generators"]))
    if missing:
        raise WrongInput(f"params.yaml, {key}.generators: {missing[0]!r} is missing; the tables need it, add it")
    # The source's generator of the multi-source rows has seen all of its data set.
    sizes = _ordered(experiment["sizes"]) + (["all"] if dataset == study["source"] else [])
    for section in (*experiment["generators"].values(), experiment["classifier"]):
        for name, value in section.items():
            missing = [size for size in sizes if _by_size(value) and size not in value]
            if missing:
                raise WrongInput(f"params.yaml, {key}: {name} has no value for size {missing[0]!r}; add it")


def _ordered(sizes):
    """Return subset sizes as paths carry them, from small to "all", however params.yaml lists them."""
    return [str(size) for size in sorted(sizes, key=lambda size: float("inf") if size == "all" else size)]


def _by_size(value):
    """True where a setting has one value per subset size, as {"5": 4, "all": 128}."""
    return isinstance(value, dict) and all(key == "all" or key.isdigit() for key in value)


def at_size(options, size):
    """Return the options with each per-size value replaced by the one for this size."""
    return {key: value[str(size)] if _by_size(value) else value for key, value in options.items()}


class Study:
    """The active study; its methods give options per artifact and the cells of each table."""

    def __init__(self, params):
        check_params(params)
        params = plain(params)
        self.datasets = params["datasets"]
        self.name = params["study"]
        self.settings = params["studies"][self.name]
        self.experiments = self.settings["experiments"]
        self.target, self.gestures = self.settings["table8"], self.settings["table9"]
        self.source, self.spade = self.settings["source"], self.settings["spade"]

    def sizes(self, dataset):
        """Subset sizes as paths carry them, in growing order: "5", "all"."""
        return _ordered(self.experiments[dataset]["sizes"])

    def seeds(self, dataset):
        """Seeds of a data set's experiments."""
        return self.experiments[dataset]["seeds"]

    def generator_options(self, dataset, size, seed, condition):
        """Settings of one generator's training; `condition` may name a variant, such as reacgan_lambda1."""
        options = at_size(self.experiments[dataset]["generators"][condition], size)
        return options | {"condition": condition_of(condition), "seed": int(seed)}

    def classifier_options(self, dataset, size, seed, recipe):
        """Settings of one classifier's training: those that its strategy uses, so that others may change."""
        options, strategy = at_size(self.experiments[dataset]["classifier"], size), strategy_of(recipe)
        options["strategies"] = {name: own for name, own in options["strategies"].items() if name == strategy}
        options["pretrain_epochs"] = options["pretrain_epochs"] if strategy == "pretrain" else 0
        return options | {"strategy": strategy, "seed": int(seed)}

    def dataset_of(self, table):
        """Return the data set that a table is about (Table 5 has a column for the other one)."""
        return self.gestures if table in ("4", "9") else self.target

    def rows(self, table):
        """Return the rows of a table of accuracies as (source, method, recipe), in the paper's order."""
        dataset = self.dataset_of(table)
        elsewhere, middle_last = f"{self.spade}_from_{self.source}", ("pretrain", "regularization", "mixup")
        if table == "6":
            backbone = self.experiments[dataset]["classifier"]["backbone"]
            methods = {
                "pretrain ImageNet": "real",
                "ReACGAN pretrain": "reacgan-pretrain",
                "multi-source pretrain": f"{elsewhere}-pretrain",
            }
            return [(backbone, method, recipe) for method, recipe in methods.items()]
        rows = [("real" if table == "5" else dataset, "pretrain ImageNet", "real")]
        if table == "5":
            makers = [("ReACGAN", "reacgan"), ("ReACGAN filtered", "reacgan-filtered"), ("SPADE", self.spade)]
            return rows + _by_strategy(makers, middle_last)
        if table in ("8", "9"):
            rows += _by_strategy([(f"{dataset} ReACGAN", "reacgan"), (f"{dataset} SPADE", self.spade)], STRATEGIES)
        if table in ("7", "8"):
            order = middle_last if table == "7" else STRATEGIES
            rows += [(f"{self.source} SPADE", f"multi-source {name}", f"{elsewhere}-{name}") for name in order]
        return rows

    def columns(self, table):
        """Return the columns of a table as (heading, dataset, size)."""
        if table == "5":
            pair = [self.target, self.gestures] if self.settings["table5_gestures"] else [self.target]
            return [(dataset, dataset, self.sizes(dataset)[-1]) for dataset in pair]
        if table in ("6", "7"):
            return [(self.target, self.target, self.sizes(self.target)[-1])]
        dataset = self.dataset_of(table)
        return [(size, dataset, size) for size in self.sizes(dataset)]

    def cells(self, table):
        """Return the cells of a table that are measured, one per row, column and seed."""
        return [
            {
                "row": row,
                "source": source,
                "method": method,
                "column": heading,
                "cell": cell_name(dataset, size, seed, recipe),
            }
            for row, (source, method, recipe) in enumerate(self.rows(table))
            for heading, (dataset, size, seed) in self._columns_by_seed(table)
        ]

    def _columns_by_seed(self, table):
        for heading, dataset, size in self.columns(table):
            for seed in self.seeds(dataset):
                yield heading, (dataset, size, seed)

    def quality_rows(self, table):
        """Return {maker: (method, the paper's name of it)} of a table of image quality: real images, each generator.

        The paper's name tells the weight of the conditional loss, of which Table 3 has two.
        """
        dataset, rows = self.dataset_of(table), {"real": ("real training images", "real")}
        for _, maker in self.shown_image_sets(dataset):
            origin, name = generator_of((dataset, self.sizes(dataset)[-1], 0), maker)
            options = self.generator_options(*origin, name)
            method = _METHODS[options["condition"]]
            if options["condition"] == "reacgan":
                method += f" λ_cond = {options['lambda_cond']:g}"
            rows[maker] = (method, method) if origin[0] == dataset else (f"multi-source {method}", "")
        return rows

    def quality_cells(self, table):
        """Return the measured image sets of a table of image quality, one per row and seed."""
        dataset = self.dataset_of(table)
        rows, measured = self.quality_rows(table), self.measured_image_sets()
        return [
            {
                "row": row,
                "source": generator_of((dataset, None, None), maker)[0][0],
                "method": method,
                "published": published,
                "maker": maker,
                "cell": f"{subset_name(*subset)}-{maker}",
            }
            for row, (maker, (method, published)) in enumerate(rows.items())
            for subset, own in sorted(measured)
            if subset[0] == dataset and own == maker
        ]

    def measured_image_sets(self):
        """Return {(subset, maker)} whose quality is measured: of both targets, at their largest size, and `real`."""
        largest = {dataset: self.sizes(dataset)[-1] for dataset in self.targets()}
        generated = {made for made in self.image_sets() if largest.get(made[0][0]) == made[0][1]}
        return generated | {(subset, "real") for subset, _ in generated}

    def shown_image_sets(self, dataset):
        """Return (subset, maker) of the images shown and measured: every maker's, largest size, first seed."""
        makers = list(self.experiments[dataset]["generators"])
        if dataset == self.target:
            makers.append(f"{self.spade}_from_{self.source}")
        subset = (dataset, self.sizes(dataset)[-1], self.seeds(dataset)[0])
        return [(subset, maker) for maker in makers]

    def image_sets(self):
        """Return {(subset, maker)} of every image set that is generated."""
        return {(subset, maker) for subset, maker, _ in _made_for(self._recipes())} | self._all_shown()

    def _recipes(self):
        """Return {(subset, recipe)} of every classifier that a table asks for."""
        return {
            (subset, recipe)
            for table in ACCURACY_TABLES
            for _, subset in self._columns_by_seed(table)
            for _, _, recipe in self.rows(table)
        }

    def targets(self):
        """Return the data sets of Tables 3 and 4, target and gestures; one where they are the same."""
        return list(dict.fromkeys([self.target, self.gestures]))

    def largest(self, dataset):
        """Return the subsets of a data set's largest size: one name per seed."""
        size = self.sizes(dataset)[-1]
        return {str(seed): subset_name(dataset, size, seed) for seed in self.seeds(dataset)}

    def claims(self):
        """Return what the claims of Section 5.2 compare: target and gestures, largest size, by where training starts.

        "cells" is {initialisation: {seed: cell}}, "subsets" {seed: subset}.
        """
        recipes = {"real": "real", "ReACGAN": "reacgan-pretrain", "SPADE": f"{self.spade}-pretrain"}
        compared = {
            dataset: {
                "dataset": dataset,
                "size": self.sizes(dataset)[-1],
                "subsets": self.largest(dataset),
                "cells": {
                    name: {seed: f"{subset}-{recipe}" for seed, subset in self.largest(dataset).items()}
                    for name, recipe in recipes.items()
                },
            }
            for dataset in self.targets()
        }
        return {"class_changes": compared[self.target], "convergence": list(compared.values())}

    def claim_inputs(self):
        """Return {input: its files} of the claims."""
        claims = self.claims()
        changes = claims["class_changes"]
        return {
            "predictions": [
                f"results/predictions/{cell}.csv"
                for name in ("real", "ReACGAN")
                for cell in changes["cells"][name].values()
            ],
            "subsets": [f"results/subsets/{subset}.csv" for subset in changes["subsets"].values()],
            "histories": [
                f"results/{classifier_folder(cell)}/{cell}.csv"
                for compared in claims["convergence"]
                for cells in compared["cells"].values()
                for cell in cells.values()
            ],
        }

    def figure_inputs(self, number):
        """Return {input: its files} of a figure of the paper."""
        data = self.targets()
        crops = [f"results/crops/{dataset}-train.zip" for dataset in data]
        return {
            "1": {},
            "2": {"splits": [f"results/splits/{dataset}.csv" for dataset in data]},
            "3": {"crops": crops[:1]},
            "4": {"crops": crops[:1]},
            "5": {"crops": crops[:1]},
            "6": {"crops": crops, "images": [f"results/images/{name}.zip" for name, *_ in self._sampled(data)]},
            "7": {"claims": ["results/claims/claims.json"]},
            "8": {"claims": ["results/claims/claims.json"], "histories": self.claim_inputs()["histories"]},
        }[number]

    def figure_options(self, number):
        """Return the settings of a figure of the paper."""
        subset = (self.target, self.sizes(self.target)[-1], self.seeds(self.target)[0])
        spade = self.generator_options(*subset, self.spade)
        return {
            "1": lambda: {
                "strategies": [
                    _only(_TOLD_OF_TRAINING, self.classifier_options(*subset, recipe))
                    for recipe in ("real", "reacgan-pretrain", "reacgan-regularization", "reacgan-mixup")
                ]
            },
            "2": dict,
            "3": lambda: _only(["heatmap_sigma"], spade),
            "4": lambda: _only(_TOLD_OF_NETWORKS, self.generator_options(*subset, "reacgan")),
            "5": lambda: _only(_TOLD_OF_NETWORKS, spade),
            "6": lambda: {"sets": self._sampled(self.targets())},
            "7": dict,
            "8": lambda: {"compared": self.claims()["convergence"]},
        }[number]()

    def _sampled(self, data):
        """Return [(image set, data set, maker)] of the generated images of Figure 6."""
        return [
            (f"{subset_name(*subset)}-{maker}", dataset, maker)
            for dataset in data
            for subset, maker in self.shown_image_sets(dataset)
        ]

    def _all_shown(self):
        return {shown for dataset in self.experiments for shown in self.shown_image_sets(dataset)}

    def artifacts(self):
        """Return {rule: its files}: everything that the study is made of, each file once."""
        cells = self._recipes()
        filtered = {(subset, maker) for subset, maker, is_filtered in _made_for(cells) if is_filtered}
        images, shown = self.image_sets(), self._all_shown()
        generators = {generator_of(subset, maker) for subset, maker in images}
        real = {cell for cell in cells if cell[1] == "real"} | {(subset, "real") for subset, _ in filtered | shown}
        subsets = {subset for subset, _ in images | generators | cells}
        every = {
            "drawn": [f"{name}.zip" for name in self.experiments if "drawn" in self.datasets[name]],
            "manifests": [f"{name}.csv" for name in self.experiments],
            "poses": [f"{name}.{kind}" for name in self.experiments for kind in ("npz", "csv")],
            "splits": [f"{name}.csv" for name in self.experiments],
            "crops": [f"{name}-{part}.zip" for name in self.experiments for part in ("train", "test")],
            "subsets": [f"{subset_name(*subset)}.csv" for subset in subsets],
            "generators": _named(generators, "safetensors"),
            "images": _named(images, "zip"),
            "scores": _named(filtered, "csv"),
            "conditioning": [f"images/{name}" for name in _named(shown, "csv")]
            + [f"measures/{name}" for name in _named(shown, "json")],
            "quality": _named(self.measured_image_sets(), "json"),
            "filtered": _named(filtered, "zip"),
            "real_classifiers": _named(real, "safetensors") + _named(real, "csv"),
            "classifiers": _named(cells - real, "safetensors") + _named(cells - real, "csv"),
            "predictions": _named(cells, "csv"),
            "audit": [f"{name}.{kind}" for name in self.targets() for kind in ("json", "csv", "png")],
            "rating_forms": [f"{name}.{kind}" for name in self.targets() for kind in ("html", "csv")],
            "ratings": [f"{name}.json" for name in self.targets()],
        }
        files = {rule: sorted(f"results/{rule}/{name}" for name in names) for rule, names in every.items()}
        files["generators"] += [
            f"results/training/{name}" for kind in ("csv", "png") for name in _named(generators, kind)
        ]
        for rule, numbers in (("tables", ACCURACY_TABLES), ("quality_tables", QUALITY_TABLES)):
            files[rule] = [f"results/table{n}{kind}" for n in numbers for kind in (".csv", "_long.csv", ".json")]
        files["claims"] = ["results/claims/claims.json"]
        files["figures"] = [f"results/figures/figure{n}.{kind}" for n in FIGURES for kind in ("pdf", "png")]
        for kind in ("crops", "generated"):
            files[f"{kind}_sheets"] = [f"results/sheets/{kind}/{name}.png" for name in self.experiments]
        files["report"] = ["results/report/report.html"]
        return files

    def reported(self):
        """Return the artifacts that the report shows."""
        files = [path for made in self.artifacts().values() for path in made]
        shown = [one for dataset in self.experiments for one in self.shown_image_sets(dataset)]
        trained = _named({generator_of(*one) for one in shown}, "*")
        wanted = (*_REPORTED, *(f"results/training/{name}" for name in trained))
        return [path for path in files if any(fnmatchcase(path, pattern) for pattern in wanted)]

    def own_params(self):
        """Return the part of params.yaml that this study reads, of which the same Study can be made."""
        datasets = {name: self.datasets[name] for name in self.experiments}
        return {"study": self.name, "datasets": datasets, "studies": {self.name: self.settings}}


def _only(names, options):
    return {name: options[name] for name in names}


def subset_name(dataset, size, seed):
    """Return the name of a subset, with which the names of all that is made from it begin."""
    return f"{dataset}-n{size}-s{seed}"


def _by_strategy(makers, order):
    return [(name, strategy, f"{maker}-{strategy}") for name, maker in makers for strategy in order]


def _made_for(cells):
    """Return {(subset, maker, filtered)} of the generated images behind cells {(subset, recipe)}."""
    return {(subset, *maker_of(recipe)) for subset, recipe in cells if recipe != "real"}


def _named(made, suffix):
    return [f"{subset_name(*subset)}-{name}.{suffix}" for subset, name in made]


def generator_of(subset, maker):
    """Return (subset, condition) of the generator behind a maker, whose images are made for `subset`.

    A multi-source generator has seen all of its own data set.
    """
    dataset, size, seed = subset
    condition, elsewhere, origin = maker.partition("_from_")
    return ((origin, "all", seed) if elsewhere else (dataset, size, seed)), condition


def condition_of(name):
    """Return what a generator is conditioned on; its name may go on with a variant: `reacgan_lambda1`."""
    return next(condition for condition in CONDITIONS if name == condition or name.startswith(f"{condition}_"))


def cell_name(dataset, size, seed, recipe):
    """Return the name that a cell's files carry."""
    return f"{subset_name(dataset, size, seed)}-{recipe}"


def classifier_folder(cell):
    """Return the folder of a cell's classifier: those of real images alone are a rule of their own."""
    return "real_classifiers" if cell.endswith("-real") else "classifiers"


def strategy_of(recipe):
    """Return the training strategy of a recipe."""
    return recipe.rsplit("-", 1)[-1]


def maker_of(recipe):
    """Return (maker, filtered) of a recipe whose strategy uses generated images; None for `real`."""
    if recipe == "real":
        return None
    maker = recipe.rsplit("-", 1)[0]
    return maker.removesuffix("-filtered"), maker.endswith("-filtered")
