/** A worker for the bare children, in a process of its own. Usage: node worker.mjs ADDRESS */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address: process.argv[2] });
const worker = await Worker.create({
  connection,
  taskQueue: 'bare',
  workflowsPath: fileURLToPath(new URL('./workflows.mjs', import.meta.url)),
  activities: { nothing: async () => {} },
});
process.send?.('ready');
await worker.run();
await connection.close();
