// @vitest-environment happy-dom
import fc from 'fast-check';
import { h, render } from 'preact';
import { describe, expect, it, vi } from 'vitest';
import {
  formatAge,
  formatCount,
  formatDateTime,
  formatDuration,
  formatScore,
  formatTime,
  listed,
  plural,
  short,
} from '../src/format.ts';
import { loadSettings, saveSettings } from '../src/settings.ts';
import { parseMarkdown } from '../src/text/markdown.ts';
import { Markdown } from '../src/text/markdown-view.tsx';

/** What a model's text becomes in a document. */
function shown(text: string): HTMLElement {
  const root = document.createElement('div');
  render(h(Markdown, { text }), root);
  return root;
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<iframe src="javascript:alert(1)">',
  '</div></p>',
  '&lt;script&gt;',
  '[a](javascript:alert(1))',
  '[a](JaVaScRiPt:alert(1))',
  '[a](data:text/html,<script>)',
  '[a](vbscript:x)',
  '[a](//evil.test)',
  '[a](/admin/keys)',
  '[a](#key=x)',
  '[a](http://ok.test "onclick=alert(1)")',
  '<http://x.test>',
  'https://x.test/"onmouseover="alert(1)',
  '![a](http://x.test/a.png)',
];
const GLUE = ['**', '*', '_', '`', '```\n', '> ', '- ', '1. ', '# ', '\n', '\n\n', ' ', '[', '](', ')', '\\'];
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.constantFrom(...HOSTILE, ...GLUE), { maxLength: 25 }).map((parts) => parts.join('')),
  fc
    .array(fc.oneof(fc.constantFrom(...HOSTILE, ...GLUE), fc.string({ maxLength: 6 })), { maxLength: 25 })
    .map((parts) => parts.join('')),
);

const ELEMENTS = 'p, pre, code, ul, ol, li, blockquote, hr, strong, em, a, div';

