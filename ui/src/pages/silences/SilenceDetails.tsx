import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import classes from '../../alerting/alerting.module.css';
import { formatMatcher, fromWire } from '../../alerting/matchers';
import { Preview } from '../../alerting/Preview';
import { useExpireSilence, useSetSilence } from '../../alerting/useSilencing';
import type { Silence } from '../../api/alerting';
import { ROUTER_ALERTS_QUERY } from '../../api/queries';
import { plural } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { PageLink } from '../../nav/links';
import { useTime } from '../../nav/time';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { Part } from '../../panel/Panel';
import { ErrorCard } from '../../states/ErrorCard';
import { formatMomentShort } from '../../time/zone';
import { alertsCodec } from '../../url/alerting';
import { extended, titleOf } from './silences';
import own from './silences.module.css';

const EXTENSIONS = [
  ['1 h', 3_600_000],
  ['8 h', 8 * 3_600_000],
  ['1 day', 86_400_000],
] as const;

/** So many alerts are named. */
const MOST_ALERTS = 20;

interface SilenceDetailsProps {
  silence: Silence;
  onRecreate(): void;
}

/** One silence: what it keeps quiet, and how to end, lengthen or repeat it. */
export function SilenceDetails({ silence, onRecreate }: SilenceDetailsProps) {
  const { zone } = useTime();
  const extend = useSetSilence('The silence lasts longer.');
  const expire = useExpireSilence();
  const over = silence.status.state === 'expired';
  const moment = (text: string) => formatMomentShort(Math.round(Date.parse(text) / 1000) * 1000, zone);
  const facts: FactTexts = [
    ['Why', silence.comment],
    ['By', silence.createdBy],
    [silence.status.state === 'pending' ? 'Begins' : 'Began', moment(silence.startsAt)],
    [over ? 'Ended' : 'Ends', moment(silence.endsAt)],
    ...(silence.recurs === undefined ? [] : [['Only at', <code key="recurs">{silence.recurs}</code>] as const]),
    [
      'Not told',
      silence.mute === 'firing' ? 'that they fire; that they are over is told' : 'that they fire or are over',
    ],
    ['Changed', moment(silence.updatedAt)],
    ['Id', <code key="id">{silence.id}</code>],
  ];
  return (
    <>
      <div className={classes.actions}>
        {!over && (
          <Button loading={expire.isPending} onClick={() => expire.mutate(silence.id)}>
            Expire now
          </Button>
        )}
        <Button onClick={onRecreate}>{over ? 'Make it again' : 'Make one like it'}</Button>
      </div>
      {!over && (
        <fieldset className={own.extend}>
          <legend>Let it last longer by</legend>
          {EXTENSIONS.map(([name, ms]) => (
            <Button
              key={name}
              size="compact-xs"
              loading={extend.isPending}
              onClick={() => extend.mutate(extended(silence, ms))}
            >
              {name}
            </Button>
          ))}
        </fieldset>
      )}
      {expire.error !== null && <ErrorCard title="The silence was not ended" error={expire.error} />}
      {extend.error !== null && <ErrorCard title="The silence was not changed" error={extend.error} />}
      <Part title="Alerts with all of" label="Matchers">
        <ul className="bw-plain">
          {silence.matchers.map(fromWire).map((matcher) => (
            <li key={formatMatcher(matcher)}>
              <code className={own.matcher}>{formatMatcher(matcher)}</code>
            </li>
          ))}
        </ul>
      </Part>
      <FactRows facts={facts} />
      {silence.status.state === 'active' ? (
        <Silenced silence={silence} />
      ) : (
        <Preview matchers={silence.matchers.map(fromWire)} />
      )}
    </>
  );
}

/** The alerts that a silence keeps quiet now. */
function Silenced({ silence }: { silence: Silence }) {
  const { data } = useQuery(ROUTER_ALERTS_QUERY);
  const alerts = (data ?? []).filter(({ status }) => status.silencedBy.includes(silence.id));
  return (
    <Part
      title={alerts.length === 0 ? 'It silences no alert now' : `It silences ${plural(alerts.length, 'alert')} now`}
      label="Silenced alerts"
    >
      <ul className={own.alerts}>
        {alerts.slice(0, MOST_ALERTS).map(({ fingerprint, labels }) => (
          <li key={fingerprint}>
            <LabelChips labels={labels} />
          </li>
        ))}
      </ul>
      {alerts.length > 0 && (
        <PageLink to="/alerts" search={alertsCodec.encode({ f: titleOf(silence) })}>
          Look at them in Alerts
        </PageLink>
      )}
    </Part>
  );
}
