import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * A Slack that keeps what it was sent. Each worker process posts to a path of its own, so that a message is known to be
 * that worker's. `mode` is what it answers: 200, 429 (with Retry-After: 1) or 500.
 */
export async function startFakeSlack() {
  const posts = [];
  const slack = { mode: 200, posts, url: '', close: () => {} };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const status = slack.mode;
    posts.push({ event: eventOf(body), worker: request.url.slice(1), status, atMs: Date.now() });
    if (status === 429) response.setHeader('retry-after', '1');
    response.writeHead(status).end(status === 200 ? 'ok' : 'chaos');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  slack.url = `http://127.0.0.1:${server.address().port}`;
  slack.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return slack;
}

/** The event's key stands in the message's last block. */
function eventOf(body) {
  const last = JSON.parse(body).blocks.at(-1).elements?.[0].text ?? '';
  return /^Event `(.+)`$/.exec(last)?.[1] ?? 'a message without an event';
}
