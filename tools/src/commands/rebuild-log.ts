/** `mcp logs rebuild`: the transparency log of a region that was lost, from the copy that another region keeps. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { folderDisk, LogDamagedError, rebuildLog, type Verifier } from '@mcp/provenance/tlog';
import { Command } from 'commander';
import { CliError, EXIT } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayClient, type GatewayFlags, gatewayOf } from '../gateway.ts';
import { gather, keysGiven } from './trusted-keys.ts';

interface RebuildFlags extends GatewayFlags {
  readonly key: readonly string[];
}

export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description('write the files of a transparency log anew from the copy that another region keeps')
    .argument(
      '<folder>',
      'where to: transparency-log in the data directory of the lost region; it must be empty',
    )
    .option(
      '--key <key>',
      "the log's verifier key, as GET /v1/log showed it; repeat it where there were several",
      gather,
      [],
    )
    .option(...GATEWAY_OPTIONS.url)
    .option(...GATEWAY_OPTIONS.data)
    .addHelpText(
      'after',
      '\nIt is written only where its entries lead to the root that the log signed, and begin with what the other region has cosigned.',
    )
    .action(async (folder: string, flags: RebuildFlags) => {
      const log = keysGiven(flags.key)?.log ?? [];
      const [name = ''] = log.map((key) => key.name);
      if (name === '' || log.some((key) => key.name !== name))
        throw new CliError('--key: give the keys of one log, which signs checkpoints.', EXIT.usage);
      const to = resolve(folder);
      if (existsSync(to) && readdirSync(to).length > 0)
        throw new CliError(`${to} is not empty. Move what is there away: nothing is written over.`);
      const size = await rebuilt(to, { name, log }, gatewayOf(flags));
      process.stdout.write(`${size} entries of ${name} in ${to}. Start the service on it.\n`);
    });
}

async function rebuilt(
  to: string,
  { name, log }: { readonly name: string; readonly log: readonly Verifier[] },
  gateway: GatewayClient,
): Promise<number> {
  const id = createHash('sha256').update(name).digest('hex');
  const copy = `/v1/log/copies/${id}`;
  const checkpoint = await gateway.text(`${copy}/checkpoint`);
  if (checkpoint === '') throw new CliError(`The copy of ${name} at ${gateway.url} has no entries.`);
  const cosigned = await gateway.text(`/v1/witness/${id}/checkpoint`);
  try {
    return await rebuildLog({
      disk: folderDisk(to),
      log,
      checkpoint,
      known: [cosigned],
      bundle: async (path) => {
        const bytes = await gateway.bytes(`${copy}/${path}`);
        if (bytes === undefined) throw new LogDamagedError(`The copy has no ${path}.`);
        return bytes;
      },
    });
  } catch (error) {
    if (error instanceof LogDamagedError || error instanceof TypeError || error instanceof RangeError)
      throw new CliError(`${gateway.url}: ${error.message} Nothing in ${to} is to be used.`);
    throw error;
  }
}
