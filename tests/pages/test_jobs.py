"""Jobs: what runs by itself, and a button that runs it now."""

from __future__ import annotations

from nicegui.testing.user import User

from app.services.container import Services
from tests.pages.conftest import eventually, press


async def test_every_job_stands_there_with_its_next_run(owner: User, services: Services) -> None:
    await owner.open("/jobs")
    for state in services.jobs.states():
        await owner.should_see(state.job.name)
    await owner.should_see("none failed")


async def test_a_job_is_run_now_and_says_what_came_of_it(owner: User, services: Services) -> None:
    await owner.open("/jobs")
    await press(owner, "run", "probe_health")
    await owner.should_see("1 of 1 providers answered.", retries=40)


async def test_a_job_that_failed_stands_first_with_its_reason(owner: User, services: Services) -> None:
    board = services.jobs
    states = {state.job.name: state for state in board.states()}
    states["prune"].last_ok, states["prune"].last_result = False, "The disk is full."
    await owner.open("/jobs")
    await owner.should_see("1 job failed at the last run")
    await owner.should_see("The disk is full.")
    await eventually(lambda: any(problem.kind == "job" for problem in services.health_view.problems()))
