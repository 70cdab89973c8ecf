import { IconFileAlert } from '@tabler/icons-react';
import { useNow } from '../../nav/useNow';
import type { OldConfig } from '../../shell/useServer';
import { Alarm } from '../../states/Alarm';
import { formatSince } from '../../time/duration';
import { formatMoment, type Zone } from '../../time/zone';

interface ReloadAlarmProps {
  /** What is in use meanwhile. */
  config: OldConfig;
  zone: Zone;
}

/** The last reload failed: what holds meanwhile, since when, and why. */
export function ReloadAlarm({ config: { loadedMs, reason }, zone }: ReloadAlarmProps) {
  const now = useNow();
  return (
    <Alarm icon={IconFileAlert} title="The last reload of the configuration failed">
      <p>
        The server goes on with the configuration that it loaded{' '}
        {formatMoment(Math.round(loadedMs / 1000) * 1000, zone)} ({formatSince(loadedMs, now)}). No later change of the
        configuration file, or of a file that it names, is in use.
      </p>
      {reason !== undefined && <pre>{reason}</pre>}
      <p>
        The server’s log names the mistakes with file and line, and so does <code>bellwether check config FILE</code>.
        Mend them and reload again: <code>SIGHUP</code>, or <code>POST /-/reload</code>.
      </p>
    </Alarm>
  );
}
