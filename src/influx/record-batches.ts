/**
 * The one use of the client's private batch call. Its public `query()` makes one JavaScript object a row, which costs
 * most of the time of a read and rounds times to milliseconds; `_queryRawBatches` hands over Arrow's columns as they
 * came (client 2.1.0, packages/client/src/impl/QueryApiImpl.ts).
 */
import type { InfluxDBClient, QParamType } from '@influxdata/influxdb3-client';
import type { RecordBatch } from 'apache-arrow';
import type { QueryLanguage } from '../contract/pipeline.js';

/** What one query needs beside its text. */
export interface BatchQuery {
  readonly database: string;
  readonly language: QueryLanguage;
  readonly params: Readonly<Record<string, QParamType>>;
  /** Deadline of the whole call. */
  readonly timeoutMs: number;
  /** Cancels the call on the server; the client offers no way of its own. */
  readonly signal: AbortSignal;
}

export type QueryBatches = (text: string, query: BatchQuery) => AsyncIterable<RecordBatch>;

interface CallOptions {
  readonly abort?: AbortSignal;
}

interface PrivateQueryApi {
  readonly _flightClient: { doGet(ticket: unknown, options: CallOptions): unknown };
  _queryRawBatches(
    text: string,
    database: string,
    options: { type: QueryLanguage; params?: Readonly<Record<string, QParamType>>; timeout: number },
  ): AsyncIterable<RecordBatch>;
}

/** The columnar query of this client, or null where this version of it has no such call: then use its public one. */
export function columnarQueryOf(client: InfluxDBClient): QueryBatches | null {
  const api: unknown = Reflect.get(client, '_queryApi');
  if (!isPrivateQueryApi(api)) return null;
  return (text, { database, language, params, timeoutMs, signal }) => {
    // A view of the query API whose Flight calls carry this query's signal; the original stays as it is.
    const flight = api._flightClient;
    const view: PrivateQueryApi = Object.create(api, {
      _flightClient: {
        value: {
          doGet: (ticket: unknown, options: CallOptions) => flight.doGet(ticket, { ...options, abort: signal }),
        },
      },
    });
    const bound = Object.keys(params).length === 0 ? {} : { params };
    return view._queryRawBatches(text, database, { type: language, ...bound, timeout: timeoutMs });
  };
}

function isPrivateQueryApi(api: unknown): api is PrivateQueryApi {
  if (typeof api !== 'object' || api === null) return false;
  if (typeof Reflect.get(api, '_queryRawBatches') !== 'function') return false;
  const flight: unknown = Reflect.get(api, '_flightClient');
  return typeof flight === 'object' && flight !== null && typeof Reflect.get(flight, 'doGet') === 'function';
}
