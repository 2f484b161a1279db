import type { HttpError } from '@influxdata/influxdb3-client';
import { HalfspaceError } from '../contract/failures.js';
import type { InfluxAddress } from './errors.js';

const LONGEST_LINE_TEXT = 200;

/** Where and how to ask again. */
export interface RejectedWriteTarget extends InfluxAddress {
  readonly token: string | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The failure that names the line a write was refused for, or null when the server does not tell. The endpoint that the
 * client writes to answers 400 without a line number; `/api/v3/write_lp` with accept_partial=false also keeps nothing
 * of a bad batch, but says which line it was.
 */
export async function findRejectedLine(
  cause: HttpError,
  lines: readonly string[],
  { host, database, token, timeoutMs, signal }: RejectedWriteTarget,
): Promise<HalfspaceError | null> {
  const query = new URLSearchParams({ db: database, precision: 'nanosecond', accept_partial: 'false' });
  // Not AbortSignal.timeout: in AbortSignal.any nothing holds it, and a garbage collection takes its time-out away.
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  let answer: unknown;
  try {
    const response = await fetch(`${host}/api/v3/write_lp?${query}`, {
      method: 'POST',
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: lines.join('\n'),
      signal: signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]),
    });
    if (response.status !== 400) {
      await response.body?.cancel();
      return null;
    }
    answer = await response.json();
  } catch {
    // Only the better message is lost: the caller reports the refusal itself.
    return null;
  } finally {
    clearTimeout(timer);
  }
  const rejected = rejectedLine(answer);
  if (rejected === null) return null;
  const text = lines[rejected.number - 1] ?? '';
  return new HalfspaceError(
    'RejectedWrite',
    `InfluxDB at ${host} (database "${database}") rejected a batch of ${lines.length} rows and kept none of it. ` +
      `Line ${rejected.number}: ${rejected.reason}: ${text.slice(0, LONGEST_LINE_TEXT)}`,
    { cause },
  );
}

/** `data` is one object or a list of them, by server version. */
function rejectedLine(answer: unknown): { number: number; reason: string } | null {
  const data = property(answer, 'data');
  const first: unknown = Array.isArray(data) ? data[0] : data;
  const number = property(first, 'line_number');
  const reason = property(first, 'error_message');
  return typeof number === 'number' && typeof reason === 'string' ? { number, reason } : null;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
