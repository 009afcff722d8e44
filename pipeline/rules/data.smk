rule drawn:
    """Draw the hands of an embedded data set."""
    input:
        code=source_files("pipeline.data.drawn"),
    output:
        "results/drawn/{dataset}.zip",
    log:
        "logs/drawn/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=dataset_options("drawn"),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.data.drawn --options {params.options:q} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule manifests:
    """List the photographs of a data set, with class, group and what else came with them."""
    input:
        photographs_of,
        code=reader_sources,
    output:
        "results/manifests/{dataset}.csv",
    log:
        "logs/manifests/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {
                key: value
                for key, value in STUDY.datasets[wc.dataset].items()
                if key in LAYOUT
            }
        ),
        photographs=outside_digest,
    shell:
        ": > {log}; python -m pipeline.warm pipeline.data.photographs --options {params.options:q} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule splits:
    """Decide which photographs with a pose train and which test."""
    input:
        manifest=rules.manifests.output,
        poses="results/poses/{dataset}.npz",
        code=source_files("pipeline.data.split"),
    output:
        "results/splits/{dataset}.csv",
    log:
        "logs/splits/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            STUDY.datasets[wc.dataset]["split"]
            | {"classes": STUDY.datasets[wc.dataset]["classes"]}
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.data.split --options {params.options:q} --manifest {input.manifest}"
        " --poses {input.poses} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule subsets:
    """Draw n training images of each class, for generator and classifier alike."""
    input:
        crops="results/crops/{dataset}-train.zip",
        code=source_files("pipeline.data.subset"),
    output:
        f"results/subsets/{SUBSET}.csv",
    log:
        f"logs/subsets/{SUBSET}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(STUDY.subset_options(wc.size, wc.seed)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.data.subset --options {params.options:q} --crops {input.crops}"
        " --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"
