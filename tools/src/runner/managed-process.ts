import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { backOff } from '@mcp/service-kit';
import { messageOf } from '../errors.ts';
import { openLog } from './log-file.ts';
import { isRunning, markOf, type ProcessMark, signalGroup } from './processes.ts';
import type { RunProcess } from './run-file.ts';

const POLL_MS = 50;
const PAUSES = { first_ms: 500, most_ms: 30_000 };
/** After this long in health the next crash is treated as the first. */
const HEALTHY_MS = 60_000;
/** sysexits EX_CONFIG: the environment is wrong, and trying again cannot help. */
const CONFIG_ERROR = 78;

/** What to run, and how to see that it is ready. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly url: string;
  readonly log: string;
  /** How the child notices that the runner is gone: an IPC channel, or a pipe on stdin that ends. */
  readonly supervision: 'ipc' | 'stdin';
  /** Undefined when ready, else why not. */
  readonly probe: () => Promise<string | undefined>;
}

export interface ProcessEvents {
  /** The state has changed; the run file is written anew. */
  changed(): void;
  /** One line for the person watching. */
  say(line: string): void;
}

/** A child process that is started again when it ends by itself, later each time. */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  readonly #events: ProcessEvents;
  #child: ChildProcess | undefined;
  #mark: ProcessMark | null = null;
  #state: RunProcess['state'] = 'stopped';
  #since_ms = Date.now();
  #restarts = 0;
  #crashes = 0;
  #timer: NodeJS.Timeout | undefined;
  #wanted = false;

  constructor(spec: ProcessSpec, events: ProcessEvents) {
    this.spec = spec;
    this.#events = events;
  }

  /** As the run file has it. */
  view(): RunProcess {
    const { name, url, log } = this.spec;
    return {
      name,
      state: this.#state,
      mark: this.#mark,
      restarts: this.#restarts,
      since_unix_ms: this.#since_ms,
      url,
      log,
    };
  }

  start(): void {
    this.#wanted = true;
    this.#spawn();
  }

  /** Waits until it is ready: undefined, or why it is not. A process that keeps ending is given up after `tries`. */
  async untilReady(options: {
    limit_ms: number;
    tries: number;
    signal: AbortSignal;
  }): Promise<string | undefined> {
    const until_ms = Date.now() + options.limit_ms;
    let reason = 'it has not answered';
    while (!options.signal.aborted) {
      if (this.#state === 'stopped') return 'it refuses its configuration';
      if (this.#restarts >= options.tries) return `it ended ${this.#restarts} times`;
      if (Date.now() > until_ms) return reason;
      if (this.#state === 'starting') reason = (await this.#probe()) ?? reason;
      if (this.view().state === 'ready') return undefined;
      await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined);
    }
    return 'the start was broken off';
  }

  /** Asks it to end and waits; what is left after `grace_ms` is killed, with everything it started. */
  async stop(grace_ms: number): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#timer);
    const mark = this.#mark;
    if (mark !== null) {
      signalGroup(mark.pid, 'SIGTERM');
      const until_ms = Date.now() + grace_ms;
      while (isRunning(mark) && Date.now() < until_ms) await sleep(10);
      signalGroup(mark.pid, 'SIGKILL');
      for (let at = 0; at < 100 && isRunning(mark); at++) await sleep(10);
    }
    this.#become('stopped');
  }

  /** Kills it now. For the second Ctrl-C. */
  kill(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    if (this.#mark !== null) signalGroup(this.#mark.pid, 'SIGKILL');
  }

  #spawn(): void {
    const { spec } = this;
    const log = openLog(spec.log);
    const child = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.env },
      detached: process.platform !== 'win32',
      stdio: spec.supervision === 'ipc' ? ['ignore', log, log, 'ipc'] : ['pipe', log, log],
    });
    closeSync(log);
    this.#child = child;
    this.#mark = child.pid === undefined ? null : (markOf(child.pid) ?? { pid: child.pid, started: '' });
    this.#become('starting');
    child.stdin?.on('error', () => undefined);
    child.once('error', (error) => this.#ended(child, messageOf(error)));
    child.once('exit', (code, signal) => {
      if (code === CONFIG_ERROR) this.#wanted = false;
      this.#ended(child, signal === null ? `ended with code ${code}` : `was ended by ${signal}`);
    });
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#mark !== null) signalGroup(this.#mark.pid, 'SIGKILL');
    this.#mark = null;
    if (!this.#wanted) {
      this.#become('stopped');
      return;
    }
    if (this.#state === 'ready' && Date.now() - this.#since_ms > HEALTHY_MS) this.#crashes = 0;
    this.#crashes++;
    const wait_ms = backOff(this.#crashes, PAUSES);
    this.#become('waiting');
    this.#events.say(
      `${this.spec.name} ${how}; it is started again in ${wait_ms / 1000} s (log: ${this.spec.log})`,
    );
    this.#timer = setTimeout(() => {
      this.#restarts++;
      this.#spawn();
      void this.#watchReturn();
    }, wait_ms);
  }

  /** After a restart nobody waits for readiness, so it is watched here. */
  async #watchReturn(): Promise<void> {
    const child = this.#child;
    while (this.#child === child && this.#state === 'starting' && this.#wanted) {
      await this.#probe();
      await sleep(POLL_MS);
    }
    if (this.#child === child && this.#state === 'ready') this.#events.say(`${this.spec.name} is back`);
  }

  async #probe(): Promise<string | undefined> {
    const child = this.#child;
    const failing = await this.spec.probe().catch(messageOf);
    if (failing === undefined && this.#child === child && this.#state === 'starting') this.#become('ready');
    return failing;
  }

  #become(state: RunProcess['state']): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since_ms = Date.now();
    this.#events.changed();
  }
}
