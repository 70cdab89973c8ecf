import { Button } from '@mantine/core';
import { IconDatabaseOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { api } from '../../api/client';
import type { StorageDetails } from '../../api/storage';
import { formatCount, formatValue, plural } from '../../format/value';
import { useKeys } from '../../nav/keys';
import { PageLink, useGo } from '../../nav/links';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { useUrlState } from '../../nav/useUrlState';
import { Fact, FactRows, Facts, type FactTexts } from '../../panel/Facts';
import { Columns, Panel } from '../../panel/Panel';
import { SidePanel, Split } from '../../panel/SidePanel';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { EmptyState } from '../../states/EmptyState';
import { formatAgo, formatDuration, formatSeconds } from '../../time/duration';
import { formatMomentShort, type Zone } from '../../time/zone';
import { storageCodec } from '../../url/pages';
import { Alarms } from './Alarms';
import { density } from './density';
import { PartDetails } from './PartDetails';
import { PartTable } from './PartTable';
import { PartTimeline } from './PartTimeline';
import { Space } from './Space';
import classes from './storage.module.css';
import { type Poll, pollRate, syncText, withPoll } from './words';

const REFRESH_MS = 5000;
/** A rate needs two polls, so the second one comes soon. */
const SECOND_POLL_MS = 1000;

/** What comes in, what it takes in memory and on disk, how upkeep goes, and whether anything was lost. */
export function StoragePage() {
  const query = useQuery({
    queryKey: ['storage'],
    queryFn: ({ signal }) => api.storage(signal),
    refetchInterval: ({ state }) => (state.dataUpdateCount < 2 ? SECOND_POLL_MS : REFRESH_MS),
  });
  const { data } = query;
  const rate = useRate(data, query.dataUpdatedAt);
  return (
    <>
      <PageHeader title="Storage" note={data?.path} />
      <Answer query={query} height={420}>
        {(data) => (
          <>
            <Alarms data={data} />
            <Figures data={data} rate={rate} />
            <Stored data={data} />
            <Columns>
              <Space data={data} />
              <Kept data={data} />
              <Upkeep data={data} />
              <LastStart data={data} />
            </Columns>
            <footer className={classes.footer}>
              <p>{syncText(data.syncMode)}</p>
              <p>
                Store <code>{data.storeId}</code>
              </p>
            </footer>
          </>
        )}
      </Answer>
    </>
  );
}

/** Samples per second over the last minute, as far as this page saw it. */
function useRate(data: StorageDetails | undefined, atMs: number): number | undefined {
  const polls = useRef<Poll[]>([]);
  if (data !== undefined && polls.current.at(-1)?.atMs !== atMs) {
    polls.current = withPoll(polls.current, { atMs, samples: data.ingest.samples });
  }
  return pollRate(polls.current);
}

function Figures({ data, rate }: { data: StorageDetails; rate: number | undefined }) {
  const { head, log, parts, ingest } = data;
  const samples = parts.reduce((sum, part) => sum + part.samples, 0);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  return (
    <Facts label="The store in figures">
      <Fact name="Samples per second">{rate === undefined ? '–' : formatValue(rate)}</Fact>
      <Fact name="Active series">
        <PageLink to="/system/cardinality">{formatCount(head.series)}</PageLink>
      </Fact>
      <Fact name="Memory of the head">
        {formatValue(head.memoryBytes, 'bytes')}{' '}
        {head.memoryBudgetBytes !== null && (
          <span className="bw-dim">(of {formatValue(head.memoryBudgetBytes, 'bytes')})</span>
        )}
      </Fact>
      <Fact name="Log">
        {formatValue(log.bytes, 'bytes')} <span className="bw-dim">({plural(log.segments, 'segment')})</span>
      </Fact>
      <Fact name="Parts">
        {formatCount(parts.length)} <span className="bw-dim">({formatValue(bytes, 'bytes')})</span>
      </Fact>
      <Fact name="Bytes per sample">{samples === 0 ? '–' : density(bytes / samples)}</Fact>
      <Fact name="Refused since the start">{plural(ingest.refusedSamples, 'sample')}</Fact>
    </Facts>
  );
}

/** Parts on a time line and in a table; one can be opened. */
function Stored({ data }: { data: StorageDetails }) {
  const go = useGo();
  const [{ part: open }, set] = useUrlState(storageCodec);
  const close = () => set({ part: undefined });
  useKeys({ Escape: close });
  const toggle = (id: number) => set({ part: id === open ? undefined : id });
  if (data.parts.length === 0 && data.head.samples === 0) {
    return (
      <EmptyState
        icon={IconDatabaseOff}
        title="Nothing is stored yet"
        action={<Button onClick={() => go({ to: '/' })}>Get data in</Button>}
      >
        Samples are in memory and in the log first; every two hours they move into a part.
      </EmptyState>
    );
  }
  const part = data.parts.find(({ id }) => id === open);
  return (
    <Split open={open !== undefined}>
      <div className={classes.stored}>
        <PartTimeline data={data} open={open} onOpen={toggle} />
        <PartTable parts={data.parts} open={open} onOpen={toggle} />
      </div>
      {open !== undefined && (
        <SidePanel title={`Part ${open}`} onClose={close}>
          <PartDetails part={part} all={data.parts} />
        </SidePanel>
      )}
    </Split>
  );
}

function FactPanel({ title, facts }: { title: string; facts: FactTexts }) {
  return (
    <Panel title={title}>
      <FactRows facts={facts} />
    </Panel>
  );
}

/** What is kept, and for how long. */
function Kept({ data: { retention, tombstones, ingest } }: { data: StorageDetails }) {
  const window = retention.outOfOrderWindowMs;
  const facts: FactTexts = [
    ['Kept for', retention.timeMs === null ? 'ever' : formatDuration(retention.timeMs)],
    ['Kept up to', retention.bytes === null ? 'any size' : formatValue(retention.bytes, 'bytes')],
    ['Dropped since the start', plural(retention.partsRetired, 'part')],
    ['Late samples', window <= 0 ? 'refused' : `taken up to ${formatDuration(window)} late`],
    ['Came late since the start', plural(ingest.lateSamples, 'sample')],
    [
      'Deleted, still on disk',
      tombstones.intervals === 0
        ? 'nothing'
        : `${plural(tombstones.intervals, 'stretch', 'stretches')} in ${plural(tombstones.parts, 'part')}`,
    ],
  ];
  return <FactPanel title="Retention" facts={facts} />;
}

/** How moving, merging and dropping go. */
function Upkeep({ data: { upkeep } }: { data: StorageDetails }) {
  const now = useNow();
  const facts: FactTexts = [
    ['Last round', upkeep.lastRun === null ? 'none yet' : formatAgo(now - upkeep.lastRun)],
    ['It took', upkeep.lastRun === null ? '–' : formatSeconds(upkeep.lastTookSeconds)],
    ['Parts cut from memory', formatCount(upkeep.partsCut)],
    ['Parts merged', formatCount(upkeep.partsMerged)],
    ['Rewritten without deleted samples', plural(upkeep.partsRewritten, 'part')],
    ['Parts dropped', formatCount(upkeep.partsRetired)],
    ['Rounds since the start', formatCount(upkeep.rounds)],
    ['Failures since the start', formatCount(upkeep.failures)],
  ];
  return <FactPanel title="Compaction and upkeep" facts={facts} />;
}

/** What the start found, and where samples are that are in no part yet. */
function LastStart({ data: { recovery, quarantine, head, log } }: { data: StorageDetails }) {
  const { zone } = useTime();
  const facts: FactTexts = [
    ['In memory only', plural(head.samples, 'sample')],
    ['From', moment(head.minTime, zone)],
    ['To', moment(head.maxTime, zone)],
    ['Not synced yet', formatValue(log.unsyncedBytes, 'bytes')],
    ['Log failures', formatCount(log.failures)],
    ['Brought back at the start', plural(recovery.samples, 'sample')],
    [
      'Kept of damage',
      quarantine.files === 0
        ? 'nothing'
        : `${plural(quarantine.files, 'file')}, ${formatValue(quarantine.bytes, 'bytes')}`,
    ],
  ];
  return <FactPanel title="Memory, log and last start" facts={facts} />;
}

const moment = (ms: number | null, zone: Zone) => (ms === null ? 'no samples yet' : formatMomentShort(ms, zone));
