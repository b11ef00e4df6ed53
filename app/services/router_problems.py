"""What is wrong with a router's document, or looks wrong: told before it is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from app.core.errors import BadRequest
from app.routing.checks import check_on_failure
from app.routing.conditions import glob_pattern
from app.routing.deployment import Deployment
from app.routing.document import ROUTER, RouterDocument, Rule, Target, all_targets, named_targets
from app.services.router_conditions import Held, always, covers, why_never
from app.services.router_documents import reachable
from app.services.router_views import Problem
from app.services.snapshot import AUTO, Snapshot

_BY_WEIGHT = ("weighted", "least_busy")


def problems_of(document: RouterDocument, snapshot: Snapshot) -> tuple[Problem, ...]:
    """Errors first, else in the order of the rules."""
    found = [
        *_ways(document, snapshot),
        *_coverage(document),
        *_reach(document),
        *_conditions(document, snapshot),
        *_targets(document, snapshot),
        *_shape(document),
    ]
    places = {rule.id: at for at, rule in enumerate(document.rules)}
    found.sort(key=lambda each: (each.level != "error", places.get(each.rule_id or "", -1)))
    return tuple(dict.fromkeys(found))


def overtaken(base: int, live: int, publisher: str) -> tuple[Problem, ...]:
    """Of a draft that was begun from a version which is not the live one any more."""
    if base == live:
        return ()
    who = f" by {publisher}" if publisher else ""
    return (
        Problem(
            "warning",
            None,
            f"Version {live} was published{who} after this draft was begun from version {base}. "
            "Publishing the draft takes back what it changed.",
        ),
    )


def _ways(document: RouterDocument, snapshot: Snapshot) -> Iterator[Problem]:
    """Where its failures lead."""
    documents = {name: router.document for name, router in snapshot.routers.items()} | {document.name: document}
    for rule in document.rules:
        following = rule.on_failure.removeprefix(ROUTER)
        if following != rule.on_failure and following not in documents:
            said = "is not published" if following in snapshot.unpublished else "does not exist"
            yield _error(rule, f"it goes on with router {following}, which {said}")
            documents[following] = RouterDocument(name=following)
    try:
        check_on_failure(reachable(document, documents))
    except BadRequest as error:
        yield Problem("error", None, f"Router: {error.message}")


def _coverage(document: RouterDocument) -> Iterator[Problem]:
    if not document.rules:
        yield Problem("warning", None, "Router: it has no rules, so it answers nobody. Add one without conditions.")
    elif not any(always(rule) for rule in document.rules):
        yield Problem(
            "warning",
            None,
            "Router: requests that no rule matches are refused. Add a last rule without conditions to take them.",
        )


def _reach(document: RouterDocument) -> Iterator[Problem]:
    """Rules that an earlier one leaves nothing, or only what it failed at. The planner asks every rule that matches,
    in their order, until one says that nobody follows."""
    held = [Held(rule) for rule in document.rules]
    never = [why_never(rule) for rule in document.rules]
    for at, rule in enumerate(document.rules):
        if (reason := never[at]) is not None:
            yield _warning(rule, f"it never holds: {reason}")
            continue
        for earlier in range(at):
            above = document.rules[earlier]
            if never[earlier] is not None or not covers(held[earlier], held[at]):
                continue
            takes = f"rule {above.shown} above takes every request that it would"
            if above.on_failure != "next_rule":
                ends = "asks nobody else" if above.on_failure == "stop" else "goes on elsewhere"
                yield _warning(rule, f"it is never reached: {takes}, and then {ends}")
                break
            if not always(rule):
                yield _warning(rule, f"it is only asked after failures: {takes}. Move it up to let it decide")
                break


def _conditions(document: RouterDocument, snapshot: Snapshot) -> Iterator[Problem]:
    """Words that mean nobody and nothing here."""
    keys = {key.name: key for key in snapshot.keys_by_id.values()}
    teams = {team for of in snapshot.teams.values() for team in of}
    names: list[str] | None = None
    for rule in document.rules:
        for part, conditions in (("when", rule.when), ("unless", rule.unless)):
            if conditions is None:
                continue
            tiers = set(snapshot.runtime.tiers)
            people = (("team", conditions.teams, teams), ("tier", conditions.tiers, tiers))
            known = (("key", conditions.keys, keys), *people)
            for what, words, there in known:
                for word in words:
                    if word not in there:
                        yield _warning(rule, f"{part}: there is no {what} {word}")
            for word in conditions.users:
                if word.lower() not in snapshot.by_email:
                    yield _warning(rule, f"{part}: there is no person {word}")
            for glob in conditions.models:
                names = names if names is not None else _names(snapshot)
                pattern = glob_pattern([glob])
                if not any(pattern.fullmatch(name) for name in names):
                    yield _warning(rule, f"{part}: no model here is called {glob}")
        when = rule.when
        if when is not None and when.budget_left_below is not None and when.keys:
            known_keys = [keys[name] for name in when.keys if name in keys]
            if known_keys and not any(key.budgets for key in known_keys):
                yield _warning(rule, "it waits for a budget to run low, but none of its keys has one")


def _targets(document: RouterDocument, snapshot: Snapshot) -> Iterator[Problem]:
    providers = {provider.name: provider for provider in snapshot.providers.values()}
    there: dict[str, list[Deployment]] = {rule.id: [] for rule in document.rules}
    rules = [(rule, named_targets(rule.targets)) for rule in document.rules]
    instead = [(None, all_targets(RouterDocument(name=document.name, fallbacks=document.fallbacks)))]
    for rule, targets in [*rules, *instead]:
        for _, target in targets:
            provider = providers.get(target.provider)
            if provider is None:
                yield _error(rule, f"there is no provider {target.provider}")
            elif not provider.enabled:
                yield _warning(rule, f"the provider {target.provider} is switched off")
            elif not provider.usable:
                yield _warning(rule, f"the provider {target.provider} has no key")
            elif (deployment := snapshot.find_target(target.provider, target.model)) is None:
                yield _warning(rule, f"nobody serves {target.model} at {target.provider}")
            else:
                if deployment.price is None:
                    yield _warning(rule, f"the price of {deployment} is unknown")
                if rule is not None:
                    there[rule.id].append(deployment)
    for rule in document.rules:
        if rule.targets and not there[rule.id]:
            yield _warning(rule, "none of its targets can answer")
    used = {each.provider for deployments in there.values() for each in deployments}
    if len(used) == 1 and all(rule.targets for rule in document.rules):
        yield Problem(
            "warning",
            None,
            f"Router: everything goes to {next(iter(used))}; when it is down, nobody answers. "
            "Add a target at another provider.",
        )


def _shape(document: RouterDocument) -> Iterator[Problem]:
    names = Counter(rule.name for rule in document.rules if rule.name)
    for rule in document.rules:
        if names[rule.name] > 1:
            yield _warning(rule, f"{names[rule.name]} rules have this name, so logs cannot tell them apart")
        leaves = Counter((target.provider, target.model) for _, target in named_targets(rule.targets))
        for (provider, model), count in leaves.items():
            if count > 1:
                yield _warning(rule, f"{model} at {provider} is among its targets {count} times; the first counts")
        yield from _groups(rule, rule.targets, rule.strategy or document.strategy, "its targets")


def _groups(rule: Rule, targets: Sequence[Target], strategy: str, where: str) -> Iterator[Problem]:
    if targets and strategy in _BY_WEIGHT and not any(target.weight for target in targets):
        yield _warning(rule, f"{where} all have weight 0, so the weights say nothing")
    for at, target in enumerate(targets):
        if target.targets:
            if len(target.targets) == 1:
                yield _warning(rule, f"target {at + 1} is a group of one; name it without a group")
            yield from _groups(rule, target.targets, target.strategy or strategy, f"those of target {at + 1}")


def _names(snapshot: Snapshot) -> list[str]:
    """All that a client may ask for, without suffixes."""
    names = dict.fromkeys(snapshot.aliases())
    for deployment in snapshot.deployments.values():
        for name in (deployment.alias, deployment.model):
            names |= {name: None, f"{deployment.provider}/{name}": None}
    return [AUTO, *(f"router/{name}" for name in snapshot.routers), *names]


def _error(rule: Rule | None, said: str) -> Problem:
    return _problem("error", rule, said)


def _warning(rule: Rule | None, said: str) -> Problem:
    return _problem("warning", rule, said)


def _problem(level: str, rule: Rule | None, said: str) -> Problem:
    if rule is None:
        return Problem(level, None, f"Fallbacks: {said}.")
    return Problem(level, rule.id or None, f"Rule {rule.name or 'without a name'}: {said}.")
