import type { RouteAnswer, RouteMatch } from '../../api/alerting';
import { LabelText } from '../../labels/LabelText';
import { selector } from '../../labels/labels';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { FactRows } from '../../panel/Facts';
import { StateWord } from '../../states/StateWord';
import { formatUntil } from '../../time/duration';
import { alertsCodec, receiversCodec, silencesCodec } from '../../url/alerting';
import classes from './routing.module.css';

/** What the router would do with an alert. */
export function RouteAnswerView({ answer: { routes, silencedBy, inhibitedBy } }: { answer: RouteAnswer }) {
  const now = useNow();
  const quiet = silencedBy.length + inhibitedBy.length > 0;
  return (
    <div className={classes.answer}>
      {quiet && (
        <section className={classes.quiet} aria-label="What keeps it quiet">
          <StateWord look="unknown">Nobody is told now</StateWord>
          <ul>
            {silencedBy.map(({ id, comment, endsAt }) => (
              <li key={id}>
                by the silence{' '}
                <PageLink to="/silences" search={silencesCodec.encode({ open: id })}>
                  {comment}
                </PageLink>
                , which ends {formatUntil(Date.parse(endsAt), now)}
              </li>
            ))}
            {inhibitedBy.map(({ fingerprint, labels }) => (
              <li key={fingerprint}>
                by the alert{' '}
                <PageLink to="/alerts" search={alertsCodec.encode({ open: selector(labels) })}>
                  <LabelText labels={labels} />
                </PageLink>
              </li>
            ))}
          </ul>
        </section>
      )}
      <ul className={classes.routes} aria-label="Routes">
        {routes.map((route) => (
          <RouteCard key={route.id} route={route} quiet={quiet} />
        ))}
      </ul>
    </div>
  );
}

function RouteCard({ route, quiet }: { route: RouteMatch; quiet: boolean }) {
  const muted = route.mutedBy.length > 0;
  return (
    <li className={classes.route}>
      <div className={classes.routeHead}>
        <PageLink to="/receivers" search={receiversCodec.encode({ f: route.receiver })}>
          <strong>{route.receiver}</strong>
        </PageLink>
        {muted ? (
          <StateWord look="warn">Muted by {route.mutedBy.join(', ')}</StateWord>
        ) : (
          <StateWord look={quiet ? 'unknown' : 'ok'}>{quiet ? 'Would be told' : 'Is told'}</StateWord>
        )}
      </div>
      <FactRows
        facts={[
          ['By', route.integrations.length === 0 ? 'nothing: the receiver is empty' : route.integrations.join(', ')],
          ['Way', <code key="way">{route.path.join(' → ')}</code>],
          ['Together with', companyText(route.groupBy)],
          [
            'When',
            `${route.groupWait} after the first alert of a group, news every ${route.groupInterval}, again every ${route.repeatInterval}`,
          ],
          ['Group key', <code key="key">{route.groupKey}</code>],
        ]}
      />
    </li>
  );
}

function companyText(groupBy: readonly string[]): string {
  if (groupBy.includes('...')) return 'no other alert';
  return groupBy.length === 0 ? 'all alerts of the route' : `alerts of the same ${groupBy.join(', ')}`;
}
