"""Every page of the menu, as the owner of a fresh installation sees it."""

import pytest
from nicegui.testing.user import User

import pages
from app.core.discover import instances
from components.page import PageSpec

PAGES = instances(pages, PageSpec)


@pytest.mark.parametrize("spec", PAGES, ids=lambda spec: spec.path)
async def test_a_page_opens_with_few_elements(owner: User, spec: PageSpec) -> None:
    client = await owner.open(spec.path)
    await owner.should_not_see("could not be shown")
    await owner.should_see(spec.title)
    assert len(client.elements) < 100
