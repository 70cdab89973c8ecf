import type { Notification, NotificationStatus } from '../../api/alerting';
import { selector } from '../../labels/labels';

/** Names a notification in the address. */
export function keyOf({ time, receiver, integration, groupKey }: Notification): string {
  return `${time} ${receiver} ${integration} ${groupKey}`;
}

/** What of a notification can be searched for words. */
export function searched({ receiver, integration, groupKey, reason, error, alerts, body }: Notification): string {
  return [receiver, integration, groupKey, reason, error, body, ...alerts.map(({ labels }) => selector(labels))].join(
    ' ',
  );
}

/** The rendered text as it is read best: JSON with one thing in a line. */
export function readable(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? JSON.stringify(value, undefined, 2) : body;
  } catch {
    return body;
  }
}

export const STATUS_LOOKS: Readonly<Record<NotificationStatus, { look: 'ok' | 'bad' | 'unknown'; word: string }>> = {
  sent: { look: 'ok', word: 'Sent' },
  failed: { look: 'bad', word: 'Failed' },
  skipped: { look: 'unknown', word: 'Skipped' },
};
