// Markup from the server, merged into what is there; clicks and input come back by name.
export default {
  template: `<component :is="tag"></component>`,
  props: { innerHTML: String, tag: String },
  data: () => ({ shown: null }),
  mounted() {
    this.$el.innerHTML = this.shown = this.innerHTML;
    this.$el.addEventListener("click", (event) => this.click(event));
    this.$el.addEventListener("input", (event) => this.input(event));
    this.$el.addEventListener("change", (event) => this.change(event));
    this.$el.addEventListener("keydown", (event) => this.keydown(event));
    this.reveal();
  },
  updated() {
    if (this.innerHTML === this.shown) return;
    this.shown = this.innerHTML;
    const next = document.createElement(this.$el.tagName);
    next.innerHTML = this.innerHTML;
    merge(this.$el, next);
    this.reveal();
  },
  methods: {
    act(name, value) {
      this.$emit("act", { name, value });
    },
    click(event) {
      const target = event.target.closest("[data-act], [data-copy], [data-toggle]");
      if (!target || !this.$el.contains(target) || target.disabled) return;
      const inner = event.target.closest("a[href], button, input, select, label");
      if (inner && inner !== target && target.contains(inner)) return; // the control inside is meant
      if (target.dataset.toggle) document.body.classList.toggle(target.dataset.toggle);
      if (target.dataset.copy !== undefined) return void window.anygpt.copy(target.dataset.copy, target);
      if (target.dataset.act) {
        if (target.matches("a[href]")) {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          event.stopPropagation();
        }
        this.act(target.dataset.act, target.dataset.value ?? "");
      }
    },
    input(event) {
      const name = event.target.dataset.input;
      if (!name) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.act(name, event.target.value), 200);
    },
    change(event) {
      const name = event.target.dataset.change;
      if (name) this.act(name, event.target.type === "checkbox" ? String(event.target.checked) : event.target.value);
    },
    keydown(event) {
      const row = event.target.closest("[data-row]");
      if (row && row === event.target) {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          row.click();
        } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          const rows = [...this.$el.querySelectorAll("[data-row]")];
          rows[rows.indexOf(row) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
        }
      }
      if (event.key === "Enter" && event.target.dataset.enter) this.act(event.target.dataset.enter, event.target.value);
      if (event.key === "Escape" && event.target.dataset.escape) {
        event.stopPropagation();
        this.act(event.target.dataset.escape, "");
      }
    },
    reveal() {
      const wanted = this.$el.querySelector("[data-focus]");
      if (wanted && wanted !== this.focused) {
        wanted.focus();
        wanted.select?.();
      }
      this.focused = wanted;
      const active = this.$el.querySelector("[data-reveal]");
      if (active && active.dataset.reveal !== this.revealed) active.scrollIntoView({ block: "nearest" });
      this.revealed = active?.dataset.reveal;
    },
  },
};

/** Makes `old` look like `next`, keeping the nodes that match (by key, else by place). */
function merge(old, next) {
  const keyed = new Map();
  for (const child of old.children) if (child.dataset?.key) keyed.set(child.dataset.key, child);
  let place = old.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = wanted.dataset?.key;
    let match = key ? keyed.get(key) : place;
    if (match && !key && match.dataset?.key) match = null;
    if (match && match.nodeType === wanted.nodeType && match.nodeName === wanted.nodeName) {
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      update(match, wanted);
    } else {
      old.insertBefore(wanted, place);
    }
  }
  while (place) {
    const after = place.nextSibling;
    place.remove();
    place = after;
  }
}

function update(node, wanted) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    return;
  }
  if (node.isEqualNode(wanted)) return;
  if (node.matches(":popover-open")) return; // a person is in this menu
  for (const { name } of [...node.attributes]) if (!wanted.hasAttribute(name) && name !== "aria-expanded") node.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  if (node.nodeName === "INPUT") {
    if (document.activeElement !== node) {
      node.value = wanted.getAttribute("value") ?? "";
      node.checked = wanted.hasAttribute("checked");
    }
    return;
  }
  if (node.nodeName === "SELECT") {
    merge(node, wanted);
    node.value = [...node.options].find((option) => option.hasAttribute("selected"))?.value ?? node.options[0]?.value ?? "";
    return;
  }
  merge(node, wanted);
}
