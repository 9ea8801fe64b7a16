/**
 * The part of CommonMark that chat models write, as data. The renderer makes elements from it and never parses HTML,
 * so whatever a model writes stays text. Time is linear in the input but for nested emphasis, which is bounded.
 */
export type Block =
  | { readonly type: 'paragraph'; readonly inline: readonly Inline[] }
  | { readonly type: 'heading'; readonly level: number; readonly inline: readonly Inline[] }
  | { readonly type: 'code'; readonly language: string; readonly text: string }
  | {
      readonly type: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly items: readonly ListItem[];
    }
  | { readonly type: 'quote'; readonly blocks: readonly Block[] }
  | { readonly type: 'rule' };

export interface ListItem {
  readonly inline: readonly Inline[];
  readonly children: readonly Block[];
}

export type Inline =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'strong' | 'emphasis'; readonly inline: readonly Inline[] }
  | { readonly type: 'link'; readonly href: string; readonly inline: readonly Inline[] };

const MAX_DEPTH = 6;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,30})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const RULE = /^ {0,3}(?:-\s*){3,}$|^ {0,3}(?:\*\s*){3,}$|^ {0,3}(?:_\s*){3,}$/;
const ITEM = /^( {0,12})(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?/;

/** Parses Markdown; an unclosed fence (a stream in the middle of code) counts as code. */
export function parseMarkdown(source: string): readonly Block[] {
  return parseBlocks(source.replace(/\r\n?/g, '\n').split('\n'), 0);
}

function parseBlocks(lines: readonly string[], depth: number): readonly Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at++;
      continue;
    }
    const taken =
      takeFence(lines, at) ??
      takeHeadingOrRule(line) ??
      (depth < MAX_DEPTH ? (takeQuote(lines, at, depth) ?? takeList(lines, at, depth)) : null) ??
      takeParagraph(lines, at, depth);
    blocks.push(taken.block);
    at += taken.lines;
  }
  return blocks;
}

interface Taken {
  readonly block: Block;
  readonly lines: number;
}

function takeFence(lines: readonly string[], from: number): Taken | null {
  const open = FENCE.exec(lines[from] ?? '');
  const mark = open?.[1];
  if (mark === undefined) return null;
  const close = new RegExp(`^ {0,3}\\${mark[0]}{${mark.length},}\\s*$`);
  let end = from + 1;
  while (end < lines.length && !close.test(lines[end] ?? '')) end++;
  const text = lines.slice(from + 1, end).join('\n');
  return { block: { type: 'code', language: open?.[2] ?? '', text }, lines: end - from + 1 };
}

function takeHeadingOrRule(line: string): Taken | null {
  if (RULE.test(line)) return { block: { type: 'rule' }, lines: 1 };
  const heading = HEADING.exec(line);
  if (heading === null) return null;
  const [, marks = '', text = ''] = heading;
  return {
    block: { type: 'heading', level: marks.length, inline: parseInline(withoutClosing(text)) },
    lines: 1,
  };
}

/** `# Title ##` closes with marks that are no part of the title. A loop, because the pattern for it backtracks. */
function withoutClosing(text: string): string {
  const trimmed = text.trim();
  let end = trimmed.length;
  while (end > 0 && trimmed[end - 1] === '#') end--;
  return end === 0 || trimmed[end - 1] === ' ' ? trimmed.slice(0, end).trimEnd() : trimmed;
}

function takeQuote(lines: readonly string[], from: number, depth: number): Taken | null {
  let end = from;
  while (end < lines.length && QUOTE.test(lines[end] ?? '')) end++;
  if (end === from) return null;
  const inner = lines.slice(from, end).map((line) => line.replace(QUOTE, ''));
  return { block: { type: 'quote', blocks: parseBlocks(inner, depth + 1) }, lines: end - from };
}

function takeList(lines: readonly string[], from: number, depth: number): Taken | null {
  const first = ITEM.exec(lines[from] ?? '');
  if (first === null) return null;
  const indent = first[1]?.length ?? 0;
  const ordered = first[3] !== undefined;
  const items: ListItem[] = [];
  let at = from;
  while (at < lines.length) {
    const item = ITEM.exec(lines[at] ?? '');
    if (item === null || (item[1]?.length ?? 0) !== indent || (item[3] !== undefined) !== ordered) break;
    const end = itemEnd(lines, at + 1, indent);
    const body = lines.slice(at + 1, end);
    items.push(toItem(item[4] ?? '', body, depth));
    at = end;
    while (at < lines.length && (lines[at] ?? '').trim() === '' && isItem(lines[at + 1], indent)) at++;
  }
  const start = Number(first[3] ?? 1);
  return { block: { type: 'list', ordered, start, items }, lines: at - from };
}

