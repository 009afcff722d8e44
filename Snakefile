configfile: "params.yaml"


include: "pipeline/rules/common.smk"
include: "pipeline/rules/data.smk"
include: "pipeline/rules/poses.smk"
include: "pipeline/rules/gan.smk"
include: "pipeline/rules/generate.smk"
include: "pipeline/rules/classify.smk"
include: "pipeline/rules/report.smk"


rule all:
    """Every product of the active study."""
    default_target: True
    input:
        expand("results/table{number}.csv", number=["5", "8", "9"]),
        expand("results/sheets/{sheet}.png", sheet=SHEETS),
    localrule: True
