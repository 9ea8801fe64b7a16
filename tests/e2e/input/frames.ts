import { once } from 'node:events';
import { ChatEvent } from '@mcp/contracts';
import { WebSocket } from 'ws';
import type { Surface } from './surface.ts';

/** A socket, what came over it, and how it closed. */
export interface Talk {
  readonly socket: WebSocket;
  readonly events: ChatEvent[];
  readonly closed: Promise<number>;
  next(): Promise<ChatEvent>;
}

export async function talk({ url, shipped }: Surface): Promise<Talk> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { 'x-api-key': shipped.key } });
  const events: ChatEvent[] = [];
  const waiting: ((event: ChatEvent) => void)[] = [];
  let read = 0;
  socket.on('message', (data) => {
    events.push(ChatEvent.parse(JSON.parse(String(data))));
    for (let event = events[read]; event !== undefined && waiting.length > 0; event = events[read]) {
      read++;
      waiting.shift()?.(event);
    }
  });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((done) => socket.on('close', (code) => done(code)));
  await once(socket, 'open');
  const next = () => {
    const event = events[read];
    if (event === undefined) return new Promise<ChatEvent>((done) => waiting.push(done));
    read++;
    return Promise.resolve(event);
  };
  return { socket, events, closed, next };
}

/** A frame that is answered by an error, after which the socket goes on. */
export type Frame = readonly [name: string, frame: string | Buffer, code: string, message: RegExp];

const start = (change: object) => JSON.stringify({ type: 'start', request: { message: 'hi', ...change } });
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

export const frames: readonly Frame[] = [
  ['bytes', Buffer.from([1, 2, 3]), 'invalid_request', /frame is binary/],
  ['nothing', '', 'invalid_json', /not valid JSON/],
  ['no JSON', '{"type":', 'invalid_json', /not valid JSON/],
  ['NaN', '{"type":NaN}', 'invalid_json', /not valid JSON/],
  ['a list', '[]', 'invalid_request', /must be an object/],
  ['null', 'null', 'invalid_request', /must be an object/],
  ['deep JSON', `${'['.repeat(100)}${']'.repeat(100)}`, 'invalid_json', /deeper than 64 levels/],
  ['no type', '{}', 'invalid_request', /type: must be/],
  ['an unknown type', '{"type":"dance"}', 'invalid_request', /type: must be 'start' or 'cancel'/],
  ['a type of every object', '{"type":"constructor"}', 'invalid_request', /type: must be/],
  ['an unknown field', '{"type":"cancel","why":1}', 'invalid_request', /request argument 'why'/],
  ['__proto__', '{"type":"cancel","__proto__":{}}', 'invalid_request', /request argument '__proto__'/],
  ['no request', '{"type":"start"}', 'invalid_request', /request: is required/],
  ['no message', '{"type":"start","request":{}}', 'invalid_request', /request\.message: is required/],
  ['a message of another type', start({ message: 7 }), 'invalid_request', /request\.message: must be a text/],
  ['an empty message', start({ message: '' }), 'invalid_request', /request\.message: /],
  ['a long message', start({ message: 'x'.repeat(200_001) }), 'invalid_request', /message: .*200000/],
  ['half of a character', start({ message: 'a\ud83d' }), 'invalid_json', /request\.message: has half of/],
  ['17 exchanges', start({ exchanges: 17 }), 'invalid_request', /request\.exchanges: .*16/],
  ['1e999', '{"type":"start","request":{"message":"a","seed":1e999}}', 'invalid_json', /seed: .*beyond what/],
  ['an unknown model', start({ modelA: 'nobody' }), 'model_not_found', /there is no chat model/],
  ['constructor as model', start({ modelB: 'constructor' }), 'model_not_found', /there is no chat model/],
  ['an unknown conversation', start({ conversation_id: UNKNOWN }), 'not_found', /no conversation/],
  ['a conversation that is no UUID', start({ conversation_id: 'x' }), 'invalid_request', /must be a UUID/],
];

/** A frame that breaks the protocol itself (RFC 6455): the socket is closed with this code. */
export const breaches: readonly [name: string, bytes: Buffer, code: number][] = [
  ['a text that is not UTF-8', Buffer.from('818200000000c328', 'hex'), 1007],
  ['half of a character in UTF-8', Buffer.from('818300000000eda080', 'hex'), 1007],
  ['an unmasked frame', Buffer.from('810161', 'hex'), 1002],
  ['a reserved opcode', Buffer.from('838000000000', 'hex'), 1002],
  ['a reserved bit', Buffer.from('f18000000000', 'hex'), 1002],
  ['a ping in pieces', Buffer.from('098000000000', 'hex'), 1002],
  ['a continuation of nothing', Buffer.from('808000000000', 'hex'), 1002],
  ['a frame beyond its bound', Buffer.from('81ff000000000020000000000000', 'hex'), 1009],
  ['a frame beyond all bounds', Buffer.from('81ffffffffffffffffff00000000', 'hex'), 1009],
];
