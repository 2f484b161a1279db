// Writes halfspace.schema.json and the tables of docs/configuration.md from the settings' schema.
// Run after `npm run build`: node scripts/generate-config-docs.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationPage, schemaFile } from '../dist/config/reference.js';

const root = new URL('../', import.meta.url);
const page = fileURLToPath(new URL('docs/configuration.md', root));

writeFileSync(fileURLToPath(new URL('halfspace.schema.json', root)), schemaFile());
writeFileSync(page, configurationPage(readFileSync(page, 'utf8')));
