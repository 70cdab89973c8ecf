import { IconArrowForwardUp, IconCheck } from '@tabler/icons-react';
import type { RouteNode } from '../../api/alerting';
import { PageLink } from '../../nav/links';
import { receiversCodec } from '../../url/alerting';
import classes from './routing.module.css';

interface RouteTreeViewProps {
  root: RouteNode;
  /** The ids of the nodes at which the alert that is tried ends. */
  taken: readonly string[];
}

/** The routing tree; what a node has in common with the one above it is not repeated. */
export function RouteTreeView({ root, taken }: RouteTreeViewProps) {
  const on = wayTo(root, new Set(taken));
  return (
    <ul className={classes.tree} aria-label="Routing tree">
      <Node node={root} above={undefined} taken={new Set(taken)} on={on} />
    </ul>
  );
}

/** The ids of the nodes that are taken and of those above them. */
function wayTo(node: RouteNode, taken: ReadonlySet<string>): Set<string> {
  const below = node.routes.flatMap((child) => [...wayTo(child, taken)]);
  return new Set(below.length > 0 || taken.has(node.id) ? [node.id, ...below] : []);
}

interface NodeProps {
  node: RouteNode;
  above: RouteNode | undefined;
  taken: ReadonlySet<string>;
  on: ReadonlySet<string>;
}

function Node({ node, above, taken, on }: NodeProps) {
  const facts = factsOf(node, above);
  return (
    <li>
      <div className={classes.node} data-on={on.has(node.id) || undefined} data-taken={taken.has(node.id) || undefined}>
        {taken.has(node.id) && <IconCheck size={14} className={classes.check} aria-label="the alert ends here" />}
        <code className={classes.matchers}>
          {node.matchers.length === 0 ? (above === undefined ? 'every alert' : 'everything') : node.matchers.join(', ')}
        </code>
        <span className={classes.arrow}>
          to{' '}
          <PageLink to="/receivers" search={receiversCodec.encode({ f: node.receiver })}>
            {node.receiver}
          </PageLink>
        </span>
        {node.continue && (
          <span className="bw-tag">
            <IconArrowForwardUp size={11} aria-hidden="true" /> continues
          </span>
        )}
        {facts.length > 0 && <span className={classes.facts}>{facts.join(', ')}</span>}
      </div>
      {node.routes.length > 0 && (
        <ul>
          {node.routes.map((child) => (
            <Node key={child.id} node={child} above={node} taken={taken} on={on} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** What a node says in other words than the one above it. */
export function factsOf(node: RouteNode, above: RouteNode | undefined): string[] {
  const differs = (of: (one: RouteNode) => string) => above === undefined || of(node) !== of(above);
  const facts = [
    differs(({ groupBy }) => groupBy.join()) && groupingText(node.groupBy),
    differs(({ groupWait }) => groupWait) && `waits ${node.groupWait}`,
    differs(({ groupInterval }) => groupInterval) && `news every ${node.groupInterval}`,
    differs(({ repeatInterval }) => repeatInterval) && `repeats every ${node.repeatInterval}`,
    node.activeTimeIntervals.length > 0 && `only during ${node.activeTimeIntervals.join(', ')}`,
    node.muteTimeIntervals.length > 0 && `not during ${node.muteTimeIntervals.join(', ')}`,
  ];
  return facts.filter((fact) => fact !== false);
}

/** Alertmanager's dots stand for all labels, so that each alert is a group of its own. */
function groupingText(groupBy: readonly string[]): string {
  if (groupBy.includes('...')) return 'each alert alone';
  return groupBy.length === 0 ? 'all in one group' : `grouped by ${groupBy.join(', ')}`;
}
