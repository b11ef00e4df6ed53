"""All services of one process, as pages, endpoints, jobs and commands receive them."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.clock import Clock
from app.core.folder import DataFolder
from app.core.settings import Settings
from app.db.engine import Database
from app.providers.catalog import Catalog
from app.providers.connections import Connections
from app.routing.standing import Standing
from app.services.audit import Audit
from app.services.chats import Chats
from app.services.explain import Explain
from app.services.failovers import Failovers
from app.services.gateway.admission import Admission
from app.services.gateway.counting import Counting
from app.services.gateway.gateway import Gateway
from app.services.health import Health
from app.services.health_view import HealthView
from app.services.job_board import JobBoard
from app.services.keys import Keys
from app.services.ledger import Ledger
from app.services.live import Live
from app.services.measurements import Measurements
from app.services.model_browser import ModelBrowser
from app.services.people import People
from app.services.prices import Prices
from app.services.probes import Probes
from app.services.provider_views import ProviderViews
from app.services.providers import Providers
from app.services.replays import Replays
from app.services.responses import Responses
from app.services.routers import Routers
from app.services.runtime_store import RuntimeStore
from app.services.sessions import Sessions
from app.services.spool import DurableWriter
from app.services.state import State
from app.services.tier_editing import Tiers
from app.services.trials import Trials


@dataclass
class Services:
    settings: Settings
    folder: DataFolder
    clock: Clock
    db: Database
    state: State
    connections: Connections
    catalog: Catalog
    people: People
    sessions: Sessions
    providers: Providers
    provider_views: ProviderViews
    probes: Probes
    prices: Prices
    models: ModelBrowser
    trials: Trials
    health_view: HealthView
    failovers: Failovers
    routers: Routers
    explain: Explain
    replay: Replays
    keys: Keys
    admission: Admission
    health: Health
    standing: Standing
    measurements: Measurements
    gateway: Gateway
    counting: Counting
    responses: Responses
    writer: DurableWriter
    chats: Chats
    ledger: Ledger
    live: Live
    audit: Audit
    runtime: RuntimeStore
    tiers: Tiers
    jobs: JobBoard
