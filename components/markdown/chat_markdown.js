// Markdown that grows: closed blocks are frozen, only the open end is parsed again, at most once per frame.
import createPurifier from "dompurify";
import { md, openBlockStart } from "anygpt-markdown";

const purifier = createPurifier(window);
const ALLOWED = {
  FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "option", "iframe", "object", "embed", "link", "meta", "svg", "math", "video", "audio", "source", "picture", "dialog"],
  FORBID_ATTR: ["style", "id", "name", "srcset", "ping", "formaction", "background", "poster", "tabindex"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
  // the renderer makes links of strangers' pictures; whatever else got here may not call out either
  if (node.nodeName === "IMG" && !/^(data:image\/|\/(?![/\\]))/.test(node.getAttribute("src") ?? "")) node.remove();
});

const SECURE = ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "suppressErrorRendering", "themeCSS", "themeVariables", "fontFamily", "altFontFamily"];

let mathModule = null;
let diagrams = 0;

export default {
  template: `<div @click="clicked"></div>`,
  props: { content: String, writing: Boolean, plain: Boolean, step: Number },
  mounted() {
    this.begin(this.content ?? "");
  },
  beforeUnmount() {
    cancelAnimationFrame(this.frame);
  },
  watch: {
    content(text) {
      if (text !== this.text) this.begin(text ?? "");
    },
  },
  methods: {
    begin(text) {
      this.text = text;
      this.done = this.step;
      this.$el.markdownText = () => this.text;
      this.open = this.writing;
      if (this.plain) return void (this.$el.textContent = text);
      if (this.open) this.reset();
      else this.whole();
    },
    append(step, chunk) {
      if (step <= this.done) return; // the text that came with the element holds it already
      this.done = step;
      this.text += chunk;
      this.open = true;
      this.frame ??= requestAnimationFrame(() => {
        this.frame = null;
        if (this.open) this.flush();
      });
    },
    restart(step, text) {
      if (step <= this.done) return;
      this.done = step;
      this.text = text;
      this.open = true;
      this.reset();
    },
    finish() {
      this.open = false;
      this.whole();
    },
    reset() {
      this.$el.replaceChildren();
      this.tail = null;
      this.frozen = 0;
      this.flush();
    },
    flush() {
      const rest = this.text.slice(this.frozen);
      const cut = openBlockStart(rest);
      if (cut > 0) {
        this.place(this.block(rest.slice(0, cut)));
        this.frozen += cut;
      }
      const tail = this.block(rest.slice(cut));
      tail.classList.add("a-md-tail");
      caretPlace(tail).append(Object.assign(document.createElement("i"), { className: "a-caret" }));
      if (this.tail) this.tail.replaceWith(tail);
      else this.$el.append(tail);
      this.tail = tail;
    },
    place(block) {
      if (this.tail) this.tail.before(block);
      else this.$el.append(block);
    },
    whole() {
      this.tail = null;
      this.$el.replaceChildren(this.block(this.text));
      this.diagrams();
    },
    block(source) {
      const block = document.createElement("div");
      block.className = "a-md-block";
      block.append(purifier.sanitize(md.render(source), { ...ALLOWED, RETURN_DOM_FRAGMENT: true }));
      block.querySelectorAll("pre").forEach(frameCode);
      setMath(block);
      return block;
    },
    clicked(event) {
      const button = event.target.closest(".a-code-copy");
      if (button) window.anygpt.copy(button.closest(".a-code").querySelector("code").textContent, button);
    },
    async diagrams() {
      const codes = this.$el.querySelectorAll("code.language-mermaid");
      if (!codes.length) return;
      const { mermaid } = await import("nicegui-mermaid");
      const dark = document.body.classList.contains("body--dark");
      mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: dark ? "dark" : "neutral", suppressErrorRendering: true, secure: SECURE, htmlLabels: false, flowchart: { htmlLabels: false } });
      for (const code of codes) {
        try {
          const { svg } = await mermaid.render(`a-diagram-${++diagrams}`, code.textContent);
          const picture = document.createElement("div");
          picture.className = "a-diagram";
          picture.append(purifier.sanitize(svg, { USE_PROFILES: { svg: true, svgFilters: true }, ADD_TAGS: ["style"], RETURN_DOM_FRAGMENT: true }));
          for (const style of picture.querySelectorAll("style")) style.textContent = style.textContent.replace(/@import[^;]*;?|url\((?!["']?#)[^)]*\)/g, "");
          code.closest(".a-code")?.querySelector("pre").replaceWith(picture);
        } catch (error) {
          console.debug("diagram stays as its source:", error.message);
        }
      }
    },
  },
};

/** A code block as in the look: its language and Copy above it. */
function frameCode(pre) {
  const code = pre.querySelector("code");
  const language = /language-([\w+#.-]+)/.exec(code?.className ?? "")?.[1] ?? "text";
  const frame = Object.assign(document.createElement("div"), { className: "a-code" });
  const head = document.createElement("div");
  const copy = Object.assign(document.createElement("button"), { type: "button", className: "a-btn quiet is-sm a-code-copy" });
  copy.innerHTML = '<svg class="a-ico" aria-hidden="true"><use href="/static/icons.svg#copy"></use></svg>Copy';
  copy.setAttribute("aria-label", "Copy code");
  head.append(Object.assign(document.createElement("span"), { textContent: language }), copy);
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  frame.append(head, pre);
}

function setMath(block) {
  const places = block.querySelectorAll(".math");
  if (!places.length) return;
  mathModule ??= loadMath();
  mathModule.then(({ renderMath }) => places.forEach((place) => place.isConnected && renderMath(place))).catch(() => null); // the source stays readable
}

function loadMath() {
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: import.meta.resolve("anygpt-markdown/katex.css") });
  document.head.append(sheet);
  return import("anygpt-markdown/math.js");
}

/** The innermost last block: the caret stands behind the last word, not below it. */
function caretPlace(element) {
  const inside = new Set(["DIV", "P", "UL", "OL", "LI", "BLOCKQUOTE", "H1", "H2", "H3", "H4", "H5", "H6", "PRE", "CODE"]);
  const cells = element.lastElementChild?.matches(".a-scroll") ? element.lastElementChild.querySelectorAll("th, td") : [];
  const written = [...cells].findLast((cell) => cell.textContent.trim());
  if (written) return written;
  let place = element;
  while (place.lastElementChild && inside.has(place.lastElementChild.nodeName) && !place.lastElementChild.nextSibling?.nodeValue?.trim()) {
    if (place.lastElementChild.matches(".math, .a-scroll, p > code, li > code")) break;
    place = place.lastElementChild;
  }
  return place;
}
