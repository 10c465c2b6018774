// A client that nobody here wrote gets its ID Token from the Quickstart: openid-client 6, poll mode.
// node poll.mjs [issuer]     (the Quickstart runs with its demo users and clients: dotnet run, or Quickstart__Demo=true)
import assert from 'node:assert/strict';
import * as client from 'openid-client';

const issuer = process.argv[2] ?? 'http://localhost:5080';
const phone = { headers: { authorization: `Basic ${Buffer.from('alice:alice').toString('base64')}` } };

const config = await client.discovery(new URL(issuer), 'shop', 'shop-secret', client.ClientSecretBasic('shop-secret'), {
  execute: [client.allowInsecureRequests],
});

// An approval, while the client polls.
const approved = await client.initiateBackchannelAuthentication(config, { scope: 'openid profile', login_hint: 'alice', binding_message: 'W4SCT' });
const polling = client.pollBackchannelAuthenticationGrant(config, approved);
assert.equal(await answer('approve'), 204);
const tokens = await polling;
assert.equal(tokens.claims().sub, '1');
assert.equal(tokens.claims().aud, 'shop');
assert.ok(tokens.access_token);

// The approval is used up.
await assert.rejects(client.pollBackchannelAuthenticationGrant(config, { ...approved, interval: 0 }), { error: 'invalid_grant' });

// A denial.
const denied = await client.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'alice@example.com' });
assert.equal(await answer('deny'), 204);
await assert.rejects(client.pollBackchannelAuthenticationGrant(config, { ...denied, interval: 0 }), { error: 'access_denied' });

console.log('openid-client: approved, used up, denied');

async function answer(what) {
  const requests = await (await fetch(`${issuer}/device/requests`, phone)).json();
  return (await fetch(`${issuer}/device/requests/${requests.at(-1).id}/${what}`, { ...phone, method: 'POST' })).status;
}
