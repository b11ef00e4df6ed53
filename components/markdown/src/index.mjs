// Markdown of models: HTML off, code highlighted, mathematics marked, pictures of strangers shown as links.
import MarkdownIt from "markdown-it";
import hljs from "highlight.js/lib/common";
import tex from "./tex.mjs";

const LONG = 40_000; // a longer block is not highlighted: it would hold up the page

export const md = new MarkdownIt({ html: false, linkify: true, breaks: true, highlight }).use(tex);
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false }); // "README.md" is a file, not an address

md.renderer.rules.image = (tokens, i, options, env, self) => {
  const token = tokens[i];
  const source = token.attrGet("src") ?? "";
  const alt = self.renderInlineAsText(token.children ?? [], options, env);
  const escape = md.utils.escapeHtml;
  if (source.startsWith("data:image/") || isOwn(source)) return `<img src="${escape(source)}" alt="${escape(alt)}" loading="lazy">`;
  return `<a href="${escape(source)}" class="a-image-link">${escape(alt || "Picture")} (${escape(hostOf(source))})</a>`;
};

for (const rule of ["td_open", "th_open"]) {
  md.renderer.rules[rule] = (tokens, i, options, env, self) => {
    const align = /text-align:(\w+)/.exec(tokens[i].attrGet("style") ?? "")?.[1];
    tokens[i].attrs = align ? [["class", `to-${align}`]] : null;
    return self.renderToken(tokens, i, options);
  };
}
md.renderer.rules.table_open = () => '<div class="a-scroll" tabindex="0"><table>\n';
md.renderer.rules.table_close = () => "</table></div>\n";

/** Where the last top-level block of a text begins (in characters): all before it is final while more is written. */
export function openBlockStart(text) {
  const starts = md.parse(text, {}).filter((token) => token.level === 0 && token.nesting >= 0 && token.map).map((token) => token.map[0]);
  let line = starts.at(-1) ?? 0;
  let at = 0;
  while (line-- > 0) at = text.indexOf("\n", at) + 1;
  return at;
}

function highlight(code, language) {
  if (!language || code.length > LONG || !hljs.getLanguage(language)) return "";
  return hljs.highlight(code, { language, ignoreIllegals: true }).value;
}

function isOwn(source) {
  return source.startsWith("/") && !source.startsWith("//") && !source.startsWith("/\\");
}

function hostOf(source) {
  try {
    return new URL(source).host;
  } catch {
    return "link";
  }
}
