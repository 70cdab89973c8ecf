import { expect, test } from 'vitest';
import { openBare, openEnvelope } from './envelope';
import { ApiError } from './error';
import { type ApiResponse, Transport } from './transport';

type Reply = { status?: number; body?: string; headers?: Record<string, string> } | 'refused' | 'hangs';

/** A server that answers with `replies`, one after the other, and writes down what it was asked. */
function server(...replies: Reply[]) {
  const asked: string[] = [];
  const slept: number[] = [];
  const aborted: string[] = [];
  let release: (() => void) | undefined;
  const transport = new Transport({
    prefix: '/bw',
    random: () => 1,
    sleep: async (ms, signal) => {
      slept.push(ms);
      signal.throwIfAborted();
    },
    fetch: async (input, init) => {
      const url = `${init?.method} ${String(input)}`;
      asked.push(url);
      const reply = replies.shift() ?? { body: '{}' };
      if (reply === 'refused') throw new TypeError('Failed to fetch');
      if (reply === 'hangs') {
        await new Promise<void>((resolve, reject) => {
          release = resolve;
          init?.signal?.addEventListener('abort', () => {
            aborted.push(url);
            reject(init.signal?.reason);
          });
        });
        return new Response('late');
      }
      return new Response(reply.body ?? '', { status: reply.status ?? 200, headers: reply.headers ?? {} });
    },
  });
  const send = (path: string, signal?: AbortSignal) => transport.send({ path }, (r: ApiResponse) => r.body, signal);
  return { transport, send, asked, slept, aborted, release: () => release?.() };
}

test('equal requests are sent once while one is under way', async () => {
  const { send, asked, release } = server('hangs', { body: 'again' });
  const both = Promise.all([send('labels'), send('labels')]);
  await Promise.resolve();
  release();
  expect(await both).toEqual(['late', 'late']);
  expect(await send('labels')).toBe('again');
  expect(asked).toEqual(['GET /bw/api/v1/labels', 'GET /bw/api/v1/labels']);
});

test('a merged request is cancelled when the last one gives up', async () => {
  const { send, aborted } = server('hangs');
  const [first, second] = [new AbortController(), new AbortController()];
  const a = send('query', first.signal).catch((error: DOMException) => error.name);
  const b = send('query', second.signal).catch((error: DOMException) => error.name);
  first.abort();
  expect(await a).toBe('AbortError');
  expect(aborted).toEqual([]);
  second.abort();
  expect(await b).toBe('AbortError');
  await Promise.resolve();
  expect(aborted).toEqual(['GET /bw/api/v1/query']);
});

test('a busy server is asked again, later each time', async () => {
  const { send, slept } = server(
    { status: 503 },
    { status: 429, headers: { 'retry-after': '3' } },
    { status: 503 },
    { body: 'ok' },
  );
  expect(await send('query')).toBe('ok');
  expect(slept).toEqual([500, 3000, 2000]);
});

test('a server that stays busy is left alone after four attempts', async () => {
  const busy = { status: 503, body: 'busy' };
  const { send, asked } = server(busy, busy, busy, busy, { body: 'ok' });
  expect(await send('query')).toBe('busy');
  expect(asked).toHaveLength(4);
});

test.each(['timeout', 'canceled'])('a query that ended with %s is not sent again', async (kind) => {
  const { send, asked } = server({ status: 503, body: `{"status":"error","errorType":"${kind}"}` });
  await send('query');
  expect(asked).toHaveLength(1);
});

test('six requests run at once; those that wait can be cancelled without being sent', async () => {
  const { send, asked } = server(...Array<Reply>(6).fill('hangs'), { body: 'x' });
  for (let i = 0; i < 6; i++) void send(`q${i}`);
  const giveUp = new AbortController();
  const waiting = send('q6', giveUp.signal).catch((error: DOMException) => error.name);
  await Promise.resolve();
  giveUp.abort();
  expect(await waiting).toBe('AbortError');
  expect(asked).toHaveLength(6);
});

test('an unreachable server is told apart from one that answers', async () => {
  const { send, transport } = server('refused', { body: 'ok' });
  const seen: boolean[] = [];
  transport.onReachable((reachable) => seen.push(reachable));
  await expect(send('labels')).rejects.toMatchObject({ kind: 'network', status: 0 });
  await send('labels');
  expect(seen).toEqual([false, true]);
});

test.each<[number, string, Partial<ApiError>]>([
  [
    400,
    '{"status":"error","errorType":"bad_data","error":"1:5: parse error: x"}',
    { kind: 'bad_data', message: '1:5: parse error: x' },
  ],
  [500, '{"status":"error","errorType":"strange","error":"e"}', { kind: 'internal' }],
  [502, '<html>Bad gateway</html>', { kind: 'http', message: 'HTTP 502: <html>Bad gateway</html>' }],
  [200, 'not json', { kind: 'malformed' }],
  [200, '{"data":1}', { kind: 'malformed' }],
])('status %i with %s', (status, body, want) => {
  const open = () => openEnvelope({ status, body, requestId: 'r-1' });
  expect(open).toThrow(ApiError);
  expect(catching(open)).toMatchObject({ ...want, status, requestId: 'r-1' });
});

function catching(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

test('warnings and infos come with the data', () => {
  const body = '{"status":"success","data":[1],"warnings":["w"],"infos":["i"]}';
  expect(openEnvelope({ status: 200, body, requestId: undefined })).toEqual({
    data: [1],
    warnings: ['w'],
    infos: ['i'],
  });
});

test('what is posted as JSON goes to the version that is named, and two that differ are not merged', async () => {
  const { transport, asked } = server({ body: '{"silenceID":"1"}' }, { body: '{"silenceID":"2"}' }, {});
  const post = (comment: string) =>
    transport.send({ path: 'silences', version: 'v2', method: 'POST', json: { comment } }, openBare);
  expect(await Promise.all([post('a'), post('b')])).toEqual([{ silenceID: '1' }, { silenceID: '2' }]);
  await transport.send({ path: 'silence/1', version: 'v2', method: 'DELETE' }, openBare);
  expect(asked).toEqual(['POST /bw/api/v2/silences', 'POST /bw/api/v2/silences', 'DELETE /bw/api/v2/silence/1']);
});

test.each([
  [200, '[1]', [1]],
  [200, '', undefined],
])('an answer without an envelope: %i %j', (status, body, want) => {
  expect(openBare({ status, body, requestId: 'r' })).toEqual(want);
});

test.each([
  [400, '"bad matcher format: x"', 'bad_data', 'bad matcher format: x'],
  [404, '', 'not_found', 'It may be gone by now.'],
  [404, '"silence 1 not found"', 'not_found', 'silence 1 not found'],
  [422, '{"code":602,"message":"comment is required"}', 'bad_data', 'comment is required'],
  [502, '<html>', 'http', 'HTTP 502: <html>'],
])('a failure without an envelope: %i %j', (status, body, kind, message) => {
  const open = () => openBare({ status, body, requestId: 'r' });
  expect(open).toThrowError(expect.objectContaining({ kind, message, status, requestId: 'r' }));
});
