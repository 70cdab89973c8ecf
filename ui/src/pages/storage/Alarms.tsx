import { IconAlertTriangle, IconDatabaseExclamation, IconInfoCircle, IconLock } from '@tabler/icons-react';
import type { Recovery, StorageDetails, StorageProblem } from '../../api/storage';
import { formatValue, plural } from '../../format/value';
import { Alarm } from '../../states/Alarm';
import classes from './storage.module.css';

/** What a crash leaves behind, which is no loss of anything that was durable. */
const TORN = 'torn tail';

/** What somebody has to know before anything else: refused samples, losses, failing upkeep. */
export function Alarms({ data }: { data: StorageDetails }) {
  const { refusesWrites, recovery, corruptions, upkeep, quarantine } = data;
  const damages = recovery.problems.filter(({ kind }) => kind !== TORN);
  const torn = recovery.problems.filter(({ kind }) => kind === TORN);
  const read = corruptions - damages.length;
  return (
    <>
      {refusesWrites !== null && (
        <Alarm icon={IconLock} title="New samples are refused">
          <p className={classes.words}>{refusesWrites}</p>
          <p>
            {data.freeBytes !== null && <>{formatValue(data.freeBytes, 'bytes')} are free on the disk, and </>}
            {formatValue(data.minFreeBytes, 'bytes')} must stay free. Queries go on, senders keep what they could not
            deliver, and samples are taken again without a restart as soon as there is room.
          </p>
        </Alarm>
      )}
      {data.safeMode && (
        <Alarm icon={IconAlertTriangle} title="Safe mode" look="warning">
          <p>
            The last {plural(data.failedStarts, 'start')} ended within a minute. One query is answered at a time, and
            scrapes and writes have half of their places. Safe mode ends by itself after ten minutes without a crash, or
            when the server is stopped properly.
          </p>
        </Alarm>
      )}
      {!recovery.clean && <Losses recovery={recovery} damages={damages} />}
      {read > 0 && (
        <Alarm icon={IconDatabaseExclamation} title={`${plural(read, 'damaged place')} found while reading`}>
          <p>
            Queries leave out what cannot be read and say so. The server’s log names file and place; a backup or another
            server that scrapes the same may still have the samples.
          </p>
        </Alarm>
      )}
      {corruptions === 0 && quarantine.damagedFiles > 0 && (
        <Alarm icon={IconDatabaseExclamation} title="Data was damaged at an earlier start">
          <p>
            {plural(quarantine.damagedFiles, 'file')} of it are kept in <code>{data.path}/quarantine</code>. This is
            told until they are moved away.
          </p>
        </Alarm>
      )}
      {upkeep.lastError !== null && (
        <Alarm icon={IconAlertTriangle} title="The last round of upkeep failed" look="warning">
          <p className={classes.words}>{upkeep.lastError}</p>
          <p>Nothing is lost: samples stay in memory and in the log until it succeeds.</p>
        </Alarm>
      )}
      {torn.length > 0 && (
        <Alarm icon={IconInfoCircle} title="The server had not been stopped properly" look="note">
          <p>
            The log ended in the middle of something. Nothing that was durable is lost; the rest is kept beside the
            data.
          </p>
          <Problems problems={torn} />
        </Alarm>
      )}
    </>
  );
}

function Losses({ recovery, damages }: { recovery: Recovery; damages: readonly StorageProblem[] }) {
  const { samplesOrphaned, framesMissing } = recovery;
  return (
    <Alarm icon={IconDatabaseExclamation} title="Data was damaged when the server was started">
      <p>
        Everything that is whole is served. What is damaged was put aside and not deleted
        {samplesOrphaned > 0 && <>; {plural(samplesOrphaned, 'sample')} belong to no series that is known any more</>}
        {framesMissing > 0 && <>; {plural(framesMissing, 'record')} of the log are missing</>}.
      </p>
      <Problems problems={damages} />
    </Alarm>
  );
}

function Problems({ problems }: { problems: readonly StorageProblem[] }) {
  return (
    <ul className={classes.problems}>
      {problems.map(({ kind, path, what, quarantined }) => (
        <li key={`${path} ${what}`}>
          <span className="bw-tag">{kind}</span>
          <code>{path}</code>
          <span className={classes.words}>{what}</span>
          {quarantined !== null && (
            <span className="bw-dim">
              kept in <code>{quarantined}</code>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
