/** What judges of a graph are asked for, by what their servers can. */
import { type ChatCompletionRequest, PlatformError } from '@mcp/contracts';
import { afterEach, expect, it } from 'vitest';
import { chat, cleanUp, only, startCore, the } from './harness.ts';
import { chatModel, type Script } from './scripted-models.ts';

afterEach(cleanUp);

const NODES = ['answer', 'critic', 'revision'];
const VERDICT = '{"verdict":"pass","confidence":0.7,"reason":"It is right."}';
const refused = (param: string): Script => ({
  pieces: [],
  failure: new PlatformError('unsupported_parameter', 'Not here.', { param }),
});

/** Two questions to a graph whose critic has a server that answers like this; its confidences, and what it was asked for. */
async function judged(
  capabilities: ('json_schema' | 'logprobs')[],
  critic: (r: ChatCompletionRequest) => Script,
) {
  const core = await startCore();
  core.models.known = NODES.map((id) => chatModel(id, { capabilities }));
  const asked: string[] = [];
  core.models.script = (request) => {
    if (request.model !== 'critic') return { pieces: [`${request.model} says so.`] };
    asked.push(`${request.response_format?.type} ${request.logprobs}`);
    return critic(request);
  };
  const participants = NODES.map((id) => ({ id, model: id }));
  const sure: unknown[] = [];
  for (let time = 0; time < 2; time++) {
    const events = await chat(core, { message: 'Why?', mode: 'single-with-critic', participants });
    sure.push(only(events, 'message.end').find(({ participant }) => participant === 'critic')?.confidence);
    expect(the(events, 'done').response.status).toBe('completed');
  }
  return { asked, sure };
}

it('a judge whose server gives no log-probabilities beside a form is held to the form, and the next time at once', async () => {
  const { asked, sure } = await judged(['json_schema', 'logprobs'], ({ logprobs }) =>
    logprobs === true ? refused('logprobs') : { pieces: [VERDICT] },
  );
  expect(asked).toEqual(['json_schema true', 'json_schema undefined', 'json_schema undefined']);
  expect(sure).toEqual(Array(2).fill({ value: 0.7, from: 'verdict' }));
});

it('one whose server knows no form of answers is asked in words alone', async () => {
  const { asked, sure } = await judged(['json_schema'], ({ response_format }) =>
    response_format === undefined ? { pieces: ['Wrong, a mistake.'] } : refused('response_format'),
  );
  expect(asked.slice(0, 2)).toEqual(['json_schema undefined', 'undefined undefined']);
  expect(sure).toEqual(Array(2).fill({ value: 0.25, from: 'text' }));
});
