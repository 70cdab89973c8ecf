import { expect, test } from 'vitest';
import { explained, roleWord } from './explained';

const node = (span: [number, number], children: ReturnType<typeof leaf>[] = []) => ({ ...leaf(span), children });
const leaf = (span: [number, number]) => ({ span, kind: 'x', role: 'left', sentence: 'Does something.', children: [] });

test('bytes of the server are places in the text, whatever the alphabet', () => {
  const query = 'a{b="ü😀"} + c';
  // ü takes two bytes, the face four; two UTF-16 units.
  const root = explained(node([0, 17], [leaf([0, 13]), leaf([16, 17])]), query);
  expect(root.text).toBe(query);
  expect(root.children.map(({ text }) => text)).toEqual(['a{b="ü😀"}', 'c']);
  expect(explained(leaf([0, 99]), 'up').text).toBe('up');
});

test('roles are said only where they tell something', () => {
  expect(roleWord('left')).toBe('left');
  expect(roleWord('operand')).toBeUndefined();
  expect(roleWord('query')).toBeUndefined();
});
