"""The page of a scene in headless Chromium, whose WebGL is SwiftShader."""

import base64
from dataclasses import replace
import io

import nibabel as nib
import numpy as np
from PIL import Image
import pytest

from dipy_tractogen.viz import Panel
from dipy_tractogen.viz.webgl import write_scene

pytest.importorskip("k3d")

NAMES = ("<img src=x onerror=alert(1)>", "</script><b>bold</b>", "bundle_3")
NO_WEBGL = "HTMLCanvasElement.prototype.getContext = () => null"


@pytest.fixture(scope="module")
def scene(phantom, tmp_path_factory):
    """Two panels of three bundles with the names of an attacker."""
    three = phantom.select(phantom.labels < len(NAMES))
    three = replace(three, bundle_names=NAMES, values={"age": np.arange(len(three))})
    moved = replace(three, streamlines=[line + 5 for line in three.streamlines])
    panels = [Panel("<i>real</i>", three), Panel("generated", moved)]
    path = tmp_path_factory.mktemp("scene") / "scene.html"
    return write_scene(panels, path, title="<b>", view="top")


def open_in(browser, path, *, script=""):
    """Open a page, and note its errors and what it asks for."""
    page = browser.new_page(viewport={"width": 700, "height": 360})
    page.errors, page.asked_for = [], []
    page.on(
        "console",
        lambda said: page.errors.append(said.text) if said.type == "error" else None,
    )
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("dialog", lambda dialog: page.errors.append(dialog.message))
    page.on("request", lambda request: page.asked_for.append(request.url))
    if script:
        page.add_init_script(script)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-state]", timeout=60_000)
    return page


@pytest.fixture(scope="module")
def page(browser, scene):
    """One page, which each test leaves as it was."""
    page = open_in(browser, scene)
    yield page
    page.close()


def picture(page, panel=0):
    """Give the pixels of a panel, RGBA; what is not drawn on is transparent."""
    canvas = page.locator(".canvas canvas").nth(panel)
    uri = canvas.evaluate("canvas => canvas.toDataURL()")
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    return np.asarray(image.convert("RGBA"))


def ink(page, panel=0):
    """Count the pixels of a panel that are drawn on."""
    return np.count_nonzero(picture(page, panel)[..., 3])


def is_like(one, other):
    """Tell whether pictures are the same, but for lines of another order."""
    return (one != other).any(axis=2).sum() < 50


def wait_until(true, page):
    """Wait until something has been drawn."""
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(100)
    pytest.fail("nothing changed in 20 s")


def test_it_is_drawn_in_silence_and_asks_for_nothing_else(page, scene):
    assert page.locator("html").get_attribute("data-state") == "drawn"
    wait_until(lambda: min(ink(page), ink(page, 1)) > 500, page)
    assert page.errors == []
    assert {url for url in page.asked_for if not url.startswith("data:")} == {
        scene.as_uri()
    }


def test_names_are_text(page):
    assert page.locator("#bundles label").all_inner_texts() == sorted(NAMES)
    captions = page.locator("figcaption").all_inner_texts()
    assert captions == ["<i>real</i>\n36 streamlines", "generated\n36 streamlines"]
    assert page.title() == "<b>"
    assert page.locator("img, b, i").count() == 0


def test_a_bundle_that_is_switched_off_disappears(page):
    before = ink(page)
    box = page.get_by_label(NAMES[1])
    box.uncheck()
    wait_until(lambda: 0 < ink(page) < 0.9 * before, page)
    wait_until(lambda: ink(page, 1) < 0.9 * before, page)
    box.check()
    wait_until(lambda: ink(page) == before, page)
    page.get_by_role("button", name="None").click()
    wait_until(lambda: ink(page) == ink(page, 1) == 0, page)
    page.get_by_role("button", name="All").click()
    wait_until(lambda: ink(page) == before, page)


def test_colours_are_chosen(page):
    select = page.get_by_label("Colours")
    choices = ["bundle", "direction", "length (mm)", "age"]
    assert select.locator("option").all_inner_texts() == choices
    by_bundle = picture(page)
    select.select_option("age")
    wait_until(lambda: not is_like(picture(page), by_bundle), page)
    assert page.locator("#key .limits").inner_text().split() == ["0", "34.6"]
    box = page.get_by_label(NAMES[0])
    box.uncheck()
    select.select_option("direction")
    assert "left to right" in page.locator("#key").inner_text()
    # A bundle that was off has the new colours, too.
    box.check()
    select.select_option("bundle")
    wait_until(lambda: is_like(picture(page), by_bundle), page)


def test_panels_turn_together_and_tell_the_sides(page):
    letters = page.locator("figure >> nth=1").locator(".letter")
    assert letters.all_inner_texts() == ["L", "R", "A", "P"]
    before = [picture(page, panel) for panel in (0, 1)]
    box = page.locator(".canvas").first.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 30, steps=5)
    page.mouse.up()
    for panel in (0, 1):
        wait_until(lambda at=panel: not is_like(picture(page, at), before[at]), page)
    page.get_by_role("button", name="front").click()
    assert letters.all_inner_texts() == ["R", "L", "S", "I"]
    page.get_by_role("button", name="top").click()
    for panel in (0, 1):
        wait_until(lambda at=panel: is_like(picture(page, at), before[at]), page)


def test_the_policy_refuses_other_scripts(page):
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'taken over'";
          document.body.append(script);
        }"""
    )
    assert page.title() == "<b>"
    assert len(page.errors) == 1
    assert "Content Security Policy" in page.errors.pop()


def test_without_webgl_it_says_so(browser, scene):
    page = open_in(browser, scene, script=NO_WEBGL)
    message = "The scene cannot be drawn: this browser has no WebGL."
    assert page.get_by_role("status").inner_text() == message
    assert page.errors == []
    page.close()


def extent(page, *, least):
    """Give the first and last row and column of pixels of some opacity."""
    rows, columns = np.nonzero(picture(page)[..., 3] >= least)
    return np.array([rows.min(), columns.min(), -rows.max(), -columns.max()])


def test_mask_is_drawn_where_it_is(browser, phantom, tmp_path):
    """As of glass, around one bundle; the axes of its image are in another order."""
    points = phantom.select(phantom.labels == 0).streamlines._data
    low, order, size = points.min(axis=0), [2, 0, 1], 2.0
    affine = np.zeros((4, 4))
    affine[order, range(3)] = size
    affine[:3, 3], affine[3, 3] = low - 20, 1
    shape = np.ceil((np.ptp(points, axis=0) + 40) / size).astype(int)[order]
    inside = np.zeros(shape, dtype=np.uint8)
    inside[4:-4, 4:-4, 4:-4] = 1
    nib.save(nib.Nifti1Image(inside, affine), tmp_path / "mask.nii.gz")
    options = {"view": "top", "mask": tmp_path / "mask.nii.gz"}
    path = write_scene([Panel("all", phantom)], tmp_path / "scene.html", **options)
    page = open_in(browser, path)
    # Both are drawn at once.
    whole, before = extent(page, least=250), ink(page)
    page.click("#none")
    wait_until(lambda: ink(page) < before, page)
    glass = extent(page, least=1)
    assert picture(page)[..., 3].max() < 250
    page.locator("#bundles input").first.check()
    wait_until(lambda: picture(page)[..., 3].max() >= 250, page)
    bundle = extent(page, least=250)
    assert (glass < bundle).all()
    assert (glass > whole).any()
    assert page.errors == []
    page.close()
