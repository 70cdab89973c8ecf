import { expect, test } from 'vitest';
import { yamlText } from './yaml';

test.each([
  ['plain', "'plain'"],
  ["it's", "'it''s'"],
  ['two\nlines', '"two\\nlines"'],
])('%j in YAML', (text, yaml) => {
  expect(yamlText(text)).toBe(yaml);
});
