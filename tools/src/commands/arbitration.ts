import { readFileSync, writeFileSync } from 'node:fs';
import { ArbitrationTerms, FeedbackPage, type JudgedDecision, jsonOf } from '@mcp/contracts';
import { type Estimate, type PolicyWorth, type Replayed, replay } from '@mcp/conversation';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, EXIT, messageOf } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';

/** Decisions that are read, the newest; and that there must be to say anything. */
const MAX_DECISIONS = 5000;
const LEAST_DECISIONS = 30;
const PAGE = 200;

/** What a replay is of, in a file as it comes from the platform. */
const Recorded = FeedbackPage.omit({ next_cursor: true });
type Recorded = z.infer<typeof Recorded>;

interface Flags extends GatewayFlags {
  readonly since?: string;
  readonly policy?: string;
  readonly terms?: string;
  readonly file?: string;
  readonly save?: string;
  readonly json: boolean;
}

/** `mcp arbitration replay`: what other weights would have been worth, by feedback on recorded decisions. */
export function arbitrationCommand(): Command {
  return new Command('arbitration').description('the arbitration between answers').addCommand(
    new Command('replay')
      .description('estimate what other weights would have been worth, from feedback on recorded decisions')
      .option('--since <time>', 'the oldest feedback that counts, as 2026-11-01 or 2026-11-01T08:00:00Z')
      .option('--policy <name>', 'one policy alone: declared, learned, or the name of weights')
      .option('--terms <json>', 'terms to try instead of those that hold, as MCP_ARBITRATION takes them')
      .option('--save <file>', 'keep what was read, to replay it without the platform')
      .option('--file <file>', 'replay what --save kept')
      .option('--json', 'the figures as JSON', false)
      .option(...GATEWAY_OPTIONS.data)
      .option(...GATEWAY_OPTIONS.url)
      .action(async (flags: Flags) => {
        const since = sinceOf(flags.since);
        const recorded = flags.file === undefined ? await fetched(flags, since) : fromFile(flags.file);
        if (flags.save !== undefined) save(flags.save, recorded);
        const terms = flags.terms === undefined ? recorded.terms : termsOf(flags.terms);
        const taught = recorded.feedback.filter(({ given_at }) => since === undefined || given_at >= since);
        const replayed = only(replay(taught, terms), flags.policy);
        process.stdout.write(
          flags.json ? `${JSON.stringify(replayed)}\n` : `${page(replayed, taught.length).join('\n')}\n`,
        );
      }),
  );
}

function sinceOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const parsed = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).safeParse(given);
  if (parsed.success) return new Date(given).toISOString();
  throw new CliError(
    `--since: must be a time such as 2026-11-01 or 2026-11-01T08:00:00Z (got ${given.slice(0, 80)}).`,
    EXIT.usage,
  );
}

function termsOf(given: string): ArbitrationTerms {
  const parsed = ArbitrationTerms.safeParse(jsonOf(given));
  if (parsed.success) return parsed.data;
  throw new CliError(`--terms: ${z.prettifyError(parsed.error)}`, EXIT.usage);
}

async function fetched(flags: GatewayFlags, since: string | undefined): Promise<Recorded> {
  const gateway = gatewayOf(flags);
  const feedback: JudgedDecision[] = [];
  let query = new URLSearchParams({ limit: String(PAGE), ...(since === undefined ? {} : { since }) });
  for (;;) {
    const found = await gateway.get(`/admin/feedback?${query}`, FeedbackPage);
    feedback.push(...found.feedback);
    if (found.next_cursor === null || feedback.length >= MAX_DECISIONS)
      return { terms: found.terms, feedback: feedback.slice(0, MAX_DECISIONS) };
    query = new URLSearchParams([...query].filter(([name]) => name !== 'cursor'));
    query.set('cursor', found.next_cursor);
  }
}

function fromFile(path: string): Recorded {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(`--file: ${path} cannot be read (${messageOf(error)}).`);
  }
  const parsed = Recorded.safeParse(jsonOf(text));
  if (parsed.success) return { ...parsed.data, feedback: parsed.data.feedback.slice(0, MAX_DECISIONS) };
  throw new CliError(
    `--file: ${path} is not what --save keeps. Make it with: npx mcp arbitration replay --save`,
  );
}

function save(path: string, recorded: Recorded): void {
  try {
    writeFileSync(path, JSON.stringify(recorded));
  } catch (error) {
    throw new CliError(
      `--save: ${path} cannot be written (${messageOf(error)}). Give a file in a directory that is there.`,
    );
  }
}

function only(replayed: Replayed, policy: string | undefined): Replayed {
  if (policy === undefined) return replayed;
  const policies = replayed.policies.filter((one) => one.policy === policy);
  if (policies.length > 0) return { ...replayed, policies };
  const names = replayed.policies.map((one) => one.policy).join(', ');
  throw new CliError(`--policy: must be one of ${names} (got ${policy.slice(0, 80)}).`, EXIT.usage);
}

function page({ decisions, compared, policies }: Replayed, all: number): string[] {
  if (decisions < LEAST_DECISIONS)
    throw new CliError(
      `Of ${all} decisions with feedback the learner has a say in ${decisions}: at least ${LEAST_DECISIONS} are needed. POST /v1/conversations/{id}/feedback gives more.`,
    );
  const head = ['policy', 'IPS', 'SNIPS', 'doubly robust', 'change', 'effective', 'unsupported'];
  const rows = policies.map((one) => [
    one.policy,
    shown(one.ips),
    shown(one.snips),
    shown(one.dr),
    shown(one.change),
    one.effective.toFixed(0),
    `${(one.unsupported * 100).toFixed(1)} %`,
  ]);
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const learned = policies.find(({ policy }) => policy === 'learned');
  return [
    `${all} decisions with feedback; the learner has a say in ${decisions}, in ${compared} of them the better answer is named.`,
    '',
    line(head),
    ...rows.map(line),
    ...(learned === undefined ? [] : ['', adviceOn(learned)]),
  ];
}

/** What follows from the figures. */
function adviceOn({ change, unsupported }: PolicyWorth): string {
  const doubt =
    unsupported > 0.1
      ? ' Much of it is what a model says, for these answers were never shown: name better answers, or let it explore.'
      : '';
  if (change.low > 0) return `The learned weights are better by ${shown(change)}.${doubt}`;
  if (change.high < 0)
    return `The learned weights are worse by ${shown(change)}: leave the learner off.${doubt}`;
  return `No difference can be shown (${shown(change)}): leave the learner off, or gather more feedback.${doubt}`;
}

function shown({ value, low, high }: Estimate): string {
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}
