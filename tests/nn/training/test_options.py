import pytest

from dipy_tractogen.nn import ConvBackbone, SpectralBackbone, TrainingOptions

SPECTRAL = SpectralBackbone(32)


def filled(nb_streamlines, backbone=SPECTRAL, **options):
    chosen = TrainingOptions(**options).for_backbone(backbone, nb_streamlines)
    return chosen.batch_size, chosen.learning_rate


@pytest.mark.parametrize("limit", [{}, {"epochs": 1000.0}, {"max_minutes": 600.0}])
@pytest.mark.parametrize("nb_streamlines", [1, 255, 72_000, 153_599])
def test_small_data_keep_what_the_backbone_has(nb_streamlines, limit):
    assert filled(nb_streamlines, **limit) == (256, 2e-3)


@pytest.mark.parametrize(
    ("nb_streamlines", "expected"),
    [
        (153_600, (512, 2.83e-3)),
        (307_200, (1024, 4e-3)),
        (1_000_000, (2048, 5.66e-3)),
        (1_228_800, (4096, 8e-3)),
        (50_000_000, (4096, 8e-3)),
    ],
)
def test_batch_grows_with_the_data(nb_streamlines, expected):
    assert filled(nb_streamlines) == pytest.approx(expected, rel=2e-3)
    # Those of many passes are as large, and there are more of them.
    assert filled(nb_streamlines, epochs=500) == filled(nb_streamlines)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({"epochs": 1}, 256),
        ({"epochs": 3.072}, 512),
        ({"epochs": 13}, 2048),
        ({"max_minutes": 2}, 256),
        ({"max_minutes": 2.048}, 512),
        ({"max_minutes": 60}, 2048),
        ({"max_minutes": 60, "epochs": 4}, 512),
        ({"max_minutes": 2, "epochs": 100}, 256),
    ],
)
def test_short_training_keeps_its_steps(limit, expected):
    assert filled(1_000_000, **limit)[0] == expected


def test_what_is_given_is_taken():
    assert filled(10**6, batch_size=300, learning_rate=0.1) == (300, 0.1)
    assert filled(10**6, learning_rate=0.1) == (2048, 0.1)
    assert filled(10**6, batch_size=64) == (64, 2e-3)
    assert filled(10**6, batch_size=2304) == (2304, pytest.approx(6e-3))
    assert filled(10**6, batch_size=10**6) == (10**6, 8e-3)
    assert filled(0, batch_size=2304) == (2304, 2e-3)
    # No batch is larger than the data.
    assert filled(200, batch_size=768) == (768, 2e-3)
    assert filled(1024, batch_size=10**6) == (10**6, 4e-3)


def test_convolutions_keep_their_batch():
    assert filled(10**7, ConvBackbone(64)) == (128, 6.68e-4)
    assert filled(10**7, ConvBackbone(64), learning_rate=0.1) == (128, 0.1)
