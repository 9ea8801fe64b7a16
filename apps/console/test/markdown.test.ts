import fc from 'fast-check';
import { isValidElement } from 'preact';
import { describe, expect, it } from 'vitest';
import { parseMarkdown } from '../src/text/markdown.ts';
import { renderBlock } from '../src/text/markdown-view.tsx';

interface Element {
  readonly tag: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** All elements and all text that a source becomes, components included. */
function render(source: string): { elements: Element[]; text: string } {
  const elements: Element[] = [];
  let text = '';
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(walk);
    else if (typeof node === 'string' || typeof node === 'number') text += node;
    else if (isValidElement(node)) {
      if (typeof node.type === 'function') {
        walk((node.type as (props: unknown) => unknown)(node.props));
        return;
      }
      elements.push({ tag: String(node.type), props: node.props as Record<string, unknown> });
      walk((node.props as { children?: unknown }).children);
    }
  };
  walk(parseMarkdown(source).map(renderBlock));
  return { elements, text };
}

const TAGS = new Set(['p', 'pre', 'code', 'ul', 'ol', 'li', 'blockquote', 'hr', 'strong', 'em', 'a']);
const PROPS = new Set(['children', 'class', 'start', 'href', 'target', 'rel', 'data-language']);

const MARKS = [
  '`',
  '```',
  '~~~',
  '**',
  '*',
  '_',
  '[',
  '](',
  ')',
  '- ',
  '1. ',
  '> ',
  '# ',
  '\n',
  '\n\n',
  '    ',
  'http://',
  'javascript:',
  '<script>',
  '<img src=x onerror=alert(1)>',
  'word',
  ' ',
];
const source = fc.oneof(
  fc.string({ maxLength: 400, unit: 'grapheme' }),
  fc.array(fc.constantFrom(...MARKS), { maxLength: 60 }).map((parts) => parts.join('')),
);

describe('model text', () => {
  it('becomes only known elements with known attributes, and links only to the web', () => {
    fc.assert(
      fc.property(source, (text) => {
        for (const { tag, props } of render(text).elements) {
          expect(TAGS).toContain(tag);
          for (const name of Object.keys(props)) expect(PROPS).toContain(name);
          if (tag === 'a') expect(props.href).toMatch(/^https?:\/\//);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('loses no word that a model wrote', () => {
    const words = fc.array(fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        words,
        fc.infiniteStream(
          fc.constantFrom(' ', '\n', '\n\n', '\n- ', '\n> ', ' **', '** ', ' `', '` ', '\n# '),
        ),
        (list, glue) => {
          const text = list.map((word) => word + glue.next().value).join('');
          const shown = render(text).text;
          for (const word of list) expect(shown).toContain(word);
        },
      ),
    );
  });

  it('never becomes markup of its own', () => {
    const { elements, text } = render(
      '<script>alert(1)</script> <b>x</b> [a](javascript:alert(1)) ![i](http://x/y.png)',
    );
    expect(elements.map(({ tag }) => tag)).toEqual(['p', 'a']);
    expect(elements[1]?.props.href).toBe('http://x/y.png');
    expect(text).toContain('<script>alert(1)</script>');
  });

  it('shows what chat models write', () => {
    const blocks = parseMarkdown(
      '# Title #\n\nText with **bold**, *soft* and `code`.\n\n1. one\n   - inner\n2. two\n\n```ts\nconst a = 1;\n\n# not a title\n```\n> quoted',
    );
    expect(blocks.map((block) => block.type)).toEqual(['heading', 'paragraph', 'list', 'code', 'quote']);
    expect(blocks[0]).toMatchObject({ level: 1, inline: [{ type: 'text', text: 'Title' }] });
    expect(blocks[2]).toMatchObject({ ordered: true, start: 1 });
    expect(blocks[2]?.type === 'list' && blocks[2].items[0]?.children[0]).toMatchObject({
      type: 'list',
      ordered: false,
    });
    expect(blocks[3]).toEqual({ type: 'code', language: 'ts', text: 'const a = 1;\n\n# not a title' });
  });

  it('shows code while it is still being written', () => {
    expect(parseMarkdown('```js\nlet x')).toEqual([{ type: 'code', language: 'js', text: 'let x' }]);
  });

  it('keeps a full stop out of a bare address', () => {
    const [paragraph] = parseMarkdown('See https://nats.io/docs.');
    expect(paragraph).toMatchObject({
      inline: [{ text: 'See ' }, { type: 'link', href: 'https://nats.io/docs' }, { text: '.' }],
    });
  });

  it('is parsed in bounded work for input made to be slow', () => {
    const hostile = ['# ', '*', '**a', '[a](', '> ', '- ', '`a', '_ ', 'http://', '    - '].map((piece) =>
      piece.repeat(5000),
    );
    const spaces = [`# ${' '.repeat(50_000)}x`, `- ${' -'.repeat(20_000)}x`, `${'>'.repeat(5000)} deep`];
    for (const text of [...hostile, ...spaces]) expect(parseMarkdown(text).length).toBeGreaterThan(0);
  });
});
