rule poses:
    """Find the hand in every photograph; where none is found the row stays, empty, and the report says why."""
    input:
        photographs_of,
        manifest="results/manifests/{dataset}.csv",
        code=source_files("pipeline.poses.extract"),
    output:
        poses="results/poses/{dataset}.npz",
        report="results/poses/{dataset}.csv",
    log:
        "logs/poses/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    # All that there are; how many is no reason to look again.
    threads: 64
    params:
        # Not an output: Snakemake deletes those of a failed job, and this is what the next attempt goes on from.
        state="results/.state/poses/{dataset}",
        options=dataset_options("poses"),
        outside=lambda wc: own_files_digest(STUDY.datasets[wc.dataset]["poses"]),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.poses.extract --options {params.options:q} --threads {threads}"
        " --manifest {input.manifest} --state {params.state} --out {output.poses} --report {output.report}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule crops:
    """Cut 64x64 images around the hands; training and test images go to files of their own."""
    input:
        photographs_of,
        manifest="results/manifests/{dataset}.csv",
        poses=rules.poses.output.poses,
        split="results/splits/{dataset}.csv",
        code=source_files("pipeline.poses.crop"),
    output:
        train="results/crops/{dataset}-train.zip",
        test="results/crops/{dataset}-test.zip",
    log:
        "logs/crops/{dataset}.log",
    conda:
        "../../envs/main.yaml"
    threads: 64
    params:
        state="results/.state/crops/{dataset}",
        options=lambda wildcards: as_json(STUDY.crop_options(wildcards.dataset)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.poses.crop --options {params.options:q} --threads {threads}"
        " --manifest {input.manifest} --poses {input.poses} --split {input.split} --state {params.state}"
        " --train {output.train} --test {output.test}"
        " >> {log} 2> >(tee -a {log} >&2)"
