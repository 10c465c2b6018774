// What the OpenID Foundation's FAPI-CIBA plan asks of a provider, by a client that nobody here's library helps: real TLS, real
// client certificates, private_key_jwt, tls_client_auth, self_signed_tls_client_auth and DPoP, poll and ping.
// node plan.mjs QUICKSTART.dll     (needs openssl)
import assert from 'node:assert/strict';
import { Client, claimsOf, jkt, thumbprint } from './client.mjs';
import { keyPair, start } from './provider.mjs';

const provider = await start(process.argv[2]);
const { discovery, impostors, pings } = provider;
const { shop, till, teller, tellerPing, kiosk, app } = Object.fromEntries(Object.entries(provider.clients).map(([name, known]) => [name, new Client(provider, known)]));
const seconds = () => Math.floor(Date.now() / 1000);
const pause = () => new Promise(resolve => setTimeout(resolve, 1100));
let passed = 0;

async function check(what, does) {
  try {
    await does();
    passed++;
    console.log(`ok - ${what}`);
  } catch (error) {
    console.log(`not ok - ${what}: ${error.message}`);
    process.exitCode = 1;
  }
}

function refused(answer, status, ...errors) {
  assert.equal(answer.status, status, JSON.stringify(answer.json));
  assert.ok(errors.includes(answer.json.error), `${answer.json.error}: ${answer.json.error_description}`);
  assert.deepEqual(Object.keys(answer.json), ['error', 'error_description']);
}

async function asked(client, change) {
  const answer = await client.authorize(change);
  assert.equal(answer.status, 200, JSON.stringify(answer.json));
  assert.ok(answer.json.auth_req_id && answer.json.expires_in > 0 && answer.json.interval > 0);
  assert.match(answer.json.auth_req_id, /^[A-Za-z0-9._-]{43,}$/);
  return answer.json.auth_req_id;
}

function bound(client, tokens) {
  const { cnf } = claimsOf(tokens.access_token);
  assert.deepEqual(cnf, client.known.dpop ? { jkt: jkt(client.known.dpop) } : { 'x5t#S256': thumbprint(client.known.tls) });
  assert.equal(tokens.token_type, client.known.dpop ? 'DPoP' : 'Bearer');
  const { iss, aud, sub } = claimsOf(tokens.id_token);
  assert.deepEqual({ iss, aud, sub }, { iss: discovery.issuer, aud: client.known.id, sub: '1' });
}

