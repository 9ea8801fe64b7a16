import { useLayoutEffect, useState } from 'preact/hooks';

export type Theme = 'system' | 'light' | 'dark';

const NAME = 'mcp.theme';

/** The chosen theme and the next one: system → light → dark → system. */
export function useTheme(): { readonly theme: Theme; readonly cycle: () => void } {
  const [theme, setTheme] = useState<Theme>(read);
  useLayoutEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === 'system') localStorage.removeItem(NAME);
      else localStorage.setItem(NAME, theme);
    } catch {
      // Storage is refused: the choice holds until the page is closed.
    }
    window.dispatchEvent(new Event('mcp:theme'));
  }, [theme]);
  return { theme, cycle: () => setTheme(next) };
}

/** Calls back when colours may have changed, by choice or by the system; for charts that copy them. */
export function onThemeChange(listener: () => void): () => void {
  const media = window.matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', listener);
  window.addEventListener('mcp:theme', listener);
  return () => {
    media.removeEventListener('change', listener);
    window.removeEventListener('mcp:theme', listener);
  };
}

function next(theme: Theme): Theme {
  switch (theme) {
    case 'system':
      return 'light';
    case 'light':
      return 'dark';
    case 'dark':
      return 'system';
    default:
      return theme satisfies never;
  }
}

function read(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}
