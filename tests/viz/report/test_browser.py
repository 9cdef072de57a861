"""The page in headless Chromium: what a reader sees and can do."""

from dataclasses import replace
from itertools import pairwise

import pytest

from dipy_tractogen.viz import can_render
from dipy_tractogen.viz.report import write_report

from .conftest import NAMES, make_entry

# What K3D and the renderer of the browser tell of themselves.
KNOWN = ("K3D: ", "[.WebGL-")

# Ratio of luminances of each text with what it stands on, smallest of all.
CONTRAST = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paperOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const rgba = channels(getComputedStyle(at).backgroundColor);
      if (rgba.length === 3 || rgba[3] === 1) return rgba;
    }
    throw new Error("no background");
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const texts = [...element.childNodes].filter(
      (node) => node.nodeType === 3 && node.textContent.trim());
    if (!texts.length || element.closest(".hidden, script")) continue;
    const ink = luminance(channels(getComputedStyle(element).color));
    const paper = luminance(paperOf(element));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    found.push([ratio, element.outerHTML.slice(0, 80)]);
  }
  return [found.length, ...found.sort((a, b) => a[0] - b[0])[0]];
}"""


@pytest.fixture(scope="module")
def report(inputs, tmp_path_factory):
    """One report for all tests, with a rendered picture where that is possible."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    # Other tests see what else would be rendered.
    fewer = replace(inputs, generated=None, reconstructed=None)
    return write_report(fewer, path, max_streamlines=20)


def open_in(browser, report, *, scheme="light", width=1200, script=True):
    """Open the report, and note what the page says and asks for."""
    page = browser.new_page(
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
        java_script_enabled=script,
    )
    page.said, page.asked_for = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("dialog", lambda dialog: page.said.append(dialog.message))
    page.on("request", lambda request: page.asked_for.append(request.url))
    page.goto(report.as_uri())
    return page


@pytest.fixture(scope="module")
def page(browser, report):
    """The report on a light screen, for tests that do not change it for others."""
    page = open_in(browser, report)
    yield page
    page.close()


@pytest.fixture
def open_page(browser, report):
    """Open the report anew, and close it at the end."""
    pages = []

    def open_one(**options):
        pages.append(open_in(browser, report, **options))
        return pages[-1]

    yield open_one
    for page in pages:
        page.close()


def test_it_opens_in_silence_and_asks_for_nothing_else(page, report):
    assert page.said == []
    others = {url for url in page.asked_for if not url.startswith("data:")}
    assert others == {report.as_uri()}
    assert page.title() == "model.keras: VAE of 3 bundles, 1,630 training streamlines"


