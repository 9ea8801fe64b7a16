/** Detectors of others on the same texts, each in Python and without a network: what they flag of themselves, for they have no threshold to choose. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PEERS = {
  'forcefield 0.8.0': {
    requirement: 'forcefield==0.8.0',
    code: 'from forcefield import Guard\nguard = Guard(telemetry=False)\nflags = lambda text: bool(guard.scan(text).blocked)',
  },
  'ai-injection-guard 0.3.0': {
    requirement: 'ai-injection-guard==0.3.0',
    code: 'from prompt_shield import PromptScanner\nscanner = PromptScanner(threshold="MEDIUM")\ndef flags(text):\n  return scanner.scan(text).severity in ("MEDIUM", "HIGH", "CRITICAL")',
  },
  // A linear model of words, for comments on web pages: it says whether they offend.
  'alt-profanity-check 1.9.1': {
    requirement: 'alt-profanity-check==1.9.1',
    code: 'from profanity_check import predict\nflags = lambda text: bool(predict([text])[0])',
  },
} as const;

type Peer = keyof typeof PEERS;
/** Those that look for attacks on models. */
export const PEER_NAMES = ['forcefield 0.8.0', 'ai-injection-guard 0.3.0'] as const satisfies readonly Peer[];

/** What a peer flags of texts, and the median time that one takes it. */
export async function askPeer(
  peer: Peer,
  texts: readonly string[],
  dir: string,
): Promise<{ readonly flagged: readonly boolean[]; readonly p50_ms: number }> {
  const { requirement, code } = PEERS[peer];
  const site = join(dir, `site-${requirement}`);
  if (!existsSync(site))
    await promisify(execFile)('python3', ['-m', 'pip', 'install', '--quiet', '--target', site, requirement]);
  const program = `import json, sys, time\nsys.path.insert(0, sys.argv[1])\n${code}\nout = []\ntimes = []\nfor text in json.load(sys.stdin):\n  since = time.perf_counter()\n  out.append(flags(text))\n  times.append(time.perf_counter() - since)\ntimes.sort()\nprint(json.dumps({"flagged": out, "p50_ms": times[len(times) // 2] * 1000}))`;
  const child = spawn('python3', ['-c', program, site], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(texts));
  let output = '';
  for await (const piece of child.stdout) output += String(piece);
  return JSON.parse(output) as { flagged: boolean[]; p50_ms: number };
}