function isItem(line: string | undefined, indent: number): boolean {
  return line !== undefined && ITEM.exec(line)?.[1]?.length === indent;
}

/** An item goes on over indented lines and over lazy text lines up to a blank one. */
function itemEnd(lines: readonly string[], from: number, indent: number): number {
  let at = from;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const own = line.length - line.trimStart().length;
    const lazy =
      own <= indent && !ITEM.test(line) && !FENCE.test(line) && !HEADING.test(line) && !QUOTE.test(line);
    if (line.trim() === '') {
      const next = lines[at + 1] ?? '';
      if (next.trim() === '' || next.length - next.trimStart().length <= indent) break;
    } else if (own <= indent && !lazy) break;
    at++;
  }
  return at;
}

function toItem(head: string, body: readonly string[], depth: number): ListItem {
  const plain = body.findIndex(
    (line) => line.trim() === '' || ITEM.test(line) || FENCE.test(line) || QUOTE.test(line),
  );
  const own = plain < 0 ? body : body.slice(0, plain);
  const nested = plain < 0 ? [] : body.slice(plain);
  const margins = nested
    .filter((line) => line.trim() !== '')
    .map((line) => line.length - line.trimStart().length);
  const margin = margins.length === 0 ? 0 : Math.min(...margins.slice(0, 1000));
  const text = [head, ...own.map((line) => line.trim())].join('\n');
  return {
    inline: parseInline(text),
    children: parseBlocks(
      nested.map((line) => line.slice(Math.min(margin, line.length - line.trimStart().length))),
      depth + 1,
    ),
  };
}

function takeParagraph(lines: readonly string[], from: number, depth: number): Taken {
  let end = from + 1;
  while (end < lines.length && !interrupts(lines[end] ?? '', depth)) end++;
  const text = lines.slice(from, end).map((line) => line.trim());
  return { block: { type: 'paragraph', inline: parseInline(text.join('\n')) }, lines: end - from };
}

function interrupts(line: string, depth: number): boolean {
  if (line.trim() === '' || FENCE.test(line) || HEADING.test(line) || RULE.test(line)) return true;
  return depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line));
}

// One alternative per construct, each bounded in length, so that no input can make it backtrack for long.
const INLINE =
  /(`{1,3})([^`\n]{1,2000})\1|\*\*(?=\S)([^*\n]{1,2000})\*\*|__(?=\S)([^_\n]{1,2000})__|\*(?=[^\s*])([^*\n]{1,2000})\*|(?<![\w_])_(?=[^\s_])([^_\n]{1,2000})_(?!\w)|\[([^\]\n]{1,500})\]\((https?:\/\/[^\s()<>]{1,2000})\)|(https?:\/\/[^\s()<>[\]"'`]{0,2000}[^\s()<>[\]"'`.,;:!?])/g;

/** Inline constructs of one block. Links only to http and https. */
function parseInline(source: string, depth = 0): readonly Inline[] {
  if (depth > 3) return [{ type: 'text', text: source }];
  const out: Inline[] = [];
  let from = 0;
  for (const match of source.matchAll(INLINE)) {
    if (match.index > from) out.push({ type: 'text', text: source.slice(from, match.index) });
    out.push(toInline(match, depth));
    from = match.index + match[0].length;
  }
  if (from < source.length) out.push({ type: 'text', text: source.slice(from) });
  return out;
}

function toInline(match: RegExpExecArray, depth: number): Inline {
  const [whole, , code, strongStar, strongLine, starred, lined, label, target, bare] = match;
  if (code !== undefined) return { type: 'code', text: code };
  const strong = strongStar ?? strongLine;
  if (strong !== undefined) return { type: 'strong', inline: parseInline(strong, depth + 1) };
  const emphasis = starred ?? lined;
  if (emphasis !== undefined) return { type: 'emphasis', inline: parseInline(emphasis, depth + 1) };
  if (label !== undefined && target !== undefined)
    return { type: 'link', href: target, inline: [{ type: 'text', text: label }] };
  return { type: 'link', href: bare ?? whole, inline: [{ type: 'text', text: bare ?? whole }] };
}
