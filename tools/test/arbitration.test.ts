/** `mcp arbitration replay` over feedback that was kept, without a platform. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArbitrationTerms, type JudgedDecision } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import { arbitrationCommand } from '../src/commands/arbitration.ts';
import { scratch } from './support.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const ids = [0, 1].map((at) => `0194f0c2-0000-7000-8000-00000000000${at}`);

/** Declared weights choose the first answer, weights for coherence the second; in three of four the second is better. */
function recorded(count: number): { dir: string; file: string } {
  const terms = ArbitrationTerms.parse({});
  const candidate = (at: number, semantic: number, coherence: number) => {
    const own = { role: `model${'AB'[at]}`, model: `m${at}`, message_id: ids[at] ?? '' };
    return { ...own, semantic, coherence, safety: 0.95, composite: 0 };
  };
  const feedback = Array.from(
    { length: count },
    (_, at): JudgedDecision => ({
      conversation_id: ids[0] ?? '',
      seq: at,
      hash: 'h',
      given_at: `2026-11-${at % 2 === 0 ? '01' : '20'}T08:00:00.000Z`,
      score: null,
      better: ids[at % 4 === 0 ? 0 : 1] ?? '',
      evidence: {
        message_id: ids[0] ?? '',
        method: 'composite',
        divergence: 0.2,
        safety_delta: 0,
        weights: terms.weights,
        candidates: [candidate(0, 0.8, 0.5), candidate(1, 0.62, 0.7)],
        critique_turn: false,
        contradiction: 0,
      },
    }),
  );
  const dir = scratch();
  const file = join(dir, 'feedback.json');
  writeFileSync(file, JSON.stringify({ terms, feedback }));
  return { dir, file };
}

describe('mcp arbitration replay', () => {
  it('says what other weights would have been worth, and what follows', async () => {
    const { dir, file } = recorded(200);
    const kept = join(dir, 'kept.json');
    const args = [MAIN, 'arbitration', 'replay', '--file', file, '--save', kept];
    const { out, err } = await new Promise<{ out: string; err: string }>((resolve) => {
      execFile(process.execPath, args, (_error, out, err) => resolve({ out, err }));
    });
    expect(err).toBe('');
    expect(out).toMatch(/^200 decisions with feedback; the learner has a say in 200, in 200 of them/);
    expect(out).toMatch(/^declared +0\.250 \[/m);
    expect(out).toMatch(/^learned +0\.750 \[/m);
    expect(out).toMatch(/The learned weights are better by 0\.500 \[0\.3/);
    expect(readFileSync(kept, 'utf8')).toBe(readFileSync(file, 'utf8'));
  });

  it.each([
    ['a time that is none', ['--since', 'yesterday'], /--since: must be a time/],
    [
      'too little, after a time',
      ['--since', '2026-11-10'],
      /Of 20 decisions .* in 20: at least 30 are needed/,
    ],
    [
      'a policy that there is not',
      ['--policy', 'best'],
      /--policy: must be one of declared, semantic, .*learned/,
    ],
    [
      'terms that make no sense',
      ['--terms', '{"weights":{"semantic":2}}'],
      /--terms: .*\n.*weights\.semantic/,
    ],
  ])('refuses %s', async (_what, extra, message) => {
    const { file } = recorded(40);
    const run = arbitrationCommand().parseAsync(['replay', '--file', file, ...extra], { from: 'user' });
    await expect(run).rejects.toThrow(message);
  });
});
