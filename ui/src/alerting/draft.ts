import type { PostedSilence, Silence } from '../api/alerting';
import { errorText } from '../api/error';
import { parseDuration } from '../time/duration';
import { parseMoment, type Zone } from '../time/zone';
import { fromWire, type Matcher, toWire } from './matchers';

/** A silence as it is being written. */
export interface SilenceDraft {
  /** The silence that is changed; undefined for a new one. */
  id: string | undefined;
  matchers: readonly Matcher[];
  /** `now`, or a moment. */
  starts: string;
  /** A duration from its start on, or a moment. */
  ends: string;
  author: string;
  comment: string;
  /** The times at which it holds, as a list of time intervals in YAML; always if there is none. */
  recurs: string;
  /** People are still told that an alert is over. */
  endsAreTold: boolean;
}

export const NEW_DRAFT: SilenceDraft = {
  id: undefined,
  matchers: [],
  starts: 'now',
  ends: '2h',
  author: '',
  comment: '',
  recurs: '',
  endsAreTold: false,
};

/** A new silence like an old one. */
export function draftOf({ matchers, comment, recurs = '', mute }: Silence): SilenceDraft {
  return { ...NEW_DRAFT, matchers: matchers.map(fromWire), comment, recurs, endsAreTold: mute === 'firing' };
}

/** What a draft comes to, or what has to be mended first. */
export type Reading = { silence: PostedSilence; problem?: undefined } | { problem: string; silence?: undefined };

/** Reads a draft at the moment `now`. */
export function readDraft(draft: SilenceDraft, now: number, zone: Zone): Reading {
  const { id, matchers, author, comment } = draft;
  if (matchers.length === 0) return { problem: 'Name at least one label, or every alert would be silenced.' };
  if (matchers.some(({ name }) => name.trim() === '')) return { problem: 'A matcher has no label.' };
  if (matchers.every((matcher) => matchesEmpty(matcher))) {
    return { problem: 'One matcher at least has to ask for a value that is not empty.' };
  }
  const startsAt = draft.starts.trim() === 'now' ? now : parseMoment(draft.starts, zone);
  if (startsAt === undefined) return { problem: 'The start is “now” or a moment such as 2026-11-01 10:00.' };
  const endsAt = endOf(draft.ends, startsAt, zone);
  if (endsAt === undefined)
    return { problem: 'The end is a duration such as 2h, or a moment such as 2026-11-01 10:00.' };
  if (endsAt <= Math.max(startsAt, now)) return { problem: 'It would end before it begins to count.' };
  if (author.trim() === '') return { problem: 'Say who you are.' };
  if (comment.trim() === '') return { problem: 'Say why.' };
  const silence = {
    ...(id !== undefined && { id }),
    matchers: matchers.map(toWire),
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    createdBy: author.trim(),
    comment: comment.trim(),
    ...(draft.recurs.trim() !== '' && { recurs: draft.recurs.trim() }),
    ...(draft.endsAreTold && { mute: 'firing' as const }),
  };
  return { silence };
}

/** What the server has against the times at which a silence is to hold; undefined if it failed for another reason. */
export function timesProblem(error: unknown): string | undefined {
  if (error === null) return undefined;
  const why = /^silence invalid: times at which the silence holds: (.*)$/s.exec(errorText(error))?.[1];
  // They are written in one line.
  return why?.replace(/^times:1:(\d+): /, 'at character $1: ');
}

/** Milliseconds since 1970 of the end, typed as a duration or as a moment. */
export function endOf(text: string, startsAt: number, zone: Zone): number | undefined {
  const length = parseDuration(text);
  return length === undefined ? parseMoment(text, zone) : length > 0 ? startsAt + length : undefined;
}

/** Whether a matcher is satisfied by a label that is missing, as far as the browser can tell. */
function matchesEmpty({ op, value }: Matcher): boolean {
  if (op === '=') return value === '';
  if (op === '!=') return value !== '';
  try {
    return new RegExp(`^(?:${value})$`).test('') === (op === '=~');
  } catch {
    // The server knows its own expressions better.
    return false;
  }
}

const ACKNOWLEDGED = 'acknowledged by ';

/** The comment of a silence by which somebody takes an alert over. */
export function acknowledgement(author: string, note: string): string {
  return `${ACKNOWLEDGED}${author.trim()}${note.trim() === '' ? '' : `: ${note.trim()}`}`;
}

/** Whether a silence is somebody's acknowledgement rather than a silence for its own sake. */
export function isAcknowledgement({ comment }: Pick<Silence, 'comment'>): boolean {
  return comment.startsWith(ACKNOWLEDGED);
}
