rule generators:
    """Train one generator on one subset: ReACGAN on labels, SPADE on keypoints or bones."""
    input:
        crops="results/crops/{dataset}-train.zip",
        subset=f"results/subsets/{SUBSET}.csv",
        reference=test_images_for("test_reference", generator_options),
        extra=extra_images,
        code=source_files("pipeline.gan.train"),
    output:
        generator=f"results/generators/{SUBSET}-{{condition}}.safetensors",
        curve=f"results/training/{SUBSET}-{{condition}}.csv",
        samples=f"results/training/{SUBSET}-{{condition}}.png",
    log:
        f"logs/generators/{SUBSET}-{{condition}}.log",
    conda:
        "../../envs/main.yaml"
    resources:
        # So many processes share the training; how many is no reason to train anew.
        gpu=1,
    params:
        # For TensorBoard; holds times of day, so that it is no artifact.
        events=f"logs/tensorboard/{SUBSET}-{{condition}}",
        # Not an output: Snakemake deletes those of a failed job, and this is what the next attempt goes on from.
        state=f"results/.state/generators/{SUBSET}-{{condition}}.pt",
        reference=as_argument("reference"),
        extra=as_argument("extra"),
        options=lambda wc: as_json(generator_options(wc)),
    shell:
        ": > {log}; python -m pipeline.warm --processes {resources.gpu}"
        " pipeline.gan.train --options {params.options:q} --threads {threads}"
        " --crops {input.crops} --subset {input.subset} {params.reference} {params.extra}"
        " --state {params.state} --events {params.events}"
        " --out {output.generator} --curve {output.curve} --samples {output.samples}"
        " >> {log} 2> >(tee -a {log} >&2)"
