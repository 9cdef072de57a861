"""Import paths of version 0.1."""

from importlib import import_module
import subprocess
import sys

import pytest

from dipy_tractogen.utils.moved import MOVED, RenamedAttribute


@pytest.mark.parametrize("old", sorted(MOVED))
def test_old_paths_give_the_same_objects_and_warn(old):
    name = f"dipy_tractogen.{old}"
    sys.modules.pop(name, None)
    with pytest.warns(
        DeprecationWarning, match=f"{name} is now dipy_tractogen"
    ) as said:
        module = import_module(name)
    # The line that imports is shown, not ours.
    assert not said[0].filename.endswith("moved.py")
    new = import_module(f"dipy_tractogen.{MOVED[old]}")
    public = [name for name in vars(new) if not name.startswith("_")]
    assert public
    assert all(getattr(module, name) is getattr(new, name) for name in public)
    assert new.__name__ == f"dipy_tractogen.{MOVED[old]}"


def test_others_are_not_found():
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        import_module("dipy_tractogen.streamlines.no_such")


def test_warning_is_seen_where_the_user_imports():
    code = "from dipy_tractogen.streamlines.phantom import simulate_fibercup"
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "DeprecationWarning" in done.stderr
    assert "dipy_tractogen.streamlines.simulation.phantom" in done.stderr


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("sampling.condition_request", "Asked", "ConditionRequest"),
        ("sampling.latents", "LatentBank", "LatentPosteriors"),
        ("sampling.texture.endpoints", "RealEnds", "Endpoints"),
        (
            "sampling.samplers.gaussian_mixture",
            "NormalMixture",
            "ConditionalGaussianMixture",
        ),
        ("viz.latent.traversal", "render_walk", "render_traversal"),
        ("viz.latent.traversal", "WalkStep", "TraversalStep"),
    ],
)
def test_old_names_give_the_same_objects_and_warn(module, old, new):
    module = import_module(f"dipy_tractogen.{module}")
    with pytest.warns(DeprecationWarning, match=f"{old} is now {new}; ") as said:
        found = getattr(module, old)
    assert found is getattr(module, new)
    assert said[0].filename == __file__
    with pytest.raises(AttributeError, match="no_such"):
        _ = module.no_such


def test_old_attributes_of_instances_warn():
    class Example:
        old = RenamedAttribute("new")
        new = 3

    with pytest.warns(DeprecationWarning, match="Example.old is now new") as said:
        assert Example().old == 3
    assert said[0].filename == __file__
    assert not hasattr(Example, "old")
