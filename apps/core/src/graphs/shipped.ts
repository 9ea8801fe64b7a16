/** The graphs of agents that are built in. */
import { AgentGraph } from '@mcp/contracts';
import { z } from 'zod';

/** Verdicts are short. */
const JUDGE_TOKENS = 200;

/** A judge that is less sure than this that a text passes is not content: one that fails it, or hardly passes it. */
const CONTENT = 0.6;

const answerer = { role: 'answerer', prompt: 'base_system' } as const;
const synthesizer = { role: 'synthesizer', prompt: 'synthesizer' } as const;
const critic = { role: 'critic', prompt: 'critic', max_tokens: JUDGE_TOKENS } as const;
/** An answer is better unverified than not given; the safety of one has to be known. */
const verifier = { role: 'verifier', prompt: 'verifier', max_tokens: JUDGE_TOKENS, optional: true } as const;
const guardian = { role: 'guardian', prompt: 'guardian', max_tokens: JUDGE_TOKENS } as const;

const definitions = [
  {
    name: 'debate',
    description: 'Two answer alone, each criticises the other, and one answer is made of it.',
    nodes: [
      { id: 'first', ...answerer },
      { id: 'second', ...answerer },
      { id: 'first-critic', ...critic, needs: ['first'] },
      { id: 'second-critic', ...critic, needs: ['second'] },
      { id: 'judge', ...synthesizer, needs: ['first', 'first-critic', 'second', 'second-critic'] },
    ],
    output: ['judge'],
  },
  {
    name: 'council',
    description: 'Three answer alone, a chair makes one answer of it, which is verified and put right.',
    nodes: [
      { id: 'plain', ...answerer },
      { id: 'practical', ...answerer, prompt: 'developer_mode' },
      { id: 'rigorous', ...answerer, prompt: 'nuclear_mode' },
      { id: 'chair', ...synthesizer, needs: ['plain', 'practical', 'rigorous'] },
      { id: 'verifier', ...verifier, needs: ['chair'] },
      {
        id: 'repair',
        ...synthesizer,
        needs: ['chair', 'verifier'],
        when: { node: 'verifier', confidence: '<', threshold: CONTENT },
      },
    ],
    output: ['repair', 'chair'],
  },
  {
    name: 'plan-verify',
    description: 'A plan is made and criticised, the answer verified and put right, and its safety checked.',
    nodes: [
      { id: 'strategist', role: 'strategist', prompt: 'strategist', max_tokens: 256 },
      { id: 'critic', ...critic, needs: ['strategist'], optional: true },
      { id: 'synthesizer', ...synthesizer, needs: ['strategist', 'critic'] },
      { id: 'verifier', ...verifier, needs: ['synthesizer'] },
      {
        id: 'repair',
        ...synthesizer,
        needs: ['synthesizer', 'verifier'],
        when: { node: 'verifier', confidence: '<', threshold: CONTENT },
      },
      { id: 'guardian', ...guardian, needs: ['synthesizer', 'repair'] },
      {
        id: 'safe-answer',
        role: 'synthesizer',
        prompt: 'safe_mode',
        needs: ['guardian'],
        when: { node: 'guardian', confidence: '<', threshold: CONTENT },
      },
    ],
    output: ['safe-answer', 'repair', 'synthesizer'],
  },
  {
    name: 'single-with-critic',
    description: 'One answers, a critic looks at it, and it is put right where the critic is not content.',
    nodes: [
      { id: 'answer', ...answerer },
      { id: 'critic', ...critic, needs: ['answer'], optional: true },
      {
        id: 'revision',
        ...synthesizer,
        needs: ['answer', 'critic'],
        when: { node: 'critic', confidence: '<', threshold: CONTENT },
      },
    ],
    output: ['revision', 'answer'],
  },
] satisfies z.input<typeof AgentGraph>[];

export const SHIPPED_GRAPHS: readonly AgentGraph[] = z.array(AgentGraph).parse(definitions);
