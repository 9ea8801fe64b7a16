const STORAGE_NAME = 'mcp.key';

/** The key in `#key=…` of a link that the platform prints, or null. */
export function keyFromFragment(hash: string): string | null {
  const match = /^#key=([^&]{1,4096})/.exec(hash);
  if (match?.[1] === undefined) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return null;
  }
}

/**
 * The key of this tab. One that arrives in the address is taken out of it at once, so that it stays
 * neither in the history nor in a screenshot, and lives as long as the tab.
 */
export function takeKey(): string | null {
  const arrived = keyFromFragment(location.hash);
  if (arrived !== null) {
    history.replaceState(null, '', `${location.pathname}${location.search}#/converse`);
    storeKey(arrived);
    return arrived;
  }
  try {
    return sessionStorage.getItem(STORAGE_NAME);
  } catch {
    return null;
  }
}

export function storeKey(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(STORAGE_NAME);
    else sessionStorage.setItem(STORAGE_NAME, key);
  } catch {
    // Storage is refused: the key lives in memory until the page is closed.
  }
}
