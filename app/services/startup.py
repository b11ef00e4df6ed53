"""Opens the data folder and wires the services: for the server, and for every command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import structlog
from sqlmodel import Session, create_engine, select

from app.core.clock import Clock
from app.core.errors import StartError
from app.core.folder import DataFolder
from app.core.settings import Settings
from app.db.bodies import open_bodies
from app.db.engine import Database, sqlite_url
from app.db.migrate import is_current, migrate, schema_version
from app.db.tables.providers import ProviderRow
from app.db.tables.settings import MetaRow
from app.providers.catalog import Catalog
from app.providers.connections import Connections
from app.providers.token_process import TokenProcess
from app.providers.transport import Transport
from app.routing.standing import Standing
from app.security.passwords import Passwords
from app.security.vault import Vault, WrappedKeys, load_master_key, new_keys, unlock
from app.services.audit import Audit
from app.services.chats import Chats
from app.services.container import Services
from app.services.explain import Explain
from app.services.failovers import Failovers
from app.services.gateway.admission import Admission
from app.services.gateway.attempt import Attempts
from app.services.gateway.counting import Counting
from app.services.gateway.estimate import Estimator
from app.services.gateway.gateway import Gateway
from app.services.gateway.hedging import Hedge
from app.services.gateway.planning import Planner
from app.services.gateway.record import upserts
from app.services.gateway.stickiness import Stickiness
from app.services.health import Health
from app.services.health_view import HealthView
from app.services.intents import Intents
from app.services.interrupted import mark_interrupted
from app.services.job_board import JobBoard
from app.services.keys import Keys
from app.services.ledger import Ledger
from app.services.live import Live
from app.services.measurements import Measurements
from app.services.model_browser import ModelBrowser
from app.services.people import People
from app.services.prices import Prices
from app.services.probes import Probes
from app.services.provider_numbers import ProviderNumbers
from app.services.provider_views import ProviderViews
from app.services.providers import Providers, add_demo
from app.services.replays import Replays
from app.services.responses import Responses
from app.services.routers import Routers
from app.services.runtime_store import RuntimeStore
from app.services.sessions import Sessions
from app.services.snapshot import Snapshot
from app.services.spool import DurableWriter
from app.services.state import State
from app.services.tier_editing import Tiers
from app.services.trials import Trials

log = structlog.get_logger()


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    serving: bool,
    clock: Clock | None = None,
    network: Transport | None = None,
    web: httpx.AsyncBaseTransport | None = None,
    demo: Transport | None = None,
    count: Callable[[str], Awaitable[int]] | None = None,
) -> AsyncIterator[Services]:
    """The services over the data folder; all they own is closed at the end.

    The server holds the folder's lock; a command does not, and never migrates under a running server. `network`,
    `web`, `demo` and `count` (of tokens) are seams for tests. Raises StartError with one sentence for a person."""
    folder = DataFolder(settings.data_dir)
    await asyncio.to_thread(folder.prepare)
    url = sqlite_url(folder.database)
    fresh = await asyncio.to_thread(_prepare_database, folder, url, serving)
    try:
        master = await asyncio.to_thread(
            load_master_key,
            folder.master_key,
            settings.secret_key.get_secret_value() if settings.secret_key else None,
            may_create=fresh,
        )
        connections = await asyncio.to_thread(
            lambda: Connections(
                block_private_networks=settings.block_private_networks, network=network, web=web, demo=demo
            )
        )
        tokens = TokenProcess()
        db, bodies = Database(url), await asyncio.to_thread(open_bodies, sqlite_url(folder.bodies))
        db.start()
        bodies.start()
        try:
            vault = await _open_vault(db, master)
            estimator = Estimator(count or tokens)
            services = await _wire(
                settings, folder, db, bodies, vault, connections, estimator, clock or Clock(), serving
            )
            try:
                yield services
            finally:
                await services.jobs.close()
                await services.replay.close()
                if serving:
                    await services.measurements.save()
                await services.chats.close()
                await services.writer.close()
                services.live.close()
        finally:
            await tokens.aclose()
            await connections.aclose()
            await bodies.close()
            await db.close()
    finally:
        folder.unlock()


async def _wire(
    settings: Settings,
    folder: DataFolder,
    db: Database,
    bodies: Database,
    vault: Vault,
    connections: Connections,
    estimator: Estimator,
    clock: Clock,
    serving: bool,
) -> Services:
    zone = settings.zone
    catalog = Catalog()
    state = State(db, vault, settings, catalog, connections.upstream)
    health, live, passwords = Health(clock), Live(), Passwords()
    probes = Probes(db, clock)
    numbers = ProviderNumbers(db, clock, zone)
    views = ProviderViews(state, health, probes, numbers, zone)
    admission = Admission(vault, clock)
    tables = upserts()
    writer = DurableWriter(db, tables, folder.logs / "spool.jsonl")
    standing = Standing(clock.monotonic)
    stickiness, intents = Stickiness(), Intents()
    measurements = Measurements(db, standing, clock)
    planner = Planner(state, admission, health, standing, stickiness, intents, clock, zone)
    attempts = Attempts(db, health, admission, estimator, standing, tables["attempt"], clock)
    hedge = Hedge(state, health, standing, attempts, clock)
    gateway = Gateway(state, admission, health, planner, hedge, stickiness, attempts, writer, clock)
    keys = Keys(db, state, vault, admission, clock, zone)
    people = People(state, passwords, clock)
    routers = Routers(db, state, clock)
    prices, jobs = Prices(db, state, catalog, clock, connections.web), JobBoard(clock, live.note)
    services = Services(
        settings=settings,
        folder=folder,
        clock=clock,
        db=db,
        state=state,
        connections=connections,
        catalog=catalog,
        people=people,
        sessions=Sessions(db, state, passwords, clock),
        providers=Providers(state, vault, catalog, health, views, connections.upstream, clock),
        provider_views=views,
        probes=probes,
        models=ModelBrowser(state, catalog, health, probes, standing, clock),
        trials=Trials(state, gateway, attempts, health, clock),
        prices=prices,
        health_view=HealthView(state, health, probes, prices, jobs, writer, folder, clock),
        failovers=Failovers(db, state, clock),
        routers=routers,
        replay=Replays(db.url, settings.timezone, state, routers, clock),
        explain=Explain(db, state, planner, standing, intents, clock),
        keys=keys,
        admission=admission,
        health=health,
        standing=standing,
        measurements=measurements,
        gateway=gateway,
        counting=Counting(state, gateway, admission, health, estimator),
        responses=Responses(bodies, clock, settings.retention_days),
        writer=writer,
        chats=Chats(db, state, gateway, clock),
        ledger=Ledger(db, clock, zone),
        live=live,
        audit=Audit(db),
        runtime=RuntimeStore(state, clock),
        tiers=Tiers(state),
        jobs=jobs,
    )

    async def tell(_: Snapshot) -> None:
        live.note()

    state.on_change(health.follow)
    state.on_change(keys.follow)
    state.on_change(measurements.follow)
    state.on_change(gateway.follow)
    state.on_change(tell)
    if serving:
        await writer.recover()
        left_open = await db.write(mark_interrupted)
        if left_open:
            log.warning("the last run ended in the middle of requests; they are in the ledger", requests=left_open)
    await services.prices.load()
    await state.load()
    await add_owner_from_environment(services)
    if serving:
        await probes.load()
        await measurements.load()
        await intents.prepare()
        await numbers.load(await writer.waiting())
        for provider_id, run in (await numbers.first_tokens(state.current.providers)).items():
            health.recall(provider_id, run)
        writer.start()
        gateway.on_end(numbers.add)
        gateway.on_end(lambda call: live.note())
    return services


async def add_owner_from_environment(services: Services) -> None:
    """`ANYGPT_ADMIN_EMAIL` and `ANYGPT_ADMIN_PASSWORD` make the owner where there is none."""
    settings = services.settings
    if services.people.setup_token() is None or not (settings.admin_email and settings.admin_password):
        return
    password = settings.admin_password.get_secret_value()
    await services.people.add_owner("environment", settings.admin_email, "", password)


def _prepare_database(folder: DataFolder, url: str, serving: bool) -> bool:
    """Locks (the server), migrates, and says whether no master key has been used with this database yet."""
    if serving:
        folder.lock()
        try:
            migrate(url, folder.backups)
            return not _is_set_up(url)
        except BaseException:
            folder.unlock()
            raise
    if schema_version(url) is not None and is_current(url):
        return not _is_set_up(url)
    if folder.is_locked():
        raise StartError("The running AnyGPT uses another schema of the database. Run the command of its own version.")
    folder.lock()
    try:
        migrate(url, folder.backups)
        return not _is_set_up(url)
    finally:
        folder.unlock()


def _is_set_up(url: str) -> bool:
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            return session.get(MetaRow, "fingerprint") is not None
    finally:
        engine.dispose()


async def _open_vault(db: Database, master: bytes) -> Vault:
    """The data keys, made at first start together with what a fresh installation begins with."""

    def read_or_make(session: Session) -> WrappedKeys:
        row = session.get(MetaRow, "fingerprint")
        if row is not None:
            return WrappedKeys(*(session.get_one(MetaRow, name).value or b"" for name in _META))
        keys = new_keys(master)
        for name, value in zip(_META, (keys.fingerprint, keys.data_key, keys.signing_key), strict=True):
            session.add(MetaRow(name=name, value=value))
        if session.exec(select(ProviderRow).limit(1)).first() is None:
            add_demo(session)
        return keys

    return unlock(master, await db.write(read_or_make))


_META = ("fingerprint", "data_key", "signing_key")
