import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { PostedSilence, Silence } from '../api/alerting';
import { alerting } from '../api/alertingClient';
import { errorText } from '../api/error';

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

/** Changes several silences, each for itself. Returns why some could not be changed, by their ids. */
export function useEachSilence(change: (silence: Silence) => Promise<unknown>) {
  const askAgain = useAskAgain();
  return useMutation({
    mutationFn: async (silences: readonly Silence[]): Promise<ReadonlyMap<string, string>> => {
      const ends = await Promise.allSettled(silences.map(change));
      await askAgain();
      return new Map(
        silences.flatMap(({ id }, place) => {
          const end = ends[place];
          return end?.status === 'rejected' ? [[id, errorText(end.reason)]] : [];
        }),
      );
    },
  });
}

/** Ends a silence now. */
export function useExpireSilence() {
  const askAgain = useAskAgain();
  return useMutation({
    mutationFn: (id: string) => alerting.expireSilence(id),
    onSuccess: async () => {
      await askAgain();
      notifications.show({ message: 'The silence is over.' });
    },
  });
}
