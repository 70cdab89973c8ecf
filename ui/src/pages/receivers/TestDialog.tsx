import { Button, Modal } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import classes from '../../alerting/alerting.module.css';
import type { Receiver, TestResult } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { ErrorCard } from '../../states/ErrorCard';
import { StateWord } from '../../states/StateWord';
import { formatSeconds } from '../../time/duration';
import own from './receivers.module.css';

/** Asks before anything is sent, sends a message that is marked as a test, and tells how that went. */
export function TestDialog({ receiver, onClose }: { receiver: Receiver; onClose(): void }) {
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: () => alerting.testReceiver(receiver.name),
    onSettled: () => client.invalidateQueries({ queryKey: ['receivers'] }),
  });
  const means = receiver.integrations
    .filter(({ supported }) => supported)
    .map(({ type, index }) => `${type}[${index}]`);
  return (
    <Modal opened onClose={onClose} title={`Test ${receiver.name}`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className={classes.form}>
        <p>
          This sends one message that is marked as a test by {means.join(', ')}, to whoever reads there. No alert is
          made and nothing is silenced.
        </p>
        {test.error !== null && <ErrorCard title="The test could not be made" error={test.error} />}
        <div role="status">{test.data !== undefined && <Results results={test.data} />}</div>
        <div className={classes.buttons}>
          <Button onClick={onClose}>{test.data === undefined ? 'Cancel' : 'Close'}</Button>
          <Button variant="filled" loading={test.isPending} onClick={() => test.mutate()}>
            {test.data === undefined ? 'Send the test' : 'Send it again'}
          </Button>
        </div>
      </div>
    </Modal>
  );
}

function Results({ results }: { results: readonly TestResult[] }) {
  return (
    <ul className={own.results} aria-label="Results">
      {results.map(({ integration, status, error, durationMs }) => (
        <li key={integration}>
          <StateWord look={status === 'ok' ? 'ok' : 'bad'}>{status === 'ok' ? 'Delivered' : 'Failed'}</StateWord>
          <span>
            {integration} <span className="bw-dim">in {formatSeconds(durationMs / 1000)}</span>
          </span>
          {error !== '' && <p className={classes.failure}>{error}</p>}
        </li>
      ))}
    </ul>
  );
}
