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

/** Opens an answer of Alertmanager's API, which has no envelope: the data, or a failure as a JSON string. */
export function openBare(response: ApiResponse): unknown {
  const { status, body, requestId } = response;
  if (status < 400 && body.trim() === '') return undefined;
  if (status === 404 && body.trim() === '')
    throw new ApiError('not_found', 'It may be gone by now.', status, requestId);
  const value = parseJson(body);
  if (value === undefined) throw unreadable(response);
  if (status < 400) return value;
  const kind: ErrorKind =
    status === 404 ? 'not_found' : status === 503 ? 'unavailable' : status >= 500 ? 'internal' : 'bad_data';
  throw new ApiError(kind, bareReason(value), status, requestId);
}

/** What failed: a plain string, or an object of the frameworks that serve the API elsewhere. */
function bareReason(value: unknown): string {
  if (typeof value === 'string') return value;
  const { message, error } = (value ?? {}) as { message?: unknown; error?: unknown };
  const reason = message ?? error;
  return typeof reason === 'string' ? reason : 'The server gave no reason.';
}

function parse(response: ApiResponse): Record<string, unknown> {
  const value = parseJson(response.body);
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw unreadable(response);
}

/** Undefined for text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Reports what came in the place of an answer. */
function unreadable({ status, body, requestId }: ApiResponse): ApiError {
  const text = body.trim().slice(0, 200) || 'an empty answer';
  return new ApiError(status >= 400 ? 'http' : 'malformed', `HTTP ${status}: ${text}`, status, requestId);
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
