import { ActionIcon, Button, Loader, Tooltip, UnstyledButton } from '@mantine/core';
import { IconAlertTriangle, IconChevronRight, IconPlayerStop, IconPlus, IconRefresh } from '@tabler/icons-react';
import { useIsFetching, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Ast } from '../../../api/ast';
import { api } from '../../../api/client';
import { errorText } from '../../../api/error';
import type { RangeQuery } from '../../../charts/useRangeQueries';
import { formatExact, plural } from '../../../format/value';
import { TIMED, useTime } from '../../../nav/time';
import { countingOf, countNodes, headOf, partsOf, printAst, typeOf } from '../../../promql/print';
import { ErrorCard } from '../../../states/ErrorCard';
import { Loading } from '../../../states/Loading';
import { formatMoment } from '../../../time/zone';
import type { ExploreState } from '../../../url/pages';
import { About } from '../About';
import classes from './tree.module.css';

/** Larger trees are opened down to a few levels: what is not seen is not counted. */
const OPEN_NODES = 40;
const OPEN_LEVELS = 3;

interface TreeTabProps {
  about: RangeQuery;
  asked: readonly RangeQuery[];
  set(patch: Partial<ExploreState>): void;
  /** No more queries can be added. */
  full: boolean;
  onAdd(expression: string): void;
}

/** A query taken apart, with what each part gives at the end of the range: shows where series get lost. */
export function TreeTab({ about, asked, set, full, onAdd }: TreeTabProps) {
  const { span, zone } = useTime();
  const client = useQueryClient();
  const counting = useIsFetching({ queryKey: [TIMED, 'count'] });
  const tree = useQuery({
    queryKey: ['parse', about.expression],
    queryFn: ({ signal }) => api.parse(about.expression, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return (
    <>
      <About about={about} asked={asked} set={set}>
        <span>What each part gives at {formatMoment(span.end, zone)}</span>
        {counting > 0 && (
          <Button
            size="compact-xs"
            leftSection={<IconPlayerStop size={12} />}
            onClick={() => void client.cancelQueries({ queryKey: [TIMED, 'count'] })}
          >
            Stop counting
          </Button>
        )}
      </About>
      {tree.isPending && <Loading height={240} label="The query is being read" />}
      {tree.error !== null && <ErrorCard error={tree.error} onRetry={() => void tree.refetch()} />}
      {tree.data !== undefined && (
        <ul className={classes.tree} aria-label="Parts of the query">
          <Part ast={tree.data} level={0} all={countNodes(tree.data) <= OPEN_NODES} full={full} onAdd={onAdd} />
        </ul>
      )}
    </>
  );
}

interface PartProps {
  ast: Ast;
  level: number;
  /** The tree is small enough to be open as a whole. */
  all: boolean;
  full: boolean;
  onAdd(expression: string): void;
}

function Part({ ast, level, all, full, onAdd }: PartProps) {
  const [open, setOpen] = useState(all || level < OPEN_LEVELS);
  const parts = partsOf(ast);
  const text = printAst(ast);
  const head = headOf(ast);
  const addable = typeOf(ast) === 'vector';
  return (
    <li>
      <div className={classes.part}>
        {parts.length > 0 ? (
          <UnstyledButton
            className={classes.toggle}
            aria-expanded={open}
            aria-label={`Parts of ${head}`}
            onClick={() => setOpen(!open)}
          >
            <IconChevronRight size={14} aria-hidden="true" />
          </UnstyledButton>
        ) : (
          <span className={classes.toggle} />
        )}
        <code className={classes.head}>{head}</code>
        {head !== text && (
          <code className={classes.text} title={text}>
            {text}
          </code>
        )}
        <span className={classes.spread} />
        <Count ast={ast} />
        {addable && level > 0 ? (
          <Tooltip label="Run this part as a query of its own">
            <ActionIcon size={24} aria-label={`Add ${text} as a query`} disabled={full} onClick={() => onAdd(text)}>
              <IconPlus size={14} />
            </ActionIcon>
          </Tooltip>
        ) : (
          <span className={classes.noAction} />
        )}
      </div>
      {open && parts.length > 0 && (
        <ul>
          {parts.map((part, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: equal parts differ by nothing but their position
            <Part key={i} ast={part} level={level + 1} all={all} full={full} onAdd={onAdd} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** How much a part gives. Asked for while it is in view; leaving or stopping cancels it on the server. */
function Count({ ast }: { ast: Ast }) {
  const { span, generation } = useTime();
  const asks = countingOf(ast);
  const query = useQuery({
    queryKey: [TIMED, 'count', asks, span.end, generation],
    queryFn: async ({ signal }) => {
      const { series, samples, value } = asks ?? {};
      const [a, b, c] = await Promise.all(
        [series, samples, value].map((one) => (one === undefined ? undefined : numberOf(one, span.end, signal))),
      );
      return { series: a?.number, samples: b?.number, value: c?.number, read: a?.read };
    },
    enabled: asks !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (asks === undefined) {
    const why = typeOf(ast) === 'scalar' || typeOf(ast) === 'string' ? '' : 'depends on the whole query';
    return <span className={classes.facts}>{why}</span>;
  }
  if (query.isFetching) {
    return (
      <span className={classes.facts}>
        <Loader size={12} aria-label="Counting" />
      </span>
    );
  }
  if (query.error !== null) {
    return (
      <span className={`${classes.facts} ${classes.bad}`} title={errorText(query.error)}>
        <IconAlertTriangle size={14} aria-hidden="true" /> {errorText(query.error)}
      </span>
    );
  }
  if (query.data === undefined) {
    return (
      <span className={classes.facts}>
        not counted
        <ActionIcon size={24} aria-label={`Count ${headOf(ast)}`} onClick={() => void query.refetch()}>
          <IconRefresh size={14} />
        </ActionIcon>
      </span>
    );
  }
  const { series, samples, value, read } = query.data;
  return (
    <span className={classes.facts}>
      <span className="bw-dim">
        {samples !== undefined
          ? plural(samples, 'sample')
          : read !== undefined && plural(read, 'sample read', 'samples read')}
      </span>
      {value !== undefined && <strong>{formatExact(value)}</strong>}
      {series !== undefined && (
        <strong className={series === 0 ? classes.none : undefined}>
          {series === 0 && <IconAlertTriangle size={14} aria-hidden="true" />}
          {series === 0 ? 'no series' : plural(series, 'series', 'series')}
        </strong>
      )}
    </span>
  );
}

async function numberOf(query: string, time: number, signal: AbortSignal) {
  const { data } = await api.instant(query, time, signal);
  const { result } = data;
  const sample = result.type === 'vector' ? result.samples[0]?.value : result.type === 'scalar' ? result.value : 0;
  return { number: typeof sample === 'number' ? sample : 0, read: data.samplesRead };
}
