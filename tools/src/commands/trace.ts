import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpanRecord } from '@mcp/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import { CliError, codeOf, EXIT } from '../errors.ts';
import { type DataPaths, dataPaths } from '../paths.ts';
import { traceLines } from '../trace-tree.ts';

const TRACE_ID = /^[0-9a-f]{32}$/;
const LogFile = z.object({ messages: z.array(z.object({ trace_id: z.string() })) });

/** `mcp trace`: a trace as a tree, from the local trace store, without any backend. */
export function traceCommand(): Command {
  return new Command('trace')
    .description('print the tree of a trace, or of the traces of a conversation')
    .argument('<id>', 'trace id (32 hex digits, the header x-trace-id) or conversation id (a UUID)')
    .option('--json', 'the spans as JSON', false)
    .option('--data <directory>', 'the data directory (default: ./data of the checkout)')
    .action(async (id: string, flags: { json: boolean; data?: string }) => {
      const paths = dataPaths(flags.data);
      const { readTrace } = await import('@mcp/service-kit');
      const traces: SpanRecord[][] = [];
      for (const trace_id of traceIds(paths, id.toLowerCase()))
        traces.push(await readTrace(paths.traces, trace_id));
      const found = traces.filter((spans) => spans.length > 0);
      if (found.length === 0)
        throw new CliError(
          `No span of ${id} is in ${paths.traces}. Spans are written a quarter of a second after they end; old ones are dropped.`,
        );
      const text = flags.json
        ? JSON.stringify(found.flat(), null, 2)
        : found.map((spans) => traceLines(spans).join('\n')).join('\n\n');
      process.stdout.write(`${text}\n`);
    });
}

/** The traces meant by an id: itself, or those that a conversation's log names. */
function traceIds(paths: DataPaths, id: string): string[] {
  if (TRACE_ID.test(id)) return [id];
  if (!z.uuid().safeParse(id).success)
    throw new CliError(
      `${id.slice(0, 80)} is neither a trace id (32 hex digits) nor a conversation id (a UUID).`,
      EXIT.usage,
    );
  const path = join(paths.conversations, `${id}.json`);
  try {
    const log = LogFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    return [...new Set(log.messages.map((message) => message.trace_id))].filter((trace) =>
      TRACE_ID.test(trace),
    );
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      throw new CliError(`There is no conversation ${id} in ${paths.conversations}.`);
    throw new CliError(`${path} is not a conversation log. Check it with: npx mcp verify ${id}`);
  }
}
