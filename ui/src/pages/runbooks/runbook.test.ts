import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseRunbooks, piecesOf } from './runbook';

const FOLDER = '../docs/runbooks';

test('the marks of a line', () => {
  expect(piecesOf('**Do:** run `a{b="c"}`, see [that](#there).')).toEqual([
    { kind: 'strong', text: 'Do:' },
    { kind: 'text', text: ' run ' },
    { kind: 'code', text: 'a{b="c"}' },
    { kind: 'text', text: ', see ' },
    { kind: 'link', text: 'that', to: '#there' },
    { kind: 'text', text: '.' },
  ]);
});

test.each(readdirSync(FOLDER))('%s is read whole', (file) => {
  const text = readFileSync(`${FOLDER}/${file}`, 'utf8');
  const { title, lead, sections } = parseRunbooks(text);
  expect(title).toMatch(/^Runbooks/);
  expect(lead.length).toBeGreaterThan(0);
  expect(sections).toHaveLength(text.match(/^### /gm)?.length ?? 0);
  for (const { heading, blocks } of sections) {
    // Each has three checks to begin with, and no mark is left over.
    const steps = blocks.flatMap((block) => (block.kind === 'steps' ? block.steps : []));
    expect(steps.length, heading).toBe(3);
    const pieces = blocks.flatMap((block) => (block.kind === 'steps' ? block.steps.flat() : block.pieces));
    const left = pieces.filter(({ kind, text: words }) => kind === 'text' && /\*\*|`|^#|\]\(/.test(words));
    expect(left, heading).toEqual([]);
  }
});
