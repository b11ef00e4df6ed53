// Finds mathematics in Markdown: $…$, $$…$$, \(…\), \[…\]. It only marks the source; KaTeX sets it later.

const INLINE = [
  ["$$", "$$", true],
  ["\\(", "\\)", false],
  ["\\[", "\\]", true],
  ["$", "$", false],
];

export default function tex(md) {
  md.inline.ruler.before("escape", "tex", inline);
  md.block.ruler.before("fence", "tex", block, { alt: ["paragraph", "reference", "blockquote", "list"] });
  md.renderer.rules.tex_inline = (tokens, i) => `<span class="math">${md.utils.escapeHtml(tokens[i].content)}</span>`;
  md.renderer.rules.tex_block = (tokens, i) => `<div class="math math-block">${md.utils.escapeHtml(tokens[i].content)}</div>\n`;
}

function inline(state, silent) {
  for (const [open, close, display] of INLINE) {
    if (!state.src.startsWith(open, state.pos)) continue;
    const start = state.pos + open.length;
    const end = state.src.indexOf(close, start);
    if (end < 0 || end === start) continue;
    const content = state.src.slice(start, end);
    if (open === "$" && !isFormula(content, state.src[end + 1])) continue;
    if (!silent) {
      const token = state.push("tex_inline", "", 0);
      token.content = content.trim();
      if (display) token.meta = { display };
    }
    state.pos = end + close.length;
    return true;
  }
  return false;
}

// "$5 and $10" is money: a formula has no blank inside its dollars and no digit after them.
function isFormula(content, next) {
  return !/^\s|\s$|\n/.test(content) && !/[0-9]/.test(next ?? "");
}

function block(state, startLine, endLine, silent) {
  const first = lineOf(state, startLine).trim();
  const [open, close] = first.startsWith("$$") ? ["$$", "$$"] : first.startsWith("\\[") ? ["\\[", "\\]"] : [];
  if (!open || state.sCount[startLine] - state.blkIndent >= 4) return false;
  const lines = [];
  let line = startLine;
  let rest = first.slice(open.length);
  for (;;) {
    const end = rest.indexOf(close);
    if (end >= 0) {
      if (rest.slice(end + close.length).trim()) return false;
      lines.push(rest.slice(0, end));
      break;
    }
    lines.push(rest);
    if (++line >= endLine) return false;
    rest = lineOf(state, line);
  }
  if (silent) return true;
  state.line = line + 1;
  const token = state.push("tex_block", "", 0);
  token.block = true;
  token.content = lines.join("\n").trim();
  token.map = [startLine, state.line];
  return true;
}

const lineOf = (state, line) => state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]);
