def generator_of(wildcards):
    """A generator of the same subset; a multi-source one knows all of its own data set instead."""
    condition, origin = origin_of(wildcards.maker, wildcards.dataset)
    size = wildcards.size if origin == wildcards.dataset else "all"
    return f"results/generators/{origin}-n{size}-s{wildcards.seed}-{condition}.safetensors"


rule images:
    """Generate the same number of images for every class; SPADE takes its poses from the subset."""
    input:
        generator=generator_of,
        crops="results/crops/{dataset}-train.zip",
        subset=f"results/subsets/{SUBSET}.csv",
        code=source_files("pipeline.generate.sample"),
    output:
        f"results/images/{SUBSET}-{{maker}}.zip",
    log:
        f"logs/images/{SUBSET}-{{maker}}.log",
    params:
        options=lambda wc: as_json(STUDY.settings["generation"] | {"seed": int(wc.seed)}),
    resources:
        gpu=1,
    shell:
        "python -m pipeline.warm pipeline.generate.sample --options {params.options:q} --threads {threads}"
        " --generator {input.generator} --crops {input.crops} --subset {input.subset} --out {output}" + LOGGED


rule scores:
    """Score generated images by a classifier trained on the same real subset (Section 3.1.4)."""
    input:
        images=rules.images.output,
        classifier=f"results/classifiers/{SUBSET}-real.safetensors",
        code=source_files("pipeline.classify.score"),
    output:
        f"results/scores/{SUBSET}-{{maker}}.csv",
    log:
        f"logs/scores/{SUBSET}-{{maker}}.log",
    params:
        options=as_json({"batch_size": STUDY.settings["generation"]["batch_size"]}),
    resources:
        gpu=1,
    shell:
        "python -m pipeline.warm pipeline.classify.score --options {params.options:q} --threads {threads}"
        " --images {input.images} --classifier {input.classifier} --out {output}" + LOGGED


rule filtered:
    """Keep the best-scored part of each class."""
    input:
        images=rules.images.output,
        scores=rules.scores.output,
        code=source_files("pipeline.generate.keep_best"),
    output:
        f"results/filtered/{SUBSET}-{{maker}}.zip",
    log:
        f"logs/filtered/{SUBSET}-{{maker}}.log",
    params:
        options=as_json(STUDY.settings["filter"]),
    shell:
        "python -m pipeline.warm pipeline.generate.keep_best --options {params.options:q} --images {input.images}"
        " --scores {input.scores} --out {output}" + LOGGED
