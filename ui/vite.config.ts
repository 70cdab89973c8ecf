import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { colorSchemeScript } from './build/color-scheme-script.ts';
import { composedStyles } from './build/composed-styles.ts';
import { licenses } from './build/licenses.ts';

export default defineConfig({
  // Chunks find each other by `import.meta.url`, so the UI works below any path prefix.
  base: './',
  plugins: [react(), colorSchemeScript('src/theme/color-scheme.js'), composedStyles(), licenses()],
  build: {
    target: 'es2023',
    manifest: true,
    // A file that is small enough to be inlined would become a `data:` address, which the policy allows for images only.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What most pages need comes with the first one: as dozens of small chunks it would be larger, since each is
            // compressed by itself, and take a request for each.
            {
              name: 'shared',
              test: /\/src\/(api|format|labels|lists|nav|panel|prefs|shell|states|time|url)\//,
              minShareCount: 3,
            },
          ],
        },
      },
    },
  },
});
