import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** A Chromium of this machine: MCP_CHROMIUM, one on PATH, or one in its usual place. */
export function findChromium(env = process.env) {
  if (env.MCP_CHROMIUM) return env.MCP_CHROMIUM;
  for (const name of NAMES) {
    for (const dir of (env.PATH ?? '').split(delimiter)) {
      try {
        accessSync(join(dir, name), constants.X_OK);
        return join(dir, name);
      } catch {
        // Not in this directory.
      }
    }
  }
  return PLACES.find((place) => existsSync(place));
}

export const HOW_TO_GET_CHROMIUM =
  'No Chromium is on this machine. Debian, Ubuntu: apt-get install chromium. Fedora: dnf install chromium. macOS: brew install --cask chromium. Or set MCP_CHROMIUM to the program of any Chromium or Chrome.';
