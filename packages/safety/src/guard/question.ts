import { type ChatMessage, textOf } from '@mcp/contracts';
import type { Guard } from './guard.ts';
import { noteHarm } from './harm.ts';
import type { Findings } from './policy.ts';
import { noteInjection } from './quarantine.ts';

/** Reads the newest question by both classifiers, for attacks on models and for harm: it is only told what is found. */
export function classifyQuestion(guard: Guard, messages: readonly ChatMessage[], findings: Findings): void {
  noteInjection(guard, messages, findings);
  const asked = messages.findLast(({ role }) => role === 'user');
  if (asked === undefined) return;
  noteHarm(guard, { text: textOf(asked.content, { picture: () => '' }), tier: 'input' }, findings);
}
