// Builds src/ into bundle/: index.js (Markdown and code) and math.js with its fonts (loaded when a text holds mathematics).
import { build } from "esbuild";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

rmSync("bundle", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { index: "src/index.mjs", math: "src/math.mjs" },
  bundle: true,
  minify: true,
  metafile: true,
  format: "esm",
  target: "es2022",
  outdir: "bundle",
  legalComments: "none",
});

mkdirSync("bundle/fonts", { recursive: true });
const fonts = "node_modules/katex/dist/fonts";
for (const name of readdirSync(fonts)) if (name.endsWith(".woff2")) cpSync(`${fonts}/${name}`, `bundle/fonts/${name}`);
const css = readFileSync("node_modules/katex/dist/katex.min.css", "utf8");
writeFileSync("bundle/katex.css", css.replace(/,url\(fonts\/[^)]*\.(?:woff|ttf)\) format\("[^"]*"\)/g, ""));

const bundled = Object.keys(metafile.inputs).map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
const notes = [...new Set(bundled.filter(Boolean))].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const about = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${about.name} ${about.version} (${about.license})\n\n${file ? readFileSync(`${folder}/${file}`, "utf8").trim() : ""}\n`;
});
writeFileSync("LICENSES.txt", `Packages bundled in bundle/, with their licences.\n\n${notes.join(`\n${"-".repeat(80)}\n\n`)}`);
