import {
  SECRETS,
  type SecretName,
  type ServicePlacement,
  type StackModel,
  services,
  servicesOf,
} from '@mcp/stacks';
import { CliError, messageOf } from '../errors.ts';
import { compileCacheDir } from '../paths.ts';
import { duration } from '../ui.ts';
import { dependencySpec, type LocalDependency, localDependencies } from './dependency.ts';
import { reasonLines, rotate } from './log-file.ts';
import { ManagedProcess, type ProcessEvents, type ProcessSpec } from './managed-process.ts';
import { type Offer, offerModels } from './offer.ts';
import { localContext, serviceSpec } from './plan.ts';
import type { PlatformContext, PlatformOptions } from './platform-options.ts';
import { checkRoom, choosePorts, type Ports, prepareDataDir } from './prepare.ts';
import { Reservations } from './reserve.ts';
import { dropRunFile, type RunFile, takeRunFile, writeRunFile } from './run-file.ts';
import { ensureSecrets, type Secrets, secretValue } from './secrets.ts';
import { fetchProgram } from './weights.ts';

const READY_MS = 90_000;
const TRIES = 3;
const ROTATE_EVERY_MS = 5000;
/** Grace at stop, in order: the gateway, the other services, what they need. Together below 5 s. */
const GRACE_MS = { gateway: 1500, services: 2000, dependencies: 800 } as const;
const SHOWN_LOG_LINES = 8;

/** A dependency with its program. */
interface LocalProgram {
  readonly one: LocalDependency;
  readonly binary: string;
}

/** The platform as processes on this machine. Only `start` makes one; `stop` ends all of it. */
export class LocalPlatform {
  readonly options: PlatformOptions;
  readonly secrets: Secrets;
  readonly offer: Offer;
  readonly url: string;
  readonly #run: RunFile;
  readonly #context: PlatformContext;
  readonly #processes: ManagedProcess[] = [];
  #urls: Readonly<Record<string, string>> = {};
  #rotation: NodeJS.Timeout | undefined;
  readonly #reservations: Reservations;
  #stopping: Promise<void> | undefined;
  #warned = false;

  private constructor(
    parts: {
      options: PlatformOptions;
      secrets: Secrets;
      offer: Offer;
      run: RunFile;
      reservations: Reservations;
    },
    context: PlatformContext,
  ) {
    this.options = parts.options;
    this.secrets = parts.secrets;
    this.offer = parts.offer;
    this.url = parts.run.url;
    this.#run = parts.run;
    this.#reservations = parts.reservations;
    this.#context = context;
  }

  /** Prepares, fetches, starts and waits until everything is ready. On any failure nothing is left running. */
  static async start(options: PlatformOptions, context: PlatformContext): Promise<LocalPlatform> {
    const { paths } = options;
    prepareDataDir(paths);
    const run = await takeRunFile(paths.run_file, `http://${shownHost(options.host)}:${options.port}`);
    let platform: LocalPlatform | undefined;
    const reservations = new Reservations();
    try {
      const ports = await choosePorts(options.stack, { ...options, ui: context.ui, reservations });
      checkRoom(paths.dir, 'The data directory');
      const secrets = ensureSecrets(paths.secrets);
      const programs: LocalProgram[] = [];
      for (const one of localDependencies(options.stack))
        programs.push({ one, binary: await fetchProgram(one.local, context) });
      const offer = await offerModels(options, { ...context, ports });
      platform = new LocalPlatform({ options, secrets, offer, run, reservations }, context);
      await platform.#launch(ports, programs);
      return platform;
    } catch (error) {
      if (platform === undefined) {
        reservations.release();
        dropRunFile(paths.run_file);
      } else await platform.stop();
      throw error;
    }
  }

  /** Embedded models that the start does not wait for. */
  get large(): readonly StackModel[] {
    return this.offer.stack.models.filter((model) => model.backend === 'embedded' && model.background);
  }