await check('discovery says what is allowed and no more', () => {
  assert.deepEqual(discovery.backchannel_token_delivery_modes_supported, ['poll', 'ping']);
  assert.deepEqual(discovery.token_endpoint_auth_methods_supported, ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']);
  assert.deepEqual(discovery.backchannel_authentication_request_signing_alg_values_supported, ['PS256', 'ES256']);
  assert.deepEqual(discovery.token_endpoint_auth_signing_alg_values_supported, ['PS256', 'ES256']);
  assert.equal(discovery.tls_client_certificate_bound_access_tokens, true);
  assert.ok(discovery.grant_types_supported.includes('urn:openid:params:grant-type:ciba'));
});

for (const client of [shop, teller, kiosk, app]) {
  await check(`${client.known.auth}${client.known.dpop ? ' with DPoP' : ''}, poll: pending, approved, bound tokens, used up`, async () => {
    const id = await asked(client, { request: client.requestObject({ claims: { acr_values: 'urn:acr:1' } }) });
    refused(await client.poll(id), 400, 'authorization_pending');
    assert.equal((await client.answer('approve')).status, 204);
    await pause();
    const tokens = await client.poll(id);
    assert.equal(tokens.status, 200, JSON.stringify(tokens.json));
    bound(client, tokens.json);
    assert.equal(claimsOf(tokens.json.id_token).acr, 'urn:acr:1');
    refused(await client.poll(id), 400, 'invalid_grant');
  });
  await check(`${client.known.auth}${client.known.dpop ? ' with DPoP' : ''}, poll: denied`, async () => {
    const id = await asked(client);
    assert.equal((await client.answer('deny')).status, 204);
    refused(await client.poll(id), 400, 'access_denied');
  });
}

for (const client of [till, tellerPing]) {
  for (const answer of ['approve', 'deny']) {
    await check(`${client.known.auth}, ping: ${answer}`, async () => {
      pings.length = 0;
      const id = await asked(client);
      await client.answer(answer);
      for (let i = 0; i < 100 && pings.length === 0; i++) {
        await new Promise(resolve => setTimeout(resolve, 50));
      }
      assert.deepEqual(pings, [{ authorization: `Bearer ${client.notificationToken}`, type: 'application/json', body: { auth_req_id: id } }]);
      const tokens = await client.poll(id);
      if (answer === 'deny') {
        refused(tokens, 400, 'access_denied');
      } else {
        assert.equal(tokens.status, 200, JSON.stringify(tokens.json));
        bound(client, tokens.json);
      }
    });
  }
}

for (const client of [shop, teller]) {
  const wrong = (what, change, ...errors) => check(`${client.known.auth}: a request object ${what} is refused`, async () =>
    refused(await client.authorize({ request: client.requestObject(change) }), 400, 'invalid_request', ...errors));
  for (const claim of ['aud', 'iss', 'exp', 'iat', 'nbf', 'jti']) {
    await wrong(`without ${claim}`, { claims: { [claim]: undefined } });
  }
  await wrong('for somebody else', { claims: { aud: 'https://other.example' } });
  await wrong('of another client', { claims: { iss: 'till' } });
  await wrong('that has expired', { claims: { exp: seconds() - 300 } });
  await wrong('good for 70 minutes', { claims: { exp: seconds() + 70 * 60 } });
  await wrong('from 70 minutes ago', { claims: { nbf: seconds() - 70 * 60, iat: seconds() - 70 * 60 } });
  await wrong('from the future', { claims: { nbf: seconds() + 480 } });
  await wrong('signed by another key', { keys: keyPair(client.known.keys.kid) });
  await wrong('signed by another client', { keys: till.known.keys });
  await wrong('signed by RS256', { keys: { ...till.known.keys, alg: 'RS256' } });
  await wrong('signed by none', { header: { alg: 'none' } });
  await wrong('of another type', { header: { typ: 'at+jwt' } });
  await wrong('without binding message and details', { claims: { binding_message: undefined } });
  await wrong('with two hints', { claims: { login_hint_token: 'x' } });
  await wrong('without a hint', { claims: { login_hint: undefined } });
  await wrong('with a requested_expiry of zero', { claims: { requested_expiry: 0 } });
  await wrong('without openid', { claims: { scope: 'profile' } }, 'invalid_scope');
  await wrong('with a binding message that cannot be shown', { claims: { binding_message: '\u202ex'.repeat(200) } }, 'invalid_binding_message');
  await wrong('of an unknown user', { claims: { login_hint: 'nobody' } }, 'unknown_user_id');

  await check(`${client.known.auth}: a signature that was changed is refused`, async () => {
    const request = client.requestObject();
    refused(await client.authorize({ request: `${request.slice(0, -8)}AAAAAAAA` }), 400, 'invalid_request');
  });
  await check(`${client.known.auth}: a request object is good once`, async () => {
    const request = client.requestObject();
    await asked(client, { request });
    refused(await client.authorize({ request }), 400, 'invalid_request');
    await client.answer('deny');
  });
  await check(`${client.known.auth}: a request that is not signed is refused`, async () =>
    refused(await client.authorize({ request: null, form: { scope: 'openid', login_hint: 'alice', binding_message: 'W4SCT' } }), 400, 'invalid_request'));
  await check(`${client.known.auth}: a parameter beside the request object is refused`, async () =>
    refused(await client.authorize({ form: { scope: 'openid' } }), 400, 'invalid_request'));
  await check(`${client.known.auth}: a request object of no type, with requested_expiry as text and as number`, async () => {
    for (const requested_expiry of [30, '30']) {
      const answer = await client.authorize({ request: client.requestObject({ header: { typ: undefined }, claims: { requested_expiry } }) });
      assert.equal(answer.json.expires_in, 30);
      await client.answer('deny');
    }
  });
  await check(`${client.known.auth}: no certificate, no tokens, and nothing is told of the request`, async () => {
    const id = await asked(client);
    refused(await client.poll(id, { tls: {} }), client.known.auth === 'tls_client_auth' ? 401 : 400, 'invalid_request', 'invalid_client');
    assert.equal((await client.answer('approve')).status, 204);
    refused(await client.poll(id, { tls: {} }), client.known.auth === 'tls_client_auth' ? 401 : 400, 'invalid_request', 'invalid_client');
    assert.equal((await client.poll(id)).status, 200);
  });
  await check(`${client.known.auth}: another client's auth_req_id, and one that never was`, async () => {
    const other = client === shop ? kiosk : shop;
    const id = await asked(client);
    refused(await other.poll(id), 400, 'invalid_grant');
    refused(await client.poll(`${id.slice(0, -4)}AAAA`), 400, 'invalid_grant');
    refused(await client.poll(id), 400, 'authorization_pending');
    await client.answer('deny');
  });
  await check(`${client.known.auth}: what is approved is in the token`, async () => {
    const details = [{ type: 'payment_initiation', instructedAmount: { currency: 'EUR', amount: '123.50' }, creditorName: 'Merchant A' }];
    const id = await asked(client, { request: client.requestObject({ claims: { binding_message: undefined, authorization_details: details, request_context: { geo: { lat: 51, lon: 7 } } } }) });
    const { request } = await client.answer('approve');
    assert.deepEqual(request.authorization_details, details);
    const { json } = await client.poll(id);
    assert.deepEqual(json.authorization_details, details);
    assert.deepEqual(claimsOf(json.access_token).authorization_details, details);
  });
}

for (const [name, tls] of Object.entries({ ...impostors, none: {} })) {
  await check(`tls_client_auth: a certificate of ${name} is not the client's`, async () => refused(await teller.authorize({ tls }), 401, 'invalid_client'));
}

await check('self_signed_tls_client_auth: a certificate that is not registered', async () => refused(await kiosk.authorize({ tls: impostors.selfMade }), 401, 'invalid_client'));
await check('tls_client_auth: a header is no certificate', async () =>
  refused(await teller.authorize({ tls: {}, headers: { 'x-client-cert': encodeURIComponent(teller.known.tls.cert.toString()), 'x-ssl-cert': teller.known.tls.cert.toString('base64') } }), 401, 'invalid_client'));
await check('private_key_jwt: a secret or a certificate in its place', async () => {
  refused(await shop.authorize({ form: { client_assertion: '', client_assertion_type: '', client_id: 'shop', client_secret: 'x' } }), 401, 'invalid_client');
  refused(await shop.authorize({ form: { client_assertion: '', client_assertion_type: '', client_id: 'shop' } }), 401, 'invalid_client');
});

await check('DPoP: no proof, a foreign one, a replayed one, one for another call', async () => {
  const id = await asked(app, { request: app.requestObject({ claims: { dpop_jkt: jkt(app.known.dpop) } }) });
  refused(await app.poll(id, { proof: null }), 400, 'invalid_dpop_proof', 'invalid_request');
  refused(await app.poll(id, { proof: app.proof(discovery.backchannel_authentication_endpoint) }), 400, 'invalid_dpop_proof');
  refused(await app.poll(id, { proof: app.proof(discovery.token_endpoint, { claims: { htm: 'GET' } }) }), 400, 'invalid_dpop_proof');
  refused(await app.poll(id, { proof: app.proof(discovery.token_endpoint, { claims: { iat: seconds() - 3600 } }) }), 400, 'invalid_dpop_proof');
  await app.answer('approve');
  refused(await app.poll(id, { proof: app.proof(discovery.token_endpoint, { keys: keyPair('other') }) }), 400, 'invalid_grant', 'invalid_dpop_proof');
  const proof = app.proof(discovery.token_endpoint);
  assert.equal((await app.poll(id, { proof })).status, 200);
  refused(await app.poll(id, { proof }), 400, 'invalid_dpop_proof');
});

provider.stop();
console.log(`FAPI-CIBA: ${passed} passed`);
if (process.exitCode) {
  console.log(provider.log());
}
process.exit();
