import type { ComponentChild } from 'preact';
import { useMemo } from 'preact/hooks';
import { type Block, type Inline, type ListItem, parseMarkdown } from './markdown.ts';

/** Model text as elements. Every node is made by Preact from data: no HTML of the model's is ever parsed. */
export function Markdown({ text }: { readonly text: string }) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  return <div class="prose">{blocks.map(renderBlock)}</div>;
}

/** One block as a virtual node; exported apart from the component so that tests can walk it. */
export function renderBlock(block: Block, key: number): ComponentChild {
  switch (block.type) {
    case 'paragraph':
      return <p key={key}>{block.inline.map(renderInline)}</p>;
    case 'heading':
      // The page has its own outline; a model's headings are text that looks like one.
      return (
        <p key={key} class={`prose-heading prose-heading-${Math.min(3, block.level)}`}>
          {block.inline.map(renderInline)}
        </p>
      );
    case 'code':
      return <CodeBlock key={key} language={block.language} text={block.text} />;
    case 'list':
      return block.ordered ? (
        <ol key={key} start={block.start}>
          {block.items.map(renderItem)}
        </ol>
      ) : (
        <ul key={key}>{block.items.map(renderItem)}</ul>
      );
    case 'quote':
      return <blockquote key={key}>{block.blocks.map(renderBlock)}</blockquote>;
    case 'rule':
      return <hr key={key} />;
    default:
      return block satisfies never;
  }
}

function CodeBlock({ language, text }: { readonly language: string; readonly text: string }) {
  return (
    <pre data-language={language === '' ? undefined : language}>
      <code>{text}</code>
    </pre>
  );
}

function renderItem(item: ListItem, key: number): ComponentChild {
  return (
    <li key={key}>
      {item.inline.map(renderInline)}
      {item.children.map(renderBlock)}
    </li>
  );
}

function renderInline(inline: Inline, key: number): ComponentChild {
  switch (inline.type) {
    case 'text':
      return inline.text;
    case 'code':
      return <code key={key}>{inline.text}</code>;
    case 'strong':
      return <strong key={key}>{inline.inline.map(renderInline)}</strong>;
    case 'emphasis':
      return <em key={key}>{inline.inline.map(renderInline)}</em>;
    case 'link':
      return (
        <a key={key} href={inline.href} target="_blank" rel="noopener noreferrer nofollow">
          {inline.inline.map(renderInline)}
        </a>
      );
    default:
      return inline satisfies never;
  }
}
