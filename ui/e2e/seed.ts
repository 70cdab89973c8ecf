import { SERVER } from './browser';

/** A sample is a number, or a native histogram. */
export interface SeedSample {
  /** Milliseconds since 1970. */
  time: number;
  value: number | SeedHistogram;
}

/** Observations in buckets whose bounds are powers of 2^(2^-schema), from `offset` on. */
export interface SeedHistogram {
  schema: number;
  offset: number;
  counts: readonly number[];
  sum: number;
}

export interface SeedSeries {
  labels: Readonly<Record<string, string>>;
  samples: readonly SeedSample[];
  exemplars?: readonly { labels: Readonly<Record<string, string>>; value: number; time: number }[];
}

/** Stores series through remote write, as another server would push them. */
export async function seed(series: readonly SeedSeries[], server = SERVER): Promise<void> {
  const response = await fetch(`${server}/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body: new Uint8Array(snappy(message(series.map((one) => bytes(1, timeSeries(one)))))),
  });
  if (!response.ok) throw new Error(`seeding was refused: ${response.status} ${await response.text()}`);
}

/** Moves everything from memory into parts. The server has to have its admin API on. */
export async function compact(server: string): Promise<void> {
  const response = await fetch(`${server}/api/v1/admin/tsdb/compact`, { method: 'POST' });
  if (!response.ok) throw new Error(`compaction was refused: ${response.status} ${await response.text()}`);
}

// The wire format of protocol buffers: a key, then a number, eight bytes, or a length and bytes.
const message = (parts: readonly Buffer[]) => Buffer.concat(parts);
const key = (field: number, wire: number) => varint(BigInt((field << 3) | wire));
const bytes = (field: number, content: Buffer) =>
  Buffer.concat([key(field, 2), varint(BigInt(content.length)), content]);
const text = (field: number, content: string) => bytes(field, Buffer.from(content));
const integer = (field: number, value: number) => Buffer.concat([key(field, 0), varint(BigInt(value))]);
const signed = (field: number, value: number) => integer(field, value >= 0 ? value * 2 : -value * 2 - 1);

function double(field: number, value: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), content]);
}

function varint(value: bigint): Buffer {
  const content: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    content.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  content.push(Number(rest));
  return Buffer.from(content);
}

function labelPairs(labels: Readonly<Record<string, string>>): Buffer[] {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => bytes(1, message([text(1, name), text(2, value)])));
}

function timeSeries({ labels, samples, exemplars = [] }: SeedSeries): Buffer {
  return message([
    ...labelPairs(labels),
    ...samples.map(({ time, value }) =>
      typeof value === 'number'
        ? bytes(2, message([double(1, value), integer(2, time)]))
        : bytes(4, histogram(value, time)),
    ),
    ...exemplars.map(({ labels: own, value, time }) =>
      bytes(3, message([...labelPairs(own), double(2, value), integer(3, time)])),
    ),
  ]);
}

function histogram({ schema, offset, counts, sum }: SeedHistogram, time: number): Buffer {
  const count = counts.reduce((total, one) => total + one, 0);
  const span = message([signed(1, offset), integer(2, counts.length)]);
  // Buckets are written as differences from the one before.
  const deltas = counts.map((one, i) => one - (counts[i - 1] ?? 0));
  const packed = Buffer.concat(deltas.map((delta) => varint(BigInt(delta >= 0 ? delta * 2 : -delta * 2 - 1))));
  return message([
    integer(1, count),
    double(3, sum),
    signed(4, schema),
    double(5, 0.001),
    integer(6, 0),
    bytes(11, span),
    bytes(12, packed),
    integer(15, time),
  ]);
}

/** The block format of snappy, without compressing anything. */
function snappy(content: Buffer): Buffer {
  const parts = [varint(BigInt(content.length))];
  const most = 65_536;
  for (let at = 0; at < content.length; at += most) {
    const piece = content.subarray(at, at + most);
    const head = Buffer.alloc(3);
    head.writeUInt8(61 << 2, 0);
    head.writeUInt16LE(piece.length - 1, 1);
    parts.push(head, piece);
  }
  return Buffer.concat(parts);
}

const MINUTE = 60_000;

/** A native histogram of waiting times that grow and shrink, over the last `minutes`. */
export function waitingTimes(name: string, now: number, minutes: number): SeedSeries {
  const counts = new Array<number>(28).fill(0);
  let sum = 0;
  const samples: SeedSample[] = [];
  for (let time = now - minutes * MINUTE; time <= now; time += 15_000) {
    const middle = 12 + 7 * Math.sin(time / (11 * MINUTE));
    counts.forEach((_, i) => {
      const more = Math.round(60 * Math.exp(-(((i - middle) / 3) ** 2)));
      counts[i] = (counts[i] ?? 0) + more;
      sum += more * 0.01 * 2 ** (i / 2);
    });
    samples.push({ time, value: { schema: 1, offset: -14, counts: [...counts], sum } });
  }
  return { labels: { __name__: name, job: 'checkout' }, samples };
}

/** So many lines of so many points, as steps of five seconds up to now. */
export function manyLines(name: string, now: number, series: number, points: number): SeedSeries[] {
  const first = Math.floor(now / 5000) * 5000 - (points - 1) * 5000;
  return Array.from({ length: series }, (_, s) => ({
    labels: { __name__: name, id: String(s).padStart(4, '0') },
    samples: Array.from({ length: points }, (_, i) => ({
      time: first + i * 5000,
      value: (s / series) ** 60 * (100 + 25 * Math.sin(i / 90)) + 1,
    })),
  }));
}

/** Counters of several shops, a sample a minute over the `days` before a time. */
export function pastOrders(name: string, before: number, days: number): SeedSeries[] {
  const first = before - days * 24 * 60 * MINUTE;
  return Array.from({ length: 24 }, (_, shop) => {
    let total = 0;
    const samples: SeedSample[] = [];
    for (let time = first; time < before; time += MINUTE) {
      total += Math.round((2 + (shop % 5)) * (1 + Math.sin(time / (200 * MINUTE) + shop)));
      samples.push({ time, value: total });
    }
    return { labels: { __name__: name, job: 'checkout', shop: `shop-${shop}` }, samples };
  });
}

/** A classic histogram of answers with exemplars that carry the id of a trace. */
export function tracedAnswers(name: string, now: number, minutes: number): SeedSeries[] {
  const bounds = [0.1, 0.25, 0.5, 1, 2.5, Number.POSITIVE_INFINITY];
  const times: number[] = [];
  for (let time = now - minutes * MINUTE; time <= now; time += 15_000) times.push(time);
  const totals = bounds.map(() => 0);
  const counted = times.map((time) => {
    const middle = 1.6 + 1.2 * Math.sin(time / (9 * MINUTE));
    let below = 0;
    // Each bucket counts what the smaller ones count, too.
    bounds.forEach((_, b) => {
      below += Math.round(40 * Math.exp(-((b - middle) ** 2)));
      totals[b] = (totals[b] ?? 0) + below;
    });
    return [...totals];
  });
  return bounds.map((bound, b) => {
    const lower = bounds[b - 1] ?? 0;
    const samples = times.map((time, i) => ({ time, value: counted[i]?.[b] ?? 0 }));
    const value = Number.isFinite(bound) ? (lower + bound) / 2 : 3;
    const exemplars = times
      .filter((time, i) => (i + b * 3) % 11 === 0 && Math.abs(b - 1.6 - 1.2 * Math.sin(time / (9 * MINUTE))) < 1.3)
      .map((time, i) => ({
        labels: { trace_id: `4bf92f3577b34da6a3ce929d0e0e${(b * 1000 + i).toString(16).padStart(4, '0')}` },
        value: value * (0.9 + 0.2 * ((i * 7) % 10) * 0.1),
        time,
      }));
    return {
      labels: { __name__: `${name}_bucket`, job: 'checkout', le: Number.isFinite(bound) ? String(bound) : '+Inf' },
      samples,
      exemplars,
    };
  });
}