  /** Where every service answers, with the process it runs in. */
  endpoints(): { name: string; url: string; pid: number }[] {
    const rank = (name: string) => (name in services ? Object.keys(services).indexOf(name) : 99);
    const rows = this.#run.processes.flatMap((one) => {
      const pid = one.mark?.pid ?? 0;
      const placement = this.options.stack.services.find((placed) => placed.service === one.name);
      const names = placement === undefined ? [one.name] : servicesOf(placement);
      return names.map((name) => ({ name, url: this.#urls[name] ?? one.url, pid }));
    });
    return rows.sort((a, b) => rank(a.name) - rank(b.name));
  }

  /** The first admin key, by which the terminal asks the gateway. */
  get admin_key(): string {
    return this.secrets.get('admin') ?? '';
  }

  /** Base URL of the gateway. */
  get gateway(): string {
    return this.#urls.gateway ?? '';
  }

  /** Stops the gateway first, so that nothing new comes in, and what the services need last, so that nothing is lost. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends everything at once. */
  kill(): void {
    for (const one of this.#processes) one.kill();
    this.#reservations.release();
    dropRunFile(this.options.paths.run_file);
  }

  async #launch(ports: Ports, programs: readonly LocalProgram[]): Promise<void> {
    const { paths, stack, host } = this.options;
    const events: ProcessEvents = { changed: () => this.#save(), say: (line) => this.#context.ui.warn(line) };
    const base = baseEnvironment(this.#context.env);
    const at = localContext({
      stack: this.offer.stack,
      host,
      ports,
      paths,
      secret: (name) => this.#secret(name),
      asset: (id) => this.#context.assets.expected(id),
      operator: { ...this.#context.env, ...this.offer.operator },
    });
    this.#urls = at.endpoints;
    const add = (spec: ProcessSpec) => {
      const one = new ManagedProcess(spec, events);
      this.#processes.push(one);
      one.start();
    };
    for (const { one, binary } of programs)
      add(
        dependencySpec(one, {
          binary,
          ports: ports.dependencies[one.name] ?? {},
          password: this.secrets.get(one.name),
          paths,
          env: base,
        }),
      );
    for (const placement of order(stack.services))
      add(serviceSpec(this.offer.stack, placement, { at, paths, root: this.#context.root, base }));
    await this.#untilReady();
    this.#run.state = 'ready';
    this.#save();
    const logs = [...this.#processes.map((one) => one.spec.log), `${paths.logs}/runner.log`];
    this.#rotation = setInterval(
      () => this.#guarded(() => void logs.map((log) => rotate(log))),
      ROTATE_EVERY_MS,
    );
    this.#rotation.unref();
  }

  async #untilReady(): Promise<void> {
    const step = this.#context.ui.step('services');
    const waiting = new Set(this.#processes.map((one) => one.spec.name));
    const total = waiting.size;
    const show = () =>
      step.update(`${total - waiting.size} of ${total} ready, waiting for ${[...waiting].join(', ')}`);
    show();
    const broken = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, broken.signal]);
    const started_ms = Date.now();
    const results = this.#processes.map(async (one) => {
      const failed = await one.untilReady({ limit_ms: READY_MS, tries: TRIES, signal });
      waiting.delete(one.spec.name);
      show();
      if (failed === undefined || broken.signal.aborted) return undefined;
      broken.abort();
      return { one, failed };
    });
    const failure = (await Promise.all(results)).find((result) => result !== undefined);
    if (failure === undefined) {
      step.done(`${total} of ${total} ready in ${duration(Date.now() - started_ms)}`);
      return;
    }
    if (this.#context.signal.aborted) throw this.#context.signal.reason;
    const { one, failed } = failure;
    step.fail(`${one.spec.name} is not ready: ${failed}`);
    const last = reasonLines(one.spec.log, SHOWN_LOG_LINES).map((line) => `  | ${line}`);
    throw new CliError(
      `${one.spec.name} did not become ready: ${failed}. Its log ends so (${one.spec.log}):\n${last.join('\n')}`,
    );
  }

  async #stop(): Promise<void> {
    clearInterval(this.#rotation);
    this.#run.state = 'stopping';
    this.#save();
    const named = (match: (name: string) => boolean) => this.#processes.filter((one) => match(one.spec.name));
    const end = (list: readonly ManagedProcess[], grace_ms: number) =>
      Promise.all(list.map((one) => one.stop(grace_ms)));
    await end(
      named((name) => name === 'gateway'),
      GRACE_MS.gateway,
    );
    await end(
      named((name) => name !== 'gateway' && name in services),
      GRACE_MS.services,
    );
    await end(
      named((name) => !(name in services)),
      GRACE_MS.dependencies,
    );
    this.#reservations.release();
    dropRunFile(this.options.paths.run_file);
  }

  #secret(name: SecretName): string | undefined {
    if (name === 'nats_password') return this.secrets.get('nats');
    return secretValue(SECRETS[name], { kept: this.secrets, env: this.#context.env });
  }

  #save(): void {
    this.#run.processes = this.#processes.map((one) => one.view());
    this.#guarded(() => writeRunFile(this.options.paths.run_file, this.#run));
  }

  /** A full disk must not end the runner: it is said once, and everything goes on. */
  #guarded(act: () => void): void {
    try {
      act();
      this.#warned = false;
    } catch (error) {
      if (!this.#warned)
        this.#context.ui.warn(`the data directory cannot be written to: ${messageOf(error)}`);
      this.#warned = true;
    }
  }
}

/** The host that a person types. */
function shownHost(host: string): string {
  return ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host) ? 'localhost' : host;
}

/** What a process gets beside its service's environment. */
function baseEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const passed = ['PATH', 'HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'SystemRoot', 'USERPROFILE'];
  const base = Object.fromEntries(
    passed.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as [string, string]])),
  );
  return { ...base, NODE_COMPILE_CACHE: compileCacheDir(env) };
}

/** The heaviest first, so that its loading overlaps with the rest. */
function order(placed: readonly ServicePlacement[]): ServicePlacement[] {
  const heavy = (one: ServicePlacement) => [one.service, ...one.in_process].includes('model-gateway');
  return [...placed].sort((a, b) => Number(heavy(b)) - Number(heavy(a)));
}
