"""The draft behind an editor: saved a moment after an edit, undone and redone, never over somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks

from app.core.errors import AnyGPTError, BadRequest
from components.routers.document_edits import Document, History, rules_of

if TYPE_CHECKING:
    from app.services.router_views import DocChange, DraftView, Problem, RouterView
    from app.services.routers import Routers
    from app.services.views import Person

SAVE_AFTER = 0.6  # seconds without another edit
AT_ONCE = 60  # rules that are looked through with every edit
BUILT_IN = "default"  # in force before anybody published it


class DraftKeeper:
    """`told` is called after everything that a person may see change: an edit, a save, somebody else's edit."""

    view: RouterView
    history: History

    def __init__(
        self,
        routers: Routers,
        person: Person,
        told: Callable[[], None],
        *,
        save_after: float = SAVE_AFTER,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]] = background_tasks.create,
    ) -> None:
        """`save_after` and `spawn` are seams for tests. The task is not the page's own: an edit is saved even if the
        person leaves at once."""
        self._routers, self._person, self._told = routers, person, told
        self._save_after, self._spawn = save_after, spawn
        self._seen: datetime | None = None  # when the draft that we know was saved
        self._of_base: tuple[Problem, ...] = ()  # what is wrong with the version that the draft was begun from
        self._judgement: tuple[Document, tuple[Sequence[DocChange], Sequence[Problem]]] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self.saved = True
        self.failure: str | None = None
        self.other: str | None = None  # who changed the draft meanwhile

    async def load(self, id_or_name: str) -> None:
        self.view = await self._routers.get(id_or_name)
        self._take(await self._routers.draft(self.view.id))
        await self._judge_aside()

    @property
    def document(self) -> Document:
        return self.history.now

    @property
    def live(self) -> Document:
        """What requests are routed by now; a router that was never published has nothing."""
        if self.view.version or self.view.name == BUILT_IN:
            return self.view.document
        return {"name": self.view.name}

    @property
    def changes(self) -> Sequence[DocChange]:
        return self._judged()[0]

    @property
    def problems(self) -> Sequence[Problem]:
        return (*self._judged()[1], *self._of_base)

    @property
    def is_draft(self) -> bool:
        return bool(self.changes) or not (self.view.version or self.view.name == BUILT_IN)

    def change(self, document: Document) -> None:
        if self.history.change(document):
            self._edited()

    def undo(self) -> None:
        if self.history.undo():
            self._edited()

    def redo(self) -> None:
        if self.history.redo():
            self._edited()

    async def flush(self) -> None:
        """What was edited is saved when this returns, unless `failure` or `other` say why not."""
        async with self._one_at_a_time:
            if not self.saved and self.other is None:
                await self._save()

    async def look(self) -> None:
        """Has somebody else changed the draft, or published?"""
        async with self._one_at_a_time:
            self.view = await self._routers.get(self.view.id)
            draft = await self._routers.draft(self.view.id)
            await self._judge_aside()
            if draft.at != self._seen:
                if self.saved and draft.document == self.document:  # their edit is what we show
                    self._take(draft)
                else:
                    self.other = draft.by or "Somebody"

    async def reload(self) -> None:
        """Theirs instead of ours."""
        await self.load(self.view.id)
        self._told()

    async def keep_ours(self) -> None:
        """Ours instead of theirs."""
        self._seen = (await self._routers.draft(self.view.id)).at
        self.other, self.saved = None, False
        await self.flush()
        self._told()

    async def discard(self) -> None:
        async with self._one_at_a_time:
            await self._routers.discard(self._person, self.view.id)
        await self.reload()

    def _take(self, draft: DraftView) -> None:
        self.history, self._judgement = History(draft.document), None
        self.saved, self.failure, self.other = True, None, None
        self._know(draft)

    def _know(self, draft: DraftView) -> None:
        self._seen = draft.at
        own = self._routers.check_draft(draft.document)
        self._of_base = tuple(problem for problem in draft.problems if problem not in own)

    def _judged(self) -> tuple[Sequence[DocChange], Sequence[Problem]]:
        """Worked out once for each document that is shown, and anew when somebody looks; of many rules a moment later,
        as that takes longer than anybody else should wait."""
        known = self._judgement
        if known is None or (known[0] is not self.document and len(rules_of(self.document)) <= AT_ONCE):
            self._judgement = (self.document, self._judge(self.document, self.live))
        assert self._judgement is not None
        return self._judgement[1]

    async def _judge_aside(self) -> None:
        document = self.document
        self._judgement = (document, await asyncio.to_thread(self._judge, document, self.live))

    def _judge(self, document: Document, live: Document) -> tuple[Sequence[DocChange], Sequence[Problem]]:
        try:
            changes = self._routers.changes(live, document)
        except BadRequest:
            changes = ()  # the problems say what the document lacks
        return changes, self._routers.check_draft(document)

    def _edited(self) -> None:
        self.saved, self.failure = False, None
        self._told()
        if self._saving is None or self._saving.done():
            self._saving = self._spawn(self._save_soon())

    async def _save_soon(self) -> None:
        while not self.saved and self.failure is None and self.other is None:
            edited = self.document
            await asyncio.sleep(self._save_after)
            if edited is self.document:  # a pause: nobody is in the middle of something
                await self.flush()
                if self._judgement is None or self._judgement[0] is not self.document:
                    await self._judge_aside()
                self._told()

    async def _save(self) -> None:
        document = self.document
        try:
            now = await self._routers.draft(self.view.id)
            if now.at != self._seen:
                self.other = now.by or "Somebody"
                return
            self._know(await self._routers.save_draft(self._person, self.view.id, document))
        except AnyGPTError as error:
            self.failure = error.message
            return
        self.saved = document is self.document
