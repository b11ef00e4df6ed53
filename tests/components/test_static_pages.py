"""Log-in and set-up without a script."""

from html.parser import HTMLParser

import pytest

from components.static_pages import dead_link_page, login_page, setup_page

PAGES = {
    "log in": login_page(error=None),
    "log in, refused": login_page(error="That e-mail and password do not go together.", email="ada@example.org"),
    "set up": setup_page(token="tok", error=None),
    "set up, refused": setup_page(token="tok", error="password: at least 8 characters.", email="ada@example.org"),
    "dead link": dead_link_page(),
}


class _Form(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, str | None]] = {}
        self.labels: set[str | None] = set()
        self.form: dict[str, str | None] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "form":
            self.form = attributes
        if tag == "input" and attributes.get("name"):
            self.fields[str(attributes["name"])] = attributes
        if tag == "label":
            self.labels.add(attributes.get("for"))


def test_log_in_posts_what_the_handler_reads() -> None:
    form = _Form(login_page(error=None, next="/logs?id=req_1"))
    assert form.form["action"] == "/auth/login"
    assert form.form["method"] == "post"
    assert set(form.fields) == {"email", "password", "remember", "next"}
    assert form.fields["next"]["value"] == "/logs?id=req_1"


def test_set_up_posts_what_the_handler_reads() -> None:
    form = _Form(setup_page(token="tok", error=None))
    assert form.form["action"] == "/setup"
    assert set(form.fields) == {"token", "email", "name", "password"}
    assert form.fields["token"]["value"] == "tok"


def test_password_managers_know_the_fields() -> None:
    log_in, set_up = _Form(login_page(error=None)).fields, _Form(setup_page(token="t", error=None)).fields
    assert log_in["email"]["autocomplete"] == "username"
    assert log_in["password"]["autocomplete"] == "current-password"
    assert set_up["password"]["autocomplete"] == "new-password"


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_nothing_stands_inline_so_that_a_strict_policy_holds(page: str) -> None:
    for tag, attributes in _Form(page).tags:
        assert tag != "style"
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if tag == "script":
            assert str(attributes["src"]).startswith("/static/")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_no_asset_comes_from_another_host(page: str) -> None:
    for _, attributes in _Form(page).tags:
        for name in ("src", "href"):
            assert str(attributes.get(name) or "/").startswith("/")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_field_has_a_label(page: str) -> None:
    form = _Form(page)
    for name, attributes in form.fields.items():
        if attributes.get("type") not in ("hidden", "checkbox"):
            assert attributes.get("id") in form.labels, name


def test_an_error_is_announced_and_what_was_typed_stays_but_the_password() -> None:
    page = login_page(error="That <b> does not fit.", email='a"b@example.org')
    form = _Form(page)
    assert 'role="alert"' in page
    assert "That &lt;b&gt; does not fit." in page
    assert form.fields["email"]["value"] == 'a"b@example.org'
    assert "value" not in form.fields["password"]
