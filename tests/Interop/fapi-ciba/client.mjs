// A client of the FAPI-CIBA profile, on nothing but Node's own modules: what it sends is what is written here.
import { createHash, randomUUID, sign } from 'node:crypto';
import { Agent, request } from 'node:https';

const grant = 'urn:openid:params:grant-type:ciba';
const encode = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

export function jwt(keys, header, claims) {
  const input = `${encode({ alg: keys.alg, kid: keys.kid, ...header })}.${encode(claims)}`;
  const options = keys.alg === 'ES256' ? { dsaEncoding: 'ieee-p1363' } : { padding: 6, saltLength: 32 };
  return `${input}.${sign('sha256', Buffer.from(input), { key: keys.privateKey, ...(keys.alg === 'RS256' ? {} : options) }).toString('base64url')}`;
}

export const thumbprint = ({ cert }) => createHash('sha256').update(Buffer.from(cert.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64')).digest('base64url');

export function jkt({ jwk: { crv, kty, x, y } }) {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

export const claimsOf = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** One HTTPS call on a connection of its own. */
export function call({ ca, url, tls, form, headers = {}, method = form ? 'POST' : 'GET' }) {
  return new Promise((resolve, reject) => {
    const body = form ? new URLSearchParams(form).toString() : undefined;
    const sent = request(url, {
      method,
      agent: new Agent({ ca, ...tls, keepAlive: false }),
      headers: { ...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}), ...headers },
    }, response => {
      let text = '';
      response.on('data', part => text += part);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, json: text ? JSON.parse(text) : undefined }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A client at a provider. `change` alters what is otherwise right: claims or header of the request object, the form, the certificate. */
export class Client {
  constructor({ ca, discovery }, known) {
    Object.assign(this, { ca, discovery, known });
  }

  requestClaims(change = {}) {
    const claims = {
      iss: this.known.id,
      aud: this.discovery.issuer,
      iat: now(),
      nbf: now(),
      exp: now() + 300,
      jti: randomUUID(),
      scope: 'openid',
      login_hint: 'alice',
      binding_message: 'W4SCT',
      ...(this.known.mode === 'ping' ? { client_notification_token: this.notificationToken = randomUUID() } : {}),
      ...change,
    };
    return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  }

  requestObject({ claims, header, keys = this.known.keys } = {}) {
    return jwt(keys, { typ: 'oauth-authz-req+jwt', ...header }, this.requestClaims(claims));
  }

  authentication() {
    return this.known.auth === 'private_key_jwt'
      ? {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: jwt(this.known.keys, {}, { iss: this.known.id, sub: this.known.id, aud: this.discovery.issuer, jti: randomUUID(), iat: now(), exp: now() + 60 }),
      }
      : { client_id: this.known.id };
  }

  proof(url, { keys = this.known.dpop, claims, header } = {}) {
    const { kid, use, alg, ...jwk } = keys.jwk;
    return jwt({ ...keys, kid: undefined }, { typ: 'dpop+jwt', jwk, ...header }, { jti: randomUUID(), htm: 'POST', htu: url, iat: now(), ...claims });
  }

  authorize({ request = this.requestObject(), form, tls = this.known.tls, ...change } = {}) {
    return call({
      ca: this.ca,
      url: this.discovery.backchannel_authentication_endpoint,
      tls,
      form: { ...this.authentication(), ...(request ? { request } : {}), ...form },
      ...change,
    });
  }

  poll(authReqId, { tls = this.known.tls, form, proof = this.known.dpop && this.proof(this.discovery.token_endpoint), ...change } = {}) {
    return call({
      ca: this.ca,
      url: this.discovery.token_endpoint,
      tls,
      form: { grant_type: grant, auth_req_id: authReqId, ...this.authentication(), ...form },
      headers: proof ? { dpop: proof } : {},
      ...change,
    });
  }

  /** What alice's phone does with the newest request. */
  async answer(what, body) {
    const phone = { ca: this.ca, headers: { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}` } };
    const waiting = (await call({ ...phone, url: `${this.discovery.issuer}/device/requests` })).json;
    const { status } = await call({ ...phone, url: `${this.discovery.issuer}/device/requests/${waiting.at(-1).id}/${what}`, method: 'POST' });
    return { status, request: waiting.at(-1) };
  }
}
