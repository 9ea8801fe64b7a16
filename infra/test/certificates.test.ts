import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { stacks } from '@mcp/stacks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { linksOf, namesOf } from '../charts/dependency/place.ts';
import { type Certificates, certificatesOf } from '../kit/certificates.ts';

const SEED = 'a'.repeat(43);
const NAMES = ['nats.one.example', '*.nats.two.example'];
const of = (seed: string, names = NAMES) =>
  certificatesOf(seed, { authority: 'a test', subject: 'nats', names });

/** Whether two ends that ask each other for a certificate come together. */
async function meet(server_has: Certificates, client_has: Certificates, servername: string): Promise<string> {
  const server = createServer({
    ...{ ca: server_has.ca, cert: server_has.cert, key: server_has.key },
    requestCert: true,
    rejectUnauthorized: true,
  });
  onTestFinished(() => void server.close());
  const seen = new Promise<string>((done) => {
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => undefined).end();
      done('both');
    });
    server.on('tlsClientError', ({ message }) => done(`server: ${message}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', servername, ...client_has });
  const refused = once(client, 'error').then(([error]: Error[]) => `client: ${error?.message}`);
  onTestFinished(() => void client.destroy());
  return Promise.race([seen, refused]);
}

describe('certificates from a seed', () => {
  it('are the same for the same seed and names, so that a preview shows no difference', () => {
    expect(of(SEED)).toEqual(of(SEED));
    expect(of('b'.repeat(43)).cert).not.toBe(of(SEED).cert);
    const more = of(SEED, [...NAMES, 'nats.three.example']);
    expect(more.ca).toBe(of(SEED).ca);
    expect(new X509Certificate(more.cert).serialNumber).not.toBe(
      new X509Certificate(of(SEED).cert).serialNumber,
    );
  });

  it('are signed by their authority, which is one, and hold their names', () => {
    const { ca, cert, key } = of(SEED);
    const [authority, leaf] = [new X509Certificate(ca), new X509Certificate(cert)];
    expect([authority.ca, leaf.ca]).toEqual([true, false]);
    expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(leaf.subjectAltName).toBe(NAMES.map((name) => `DNS:${name}`).join(', '));
  });

  it('let two ends meet that have one authority, under the names alone', async () => {
    const ours = of(SEED);
    expect(await meet(ours, ours, 'nats.one.example')).toBe('both');
    expect(await meet(ours, ours, 'nats-0.nats.two.example')).toBe('both');
    expect(await meet(ours, ours, 'elsewhere.example')).toMatch(/^client: .*altnames/);
    const theirs = of('b'.repeat(43));
    expect(await meet(ours, { ...theirs, ca: ours.ca }, 'nats.one.example')).toMatch(/^(server|client): /);
  });
});

it.each(Object.keys(stacks))('the names of %s hold every address that a region dials', (name) => {
  const stack = stacks[name];
  if (stack === undefined) throw new Error(`there is no stack ${name}`);
  for (const region of stack.regions)
    for (const { host } of linksOf({ stack, region }, 'nats')) expect(namesOf(stack, 'nats')).toContain(host);
});
