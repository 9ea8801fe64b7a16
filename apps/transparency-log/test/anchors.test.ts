import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { failure } from '@mcp/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asAdmin, call, scratch, start, texts } from './support.ts';

const SOON = { timeout: 60_000, interval: 50 };
const READ_ONLY = /transparency_log_read_only\{service="transparency-log"\} 1\n/;

/** A log that is anchored in a folder each second. */
async function anchored(dir: string, folder: string) {
  const settings = { MCP_LOG_ANCHORS: JSON.stringify([{ kind: 'file', folder, every_s: 1 }]) };
  const started = await start(dir, undefined, settings);
  const newest = async () => (await started.api.anchors(call())).anchors[0];
  const count = async (metric: string, labels: string) => {
    const line = new RegExp(`^${metric}\\{(?=[^}]*anchor="file")(?=[^}]*${labels})[^}]*\\} (\\S+)$`, 'm');
    return Number(line.exec(await started.kit.metrics.text())?.[1] ?? 0);
  };
  return { ...started, newest, count };
}

/** The checkpoints in a folder, by their sizes. */
function sizesIn(folder: string): number[] {
  const [own = ''] = readdirSync(folder);
  return readdirSync(join(folder, own)).map((name) => Number.parseInt(name, 10));
}

describe('a log that is anchored', () => {
  it('keeps a checkpoint there as soon as it has one, the next when it is due, and goes on while it cannot', async () => {
    const folder = scratch();
    const { api, newest, count } = await anchored(scratch(), folder);
    expect(await newest()).toMatchObject({ kind: 'file', size: null, note: null, overdue_s: 0 });
    await api.append({ entries: texts(0, 3) }, call());
    await expect.poll(async () => (await newest())?.size, SOON).toBe(3);
    expect(sizesIn(folder)).toEqual([3]);
    const away = `${folder}-away`;
    renameSync(folder, away);
    await api.append({ entries: texts(3, 9) }, call());
    await expect
      .poll(() => count('transparency_log_anchor_requests_total', 'status="failed"'), SOON)
      .toBeGreaterThan(0);
    await expect.poll(() => count('transparency_log_not_anchored_seconds', ''), SOON).toBeGreaterThan(0);
    expect((await api.append({ entries: texts(9, 10) }, call())).indexes).toEqual([9]);
    renameSync(away, folder);
    await expect.poll(async () => (await newest())?.size, SOON).toBe(10);
    await expect.poll(() => count('transparency_log_not_anchored_seconds', ''), SOON).toBe(0);
    expect(await newest()).toMatchObject({
      note: readFileSync(join(folder, readdirSync(folder)[0] ?? '', '0000000000000010.txt'), 'utf8'),
    });
  });

  it.each([
    ['was rolled back as a whole', 0, 5, 'It was rolled back'],
    ['was written anew, and is longer', 100, 130, 'there are two logs of one name'],
  ])('is found after a restart where it %s, and what contradicts it is kept', async (_, from, to, reason) => {
    const [dir, folder] = [scratch(), scratch()];
    const first = await anchored(dir, folder);
    await first.api.append({ entries: texts(0, 20) }, call());
    await expect.poll(async () => (await first.newest())?.size, SOON).toBe(20);
    await first.stop();
    rmSync(join(dir, 'transparency-log'), { recursive: true });
    const forged = await start(dir);
    await forged.api.append({ entries: texts(from, to) }, call());
    await forged.stop();
    const { api, kit, stop } = await anchored(dir, folder);
    await expect.poll(() => kit.metrics.text(), SOON).toMatch(READ_ONLY);
    expect(await failure(api.append({ entries: texts(0, 1) }, call()))).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(reason),
    });
    await stop();
    const evidence = join(dir, 'transparency-log', 'anchors', 'evidence');
    expect(readFileSync(join(evidence, 'file-20'), 'utf8')).toContain('example.com/test\n20\n');
    expect(sizesIn(folder)).toEqual([20]);
  });

  it('is found by an older checkpoint where the newest was anchored by who wrote it anew', async () => {
    const [dir, folder, apart] = [scratch(), scratch(), scratch()];
    const first = await anchored(dir, folder);
    await first.api.append({ entries: texts(0, 20) }, call());
    await expect.poll(async () => (await first.newest())?.size, SOON).toBe(20);
    await first.stop();
    rmSync(join(dir, 'transparency-log'), { recursive: true });
    const forged = await anchored(dir, apart);
    await forged.api.append({ entries: texts(100, 130) }, call());
    await expect.poll(async () => (await forged.newest())?.size, SOON).toBe(30);
    await forged.stop();
    cpSync(apart, folder, { recursive: true });
    const { kit } = await anchored(dir, folder);
    await expect.poll(() => kit.metrics.text(), SOON).toMatch(READ_ONLY);
  });

  it('is compared with what was anchored before its key was rotated', async () => {
    const [dir, folder] = [scratch(), scratch()];
    const first = await anchored(dir, folder);
    await first.api.append({ entries: texts(0, 20) }, call());
    await expect.poll(async () => (await first.newest())?.size, SOON).toBe(20);
    await first.api.changeKeys({ change: 'rotate', dry_run: false }, asAdmin());
    await first.stop();
    const { newest, count } = await anchored(dir, folder);
    await expect
      .poll(() => count('transparency_log_anchor_checks_total', 'status="ok"'), SOON)
      .toBeGreaterThan(0);
    expect(await newest()).toMatchObject({ size: 20 });
    expect(await count('transparency_log_anchor_checks_total', 'status="foreign"')).toBe(0);
  });

  it('is not stopped by what others put there, and says so', async () => {
    const [dir, folder] = [scratch(), scratch()];
    const first = await anchored(dir, folder);
    await first.api.append({ entries: texts(0, 3) }, call());
    await expect.poll(async () => (await first.newest())?.size, SOON).toBe(3);
    const own = join(folder, readdirSync(folder)[0] ?? '');
    writeFileSync(join(own, '0000000000000900.txt'), 'nonsense');
    writeFileSync(
      join(own, '0000000000000901.txt'),
      readFileSync(join(own, '0000000000000003.txt'), 'utf8').replace('\n3\n', '\n901\n'),
    );
    mkdirSync(join(own, '9007199254740991.txt'));
    await expect
      .poll(() => first.count('transparency_log_anchor_checks_total', 'status="foreign"'), SOON)
      .toBeGreaterThan(0);
    expect((await first.api.append({ entries: texts(3, 4) }, call())).indexes).toEqual([3]);
    await expect.poll(async () => (await first.newest())?.size, SOON).toBe(4);
    chmodSync(join(own, '0000000000000003.txt'), 0o600);
    for (const name of readdirSync(own)) rmSync(join(own, name), { recursive: true });
    await expect
      .poll(() => first.count('transparency_log_anchor_checks_total', 'status="missing"'), SOON)
      .toBeGreaterThan(0);
    await expect.poll(() => sizesIn(folder), SOON).toEqual([4]);
  });

  it('goes on, counts the time and stops, where its anchor never answers', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const url = `s3://logs/x?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`;
    const { api, stop } = await start(scratch(), undefined, {
      MCP_LOG_ANCHORS: JSON.stringify([{ kind: 's3', url }]),
      MCP_LOG_ANCHOR_S3_KEY: 'id:secret',
    });
    await api.append({ entries: texts(0, 3) }, call());
    await expect.poll(async () => (await api.anchors(call())).anchors[0]?.overdue_s, SOON).toBeGreaterThan(0);
    expect((await api.append({ entries: texts(3, 4) }, call())).indexes).toEqual([3]);
    await stop();
  });
});
