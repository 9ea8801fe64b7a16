import { ConversationPage } from '@mcp/contracts';
import { startServices } from '@mcp/service-kit';
import { callerHeaders } from '@mcp/testkit';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { definition } from '../src/definition.ts';
import { ALICE, busEnv, cleanUp, coreEnv, storeEnv, tempDir } from './harness.ts';
import { ScriptedModels } from './scripted-models.ts';

afterEach(cleanUp);

/** A model that would talk for a minute. */
const endless = { pieces: Array.from({ length: 6000 }, (_, i) => `w${i} `), pause_ms: 10 };

/** The core on a port of its own, as the gateway calls it when the services run apart. */
async function startRemote(): Promise<{ url: string; headers: Record<string, string> }> {
  const models = new ScriptedModels();
  models.script = () => endless;
  const dir = tempDir();
  const env = coreEnv(dir, { ...(await storeEnv(dir)), ...busEnv(), MCP_CORE_PORT: '0' });
  const services = await startServices(definition, env, {
    local: new Map([['model-gateway', models]]),
  });
  onTestFinished(() => services.stop('end of test'));
  return {
    url: `http://127.0.0.1:${services.ports.get('core')}`,
    headers: {
      ...(await callerHeaders('gateway', 'core', ALICE)),
      'content-type': 'application/json',
    },
  };
}

it.each([
  ['at its deadline', 2500, 'interrupted'],
  ['long before its deadline', 60_000, 'cancelled'],
] as const)('a caller that hangs up %s, of %i ms, over HTTP leaves it %s', async (_, time_ms, status) => {
  const { url, headers } = await startRemote();
  const deadline_ms = Date.now() + time_ms;
  // The caller's timer goes off first: the connection is closed before the core's own deadline.
  const signal = AbortSignal.timeout(2400);
  const chatting = await fetch(`${url}/internal/chat`, {
    method: 'POST',
    headers: { ...headers, 'x-mcp-deadline': String(deadline_ms) },
    body: JSON.stringify({ message: 'Talk.' }),
    signal,
  });
  await expect(chatting.text()).rejects.toThrow();
  const stored = async () =>
    ConversationPage.parse(await (await fetch(`${url}/internal/conversations?limit=1`, { headers })).json())
      .conversations;
  await expect.poll(stored).toMatchObject([{ status }]);
});
