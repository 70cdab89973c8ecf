/** A piece of a line: plain, strong, code, or a link. */
export type Piece = { kind: 'text' | 'strong' | 'code'; text: string } | { kind: 'link'; text: string; to: string };

/** A paragraph, or a numbered list. */
export type Block = { kind: 'text'; pieces: Piece[] } | { kind: 'steps'; steps: Piece[][] };

/** What is below one heading. */
export interface Section {
  heading: string;
  /** The heading as links name it. */
  anchor: string;
  blocks: Block[];
}

/** A page of runbooks: what stands before the first section, and the sections. */
export interface Runbooks {
  title: string;
  lead: Block[];
  sections: Section[];
}

/** Reads the part of Markdown that runbooks are written in: headings, paragraphs, numbered steps, and marks in lines. */
export function parseRunbooks(text: string): Runbooks {
  const [before = '', ...rest] = text.split(/^### /m);
  const [title = '', ...lead] = before.split('\n');
  const sections = rest.map((section) => {
    const [heading = '', ...body] = section.split('\n');
    return { heading: heading.trim(), anchor: heading.trim().toLowerCase(), blocks: blocksOf(body.join('\n')) };
  });
  return { title: title.replace(/^# */, ''), lead: blocksOf(lead.join('\n')), sections };
}

function blocksOf(text: string): Block[] {
  const paragraphs = text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');
  return paragraphs.map((paragraph): Block => {
    if (!/^\d+\. /.test(paragraph)) return { kind: 'text', pieces: piecesOf(paragraph) };
    const steps = paragraph.split(/^\d+\. /m).filter((step) => step !== '');
    return { kind: 'steps', steps: steps.map((step) => piecesOf(step.trim())) };
  });
}

const MARKS = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)]+)\)/g;

export function piecesOf(line: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const plain = (to: number) => {
    if (to > at) pieces.push({ kind: 'text', text: line.slice(at, to) });
  };
  for (const match of line.matchAll(MARKS)) {
    const [all, code, strong, text, to] = match;
    plain(match.index);
    at = match.index + all.length;
    if (code !== undefined) pieces.push({ kind: 'code', text: code });
    else if (strong !== undefined) pieces.push({ kind: 'strong', text: strong });
    else if (text !== undefined && to !== undefined) pieces.push({ kind: 'link', text, to });
  }
  plain(line.length);
  return pieces;
}
