import { createServer } from 'node:http';
import { Pool } from 'undici';

/** The floor: a bare node:http server that hands a request on with undici and pipes the answer back. */
const port = Number(process.argv[2]);
const pool = new Pool(`http://127.0.0.1:${process.argv[3]}`, { connections: 64 });

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    void pool.stream(
      {
        method: 'POST',
        path: request.url ?? '/',
        headers: { 'content-type': 'application/json' },
        body: Buffer.concat(chunks),
        opaque: response,
      },
      ({ statusCode, headers }) =>
        response.writeHead(statusCode, { 'content-type': String(headers['content-type']) }),
    );
  });
}).listen(port, '127.0.0.1');
