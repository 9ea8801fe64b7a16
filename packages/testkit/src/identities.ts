import { randomBytes } from 'node:crypto';
import { type Principal, ServiceName, serviceVariable } from '@mcp/contracts';
import { keySetOf, TokenSigner } from '@mcp/service-kit';

const secrets = new Map(ServiceName.options.map((name) => [name, randomBytes(32).toString('hex')]));

/**
 * Signing keys of all services and their key set, as the environment of any of them; the same ones for a whole test
 * file. Here everyone may call everyone; who may in a stack is what `stacks/identities.ts` says.
 */
export function testIdentities(): Record<string, string> {
  const rows = [...secrets].map(([service, secret]) => ({
    service,
    calls: [...ServiceName.options],
    speaks_for: 'anyone' as const,
    secrets: [secret],
  }));
  return {
    MCP_SERVICE_JWKS: JSON.stringify(keySetOf(rows)),
    ...Object.fromEntries(
      [...secrets].map(([name, secret]) => [serviceVariable(name, 'SIGNING_KEY'), secret]),
    ),
  };
}

/** The header of a call from one service to another, on behalf of a principal. */
export async function callerHeaders(
  from: ServiceName,
  to: ServiceName,
  principal: Principal,
): Promise<{ authorization: string }> {
  const token = await new TokenSigner(from, secrets.get(from) ?? '').token(to, principal);
  return { authorization: `Bearer ${token}` };
}
