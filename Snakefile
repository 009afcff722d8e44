configfile: "params.yaml"


include: "pipeline/rules/common.smk"
include: "pipeline/rules/data.smk"
include: "pipeline/rules/poses.smk"
include: "pipeline/rules/gan.smk"
include: "pipeline/rules/generate.smk"
include: "pipeline/rules/classify.smk"
include: "pipeline/rules/audit.smk"
include: "pipeline/rules/rating.smk"
include: "pipeline/rules/figures.smk"
include: "pipeline/rules/verdict.smk"
include: "pipeline/rules/report.smk"


rule all:
    """Every artifact of the active study; one that was lost is made again."""
    default_target: True
    input:
        STUDY.artifacts().values(),
    localrule: True


for made_by, files in STUDY.artifacts().items():

    rule:
        """Every artifact of one rule: what a stage of dvc.yaml asks for."""
        name:
            f"all_{made_by}"
        input:
            files,
        localrule: True
