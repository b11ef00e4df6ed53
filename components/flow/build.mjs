// Builds src/ into bundle/: index.js (Vue Flow with its style sheet; Vue itself is the page's own).
import { build } from "esbuild";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

rmSync("bundle", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { index: "src/index.mjs" },
  bundle: true,
  minify: true,
  metafile: true,
  format: "esm",
  target: "es2022",
  external: ["vue"],
  loader: { ".css": "text" },
  define: { "process.env.NODE_ENV": '"production"' },
  outdir: "bundle",
  legalComments: "none",
});

// Vue Flow's own file holds its dependencies already, so they are found by its package.json, not by what esbuild read
const about = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
const names = new Set(Object.keys(metafile.inputs).map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean));
for (const name of names) for (const needed of Object.keys(about(name).dependencies ?? {})) if (needed !== "vue-demi" && !needed.startsWith("@types/")) names.add(needed);
const notes = [...names].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${about(name).version} (${about(name).license})\n\n${file ? readFileSync(`${folder}/${file}`, "utf8").trim() : ""}\n`;
});
writeFileSync("LICENSES.txt", `Packages bundled in bundle/, with their licences.\n\n${notes.join(`\n${"-".repeat(80)}\n\n`)}`);
