import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client may go on sending a body that its answer did not wait for. */
const GRACE_MS = 500;

const answered = new WeakSet<object>();

/**
 * Ends a connection whose request was answered before its body had come in full, if the rest does not follow: it
 * would be held open, or what comes next be taken for that rest.
 */
export function endUnread(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { headers, socket } = incoming;
  answered.delete(socket);
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  outgoing.once('finish', () => {
    if (incoming.complete) return;
    answered.add(socket);
    incoming.resume();
    setTimeout(() => {
      if (!incoming.complete) socket.destroy();
    }, GRACE_MS).unref();
  });
}

/** True where an answer has left already: another one on the same connection would belong to no request. */
export function isAnswered(socket: object): boolean {
  return answered.has(socket);
}
