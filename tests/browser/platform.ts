import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the platform under test listens. */
export const PLATFORM_URL =
  process.env.MCP_BROWSER_URL ?? `http://127.0.0.1:${process.env.MCP_BROWSER_PORT ?? '18765'}`;

/** `small` or `standard` to use real models; the tests of behaviour then leave out what needs a script. */
export const REAL_MODELS = process.env.MCP_BROWSER_MODELS;

// The main process names the directory, the workers inherit the name.
process.env.MCP_BROWSER_DATA ??= join(tmpdir(), `mcp-browser-${process.pid}`);
export const DATA_DIR = process.env.MCP_BROWSER_DATA;

const ALPHA = `A **queue** lets the caller go on while the work waits its turn. Three things matter:

1. It survives a crash of either side.
2. Order, *where it is needed*.
3. Back-pressure.

\`\`\`ts
await queue.publish('jobs', job);
\`\`\`

<img src="x" onerror="document.title = 'broken into'"> Because delivery is at least once, the work must be idempotent.`;

const BETA = `I agree: a queue lets the caller go on while the work waits its turn, and three things matter.

- It survives a crash of either side. **However**, the cost is missing: latency, and a thing to run.
- Order, where it is needed, and back-pressure.
- Because delivery is at least once, the work must be idempotent, so keep a key.

Therefore: a direct call where the caller must know the outcome, a queue where the work may wait.`;

/**
 * What the models of the tests say, and how fast. A question with `endless` makes the first one talk for long,
 * one with `stumble` fails once (the platform tries again), one with `collapse` until it must be resumed; with
 * `disagree` the two say so different things that the platform asks for one more turn.
 */
export const SCRIPTED_MODELS = [
  {
    id: 'scripted/alpha',
    rules: [
      { match: 'disagree', reply: 'Purple elephants dance quietly.' },
      { match: 'endless', reply: 'word '.repeat(1500).trim(), token_delay_ms: 20 },
      {
        match: 'collapse',
        reply: 'Back from the dead.',
        error: 'upstream_interrupted',
        fail_after_tokens: 2,
        // As often as one request tries: once, and as many times again as it has retries.
        fail_times: 4,
      },
      {
        match: 'stumble',
        reply: 'Back on my feet.',
        error: 'upstream_interrupted',
        fail_after_tokens: 2,
        fail_times: 1,
      },
      { reply: ALPHA, token_delay_ms: 8 },
    ],
  },
  {
    id: 'scripted/beta',
    rules: [
      { match: 'elephants', reply: 'Seven trains left Oslo at noon.' },
      { reply: BETA, reasoning: 'Agree first, then name the cost.', token_delay_ms: 8 },
    ],
  },
  { id: 'scripted/embed', kind: 'embedding' },
];

/** The admin key of the platform under test. */
export function adminKey(): string {
  const given = process.env.MCP_BROWSER_KEY;
  if (given !== undefined) return given;
  return execFileSync(process.execPath, ['tools/src/main.ts', 'key', '--data', DATA_DIR], {
    encoding: 'utf8',
  }).trim();
}
