"""The registry of pages."""

import pytest

import pages
from app.core.discover import instances
from app.security.permissions import Permission, Role, allows
from app.services.views import Person
from components import static_files
from components.menu import GROUPS, in_menu
from components.page import PageSpec, page

PAGES = instances(pages, PageSpec)
ICONS = (static_files.FOLDER / "icons.svg").read_text(encoding="utf-8")


def _person(role: Role) -> Person:
    return Person(id="usr_1", email="ada@example.org", name="Ada", role=role)


def test_the_pages_of_the_menu_are_found_by_themselves() -> None:
    assert {spec.path for spec in PAGES} >= {"/", "/chat", "/providers", "/keys", "/logs"}


@pytest.mark.parametrize("spec", PAGES, ids=lambda spec: spec.path)
def test_a_page_says_what_it_is_and_who_may_open_it(spec: PageSpec) -> None:
    assert spec.title[:1].isupper()
    assert f'id="{spec.icon}"' in ICONS
    assert isinstance(spec.permission, Permission)
    assert spec.group in GROUPS
    assert spec.density in ("compact", "comfortable")


def test_paths_and_keys_are_each_given_once() -> None:
    assert len({spec.path for spec in PAGES}) == len(PAGES)
    keys = [spec.key for spec in PAGES if spec.key]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("role", Role)
def test_the_menu_shows_exactly_what_a_role_may_open(role: Role) -> None:
    shown = {spec.path for spec in in_menu(PAGES, _person(role))}
    for spec in PAGES:
        granted = allows(role, spec.permission) or (spec.also is not None and allows(role, spec.also))
        assert (spec.path in shown) == granted


def test_a_second_permission_opens_a_page_as_well() -> None:
    async def build(_: object) -> None: ...

    spec = page("/x", title="X", icon="key", permission=Permission.OWN_KEYS, also=Permission.READ_ALL_LOGS)(build)
    assert spec.open_to(Role.MEMBER)
    assert spec.open_to(Role.VIEWER)
