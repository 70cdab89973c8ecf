import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Three, four, six or eight hex digits after a hash, or a colour function with numbers in it. */
const LITERAL = /#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b|\b(?:rgba?|hsla?|oklch|oklab)\(\s*\d/gi;

test('colours are written in tokens.css only', () => {
  const found = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(css|tsx?|js)$/.test(file) && !file.endsWith('tokens.css') && !file.includes('.test.'))
    .map((file) => join('src', file))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(LITERAL)].map((match) => `${file}: ${match[0]}`));
  expect(found).toEqual([]);
});
