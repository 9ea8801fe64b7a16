/** `mcp risk calibrate` as an operator runs it: a process of its own, over the gateway's log. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { riskCommand } from '../src/commands/risk.ts';
import { scratch } from './support.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

const Thresholds = z.strictObject({
  default: z.strictObject({
    baseline: z.number(),
    critic: z.number(),
    sandbox: z.number(),
    refuse: z.number(),
  }),
});

function calibrate(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'risk', 'calibrate', ...args], (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

/** Per tenth of R, twenty requests: of the n-th tenth 2 n + 1 are bad, so that R foretells half a tenth too much or nothing. */
function files(): { dir: string; log: string; outcomes: string } {
  const dir = scratch();
  const requests = Array.from({ length: 200 }, (_, at) => {
    const tenth = Math.floor(at / 20);
    return { request_id: `r${at}`, risk: (tenth + 0.75) / 10, bad: at % 20 < 2 * tenth + 1 };
  });
  const lines = (all: readonly unknown[]) => `${all.map((one) => JSON.stringify(one)).join('\n')}\n`;
  const log = join(dir, 'gateway.log');
  const decisions = requests.map(({ request_id, risk }) => ({
    msg: 'risk of a request',
    request_id,
    risk,
    route: 'plain',
  }));
  writeFileSync(log, `not JSON\n${lines([{ msg: 'another line' }, ...decisions])}`);
  const outcomes = join(dir, 'outcomes.jsonl');
  writeFileSync(outcomes, lines(requests.map(({ request_id, bad }) => ({ request_id, bad }))));
  return { dir, log, outcomes };
}

describe('mcp risk calibrate', () => {
  it('prints reliability and thresholds, and draws both', async () => {
    const { dir, log, outcomes } = files();
    const svg = join(dir, 'plot.svg');
    const { code, out, err } = await calibrate(log, '--outcomes', outcomes, '--svg', svg);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('200 decisions, 100 of them bad.');
    expect(out).toContain('0.9–1.0       20  foretold 0.975  came 0.950');
    const [before, after] = [...out.matchAll(/expected calibration error ([\d.]+) %/g)].map(([, error]) =>
      Number(error),
    );
    expect(before).toBe(2.5);
    const picture = readFileSync(svg, 'utf8');
    expect(picture).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<\/svg>\n$/);
    expect(picture).toContain('as it was foretold, 0.9 to 1.0: 20 requests, foretold 0.975, came 0.950');
    expect(picture).toContain(`calibrated: expected calibration error ${after?.toFixed(1)} %`);
    // All tags that are opened are closed again.
    const open = picture.match(/<[a-z][^>/]*(?:"[^"]*"[^>/]*)*>/g)?.length;
    expect(picture.match(/<\/[a-z]+>/g)).toHaveLength(open ?? -1);
  });

  it('prints the thresholds alone as a stack takes them', async () => {
    const { log, outcomes } = files();
    const { out } = await calibrate(log, '--outcomes', outcomes, '--json', '--least', '0.1,0.3,0.5,0.9');
    // The first tenth of which a share of 0.1, 0.3, 0.5 and 0.9 is bad.
    expect(Thresholds.parse(JSON.parse(out)).default).toEqual({
      baseline: 0.175,
      critic: 0.375,
      sandbox: 0.575,
      refuse: 0.975,
    });
  });

  it.each([
    ['shares that fall', ['--least', '0.5,0.3,0.2,0.1'], /--least: must be four ascending shares/],
    ['a log that is not there', [], /nowhere\.log cannot be read/],
    ['too little to say anything', [], /0 decisions with an outcome, 0 of them bad: at least 50/],
    ['a picture that cannot be written', ['--svg', '/dev/null/plot.svg'], /--svg: .* cannot be written/],
  ])('refuses %s', async (what, extra, message) => {
    const { dir, log, outcomes } = files();
    const given = what.startsWith('a log')
      ? join(dir, 'nowhere.log')
      : what.startsWith('too')
        ? outcomes
        : log;
    const run = riskCommand().parseAsync(['calibrate', given, '--outcomes', outcomes, ...extra], {
      from: 'user',
    });
    await expect(run).rejects.toThrow(message);
  });
});
