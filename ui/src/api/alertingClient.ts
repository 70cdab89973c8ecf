import type { Labels } from '../labels/labels';
import { selector } from '../labels/labels';
import type { Span } from '../time/bound';
import type {
  AlertHistory,
  HistoryEvent,
  NotificationKind,
  NotificationStatus,
  Notifications,
  PostedSilence,
  Receiver,
  RouteAnswer,
  RouterAlert,
  RouteTree,
  RuleAlert,
  RuleGroup,
  Silence,
  SilenceMatcher,
  SilencePreview,
  Slo,
  SloBudget,
  SloDetails,
  TestResult,
} from './alerting';
import { get, seconds, transport } from './client';
import { openBare, openEnvelope } from './envelope';

/** So many changes of state are asked for at most. */
const MOST_EVENTS = 10_000;
/** So many of the latest are looked through for one of a kind. */
const MOST_LATEST = 500;
/** In so many answers at most. */
const MOST_ANSWERS = 10;
/** So many notifications are asked for at a time. */
const MOST_NOTIFICATIONS = 1000;

/** Which notifications are asked for. */
interface NotificationFilter {
  /** Any if it is empty. */
  receiver: string;
  status: NotificationStatus | 'all';
  kind: NotificationKind | 'all';
}

const times = ({ start, end }: Span) => ({ start: seconds(start), end: seconds(end) });

async function bare<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await transport.send({ path, version: 'v2' }, openBare, signal)) as T;
}

/** Rules, alerts, the router behind them and objectives, typed. */
export const alerting = {
  /** All rules or those of a name, with their alerts and with what lint says only if that is asked for. */
  rules: async (
    { name, alerts = false, lint = false }: { name?: string; alerts?: boolean; lint?: boolean },
    signal?: AbortSignal,
  ): Promise<RuleGroup[]> => {
    const params = {
      ...(name !== undefined && { 'rule_name[]': name }),
      ...(!alerts && { exclude_alerts: 'true' }),
      ...(lint && { lint: 'true' }),
    };
    return (await get<{ groups: RuleGroup[] | null }>('rules', params, signal)).groups ?? [];
  },

  /** The alerts of this server's own rules. */
  ruleAlerts: async (signal?: AbortSignal) =>
    (await get<{ alerts: RuleAlert[] | null }>('alerts', undefined, signal)).alerts ?? [],

  /** The alerts that the router has. */
  routerAlerts: (signal?: AbortSignal) => bare<RouterAlert[]>('alerts', signal),

  silences: (signal?: AbortSignal) => bare<Silence[]>('silences', signal),

  /** The alerts that a silence with these matchers would be about. */
  previewSilence: async (matchers: readonly SilenceMatcher[], signal?: AbortSignal): Promise<SilencePreview> => {
    const request = { path: 'silences/preview', method: 'POST', json: { matchers } } as const;
    return (await transport.send(request, openEnvelope, signal)).data as SilencePreview;
  },

  /** Makes or changes a silence; durable when it returns. Returns its id, which may be a new one. */
  setSilence: async (silence: PostedSilence): Promise<string> => {
    const request = { path: 'silences', version: 'v2', method: 'POST', json: silence } as const;
    return ((await transport.send(request, openBare)) as { silenceID: string }).silenceID;
  },

  expireSilence: async (id: string): Promise<void> => {
    const request = { path: `silence/${encodeURIComponent(id)}`, version: 'v2', method: 'DELETE' } as const;
    await transport.send(request, openBare);
  },

  /**
   * Changes of state in the span, the newest first; `match` is a selector over the labels of alerts. One answer may
   * hold a part of them only, so the next ones are asked for up to `MOST_EVENTS`.
   */
  history: async (span: Span, match?: string, signal?: AbortSignal): Promise<AlertHistory> => {
    const events: HistoryEvent[] = [];
    let next: string | undefined;
    for (let answers = 0; answers < MOST_ANSWERS; answers++) {
      const params = {
        ...times(span),
        limit: String(MOST_EVENTS - events.length),
        ...(match !== undefined && { 'match[]': match }),
        ...(next !== undefined && { next_token: next }),
      };
      const part = await get<AlertHistory>('alerts/history', params, signal);
      events.push(...part.events);
      next = part.nextToken;
      if (next === undefined || events.length >= MOST_EVENTS) break;
    }
    return { events, truncated: next !== undefined };
  },

  /**
   * The last change in the span by which an alert began or ceased to fire, of those whose severity is not `none`: null if
   * there was none, undefined if too many others came after it.
   */
  lastFiring: async (span: Span, signal?: AbortSignal): Promise<HistoryEvent | null | undefined> => {
    const params = { ...times(span), limit: String(MOST_LATEST), 'match[]': '{severity!="none"}' };
    const { events, nextToken } = await get<AlertHistory>('alerts/history', params, signal);
    const found = events.find(({ from, to }) => from === 'firing' || to === 'firing');
    return found ?? (nextToken === undefined ? null : undefined);
  },

  /** What was told in the span, the newest first, a part at a time: `from` is the `nextToken` of the part before. */
  notifications: (
    span: Span,
    { receiver, status, kind, from }: NotificationFilter & { from: string | undefined },
    signal?: AbortSignal,
  ) =>
    get<Notifications>(
      'notifications',
      {
        ...times(span),
        limit: String(MOST_NOTIFICATIONS),
        ...(receiver !== '' && { receiver }),
        ...(status !== 'all' && { status }),
        ...(kind !== 'all' && { kind }),
        ...(from !== undefined && { next_token: from }),
      },
      signal,
    ),

  /** Who would be told about an alert with these labels. */
  route: (labels: Labels, signal?: AbortSignal) => get<RouteAnswer>('route', { labels: selector(labels) }, signal),

  routeTree: (signal?: AbortSignal) => get<RouteTree>('route/tree', undefined, signal),

  receivers: async (signal?: AbortSignal) =>
    (await get<{ receivers: Receiver[] }>('receivers', undefined, signal)).receivers,

  /** Sends a message that is marked as a test through every integration of the receiver. */
  testReceiver: async (name: string): Promise<TestResult[]> => {
    const path = `receivers/${encodeURIComponent(name)}/test`;
    const { data } = await transport.send({ path, method: 'POST', json: {} }, openEnvelope);
    return (data as { results: TestResult[] }).results;
  },

  slos: async (signal?: AbortSignal) => (await get<{ slos: Slo[] }>('slos', undefined, signal)).slos,

  slo: (id: string, signal?: AbortSignal) => get<SloDetails>(`slos/${encodeURIComponent(id)}`, undefined, signal),

  /** Budget and burn rate over time; `step` in seconds. */
  sloBudget: (id: string, span: Span, step: number, signal?: AbortSignal) =>
    get<SloBudget>(`slos/${encodeURIComponent(id)}/budget`, { ...times(span), step: String(step) }, signal),
};
