import { ApiError, type ErrorKind } from './error';
import type { ApiResponse } from './transport';

/** A successful answer with the server's remarks about it. */
export interface Answer<T> {
  data: T;
  /** The answer may be wrong or incomplete. */
  warnings: readonly string[];
  /** The query may not mean what its author thinks. */
  infos: readonly string[];
}

const KINDS: readonly ErrorKind[] = [
  'bad_data',
  'execution',
  'timeout',
  'canceled',
  'unavailable',
  'not_found',
  'not_acceptable',
  'internal',
];

/** Opens the envelope of the Prometheus HTTP API, or throws what the server reports. */
export function openEnvelope(response: ApiResponse): Answer<unknown> {
  const { status, requestId } = response;
  const envelope = parse(response);
  const { status: outcome, data, error, errorType } = envelope;
  if (outcome === 'success') return { data, warnings: texts(envelope.warnings), infos: texts(envelope.infos) };
  if (outcome !== 'error') throw new ApiError('malformed', 'The answer has no "status".', status, requestId);
  const kind = KINDS.find((known) => known === errorType) ?? (status >= 500 ? 'internal' : 'bad_data');
  throw new ApiError(kind, typeof error === 'string' ? error : 'The server gave no reason.', status, requestId);
}

function parse({ status, body, requestId }: ApiResponse): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Reported below, with what came instead.
  }
  const text = body.trim().slice(0, 200) || 'an empty answer';
  throw new ApiError(status >= 400 ? 'http' : 'malformed', `HTTP ${status}: ${text}`, status, requestId);
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
