import { readFileSync, writeFileSync } from 'node:fs';
import {
  type Curve,
  calibrationError,
  crossCalibrated,
  type Decided,
  isotonic,
  reliability,
  thresholdsFor,
} from '@mcp/safety/calibration';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, EXIT, messageOf } from '../errors.ts';
import { reliabilityPlot } from './risk-plot.ts';

/** Lines that are read, and decisions that there must be to say anything. */
const MAX_LINES = 2_000_000;
const LEAST_DECISIONS = 50;
/** Characters of a bar. */
const WIDTH = 40;

/** What the gateway logs of each request that it routes by risk; other lines are passed over. */
const Decision = z.object({ request_id: z.string(), risk: z.number().min(0).max(1), route: z.string() });
const Outcome = z.object({ request_id: z.string(), bad: z.boolean() });

interface Flags {
  readonly outcomes: string;
  readonly least: string;
  readonly json: boolean;
  readonly svg?: string;
}

const Share = z.coerce.number().min(0).max(1);
const Least = z
  .tuple([Share, Share, Share, Share])
  .refine((shares) => shares.every((share, at) => share >= (shares[at - 1] ?? 0)));

/** `mcp risk calibrate`: fits the risk of requests to what became of them, and says the thresholds that follow. */
export function riskCommand(): Command {
  return new Command('risk').description('the risk by which requests are routed').addCommand(
    new Command('calibrate')
      .description('fit risks to outcomes: a table of reliability, and thresholds for the stack')
      .argument('<log>', 'the log of the gateway, in which each decision is a line of JSON')
      .requiredOption('--outcomes <file>', 'a line of JSON for each request: {"request_id":"…","bad":true}')
      .option(
        '--least <shares>',
        'from which share of bad requests on a route is taken: baseline,critic,sandbox,refuse',
        '0.1,0.3,0.5,0.9',
      )
      .option('--json', 'the thresholds alone, as risk.thresholds of a stack', false)
      .option('--svg <file>', 'write the plot of reliability, before and after, to a file')
      .action((log: string, flags: Flags) => {
        const decided = joined(log, flags.outcomes);
        const after = crossCalibrated(decided);
        const curve = isotonic(decided);
        const thresholds = thresholdsBy(curve, flags.least);
        if (flags.svg !== undefined) write(flags.svg, reliabilityPlot(decided, after));
        const text = JSON.stringify({ default: thresholds });
        process.stdout.write(
          flags.json
            ? `${text}\n`
            : `${[...page(decided, after), '', `risk.thresholds: ${text}`].join('\n')}\n`,
        );
      }),
  );
}

function thresholdsBy(curve: Curve, least: string) {
  const shares = Least.safeParse(least.split(',')).data;
  if (shares === undefined)
    throw new CliError(
      `--least: must be four ascending shares from 0 to 1, such as 0.1,0.3,0.5,0.9 (got ${least}).`,
      EXIT.usage,
    );
  const [baseline, critic, sandbox, refuse] = shares;
  const { baseline: from, ...rest } = thresholdsFor(curve, { baseline, critic, sandbox, refuse });
  const round = (value: number) => Math.floor(value * 10_000) / 10_000;
  return {
    baseline: round(from),
    critic: round(rest.critic),
    sandbox: round(rest.sandbox),
    refuse: round(rest.refuse),
  };
}

/** Decisions whose outcome is known. */
function joined(log: string, outcomes: string): Decided[] {
  const bad = new Map(linesOf(outcomes, Outcome).map((one) => [one.request_id, one.bad]));
  const decided = linesOf(log, Decision).flatMap(({ request_id, risk }): Decided[] => {
    const outcome = bad.get(request_id);
    return outcome === undefined ? [] : [{ risk, bad: outcome }];
  });
  const count = decided.filter((one) => one.bad).length;
  if (decided.length < LEAST_DECISIONS || count === 0 || count === decided.length)
    throw new CliError(
      `${log} has ${decided.length} decisions with an outcome, ${count} of them bad: at least ${LEAST_DECISIONS} are needed, bad and good ones. Give more of the log, or more outcomes.`,
    );
  return decided;
}

/** The lines of a file that are of a shape. */
function linesOf<T>(path: string, shape: z.ZodType<T>): T[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(`${path} cannot be read (${messageOf(error)}).`);
  }
  const lines = text.split('\n');
  if (lines.length > MAX_LINES)
    throw new CliError(`${path} has ${lines.length} lines, more than ${MAX_LINES}. Give a part of it.`);
  return lines.flatMap((line) => {
    const parsed = shape.safeParse(jsonOf(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CliError(
      `--svg: ${path} cannot be written (${messageOf(error)}). Give a file in a directory that is there.`,
    );
  }
}

function page(decided: readonly Decided[], after: readonly Decided[]): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    `${decided.length} decisions, ${decided.filter(({ bad }) => bad).length} of them bad.`,
    '',
    'As it was foretold:',
    ...plot(decided),
    `expected calibration error ${percent(calibrationError(decided))}`,
    '',
    'Calibrated, each by a curve that has not seen it:',
    ...plot(after),
    `expected calibration error ${percent(calibrationError(after))}`,
  ];
}

/** A table of reliability; a bar is how many came, the mark is how many were foretold. */
function plot(decided: readonly Decided[]): string[] {
  return reliability(decided).map(({ from, to, count, foretold, came }) => {
    const range = `${from.toFixed(1)}–${to.toFixed(1)}`;
    if (count === 0) return `${range} ${'0'.padStart(8)}`;
    const bar = [...'█'.repeat(Math.round(came * WIDTH)).padEnd(WIDTH + 1)];
    bar[Math.round(foretold * WIDTH)] = '◆';
    const figures = `foretold ${foretold.toFixed(3)}  came ${came.toFixed(3)}`;
    return `${range} ${String(count).padStart(8)}  ${figures}  ${bar.join('').trimEnd()}`;
  });
}
