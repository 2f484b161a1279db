import type { Path } from './yaml-file.js';

export interface VariableProblem {
  readonly path: Path;
  readonly message: string;
}

export type Variables = Readonly<Record<string, string | undefined>>;

// `$${` stands for a literal `${`; a `${` that is none of the forms is reported rather than passed on.
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/**
 * A copy of `value` with `${NAME}` and `${NAME:-default}` in its texts replaced; `default` serves when NAME is unset or
 * empty. It works on parsed values, so a secret cannot add settings. Keys are left alone. Missing variables are put
 * on `problems`.
 */
export function resolveVariables(
  value: unknown,
  path: Path,
  variables: Variables,
  problems: VariableProblem[],
): unknown {
  if (typeof value === 'string') return resolveText(value, path, variables, problems);
  if (Array.isArray(value)) return value.map((item, i) => resolveVariables(item, [...path, i], variables, problems));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, resolveVariables(item, [...path, key], variables, problems)]),
    );
  }
  return value;
}

function resolveText(text: string, path: Path, variables: Variables, problems: VariableProblem[]): string {
  return text.replace(REFERENCE, (reference, name: string | undefined, fallback: string | undefined) => {
    if (reference === '$${') return '${';
    if (name === undefined) {
      problems.push({
        path,
        message: `expected \${NAME} or \${NAME:-default}; write $\${ for the two characters themselves`,
      });
      return '';
    }
    const found = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (fallback !== undefined) return found === undefined || found === '' ? fallback : found;
    if (found === undefined) {
      problems.push({ path, message: `the variable ${name} is not set; set it in the environment or in .env` });
      return '';
    }
    return found;
  });
}

/** The variables a text names, in order. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}