def test_scripts_from_elsewhere_are_refused(open_page):
    page = open_page()
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'taken over'";
          document.body.append(script);
        }"""
    )
    assert "Content Security Policy" in page.said[0]
    assert page.title() != "taken over"


def test_every_picture_loads_and_says_what_it_shows(page):
    pictures = page.eval_on_selector_all(
        "img", "all => all.map(one => [one.complete && one.naturalWidth, one.alt])"
    )
    # Curves, quality and distributions twice; one given, one animated, one rendered.
    assert len(pictures) == 8 + can_render()
    assert all(width > 0 and len(alt) > 5 for width, alt in pictures)


def test_an_animation_plays_only_when_asked(page):
    animation = page.locator("img[alt='A walk']")
    assert not animation.is_visible()
    animation.locator("xpath=..").locator("summary").press("Enter")
    assert animation.is_visible()


def column(page, key, number):
    """Texts of a column of a table."""
    rows = f"table[aria-labelledby={key}] tbody tr"
    return page.eval_on_selector_all(
        rows, f"rows => rows.map(row => row.cells[{number}].dataset.value)"
    )


def test_tables_sort_by_keyboard_both_ways(page):
    heading = page.locator("table[aria-labelledby=streamlines] th", has_text="training")
    button = heading.get_by_role("button")
    button.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert column(page, "streamlines", 1) == ["1200", "400", "30"]
    button.press("Space")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert column(page, "streamlines", 1) == ["30", "400", "1200"]
    sorted_by = page.locator("table[aria-labelledby=streamlines] th[aria-sort]")
    assert sorted_by.count() == 1


def test_missing_values_come_last(page):
    button = page.locator("table[aria-labelledby=conditions] th button").nth(2)
    for _ in range(2):
        button.click()
        assert column(page, "conditions", 2) == ["50.0", None]


def test_names_sort_with_their_numbers(page):
    page.locator("table[aria-labelledby=quality] th button").first.click()
    names = column(page, "quality", 0)
    assert names == ["<script>alert(1)</script>", "bundle_10", names[2]]
    assert names[2].startswith("Ünïcode")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(open_page, scheme):
    page = open_page(scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    number, ratio, where = page.evaluate(CONTRAST)
    assert number > 100
    assert ratio >= 4.5, where


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_colours_follow_the_system_and_the_switch(open_page):
    light, dark = open_page(), open_page(scheme="dark")
    assert background(light) != background(dark)
    assert dark.locator("img.for-dark").first.is_visible()
    assert not dark.locator("img.for-light").first.is_visible()
    light.get_by_role("button", name="Dark colours").press("Enter")
    assert background(light) == background(dark)
    assert light.locator("img.for-dark").first.is_visible()
    light.get_by_role("button", name="Light colours").press("Enter")
    assert not light.locator("img.for-dark").first.is_visible()


def test_no_sideways_scroll_on_a_telephone(open_page):
    page = open_page(width=360)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    wide = page.get_by_role("region", name="Quality by bundle")
    assert wide.evaluate("one => one.scrollWidth > one.clientWidth")
    wide.evaluate(
        "one => { window.scrolled = new Promise(done => { one.onscroll = done; }); }"
    )
    wide.press("ArrowRight")
    page.evaluate("window.scrolled.then(() => true)")
    assert wide.evaluate("one => one.scrollLeft") > 0


def test_commands_can_be_copied(open_page):
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: Train").press("Enter")
    page.get_by_role("status").filter(has_text="Copied.").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("dipy_train_vae b.trk")
    assert copied.endswith("\\\n    --out_dir a")


def test_headings_and_landmarks_are_in_order(open_page):
    page = open_page()
    levels = page.eval_on_selector_all(
        "h1, h2, h3", "all => all.map(one => Number(one.tagName[1]))"
    )
    assert levels[:2] == [1, 2]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("main").count() == 1
    ids = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(set(ids)) == len(ids)
    named = page.eval_on_selector_all(
        "[aria-labelledby], nav a",
        "all => all.map(one => (one.hash ?? '').slice(1) || "
        "one.getAttribute('aria-labelledby'))",
    )
    assert set(named) <= set(ids)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_it_is_printed_whole_and_on_white(open_page):
    page = open_page(scheme="dark")
    page.get_by_role("button", name="Light colours").click()
    page.get_by_role("button", name="Dark colours").click()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(29, 35, 41)"
    assert page.locator("img.for-light").first.is_visible()
    assert not page.locator("nav").is_visible()
    assert page.locator("details:not([open])").count() == 0


def test_it_can_be_read_without_scripts(open_page):
    page = open_page(script=False)
    assert page.get_by_role("button").count() == 0
    assert page.get_by_role("row").count() > 10
    assert page.locator("img.for-light").first.is_visible()


def test_a_click_shows_a_picture_in_its_own_size(open_page):
    page = open_page(width=400)
    picture = page.locator("figure button.large").first
    shown = picture.locator("img").bounding_box()["width"]
    picture.click()
    large = page.locator("dialog[open] img")
    assert large.bounding_box()["width"] > shown
    large.click()
    assert not page.locator("dialog[open]").count()


def test_many_rows_are_folded_and_sorted_before(browser, inputs, tmp_path):
    entries = {f"bundle_{n}": make_entry(0.5 + n / 100) for n in range(30)}
    metrics = {**inputs.metrics, "bundles": entries}
    many = replace(inputs, metrics=metrics, real=None, generated=None)
    many = replace(many, reconstructed=None)
    page = open_in(browser, write_report(many, tmp_path / "many.html"), width=400)
    table = page.locator("table[aria-labelledby=quality]")
    names = table.locator("tbody tr:visible th")
    assert names.all_inner_texts() == [f"bundle_{n}" for n in range(12)]
    table.get_by_role("button", name="recall").click()
    assert names.all_inner_texts()[0] == "bundle_29"
    assert names.count() == 12
    page.get_by_role("button", name="Show all 30 rows").first.click()
    assert names.count() == 30
    area = table.locator("..")
    assert "goes-on" in area.get_attribute("class")
    area.evaluate("each => { each.scrollLeft = each.scrollWidth; }")
    page.wait_for_function(
        "e => !e.classList.contains('goes-on')", arg=area.element_handle()
    )
    page.close()


def test_streamlines_can_be_turned_in_the_page(open_page, report):
    pytest.importorskip("k3d")
    page = open_page(scheme="dark")
    assert page.locator("iframe").count() == 0
    page.get_by_role("button", name="Turn the streamlines").press("Enter")
    frame = page.frame_locator("iframe")
    frame.locator("html[data-state=drawn]").wait_for(state="attached", timeout=60_000)
    assert frame.locator("#bundles label").all_inner_texts() == sorted(NAMES)
    assert frame.locator("html").get_attribute("data-theme") == "dark"
    drawn = """canvas => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, index) => index % 4 === 3 && value > 0).length;
    }"""
    assert frame.locator(".canvas canvas").first.evaluate(drawn) > 500
    page.get_by_role("button", name="Light colours").click()
    frame.locator("html[data-theme=light]").wait_for(state="attached")
    # The page that is held can neither reach the one around it nor the network.
    alone = "() => { try { return !parent.document; } catch { return true; } }"
    assert frame.locator("body").evaluate(alone)
    assert {url.partition(":")[0] for url in page.asked_for} <= {"file", "data"}
    assert [text for text in page.said if not text.startswith(KNOWN)] == []
    page.emulate_media(media="print")
    assert not page.locator("#scene").is_visible()
    assert page.locator("figure img").first.is_visible()


def test_without_webgl_the_picture_stays(browser, report):
    pytest.importorskip("k3d")
    page = browser.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(report.as_uri())
    assert "no WebGL" in page.locator("#scene").inner_text()
    assert page.get_by_role("button", name="Turn the streamlines").count() == 0
    page.close()
