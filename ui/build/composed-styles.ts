import type { Plugin } from 'vite';

/**
 * Silences a warning that blames a PostCSS plugin: `composes: … from` in a CSS module brings declarations that do not say
 * which file they are from, and Vite needs that for `url()` in them only. There is none.
 */
export function composedStyles(): Plugin {
  return {
    name: 'composed-styles',
    apply: 'build',
    configResolved({ logger }) {
      const warnOnce = logger.warnOnce.bind(logger);
      logger.warnOnce = (message, options) => {
        if (!message.includes('did not pass the `from` option to `postcss.parse`')) warnOnce(message, options);
      };
    },
  };
}
