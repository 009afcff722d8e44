rule verdict:
    """Say whether generated images help more than rivals do, by how much, and how sure that is."""
    input:
        predictions=compared_predictions,
        code=source_files("pipeline.verdict.statement"),
    output:
        statement=report("results/verdict.md", category="Verdict"),
        numbers="results/verdict/verdict.json",
        table="results/verdict/verdict.csv",
    log:
        "logs/verdict/verdict.log",
    conda:
        "../../envs/main.yaml"
    params:
        options=lambda wc: as_json(
            {"dataset": STUDY.target, "verdicts": STUDY.verdicts()}
        ),
    shell:
        ": > {log}; python -m pipeline.warm pipeline.verdict.statement --options {params.options:q}"
        " --predictions {input.predictions} --out {output.statement} --numbers {output.numbers} --table {output.table}"
        " >> {log} 2> >(tee -a {log} >&2)"
