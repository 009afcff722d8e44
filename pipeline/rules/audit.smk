rule audit:
    """Look for near-duplicates of training images among test images and among generated ones."""
    input:
        train="results/crops/{dataset}-train.zip",
        test="results/crops/{dataset}-test.zip",
        images=shown_image_sets,
        learnt_from=lambda wc: [
            f"results/crops/{origin[0]}-train.zip" for origin in origins_of_shown(wc)
        ],
        subsets=lambda wc: [
            f"results/subsets/{subset_name(*origin)}.csv"
            for origin in origins_of_shown(wc)
        ],
        code=source_files("pipeline.audit.examine"),
    output:
        numbers="results/audit/{dataset}.json",
        table="results/audit/{dataset}.csv",
        page=report("results/audit/{dataset}.png", category="Audit"),
    log:
        "logs/audit/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            STUDY.settings["audit"]
            | {
                "dataset": wc.dataset,
                "makers": makers_of(wc),
            }
            | {
                key: STUDY.datasets[wc.dataset]["split"][key]
                for key in ("kind", "seed")
            }
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.audit.examine --options {params.options:q} --threads {threads}"
        " --train {input.train} --test {input.test}"
        " --images {input.images} --learnt-from {input.learnt_from} --subsets {input.subsets}"
        " --out {output.numbers} --table {output.table} --page {output.page}"
        " >> {log} 2> >(tee -a {log} >&2)"
