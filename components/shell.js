// Keys, menus, the look of the document, and copying: what the whole frame needs in the browser.
const COPIED_FOR = 1500; // milliseconds that a button says so
const GO_WITHIN = 1200; // milliseconds between G and its letter

export default {
  template: `
    <div v-if="keysShown" class="a-palette" @mousedown.self="keysShown = false">
      <div class="a-pop a-keys" role="dialog" aria-modal="true" aria-label="Keyboard shortcuts" tabindex="-1" ref="keys">
        <header><h2>Keyboard shortcuts</h2><button class="a-kbd" type="button" @click="hideKeys" aria-label="Close (Esc)">Esc</button></header>
        <dl><template v-for="[text, ...names] in allKeys"><dt>{{ text }}</dt><dd><span v-for="name in names" class="a-kbd">{{ name }}</span></dd></template></dl>
      </div>
    </div>`,
  props: { goto: Object, density: String, accent: String },
  data: () => ({ keysShown: false }),
  computed: {
    allKeys() {
      return [
        ["Search or jump to", "Ctrl", "K"],
        ["Search in this page", "/"],
        ...Object.entries(this.goto).map(([key, [, title]]) => [`Go to ${title.toLowerCase()}`, "G", key.toUpperCase()]),
        ["Send the message", "Enter"],
        ["New line in the message", "Shift", "Enter"],
        ["Stop the answer", "Esc"],
        ["Move a rule of a router", "Alt", "↑", "↓"],
        ["Undo, redo in a router", "Ctrl", "Z", "Ctrl", "Shift", "Z"],
        ["Close what is open", "Esc"],
        ["This list", "?"],
      ];
    },
  },
  watch: {
    density: "wear",
    accent: "wear",
  },
  mounted() {
    this.wear();
    document.addEventListener("keydown", this.key);
    document.addEventListener("click", this.click);
    document.addEventListener("toggle", toggled, true);
  },
  unmounted() {
    document.removeEventListener("keydown", this.key);
    document.removeEventListener("click", this.click);
    document.removeEventListener("toggle", toggled, true);
  },
  methods: {
    wear() {
      document.body.dataset.density = this.density;
      if (this.accent) document.documentElement.dataset.accent = this.accent;
      else delete document.documentElement.dataset.accent;
    },
    showKeys() {
      this.before = document.activeElement;
      this.keysShown = true;
      this.$nextTick(() => this.$refs.keys.focus());
    },
    hideKeys() {
      this.keysShown = false;
      this.before?.focus?.();
    },
    key(event) {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        return void this.$emit("palette");
      }
      if (event.key === "Escape") {
        if (this.keysShown) this.hideKeys();
        document.body.classList.remove("a-nav-open");
        if (!isTyping(event.target) && !document.querySelector(".a-palette, .q-dialog, :popover-open")) document.querySelector("[data-esc]")?.click();
      }
      const menu = event.target.closest?.(".a-menu-pop");
      if (menu) return moveInMenu(menu, event);
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector(".a-palette, .q-dialog")) return;
      if (this.going && event.key.toLowerCase() in this.goto) {
        event.preventDefault();
        emitEvent("sub_pages_navigate", this.goto[event.key.toLowerCase()][0]);
      }
      clearTimeout(this.going);
      this.going = null;
      if (event.key === "g") this.going = setTimeout(() => (this.going = null), GO_WITHIN);
      if (event.key === "?") this.showKeys();
      if (event.key === "/") {
        const search = [...document.querySelectorAll("[data-search]")].find((field) => field.offsetParent);
        if (search) {
          event.preventDefault();
          search.focus();
          search.select();
        }
      }
    },
    click(event) {
      const opener = event.target.closest("[data-menu]");
      if (opener) return openMenu(opener);
      const copier = event.target.closest("[data-copy-answer]");
      if (copier) window.anygpt.copy(copier.closest(".a-msg").querySelector(".a-answer").markdownText(), copier);
      const item = event.target.closest(".a-menu-item");
      if (item && !item.closest("form")) item.closest(".a-menu-pop")?.hidePopover();
      if (event.target.closest(".a-nav a, .a-scrim") || event.target.closest(".a-conv")) document.body.classList.remove("a-nav-open");
    },
  },
};

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable=true]");

function openMenu(opener) {
  const menu = opener.parentElement.querySelector(":scope > .a-menu-pop");
  if (!menu || menu.matches(":popover-open")) return menu?.hidePopover();
  menu.style.visibility = "hidden";
  menu.showPopover();
  const at = opener.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const below = at.bottom + 4 + size.height <= innerHeight - 8 && opener.dataset.menu !== "up";
  menu.style.top = `${Math.max(below ? at.bottom + 4 : at.top - size.height - 4, 8)}px`;
  menu.style.left = `${Math.min(Math.max(opener.dataset.menu === "up" ? at.left : at.right - size.width, 8), innerWidth - size.width - 8)}px`;
  menu.style.visibility = "";
  (menu.querySelector("[aria-checked=true]") ?? menu.querySelector(".a-menu-item"))?.focus({ focusVisible: false });
}

function toggled(event) {
  if (!event.target.classList?.contains("a-menu-pop")) return;
  const opener = event.target.parentElement?.querySelector("[data-menu]");
  opener?.setAttribute("aria-expanded", String(event.newState === "open"));
  if (event.newState === "closed" && event.target.contains(document.activeElement)) opener?.focus();
}

function moveInMenu(menu, event) {
  const items = [...menu.querySelectorAll(".a-menu-item")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined) {
    if (event.key === "Tab") menu.hidePopover();
    return;
  }
  event.preventDefault();
  items[(to + items.length) % items.length]?.focus();
}

window.anygpt = {
  /** Copies text, also where the page is not served over https; the button says so for a moment. */
  async copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      area.style.cssText = "position:fixed;opacity:0";
      (document.querySelector("dialog[open], .q-dialog__inner") ?? document.body).append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    if (!button || button.dataset.copied) return;
    button.dataset.copied = "true";
    const use = button.querySelector("use");
    const icon = use?.getAttribute("href");
    use?.setAttribute("href", "/static/icons.svg#check");
    setTimeout(() => {
      delete button.dataset.copied;
      if (icon) use.setAttribute("href", icon);
    }, COPIED_FOR);
  },
};
