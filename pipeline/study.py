"""The active study of params.yaml, turned into the cells of its tables and the artifacts that these are made of."""

from fnmatch import fnmatchcase

from pipeline.budget import RIVALS
from pipeline.params import at_size, check_params, plain
from pipeline.recipes import (
    COPIES,
    COPIES_RECIPES,
    METHODS,
    STRATEGIES,
    cell_name,
    condition_of,
    generator_of,
    is_filtered,
    is_generated,
    is_own,
    kept_of,
    maker_of,
    ordered,
    own_size,
    owned,
    split_kept,
    split_size,
    split_variant,
    strategy_of,
    subset_name,
    varied,
    with_variant,
)
from pipeline.shown import FIGURES

ACCURACY_TABLES = ("5", "6", "7", "8", "9")
QUALITY_TABLES = ("3", "4")
TABLES = (*QUALITY_TABLES, *ACCURACY_TABLES)
RIVALS_TABLE = "rivals"  # none of the paper's
_TABLE_FILES = (".csv", "_long.csv", ".json")
# What the report shows of artifacts(), and of trainings those behind the images shown.
_REPORTED = (
    "results/table*.csv",
    "results/rivals*.csv",
    "results/verdict/*.json",
    "results/audit/*.json",
    "results/audit/*.png",
    "results/figures/*",
    "results/claims/*.json",
    "results/errata/errata.*",
    "results/quality/*.json",
    "results/ratings/*.json",
    "results/conditioning/measures/*.json",
    "results/sheets/*.png",
    "results/manifests/*.csv",
    "results/poses/*.csv",
    "results/splits/*.csv",
    "results/subsets/*.csv",
)


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
        return ordered(self.experiments[dataset]["sizes"])

    def seeds(self, dataset):
        """Seeds of a data set's experiments."""
        return self.experiments[dataset]["seeds"]

    def data_sets(self):
        """Return the data sets of the experiments, and after them those that only lend generators images."""
        generators = [own for experiment in self.experiments.values() for own in experiment["generators"].values()]
        lent = {own["extra_images"] for own in generators} - {None}
        return [*self.experiments, *sorted(lent - self.experiments.keys())]

    def crop_options(self, dataset):
        """Settings by which hands are cut out; photographs may be as large as when their poses were found."""
        own = self.datasets[dataset]
        return own["crop"] | {"megapixels_at_most": own["poses"]["megapixels_at_most"]}

    def generator_options(self, dataset, size, seed, condition):
        """Settings of one generator's training; `condition` may name a variant, such as reacgan_lambda1."""
        name, variant = split_variant(condition)
        options = at_size(self.experiments[dataset]["generators"][name], split_size(size)[0])
        published = self._as_published(variant, "generators", also=options["as_published"])
        return options | {"condition": condition_of(name), "seed": int(seed), "as_published": published}

    def subset_options(self, size, seed):
        """Settings by which the images of one subset are drawn."""
        number, variant = split_size(size)
        return {
            "size": number if number == "all" else int(number),
            "seed": int(seed),
            "val_fraction": self.settings["val_fraction"],
            "as_published": self._as_published(variant, "subsets") + ["independent_subsets"] * is_own(size),
        }

    def image_options(self, seed, maker):
        """Settings by which an image set is drawn."""
        generation, variant = self.settings["generation"], split_variant(maker)[1]
        published = self._as_published(variant, "images", also=generation["as_published"])
        return generation | {"seed": int(seed), "as_published": published}

    def score_options(self, kept):
        """Settings by which images are scored, of which those called `kept` stay."""
        return {"as_published": self._as_published(split_kept(kept)[1], "scores")}

    def filter_options(self, kept):
        """Settings by which images stay, then called `kept`."""
        return self.settings["filter"] | {"as_published": self._as_published(split_kept(kept)[1], "filtered")}

    def _as_published(self, variant, stage, also=()):
        """Return what a stage does as the released code does: in this variant, and `also` in every one."""
        return sorted({*also, *owned(self._switches(variant), stage)})

    def _switches(self, variant):
        return self.settings["errata"]["variants"][variant] if variant else []

    def generator_of(self, subset, maker):
        """Return (subset, condition) of the generator behind a maker; a variant's own where it trains another."""
        name, variant = split_variant(maker)
        (dataset, size, seed), condition = generator_of(subset, name)
        switches = self._switches(variant)
        size = own_size(size) if owned(switches, "own_subsets") else size
        return (dataset, size, seed), with_variant(condition, variant, switches, "generators")

    def scored_as(self, kept):
        """Return the name of the scores by which images stay, then called `kept`; a variant may score as the text."""
        maker, variant = split_kept(kept)
        return kept if owned(self._switches(variant), "scores") else maker

    def classifier_options(self, dataset, size, seed, recipe):
        """Settings of one classifier's training: those that its strategy uses, so that others may change."""
        strategy, variant = strategy_of(recipe), split_variant(recipe.split("-")[-1])[1]
        options = at_size(self.experiments[dataset]["classifier"], split_size(size)[0])
        own = options["strategies"].get(strategy)
        options["strategies"] = {} if own is None else {strategy: at_size(own, split_size(size)[0])}
        if strategy in RIVALS:
            # They learn for as many updates as PRETRAIN, on real images.
            options["images_per_class"] = self.settings["generation"]["images_per_class"]
        elif strategy != "pretrain":
            options["pretrain_epochs"] = 0
        published = self._as_published(variant, "classifiers")
        options["weights"] = "none" if "no_imagenet" in published else options["weights"]
        if "default_weight" in published:
            # What the released code takes where a command names neither: sigma is e^epoch, or 1 where it grows.
            options["strategies"] = {strategy: own | {"alpha": 1.0, "beta": -1.0}} if own else {}
        return options | {"strategy": strategy, "seed": int(seed), "as_published": published}

    def dataset_of(self, table):
        """Return the data set that a table is about (Table 5 has a column for the other one)."""
        return self.gestures if table in ("4", "9") else self.target

    def rows(self, table):
        """Return the rows of a table of accuracies as (source, method, recipe), in the paper's order."""
        if table == RIVALS_TABLE:
            return self._rivals_rows()
        dataset = self.dataset_of(table)
        elsewhere, middle_last = self._elsewhere(), ("pretrain", "regularization", "mixup")
        if table == "6":
            backbone = self.experiments[dataset]["classifier"]["backbone"]
            methods = {
                "pretrain ImageNet": "real",
                "ReACGAN pretrain": "reacgan-pretrain",
            }
            if elsewhere:
                methods["multi-source pretrain"] = f"{elsewhere}-pretrain"
            return [(backbone, method, recipe) for method, recipe in methods.items()]
        rows = [("real" if table == "5" else dataset, "pretrain ImageNet", "real")]
        if table == "5":
            makers = [("ReACGAN", "reacgan"), ("ReACGAN filtered", "reacgan-filtered"), ("SPADE", self.spade)]
            return rows + _by_strategy(makers, middle_last)
        if table in ("8", "9"):
            rows += _by_strategy([(f"{dataset} ReACGAN", "reacgan"), (f"{dataset} SPADE", self.spade)], STRATEGIES)
        if table in ("7", "8") and elsewhere:
            order = middle_last if table == "7" else STRATEGIES
            rows += [(f"{self.source} SPADE", f"multi-source {name}", f"{elsewhere}-{name}") for name in order]
        return rows

    def _elsewhere(self):
        """Return the maker of multi-source images; None where the target is its own source, as of one's own images."""
        return None if self.source == self.target else f"{self.spade}_from_{self.source}"

    def _rivals_rows(self):
        """Real images alone, what rivals make of them, and all that is made of generated images."""
        asked, (real, *generated) = self.settings["rivals"]["recipes"], self.rows("8")
        rivals = [(self.target, recipe.replace("_", " "), recipe) for recipe in RIVALS if recipe in asked]
        copies = [
            (f"{self.target} {COPIES}", strategy_of(recipe), recipe) for recipe in COPIES_RECIPES if recipe in asked
        ]
        filtered = [(f"{self.target} {source}", *rest) for source, *rest in self.rows("5") if is_filtered(rest[-1])]
        return [real, *rivals, *copies, *generated, *filtered]

    def columns(self, table):
        """Return the columns of a table as (heading, dataset, size)."""
        if table == RIVALS_TABLE:
            return [(size, self.target, size) for size in ordered(self.settings["rivals"]["sizes"])]
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
            for row, (source, method, recipe), heading, (dataset, size, seed) in self._asked(table)
        ]

    def _asked(self, table):
        """Yield (number of the row, row, heading, subset) of each cell of a table of accuracies."""
        for number, row in enumerate(self.rows(table)):
            for heading, subset in self._columns_by_seed(table):
                # Images are filtered for Table 5 alone, which has the largest size.
                if not is_filtered(row[2]) or subset[1] == self.sizes(subset[0])[-1]:
                    yield number, row, heading, subset

    def verdicts(self):
        """Return [{"size", "cells": [{"recipe", "seed", "cell"}]}], a verdict for each size of the table of rivals."""
        by_size = {size: [] for size, _, _ in self.columns(RIVALS_TABLE)}
        for _, (_, _, recipe), size, subset in self._asked(RIVALS_TABLE):
            by_size[size].append({"recipe": recipe, "seed": subset[2], "cell": cell_name(*subset, recipe)})
        return [{"size": size, "cells": cells} for size, cells in by_size.items()]

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
            origin, name = self.generator_of((dataset, self.sizes(dataset)[-1], 0), maker)
            options = self.generator_options(*origin, name)
            method = METHODS[options["condition"]]
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
        made = _images_of(self._recipes()) | self._all_shown()
        generated = {(subset, maker) for subset, maker in made if largest.get(subset[0]) == subset[1]}
        return generated | {(subset, "real") for subset, _ in generated}

    def shown_image_sets(self, dataset):
        """Return (subset, maker) of the images shown and measured: every maker's, largest size, first seed."""
        makers = list(self.experiments[dataset]["generators"])
        if dataset == self.target and (elsewhere := self._elsewhere()):
            makers.append(elsewhere)
        subset = (dataset, self.sizes(dataset)[-1], self.seeds(dataset)[0])
        return [(subset, maker) for maker in makers]

    def image_sets(self):
        """Return {(subset, maker)} of every image set that is generated."""
        return _images_of(self._cells()) | self._all_shown()

    def _cells(self):
        """Return {(subset, recipe)} of every classifier."""
        return self._recipes().union(*(cells for _, _, cells in self._errata()))

    def errata_rows(self):
        """Return the rows of the table of errata: each recipe as the text has it (variant ""), then its variants.

        A row is {"recipe", "variant", "switches", "cells": [one per seed], "dropped_at"}: the batch size where the
        released code drops test images, else None.
        """
        return [
            {"recipe": recipe, "variant": variant, "switches": self._switches(variant)}
            | {"cells": [cell_name(*subset, varying) for subset, varying in cells]}
            | {"dropped_at": self._dropped_at(*cells[0])}
            for recipe, variant, cells in self._errata()
        ]

    def _errata(self):
        """Return [(recipe, variant, its cells (subset, recipe), one per seed)]."""
        errata, seeds = self.settings["errata"], self.seeds(self.target)
        rows = []
        for recipe, variants in errata["rows"].items():
            for variant in ("", *variants):
                size, varying = varied(str(errata["size"]), recipe, variant, self._switches(variant))
                rows.append((recipe, variant, [((self.target, size, seed), varying) for seed in seeds]))
        return rows

    def _dropped_at(self, subset, recipe):
        options = self.classifier_options(*subset, recipe)
        return options["batch_size"] if "dropped_last_batch" in options["as_published"] else None

    def _recipes(self):
        """Return {(subset, recipe)} of every classifier that a table asks for."""
        tables = (*ACCURACY_TABLES, RIVALS_TABLE)
        return {(subset, recipe) for table in tables for _, (_, _, recipe), _, subset in self._asked(table)}

    def targets(self):
        """Return the data sets of Tables 3 and 4, target and gestures; one where they are the same."""
        return list(dict.fromkeys([self.target, self.gestures]))

    def _all_shown(self):
        return {shown for dataset in self.experiments for shown in self.shown_image_sets(dataset)}

    def artifacts(self):
        """Return {rule: its files}: everything that the study is made of, each file once."""
        cells = self._cells()
        filtered = {(subset, kept_of(recipe)) for subset, recipe in cells if is_filtered(recipe)}
        images, shown = self.image_sets(), self._all_shown()
        generators = {self.generator_of(subset, maker) for subset, maker in images}
        real = {cell for cell in cells if cell[1] == "real"} | {(subset, "real") for subset, _ in filtered | shown}
        subsets = {subset for subset, _ in images | generators | cells}
        every = {
            "drawn": [f"{name}.zip" for name in self.data_sets() if "drawn" in self.datasets[name]],
            "manifests": [f"{name}.csv" for name in self.data_sets()],
            "poses": [f"{name}.{kind}" for name in self.data_sets() for kind in ("npz", "csv")],
            "splits": [f"{name}.csv" for name in self.data_sets()],
            "crops": [f"{name}-{part}.zip" for name in self.data_sets() for part in ("train", "test")],
            "subsets": [f"{subset_name(*subset)}.csv" for subset in subsets],
            "generators": _named(generators, "safetensors"),
            "images": _named(images, "zip"),
            "scores": _named({(subset, self.scored_as(kept)) for subset, kept in filtered}, "csv"),
            "conditioning": [f"images/{name}" for name in _named(shown, "csv")]
            + [f"measures/{name}" for name in _named(shown, "json")],
            "quality": _named(self.measured_image_sets(), "json"),
            "filtered": _named(filtered, "zip"),
            "copies": {f"{subset_name(*subset)}.zip" for subset, recipe in cells if recipe in COPIES_RECIPES},
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
            files[rule] = [f"results/table{n}{kind}" for n in numbers for kind in _TABLE_FILES]
        files["rivals"] = [f"results/rivals{kind}" for kind in _TABLE_FILES]
        files["verdict"] = ["results/verdict.md", "results/verdict/verdict.csv", "results/verdict/verdict.json"]
        errata = ("errata.csv", "errata_long.csv", "errata.json") if self.settings["errata"]["rows"] else ()
        files["errata"] = [f"results/errata/{name}" for name in errata]
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
        trained = _named({self.generator_of(*one) for one in shown}, "*")
        wanted = (*_REPORTED, *(f"results/training/{name}" for name in trained))
        return [path for path in files if any(fnmatchcase(path, pattern) for pattern in wanted)]

    def own_params(self):
        """Return the part of params.yaml that this study reads, of which the same Study can be made."""
        datasets = {name: self.datasets[name] for name in self.data_sets()}
        return {"study": self.name, "datasets": datasets, "studies": {self.name: self.settings}}


def _by_strategy(makers, order):
    return [(name, strategy, f"{maker}-{strategy}") for name, maker in makers for strategy in order]


def _images_of(cells):
    """Return {(subset, maker)} of the generated images behind cells {(subset, recipe)}."""
    return {(subset, maker_of(recipe)[0]) for subset, recipe in cells if is_generated(recipe)}


def _named(made, suffix):
    return [f"{subset_name(*subset)}-{name}.{suffix}" for subset, name in made]
