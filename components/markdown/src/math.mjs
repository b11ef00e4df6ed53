// Mathematics: KaTeX, loaded only when a text holds some.
import katex from "katex";

export function renderMath(element) {
  katex.render(element.textContent, element, {
    displayMode: element.classList.contains("math-block"),
    throwOnError: false,
    trust: false,
    strict: false,
    maxSize: 20,
    maxExpand: 200,
  });
}
