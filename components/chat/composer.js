// The message being written. Drafts survive a reload; nothing goes to the server before it is sent, but for the estimate.
const PAUSE = 350; // milliseconds without a key before the estimate is asked for

export default {
  template: `
    <div class="a-composer-place">
      <div class="a-row a-f12 a-t3 a-slim a-estimate-slim" v-if="estimate"><span class="a-grow"></span><span>{{ estimate }}</span></div>
      <div class="a-composer" :data-provider="accent || 'custom'" :class="{ 'is-busy': busy }">
        <textarea class="ta" ref="field" v-model="text" rows="1" :placeholder="missing ? 'Choose a model first' : 'Ask anything'" aria-label="Message"
          @keydown="key" @input="typed"></textarea>
        <div class="foot">
          <button class="a-btn quiet a-model" type="button" @click="$emit('pick')" title="Choose the model">
            <span v-if="monogram" class="a-pv is-sm" :data-provider="accent" aria-hidden="true">{{ monogram }}</span>
            <span class="a-sr">Model: </span><span class="a-t1 a-cut">{{ model || "Choose a model" }}</span>
            <svg class="a-ico" aria-hidden="true"><use href="/static/icons.svg#chev"></use></svg>
          </button>
          <span v-if="missing && model" class="a-tag wa">not available</span>
          <span class="a-grow"></span>
          <span class="a-f12 a-t3 a-nowrap a-wide a-estimate">{{ estimate }}</span>
          <button v-if="busy" class="a-btn icon" type="button" @click="$emit('stop')" aria-label="Stop writing" title="Stop writing (Esc)">
            <svg class="a-ico" aria-hidden="true"><use href="/static/icons.svg#stop"></use></svg>
          </button>
          <button class="a-btn icon primary" type="button" @click="send" :disabled="!ready" aria-label="Send" title="Send (Enter)">
            <svg class="a-ico" aria-hidden="true"><use href="/static/icons.svg#send"></use></svg>
          </button>
        </div>
      </div>
    </div>`,
  props: { draftOf: String, busy: Boolean, model: String, monogram: String, accent: String, missing: Boolean, estimate: String },
  data: () => ({ text: "" }),
  computed: {
    ready() {
      return Boolean(this.text.trim()) && !this.busy && !this.missing;
    },
    store() {
      return `anygpt-draft-${this.draftOf}`;
    },
  },
  mounted() {
    this.text = sessionStorage.getItem(this.store) ?? "";
    this.$nextTick(() => {
      this.fit();
      if (matchMedia("(pointer: fine)").matches) this.focus();
      if (this.text) this.$emit("draft", this.text);
    });
  },
  beforeUnmount() {
    clearTimeout(this.timer);
  },
  methods: {
    focus() {
      this.$refs.field.focus();
    },
    fit() {
      const field = this.$refs.field;
      if (!field) return;
      field.style.height = "auto";
      field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.4)}px`;
    },
    typed() {
      this.fit();
      sessionStorage.setItem(this.store, this.text);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.$emit("draft", this.text), PAUSE);
    },
    key(event) {
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        this.send();
      } else if (event.key === "Escape" && this.busy) {
        event.stopPropagation();
        this.$emit("stop");
      }
    },
    send() {
      if (!this.ready) return;
      const text = this.text.trim();
      clearTimeout(this.timer);
      this.text = "";
      sessionStorage.removeItem(this.store);
      this.$nextTick(this.fit);
      this.$emit("send", text);
    },
  },
};
