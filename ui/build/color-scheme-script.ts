import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/**
 * Emits a small classic script and puts it first into the head, so that the colour scheme is known before the first
 * paint. It cannot be a module (modules run after the first paint) and cannot be inline (the policy forbids it).
 */
export function colorSchemeScript(source: string): Plugin {
  let emitted = '';
  return {
    name: 'color-scheme-script',
    apply: 'build',
    buildStart() {
      emitted = this.emitFile({ type: 'asset', name: 'color-scheme.js', source: readFileSync(source, 'utf8') });
    },
    transformIndexHtml: {
      order: 'post',
      handler(_html, context) {
        const name = Object.keys(context.bundle ?? {}).find((file) => /assets\/color-scheme-.*\.js$/.test(file));
        if (name === undefined || emitted === '') throw new Error('the colour-scheme script was not emitted');
        return [{ tag: 'script', attrs: { src: `./${name}` }, injectTo: 'head-prepend' }];
      },
    },
  };
}
