// Sticks to the end while content grows, until a person scrolls up; then a button leads back.
const NEAR = 48; // pixels from the end that still count as the end

export default {
  template: `
    <div class="a-thread-place">
      <div class="a-thread" role="log" aria-label="Conversation" tabindex="0" ref="view" @scroll.passive="scrolled"><slot></slot></div>
      <button v-if="away" class="a-btn icon a-to-end" type="button" aria-label="Go to the end" title="Go to the end" @click="toEnd">
        <svg class="a-ico" aria-hidden="true"><use href="/static/icons.svg#chev"></use></svg>
      </button>
    </div>`,
  data: () => ({ away: false }),
  mounted() {
    this.stick = true;
    this.height = 0;
    this.watcher = new MutationObserver(this.grown);
    this.watcher.observe(this.$refs.view, { childList: true, subtree: true, characterData: true });
    this.sizes = new ResizeObserver(this.grown);
    this.sizes.observe(this.$refs.view);
    this.grown();
  },
  beforeUnmount() {
    this.watcher.disconnect();
    this.sizes.disconnect();
  },
  methods: {
    grown() {
      const view = this.$refs.view;
      if (!view) return;
      if (this.keep) {
        view.scrollTop += view.scrollHeight - this.keep;
        this.keep = view.scrollHeight;
      } else if (this.stick) view.scrollTop = view.scrollHeight;
      this.scrolled();
    },
    scrolled() {
      const view = this.$refs.view;
      const left = view.scrollHeight - view.scrollTop - view.clientHeight;
      if (view.scrollTop < (this.top ?? 0) - 1 && left > NEAR) this.stick = false;
      if (left <= NEAR) this.stick = true;
      this.top = view.scrollTop;
      this.away = left > NEAR * 4;
    },
    toEnd() {
      this.stick = true;
      this.keep = null;
      this.$refs.view.scrollTop = this.$refs.view.scrollHeight;
    },
    keepPlace() {
      this.keep = this.$refs.view.scrollHeight;
      setTimeout(() => (this.keep = null), 800);
    },
  },
};
