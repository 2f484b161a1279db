import { parse } from 'dotenv';
import { UsageError } from '../usage-error.js';

/**
 * `.env` with these variables set; every other line stays as it is. A variable that is there already keeps its line when
 * its value is the same.
 * @throws UsageError when a value differs and `force` is not set, or cannot be written in a `.env`; values are not shown.
 */
export function envText(existing: string, variables: Readonly<Record<string, string>>, force: boolean): string {
  const current = parse(existing);
  let text = existing === '' || existing.endsWith('\n') ? existing : `${existing}\n`;
  for (const [name, value] of Object.entries(variables)) {
    if (current[name] === value) continue;
    const line = `${name}=${quoted(name, value)}`;
    if (current[name] === undefined) {
      text += `${line}\n`;
      continue;
    }
    // A name without a value is a blank to be filled in, as in .env.example.
    if (current[name] !== '' && !force) {
      throw new UsageError(`.env sets ${name} to something else already; change it there, or replace it with --force`);
    }
    text = text.replace(new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=.*$`, 'm'), () => line);
  }
  for (const [name, value] of Object.entries(variables)) {
    if (parse(text)[name] !== value) {
      throw new UsageError(`.env cannot take ${name}: it sets it more than once or over several lines; set it by hand`);
    }
  }
  return text;
}

function quoted(name: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw new UsageError(`${name} has a line break, which .env cannot hold`);
  if (/^[\w:/.@+=~-]*$/.test(value)) return value;
  // dotenv takes what stands between single quotes, or between backticks, as it is.
  if (!value.includes("'")) return `'${value}'`;
  if (!value.includes('`')) return `\`${value}\``;
  throw new UsageError(`${name} has both kinds of quotes, which .env cannot hold; set it in the environment`);
}
