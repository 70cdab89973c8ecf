import { Tooltip, UnstyledButton } from '@mantine/core';
import { useMemo } from 'react';
import type { StorageDetails, StoragePart } from '../../api/storage';
import { formatValue, plural } from '../../format/value';
import { useTime } from '../../nav/time';
import { Panel } from '../../panel/Panel';
import type { Span } from '../../time/bound';
import { placeIn, TimeAxis } from '../../time/TimeAxis';
import { formatMomentShort, type Zone } from '../../time/zone';
import { density } from './density';
import classes from './storage.module.css';
import { lanes, storedSpan } from './timeline';
import { levelText } from './words';

interface PartTimelineProps {
  data: StorageDetails;
  open: number | undefined;
  onOpen(id: number): void;
}

/** Which time is where: memory on top, then parts by level. */
export function PartTimeline({ data: { parts, head }, open, onOpen }: PartTimelineProps) {
  const { zone } = useTime();
  const rows = useMemo(() => lanes(parts), [parts]);
  const span = storedSpan(parts, head);
  if (span === undefined) return null;
  const note = `${formatMomentShort(span.start, zone)} to ${formatMomentShort(span.end, zone)}`;
  return (
    <Panel title="Parts on a time line" note={note}>
      <div className={classes.timeline}>
        <div className={classes.lane}>
          <span className={classes.laneName}>Memory</span>
          <div className={classes.track}>
            {head.minTime !== null && head.maxTime !== null && (
              <span className={classes.head} style={placeIn(head.minTime, head.maxTime, span)} />
            )}
          </div>
        </div>
        {rows.map(({ level, parts: own }, row) => (
          <div key={`${level} ${own[0]?.id}`} className={classes.lane}>
            <span className={classes.laneName}>{rows[row - 1]?.level === level ? '' : `Level ${level}`}</span>
            <div className={classes.track}>
              {own.map((part) => (
                <PartBlock
                  key={part.id}
                  part={part}
                  span={span}
                  zone={zone}
                  open={part.id === open}
                  onOpen={() => onOpen(part.id)}
                />
              ))}
            </div>
          </div>
        ))}
        <div className={classes.lane} aria-hidden="true">
          <span />
          <TimeAxis span={span} zone={zone} />
        </div>
      </div>
    </Panel>
  );
}

interface PartBlockProps {
  part: StoragePart;
  span: Span;
  zone: Zone;
  open: boolean;
  onOpen(): void;
}

function PartBlock({ part, span, zone, open, onOpen }: PartBlockProps) {
  const { id, level, minTime, maxTime, bytes, samples, bytesPerSample } = part;
  const text = [
    `Part ${id}, ${levelText(level)}`,
    `${formatMomentShort(minTime, zone)} to ${formatMomentShort(maxTime, zone)}`,
    `${formatValue(bytes, 'bytes')}, ${plural(samples, 'sample')}, ${density(bytesPerSample)} bytes each`,
  ];
  return (
    <Tooltip label={text.map((line) => <div key={line}>{line}</div>)}>
      <UnstyledButton
        className={classes.block}
        style={placeIn(minTime, maxTime, span)}
        data-level={Math.min(level, 3)}
        aria-label={text.join('; ')}
        aria-pressed={open}
        onClick={onOpen}
      />
    </Tooltip>
  );
}
