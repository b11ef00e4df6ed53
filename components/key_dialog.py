"""Making and editing a gateway key, and the one time its secret is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from app.core.clock import rfc3339
from app.core.errors import AnyGPTError
from app.core.money import format_usd
from app.security.permissions import Permission
from app.services.views import KeySpec, KeyView
from components.badges import note
from components.dialog import Dialog, field, show_error, text_field
from components.fragment import Fragment
from components.limit_words import LABELS, in_force
from components.markdown import ChatMarkdown
from components.markup import h, icon
from components.notify import guarded
from components.page import PageContext

DEFAULT_ROUTER = "default"
WINDOWS = {"hour": "an hour", "day": "a day", "week": "a week", "month": "a month", "total": "in all"}
SCOPES = {
    "chat": "Chat",
    "embeddings": "Embeddings",
    "images": "Images",
    "audio": "Audio",
    "moderations": "Moderations",
    "models": "List models",
}
ADMIN_SCOPE = {"admin": "Management API"}
LIMITS = {name: LABELS[name] for name in ("rpm", "tpm", "concurrent")}
ON_BUDGET = {"refuse": "Refuse with 402", "cheapest": "Go on with the cheapest model"}
UNKNOWN_PRICE = {"refuse": "Refuse", "allow": "Allow, counted as unknown"}


class KeyForm:
    def __init__(self, context: PageContext, key: KeyView | None, owners: Sequence[str]) -> None:
        self._key, self._context = key, context
        manages = context.allows(Permission.MANAGE_GATEWAY)
        budget = key.budgets[0] if key and key.budgets else None
        limits = key.limits if key else {}
        self._name = text_field("Name", key.name if key else "", hint="Where it is used: an app, a person, a machine.")
        self._name.props("autofocus")
        with ui.element("div").classes("a-pair"):
            with field("Budget in USD", "Empty: no budget."):
                self._budget = (
                    ui.input(value=format_usd(budget.usd_limit) if budget else "", placeholder="5.00")
                    .props('aria-label="Budget in USD" hide-bottom-space inputmode=decimal')
                    .mark("budget")
                )
            with field("Window"):
                self._window = ui.select(WINDOWS, value=budget.window if budget else "day").props(
                    'aria-label="Budget window" hide-bottom-space'
                )
        if manages:
            with field("Owner", "A key of a person ends with the person; a key of the team stays."):
                self._owner: ui.select | None = ui.select(
                    {"": "The team"} | {email: email for email in owners}, value=(key.owner or "") if key else ""
                ).props("aria-label=Owner hide-bottom-space")
        else:
            self._owner = None
        with field("Expires", "Empty: never."):
            self._shown_expiry = key.expires.astimezone(context.zone).date().isoformat() if key and key.expires else ""
            self._expires = ui.input(value=self._shown_expiry).props("type=date aria-label=Expires hide-bottom-space")
        with ui.element("details").classes("a-more"):
            with ui.element("summary"):
                ui.label("Models, limits, scopes")
            names = list(context.services.routers.names())
            with field("Router"):
                self._router = ui.select(names, value=(key.router if key else None) or DEFAULT_ROUTER).props(
                    "aria-label=Router hide-bottom-space"
                )
            self._models = text_field(
                "Models",
                ", ".join(key.models) if key else "*",
                hint="What clients may ask for; * stands for anything: gpt-4o*, claude-*",
            )
            self._tier = self._tier_select() if manages else None
            with ui.element("div").classes("a-triple"):
                self._limits = {name: _limit(label, limits.get(name)) for name, label in LIMITS.items()}
            self._in_force = ui.label().classes("a-f12 a-t2").mark("in-force").props("role=status")
            for made in (self._tier, self._owner, *self._limits.values()):
                if made is not None:
                    made.on_value_change(self._say_what_is_in_force)
            self._say_what_is_in_force()
            scopes = SCOPES | (ADMIN_SCOPE if manages else {})
            allowed = set(key.scopes) if key else set(SCOPES)
            with field("Scopes"), ui.element("div").classes("a-scopes"):
                self._scopes = {name: ui.checkbox(label, value=name in allowed) for name, label in scopes.items()}
            with ui.element("div").classes("a-pair"):
                with field("When the budget is spent"):
                    self._on_budget = ui.select(ON_BUDGET, value=key.on_budget if key else "refuse").props(
                        'aria-label="When the budget is spent" hide-bottom-space'
                    )
                with field("Models of unknown price"):
                    self._unknown = ui.select(UNKNOWN_PRICE, value=key.unknown_price if key else "refuse").props(
                        'aria-label="Models of unknown price" hide-bottom-space'
                    )
            self._ips = text_field(
                "Allowed addresses", ", ".join(key.allowed_ips) if key else "", hint="Empty: from anywhere."
            )
        self.fields = {
            "name": self._name,
            "budgets": self._budget,
            "models": self._models,
            "router": self._router,
            "expires": self._expires,
            "allowed_ips": self._ips,
        } | ({"owner": self._owner} if self._owner is not None else {})

    def spec(self) -> KeySpec:
        budget = str(self._budget.value or "").strip().removeprefix("$")
        others = [
            {"usd": format_usd(item.usd_limit), "window": item.window}
            for item in (self._key.budgets[1:] if self._key else ())
        ]
        return KeySpec(
            name=str(self._name.value or "").strip(),
            router=self._chosen_router(),
            models=_listed(self._models.value),
            scopes=[name for name, box in self._scopes.items() if box.value],
            limits=self._own_limits(),
            budgets=([{"usd": budget, "window": str(self._window.value)}] if budget else []) + others,
            allowed_ips=_listed(self._ips.value),
            allowed_referrers=list(self._key.allowed_referrers) if self._key else [],
            expires=self._expiry(),
            owner=(self._owner.value or None) if self._owner is not None else (self._key.owner if self._key else None),
            on_budget=str(self._on_budget.value),
            unknown_price=str(self._unknown.value),
            tier=(self._tier.value or None) if self._tier is not None else (self._key.tier if self._key else None),
        )

    def _tier_select(self) -> ui.select:
        names = {name: name for name in self._context.services.tiers.names()}
        value = self._key.tier or "" if self._key else ""
        with field("Tier", "Its limits and models hold where the key's own are wider."):
            made = ui.select({"": "As its owner"} | names, value=value)
            return made.props("aria-label=Tier hide-bottom-space").mark("tier")

    def _say_what_is_in_force(self) -> None:
        tier = self._chosen_tier()
        sentence = in_force(self._own_limits(), self._context.services.tiers.limits(tier), tier or "")
        self._in_force.set_text(sentence)
        self._in_force.set_visibility(bool(sentence))

    def _chosen_tier(self) -> str | None:
        """The key's as the form has it, else its owner's."""
        own = self._tier.value if self._tier is not None else self._key.tier if self._key else None
        owner = self._owner.value if self._owner is not None else self._context.person.email
        return own or (self._context.services.people.get(owner).tier if owner else None)

    def _own_limits(self) -> dict[str, int]:
        shown = {name: int(box.value) for name, box in self._limits.items() if box.value not in (None, "")}
        return self._other_limits() | shown

    def _expiry(self) -> str | None:
        """An end that was not touched keeps its hour."""
        shown = str(self._expires.value or "")
        if self._key is not None and self._key.expires is not None and shown == self._shown_expiry:
            return rfc3339(self._key.expires)
        return shown or None

    def _chosen_router(self) -> str | None:
        """A key without a router uses the default one, and stays without."""
        unset = self._key is None or self._key.router is None
        return None if unset and self._router.value == DEFAULT_ROUTER else str(self._router.value)

    def _other_limits(self) -> dict[str, int]:
        """Limits that the form does not show stay as they are."""
        return {name: value for name, value in (self._key.limits if self._key else {}).items() if name not in LIMITS}


async def open_key_dialog(context: PageContext, key: KeyView | None, done: Callable[[], Awaitable[None]]) -> None:
    owners = (
        [person.email for person in await context.services.people.list()]
        if context.allows(Permission.MANAGE_GATEWAY)
        else []
    )
    with context.root:
        dialog = Dialog(f"Edit {key.name}" if key else "New key")
        with dialog.body:
            form = KeyForm(context, key, owners)

        async def save() -> None:
            button.props("loading")
            try:
                if key is not None:
                    await context.services.keys.update(context.person, key.id, form.spec())
                    dialog.close()
                else:
                    made, secret = await context.services.keys.create(context.person, form.spec())
                    dialog.close()
                    with context.root:
                        show_secret(context, made, secret)
            except AnyGPTError as error:
                show_error(error, form.fields)
                return
            finally:
                if not button.is_deleted:
                    button.props(remove="loading")
            await done()

        with dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=dialog.close).props("flat")
            button = ui.button("Save" if key else "Create key", on_click=guarded(save)).mark("save")
        dialog.open()


def show_secret(context: PageContext, key: KeyView, secret: str) -> None:
    """The secret, once. Only a click on the button closes this."""
    base = _base_url(context)
    model = next((model.alias for model in context.services.providers.models()), "demo/chat")
    dialog = Dialog(f"The secret of {key.name}", wide=True)
    dialog.keep_open()
    with dialog.body:
        Fragment(
            note("wa", icon("warn"), h("div.a-grow", "Copy it now: it is shown this once and stored only as a hash."))
        )
        Fragment(
            h(
                "div.a-secret-box",
                h("code.a-mono", secret),
                h(
                    "button.a-btn.is-sm",
                    icon("copy"),
                    "Copy",
                    type="button",
                    data_copy=secret,
                    aria_label="Copy secret",
                ),
            )
        )
        with ui.tabs().props("dense no-caps align=left aria-label='How to use it'") as tabs:
            for name in ("curl", "Python", "JavaScript"):
                ui.tab(name)
        snippets = _snippets(base, secret, model)
        with ui.tab_panels(tabs, value="curl").classes("a-snippets").props("animated=false"):
            for name, text in snippets.items():
                with ui.tab_panel(name):
                    ChatMarkdown(text)
    with dialog.foot:
        ui.element("span").classes("a-grow")
        ui.button("I have stored it", on_click=dialog.close)
    dialog.open()


def _snippets(base: str, secret: str, model: str) -> dict[str, str]:
    return {
        "curl": f"""```bash
curl {base}/v1/chat/completions \\
  -H "Authorization: Bearer {secret}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
```""",
        "Python": f"""```python
from openai import OpenAI

client = OpenAI(base_url="{base}/v1", api_key="{secret}")
answer = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.choices[0].message.content)
```""",
        "JavaScript": f"""```javascript
import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{base}/v1", apiKey: "{secret}" }});
const answer = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: "Hello" }}],
}});
console.log(answer.choices[0].message.content);
```""",
    }


def _base_url(context: PageContext) -> str:
    """As this person reaches the server, unless the settings name the public address."""
    return (context.services.settings.base_url or str(ui.context.client.request.base_url)).rstrip("/")


def _limit(label: str, value: int | None) -> ui.number:
    with field(label):
        return ui.number(value=value, min=1, precision=0, placeholder="no limit").props(
            f'aria-label="{label}" hide-bottom-space'
        )


def _listed(value: object) -> list[str]:
    return [part.strip() for part in str(value or "").split(",") if part.strip()]
