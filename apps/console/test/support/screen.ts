/** What a person sees on a page and does with it. */

export function textOf(selector = 'main'): string {
  return document.querySelector(selector)?.textContent ?? '';
}

export function all<T extends Element = HTMLElement>(selector: string): T[] {
  return [...document.querySelectorAll<T>(selector)];
}

/** The one element that a selector means. */
export function one<T extends Element = HTMLElement>(selector: string): T {
  const [found, ...more] = all<T>(selector);
  if (found === undefined || more.length > 0)
    throw new Error(`${selector} is there ${more.length + (found === undefined ? 0 : 1)} times.`);
  return found;
}

/** A button or link by what a screen reader calls it. */
export function named(name: string): HTMLElement {
  const found = all('button, a, summary').filter(
    (element) => (element.getAttribute('aria-label') ?? element.textContent ?? '').trim() === name,
  );
  if (found[0] === undefined) throw new Error(`There is no button or link "${name}" in: ${textOf('body')}`);
  return found[0];
}

export function isNamed(name: string): boolean {
  return all('button, a').some(
    (element) => (element.getAttribute('aria-label') ?? element.textContent ?? '').trim() === name,
  );
}

/** The field with this label. */
export function field(label: string): HTMLInputElement {
  const holder = all('label').find((element) => element.querySelector('span')?.textContent === label);
  const found = holder?.querySelector<HTMLInputElement>('input, select, textarea');
  if (found == null) throw new Error(`There is no field "${label}".`);
  return found;
}

/** Types into a field, or chooses an option of one. */
export function fill(label: string, value: string): void {
  const target = field(label);
  target.value = value;
  target.dispatchEvent(new Event(target.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
}

/** Presses a key where the focus is, or on the element given; true when the page took it for itself. */
export function press(
  key: string,
  at: Element | null = document.activeElement,
  more: KeyboardEventInit = {},
): boolean {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
  (at ?? document.body).dispatchEvent(event);
  return event.defaultPrevented;
}

export function submit(selector: string): void {
  one<HTMLFormElement>(selector).dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
}
