/** What is given to the commands of trust and is not what they take: each says the rule, the value and the way out. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProofBundle } from '@mcp/contracts';
import { encodeEntry, encodeProof, sessionEntry } from '@mcp/provenance';
import { encodeNote, encodeVerifier, leafHash, signerOf } from '@mcp/provenance/tlog';
import type { Command } from 'commander';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { auditCommand } from '../src/commands/audit.ts';
import { keysCommand } from '../src/commands/keys.ts';
import { proofCommand } from '../src/commands/proof.ts';
import { verifyCommand } from '../src/commands/verify.ts';
import { CliError } from '../src/errors.ts';
import { LOG } from './signed-log.ts';

const ORIGIN = 'log.example/eu';
const keyOf = () =>
  signerOf(generateKeyPairSync('ed25519').privateKey, { name: ORIGIN, algorithm: 'ed25519' });
const signer = keyOf();
const key = encodeVerifier(signer);

interface Proven {
  readonly index: number | string;
  readonly hashes: readonly string[];
  /** Lines below the text of the checkpoint. */
  readonly signatures: readonly string[];
  readonly text: string;
}

const entry = encodeEntry(sessionEntry(LOG.id, LOG.messages));
const TEXT = `${ORIGIN}\n1\n${leafHash(Buffer.from(entry)).toString('base64')}\n`;

function lineBy({ name, key_id, private_key }: typeof signer, text = TEXT, cut = 64): string {
  const bytes = sign(null, Buffer.from(text), private_key).subarray(0, cut);
  return encodeNote({ text: '', signatures: [{ name, key_id, bytes }] }).trim();
}

const own = lineBy(signer);

/** A bundle whose only entry is the only one of its log, with its proof as it is said. */
function bundleWith(change: Partial<Proven> = {}): ProofBundle {
  const { index, hashes, signatures, text } = {
    index: 0,
    hashes: [],
    signatures: [own],
    text: TEXT,
    ...change,
  };
  const head = encodeProof({ index: 0, hashes: [], checkpoint: '' }).split('\n').slice(0, 1);
  const proof = [...head, `index ${index}`, ...hashes, '', `${text}\n${signatures.join('\n')}\n`].join('\n');
  return {
    type: 'mcp/proof-bundle@v1',
    log: LOG,
    entries: [{ entry, proof }],
    log_keys: [key],
    witness_keys: [],
  };
}

let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-bad-'));
  mkdirSync(at('folder'));
  execFileSync('mkfifo', [at('pipe')]);
  writeFileSync(at('empty'), '');
  writeFileSync(at('large'), '{"type":"mcp/proof-bundle@v1"}');
  truncateSync(at('large'), 100 * 1024 * 1024);
  writeFileSync(at('deep'), `{"type":"mcp/proof-bundle@v1","log":${'['.repeat(1_000_000)}`);
  writeFileSync(at('nul'), 'a\u0000b\u001b[2J');
  writeFileSync(at('latin'), Buffer.from('{"type":"caf\xe9"}', 'latin1'));
  writeFileSync(at('bundle'), JSON.stringify(bundleWith()));
  writeFileSync(at('log'), JSON.stringify(LOG));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  process.exitCode = undefined;
});

/** What a command says and how it ends; an error that is not for a person fails the test. */
async function run(command: () => Command, args: readonly string[]): Promise<{ code: number; said: string }> {
  let said = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  try {
    await command().parseAsync([...args], { from: 'user' });
    return { code: Number(process.exitCode ?? 0), said };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { code: error.exit_code, said: error.message };
  } finally {
    write.mockRestore();
    process.exitCode = undefined;
  }
}

const READERS: readonly [name: string, command: () => Command, args: (path: string) => string[]][] = [
  ['verify <log>', verifyCommand, (path) => [path, '--data', folder]],
  ['verify --bundle', verifyCommand, (path) => ['--bundle', path, '--data', folder]],
  ['verify --keys', verifyCommand, (path) => [at('log'), '--keys', path, '--data', folder]],
  ['audit verify', auditCommand, (path) => ['verify', path]],
  ['audit sbom', auditCommand, (path) => ['sbom', '--lock-file', path]],
];

const FILES: readonly [file: string, message: RegExp][] = [
  ['folder', /folder is a folder, and an? .* is a regular file\. Write it to one/],
  ['pipe', /pipe is a pipe, and an? .* is a regular file\. Write it to one/],
  [
    'missing',
    /missing cannot be read \(ENOENT.*\)\. Give the path of|There is no log .*missing\. Give a file/,
  ],
  ['large', /large has 104857600 bytes; an? .* has at most \d+\. Give the one that you mean/],
  ['deep', /nests deeper than 64 levels|not an audit bundle|not a lock file|no lock file/],
  ['latin', /is not UTF-8, as an? .* is\. Give the file as it was written/],
  ['nul', /not JSON|not an audit bundle|lock file/],
  ['empty', /not JSON|not an audit bundle|lock file/],
];

describe('a file that is none of ours', () => {
  for (const [name, command, args] of READERS)
    it.each(FILES)(`${name}: %s`, async (file, message) => {
      const { code, said } = await run(command, args(at(file)));
      expect(said).toMatch(message);
      // Nothing that came out of the file is a command to the terminal.
      expect(said.trim()).not.toMatch(/[^\P{Cc}\n\t]/u);
      expect(code).toBe(1);
    });

  it('is one verdict among others where all logs are checked', async () => {
    const data = at('data');
    const logs = join(data, 'logs', 'conversations');
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(logs, '1.json'), JSON.stringify(LOG));
    mkdirSync(join(logs, '2.json'));
    writeFileSync(join(logs, '3.json'), '{"id":"\\u001b]0;owned\\u0007"}');
    const { code, said } = await run(verifyCommand, ['--all', '--data', data]);
    expect(said).toMatch(
      /2\.json is a folder[\s\S]*\\u001b\]0;owned\\u0007[\s\S]*3 logs checked, 2 broken\./,
    );
    expect(code).toBe(1);
  });
});

