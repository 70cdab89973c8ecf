import type { StorageDetails } from '../../api/storage';
import { formatValue } from '../../format/value';
import { FactRows } from '../../panel/Facts';
import { Panel } from '../../panel/Panel';
import { BarShare } from './BarShare';

/** What takes how much of the disk. */
export function Space({ data }: { data: StorageDetails }) {
  const { parts, log, checkpointBytes, usedBytes, freeBytes, minFreeBytes, retention } = data;
  const inParts = parts.reduce((sum, part) => sum + part.bytes, 0);
  const bytes = (value: number) => formatValue(value, 'bytes');
  const limit = retention.bytes;
  return (
    <Panel title="Space on disk" note={`${bytes(usedBytes)} used`}>
      <BarShare
        label={`Of ${bytes(usedBytes)} used, parts take ${bytes(inParts)}, the log ${bytes(log.bytes)} and the checkpoint ${bytes(checkpointBytes)}`}
        shares={[
          { name: 'Parts', size: inParts, colour: 1 },
          { name: 'Log', size: log.bytes, colour: 2 },
          { name: 'Checkpoint', size: checkpointBytes, colour: 3 },
        ]}
      />
      <FactRows
        facts={[
          ['Free on the disk', freeBytes === null ? 'not known' : bytes(freeBytes)],
          ['Must stay free', bytes(minFreeBytes)],
          ['Of the size limit', limit === null ? 'no limit' : `${((100 * usedBytes) / limit).toFixed(0)} % used`],
        ]}
      />
    </Panel>
  );
}
