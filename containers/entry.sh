#!/bin/sh
# Run a command of dipy_tractogen, or of DIPY: dipy_tractogen dipy_generate_streamlines ...
PATH=/opt/dipy_tractogen/bin:$PATH
export PATH
case ${1-} in
dipy_*) exec "$@" ;;
esac
[ $# = 0 ] || echo "ERROR: $1: give one of these commands, and its options." >&2
cd /opt/dipy_tractogen/bin && ls dipy_*
[ $# = 0 ]
