import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PromptLibrary } from '../src/conversations/prompts.ts';

const BUILT_IN = [
  'base_system',
  'critic',
  'critic_mode',
  'developer_mode',
  'guardian',
  'nuclear_mode',
  'safe_mode',
  'strategist',
  'synthesizer',
  'verifier',
];

describe('PromptLibrary', () => {
  it("has the built-in prompts, and the user's own before them, without a restart", async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-prompts-'));
    try {
      const library = new PromptLibrary(dir);
      expect((await library.list()).map(({ name }) => name)).toEqual(BUILT_IN);
      expect(await library.get('critic_mode', 'promptB')).toMatchObject({
        source: 'built-in',
        text: expect.stringContaining('critic'),
      });
      writeFileSync(join(dir, 'critic_mode.md'), 'Mine.');
      writeFileSync(join(dir, 'Bad Name.md'), 'ignored');
      writeFileSync(join(dir, 'huge.md'), 'x'.repeat(70_000));
      expect(await library.get('critic_mode', 'promptB')).toMatchObject({ source: 'user', text: 'Mine.' });
      expect((await library.list()).map(({ name }) => name)).toEqual(BUILT_IN);
      await expect(library.get('huge', 'promptA')).rejects.toMatchObject({ code: 'invalid_request' });
      mkdirSync(join(dir, 'folder.md'));
      execFileSync('mkfifo', [join(dir, 'pipe.md')]);
      writeFileSync(join(dir, 'windows.md'), '---\r\ndescription: From Windows.\r\n---\r\nHello.\r\n');
      for (const name of ['folder', 'pipe'])
        await expect(library.get(name, 'promptA')).rejects.toMatchObject({ code: 'invalid_request' });
      expect(await library.get('windows', 'promptA')).toMatchObject({
        description: 'From Windows.',
        text: 'Hello.',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      await expect(library.get('nothing', 'promptA')).rejects.toThrow(
        /there is no prompt 'nothing'.*base_system/,
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
