import type { InstantSample } from '../../api/query';
import type { ActiveTarget } from '../../api/types';

/** Which of the ways in have brought data. */
export interface Arrivals {
  /** Targets besides this server itself. */
  scraped: number;
  /** Senders whose series this server does not scrape. */
  pushed: number;
  /** Remote write requests that this server took, by its own count. */
  writes: number;
}

/** A target is the server itself if it has its job name or its very address. */
export function isSelf(target: ActiveTarget, host: string): boolean {
  if (target.scrapePool === 'bellwether') return true;
  const own = loopback(host);
  return [target.scrapeUrl, target.globalUrl ?? ''].some(
    (url) => URL.canParse(url) && loopback(new URL(url).host) === own,
  );
}

/** `localhost` and `127.0.0.1` are the same to a person. */
const loopback = (host: string) => host.replace(/^(localhost|\[::1\])(?=:|$)/, '127.0.0.1');

/**
 * What has arrived, judged by targets, the server's own count, and the series `up`: whoever sends series on by remote write sends its own
 * `up` along, with a job and instance that no target of this server has.
 */
export function arrivals(
  targets: readonly ActiveTarget[],
  up: readonly InstantSample[],
  writes: number,
  host: string,
): Arrivals {
  const key = (labels: Readonly<Record<string, string>>) => `${labels.job} ${labels.instance}`;
  const own = new Set(targets.map((target) => key(target.labels)));
  return {
    scraped: targets.filter((target) => !isSelf(target, host)).length,
    pushed: up.filter((sample) => !own.has(key(sample.labels))).length,
    writes,
  };
}
