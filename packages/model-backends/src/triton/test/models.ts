/** The models of a stand-in for Triton, and the turns of a text that they are given. */
import type { ChatMessage } from '@mcp/contracts';

const tensor = (name: string, datatype: string) => ({ name, datatype, shape: [1] });
/** As vLLM's backend for Triton describes a model, and as a model for sentences may be described. */
export const CHAT = {
  name: 'chat',
  versions: ['1'],
  platform: 'vllm',
  inputs: [
    tensor('text_input', 'BYTES'),
    tensor('stream', 'BOOL'),
    tensor('sampling_parameters', 'BYTES'),
    tensor('exclude_input_in_output', 'BOOL'),
    tensor('return_finish_reason', 'BOOL'),
    tensor('return_num_input_tokens', 'BOOL'),
    tensor('return_num_output_tokens', 'BOOL'),
  ],
  outputs: [tensor('text_output', 'BYTES'), tensor('finish_reason', 'BYTES')],
};
export const EMBEDDING = {
  name: 'scripted/embed',
  versions: ['1'],
  platform: 'python',
  inputs: [tensor('text', 'BYTES')],
  outputs: [tensor('embedding', 'FP32')],
};

/** The turns of a text in ChatML. */
export function turnsIn(text: string): ChatMessage[] {
  return [...text.matchAll(/<\|im_start\|>(\w+)\n([\s\S]*?)(?:<\|im_end\|>|$)/g)].map(
    ([, role, content]) => ({ role, content }) as ChatMessage,
  );
}
