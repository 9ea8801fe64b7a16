import { AssetStore } from '@mcp/assets';
import { dataPaths } from '../src/paths.ts';
import { chosenStack } from '../src/runner/choices.ts';
import { LocalPlatform } from '../src/runner/platform.ts';
import { lineUi } from '../src/ui.ts';

// A runner to be killed by a test: node hold-platform.ts <data> <root> <port>
const [, , data = '', root = '', port = ''] = process.argv;
await LocalPlatform.start(
  {
    stack: chosenStack({ models: 'scripted', in_process: 'none' }),
    paths: dataPaths(data),
    scripted: true,
    offline: true,
    host: '127.0.0.1',
    port: Number(port),
  },
  {
    ui: lineUi(console.log),
    assets: new AssetStore({ offline: true }),
    env: { PATH: process.env.PATH },
    signal: new AbortController().signal,
    root,
  },
);
