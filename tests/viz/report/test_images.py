import base64
import io

import numpy as np
import PIL.Image
import pytest

from dipy_tractogen.viz.plots import plot_history
from dipy_tractogen.viz.report.images import encode_image, encode_plot

NOISE = np.random.default_rng(0).integers(0, 255, (400, 2000, 3), dtype=np.uint8)


def data_of(image):
    kind, _, text = image.uri.partition(";base64,")
    return kind, base64.b64decode(text)


def decoded(image):
    return PIL.Image.open(io.BytesIO(data_of(image)[1]))


def test_a_large_picture_becomes_smaller(tmp_path):
    path = tmp_path / "large.png"
    PIL.Image.fromarray(NOISE).save(path)
    image = encode_image(path)
    assert (image.width, image.height) == decoded(image).size == (1600, 320)
    assert len(data_of(image)[1]) < path.stat().st_size / 3
    assert not image.moves


def test_what_is_smaller_as_it_is_stays(tmp_path):
    path = tmp_path / "small.jpg"
    PIL.Image.fromarray(NOISE[:64, :64]).save(path, quality=5)
    kind, data = data_of(encode_image(path))
    assert kind == "data:image/jpeg"
    assert data == path.read_bytes()


def test_an_animation_stays_one(tmp_path):
    path = tmp_path / "walk.gif"
    frames = [PIL.Image.fromarray(NOISE[i : i + 90, :90]) for i in (0, 99)]
    durations = {"duration": [300, 50], "loop": 0}
    frames[0].save(path, save_all=True, append_images=frames[1:], **durations)
    image = encode_image(path)
    assert image.moves
    assert image.uri.startswith("data:image/webp")
    assert (image.width, image.height) == (90, 90)
    animation = decoded(image)
    assert animation.n_frames == 2
    found = []
    for frame in range(2):
        animation.seek(frame)
        animation.load()
        found.append(animation.info["duration"])
    assert found == [300, 50]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n" + bytes(99), b"<svg/>"])
def test_what_is_no_picture_is_refused(data, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.png is no picture, or is damaged"):
        encode_image(path)


def test_plots_are_light_and_dark_and_always_the_same():
    history = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]
    first, second = (
        encode_plot(lambda path: plot_history(history, path)) for _ in range(2)
    )
    assert first == second
    light, dark = (data_of(image)[1] for image in first)
    for ink, paper, page, other in (
        (b"#1d2329", b"fill: #ffffff", light, dark),
        (b"#e4e7eb", b"fill: #1b2128", dark, light),
    ):
        assert ink in page
        assert paper in page
        assert ink not in other
        assert paper not in other
    assert b"<metadata>" not in light
