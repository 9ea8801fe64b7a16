import { jsonOf } from '@mcp/contracts';
import { z } from 'zod';
import { duration, paint, table } from '../ui.ts';
import { fetchText } from './probe.ts';

/** What a start tells at its end. Holds no secret, so that it may go into logs and over channels. */
export const Summary = z.object({
  url: z.string(),
  data_dir: z.string(),
  data_flag: z.string(),
  took_ms: z.number(),
  services: z.array(z.object({ name: z.string(), url: z.string(), pid: z.number() })),
  models: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      backend: z.string(),
      status: z.string(),
      detail: z.string(),
    }),
  ),
});
export type Summary = z.infer<typeof Summary>;

const ModelRow = z.object({
  id: z.string(),
  kind: z.string(),
  backend: z.string(),
  status: z.string(),
  detail: z.string().optional(),
});

/** The models as the gateway at `url` knows them now; empty when it cannot be asked. */
export async function askModels(url: string, admin_key: string): Promise<Summary['models']> {
  const answer = await fetchText(`${url}/admin/stats`, {
    headers: { authorization: `Bearer ${admin_key}` },
  }).catch(() => undefined);
  const stats = z
    .object({ models: z.array(ModelRow) })
    .safeParse(answer === undefined ? undefined : jsonOf(answer.text)).data;
  return (stats?.models ?? []).map((row) => ({ ...row, detail: row.detail ?? '' }));
}

/** The lines of a summary. With `key`, the console's URL signs in by itself; without, it says how to get the key. */
export function summaryLines(summary: Summary, key: string | undefined): string[] {
  const { url, data_flag } = summary;
  const chat = summary.models.filter((model) => model.kind === 'chat');
  const ready = chat.filter((model) => model.status === 'ready');
  const a = ready[0] ?? chat[0];
  const b = ready.find((model) => model.id !== a?.id) ?? a;
  const body = { modelA: a?.id ?? '', modelB: b?.id ?? '', exchanges: 2, message: 'Why is the sky blue?' };
  const console_url =
    key === undefined ? `${url}/   (sign in with: npx mcp key${data_flag})` : `${url}/#key=${key}`;
  return [
    '',
    ...table(
      ['service', 'endpoint', 'pid'],
      summary.services.map((one) => [one.name, one.url, String(one.pid)]),
    ),
    '',
    ...table(
      ['model', 'kind', 'backend', 'status'],
      summary.models.map((model) => [
        model.id,
        model.kind,
        model.backend,
        model.status === 'ready'
          ? paint('green', model.status)
          : `${model.status}${model.detail === '' ? '' : ` (${model.detail})`}`,
      ]),
    ),
    '',
    'Ask two models:',
    `  curl ${url}/chat -H "authorization: Bearer $(npx mcp key${data_flag})" \\`,
    `    -H 'content-type: application/json' -d '${JSON.stringify(body)}'`,
    '',
    `OpenAI clients: base URL ${url}/v1, key from: npx mcp key${data_flag}`,
    `Console:        ${paint('bold', console_url)}`,
    '',
    `Ready in ${duration(summary.took_ms)}.`,
  ];
}
