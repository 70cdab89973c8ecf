import { ActionIcon, UnstyledButton } from '@mantine/core';
import { IconCheck, IconCopy, IconX } from '@tabler/icons-react';
import { useQueries } from '@tanstack/react-query';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { api } from '../../../api/client';
import { errorText } from '../../../api/error';
import type { PlotLayout } from '../../../charts/plot';
import type { RangeQuery } from '../../../charts/useRangeQueries';
import { formatCount, formatExact, formatValue, plural, type Unit, unitOfName } from '../../../format/value';
import { type Labels, pairs, selector } from '../../../labels/labels';
import { copyText } from '../../../nav/copy';
import { TIMED, TIMED_GC_MS, useTime } from '../../../nav/time';
import type { Span } from '../../../time/bound';
import { formatMoment, type Zone } from '../../../time/zone';
import { type Dot, placeDots } from './dots';
import classes from './exemplars.module.css';

interface ExemplarLayerProps {
  asked: readonly RangeQuery[];
  span: Span;
  layout: PlotLayout;
  zone: Zone;
}

/** Exemplars as dots over the chart. One tab stop; arrow keys go from dot to dot, Enter keeps the popover open. */
export function ExemplarLayer({ asked, span, layout, zone }: ExemplarLayerProps) {
  const { generation } = useTime();
  const results = useQueries({
    queries: asked.map(({ expression }) => ({
      queryKey: [TIMED, 'exemplars', expression, span.start, span.end, generation],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.exemplars(expression, span, signal),
      gcTime: TIMED_GC_MS,
      staleTime: Number.POSITIVE_INFINITY,
      structuralSharing: false,
    })),
  });
  const found = results.flatMap(({ data }) => data ?? []);
  const { dots, all } = useMemo(() => placeDots(found, layout), [found, layout]);
  const loading = results.some(({ isFetching }) => isFetching);
  const failed = results.find(({ error }) => error !== null)?.error;
  return (
    <>
      <Dots dots={dots} layout={layout} zone={zone} />
      <p className={classes.note} role="status">
        {failed != null && `Exemplars are missing: ${errorText(failed)}`}
        {failed == null && loading && 'Looking for exemplars'}
        {failed == null &&
          !loading &&
          all === 0 &&
          'No exemplars here: targets have to expose them, as OpenMetrics allows.'}
        {failed == null &&
          !loading &&
          all > 0 &&
          (dots.length < all
            ? `${formatCount(dots.length)} of ${plural(all, 'exemplar')}: where they crowd, the highest`
            : plural(all, 'exemplar'))}
      </p>
    </>
  );
}

function Dots({ dots, layout, zone }: { dots: readonly Dot[]; layout: PlotLayout; zone: Zone }) {
  const group = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<number>();
  const [pinned, setPinned] = useState<Dot>();
  const [stop, setStop] = useState(0);
  const over = hovered === undefined ? undefined : dots[hovered];
  const shown = pinned ?? over;
  const buttons = () => [...(group.current?.querySelectorAll<HTMLElement>(`[data-dot]`) ?? [])];
  const move = (event: KeyboardEvent) => {
    if (event.key === 'Escape') return setPinned(undefined);
    const last = dots.length - 1;
    const here = Math.min(stop, last);
    const targets: Record<string, number> = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = Math.min(last, Math.max(0, target));
    setStop(next);
    buttons()[next]?.focus();
  };
  const { left, top, width, height } = layout;
  return (
    <div className={classes.layer} style={{ left, top, width, height }}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
      <div ref={group} role="group" aria-label="Exemplars" onKeyDown={move}>
        {dots.map((dot, i) => (
          <UnstyledButton
            key={`${dot.x} ${dot.y}`}
            data-dot
            className={classes.dot}
            data-outside={dot.outside || undefined}
            data-shown={dot === shown || undefined}
            style={{ left: dot.x, top: dot.y }}
            tabIndex={i === Math.min(stop, dots.length - 1) ? 0 : -1}
            aria-label={`Exemplar ${formatValue(dot.exemplar.value, unitOf(dot.series))} at ${formatMoment(dot.exemplar.time * 1000, zone)}`}
            onMouseEnter={() => setHovered(i)}
            onMouseLeave={() => setHovered(undefined)}
            onFocus={() => {
              setStop(i);
              setHovered(i);
            }}
            onBlur={() => setHovered(undefined)}
            onClick={() => setPinned(pinned === dot ? undefined : dot)}
          />
        ))}
      </div>
      {shown !== undefined && (
        <Details
          dot={shown}
          layout={layout}
          zone={zone}
          onClose={
            pinned === undefined
              ? undefined
              : () => {
                  setPinned(undefined);
                  buttons()[stop]?.focus();
                }
          }
        />
      )}
    </div>
  );
}

interface DetailsProps {
  dot: Dot;
  layout: PlotLayout;
  zone: Zone;
  /** Given while the popover stays open. */
  onClose: (() => void) | undefined;
}

/** What is known of an exemplar. */
function Details({ dot, layout, zone, onClose }: DetailsProps) {
  const { exemplar, series, x, outside } = dot;
  const unit = unitOf(series);
  const [short, exact] = [formatValue(exemplar.value, unit), formatExact(exemplar.value)];
  const side = x < layout.width / 2 ? { left: x + 12 } : { right: layout.width - x + 12 };
  return (
    <section
      className={classes.details}
      style={{ ...side, pointerEvents: onClose === undefined ? 'none' : 'auto' }}
      aria-label="Exemplar"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose?.();
      }}
    >
      <p className={classes.head}>
        <strong>{short === exact ? short : `${short} (${exact})`}</strong>
        <span className="bw-dim">{formatMoment(exemplar.time * 1000, zone)}</span>
        {onClose !== undefined && (
          <ActionIcon size={22} aria-label="Close the exemplar" onClick={onClose}>
            <IconX size={13} />
          </ActionIcon>
        )}
      </p>
      {outside && <p className="bw-dim">Outside of the axis of this graph.</p>}
      <dl className={classes.labels}>
        {pairs(exemplar.labels).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value}
              {onClose !== undefined && <CopyValue name={name} value={value} />}
            </dd>
          </div>
        ))}
      </dl>
      <p className={classes.series}>{selector(series)}</p>
    </section>
  );
}

function CopyValue({ name, value }: { name: string; value: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <ActionIcon
      size={20}
      aria-label={copied ? 'Copied' : `Copy ${name}`}
      onClick={async () => setCopied(await copyText(value))}
    >
      {copied ? <IconCheck size={12} /> : <IconCopy size={12} />}
    </ActionIcon>
  );
}

/** The unit of what was observed, by the name of the metric. */
function unitOf({ __name__ = '' }: Labels): Unit {
  return unitOfName(__name__.replace(/_(bucket|sum|count)$/, ''));
}
