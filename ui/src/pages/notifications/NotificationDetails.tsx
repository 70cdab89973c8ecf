import classes from '../../alerting/alerting.module.css';
import type { Notification } from '../../api/alerting';
import { plural } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { selector } from '../../labels/labels';
import { CopyText } from '../../lists/CopyText';
import { PageLink } from '../../nav/links';
import { useTime } from '../../nav/time';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { Part } from '../../panel/Panel';
import { AlertBadge } from '../../states/AlertBadge';
import { StateWord } from '../../states/StateWord';
import { formatMoment } from '../../time/zone';
import { receiversCodec, routingCodec } from '../../url/alerting';
import { readable, STATUS_LOOKS } from './notification';
import own from './notifications.module.css';

/** So many alerts of a message are named. */
const MOST_ALERTS = 30;

/** One message: why, to whom, about what, and its text. */
export function NotificationDetails({ notification: one }: { notification: Notification }) {
  const { zone } = useTime();
  const { look, word } = STATUS_LOOKS[one.status];
  const all = one.alerts.length + (one.moreAlerts ?? 0);
  const named = one.alerts.slice(0, MOST_ALERTS);
  const facts: FactTexts = [
    ['Why', one.reason],
    ['Time', formatMoment(Math.round(Date.parse(one.time)), zone)],
    [
      'Receiver',
      <span key="receiver">
        <PageLink to="/receivers" search={receiversCodec.encode({ f: one.receiver })}>
          {one.receiver}
        </PageLink>{' '}
        <span className="bw-dim">{one.integration}</span>
      </span>,
    ],
    one.kind === 'test' ? ['Asked for by', one.askedBy] : ['Group', <code key="group">{one.groupKey}</code>],
    ['Attempts', String(one.attempts)],
    ...(one.url === '' ? [] : ([['Sent to', one.url]] as const)),
  ];
  return (
    <>
      <div>
        <StateWord look={look}>{word}</StateWord>
      </div>
      {one.error !== '' && <p className={classes.failure}>{one.error}</p>}
      <FactRows facts={facts} />
      <Part title={plural(all, 'alert')} label="Alerts">
        <ul className={own.alerts}>
          {named.map(({ fingerprint, status, labels }) => (
            <li key={fingerprint}>
              {status === 'resolved' ? <StateWord look="ok">Resolved</StateWord> : <AlertBadge state="firing" />}
              <LabelChips labels={labels} />
              <PageLink to="/routing" search={routingCodec.encode({ labels: selector(labels) })}>
                why here
              </PageLink>
            </li>
          ))}
          {all > named.length && <li className="bw-dim">and {plural(all - named.length, 'more', 'more')}</li>}
        </ul>
      </Part>
      <Part title={one.status === 'sent' ? 'What was sent' : 'What would have been sent'} label="What was sent">
        {one.body === '' ? (
          <p className="bw-text">No text is kept of it.</p>
        ) : (
          <CopyText text={readable(one.body)} label="the message" />
        )}
      </Part>
    </>
  );
}
