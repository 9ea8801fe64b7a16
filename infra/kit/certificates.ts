import { createHash, createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from '@peculiar/asn1-x509';

/** PEM texts. The key of the authority is in none of them: it is in the seed alone. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const ED25519 = '1.3.101.112';
const COMMON_NAME = '2.5.4.3';
/** PKCS #8 of an Ed25519 key, up to the 32 bytes of the key (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** As long as the seed lives: who wants another certificate replaces the seed. */
const NOT_BEFORE = new Date('2026-01-01T00:00:00Z');
const NOT_AFTER = new Date('2046-01-01T00:00:00Z');
const SERIAL_BYTES = 16;
const FINGERPRINT_BYTES = 20;

/**
 * A certificate authority and one certificate for all of these names, as server and as client, both from a seed: the
 * same seed and names give the same bytes, so that nothing but the seed is kept and a preview shows no difference.
 */
export function certificatesOf(
  seed: string,
  { authority, subject, names }: { authority: string; subject: string; names: readonly string[] },
): Certificates {
  const ca_key = keyOf(seed, 'authority');
  const key = keyOf(seed, 'certificate');
  const alternatives = names.map((dNSName) => new GeneralName({ dNSName }));
  const ca = certificate({ subject: authority, issuer: authority, key: ca_key, signer: ca_key }, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 })),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign)),
  ]);
  const cert = certificate({ subject, issuer: authority, key, signer: ca_key }, [
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature)),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth])),
    extension(id_ce_subjectAltName, new SubjectAlternativeName(alternatives)),
  ]);
  return { ca, cert, key: key.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

function keyOf(seed: string, purpose: string): KeyObject {
  const secret = createHmac('sha256', seed).update(purpose).digest();
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, secret]), format: 'der', type: 'pkcs8' });
}

function certificate(
  of: { subject: string; issuer: string; key: KeyObject; signer: KeyObject },
  extensions: readonly Extension[],
): string {
  const spki = createPublicKey(of.key).export({ format: 'der', type: 'spki' });
  const algorithm = new AlgorithmIdentifier({ algorithm: ED25519 });
  const signer_spki = createPublicKey(of.signer).export({ format: 'der', type: 'spki' });
  const all = [
    ...extensions,
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(fingerprint(spki))),
    extension(
      id_ce_authorityKeyIdentifier,
      new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(fingerprint(signer_spki)) }),
    ),
  ];
  const content = new TBSCertificate({
    version: 2,
    serialNumber: serialOf(of.subject, spki, all),
    signature: algorithm,
    issuer: nameOf(of.issuer),
    validity: new Validity({ notBefore: NOT_BEFORE, notAfter: NOT_AFTER }),
    subject: nameOf(of.subject),
    subjectPublicKeyInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    extensions: new Extensions(all),
  });
  const signature = sign(null, Buffer.from(AsnConvert.serialize(content)), of.signer);
  const whole = new Certificate({
    tbsCertificate: content,
    signatureAlgorithm: algorithm,
    signatureValue: bytesOf(signature),
  });
  const base64 = Buffer.from(AsnConvert.serialize(whole)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END CERTIFICATE-----\n`;
}

/** An issuer gives a number once: it follows from what is certified. Positive, as RFC 5280 asks. */
function serialOf(subject: string, spki: Buffer, extensions: readonly Extension[]): ArrayBuffer {
  const hash = createHash('sha256').update(subject).update(spki);
  for (const one of extensions) hash.update(Buffer.from(AsnConvert.serialize(one)));
  const number = hash.digest().subarray(0, SERIAL_BYTES);
  number[0] = ((number[0] ?? 0) & 0x3f) | 0x40;
  return bytesOf(number);
}

function fingerprint(spki: Buffer): ArrayBuffer {
  return bytesOf(createHash('sha256').update(spki).digest().subarray(0, FINGERPRINT_BYTES));
}

function nameOf(common_name: string): Name {
  const value = new AttributeValue({ utf8String: common_name });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function extension(extnID: string, value: object): Extension {
  return new Extension({
    extnID,
    critical: extnID === id_ce_basicConstraints || extnID === id_ce_keyUsage,
    extnValue: new OctetString(AsnConvert.serialize(value)),
  });
}

function bytesOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
