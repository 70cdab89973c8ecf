import { IconAlertTriangle, IconExternalLink } from '@tabler/icons-react';
import type { ActiveTarget } from '../../api/types';
import { formatCount, plural } from '../../format/value';
import { escapeValue, metricSelector, pairs, quoteName } from '../../labels/labels';
import { PageLink } from '../../nav/links';
import { useTime } from '../../nav/time';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { HealthBadge } from '../../states/HealthBadge';
import { formatSeconds } from '../../time/duration';
import { formatMoment } from '../../time/zone';
import { exploreCodec } from '../../url/pages';
import { LabelDiff } from './LabelDiff';
import { PackChecks } from './PackCheck';
import { RelabelSteps } from './RelabelSteps';
import { errorPlace, lastScrapeMs } from './target';
import classes from './targets.module.css';

/** All there is to know of one target. */
export function TargetDetails({ target }: { target: ActiveTarget }) {
  const { zone } = useTime();
  const last = lastScrapeMs(target);
  const place = errorPlace(target);
  const { lastScrapeSamples: samples, missedScrapes: missed } = target;
  const matchers = pairs(target.labels).map(([name, value]) => `${quoteName(name)}="${escapeValue(value)}"`);
  const own = matchers.join(', ');
  const facts: FactTexts = [
    ['Job', target.scrapePool],
    ['Last scrape', last === undefined ? 'not yet' : formatMoment(Math.round(last / 1000) * 1000, zone)],
    ['Took', `${formatSeconds(target.lastScrapeDuration)} of ${target.scrapeTimeout}`],
    ['Every', target.scrapeInterval],
    ...(typeof samples === 'number' ? ([['Samples', formatCount(samples)]] as const) : []),
    ...(typeof missed === 'number' && missed > 0
      ? ([['Missed', `${plural(missed, 'scrape')}, because the one before took too long`]] as const)
      : []),
    ['Packs', <PackChecks key="packs" check={target.packs} />],
    [
      'Look at',
      <span key="links" className={classes.links}>
        <ExploreLink text="up" expression={metricSelector('up', own)} />
        <ExploreLink text="duration" expression={metricSelector('scrape_duration_seconds', own)} />
        <ExploreLink text="samples" expression={metricSelector('scrape_samples_scraped', own)} />
      </span>,
    ],
  ];
  return (
    <>
      <div className={classes.sideTop}>
        <HealthBadge health={target.health} />
        <Endpoint url={target.scrapeUrl} />
      </div>
      {target.lastError !== '' && (
        <p className={classes.sideError}>
          <IconAlertTriangle size={15} aria-hidden="true" />
          <span>
            {place !== undefined && <strong>{place}: </strong>}
            {target.lastError}
          </span>
        </p>
      )}
      <FactRows facts={facts} />
      <LabelDiff before={target.discoveredLabels} after={target.labels} />
      {target.relabelSteps !== undefined && <RelabelSteps steps={target.relabelSteps} />}
    </>
  );
}

/** The endpoint, as a link where it is one that a browser may follow. */
function Endpoint({ url }: { url: string }) {
  if (!/^https?:\/\//.test(url)) return <span className={classes.url}>{url}</span>;
  return (
    <a className={classes.url} href={url} target="_blank" rel="noopener noreferrer">
      {url} <IconExternalLink size={12} aria-label="opens in a new tab" />
    </a>
  );
}

function ExploreLink({ text, expression }: { text: string; expression: string }) {
  return (
    <PageLink to="/explore" search={exploreCodec.encode({ q: [expression] })}>
      {text}
    </PageLink>
  );
}
