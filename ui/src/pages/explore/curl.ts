import type { Span } from '../../time/bound';

/** What a query asks, as it is sent. */
export interface Asked {
  expression: string;
  /** A single moment, or a range with its step in seconds. */
  time: { at: number } | (Span & { step: number });
}

const seconds = (ms: number) => String(ms / 1000);

/** The request as a command for a shell. */
export function curlCommand(server: string, { expression, time }: Asked): string {
  const instant = 'at' in time;
  const params: [string, string][] = [['query', expression]];
  if (instant) params.push(['time', seconds(time.at)]);
  else params.push(['start', seconds(time.start)], ['end', seconds(time.end)], ['step', String(time.step)]);
  const lines = params.map(([name, value]) => `--data-urlencode ${shellQuote(`${name}=${value}`)}`);
  return [`curl --get ${shellQuote(`${server}/api/v1/${instant ? 'query' : 'query_range'}`)}`, ...lines].join(
    ' \\\n  ',
  );
}

/** Text that no shell looks into. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