const other = keyOf();
const NO_SUCH = 'A'.repeat(43);
const PROOFS: Readonly<Record<string, [change: Partial<Proven>, message: RegExp]>> = {
  'its index is no number': [
    { index: '-1' },
    /second line of a proof is the index of its entry: index <number>/,
  ],
  'its index is beyond any number': [{ index: '9'.repeat(16) }, /second line of a proof is the index/],
  'its index is beyond the log': [{ index: 7 }, /The entry is not number 7 of the 1 entries/],
  'a hash is cut': [{ hashes: ['AAAA'] }, /A line of a proof is 32 bytes in base64, not 'AAAA'/],
  'a hash too many': [{ hashes: [`${NO_SUCH}=`] }, /The entry is not number 0 of the 1 entries/],
  'hashes without end': [{ hashes: Array(64).fill(`${NO_SUCH}=`) }, /A proof has at most 63 hashes/],
  'a signature is cut': [
    { signatures: [lineBy(signer, TEXT, 63)] },
    /signature of log\.example\/eu does not fit/,
  ],
  'a signature is missing': [{ signatures: [''] }, /This is no signature line/],
  'a signature is no base64': [{ signatures: [`${own.slice(0, -4)}!!!!`] }, /This is no signature line/],
  'a signature is of another text': [
    { signatures: [lineBy(signer, 'x\n')] },
    /does not fit: the text was changed/,
  ],
  'a second signature of the key does not fit': [
    { signatures: [own, lineBy(signer, 'x\n')] },
    /does not fit/,
  ],
  'signatures without end': [{ signatures: Array(101).fill(own) }, /A note has at most 100 signatures/],
  'another key signed': [{ signatures: [lineBy(other)] }, /is not signed by a key that is known here/],
  'a checkpoint of other entries': [
    { text: TEXT.replace('\n1\n', '\n2\n'), signatures: [lineBy(signer, TEXT.replace('\n1\n', '\n2\n'))] },
    /The entry is not number 0 of the 2 entries/,
  ],
  'a size that is none': [
    { text: TEXT.replace('\n1\n', '\n01\n') },
    /begins with a line for its origin and one for/,
  ],
  'a root that is none': [
    { text: `${ORIGIN}\n1\nAAAA\n` },
    /third line of a checkpoint is its root: 32 bytes/,
  ],
  'a control character': [{ text: TEXT.replace('eu', 'e\u0000u') }, /A note has no control characters/],
};

describe('mcp verify --bundle names what does not hold where', () => {
  const verify = (bundle: unknown, ...more: string[]) => {
    writeFileSync(at('given'), JSON.stringify(bundle));
    return run(verifyCommand, ['--bundle', at('given'), '--data', folder, ...more]);
  };

  it.each(Object.entries(PROOFS))('%s', async (_name, [change, message]) => {
    for (const more of [['--key', key], []]) {
      const { code, said } = await verify(bundleWith(change), ...more);
      expect(said).toMatch(message);
      expect(code).toBe(1);
    }
  });

  it('and a signature that is there twice says nothing more and nothing less', async () => {
    const { code, said } = await verify(bundleWith({ signatures: [own, own, lineBy(other)] }), '--key', key);
    expect(said).toContain(`in the transparency log ${ORIGIN}: entry 0 of 1`);
    expect(code).toBe(0);
  });

  it.each([
    ['nonsense', /--key: This is no verifier key: it reads <name>\+<key id in hex>\+<key in base64>/],
    [
      key.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      /--key: The verifier key of \S+ does not fit its key id 00000000/,
    ],
    [key.slice(0, -8), /--key: .*kind that is not known: Ed25519 is/],
  ])('and a key that is none: %s', async (given, message) => {
    const { code, said } = await verify(bundleWith(), '--key', given);
    expect(said).toMatch(message);
    expect(code).toBe(2);
  });
});

describe('arguments', () => {
  it.each<[() => Command, string[], RegExp]>([
    [verifyCommand, ['x', '--all'], /Name one log .*, or give --all, --since or --bundle/],
    [verifyCommand, ['x', '--key', key], /--key is a key of the transparency log: give it with --bundle/],
    [verifyCommand, ['--since', '2026-13-40'], /2026-13-40 is no day or time: write 2026-11-29/],
    [proofCommand, ['../../etc/passwd'], /\.\.\/\.\.\/etc\/passwd is no conversation id \(a UUID\)/],
    [auditCommand, ['get', 'x'], /x is no id of a bundle \(a UUID\)/],
    [keysCommand, ['rotate', '--url', 'nowhere'], /nowhere is not a URL/],
    [
      keysCommand,
      ['revoke', 'f'.repeat(64), '--reason', 'y', '--since', 'yesterday'],
      /yesterday is no day or time/,
    ],
    [
      keysCommand,
      ['revoke', 'x', '--reason', 'y'],
      /x is no key id: 64 hex digits, or the first of them, as mcp keys list shows them/,
    ],
  ])('%o %j', async (command, args, message) => {
    const { code, said } = await run(command, args);
    expect(said).toMatch(message);
    expect(code).toBe(2);
  });
});
