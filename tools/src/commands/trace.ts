import { Conversation, SpanRecord } from '@mcp/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, EXIT } from '../errors.ts';
import { GATEWAY_OPTIONS, type GatewayClient, type GatewayFlags, gatewayOf } from '../gateway.ts';
import { traceLines } from '../trace-tree.ts';

const TRACE_ID = /^[0-9a-f]{32}$/;
const Trace = z.object({ spans: z.array(SpanRecord) });

/** `mcp trace`: a trace as a tree, from the platform's own trace store, without any backend. */
export function traceCommand(): Command {
  return new Command('trace')
    .description('print the tree of a trace, or of the traces of a conversation')
    .argument('<id>', 'trace id (32 hex digits, the header x-trace-id) or conversation id (a UUID)')
    .option('--json', 'the spans as JSON', false)
    .option(...GATEWAY_OPTIONS.data)
    .option(...GATEWAY_OPTIONS.url)
    .action(async (given: string, flags: GatewayFlags & { json: boolean }) => {
      const id = given.toLowerCase();
      assertId(id);
      const gateway = gatewayOf(flags);
      const traces: SpanRecord[][] = [];
      for (const trace_id of await traceIds(gateway, id)) {
        const { spans } = await gateway.get(`/v1/traces/${trace_id}`, Trace);
        traces.push(spans);
      }
      const text = flags.json
        ? JSON.stringify(traces.flat(), null, 2)
        : traces.map((spans) => traceLines(spans).join('\n')).join('\n\n');
      process.stdout.write(`${text}\n`);
    });
}

function assertId(id: string): void {
  if (!TRACE_ID.test(id) && !z.uuid().safeParse(id).success)
    throw new CliError(
      `${id.slice(0, 80)} is neither a trace id (32 hex digits) nor a conversation id (a UUID).`,
      EXIT.usage,
    );
}

/** The traces meant by an id: itself, or those that a conversation's records name. */
async function traceIds(gateway: GatewayClient, id: string): Promise<string[]> {
  if (TRACE_ID.test(id)) return [id];
  const { messages } = await gateway.get(`/v1/conversations/${id}`, Conversation);
  const named = messages.map(({ trace_id }) => trace_id).filter((trace) => TRACE_ID.test(trace));
  return [...new Set(named)];
}
