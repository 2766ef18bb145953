import { defineConfig } from "vite";

// The service worker of crews' phones, in one piece and without an import: browsers that keep pages for later know no module
// workers everywhere. After the other build, which empties the folder.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/beffroi/console/static/build",
    emptyOutDir: false,
    manifest: "worker.json",
    target: "es2022",
    rolldownOptions: { input: { worker: "src/crew/worker.ts" }, output: { format: "iife" } },
  },
});
