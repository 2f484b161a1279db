import { status } from '@grpc/grpc-js';
import { decodeName } from './identifiers.js';

/** A query that ends with a gRPC status; `message` is what the client sees. */
export class QueryError extends Error {
  readonly code: status;

  constructor(code: status, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The refusal of SQL that cannot be planned, with InfluxDB 3's prefix. */
export function planningError(reason: string, cause?: unknown): QueryError {
  return new QueryError(status.INVALID_ARGUMENT, `Error while planning query: ${reason}`, cause);
}

/** DuckDB's error in InfluxDB 3's words and codes. */
export function queryErrorFrom(error: unknown): QueryError {
  if (error instanceof QueryError) return error;
  const text = error instanceof Error ? error.message : String(error);
  // DuckDB adds guesses and the line with a caret below it; both show stored names.
  const first = decodeName((text.split(/\n\s*\n|\nCandidate|\nDid you mean|\nLINE /)[0] ?? text).trim());
  const column = /Referenced column "(.+?)" (?:not found|was not found)/.exec(first)?.[1];
  if (column !== undefined) return planningError(`Schema error: No field named ${column}.`, error);
  const ofTable = /"(.+?)" does not have a column named "(.+?)"/.exec(first);
  if (ofTable !== null) return planningError(`Schema error: No field named ${ofTable[1]}.${ofTable[2]}.`, error);
  const table = /Table with name (.+?) does not exist/.exec(first)?.[1];
  if (table !== undefined) {
    return planningError(`Error during planning: table 'public.iox.${table}' not found`, error);
  }
  const called = /Function with name (.+?) does not exist/.exec(first)?.[1];
  if (called !== undefined) return planningError(`Error during planning: Invalid function '${called}'.`, error);
  const unbound = /Values were not provided for the following prepared statement parameters: (.+)/.exec(first)?.[1];
  if (unbound !== undefined) {
    return planningError(`Error during planning: No value found for placeholder with name $${unbound}`, error);
  }
  if (/^Parser Error/.test(first))
    return planningError(`SQL error: ParserError("${first.replace(/^Parser Error: /, '')}")`, error);
  if (/^INTERRUPT|Interrupted/i.test(first)) return new QueryError(status.CANCELLED, 'the query was cancelled', error);
  if (/^Out of Memory/i.test(first))
    return new QueryError(status.RESOURCE_EXHAUSTED, `Resources exhausted: ${first}`, error);
  if (/^(?:Binder|Catalog|Conversion|Invalid Input|Out of Range|Permission|Not implemented)/i.test(first)) {
    return planningError(`Error during planning: ${first}`, error);
  }
  return new QueryError(status.INTERNAL, `Error while executing query: ${first}`, error);
}
