import type { Silence } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { plural } from '../../format/value';
import { parseDuration } from '../../time/duration';
import { extended } from './silences';

/** What can be done with several silences at once. */
export type BulkChange = 'expire' | 'lengthen';

/** A change of several silences in words: `Lengthen 2 silences`, `Lengthened 2 silences`. */
export const BULK_WORDS: Readonly<Record<BulkChange, { verb: string; done: string }>> = {
  expire: { verb: 'Expire', done: 'Ended' },
  lengthen: { verb: 'Lengthen', done: 'Lengthened' },
};

/** Changes one of the silences; `byMs` is how much later a lengthened one ends. */
export function changeOne(change: BulkChange, silence: Silence, byMs: number): Promise<unknown> {
  return change === 'expire' ? alerting.expireSilence(silence.id) : alerting.setSilence(extended(silence, byMs));
}

/** Milliseconds by which silences are lengthened, read from a text; undefined if it is no length. */
export function lengthOf(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms === undefined || ms === 0 ? undefined : ms;
}

/** What came of a change of `count` silences of which some failed. */
export function outcomeText(change: BulkChange, count: number, failed: number): string {
  const { done } = BULK_WORDS[change];
  const well = count - failed;
  if (failed === 0) return `${done} ${plural(well, 'silence')}.`;
  const rest = `${plural(failed, 'silence')} could not be changed; the reasons stand below.`;
  return well === 0 ? rest : `${done} ${plural(well, 'silence')}. ${rest}`;
}
