process DIPYTRACTOGEN_GENERATE {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "dipy_tractogen"

    input:
    tuple val(meta), path(model)

    output:
    tuple val(meta), path("${prefix}.trx"), emit: tractogram
    tuple val("${task.process}"), val('dipy_tractogen'), eval("dipy_generate_streamlines --version | cut -d ' ' -f 2"), topic: versions, emit: versions_dipytractogen

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_generate"
    """
    dipy_generate_streamlines $model $args --out_tractogram ${prefix}.trx --quiet
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_generate"
    """
    touch ${prefix}.trx
    """
}
