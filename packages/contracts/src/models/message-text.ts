import type { ChatMessage } from './openai.ts';

/** A message's content as one text. */
export interface TextOptions {
  /** What stands between two parts; a new line unless said otherwise. */
  readonly between?: string;
  /** What stands for a picture; it may throw, where a model cannot see. */
  picture(): string;
}

/** Parts of a content as the formats name them: texts, refusals and pictures. */
type Part =
  | { readonly type: 'text' | 'input_text' | 'output_text'; readonly text: string }
  | { readonly type: 'refusal'; readonly refusal: string }
  | { readonly type: 'image_url' | 'input_image' };

/** The text of a message's content, whichever format it came in. Parts that give no text leave no trace. */
export function textOf(
  content: ChatMessage['content'] | string | readonly Part[] | null | undefined,
  { between = '\n', picture }: TextOptions,
): string {
  if (content == null) return '';
  if (typeof content === 'string') return content;
  return content
    .flatMap((part) => {
      switch (part.type) {
        case 'text':
        case 'input_text':
        case 'output_text':
          return [part.text];
        case 'refusal':
          return [part.refusal];
        case 'image_url':
        case 'input_image': {
          const instead = picture();
          return instead === '' ? [] : [instead];
        }
        default:
          return part satisfies never;
      }
    })
    .join(between);
}
