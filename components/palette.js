// A list to choose from, over the page: typed filter, groups, arrows, Enter, Esc; focus goes back where it was.
const LIMIT = 60; // lines shown at once

export default {
  template: `
    <div v-if="shown" class="a-palette" @mousedown.self="close">
      <div class="a-pop" role="dialog" aria-modal="true" :aria-label="placeholder" @keydown="key">
        <div class="a-palette-head">
          <svg class="a-ico" aria-hidden="true"><use href="/static/icons.svg#search"></use></svg>
          <input ref="input" v-model="text" :placeholder="placeholder" :aria-label="placeholder" role="combobox" aria-expanded="true"
            aria-controls="a-palette-list" :aria-activedescendant="active ? 'a-option-' + at : null" autocomplete="off" spellcheck="false">
          <button class="a-kbd" type="button" @click="close" aria-label="Close (Esc)">Esc</button>
        </div>
        <div id="a-palette-list" class="a-palette-list" role="listbox" :aria-label="placeholder" ref="list">
          <template v-for="(item, i) in found" :key="i">
            <div v-if="item.group && item.group !== found[i - 1]?.group" class="a-palette-group" role="presentation">{{ item.group }}</div>
            <div class="a-option" :id="'a-option-' + i" role="option" :aria-selected="i === at" :class="{ on: i === at }"
              @mousemove="at = i" @click="choose(item, $event)">
              <span class="pic">
                <span v-if="item.monogram" class="a-pv" :data-provider="item.accent" aria-hidden="true">{{ item.monogram }}</span>
                <svg v-else-if="item.icon" class="a-ico" aria-hidden="true"><use :href="'/static/icons.svg#' + item.icon"></use></svg>
              </span>
              <span class="text" :class="{ 'a-mid': i === at }">{{ item.text }}</span>
              <span class="a-t3 a-cut a-grow sub">{{ item.sub }}</span>
              <svg v-if="item.on" class="a-ico a-in-use" aria-label="In use"><use href="/static/icons.svg#check"></use></svg>
              <span v-if="i === at && !item.keys.length" class="a-kbd a-wide">Enter</span>
              <span v-for="name in item.keys" class="a-kbd a-wide">{{ name }}</span>
            </div>
          </template>
          <div v-if="!found.length" class="a-state"><div class="pic"><svg class="a-ico" aria-hidden="true"><use href="/static/icons.svg#search"></use></svg></div>
            <h3 class="a-strong">Nothing matches</h3><p>{{ empty }}</p></div>
        </div>
        <div class="a-palette-foot">
          <span class="a-wide"><span class="a-kbd">↑</span> <span class="a-kbd">↓</span> move</span>
          <span class="a-wide"><span class="a-kbd">Enter</span> {{ verb }}</span>
          <span class="a-grow"></span><span role="status">{{ count }}</span>
        </div>
      </div>
    </div>`,
  data: () => ({ shown: false, items: [], text: "", at: 0, placeholder: "", empty: "", verb: "open" }),
  computed: {
    matching() {
      const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
      if (!words.length) return this.items.filter((item) => !item.only_searched);
      return this.items
        .map((item, place) => ({ item, place, score: score(item, words) }))
        .filter((hit) => hit.score > 0)
        .sort((a, b) => this.rank(a) - this.rank(b) || b.score - a.score || a.place - b.place)
        .map((hit) => hit.item);
    },
    groups() {
      return [...new Set(this.items.map((item) => item.group))];
    },
    found() {
      return this.matching.slice(0, LIMIT);
    },
    active() {
      return this.found[this.at];
    },
    count() {
      const number = this.matching.length;
      return number > LIMIT ? `${LIMIT} of ${number} results` : number === 1 ? "1 result" : `${number} results`;
    },
  },
  watch: {
    text() {
      this.at = 0;
    },
  },
  methods: {
    open({ items, placeholder, empty, verb }) {
      if (!this.shown) this.before = document.activeElement;
      Object.assign(this, { shown: true, items, placeholder, empty, verb: verb ?? "choose", text: "" });
      this.at = Math.max(items.filter((item) => !item.only_searched).findIndex((item) => item.on), 0);
      this.$nextTick(() => {
        this.$refs.input?.focus();
        this.reveal();
      });
    },
    close() {
      this.shown = false;
      this.before?.focus?.();
    },
    rank(hit) {
      return this.groups.indexOf(hit.item.group);
    },
    key(event) {
      const last = this.found.length - 1;
      const moves = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: last, PageDown: this.at + 8, PageUp: this.at - 8 };
      if (event.key === "Escape") this.close();
      else if (event.key === "Enter" && this.active) this.choose(this.active, event);
      else if (event.key === "Tab") this.$refs.input.focus();
      else if (event.key in moves && !(["Home", "End"].includes(event.key) && this.text)) {
        this.at = event.key === "ArrowDown" && this.at === last ? 0 : event.key === "ArrowUp" && this.at === 0 ? last : Math.min(Math.max(moves[event.key], 0), last);
        this.$nextTick(this.reveal);
      } else return event.stopPropagation();
      event.preventDefault();
      event.stopPropagation();
    },
    reveal() {
      this.$refs.list?.querySelector(".a-option.on")?.scrollIntoView({ block: "nearest" });
    },
    choose(item, event) {
      this.shown = false;
      if (item.href && (event.metaKey || event.ctrlKey)) return void window.open(item.href);
      if (item.href) emitEvent("sub_pages_navigate", item.href);
      else {
        this.before?.focus?.();
        this.$emit("choose", item.value);
      }
    },
  },
};

/** How well a line answers the words: every word must occur; a name that begins with it counts most. */
function score(item, words) {
  const name = item.text.toLowerCase();
  const rest = `${item.sub} ${item.group}`.toLowerCase();
  let sum = 0;
  for (const word of words) {
    if (name.startsWith(word)) sum += 4;
    else if (name.includes(` ${word}`) || name.includes(`/${word}`) || name.includes(`-${word}`)) sum += 3;
    else if (name.includes(word)) sum += 2;
    else if (rest.includes(word)) sum += 1;
    else return 0;
  }
  return sum;
}
