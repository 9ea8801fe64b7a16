import { KeyRewrap } from '@mcp/contracts';
import { Command } from 'commander';
import { GATEWAY_OPTIONS, type GatewayFlags, gatewayOf } from '../gateway.ts';

/** `mcp encryption rewrap`: what is left to do after the key that wraps data keys was rotated. */
export function encryptionCommand(): Command {
  return new Command('encryption').description('the encryption of what is stored').addCommand(
    new Command('rewrap')
      .description('wrap every data key again under the current key; no conversation is touched')
      .option(...GATEWAY_OPTIONS.data)
      .option(...GATEWAY_OPTIONS.url)
      .action(async (flags: GatewayFlags) => {
        const gateway = gatewayOf(flags);
        let rewrapped = 0;
        for (;;) {
          const step = await gateway.post('/admin/encryption/rewrap', KeyRewrap);
          rewrapped += step.rewrapped;
          if (!step.complete) continue;
          process.stdout.write(
            `${rewrapped} data keys were wrapped again. Every one is wrapped under ${step.key_version} now.\n`,
          );
          return;
        }
      }),
  );
}
