/** The first page: its form, and the far end of the socket over which conversations are held. */
import { beforeEach, expect, vi } from 'vitest';
import { type Answers, openConsole, type Screen, settle, until } from './console.ts';
import { FarSocket } from './far-socket.ts';
import { fill, submit } from './screen.ts';

beforeEach(() => {
  FarSocket.opened = [];
});

/** Opens the first page and waits for its models. */
export async function open(answers: Answers = {}, hash = '#/converse'): Promise<Screen> {
  const screen = openConsole(hash, answers);
  vi.stubGlobal('WebSocket', FarSocket);
  await until(() => expect(screen.calledWith('GET /v1/models')).toHaveLength(1));
  await settle();
  return screen;
}

/** Asks a question; what is said on the far end gets its numbers here. */
export async function ask(question = 'Why?') {
  fill('Question', question);
  await settle();
  submit('.setup');
  await until(() => expect(FarSocket.opened).toHaveLength(1));
  const far = FarSocket.opened[0] as FarSocket;
  far.onopen?.();
  let seq = 0;
  return { far, say: (...events: object[]) => far.say(...events.map((event) => ({ ...event, seq: seq++ }))) };
}
