"""HTML made by the server."""

from components.markup import Html, h, icon_button, join, menu, menu_item


def test_text_is_escaped_and_html_is_not() -> None:
    assert h("p", "<b>&", h("b", "x")) == "<p>&lt;b&gt;&amp;<b>x</b></p>"


def test_attributes_are_escaped_and_absent_ones_left_out() -> None:
    made = h("input", value='"><script>', aria_label="A & B", disabled=True, title=None, hidden=False)
    assert made == '<input value="&quot;&gt;&lt;script&gt;" aria-label="A &amp; B" disabled/>'


def test_classes_follow_the_name_and_may_be_added() -> None:
    assert h("div.a.b", class_="c") == '<div class="a b c"></div>'


def test_children_may_be_nested_lists_numbers_or_nothing() -> None:
    assert join("a", None, [1, ["b", h("i")]], "") == "a1b<i></i>"


def test_an_empty_svg_element_closes_itself_so_that_the_next_one_is_not_its_child() -> None:
    assert h("svg", h("path", d="M0 0"), h("path", d="M1 1")) == '<svg><path d="M0 0"/><path d="M1 1"/></svg>'


def test_a_button_that_shows_only_an_icon_has_a_name() -> None:
    made = icon_button("copy", "Copy id")
    assert 'aria-label="Copy id"' in made
    assert 'aria-hidden="true"' in made


def test_a_menu_tells_what_it_is_and_its_lines_are_items() -> None:
    made = menu("More for ci", None, menu_item("Revoke", danger=True, data_act="revoke", data_value="key_1"))
    assert 'aria-haspopup="menu"' in made
    assert 'role="menuitem"' in made
    assert 'data-act="revoke"' in made


def test_a_choice_in_a_menu_says_whether_it_is_chosen() -> None:
    assert 'role="menuitemradio" aria-checked="true"' in menu_item("Dark", checked=True)


def test_html_stays_html_when_joined() -> None:
    assert isinstance(join(h("b", "x"), "y"), Html)
