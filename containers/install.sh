#!/bin/sh
# Install dipy_tractogen and what it needs on Debian, as an image has it:
#     containers/install.sh cpu|gpu SOURCE
# Containerfile, dipy_tractogen.def and containers/check run this. It has to be root, and
# SOURCE is a checkout. Into /opt/dipy_tractogen goes an environment of Python, with
# versions.txt, the versions of all its packages.
set -eu
kind=$1
source=$2
case $kind in
cpu) extras= ;;
# TensorFlow has the backend of processors, JAX that of GPUs, with CUDA in its packages.
gpu) extras='jax[cuda12]' ;;
*) echo "ERROR: $kind: expected cpu or gpu." >&2 && exit 1 ;;
esac

export DEBIAN_FRONTEND=noninteractive
# Rendering draws with OpenGL on an X server, Xvfb; Nextflow measures its tasks by ps, of
# procps. What apt says is shown if it fails.
said=$(
    exec 2>&1
    apt-get update -qq &&
        apt-get install -qq -y --no-install-recommends \
            ca-certificates python3-venv procps libgl1 libxrender1 xvfb xauth
) || { echo "$said" >&2 && exit 1; }
rm -rf /var/lib/apt/lists/*

home=/opt/dipy_tractogen
python3 -m venv "$home"
# The bytecode as well: who runs a command cannot write it.
pip="$home/bin/pip --disable-pip-version-check install --quiet --compile"
# One word for each option.
# shellcheck disable=SC2086
$pip "$source[fetch,scene,cluster]" ${extras:+"$extras"}
"$home/bin/pip" freeze --disable-pip-version-check >"$home/versions.txt"
install -m 755 "$source/containers/entry.sh" /usr/local/bin/dipy_tractogen
# Nothing is run as root but this. Who runs the image as another user has that home too.
id tractogen >/dev/null 2>&1 || useradd --create-home --shell /bin/sh tractogen
chmod 1777 /home/tractogen
