// A route graph: boxes in columns, edges as thick as their share; only what a person can see is fetched and drawn.
import { h, markRaw, shallowRef } from "vue";

const WIDE = "(min-width: 801px)";
const GRIP = 9; // pixels around an edge's end that take hold of it
const ROOM = { wide: 200, tall: 72 }; // pixels for the last box and the space around all
const HANDLE = 4; // pixels that a handle sticks out of its box

const edgeLine = (flow) => ({
  inheritAttrs: false,
  props: ["sourceX", "sourceY", "targetX", "targetY", "data", "selected"],
  setup: (props) => () => {
    const { width, kind, from_shift, to_shift } = props.data;
    const [x0, y0, x1, y1] = [props.sourceX - HANDLE, props.sourceY + from_shift, props.targetX + HANDLE, props.targetY + to_shift];
    const middle = (x0 + x1) / 2;
    const path = `M${x0} ${y0} C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`;
    return h(flow.BaseEdge, { path, class: `a-flow-edge ${kind}`, style: { strokeWidth: width, stroke: "var(--edge)" }, interactionWidth: Math.max(width + 6, 14) });
  },
});

const box = (flow) => ({
  inheritAttrs: false,
  props: ["id", "data"],
  setup: (props) => () => {
    const { kind, title, sub, value, accent, health, lit } = props.data;
    const { Handle, Position } = flow;
    return h("div", { class: ["a-flow-box", kind, { lit }], "data-provider": accent || null, title: [title, sub, value].filter(Boolean).join(", ") }, [
      accent ? h("i", { class: "a-flow-bar" }) : null,
      h("b", { class: "a-cut" }, title),
      health ? h("i", { class: ["a-dot", health] }) : null,
      h("span", { class: "a-cut" }, sub),
      value ? h("em", value) : null,
      kind === "request" ? null : h(Handle, { type: "target", position: Position.Left, connectable: ["target", "group"].includes(kind) }),
      ["target", "other"].includes(kind) ? null : h(Handle, { type: "source", position: Position.Right, connectable: ["rule", "group"].includes(kind) }),
    ]);
  },
});

export default {
  template: `
    <div role="img" :aria-label="label" :style="size" :data-fitted="fitted">
      <component v-if="flow" :is="flow.VueFlow" :nodes="boxes" :edges="lines" :node-types="nodeTypes" :edge-types="edgeTypes"
        fit-view-on-init :min-zoom="0.2" :max-zoom="1" :nodes-draggable="false" :nodes-focusable="false" :edges-focusable="false"
        :elements-selectable="false" :zoom-on-scroll="false" :pan-on-scroll="false" :prevent-scrolling="false" :zoom-on-double-click="false"
        :disable-keyboard-a11y="true" :edge-updater-radius="grip" :delete-key-code="null" :connect-on-click="false"
        @init="start" @pane-ready="start" @node-click="picked" @edge-update="moved" @connect="joined"></component>
    </div>`,
  props: { nodes: Array, edges: Array, label: String },
  setup: () => ({ flow: shallowRef(null), grip: GRIP }),
  data: () => ({ nodeTypes: null, edgeTypes: null, fitted: 0 }), // fitted: how many boxes the view was last fitted to
  computed: {
    boxes() {
      return (this.nodes ?? []).map(({ id, x, y, ...data }) => ({ id, type: "box", position: { x, y }, data }));
    },
    lines() {
      return (this.edges ?? []).map(({ id, source, target, movable, ...data }) => ({ id, source, target, type: "line", data, updatable: movable ? "target" : false }));
    },
    size() {
      const right = Math.max(0, ...(this.nodes ?? []).map((each) => each.x)) + ROOM.wide;
      const tall = Math.max(0, ...(this.nodes ?? []).map((each) => each.y)) + ROOM.tall;
      return { aspectRatio: `${right} / ${tall}`, "--tall": `${tall}px` };
    },
    shape() {
      return this.boxes.map((each) => `${each.id} ${each.position.x} ${each.position.y}`).join();
    },
  },
  watch: {
    shape() {
      this.$nextTick(() => setTimeout(() => this.fit(), 60)); // once the new boxes are measured
    },
  },
  mounted() {
    this.width = window.matchMedia(WIDE);
    this.width.addEventListener("change", this.load);
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(this.$el);
    this.load();
  },
  beforeUnmount() {
    this.width.removeEventListener("change", this.load);
    this.resized.disconnect();
  },
  methods: {
    async load() {
      if (this.flow || !this.width.matches) return;
      const flow = await import("anygpt-flow");
      this.nodeTypes = markRaw({ box: markRaw(box(flow)) });
      this.edgeTypes = markRaw({ line: markRaw(edgeLine(flow)) });
      this.flow = markRaw(flow);
    },
    start(view) {
      this.view = markRaw(view.fitView ? view : (view.instance ?? view));
      this.fit();
    },
    fit() {
      if (!this.view?.fitView) return;
      this.view.fitView({ padding: 0.04, maxZoom: 1 });
      this.fitted = this.boxes.length;
    },
    picked({ node }) {
      this.$emit("pick", { node: node.id });
    },
    moved({ edge, connection }) {
      if (connection.source === edge.source && connection.target !== edge.target) this.$emit("retarget", { edge: edge.id, target: connection.target });
    },
    joined({ source, target }) {
      this.$emit("join", { source, target });
    },
  },
};
