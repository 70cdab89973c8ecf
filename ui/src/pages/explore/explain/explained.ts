import type { Explanation } from '../../../api/types';

/** A node of the explanation, with the piece of the query that it is about. */
export interface Explained {
  /** In UTF-16 units, as the browser counts; the server counts bytes. */
  from: number;
  to: number;
  text: string;
  role: string;
  sentence: string;
  children: readonly Explained[];
}

export function explained(root: Explanation, expression: string): Explained {
  const offsets = unitOffsets(expression);
  const unit = (byte: number) => offsets[Math.min(Math.max(0, byte), offsets.length - 1)] ?? expression.length;
  const convert = ({ span: [start, end], role, sentence, children }: Explanation): Explained => {
    const [from, to] = [unit(start), unit(end)];
    return { from, to, text: expression.slice(from, to), role, sentence, children: (children ?? []).map(convert) };
  };
  return convert(root);
}

/** For each byte of the text in UTF-8, and for its end, the position in UTF-16 units. */
function unitOffsets(text: string): number[] {
  const offsets: number[] = [];
  const encoder = new TextEncoder();
  let units = 0;
  for (const char of text) {
    for (let i = encoder.encode(char).length; i > 0; i--) offsets.push(units);
    units += char.length;
  }
  offsets.push(units);
  return offsets;
}

/** The role of a node in a word, where the sentence above it needs one. */
export function roleWord(role: string): string | undefined {
  const words: Record<string, string> = { left: 'left', right: 'right', parameter: 'parameter', argument: 'argument' };
  return words[role];
}
