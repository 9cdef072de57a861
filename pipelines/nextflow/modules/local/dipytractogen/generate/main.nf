process DIPYTRACTOGEN_GENERATE {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "dipy_tractogen"

    input:
    tuple val(meta), path(model)

    output:
    tuple val(meta), path("${prefix}.trx"), emit: tractogram
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_generate"
    """
    dipy_generate_streamlines $model $args --out_tractogram ${prefix}.trx --quiet

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        dipy_tractogen: \$(dipy_generate_streamlines --version | cut -d ' ' -f 2)
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_generate"
    """
    touch ${prefix}.trx

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        dipy_tractogen: \$(dipy_generate_streamlines --version | cut -d ' ' -f 2)
    END_VERSIONS
    """
}
