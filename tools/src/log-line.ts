import { jsonOf } from '@mcp/contracts';
import { z } from 'zod';
import { paint } from './ui.ts';

const Line = z.looseObject({
  level: z.string(),
  time: z.string(),
  msg: z.string().optional(),
  service: z.string().optional(),
  err: z.looseObject({ message: z.string().optional(), stack: z.string().optional() }).optional(),
});
const COLORS: Readonly<Record<string, Parameters<typeof paint>[0]>> = {
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
  debug: 'dim',
  trace: 'dim',
};
/** Fields that the line shows anyway, or that say nothing to a reader. */
const HIDDEN = new Set(['level', 'time', 'msg', 'service', 'err', 'pid', 'hostname']);
const MAX_VALUE = 200;

/** One line of a service's JSON log as a person reads it; other lines as they are, with the service's name. */
export function formatLine(name: string, line: string): string {
  const parsed = parse(line);
  if (parsed === undefined) return `${paint('dim', name.padEnd(13))} ${line}`;
  const fields = Object.entries(parsed)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${clip(typeof value === 'string' ? value : JSON.stringify(value))}`);
  const stack = parsed.err?.stack ?? parsed.err?.message;
  const level = paint(COLORS[parsed.level] ?? 'green', parsed.level.padEnd(5));
  const head = `${paint('dim', parsed.time.slice(11, 23))} ${(parsed.service ?? name).padEnd(13)} ${level}`;
  const text = [head, parsed.msg ?? '', paint('dim', fields.join(' '))]
    .filter((part) => part !== '')
    .join(' ');
  return stack === undefined ? text : `${text}\n${stack.replaceAll(/^/gm, '    ')}`;
}

/** When a line was written, in epoch ms; 0 where it does not say. */
export function timeOf(line: string): number {
  const time = parse(line)?.time ?? natsTime(line);
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isFinite(at) ? at : 0;
}

/** `[123] 2026/11/23 13:00:00.123456 [INF] …`, local time. */
function natsTime(line: string): string | undefined {
  const match = /^\[\d+\] (\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d\.\d{3})/.exec(line);
  return match === null ? undefined : `${match[1]}-${match[2]}-${match[3]}T${match[4]}`;
}

function parse(line: string): z.infer<typeof Line> | undefined {
  return line.startsWith('{') ? Line.safeParse(jsonOf(line)).data : undefined;
}

function clip(text: string | undefined): string {
  const value = text ?? '';
  return value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value;
}
