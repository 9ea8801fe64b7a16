import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { checkLog, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { expect, it, onTestFinished, vi } from 'vitest';
import { forensicsCommand } from '../src/commands/forensics.ts';
import { dataPaths } from '../src/paths.ts';
import { takeRunFile } from '../src/runner/run-file.ts';
import { scratch } from './support.ts';

const FOUND = '0194f0c2-0000-7000-8000-000000000001';
const NAMED = '0194f0c2-0000-7000-8000-000000000002';
const REASON = 'Record 2 was changed after it was written.';

async function said(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    await forensicsCommand().parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return lines.join('');
}

/** A data directory with a log of some entries, one of which was changed behind its back, and two archived conversations. */
async function damaged(): Promise<{ data: string; log: string; verdict: () => Promise<unknown> }> {
  const data = scratch();
  const log = join(data, 'transparency-log');
  mkdirSync(log);
  const options = {
    disk: folderDisk(log),
    signer: signerOf(generateKeyPairSync('ed25519').privateKey, {
      name: 'example.com/x',
      algorithm: 'ed25519',
    }),
  };
  const open = await TransparencyLog.open(options);
  await Promise.all(Array.from({ length: 300 }, (_, at) => open.append(Buffer.from(`entry ${at}`))));
  await open.publish();
  await open.close();
  const tile = join(log, 'tile', '0', '000');
  const bytes = readFileSync(tile);
  bytes[5] = 255 - (bytes[5] ?? 0);
  writeFileSync(tile, bytes);
  writeFileSync(join(log, 'odd\nname\\here'), 'left by somebody');
  symlinkSync('/nowhere', join(log, 'link'));
  const { conversations } = dataPaths(data);
  mkdirSync(conversations, { recursive: true });
  for (const id of [FOUND, NAMED]) writeFileSync(join(conversations, `${id}.json`), `the file of ${id}`);
  return { data, log, verdict: () => checkLog({ disk: options.disk, log: options.signer }) };
}

/** Every file below a folder, with its bytes. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name).slice(folder.length + 1),
      readFileSync(join(parentPath, name), 'latin1'),
    ]),
  );
}

const sums = (folder: string) =>
  execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

/** A gateway whose last check found one conversation, and which no longer gives lineages. */
async function gatewayOn(data: string): Promise<void> {
  const answers: Record<string, unknown> = {
    '/admin/governance': {
      jobs: [
        {
          name: 'log-check',
          last: {
            job: 'log-check',
            id: NAMED,
            started_at: '2026-11-29T05:00:00.000Z',
            finished_at: '2026-11-29T05:00:01.000Z',
            ok: false,
            checked: 2,
            failures: [
              {
                id: FOUND,
                ok: false,
                status: 'broken',
                records: 3,
                broken_at: 2,
                reason: REASON,
                head: null,
              },
            ],
            error: null,
          },
        },
      ],
    },
    '/v1/log': { note: 'the newest checkpoint' },
    [`/v1/conversations/${FOUND}/log`]: { id: FOUND },
    [`/v1/conversations/${NAMED}/log`]: { id: NAMED },
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    response.statusCode = answer === undefined ? 503 : 200;
    response.end(JSON.stringify(answer ?? { detail: 'The log cannot be read just now.' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const { run_file, secrets } = dataPaths(data);
  await takeRunFile(run_file, `http://127.0.0.1:${port}`);
  mkdirSync(secrets);
  writeFileSync(join(secrets, 'admin.key'), 'mcp_an_admin_key_for_this_test_alone_0000\n', { mode: 0o600 });
}

it('copies a damaged log as it is, with sums that sha256sum checks, and changes nothing', async () => {
  const { data, log, verdict } = await damaged();
  const before = contents(log);
  const to = join(scratch(), 'deep', 'copy');
  const out = await said(to, '--conversation', NAMED, '--data', data);
  expect(out).toMatch(
    /^\d+ files, 1 conversations in .* SHA-256 of its SHA256SUMS: [0-9a-f]{64} 1 could not be copied: see not-copied\.json\. The platform does not run/,
  );
  expect(sums(to)).not.toMatch(/FAILED/);
  expect(contents(join(to, 'transparency-log'))).toEqual(before);
  expect(contents(log)).toEqual(before);
  expect(readFileSync(join(to, 'conversations', NAMED, 'archived.json'), 'utf8')).toBe(
    `the file of ${NAMED}`,
  );
  expect(readFileSync(join(to, 'not-copied.json'), 'utf8')).toContain('transparency-log/link');
  expect(statSync(to).mode & 0o077).toBe(0);
  const printed = /SHA256SUMS: ([0-9a-f]{64})/.exec(out)?.[1] ?? '';
  expect(execFileSync('sha256sum', ['SHA256SUMS'], { cwd: to, encoding: 'utf8' })).toContain(printed);
  expect(await verdict()).toMatchObject({ ok: false });
  // One byte of the copy is another afterwards.
  writeFileSync(join(to, 'transparency-log', 'checkpoint'), 'forged');
  expect(() => sums(to)).toThrow(/1 computed checksum did NOT match/);
});

it('holds what a running platform found, and the reason for what it does not give', async () => {
  const { data } = await damaged();
  await gatewayOn(data);
  const to = join(scratch(), 'copy');
  expect(await said(to, '--data', data)).toMatch(/^\d+ files, 1 conversations/);
  expect(sums(to)).not.toMatch(/FAILED/);
  const copied = contents(to);
  expect(copied['governance.json']).toContain(REASON);
  expect(copied['checkpoint.json']).toContain('the newest checkpoint');
  expect(copied[`conversations/${FOUND}/archived.json`]).toBe(`the file of ${FOUND}`);
  expect(copied[`conversations/${FOUND}/log.json`]).toContain(FOUND);
  expect(copied[`conversations/${FOUND}/lineage.json`]).toContain('The log cannot be read just now.');
  expect(Object.keys(copied)).not.toContain(`conversations/${NAMED}/archived.json`);
});

it('says why it copies nothing', async () => {
  const { data, log } = await damaged();
  const empty = scratch();
  const file = join(empty, 'file');
  writeFileSync(file, '');
  const refusals: [string[], RegExp][] = [
    [[empty, '--data', data], /is there already\. Name a folder that is not/],
    [[join(file, 'copy'), '--data', data], /cannot be made \(.*\)\. Name a folder where you may write/],
    [[join(log, 'copy'), '--data', data], /lies in the folder that is copied\. Name one outside/],
    [[join(empty, 'copy'), '--data', empty], /nothing to copy\. Name the data directory: --data/],
    [[join(empty, 'copy'), '--conversation', 'x', '--data', data], /x is no conversation id \(a UUID\)/],
  ];
  for (const [args, message] of refusals) await expect(said(...args)).rejects.toThrow(message);
  expect(existsSync(join(empty, 'copy'))).toBe(false);
  expect(dirname(file)).toBe(empty);
});
