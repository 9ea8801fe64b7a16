import { createHash } from 'node:crypto';
import { PUBLIC_ROUTES } from '@mcp/contracts';
import type { KitEnv } from '@mcp/service-kit';
import type { Hono } from 'hono';
import packageJson from '../../package.json' with { type: 'json' };
import { openApiDocument } from '../openapi/document.ts';
import { documentPage, PAGE_STYLE } from '../openapi/page.ts';

/** No script, nothing from elsewhere; of styles only the page's own. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** `GET /openapi.json`: the public interface as a document. `GET /docs`: the same as a page. Both are for everybody. */
export function documentRoutes(app: Hono<KitEnv>): void {
  let made: { readonly json: string; readonly page: string } | undefined;
  const documents = () => {
    if (made === undefined) {
      const document = openApiDocument(PUBLIC_ROUTES, packageJson.version);
      made = { json: JSON.stringify(document), page: documentPage(document) };
    }
    return made;
  };
  const headers = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
  app.get('/openapi.json', (c) =>
    c.body(documents().json, 200, { ...headers, 'content-type': 'application/json' }),
  );
  app.get('/docs', (c) =>
    c.html(documents().page, 200, {
      ...headers,
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
    }),
  );
}
