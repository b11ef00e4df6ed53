"""What is known of each deployment, kept in the database so that it survives a restart."""

from __future__ import annotations

import structlog
from sqlmodel import Session, col, delete, select

from app.core.clock import Clock
from app.db.engine import Database
from app.db.tables.statistics import DeploymentNumbersRow
from app.routing.numbers import Numbers
from app.routing.standing import Standing
from app.services.snapshot import Snapshot

log = structlog.get_logger()


class Measurements:
    def __init__(self, db: Database, standing: Standing, clock: Clock) -> None:
        self._db, self._standing, self._clock = db, standing, clock

    async def load(self) -> None:
        """Before the first request. What cannot be read is forgotten: it would be measured anew anyway."""
        stored = await self._db.read(_read)
        now, wall = self._clock.monotonic(), self._clock.now().timestamp()
        for deployment_id, value in stored:
            try:
                self._standing.numbers[deployment_id] = Numbers.load(value, now, wall)
            except ValueError as error:
                log.warning("numbers of a deployment were left out", deployment=deployment_id, reason=str(error))

    async def save(self) -> int:
        """Writes what is known now; returns of how many deployments."""
        now, at = self._clock.monotonic(), self._clock.now()
        wall = at.timestamp()
        dumped = {id: numbers.dump(now, wall) for id, numbers in self._standing.numbers.items()}

        def write(session: Session) -> None:
            session.execute(
                delete(DeploymentNumbersRow).where(col(DeploymentNumbersRow.deployment_id).not_in(list(dumped)))
            )
            for deployment_id, numbers in dumped.items():
                session.merge(DeploymentNumbersRow(deployment_id=deployment_id, numbers=numbers, updated_at=at))

        await self._db.write(write)
        return len(dumped)

    async def follow(self, snapshot: Snapshot) -> None:
        """Forgets deployments, rules and groups that are gone."""
        routers = [*snapshot.routers.values(), *(router for router, _ in snapshot.canaries.values())]
        keys = {key for router in routers for rule in router.rules for key in rule.group_keys()}
        deployments = {model.deployment.id for provider in snapshot.providers.values() for model in provider.models}
        self._standing.forget(deployments, keys)


def _read(session: Session) -> list[tuple[str, dict[str, object]]]:
    return [(row.deployment_id, row.numbers) for row in session.exec(select(DeploymentNumbersRow))]
