rule rating_forms:
    """Write the page on which people rate real and generated images from 1 to 5, and beside it which image is whose."""
    input:
        images=shown_image_sets,
        crops="results/crops/{dataset}-train.zip",
        subset=lambda wc: f"results/subsets/{shown_subset(wc)}.csv",
        code=source_files("pipeline.rating.form") + ["pipeline/rating/form.html"],
    output:
        page=report("results/rating_forms/{dataset}.html", category="Rating forms"),
        key="results/rating_forms/{dataset}.csv",
    log:
        "logs/rating_forms/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {
                "makers": makers_of(wc),
                "images_per_source": STUDY.settings["rating"]["images_per_source"],
                "seed": STUDY.settings["rating"]["seed"],
            }
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.rating.form --options {params.options:q} --images {input.images}"
        " --crops {input.crops} --subset {input.subset} --page {output.page} --key {output.key}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule ratings:
    """Sum up what people answered: the human score of each source, with interval and agreement."""
    input:
        key=rules.rating_forms.output.key,
        code=source_files("pipeline.rating.answers"),
    output:
        "results/ratings/{dataset}.json",
    log:
        "logs/ratings/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {
                "folder": answers_folder(wc),
                "sources": ["real", *makers_of(wc)],
                "seed": STUDY.settings["rating"]["seed"],
            }
        ),
        answers=lambda wc: folder_digest(answers_folder(wc)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.rating.answers --options {params.options:q} --key {input.key} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"
