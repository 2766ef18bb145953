import { defineConfig } from "vite";

// The built files travel inside the Python wheel, so that an installation needs no Node. Names carry a hash: a console
// that stays open through an update keeps asking for files that match its page.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/beffroi/console/static/build",
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { input: { console: "src/console.ts", crew: "src/crew/crew.ts" } },
  },
});
