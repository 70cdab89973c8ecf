import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { PostedSilence } from '../api/alerting';
import { alerting } from '../api/alertingClient';
import { errorText } from '../api/error';
import { plural } from '../format/value';

/** Asks again for all that silences change. */
function useAskAgain() {
  const client = useQueryClient();
  return () =>
    Promise.all(['silences', 'alerts', 'preview'].map((key) => client.invalidateQueries({ queryKey: [key] })));
}

/** Makes or changes a silence. `done` is what is said when it holds. */
export function useSetSilence(done: string, then?: (id: string) => void) {
  const askAgain = useAskAgain();
  return useMutation({
    mutationFn: (silence: PostedSilence) => alerting.setSilence(silence),
    onSuccess: async (id) => {
      await askAgain();
      notifications.show({ message: done });
      then?.(id);
    },
  });
}

/** Ends silences now. Those that could not be ended are told. */
export function useExpireSilences(then?: () => void) {
  const askAgain = useAskAgain();
  return useMutation({
    mutationFn: async (ids: readonly string[]) => {
      const ends = await Promise.allSettled(ids.map((id) => alerting.expireSilence(id)));
      const failures = ends.flatMap((end) => (end.status === 'rejected' ? [errorText(end.reason)] : []));
      const [first] = failures;
      if (first !== undefined) {
        await askAgain();
        throw new Error(`${plural(failures.length, 'silence')} of ${ids.length} could not be ended: ${first}`);
      }
      return ids.length;
    },
    onSuccess: async (count) => {
      await askAgain();
      notifications.show({ message: `Ended ${plural(count, 'silence')}.` });
      then?.();
    },
  });
}
