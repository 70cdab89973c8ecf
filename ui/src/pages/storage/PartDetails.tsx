import { IconSearchOff } from '@tabler/icons-react';
import type { StoragePart } from '../../api/storage';
import { formatCount, formatValue, plural } from '../../format/value';
import { useTime } from '../../nav/time';
import { FactRows } from '../../panel/Facts';
import { EmptyState } from '../../states/EmptyState';
import { formatDuration } from '../../time/duration';
import { formatMoment } from '../../time/zone';
import { density } from './density';
import { levelText } from './words';

/** Everything that is known of a part. `all` are those that there are: it is compared with them. */
export function PartDetails({ part, all }: { part: StoragePart | undefined; all: readonly StoragePart[] }) {
  const { zone } = useTime();
  if (part === undefined) {
    return (
      <EmptyState icon={IconSearchOff} title="This part is gone">
        It was merged into another one, or the retention dropped it.
      </EmptyState>
    );
  }
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  const samples = all.reduce((sum, one) => sum + one.samples, 0);
  return (
    <FactRows
      facts={[
        ['Level', `${part.level} (${levelText(part.level)})`],
        ['First sample', formatMoment(part.minTime, zone)],
        ['Last sample', formatMoment(part.maxTime, zone)],
        ['Covers', formatDuration(part.maxTime - part.minTime)],
        ['Series', formatCount(part.series)],
        ['Samples', formatCount(part.samples)],
        ['Chunks', formatCount(part.chunks)],
        [
          'Size',
          `${formatValue(part.bytes, 'bytes')}, ${((100 * part.bytes) / Math.max(1, bytes)).toFixed(0)} % of all`,
        ],
        ['Bytes per sample', `${density(part.bytesPerSample)} (all parts: ${density(bytes / Math.max(1, samples))})`],
        ['Memory while open', formatValue(part.memoryBytes, 'bytes')],
        [
          'Deleted',
          part.deletedIntervals === 0
            ? 'nothing'
            : `${plural(part.deletedIntervals, 'stretch', 'stretches')} of its series, until it is merged`,
        ],
        ['Merged from', part.sources.length === 0 ? 'no other part' : part.sources.join(', ')],
      ]}
    />
  );
}
