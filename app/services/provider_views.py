"""How providers and models look from outside: state, sentence, numbers."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from app.core.price import read_stored_price
from app.core.price_text import write_price
from app.services.health import Health
from app.services.limits import seconds
from app.services.probes import SLOT_S, Probes
from app.services.provider_numbers import ProviderNumbers
from app.services.snapshot import Model, Provider
from app.services.state import State
from app.services.views import ModelSpec, ModelView, PausedModel, ProviderKey, ProviderSpec, ProviderView


class ProviderViews:
    """All of it lies in memory: a page with many providers is built at once."""

    def __init__(self, state: State, health: Health, probes: Probes, numbers: ProviderNumbers, zone: ZoneInfo) -> None:
        self._state, self._health, self._probes = state, health, probes
        self._numbers, self._zone = numbers, zone

    def view(self, provider: Provider) -> ProviderView:
        history = self._probes.history(provider.id)
        attempts, answered, spend = self._numbers.of(provider.id)
        state, sentence = self._state_of(provider)
        recent = self._health.recent.get(provider.id)
        return ProviderView(
            id=provider.id,
            name=provider.name,
            kind=provider.kind.name,
            kind_label=provider.kind.label,
            monogram=provider.kind.monogram,
            accent=provider.kind.accent,
            base_url="" if provider.kind.in_process else provider.base_url,
            formats=provider.formats,
            enabled=provider.enabled,
            priority=provider.priority,
            rate_limit=provider.rate_limit,
            key_hints=tuple(credential.hint for credential in provider.credentials),
            key_needed=provider.kind.key_required,
            models=tuple(model_view(provider, model) for model in provider.models),
            state=state,
            status_text=sentence,
            checked_at=history.at,
            uptime=self._probes.uptime(provider.id, self._numbers.answered_by_slot(provider.id, SLOT_S)),
            availability_24h=self._probes.availability(provider.id),
            answered_24h=answered / attempts if attempts else None,
            requests_24h=attempts,
            first_token_p50_ms=self._health.first_token_p50_ms(provider.id),
            spend_today=spend,
            breaker=self._health.breaker_state(provider),
            first_token_run=tuple(recent.first_token_ms) if recent is not None else (),
            keys=self._keys(provider),
            paused=self._paused(provider),
            created_at=provider.created_at,
            updated_at=provider.updated_at,
        )

    def models(self, usable_only: bool) -> list[ModelView]:
        chosen: dict[str, ModelView] = {}
        for provider in self._state.current.providers.values():
            if usable_only and not provider.usable:
                continue
            for model in provider.models:
                capabilities = model.deployment.capabilities
                chats = capabilities is None or "chat" in capabilities
                if not usable_only or (model.enabled and chats):
                    chosen.setdefault(model.deployment.alias, model_view(provider, model))
        return list(chosen.values())

    def spec_of(self, provider: Provider) -> ProviderSpec:
        """What an admin once said of it, secrets left out."""
        env = next((c.env for c in provider.credentials if c.env), None)
        return ProviderSpec(
            name=provider.name,
            kind=provider.kind.name,
            base_url=provider.custom_base_url,
            api_key_env=env,
            enabled=provider.enabled,
            priority=provider.priority,
            formats=list(provider.custom_formats) if provider.custom_formats else None,
            rate_limit=provider.rate_limit,
            models=[_model_spec(model) for model in provider.models] if provider.models_listed else None,
        )

    def _keys(self, provider: Provider) -> tuple[ProviderKey, ...]:
        cooling = {credential.id: (left, reason) for credential, left, reason in self._health.cooling(provider)}
        found = []
        for credential in provider.credentials:
            left, reason = cooling.get(credential.id, (0.0, ""))
            missing = credential.secret is None
            found.append(ProviderKey(credential.id, credential.hint, credential.env, missing, reason, left))
        return tuple(found)

    def _paused(self, provider: Provider) -> tuple[PausedModel, ...]:
        doubted = self._health.doubted()
        if not doubted:
            return ()
        found = [(each, doubted.get(each.deployment.id)) for each in provider.models]
        return tuple(
            PausedModel(
                each.deployment.model,
                condition.state,
                condition.reason,
                self._health.wall(condition.since),
                self._health.wall(condition.retry_at),
                condition.trying,
            )
            for each, condition in found
            if condition is not None and condition.state != "closed"
        )

    def _state_of(self, provider: Provider) -> tuple[str, str]:
        if not provider.enabled:
            return "off", f"Off since {provider.updated_at.astimezone(self._zone):%-d %B}"
        if provider.kind.key_required and not any(credential.secret for credential in provider.credentials):
            return "no_key", "No API key yet"
        if not any(model.enabled for model in provider.models):
            return "no_models", "No models found yet"
        cooling = self._health.cooling(provider)
        if cooling:
            _, left, reason = min(cooling, key=lambda entry: entry[1])
            many = f"{len(cooling)} of {len(provider.credentials)} keys" if len(provider.credentials) > 1 else "the key"
            return "throttled", f"{reason.capitalize()}: {many} cooling {seconds(left)}"
        breaker = self._health.breaker_state(provider)
        if breaker == "open":
            recent = self._health.recent.get(provider.id)
            reason = recent.last_error.rstrip(".") if recent is not None else "recent calls failed"
            return "failing", f"{reason} (breaker {breaker.replace('_', ' ')})"
        history = self._probes.history(provider.id)
        recent = self._health.recent.get(provider.id)
        if history.at is None and recent is None:
            return "untested", "Not tried yet"
        if recent is not None and recent.failing():
            return "failing", f"The latest calls failed: {recent.last_error.rstrip('.')}"
        # real answers say more than probes
        if history.at is not None and not history.ok and not self._health.answered_lately(provider.id):
            since = (history.down_since or history.at).astimezone(self._zone)
            return "failing", f"Probes fail since {since:%H:%M}: {(history.error or 'no answer').rstrip('.')}"
        return "healthy", "Healthy"


def model_view(provider: Provider, model: Model) -> ModelView:
    deployment = model.deployment
    return ModelView(
        id=deployment.model,
        alias=deployment.alias,
        provider=provider.name,
        provider_kind=provider.kind.name,
        accent=provider.kind.accent,
        monogram=provider.kind.monogram,
        enabled=model.enabled,
        name=model.name,
        context_window=deployment.context_window,
        max_output_tokens=deployment.max_output_tokens,
        capabilities=tuple(sorted(deployment.capabilities or ())),
        price=deployment.price,
        demo=deployment.demo,
    )


def _model_spec(model: Model) -> ModelSpec:
    stored = model.stored
    price = write_price(read_stored_price(stored["price"])) if stored["price"] else None
    return ModelSpec(
        id=stored["id"],
        alias=stored["alias"],
        price=price,
        context_window=stored["context_window"],
        max_output_tokens=stored["max_output_tokens"],
        capabilities=stored["capabilities"],
        enabled=model.enabled,
    )
