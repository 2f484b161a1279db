import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { expect, it } from 'vitest';

/** Folders of the project that may run inside the sandbox. */
const ALLOWED = /\/src\/(workflows|contract)\//;

it('bundles nothing of the project but workflows and contract', async () => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const map = /sourceMappingURL=data:application\/json;charset=utf-8;base64,(\S+)/.exec(code)?.[1];
  const { sources } = JSON.parse(Buffer.from(map ?? '', 'base64').toString()) as { sources: string[] };
  const own = sources.filter((source) => source.includes('/src/') && !source.includes('node_modules'));
  expect(own.filter((source) => source.includes('/src/workflows/')).length).toBeGreaterThan(3);
  expect(own.filter((source) => !ALLOWED.test(source))).toEqual([]);
  const packages = new Set(sources.flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []));
  expect([...packages].filter((name) => !name.startsWith('@temporalio/')).sort()).toEqual(['long', 'ms', 'nexus-rpc']);
});
