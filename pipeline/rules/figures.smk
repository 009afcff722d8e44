rule claims:
    """Check the claims of Section 5.2 about classes and convergence on this study."""
    input:
        **claim_inputs(STUDY),
        code=source_files("pipeline.claims.check"),
    output:
        "results/claims/claims.json",
    log:
        "logs/claims/claims.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(claims(STUDY)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.claims.check --options {params.options:q}"
        " --predictions {input.predictions} --subsets {input.subsets} --histories {input.histories} --out {output}"
        " >> {log} 2> >(tee -a {log} >&2)"


rule figures:
    """Draw a figure of the paper, or the harm map, from what this study made."""
    input:
        unpack(lambda wc: figure_inputs(STUDY, wc.number)),
        code=figure_sources,
    output:
        png=report("results/figures/figure{number}.png", category="Figures"),
        pdf="results/figures/figure{number}.pdf",
    log:
        "logs/figures/{number}.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(figure_options(STUDY, wc.number)),
        module=lambda wc: FIGURES[wc.number],
        inputs=lambda wc: as_arguments(figure_inputs(STUDY, wc.number)),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.figures.{params.module} --options {params.options:q}"
        " {params.inputs} --png {output.png} --pdf {output.pdf}"
        " >> {log} 2> >(tee -a {log} >&2)"
