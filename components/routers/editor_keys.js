// What an editor of rules needs in the browser: cards dragged by their grip, moved by Alt and an arrow, undo and redo.
const BEGINS = 4; // pixels before a press is a drag
const EDGE = 48; // pixels from the edge of the list where it scrolls by itself
const PATIENCE = 3000; // milliseconds in which a moved card's grip gets the focus back

export default {
  template: "<span hidden></span>",
  mounted() {
    document.addEventListener("keydown", this.key);
    document.addEventListener("pointerdown", this.press);
  },
  beforeUnmount() {
    document.removeEventListener("keydown", this.key);
    document.removeEventListener("pointerdown", this.press);
    this.watcher?.disconnect();
    this.drag?.cancel();
  },
  methods: {
    key(event) {
      if (document.querySelector(".a-palette, .q-dialog")) return;
      const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
        event.preventDefault();
        this.$emit(event.shiftKey ? "redo" : "undo");
      }
      const card = event.target.closest?.("[data-rule]");
      if (event.altKey && card && ["ArrowUp", "ArrowDown"].includes(event.key)) {
        event.preventDefault();
        const cards = [...card.parentElement.querySelectorAll(":scope > [data-rule]")];
        this.moved(card.dataset.rule, cards.indexOf(card) + (event.key === "ArrowUp" ? -1 : 1), cards.length);
      }
    },
    moved(rule, to, number) {
      if (to < 0 || to >= number) return;
      this.refocus(rule);
      this.$emit("move", { rule, to });
    },
    /** A card that changes its place in the document loses the focus; its grip gets it back. */
    refocus(rule) {
      this.watcher?.disconnect();
      const list = document.querySelector(`[data-rule="${CSS.escape(rule)}"]`)?.parentElement;
      if (!list) return;
      this.watcher = new MutationObserver(() => {
        if (document.activeElement === document.body) list.querySelector(`[data-grip="${CSS.escape(rule)}"]`)?.focus();
      });
      this.watcher.observe(list, { childList: true });
      setTimeout(() => this.watcher?.disconnect(), PATIENCE);
    },
    press(event) {
      const grip = event.target.closest?.("[data-grip]");
      if (!grip || event.button || this.drag) return;
      const card = grip.closest("[data-rule]");
      const list = card.parentElement;
      const cards = [...list.querySelectorAll(":scope > [data-rule]")];
      if (cards.length > 1) this.drag = follow(event, card, cards, scroller(list), (to) => this.drop(card, cards, to));
    },
    drop(card, cards, to) {
      this.drag = null;
      const from = cards.indexOf(card);
      if (to === null || to === from) return;
      const others = cards.filter((each) => each !== card);
      card.parentElement.insertBefore(card, others[to] ?? others.at(-1).nextSibling); // as the server will say in a moment
      this.moved(card.dataset.rule, to, cards.length);
    },
  },
};

function follow(begin, card, cards, scroll, dropped) {
  const from = cards.indexOf(card);
  const boxes = cards.map((each) => each.getBoundingClientRect());
  const step = boxes[from].height + (boxes[1].top - boxes[0].bottom);
  const startScroll = scroll.scrollTop;
  let to = null;
  const move = (event) => {
    const way = event.clientY - begin.clientY + scroll.scrollTop - startScroll;
    if (to === null && Math.abs(way) < BEGINS) return;
    event.preventDefault();
    card.classList.add("is-dragged");
    card.style.transform = `translateY(${way}px)`;
    const middle = boxes[from].top + boxes[from].height / 2 + way;
    to = boxes.filter((box, at) => at !== from && box.top + box.height / 2 < middle).length;
    cards.forEach((each, at) => {
      if (at === from) return;
      const shift = at > from && at <= to ? -step : at < from && at >= to ? step : 0;
      each.style.transform = shift ? `translateY(${shift}px)` : "";
    });
    const view = scroll.getBoundingClientRect();
    if (event.clientY > view.bottom - EDGE) scroll.scrollTop += 10;
    else if (event.clientY < view.top + EDGE) scroll.scrollTop -= 10;
  };
  const end = (result) => {
    document.removeEventListener("pointermove", move);
    document.removeEventListener("pointerup", up);
    document.removeEventListener("pointercancel", cancel);
    document.removeEventListener("keydown", escape, true);
    card.classList.remove("is-dragged");
    for (const each of cards) each.style.transform = "";
    dropped(result);
  };
  const up = () => end(to);
  const cancel = () => end(null);
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    cancel();
  };
  document.addEventListener("pointermove", move, { passive: false });
  document.addEventListener("pointerup", up);
  document.addEventListener("pointercancel", cancel);
  document.addEventListener("keydown", escape, true);
  return { cancel };
}

function scroller(element) {
  let found = element.parentElement;
  while (found && !(found.scrollHeight > found.clientHeight && /auto|scroll/.test(getComputedStyle(found).overflowY))) found = found.parentElement;
  return found ?? document.scrollingElement;
}
