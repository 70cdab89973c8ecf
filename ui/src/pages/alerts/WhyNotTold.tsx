import { useQuery } from '@tanstack/react-query';
import { type Alert, summaryOf } from '../../alerting/alerts';
import { SILENCES_QUERY } from '../../api/queries';
import { LabelText } from '../../labels/LabelText';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { Part } from '../../panel/Panel';
import { formatSince, formatUntil } from '../../time/duration';
import { alertsCodec, silencesCodec } from '../../url/alerting';
import own from './alerts.module.css';

/** What keeps people from being told about an alert: silences, other alerts, times of day. */
export function WhyNotTold({ alert, all }: { alert: Alert; all: readonly Alert[] }) {
  const { silencedBy = [], inhibitedBy = [], mutedBy = [] } = alert.router?.status ?? {};
  if (silencedBy.length + inhibitedBy.length + mutedBy.length === 0) return null;
  return (
    <div className={own.why}>
      <Part title="Why nobody is told">
        <ul className="bw-plain">
          {silencedBy.map((id) => (
            <SilencedBy key={id} id={id} />
          ))}
          {inhibitedBy.map((fingerprint) => (
            <InhibitedBy key={fingerprint} fingerprint={fingerprint} all={all} />
          ))}
          {mutedBy.map((name) => (
            <li key={name}>
              By the time of day: the interval{' '}
              <PageLink to="/routing">
                <strong>{name}</strong>
              </PageLink>
            </li>
          ))}
        </ul>
      </Part>
    </div>
  );
}

function SilencedBy({ id }: { id: string }) {
  const now = useNow();
  const silence = useQuery(SILENCES_QUERY).data?.find((one) => one.id === id);
  return (
    <li>
      By a silence:{' '}
      <PageLink to="/silences" search={silencesCodec.encode({ open: id })}>
        {silence === undefined ? id : silence.comment}
      </PageLink>
      {silence !== undefined && (
        <span className="bw-dim">
          {' '}
          by {silence.createdBy} {formatSince(Date.parse(silence.startsAt), now)}, ends{' '}
          {formatUntil(Date.parse(silence.endsAt), now)}
        </span>
      )}
    </li>
  );
}

function InhibitedBy({ fingerprint, all }: { fingerprint: string; all: readonly Alert[] }) {
  const source = all.find(({ router }) => router?.fingerprint === fingerprint);
  if (source === undefined) return <li>By another alert, {fingerprint}, which is over by now</li>;
  return (
    <li>
      By another alert:{' '}
      <PageLink to="/alerts" search={alertsCodec.encode({ open: source.key })} title={summaryOf(source.annotations)}>
        <LabelText labels={source.labels} />
      </PageLink>
    </li>
  );
}
