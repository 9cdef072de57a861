process DIPYTRACTOGEN_FILTER {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "dipy_tractogen"

    input:
    tuple val(meta), path(tractogram)
    path model
    path thresholds

    output:
    tuple val(meta), path("${prefix}.trx"), emit: tractogram
    tuple val(meta), path("${prefix}.json"), emit: metrics
    tuple val("${task.process}"), val('dipy_tractogen'), eval("dipy_filter_streamlines --version | cut -d ' ' -f 2"), topic: versions, emit: versions_dipytractogen

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_filter"
    """
    dipy_filter_streamlines $model $tractogram --thresholds_file $thresholds $args \\
        --out_tractogram ${prefix}.trx --out_metrics ${prefix}.json --quiet
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_filter"
    """
    touch ${prefix}.trx ${prefix}.json
    """
}
