rule images:
    """Generate the same number of images for every class; SPADE takes its poses from the subset."""
    input:
        generator=generator_file,
        crops="results/crops/{dataset}-train.zip",
        subset=f"results/subsets/{SUBSET}.csv",
        poses=test_images_for("test_poses", image_options),
        code=source_files("pipeline.generate.sample"),
    output:
        f"results/images/{SUBSET}-{{maker}}.zip",
    log:
        f"logs/images/{SUBSET}-{{maker}}.log",
    conda:
        "../../envs/main.yaml"
    resources:
        gpu=1,
    params:
        poses=as_argument("poses"),
        options=lambda wc: as_json(image_options(wc)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.generate.sample --options {params.options:q} --threads {threads}"
        " --generator {input.generator} --crops {input.crops} --subset {input.subset} {params.poses} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule copies:
    """Put copies of the subset's real images in place of generated ones: what images that hold nothing new come to."""
    input:
        crops="results/crops/{dataset}-train.zip",
        subset=f"results/subsets/{SUBSET}.csv",
        code=source_files("pipeline.generate.copies"),
    output:
        f"results/copies/{SUBSET}.zip",
    log:
        f"logs/copies/{SUBSET}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {"images_per_class": STUDY.settings["generation"]["images_per_class"]}
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.generate.copies --options {params.options:q} --crops {input.crops}"
        " --subset {input.subset} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule scores:
    """Score generated images by a classifier trained on the same real subset (Section 3.1.4)."""
    input:
        images=images_to_filter,
        classifier=f"results/real_classifiers/{SUBSET}-real.safetensors",
        code=source_files("pipeline.classify.score"),
    output:
        f"results/scores/{SUBSET}-{{kept}}.csv",
    log:
        f"logs/scores/{SUBSET}-{{kept}}.log",
    conda:
        "../../envs/main.yaml"
    resources:
        gpu=1,
    params:
        options=lambda wc: as_json(STUDY.score_options(wc.kept)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.classify.score --options {params.options:q} --threads {threads}"
        " --images {input.images} --classifier {input.classifier} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule conditioning:
    """Measure how well generated images obey their class and pose, and real images of the same data set beside them."""
    input:
        images=rules.images.output,
        crops="results/crops/{dataset}-train.zip",
        subset=f"results/subsets/{SUBSET}.csv",
        classifier=f"results/real_classifiers/{SUBSET}-real.safetensors",
        code=source_files("pipeline.classify.conditioning"),
    output:
        table=f"results/conditioning/images/{SUBSET}-{{maker}}.csv",
        measures=f"results/conditioning/measures/{SUBSET}-{{maker}}.json",
    log:
        f"logs/conditioning/{SUBSET}-{{maker}}.log",
    conda:
        "../../envs/main.yaml"
    resources:
        gpu=1,
    params:
        options=lambda wc: as_json(
            STUDY.settings["conditioning"] | {"seed": int(wc.seed)}
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.classify.conditioning --options {params.options:q} --threads {threads}"
        " --images {input.images} --crops {input.crops} --subset {input.subset}"
        " --classifier {input.classifier} --out {output.table} --measures {output.measures}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule quality:
    """Measure how real a set of images looks beside the subset's validation images, which no generator has seen."""
    input:
        images=image_set,
        crops="results/crops/{dataset}-train.zip",
        subset=f"results/subsets/{SUBSET}.csv",
        code=source_files("pipeline.generate.quality"),
    output:
        f"results/quality/{SUBSET}-{{maker}}.json",
    log:
        f"logs/quality/{SUBSET}-{{maker}}.log",
    conda:
        "../../envs/main.yaml"
    params:
        images=as_argument("images"),
        options=lambda wc: as_json(STUDY.settings["quality"] | {"seed": int(wc.seed)}),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.generate.quality --options {params.options:q} --threads {threads}"
        " --crops {input.crops} --subset {input.subset} {params.images} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule filtered:
    """Keep the best-scored part of each class."""
    input:
        images=images_to_filter,
        scores=scores_of,
        code=source_files("pipeline.generate.keep_best"),
    output:
        f"results/filtered/{SUBSET}-{{kept}}.zip",
    log:
        f"logs/filtered/{SUBSET}-{{kept}}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(STUDY.filter_options(wc.kept)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.generate.keep_best --options {params.options:q} --images {input.images}"
        " --scores {input.scores} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"
