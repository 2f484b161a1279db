import { SEARCH_ATTRIBUTES } from './contract/search-attributes.js';

/** Of the client's connection or the worker's. */
export interface TemporalServices {
  readonly workflowService: {
    countWorkflowExecutions(request: { namespace: string; query: string }): Promise<unknown>;
  };
  readonly operatorService: {
    listSearchAttributes(request: {
      namespace: string;
    }): Promise<{ customAttributes?: Readonly<Record<string, number>> | null }>;
  };
}

/** Whether the namespace has every one of `SEARCH_ATTRIBUTES`, of the right type: all are used or none. */
export type SearchAttributesFound =
  | { readonly kind: 'usable' }
  | { readonly kind: 'lacking' }
  /** `wrong` says which, each in words. */
  | { readonly kind: 'mistyped'; readonly wrong: readonly string[] };

const INVALID_ARGUMENT = 3; // gRPC's status code

/** Temporal's `IndexedValueType` by number, https://github.com/temporalio/api/blob/master/temporal/api/enums/v1/common.proto */
const TYPES = ['Unspecified', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'];

/** A server takes a Keyword's value for these, too, and finds it. */
const ALSO_TAKES: Readonly<Record<string, readonly string[]>> = { Keyword: ['Text'] };

const EXPECTED = Object.entries(SEARCH_ATTRIBUTES);

/**
 * Asks with queries as people type them, and for the types: a value of another type would fail every task of a workflow that
 * carries it. Where listing them is not allowed (Temporal Cloud, a worker's narrow rights) queries that fewer types take must
 * do; they tell an Int from a Double in no way.
 * @throws what the call throws where the server does not answer.
 */
export async function findSearchAttributes(
  services: TemporalServices,
  namespace: string,
): Promise<SearchAttributesFound> {
  const isTaken = async (query: string): Promise<boolean> => {
    try {
      await services.workflowService.countWorkflowExecutions({ namespace, query });
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code === INVALID_ARGUMENT) return false;
      throw error;
    }
  };
  const isKnown = await isTaken(EXPECTED.map(([name]) => `${name} IS NULL`).join(' AND '));
  if (!isKnown) return { kind: 'lacking' };
  const types = await listTypes(services, namespace);
  const wrong: string[] = [];
  for (const [name, type] of EXPECTED) {
    const found = types?.get(name);
    if (found !== undefined && found !== type && !ALSO_TAKES[type]?.includes(found)) {
      wrong.push(`${name} is ${found}, not ${type}`);
    } else if (types === null && !(await isTaken(onlyFor(name, type)))) {
      wrong.push(`${name} is not ${type}`);
    }
  }
  return wrong.length === 0 ? { kind: 'usable' } : { kind: 'mistyped', wrong };
}

/** By name; null where they may not be listed. */
async function listTypes(
  { operatorService }: TemporalServices,
  namespace: string,
): Promise<ReadonlyMap<string, string> | null> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const entries = Object.entries(customAttributes ?? {});
    return new Map(entries.map(([name, type]) => [name, TYPES[type] ?? `type ${type}`]));
  } catch {
    return null;
  }
}

/** A prefix is looked for in a Keyword alone, and half of one in a number alone. */
function onlyFor(name: string, type: (typeof EXPECTED)[number][1]): string {
  return type === 'Int' ? `${name} = 0.5` : `${name} STARTS_WITH '-'`;
}

/** What people are told who could have them, in one line; null where they are used. */
export function unusedText(found: SearchAttributesFound, namespace: string): string | null {
  const names = EXPECTED.map(([name]) => name).join(', ');
  const unused = 'runs and machines are found by their ids only';
  switch (found.kind) {
    case 'usable':
      return null;
    case 'lacking':
      return `Temporal's namespace ${namespace} lacks the search attributes ${names}: ${unused} (docs/operations.md, "Watching it")`;
    case 'mistyped':
      return `Search attributes of Temporal's namespace ${namespace} have another type than halfspace's: ${found.wrong.join(', ')}. None of them is used, ${unused}: remove or rename those and make them anew (docs/operations.md, "Watching it")`;
  }
}
