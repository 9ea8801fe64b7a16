import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';

/** A file that cannot be read as an owner's is being written for so long at most; after that it was left by a crash. */
const WRITING_MS = 2000;

/**
 * Takes a lock file, or gives undefined while somebody has it. Taken over is the lock of a dead process, one whose
 * owner has not touched it for `silent_ms`, and one that is empty, cut short or a folder: what a crash leaves.
 * Plain JavaScript, for the bootstrap runs it under any Node from 18 on.
 */
export function takeLock(path, { silent_ms }) {
  const text = `${JSON.stringify({ pid: process.pid, token: randomBytes(8).toString('hex') })}\n`;
  // A second try follows when an old one was taken away; whoever is faster has it then.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, text, { flag: 'wx' });
      return held(path, text);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const seen = look(path);
    if (seen === undefined) continue;
    if (!isLeft(seen, silent_ms)) return undefined;
    takeAway(path, seen);
  }
  return undefined;
}

function held(path, text) {
  return {
    touch() {
      const now = new Date();
      if (look(path)?.text === text) utimesSync(path, now, now);
    },
    release() {
      // Not another's, who took it over while this process stood still.
      if (look(path)?.text === text) rmSync(path, { force: true });
    },
  };
}

/** What is at the path; undefined: nothing any more. `text` is undefined where it is no file. */
function look(path) {
  try {
    const { ino, mtimeMs } = statSync(path);
    return { ino, mtime_ms: mtimeMs, text: textOf(path) };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'EISDIR') return undefined;
    throw error;
  }
}

function isLeft({ mtime_ms, text }, silent_ms) {
  const age_ms = Date.now() - mtime_ms;
  const pid = ownerOf(text);
  return pid === undefined ? age_ms > WRITING_MS : age_ms > silent_ms || !isAlive(pid);
}

/** The owner, of a text that is whole. */
function ownerOf(text) {
  if (text === undefined || !text.endsWith('\n')) return undefined;
  try {
    const { pid } = JSON.parse(text);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Renaming is what only one of several can do; whoever moved a newer lock by it puts that one back. */
function takeAway(path, seen) {
  const aside = `${path}.left-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  const moved = look(aside);
  if (moved !== undefined && (moved.ino !== seen.ino || moved.text !== seen.text)) {
    try {
      linkSync(aside, path);
    } catch {
      // Somebody made a lock meanwhile: theirs holds.
    }
  }
  rmSync(aside, { recursive: true, force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
