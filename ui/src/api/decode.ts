import type { DecodeJob } from './decode.worker';
import { type Answer, openEnvelope } from './envelope';
import { ApiError, type ErrorKind } from './error';
import { decodeQuery, type QueryData } from './query';
import type { ApiResponse } from './transport';

/** Answers above this length are decoded beside the page, so that it keeps reacting. */
const WORKER_FROM_CHARS = 400_000;

type Reply =
  | { id: number; answer: Answer<QueryData> }
  | { id: number; error: { kind: ErrorKind; message: string; status: number; requestId: string | undefined } };

let worker: Worker | undefined;
let jobs = 0;
const open = new Map<number, (reply: Reply) => void>();

/** Decodes the answer to a query; throws what the server reports. */
export async function decodeQueryAnswer(response: ApiResponse): Promise<Answer<QueryData>> {
  if (response.body.length > WORKER_FROM_CHARS && typeof Worker !== 'undefined') return decodeBeside(response);
  const { data, ...notes } = openEnvelope(response);
  try {
    return { data: decodeQuery(data), ...notes };
  } catch (error) {
    throw new ApiError('malformed', String(error), response.status, response.requestId);
  }
}

async function decodeBeside(response: ApiResponse): Promise<Answer<QueryData>> {
  worker ??= startWorker();
  const id = ++jobs;
  const reply = await new Promise<Reply>((resolve) => {
    open.set(id, resolve);
    worker?.postMessage({ id, response } satisfies DecodeJob);
  });
  if ('answer' in reply) return reply.answer;
  const { kind, message, status, requestId } = reply.error;
  throw new ApiError(kind, message, status, requestId);
}

function startWorker(): Worker {
  const started = new Worker(new URL('./decode.worker.ts', import.meta.url), { type: 'module' });
  started.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
    open.get(data.id)?.(data);
    open.delete(data.id);
  });
  started.addEventListener('error', () => {
    // Nothing that was under way will be answered; the next answer gets a new worker.
    const error = {
      kind: 'malformed' as const,
      message: 'The answer is too large to read.',
      status: 200,
      requestId: undefined,
    };
    for (const [id, settle] of open) settle({ id, error });
    open.clear();
    worker = undefined;
  });
  return started;
}
