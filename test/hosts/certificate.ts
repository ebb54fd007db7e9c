import { generateKeyPairSync, sign } from 'node:crypto';

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts);
const utcTime = (time: number): Buffer => {
  const digits = new Date(time).toISOString().replace(/\D/g, '').slice(2, 14);
  return tlv(0x17, Buffer.from(`${digits}Z`));
};

/**
 * A fresh self-signed certificate for this run (RFC 5280), so that no private key lies in the repository and no program
 * besides Node is needed.
 */
export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
  });
  const ecdsaWithSha256 = sequence(tlv(6, Buffer.from('2a8648ce3d040302', 'hex')));
  const commonName = sequence(
    tlv(6, Buffer.from('550403', 'hex')),
    tlv(0x0c, Buffer.from('localhost')),
  );
  const name = sequence(tlv(0x31, commonName));
  const day = 24 * 60 * 60 * 1000;
  const tbs = sequence(
    tlv(2, Buffer.from([1])), // the serial number
    ecdsaWithSha256,
    name,
    sequence(utcTime(Date.now() - day), utcTime(Date.now() + day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = tlv(3, Buffer.from([0]), sign('sha256', tbs, privateKey));
  const der = sequence(tbs, ecdsaWithSha256, signature);
  const lines = der.toString('base64').replace(/.{1,64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
  };
}
