"""Tables of notebooks hold text of files, and no markup of it."""

from dipy_tractogen.utils.notebook import html_table


def test_text_is_escaped():
    found = html_table("<b>", [("<script>", 3), ("a\nb", None)], ("&", "x"))
    assert found == (
        "<table><caption>&lt;b&gt;</caption><tr><th>&amp;</th><th>x</th></tr>"
        "<tr><td>&lt;script&gt;</td><td>3</td></tr>"
        "<tr><td>a\\nb</td><td>None</td></tr></table>"
    )