describe('a model’s text in a document', () => {
  it('has no element, no handler and no link that could do anything, whatever it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const element of shown(text).querySelectorAll('*')) {
          expect(element.matches(ELEMENTS)).toBe(true);
          for (const { name } of element.attributes)
            expect(['class', 'href', 'target', 'rel', 'start', 'data-language']).toContain(name);
          if (element.tagName !== 'A') continue;
          const link = element as HTMLAnchorElement;
          expect(['http:', 'https:']).toContain(new URL(link.getAttribute('href') ?? '').protocol);
          expect([link.target, link.rel]).toEqual(['_blank', 'noopener noreferrer nofollow']);
        }
      }),
      { numRuns: 400 },
    );
  });

  it.each(HOSTILE.slice(0, 6))('shows %s as the text it is', (text) => {
    expect(shown(text).textContent).toContain(text);
  });

  it('is the same whether it comes at once or word by word', () => {
    fc.assert(
      fc.property(anyText, fc.array(fc.nat(200), { maxLength: 5 }), (text, cuts) => {
        const root = document.createElement('div');
        for (const cut of [...cuts].sort((a, b) => a - b))
          render(h(Markdown, { text: text.slice(0, cut) }), root);
        render(h(Markdown, { text }), root);
        expect(root.innerHTML).toBe(shown(text).innerHTML);
      }),
      { numRuns: 100 },
    );
  });

  it('shows code as it is: every character between its fences, and no link in it', () => {
    const line = fc.string({ maxLength: 30 }).filter((text) => !/[`~\r\n]/.test(text));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 6 }),
        fc.constantFrom('```', '~~~', '`````'),
        (lines, fence) => {
          const root = shown([`${fence}ts`, ...lines, 'http://x.test', fence, 'after'].join('\n'));
          expect(root.querySelector('pre code')?.textContent).toBe([...lines, 'http://x.test'].join('\n'));
          expect(root.querySelector('pre')?.dataset.language).toBe('ts');
          expect(root.querySelectorAll('a')).toHaveLength(0);
          expect(root.querySelector('p')?.textContent).toBe('after');
        },
      ),
    );
  });

  it.each([
    ['**a _b_ c**', '<p><strong>a <em>b</em> c</strong></p>'],
    ['snake_case_name', '<p>snake_case_name</p>'],
    ['2 * 3 * 4', '<p>2 * 3 * 4</p>'],
    ['`**not strong**`', '<p><code>**not strong**</code></p>'],
    ['one\ntwo', '<p>one\ntwo</p>'],
    ['one\n\ntwo', '<p>one</p><p>two</p>'],
    ['---', '<hr>'],
    ['3. c\n4. d', '<ol start="3"><li>c</li><li>d</li></ol>'],
    ['- a\n- b', '<ul><li>a</li><li>b</li></ul>'],
    ['- a\n  - b', '<ul><li>a<ul><li>b</li></ul></li></ul>'],
    ['> a\n> b', '<blockquote><p>a\nb</p></blockquote>'],
    ['### T ###', '<p class="prose-heading prose-heading-3">T</p>'],
    ['#hash', '<p>#hash</p>'],
    ['a\r\nb\rc', '<p>a\nb\nc</p>'],
  ])('shows %j as %s', (text, expected) => {
    expect(shown(text).innerHTML).toBe(`<div class="prose">${expected}</div>`);
  });

  it('nests no deeper than it is allowed to', () => {
    const root = shown(`${'> '.repeat(50)}deep`);
    expect(root.querySelectorAll('blockquote').length).toBeLessThanOrEqual(6);
    expect(root.textContent).toContain('deep');
    expect(parseMarkdown('')).toEqual([]);
  });
});

describe('figures for a person', () => {
  it.each([
    [0, '0.00 ms'],
    [0.5, '0.50 ms'],
    [1.24, '1.2 ms'],
    [340.4, '340 ms'],
    [2414, '2.41 s'],
    [65_000, '1 min 5 s'],
    [119_600, '2 min 0 s'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%s ms is %s', (duration_ms, expected) => expect(formatDuration(duration_ms)).toBe(expected));

  it('a duration always has a figure and a unit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (duration_ms) => {
        expect(formatDuration(duration_ms)).toMatch(/^(\d+(\.\d{1,2})? (ms|s)|\d+ min \d{1,2} s)$/);
      }),
    );
  });

  const NOW = Date.parse('2026-11-23T10:00:00.000Z');
  it.each([
    [0, 'just now'],
    [-60, 'just now'],
    [44, 'just now'],
    [45, '1 min ago'],
    [180, '3 min ago'],
    [3600, '1 h ago'],
    [80_000, '22 h ago'],
  ])('what was %i s ago is %s', (ago_s, expected) => {
    expect(formatAge(new Date(NOW - ago_s * 1000).toISOString(), NOW)).toBe(expected);
  });

  it('what is older than a day has its date, and what is no date stays as it is', () => {
    const old = new Date(NOW - 86_400_000).toISOString();
    expect(formatAge(old, NOW)).toBe(formatDateTime(old));
    expect(formatDateTime(old)).toContain('2026');
    for (const format of [formatDateTime, formatTime, (text: string) => formatAge(text, NOW)])
      expect(format('soon')).toBe('soon');
  });

  it('counts, scores and lists read as words do', () => {
    expect([plural(1, 'turn'), plural(0, 'turn'), plural(1234, 'turn')]).toEqual([
      '1 turn',
      '0 turns',
      '1,234 turns',
    ]);
    expect([formatCount(1e6), formatScore(0.126), formatScore(1)]).toEqual(['1,000,000', '0.13', '1.00']);
    expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
    fc.assert(
      fc.property(fc.string(), fc.nat(40), (text, length) => {
        expect(text.startsWith(short(text, length))).toBe(true);
        expect(short(text, length)).toHaveLength(Math.min(length, text.length));
      }),
    );
  });
});

describe('what the form was left at', () => {
  const usual = loadSettings();

  it('comes back as it was', () => {
    const text = fc.string({ maxLength: 20 });
    const settings = fc.record({
      participants: fc.array(fc.record({ id: text, model: text, prompt: text }), {
        minLength: 1,
        maxLength: 8,
      }),
      mode: fc.constantFrom('debate' as const, 'cross-check' as const, 'answer' as const),
      exchanges: fc.integer({ min: 1, max: 16 }),
      max_tokens_per_turn: fc.integer({ min: 1, max: 4096 }),
    });
    fc.assert(
      fc.property(settings, (left) => {
        saveSettings(left);
        expect(loadSettings()).toEqual(left);
      }),
    );
  });

  it('is taken from whatever is kept, field by field, where its type is right', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (kept) => {
        localStorage.setItem('mcp.converse', kept);
        const loaded = loadSettings();
        expect(Object.keys(loaded).sort()).toEqual(Object.keys(usual).sort());
        for (const [name, value] of Object.entries(loaded))
          expect(typeof value).toBe(typeof usual[name as keyof typeof usual]);
      }),
    );
    localStorage.setItem('mcp.converse', '{"exchanges":"9","mode":"answer","__proto__":1,"modelA":"m"}');
    expect(loadSettings()).toEqual({ ...usual, mode: 'answer' });
    const one = { id: 'a', model: 'm', prompt: '' };
    for (const participants of [[], Array(9).fill(one), [one, null], [{ ...one, id: 7 }], { length: 1 }]) {
      localStorage.setItem('mcp.converse', JSON.stringify({ participants }));
      expect(loadSettings()).toEqual(usual);
    }
  });

  it('does no harm where the browser refuses to keep it', () => {
    const refuse = () => {
      throw new DOMException('refused', 'SecurityError');
    };
    vi.stubGlobal('localStorage', { getItem: refuse, setItem: refuse });
    saveSettings(usual);
    expect(loadSettings()).toEqual(usual);
    vi.unstubAllGlobals();
  });
});
