// A Quickstart with real TLS, made from nothing: a certificate authority, certificates, keys, and a configuration for the FAPI-CIBA profile.
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from './client.mjs';

export const port = 5446;
export const issuer = `https://localhost:${port}`;

const work = mkdtempSync(join(tmpdir(), 'fapi-ciba-'));
const file = name => join(work, name);
const openssl = (...args) => execFileSync('openssl', args, { cwd: work, stdio: 'pipe' });

function authority(name) {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`,
    '-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
}

function certificate(name, subject, ca, extensions) {
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
  writeFileSync(file(`${name}.ext`), extensions);
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-days', '2', '-out', `${name}.pem`, '-extfile', `${name}.ext`);
  return { cert: readFileSync(file(`${name}.pem`)), key: readFileSync(file(`${name}.key`)) };
}

function selfSigned(name) {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`);
  return { cert: readFileSync(file(`${name}.pem`)), key: readFileSync(file(`${name}.key`)) };
}

export function keyPair(kid, alg = 'ES256') {
  const { privateKey, publicKey } = alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg } };
}

/** Starts the provider and what it pings; the clients, each with what it authenticates with. */
export async function start(dll) {
  authority('bank-ca');
  authority('other-ca');
  const server = certificate('server', '/CN=localhost', 'bank-ca', 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n');
  const ca = readFileSync(file('bank-ca.pem'));
  const pings = [];
  const receiver = await receive(server, pings);
  const client = 'extendedKeyUsage=clientAuth\n';
  const x5c = ({ cert }) => cert.toString().replace(/-----[^-]+-----|\s/g, '');
  const shop = keyPair('shop-1');
  const till = keyPair('till-1', 'PS256');
  const tellers = keyPair('teller-1');
  const self = { ...selfSigned('kiosk') };
  const kiosk = keyPair('kiosk-1');
  const app = keyPair('app-1');
  const clients = {
    shop: { id: 'shop', keys: shop, auth: 'private_key_jwt', tls: certificate('shop', '/C=DE/O=Shop/CN=shop', 'bank-ca', client), mode: 'poll' },
    till: { id: 'till', keys: till, auth: 'private_key_jwt', tls: certificate('till', '/CN=till', 'bank-ca', client), mode: 'ping' },
    teller: { id: 'teller', keys: tellers, auth: 'tls_client_auth', tls: certificate('teller', '/C=DE/O=Bank/CN=teller', 'bank-ca', client), mode: 'poll' },
    tellerPing: { id: 'teller-ping', keys: tellers, auth: 'tls_client_auth', tls: certificate('teller-ping', '/CN=whoever', 'bank-ca', `${client}subjectAltName=DNS:teller.bank.example\n`), mode: 'ping' },
    kiosk: { id: 'kiosk', keys: kiosk, auth: 'self_signed_tls_client_auth', tls: self, mode: 'poll' },
    app: { id: 'app', keys: app, auth: 'private_key_jwt', dpop: keyPair('dpop'), mode: 'poll' },
  };
  const impostors = {
    otherAuthority: certificate('impostor', '/C=DE/O=Bank/CN=teller', 'other-ca', client),
    otherName: certificate('other-name', '/C=DE/O=Bank/CN=teller2', 'bank-ca', client),
    selfMade: selfSigned('teller-self'),
  };
  const registered = {
    shop: {}, till: {},
    teller: { TlsClientAuthSubjectDn: 'CN=teller,O=Bank,C=DE' },
    tellerPing: { TlsClientAuthSanDns: 'teller.bank.example' },
    kiosk: {},
    app: { TlsClientCertificateBoundAccessTokens: false, DpopBoundAccessTokens: true },
  };
  writeFileSync(file('quickstart.json'), JSON.stringify({
    Ciba: {
      Issuer: issuer,
      Profile: 'FapiCiba',
      AcrValuesSupported: ['urn:acr:1'],
      AuthorizationDetailsTypesSupported: ['payment_initiation'],
      PollingInterval: '00:00:01',
      Limits: { PendingPerUser: 0, PendingPerUserAndClient: 0, NotificationsPerUser: 0, NotificationsPerUserAndClient: 0 },
      MutualTls: { Enabled: true, TrustedAuthorityFiles: [file('bank-ca.pem')], RevocationMode: 'NoCheck' },
      Callbacks: { AllowedNetworks: ['127.0.0.1', '::1'] },
      Clients: Object.entries(clients).map(([name, known]) => ({
        ClientId: known.id,
        ClientName: `The ${name}`,
        TokenEndpointAuthMethod: known.auth,
        Jwks: JSON.stringify({ keys: [known.keys.jwk, ...(name === 'kiosk' ? [{ ...certificateJwk(self), x5c: [x5c(self)] }] : [])] }),
        BackchannelAuthenticationRequestSigningAlg: known.keys.alg,
        BackchannelTokenDeliveryMode: known.mode,
        ...(known.mode === 'ping' ? { BackchannelClientNotificationEndpoint: `https://localhost:${receiver.address().port}/ping` } : {}),
        TlsClientCertificateBoundAccessTokens: true,
        AuthorizationDetailsTypes: ['payment_initiation'],
        Scopes: ['profile'],
        ...registered[name],
      })),
    },
    Kestrel: {
      Endpoints: { Https: { Url: issuer, Certificate: { Path: file('server.pem'), KeyPath: file('server.key') }, ClientCertificateMode: 'AllowCertificate' } },
    },
    Quickstart: { Demo: true, TrustedCallbackCertificate: file('bank-ca.pem') },
  }, null, 2));
  const provider = spawn('dotnet', [dll, '--config', file('quickstart.json')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  provider.stdout.on('data', text => log += text);
  provider.stderr.on('data', text => log += text);
  process.on('exit', () => {
    provider.kill();
    rmSync(work, { recursive: true, force: true });
  });
  for (let i = 0; ; i++) {
    try {
      const discovery = await call({ ca, url: `${issuer}/.well-known/openid-configuration` });
      return { ca, clients, impostors, pings, discovery: discovery.json, log: () => log, stop: () => receiver.close() };
    } catch (error) {
      if (i === 60 || provider.exitCode !== null) {
        throw new Error(`The Quickstart did not start: ${error.message}\n${log}`);
      }
      await new Promise(resolve => setTimeout(resolve, 500));
    }
  }
}

function certificateJwk({ key }) {
  const { createPublicKey } = process.getBuiltinModule('node:crypto');
  return { ...createPublicKey(key).export({ format: 'jwk' }), kid: 'kiosk-tls' };
}

/** What the provider pings: keeps every call, and answers as the last path segment says. */
async function receive(tls, pings) {
  const receiver = createServer(tls, (request, response) => {
    let body = '';
    request.on('data', text => body += text);
    request.on('end', () => {
      pings.push({ authorization: request.headers.authorization, type: request.headers['content-type'], body: JSON.parse(body) });
      response.writeHead(204).end();
    });
  });
  await new Promise(resolve => receiver.listen(0, resolve));
  return receiver;
}
