import type { ActiveTarget } from '../../api/types';
import { plural } from '../../format/value';
import { PageLink } from '../../nav/links';
import { Panel } from '../../panel/Panel';
import { HealthBadge } from '../../states/HealthBadge';
import { targetsCodec } from '../../url/pages';
import { targetKey } from '../targets/target';
import classes from './home.module.css';

const MOST_ROWS = 8;

/** The targets that are down, and why; nothing on a quiet day. */
export function Trouble({ targets }: { targets: readonly ActiveTarget[] }) {
  const down = targets.filter((target) => target.health === 'down');
  if (down.length === 0) return null;
  const rest = down.length - MOST_ROWS;
  return (
    <Panel title="Down now" note={plural(down.length, 'target')} flush>
      <ul className={classes.trouble}>
        {down.slice(0, MOST_ROWS).map((target) => (
          <li key={targetKey(target)}>
            <HealthBadge health={target.health} />
            <PageLink
              to="/system/targets"
              search={targetsCodec.encode({ health: 'down', open: targetKey(target) })}
              className={classes.troubleName}
            >
              {target.scrapePool} <span className="bw-mono">{target.labels.instance ?? target.scrapeUrl}</span>
            </PageLink>
            <span className={classes.troubleError}>{target.lastError || 'The server gave no reason.'}</span>
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <p className="bw-note">
          <PageLink to="/system/targets" search={targetsCodec.encode({ health: 'down' })}>
            and {rest} more
          </PageLink>
        </p>
      )}
    </Panel>
  );
}
