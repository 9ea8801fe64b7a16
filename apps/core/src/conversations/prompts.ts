import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError, type PromptInfo, PromptName } from '@mcp/contracts';

const BUILT_IN_DIR = join(import.meta.dirname, '../../prompts');
const MAX_PROMPT_BYTES = 64 * 1024;
const MAX_PROMPTS = 500;

/** A system prompt as it was at the moment it was read. */
export interface Prompt extends PromptInfo {
  readonly text: string;
}

/**
 * System prompts (blueprint 9.2): Markdown files with optional front matter (`description:`). The user's directory
 * goes before the built-in one, and is read each time, so that a new or changed file needs no restart.
 */
export class PromptLibrary {
  readonly #user_dir: string | undefined;

  constructor(user_dir: string | undefined) {
    this.#user_dir = user_dir;
  }

  /** Throws `invalid_request` with the names there are when there is no such prompt. */
  async get(name: string, param: string): Promise<Prompt> {
    for (const [dir, source] of this.#places()) {
      const prompt = await readPrompt(dir, name, source);
      if (prompt !== undefined) return prompt;
    }
    const names = (await this.list()).map((prompt) => prompt.name).join(', ');
    throw new PlatformError(
      'invalid_request',
      `${param}: there is no prompt '${name.slice(0, 64)}'. Choose one of: ${names}, or add ${name.slice(0, 64)}.md to the prompts directory.`,
      { param },
    );
  }

  async list(): Promise<readonly PromptInfo[]> {
    const found = new Map<string, PromptInfo>();
    for (const [dir, source] of this.#places()) {
      const files = await readdir(dir).catch(() => []);
      for (const file of files.slice(0, MAX_PROMPTS)) {
        const name = file.replace(/\.md$/, '');
        if (!file.endsWith('.md') || found.has(name) || !PromptName.safeParse(name).success) continue;
        const prompt = await readPrompt(dir, name, source).catch(() => undefined);
        if (prompt !== undefined)
          found.set(name, { name, sha256: prompt.sha256, source, description: prompt.description });
      }
    }
    return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  #places(): readonly (readonly [string, Prompt['source']])[] {
    const builtIn = [BUILT_IN_DIR, 'built-in'] as const;
    return this.#user_dir === undefined ? [builtIn] : [[this.#user_dir, 'user'], builtIn];
  }
}

async function readPrompt(dir: string, name: string, source: Prompt['source']): Promise<Prompt | undefined> {
  // A pipe of that name must not hold the reader up.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const handle = await open(join(dir, `${name}.md`), flags).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    if (!(await handle.stat()).isFile()) return undefined;
    const raw = await readBounded(handle, name);
    const [, front = '', body = raw] = /^---\r?\n([\s\S]{0,4000}?)\r?\n---\r?\n([\s\S]*)$/.exec(raw) ?? [];
    const description = /^description:[ \t]*(.{0,300})$/m.exec(front)?.[1] ?? '';
    return {
      name,
      source,
      description: description.trim(),
      text: body.trim(),
      sha256: createHash('sha256').update(raw).digest('hex'),
    };
  } finally {
    await handle.close();
  }
}

async function readBounded(handle: FileHandle, name: string): Promise<string> {
  const buffer = Buffer.alloc(MAX_PROMPT_BYTES + 1);
  let size = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, size, buffer.length - size);
    size += bytesRead;
    if (size > MAX_PROMPT_BYTES)
      throw new PlatformError(
        'invalid_request',
        `The prompt ${name} is larger than ${MAX_PROMPT_BYTES} bytes, the most that is read. Shorten the file.`,
      );
    if (bytesRead === 0) return buffer.toString('utf8', 0, size);
  }
}
