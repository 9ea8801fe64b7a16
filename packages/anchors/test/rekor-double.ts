/** A Rekor as its OpenAPI document and its guide for clients describe version 2, on a tree of ours: the real one is run in `bench/provenance`. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { encodeVerifier, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { z } from 'zod';

const Request = z.strictObject({
  hashedRekordRequestV002: z.strictObject({
    digest: z.base64().length(44),
    signature: z.strictObject({
      content: z.base64(),
      verifier: z.strictObject({
        publicKey: z.strictObject({ rawBytes: z.base64() }),
        keyDetails: z.literal('PKIX_ECDSA_P256_SHA_256'),
      }),
    }),
  }),
});

/** What a test does to an answer. */
type Change = (answer: { status: number; body: string }) => { status: number; body: string };

export interface Rekor {
  readonly url: string;
  /** Its key, as C2SP signed-note writes it. */
  readonly key: string;
  change: Change;
  close(): Promise<void>;
}

export async function startRekor(folder: string): Promise<Rekor> {
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
    name: 'rekor.example',
    algorithm: 'ed25519',
  });
  const log = await TransparencyLog.open({ disk: folderDisk(folder), signer });
  const enter = async (request: string) => {
    const { digest, signature } = Request.parse(JSON.parse(request)).hashedRekordRequestV002;
    createPublicKey({
      key: Buffer.from(signature.verifier.publicKey.rawBytes, 'base64'),
      format: 'der',
      type: 'spki',
    });
    const { content, verifier } = signature;
    const hashedRekordV002 = { data: { algorithm: 'SHA2_256', digest }, signature: { content, verifier } };
    const body = Buffer.from(
      JSON.stringify({ apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002 } }),
    );
    const index = await log.append(body);
    await log.publish();
    const hashes = await log.inclusion(index);
    return {
      logIndex: String(index),
      logId: { keyId: signer.key_id.toString('base64') },
      kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
      integratedTime: '0',
      inclusionPromise: null,
      inclusionProof: {
        logIndex: String(index),
        rootHash: (await log.root(log.published_size)).toString('base64'),
        treeSize: String(log.published_size),
        hashes: hashes.map((hash) => hash.toString('base64')),
        checkpoint: { envelope: log.checkpoint },
      },
      canonicalizedBody: body.toString('base64'),
    };
  };
  const server = createServer(async (request, response) => {
    const asked = await textOf(request);
    const answer = await (request.method === 'POST' && request.url === '/api/v2/log/entries'
      ? enter(asked).then(
          (entry) => ({ status: 201, body: JSON.stringify(entry) }),
          (error: Error) => ({ status: 400, body: JSON.stringify({ code: 3, message: error.message }) }),
        )
      : { status: 404, body: '{}' });
    const { status, body } = rekor.change(answer);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const rekor: Rekor = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: encodeVerifier(signer),
    change: (answer) => answer,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await log.close();
    },
  };
  return rekor;
}
