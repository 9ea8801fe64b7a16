import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Lines of its standard error that are shown when it does not start. */
const SHOWN = 20;

interface Server {
  readonly name: string;
  /** What it says when it is ready. */
  readonly says: string;
  readonly timeout_ms: number;
}

/** Waits until a server says on its standard error that it is ready. Rejects when it ends, or does not say it in time. */
export function untilReady(child: ChildProcess, { name, says, timeout_ms }: Server): Promise<void> {
  return new Promise((done, fail) => {
    const lines = child.stderr === null ? undefined : createInterface({ input: child.stderr });
    const last: string[] = [];
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(new Error(`${name} did not start within ${timeout_ms} ms: ${last.join('\n')}`));
    }, timeout_ms);
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`${name} ended with ${code}: ${last.join('\n')}`)));
    lines?.on('line', (line) => {
      last.push(line);
      if (last.length > SHOWN) last.shift();
      if (!line.includes(says)) return;
      clearTimeout(timer);
      done();
    });
  });
}
