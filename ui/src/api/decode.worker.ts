/// <reference lib="webworker" />
import { openEnvelope } from './envelope';
import { ApiError } from './error';
import { decodeQuery } from './query';
import type { ApiResponse } from './transport';

/** What the page sends: an answer, and a number by which it recognises the reply. */
export interface DecodeJob {
  id: number;
  response: ApiResponse;
}

self.addEventListener('message', ({ data: { id, response } }: MessageEvent<DecodeJob>) => {
  try {
    const { data, ...notes } = openEnvelope(response);
    const decoded = decodeQuery(data);
    const { result } = decoded;
    const columns = result.type === 'matrix' ? result.series.flatMap((s) => [s.times.buffer, s.values.buffer]) : [];
    self.postMessage({ id, answer: { data: decoded, ...notes } }, { transfer: columns as ArrayBuffer[] });
  } catch (error) {
    // A class does not survive the way back, so its parts are sent.
    const { kind, message, status, requestId } =
      error instanceof ApiError ? error : new ApiError('malformed', String(error), response.status, response.requestId);
    self.postMessage({ id, error: { kind, message, status, requestId } });
  }
});
