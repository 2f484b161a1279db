/** The InfluxDB stand-in in a process of its own. Usage: node stand-in.mjs FOLDER PORT (0 takes a free one) */
import { startStandIn } from '../../dist/local/standin/server.js';

const [folder, port] = process.argv.slice(2);
const standIn = await startStandIn({ port: Number(port), dataDir: folder, token: null });
process.on('SIGTERM', () => standIn.close().then(() => process.exit(0)));
process.on('disconnect', () => process.exit(1));
process.send({ port: standIn.port });
