import { Button, Modal, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import classes from '../../alerting/alerting.module.css';
import { LengthButtons } from '../../alerting/LengthButtons';
import { useEachSilence } from '../../alerting/useSilencing';
import type { Silence } from '../../api/alerting';
import { plural } from '../../format/value';
import { useTime } from '../../nav/time';
import { formatMomentShort } from '../../time/zone';
import { BULK_WORDS, type BulkChange, changeOne, lengthOf, outcomeText } from './bulk';
import { titleOf } from './silences';
import own from './silences.module.css';

const LENGTHS = ['30m', '1h', '8h', '1d', '7d'] as const;

interface BulkDialogProps {
  change: BulkChange;
  /** Those that are selected. */
  silences: readonly Silence[];
  /** Selects others: those for which it failed, so that it can be tried again with them. */
  onSelect(ids: ReadonlySet<string>): void;
  onClose(): void;
}

/** Ends or lengthens several silences, after asking. Where one cannot be changed, it says why. */
export function BulkDialog({ change, silences, onSelect, onClose }: BulkDialogProps) {
  const { zone } = useTime();
  const [length, setLength] = useState('1h');
  const [outcome, setOutcome] = useState<string>();
  const byMs = lengthOf(length);
  const all = useEachSilence((silence) => changeOne(change, silence, byMs ?? 0));
  const { verb } = BULK_WORDS[change];
  const what = `${verb} ${plural(silences.length, 'silence')}`;
  const readable = change === 'expire' || byMs !== undefined;
  const submit = async () => {
    if (!readable) return;
    const failures = await all.mutateAsync(silences);
    const text = outcomeText(change, silences.length, failures.size);
    onSelect(new Set(failures.keys()));
    if (failures.size > 0) {
      setOutcome(text);
      return;
    }
    notifications.show({ message: text });
    onClose();
  };
  const moment = (ms: number) => formatMomentShort(Math.round(ms / 1000) * 1000, zone);
  return (
    <Modal opened onClose={onClose} title={`${what}?`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {outcome !== undefined && (
          <p className={classes.problem} role="alert">
            {outcome}
          </p>
        )}
        {change === 'lengthen' && (
          <div className={classes.fields}>
            <TextInput
              label="Each ends later by"
              data-autofocus
              value={length}
              error={readable ? undefined : 'A length is written as 30m, 2h or 1d.'}
              onChange={({ currentTarget }) => setLength(currentTarget.value)}
            />
            <LengthButtons lengths={LENGTHS} value={length} onChoose={setLength} />
          </div>
        )}
        <ul className={own.asked}>
          {silences.map((silence) => {
            const failure = all.data?.get(silence.id);
            const ends = Date.parse(silence.endsAt);
            return (
              <li key={silence.id}>
                <code>{titleOf(silence)}</code> <span className="bw-dim">{silence.comment}</span>
                {change === 'lengthen' && (
                  <div>
                    Ends {moment(ends)}
                    {byMs !== undefined && `, then ${moment(ends + byMs)}`}
                  </div>
                )}
                {failure !== undefined && <div className={classes.problem}>{failure}</div>}
              </li>
            );
          })}
        </ul>
        {change === 'expire' && <p>Their alerts are told again from now on, unless something else keeps them quiet.</p>}
        <div className={classes.buttons}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" loading={all.isPending} disabled={!readable || silences.length === 0}>
            {what}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
