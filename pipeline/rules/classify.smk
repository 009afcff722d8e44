rule classifiers:
    """Train one classifier on real and generated images by one strategy of Table 2, or by a rival of generated images."""
    input:
        crops="results/crops/{dataset}-train.zip",
        subset=f"results/subsets/{SUBSET}.csv",
        generated=generated_for,
        code=source_files("pipeline.classify.train"),
    output:
        classifier=f"results/classifiers/{SUBSET}-{{recipe}}.safetensors",
        history=f"results/classifiers/{SUBSET}-{{recipe}}.csv",
    log:
        f"logs/classifiers/{SUBSET}-{{recipe}}.log",
    conda:
        "../../envs/main.yaml"
    resources:
        gpu=1,
    params:
        state=f"results/.state/classifiers/{SUBSET}-{{recipe}}.pt",
        generated=as_argument("generated"),
        options=lambda wc: as_json(
            STUDY.classifier_options(wc.dataset, wc.size, wc.seed, wc.recipe)
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.classify.train --options {params.options:q} --threads {threads}"
        " --crops {input.crops} --subset {input.subset} {params.generated} --state {params.state}"
        " --out {output.classifier} --history {output.history}"
        " >> {log} 2> >(tee -a {log} >&2)"


# A rule and folder of its own: these judge the generated images that others train on, and a stage of DVC is a whole rule.
use rule classifiers as real_classifiers with:
    output:
        classifier=f"results/real_classifiers/{SUBSET}-{{recipe}}.safetensors",
        history=f"results/real_classifiers/{SUBSET}-{{recipe}}.csv",
    log:
        f"logs/real_classifiers/{SUBSET}-{{recipe}}.log",
    wildcard_constraints:
        recipe="real",


rule predictions:
    """Ask a finished classifier about every test image once: the only stage whose answers about them count."""
    input:
        crops="results/crops/{dataset}-test.zip",
        classifier=classifier_file,
        code=source_files("pipeline.classify.evaluate"),
    output:
        f"results/predictions/{SUBSET}-{{recipe}}.csv",
    log:
        f"logs/predictions/{SUBSET}-{{recipe}}.log",
    conda:
        "../../envs/main.yaml"
    resources:
        gpu=1,
    shell:
        ": > {log}; python -m pipeline.warm pipeline.classify.evaluate --threads {threads}"
        " --crops {input.crops} --classifier {input.classifier} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"
