import { defineConfig } from 'vite';

/** Static files for the gateway to serve under its own origin with `default-src 'self'`: no inline code, no CDN. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The first browsers with light-dark(), all of 2024.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // An inlined asset would be a data: URL, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
