// What the route graph needs of Vue Flow; its style sheet comes along as text, so that nothing is fetched beside it.
import style from "@vue-flow/core/dist/style.css";

if (!document.getElementById("vue-flow-style")) {
  const sheet = Object.assign(document.createElement("style"), { id: "vue-flow-style", textContent: style });
  document.head.append(sheet);
}

export { BaseEdge, Handle, Position, VueFlow, getBezierPath } from "@vue-flow/core";
