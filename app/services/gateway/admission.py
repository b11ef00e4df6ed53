"""Who asks, may they, and is there room: key, scope, model, limits, budget."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from app.core.clock import Clock
from app.core.errors import BudgetSpent, NotAllowed, NotAuthenticated
from app.routing.deployment import output_limit
from app.routing.strategies.base import Candidate
from app.security.vault import Vault
from app.services.budgets import KeyBudgets
from app.services.gateway.call import Call
from app.services.limits import KeyLimits
from app.services.snapshot import Key, Snapshot


class Admission:
    """Limits and budgets of every key live here, in memory, and outlast a change of anything else about the key."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault, self._clock = vault, clock
        self._limits: dict[str, KeyLimits] = {}
        self._budgets: dict[str, KeyBudgets] = {}
        self.last_used: dict[str, datetime] = {}

    def key_of(self, snapshot: Snapshot, token: str | None, address: str, referrer: str | None = None) -> Key:
        """The key of a request. Raises NotAuthenticated, or NotAllowed for the wrong address."""
        if not token:
            raise NotAuthenticated(
                "No API key was sent. Send a gateway key as Authorization: Bearer gw_live_… (or x-api-key)."
            )
        key = snapshot.keys.get(self._vault.sign(token))
        if key is None:
            raise NotAuthenticated("This API key is not known here. Gateway keys are made on the Keys page.")
        if key.disabled:
            raise NotAuthenticated("This API key was revoked. Ask an admin for a new one.")
        if key.person is not None and key.person.disabled:
            raise NotAuthenticated("The person this API key belongs to is disabled. Ask an admin.")
        now = self._clock.now()
        if key.expires_at is not None and now >= key.expires_at:
            raise NotAuthenticated(f"This API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC. Ask for a new one.")
        if key.allowed_ips and not _inside(address, key.allowed_ips):
            raise NotAllowed(f"This API key may not be used from {address}.")
        if key.allowed_referrers and not _referred(referrer, key.allowed_referrers):
            raise NotAllowed("This API key may not be used from this page or origin.")
        self.last_used[key.id] = now
        return key

    def check_scope(self, key: Key, scope: str) -> None:
        if scope not in key.scopes:
            raise NotAllowed(
                f'This API key lacks the scope "{scope}"; it has {", ".join(sorted(key.scopes)) or "none"}.'
            )

    def check_model(self, key: Key, model: str) -> None:
        if key.may_use(model):
            return
        tier = key.in_tier
        if tier is not None and tier.pattern is not None and not tier.pattern.fullmatch(model):
            raise NotAllowed(f'The tier "{tier.name}" of this API key does not open the model "{model}". Ask an admin.')
        raise NotAllowed(f'This API key may not use the model "{model}"; it may use {", ".join(key.models)}.')

    def admit(self, call: Call, input_tokens: int) -> None:
        """Takes a place in the key's limits. Raises RateLimited."""
        limits = self.limits(call.key) if call.key is not None else self._of_person(call)
        if limits is not None:
            call.admitted = limits.admit(self._clock.monotonic(), input_tokens)
            call.limits = limits

    def reserve(self, call: Call, planned: list[Candidate]) -> list[Candidate]:
        """Reserves the dearest candidate's most; returns the candidates that are left. Raises BudgetSpent."""
        budgets = self.budgets(call.key)
        if budgets is None or call.question is None:
            return planned
        now = call.at
        call.ceilings = costs = {each.deployment.id: self.ceiling(call, each) for each in planned}
        dearest = max(costs.values())
        if call.key is not None and call.key.on_budget == "cheapest":
            left = budgets.left(now) or 0
            planned = (
                sorted(
                    (each for each in planned if costs[each.deployment.id] <= left),
                    key=lambda each: costs[each.deployment.id],
                )
                if dearest > left
                else planned
            )
            if not planned:
                budgets.check(min(costs.values(), default=0), now)
                raise BudgetSpent("What is left of this key's budget is too little for any model that could answer.")
            dearest = max(costs[each.deployment.id] for each in planned)
        call.reservation = budgets.reserve(dearest, now)
        return planned

    def affords(self, call: Call, candidate: Candidate) -> bool:
        """Whether one more deployment, that the plan had not, may be asked; reserves for it."""
        if candidate.deployment.price is None:
            return call.question is None or not call.question.refuse_unknown_price
        if call.reservation is None:
            return True
        most = self.ceiling(call, candidate)
        try:
            if most > call.reservation.amount:
                call.reservation.top_up(most - call.reservation.amount, call.at)
        except BudgetSpent:
            return False
        call.ceilings[candidate.deployment.id] = most
        return True

    def ceiling(self, call: Call, planned: Candidate) -> int:
        """The most this request may cost at a deployment, in nano-dollars; 0 where the price is unknown."""
        price = planned.deployment.price
        if price is None or call.question is None:
            return 0
        return price.ceiling(call.question.input_tokens, output_limit(call.peek.max_tokens, planned.deployment))

    def limits(self, key: Key) -> KeyLimits | None:
        return self._kept(key.id, key.limits_in_force) if key.limits_in_force else None

    def _of_person(self, call: Call) -> KeyLimits | None:
        """The chat's: those of the person's tier."""
        tier = call.tier
        return self._kept(call.person.id, tier.limits) if call.person is not None and tier and tier.limits else None

    def _kept(self, owner: str, wanted: dict[str, int]) -> KeyLimits:
        limits = self._limits.get(owner)
        if limits is None:
            limits = self._limits[owner] = KeyLimits(wanted)
        elif limits.limits != wanted:
            limits.change(wanted)
        return limits

    def budgets(self, key: Key | None) -> KeyBudgets | None:
        return self._budgets.get(key.id) if key is not None and key.budgets else None

    def set_budgets(self, key_id: str, budgets: KeyBudgets) -> None:
        """At start and when a key changed: what was spent comes from the ledger, what is reserved stays."""
        self._budgets[key_id] = budgets

    def known_budgets(self, key_id: str) -> KeyBudgets | None:
        return self._budgets.get(key_id)

    def forget(self, alive: set[str]) -> None:
        for table in (self._limits, self._budgets, self.last_used):
            for key_id in [key_id for key_id in table if key_id not in alive]:
                del table[key_id]


def _inside(address: str, networks: tuple[str, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(network, strict=False) for network in networks)


def _referred(referrer: str | None, allowed: tuple[str, ...]) -> bool:
    return referrer is not None and any(
        referrer == one or referrer.startswith(one.rstrip("/") + "/") for one in allowed
    )
