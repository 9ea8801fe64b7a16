import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditBundlePage } from '@mcp/contracts';
import {
  type AuditVerdict,
  checkpointIn,
  decodeAuditBundle,
  MAX_AUDIT_BUNDLE_BYTES,
  sbomOf,
  verifyAuditBundle,
} from '@mcp/provenance/audit';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, EXIT, messageOf, printable } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';
import { readGiven } from '../given-file.ts';
import { ROOT } from '../paths.ts';
import { paint, table } from '../ui.ts';
import { gather, keysGiven, ownKeys } from './trusted-keys.ts';

const MOST = 200;
const LOCK_FILE = { what: 'a lock file', max_bytes: 64 * 1024 * 1024 };

/** `mcp audit`: audit bundles of a platform, and one of them checked offline. */
export function auditCommand(): Command {
  return new Command('audit')
    .description('audit bundles: list, fetch and verify them')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(verifyCommand())
    .addCommand(sbomCommand());
}

function listCommand(): Command {
  return new Command('list')
    .description(`list audit bundles, the newest ${MOST}`)
    .option('--json', 'as JSON', false)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .action(async (flags: GatewayFlags & { readonly json: boolean }) => {
      const { bundles } = await gatewayOf(flags).get(`/v1/audit/bundles?limit=${MOST}`, AuditBundlePage);
      const rows = bundles.map(({ id, created_at, bytes, manifest: { entries } }) => [
        id,
        created_at,
        `${entries.from} to ${entries.to}`,
        String(bytes),
      ]);
      const lines =
        rows.length === 0
          ? ['There are none. Make one: POST /admin/governance/audit-bundle/run']
          : table(['bundle', 'made at', 'entries', 'bytes'], rows);
      process.stdout.write(flags.json ? `${JSON.stringify(bundles, null, 2)}\n` : `${lines.join('\n')}\n`);
    });
}

function getCommand(): Command {
  return new Command('get')
    .description('write an audit bundle to a file')
    .argument('<bundle>', 'its id (a UUID)')
    .option('--out <file>', 'where to (default: <bundle>.audit.json)')
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .action(async (given: string, flags: GatewayFlags & { readonly out?: string }) => {
      const id = z.uuid().safeParse(given.toLowerCase());
      if (!id.success) throw new CliError(`${given.slice(0, 80)} is no id of a bundle (a UUID).`, EXIT.usage);
      const text = await gatewayOf(flags).text(`/v1/audit/bundles/${id.data}`);
      const path = flags.out ?? `${id.data}.audit.json`;
      try {
        writeFileSync(path, text, { mode: 0o600 });
      } catch (error) {
        throw new CliError(`${path} cannot be written (${messageOf(error)}).`);
      }
      process.stdout.write(
        `${path}: ${Buffer.byteLength(text)} bytes. Check it with: npx mcp audit verify ${path}\n`,
      );
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('check an audit bundle offline (exit code 1: something in it is another)')
    .argument('<file>', 'a bundle, as npx mcp audit get writes it')
    .option('--key <key>', 'a key of the transparency log that you trust; repeat it', gather, [])
    .option('--json', 'the verdict as JSON', false)
    .addHelpText(
      'after',
      '\nWithout --key, the keys in the bundle count: it then fits in itself, whoever made it.',
    )
    .action((path: string, flags: { readonly key: readonly string[]; readonly json: boolean }) => {
      const text = readGiven(path, { what: 'an audit bundle', max_bytes: MAX_AUDIT_BUNDLE_BYTES });
      const verdict = verifyAuditBundle(text, keysGiven(flags.key)?.log);
      process.stdout.write(
        flags.json
          ? `${JSON.stringify(verdict, null, 2)}\n`
          : `${[lineOf(verdict), ...(verdict.ok && flags.key.length === 0 ? ownKeys(checkpointIn(decodeAuditBundle(text).bundle).log_keys) : [])].join('\n')}\n`,
      );
      process.exitCode = verdict.ok ? EXIT.ok : EXIT.failed;
    });
}

function sbomCommand(): Command {
  return new Command('sbom')
    .description('print the bill of materials of this checkout (CycloneDX), whose SHA-256 audit bundles have')
    .option('--lock-file <file>', "npm's lock file", join(ROOT, 'package-lock.json'))
    .action((flags: { readonly lockFile: string }) => {
      try {
        process.stdout.write(sbomOf(readGiven(flags.lockFile, LOCK_FILE)).text);
      } catch (error) {
        throw error instanceof TypeError ? new CliError(`${flags.lockFile}: ${error.message}`) : error;
      }
    });
}

function lineOf(verdict: AuditVerdict): string {
  if (!verdict.ok) return `${paint('red', '✗')} ${verdict.place}: ${printable(verdict.reason)}`;
  const { id, created_at, entries, parts, previous } = verdict.manifest;
  const keys = verdict.histories.map(
    (one) => `\n  keys of the ${one.of}: ${one.keys}, revoked ${one.revoked}, checksum ${one.checksum}`,
  );
  const after = previous === null ? 'the first one' : `after ${previous.id}`;
  return `${paint('green', '✓')} ${id}: ${parts.length} parts, entries ${entries.from} to ${entries.to}, made at ${created_at}, ${after}\n  signed by ${printable(verdict.signers.join(', '))}${keys.join('')}`;
}
