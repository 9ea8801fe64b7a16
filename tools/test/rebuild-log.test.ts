import { generateKeyPairSync, hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { checkLog, encodeVerifier, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { expect, it, onTestFinished, vi } from 'vitest';
import { logsCommand } from '../src/commands/logs.ts';
import { scratch } from './support.ts';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
  name: 'mcp.example.com/eu-central',
  algorithm: 'ed25519',
});
const KEY = encodeVerifier(signer);
const LOG = hash('sha256', signer.name);

/** A gateway of another region, with the copy of a log of 600 entries. */
async function region() {
  const copy = scratch();
  const log = await TransparencyLog.open({ disk: folderDisk(copy), signer });
  await Promise.all(Array.from({ length: 600 }, (_, n) => log.append(Buffer.from(`entry ${n}`))));
  await log.close();
  const state = { cosigned: log.checkpoint };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const file = path.slice(`/v1/log/copies/${LOG}/`.length);
    if (request.headers.authorization !== 'Bearer a key') response.writeHead(401).end('{}');
    else if (path === `/v1/witness/${LOG}/checkpoint`) response.end(state.cosigned);
    else response.end(readFileSync(join(copy, file)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  vi.stubEnv('MCP_KEY', 'a key');
  onTestFinished(() => void vi.unstubAllEnvs());
  return { copy, log, state, url };
}

/** What `mcp logs rebuild` says. */
async function said(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    await logsCommand().parseAsync(['rebuild', ...args], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return lines.join('');
}

it('rebuilds a log from the copy of another region, and nothing over what is there', async () => {
  const { url } = await region();
  const to = join(scratch(), 'data', 'transparency-log');
  expect(await said(to, '--key', KEY, '--url', url)).toBe(
    `600 entries of mcp.example.com/eu-central in ${to}. Start the service on it.\n`,
  );
  expect(await checkLog({ disk: folderDisk(to), log: signer, closed: true })).toMatchObject({
    ok: true,
    size: 600,
  });
  await expect(said(to, '--key', KEY, '--url', url)).rejects.toThrow(/is not empty. Move what is there away/);
});

it('refuses a copy that was changed or lacks what was cosigned, and keys that are none of a log', async () => {
  const { copy, log, state, url } = await region();
  const rejected = (key = KEY) => said(join(scratch(), 'to'), '--key', key, '--url', url);
  await expect(rejected('nonsense')).rejects.toThrow(/--key: This is no verifier key/);
  const witness = signerOf(generateKeyPairSync('ed25519').privateKey, {
    name: 'w',
    algorithm: 'cosignature',
  });
  await expect(rejected(encodeVerifier(witness))).rejects.toThrow(/--key: give the keys of one log/);
  const stranger = signerOf(generateKeyPairSync('ed25519').privateKey, signer);
  await expect(rejected(encodeVerifier(stranger))).rejects.toThrow(/is not signed by mcp\.example\.com/);
  const longer = await TransparencyLog.open({ disk: folderDisk(copy), signer });
  await longer.append(Buffer.from('one more'));
  await longer.close();
  writeFileSync(join(copy, 'checkpoint'), log.checkpoint);
  state.cosigned = longer.checkpoint;
  await expect(rejected()).rejects.toThrow(/has 600 entries, and 601 were signed and seen by others/);
  state.cosigned = log.checkpoint;
  const bundle = join(copy, 'tile', 'entries', '000');
  writeFileSync(bundle, readFileSync(bundle).fill('x', 2, 4));
  const to = join(scratch(), 'to');
  mkdirSync(to);
  await expect(said(to, '--key', KEY, '--url', url)).rejects.toThrow(
    /not those that were signed. Nothing in/,
  );
  expect(readdirSync(to)).not.toContain('checkpoint');
});
