/** What went wrong: the server's `errorType`, or our own word where no envelope came back. */
export type ErrorKind =
  | 'bad_data'
  | 'execution'
  | 'timeout'
  | 'canceled'
  | 'unavailable'
  | 'not_found'
  | 'not_acceptable'
  | 'internal'
  /** The server could not be reached. */
  | 'network'
  /** An answer that is not an envelope: a proxy's page, for example. */
  | 'http'
  /** An envelope that we cannot read. */
  | 'malformed';

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly kind: ErrorKind,
    message: string,
    /** HTTP status; 0 if there was no answer. */
    readonly status = 0,
    /** The server's id of the request, to be looked up in its log. */
    readonly requestId: string | undefined = undefined,
  ) {
    super(message);
  }
}

const TITLES: Record<ErrorKind, string> = {
  bad_data: 'The server does not understand the request',
  execution: 'The query failed',
  timeout: 'The query took too long and was stopped',
  canceled: 'The query was cancelled',
  unavailable: 'The server cannot answer right now',
  not_found: 'There is no such thing on the server',
  not_acceptable: 'The server cannot answer in this form',
  internal: 'The server failed',
  network: 'The server cannot be reached',
  http: 'Something between you and the server answered instead',
  malformed: 'The answer of the server cannot be read',
};

/** The failure in plain words; the server's own text stands below it. */
export function errorTitle(error: unknown): string {
  if (!(error instanceof ApiError)) return 'Something went wrong on this page';
  if (error.status === 429) return 'Too many requests at once';
  if (error.status === 401 || error.status === 403) return 'You are not allowed to see this';
  return TITLES[error.kind];
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the caller itself gave up. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
