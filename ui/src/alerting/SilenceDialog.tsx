import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTime } from '../nav/time';
import { useNow } from '../nav/useNow';
import { author, rememberAuthor } from '../prefs/author';
import { ErrorCard } from '../states/ErrorCard';
import { formatMomentShort } from '../time/zone';
import classes from './alerting.module.css';
import { endOf, readDraft, type SilenceDraft, timesProblem } from './draft';
import { LengthButtons } from './LengthButtons';
import { MatcherFields } from './MatcherFields';
import { Preview } from './Preview';
import { useSetSilence } from './useSilencing';

/** Nights of working days, and weekends. */
const RECURS_EXAMPLE =
  "[{weekdays: ['monday:friday'], times: [{start_time: '20:00', end_time: '24:00'}]}, {weekdays: [saturday, sunday]}]";

const LENGTHS = ['30m', '2h', '8h', '1d', '7d'] as const;

interface SilenceDialogProps {
  initial: SilenceDraft;
  onClose(): void;
}

/** Writes a silence, and shows meanwhile which alerts it is about. */
export function SilenceDialog({ initial, onClose }: SilenceDialogProps) {
  const { zone } = useTime();
  const now = useNow();
  const [draft, setDraft] = useState(() => ({ ...initial, author: initial.author || author() }));
  const [tried, setTried] = useState(false);
  // What is still to be said has the focus at first.
  const [known] = useState(draft.author !== '');
  const change = (patch: Partial<SilenceDraft>) => setDraft((old) => ({ ...old, ...patch }));
  const set = useSetSilence(draft.id === undefined ? 'The silence holds.' : 'The silence was changed.', onClose);
  const { problem } = readDraft(draft, now, zone);
  const ends = endOf(draft.ends, draft.starts.trim() === 'now' ? now : Number.NaN, zone);

  const refusedTimes = timesProblem(set.error);

  const submit = () => {
    setTried(true);
    const { silence } = readDraft(draft, Date.now(), zone);
    if (silence === undefined) return;
    rememberAuthor(draft.author);
    set.mutate(silence);
  };
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={draft.id === undefined ? 'New silence' : 'Change the silence'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <MatcherFields matchers={draft.matchers} onChange={(matchers) => change({ matchers })} />
        <Preview matchers={draft.matchers} />
        <div className={classes.fields}>
          <TextInput
            label="Starts"
            value={draft.starts}
            onChange={(event) => change({ starts: event.currentTarget.value })}
          />
          <TextInput
            label="Ends after, or at"
            value={draft.ends}
            onChange={(event) => change({ ends: event.currentTarget.value })}
          />
          <LengthButtons lengths={LENGTHS} value={draft.ends} onChoose={(ends) => change({ ends })} />
        </div>
        <p className="bw-dim">
          {Number.isFinite(ends) && ends !== undefined
            ? `It ends ${formatMomentShort(Math.round(ends / 60_000) * 60_000, zone)}. `
            : ''}
          {draft.endsAreTold
            ? 'Nobody is told meanwhile that these alerts fire, but those who know of them learn that they are over.'
            : 'Nobody is told about these alerts meanwhile, neither that they fire nor that they are over.'}
        </p>
        <details open={draft.recurs !== '' || draft.endsAreTold}>
          <summary>Not always, or not for everything</summary>
          <label className={classes.check}>
            <input
              type="checkbox"
              checked={draft.endsAreTold}
              onChange={({ currentTarget }) => change({ endsAreTold: currentTarget.checked })}
            />
            Tell that an alert is over
          </label>
          <TextInput
            label="Only at these times"
            description={
              <>
                Time intervals as in alertmanager.yml, in one line, such as <code>{RECURS_EXAMPLE}</code>
              </>
            }
            error={refusedTimes}
            value={draft.recurs}
            onChange={({ currentTarget }) => {
              set.reset();
              change({ recurs: currentTarget.value });
            }}
          />
        </details>
        <TextInput
          label="Who are you"
          data-autofocus={known ? undefined : true}
          value={draft.author}
          onChange={(event) => change({ author: event.currentTarget.value })}
        />
        <TextInput
          label="Why"
          data-autofocus={known || undefined}
          placeholder="What is being done, and where it is tracked"
          value={draft.comment}
          onChange={(event) => change({ comment: event.currentTarget.value })}
        />
        {tried && problem !== undefined && (
          <p className={classes.problem} role="alert">
            {problem}
          </p>
        )}
        {set.error !== null && refusedTimes === undefined && (
          <ErrorCard title="The silence was not made" error={set.error} />
        )}
        <div className={classes.buttons}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" loading={set.isPending}>
            {draft.id === undefined ? 'Silence' : 'Change'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
