"""Metadata; the console scripts come from the registry in workflows/cli.py."""

import ast
from pathlib import Path
import re

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "dipy_tractogen"


def read_version():
    """Read the version from the text: importing would need the dependencies."""
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)[1]


def read_commands():
    """Read the keys of the literal ``cli_flows`` without importing the package."""
    source = (PACKAGE / "workflows" / "cli.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "cli_flows":
            return list(ast.literal_eval(node.value))
    raise ValueError("workflows/cli.py has no literal cli_flows.")


setup(
    name="dipy_tractogen",
    version=read_version(),
    description="Generative models of white-matter streamlines, a plugin of DIPY",
    long_description=(ROOT / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    author="dipy_tractogen developers",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    packages=find_packages(include=["dipy_tractogen", "dipy_tractogen.*"]),
    package_data={
        "dipy_tractogen": ["models/*.keras"],
        "dipy_tractogen.viz.report": ["templates/*"],
        "dipy_tractogen.viz.webgl": ["templates/*"],
    },
    # DIPY 1.12.1, trx-python 0.4 and Keras 3.13 start at Python 3.11.
    python_requires=">=3.11",
    # The lower bounds are those that the tests pass with, on Python 3.11; Keras's is
    # higher.
    install_requires=[
        "dipy>=1.12",
        # TensorFlow 2.21 has no build for Python 3.14: JAX or PyTorch do there.
        'tensorflow>=2.18; python_version < "3.14"',
        # Earlier versions have known ways around the safe mode of loading.
        "keras>=3.11.3",
        "numpy>=1.26",
        "scipy>=1.11",
        "nibabel>=5.4",
        "h5py>=3.10",
        "scikit-learn>=1.4",
        "joblib>=1.3",
        "threadpoolctl>=3.1",
        "matplotlib>=3.8",
        "pillow>=10.1",
        "jinja2>=3.1",
        "tqdm>=4.64",
        "optuna>=4.2",
        # Locks of subjects that several processes work on.
        "filelock>=3.12",
        # DIPY's viewer refuses FURY 2. FURY 0.12 needs VTK < 9.4, which has no build
        # from Python 3.13 on: everything but rendering works there.
        'fury>=0.12,<1; python_version < "3.13"',
    ],
    extras_require={
        # Other backends of Keras.
        "jax": ["jax>=0.10"],
        "torch": ["torch>=2.13"],
        # A new minor version of ruff brings new rules and another layout.
        "test": [
            "pytest>=8.2",
            "pytest-xdist>=3.6",
            "ruff>=0.17,<0.18",
            "trx-python>=0.4",
            "tensorboard>=2.18",
            "playwright>=1.40",
            "pooch>=1.8",
            "k3d>=3.2,<4",
            "distributed>=2025.1",
            "dask-jobqueue>=0.9",
            "psycopg2-binary>=2.9",
            "snakemake>=9.0",
            "boutiques>=0.5.30",
        ],
        # Models of the user's address list.
        "fetch": ["pooch>=1.8"],
        # Interactive scenes; a page reads what K3D writes, which changes with it.
        "scene": ["k3d>=3.2,<4"],
        # Work on a cohort by several processes or machines.
        "cluster": ["dask>=2025.1", "distributed>=2025.1", "dask-jobqueue>=0.9"],
        # A search that several machines share by a database.
        "postgresql": ["psycopg2-binary>=2.9"],
        # What tests hold the trees of cohorts against.
        "bids": ["bids-validator-deno>=2", "pybids>=0.19"],
        # Event files of a training.
        "tensorboard": ["tensorboard>=2.18"],
        # Projections of latents by UMAP.
        "umap": ["umap-learn>=0.5.7"],
        # Import of published weights; earlier versions could be made to run code.
        "published": ["torch>=2.6"],
        "doc": [
            "sphinx>=7.4",
            "numpydoc>=1.6",
            "sphinx-gallery>=0.18",
            "sphinxcontrib-bibtex>=2.6",
            "pydata-sphinx-theme>=0.16",
            "sphinx-mathjax-offline>=0.0.2",
        ],
    },
    entry_points={
        "console_scripts": [
            f"{command} = dipy_tractogen.workflows.runtime.start:run"
            for command in read_commands()
        ]
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Medical Science Apps.",
    ],
)
