rule tables:
    """Lay out a table of accuracies: mean and sd over seeds, the paper's value beside ours where it is the paper's."""
    input:
        predictions=predictions_of,
        published=lambda wc: f"pipeline/report/published/table{wc.number}.csv",
        code=source_files("pipeline.report.tables"),
    output:
        table=report("results/table{number}.csv", category="Tables"),
        long="results/table{number}_long.csv",
        metrics="results/table{number}.json",
    log:
        "logs/tables/{number}.log",
    wildcard_constraints:
        number="|".join(ACCURACY_TABLES),
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {
                "table": wc.number,
                "cells": STUDY.cells(wc.number),
                "beside_paper": STUDY.settings["beside_paper"],
            }
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.report.tables --options {params.options:q}"
        " --predictions {input.predictions} --out {output.table} --long {output.long}"
        " --metrics {output.metrics}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule rivals:
    """Lay out real images alone, rivals and all that is made of generated images in one table."""
    input:
        predictions=compared_predictions,
        code=source_files("pipeline.report.tables"),
    output:
        table=report("results/rivals.csv", category="Tables"),
        long="results/rivals_long.csv",
        metrics="results/rivals.json",
    log:
        "logs/rivals/rivals.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {"table": RIVALS_TABLE, "cells": STUDY.cells(RIVALS_TABLE)}
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.report.tables --options {params.options:q}"
        " --predictions {input.predictions} --out {output.table} --long {output.long}"
        " --metrics {output.metrics}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule quality_tables:
    """Lay out a table of image quality: real images, each generator, and the paper's values where they are the paper's."""
    input:
        quality=quality_of,
        ratings=lambda wc: f"results/ratings/{STUDY.dataset_of(wc.number)}.json",
        published=lambda wc: f"pipeline/report/published/table{wc.number}.csv",
        code=source_files("pipeline.report.quality_tables"),
    output:
        table=report("results/table{number}.csv", category="Tables"),
        long="results/table{number}_long.csv",
        metrics="results/table{number}.json",
    log:
        "logs/quality_tables/{number}.log",
    wildcard_constraints:
        number="|".join(QUALITY_TABLES),
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {
                "table": wc.number,
                "cells": STUDY.quality_cells(wc.number),
                "form": f"results/rating_forms/{STUDY.dataset_of(wc.number)}.html",
                "beside_paper": STUDY.settings["beside_paper"],
            }
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.report.quality_tables --options {params.options:q}"
        " --quality {input.quality} --ratings {input.ratings}"
        " --out {output.table} --long {output.long} --metrics {output.metrics}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule errata:
    """Lay out what each error of the released code does to accuracy and macro-recall, one by one and together."""
    input:
        predictions=predictions_of_errata,
        code=source_files("pipeline.report.errata"),
    output:
        table=report("results/errata/errata.csv", category="Errata"),
        long="results/errata/errata_long.csv",
        sentences="results/errata/errata.json",
    log:
        "logs/errata/errata.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json({"rows": STUDY.errata_rows()}),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.report.errata --options {params.options:q}"
        " --predictions {input.predictions} --out {output.table} --long {output.long}"
        " --sentences {output.sentences}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule crops_sheets:
    """Show real training crops with their poses and pose maps."""
    input:
        crops="results/crops/{dataset}-train.zip",
        code=source_files("pipeline.report.sheets"),
    output:
        report("results/sheets/crops/{dataset}.png", category="Real hands"),
    log:
        "logs/sheets/crops/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {"per_class": 3, "heatmap_sigma": shown_sigma(wc), "headings": []}
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.report.sheets --options {params.options:q} --crops {input.crops}"
        " --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule generated_sheets:
    """Show generated images of every condition, with the poses they were made from."""
    input:
        images=shown_image_sets,
        code=source_files("pipeline.report.sheets"),
    output:
        report("results/sheets/generated/{dataset}.png", category="Generated images"),
    log:
        "logs/sheets/generated/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {
                "per_class": 8,
                "heatmap_sigma": shown_sigma(wc),
                "headings": shown_image_sets(wc),
            }
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.report.sheets --options {params.options:q} --images {input.images}"
        " --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule report:
    """Put everything that the study came to on one page, with its settings, data, seeds and job times."""
    input:
        made=STUDY.reported(),
        templates=template_files("report"),
        code=source_files("pipeline.report.page"),
    output:
        "results/report/report.html",
    log:
        "logs/report/report.log",
    conda:
        "../../envs/main.yaml"
    params:
        # Not sorted: the page shows everything in the order of params.yaml.
        options=lambda wc: json.dumps(STUDY.own_params()),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.report.page --options {params.options:q} --made {input.made}"
        " --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"
