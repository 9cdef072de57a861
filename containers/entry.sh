#!/bin/sh
# Run a command of dipy_tractogen, or of DIPY: dipy_tractogen dipy_generate_streamlines ...
# Pipelines give a shell, which has to run as well.
PATH=/opt/dipy_tractogen/bin:$PATH
export PATH
if [ $# != 0 ]; then
    command -v -- "$1" >/dev/null && exec "$@"
    echo "ERROR: $1: give one of these commands, and its options." >&2
fi
cd /opt/dipy_tractogen/bin && ls dipy_*
[ $# = 0 ]
