import { Button, UnstyledButton } from '@mantine/core';
import { IconMessageOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api } from '../../../api/client';
import { ApiError } from '../../../api/error';
import type { RangeQuery } from '../../../charts/useRangeQueries';
import { EmptyState } from '../../../states/EmptyState';
import { ErrorCard } from '../../../states/ErrorCard';
import { Loading } from '../../../states/Loading';
import type { ExploreState } from '../../../url/pages';
import { About } from '../About';
import classes from './explain.module.css';
import { type Explained, explained, roleWord } from './explained';

interface ExplainTabProps {
  about: RangeQuery;
  asked: readonly RangeQuery[];
  set(patch: Partial<ExploreState>): void;
}

/** What a query means, in words: one sentence for each part, which is marked in the query as one points at it. */
export function ExplainTab({ about, asked, set }: ExplainTabProps) {
  const { expression } = about;
  const query = useQuery({
    queryKey: ['explain', expression],
    queryFn: ({ signal }) => api.explain(expression, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return (
    <>
      {asked.length > 1 && <About about={about} asked={asked} set={set} />}
      {query.isPending && <Loading height={240} label="The query is being explained" />}
      {query.error !== null &&
        (lacksExplanations(query.error) ? (
          <EmptyState
            icon={IconMessageOff}
            title="This server does not explain queries"
            action={<Button onClick={() => set({ tab: 'tree' })}>Show the tree instead</Button>}
          >
            It answers queries, but has no /api/v1/explain; a newer Bellwether has.
          </EmptyState>
        ) : (
          <ErrorCard error={query.error} onRetry={() => void query.refetch()} />
        ))}
      {query.data !== undefined && <Words root={query.data} expression={expression} />}
    </>
  );
}

/** A server without the endpoint says that there is no such address, in whatever form. */
function lacksExplanations(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 405);
}

function Words({ root, expression }: { root: Parameters<typeof explained>[0]; expression: string }) {
  const tree = useMemo(() => explained(root, expression), [root, expression]);
  const [active, setActive] = useState<Explained>();
  const { from, to } = active ?? tree;
  return (
    <div className={classes.words}>
      <pre className={classes.query}>
        {expression.slice(0, from)}
        {active === undefined ? expression.slice(from, to) : <mark>{expression.slice(from, to)}</mark>}
        {expression.slice(to)}
      </pre>
      <ul className={classes.tree} aria-label="The query in words">
        <Sentence node={tree} active={active} onActive={setActive} />
      </ul>
    </div>
  );
}

interface SentenceProps {
  node: Explained;
  active: Explained | undefined;
  onActive(node: Explained | undefined): void;
}

function Sentence({ node, active, onActive }: SentenceProps) {
  const role = roleWord(node.role);
  return (
    <li>
      <UnstyledButton
        className={classes.sentence}
        data-active={node === active || undefined}
        onMouseEnter={() => onActive(node)}
        onMouseLeave={() => onActive(undefined)}
        onFocus={() => onActive(node)}
        onBlur={() => onActive(undefined)}
      >
        <span>
          {role !== undefined && <span className="bw-tag">{role}</span>}
          {node.sentence}
        </span>
        <code className={classes.text} title={node.text}>
          {node.text}
        </code>
      </UnstyledButton>
      {node.children.length > 0 && (
        <ul>
          {node.children.map((child) => (
            <Sentence key={`${child.from} ${child.to}`} node={child} active={active} onActive={onActive} />
          ))}
        </ul>
      )}
    </li>
  );
}
