import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import { LabelChips } from '../labels/LabelText';
import { useTime } from '../nav/time';
import { author, rememberAuthor } from '../prefs/author';
import { ErrorCard } from '../states/ErrorCard';
import classes from './alerting.module.css';
import type { Alert } from './alerts';
import { acknowledgement, NEW_DRAFT, readDraft } from './draft';
import { matchersOf } from './matchers';
import { useSetSilence } from './useSilencing';

/** Takes one alert over: a short silence of exactly this alert that says by whom. */
export function AcknowledgeDialog({ alert, onClose }: { alert: Alert; onClose(): void }) {
  const { zone } = useTime();
  const [name, setName] = useState(author);
  const [ends, setEnds] = useState('1h');
  const [note, setNote] = useState('');
  const [problem, setProblem] = useState<string>();
  const set = useSetSilence('Acknowledged.', onClose);
  const submit = () => {
    const comment = acknowledgement(name, note);
    const draft = { ...NEW_DRAFT, matchers: matchersOf(alert.labels), ends, author: name, comment };
    const { silence, problem: found } = readDraft(draft, Date.now(), zone);
    setProblem(found);
    if (silence === undefined) return;
    rememberAuthor(name);
    set.mutate(silence);
  };
  return (
    <Modal opened onClose={onClose} title="Acknowledge" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <LabelChips labels={alert.labels} />
        <p className={classes.words}>
          This makes a silence of exactly this alert with the comment “acknowledged by {name.trim() || 'you'}”. Nobody
          is told about it again until the silence ends, and others see here who takes care. If it still fires then, it
          is told as before. The alert itself goes on.
        </p>
        <TextInput
          label="Who are you"
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput label="For how long" value={ends} onChange={(event) => setEnds(event.currentTarget.value)} />
        <TextInput label="Note, if any" value={note} onChange={(event) => setNote(event.currentTarget.value)} />
        {problem !== undefined && (
          <p className={classes.problem} role="alert">
            {problem}
          </p>
        )}
        {set.error !== null && <ErrorCard title="The alert was not acknowledged" error={set.error} />}
        <div className={classes.buttons}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" loading={set.isPending}>
            Acknowledge
          </Button>
        </div>
      </form>
    </Modal>
  );
}
