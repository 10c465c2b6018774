// What the protocol says, for people.

// A name that comes from elsewhere may be one that every object has, such as constructor.
const own = (table, name) => Object.hasOwn(table, name) ? table[name] : undefined;

const refusals = {
  unknown_user_id: user => `Nobody here is known as “${user}”. Check the name, e-mail address or phone number.`,
  missing_user_code: user => `${user} has a user code, and this client has to send it: ask for it and type it in.`,
  invalid_user_code: () => 'That is not the user code.',
  invalid_binding_message: () => 'This code cannot be shown on the phone: letters and digits are the safe choice.',
  access_denied: user => `The provider lets nobody ask ${user} just now: too much waits already, it was refused a moment ago, or the account is locked.`,
  invalid_scope: () => 'The client may not ask for what it asked for.',
  invalid_client: () => 'The provider does not accept this client’s secret.',
  unauthorized_client: () => 'This client may not ask this way.',
  invalid_request: () => 'The provider did not understand the request.',
  unknown_client: () => 'This client is no longer there: load the page again.',
  too_many: () => 'Too many requests of this page are under way. Wait for one to end.',
  unreachable: () => 'The provider cannot be reached.',
  temporarily_unavailable: () => 'The provider cannot do this just now. Try again in a moment.',
  https_required: () => 'This page needs https when it is not opened on the machine itself.',
};

/** Why a request could not even be asked. */
export const refusal = (error, user) => (own(refusals, error) ?? (() => 'The provider refused the request.'))(user);

const endings = {
  approved: user => ({ kind: 'approved', icon: 'check', title: 'Approved', words: `${user} said yes on the phone.` }),
  expired: user => ({ kind: 'quiet', icon: 'clock', title: 'Time is up', words: `${user} did not answer in time. Nothing was charged or opened.` }),
  cancelled: () => ({ kind: 'quiet', icon: 'cross', title: 'Cancelled', words: 'You stopped waiting, so no tokens will be fetched.' }),
  withdrawn: () => ({ kind: 'quiet', icon: 'cross', title: 'Cancelled', words: 'You took the request back: it is gone from the phone.' }),
  lost: () => ({ kind: 'refused', icon: 'cross', title: 'Out of touch', words: 'The provider no longer knows this request. Ask again.' }),
};

/** How a request ended at the consumption device. */
export function ending(state, user) {
  if (state.status === 'refused') {
    return state.error === 'access_denied'
      ? { kind: 'refused', icon: 'cross', title: 'Declined', words: `${user} said no on the phone, or picked another code.` }
      : { kind: 'refused', icon: 'cross', title: 'It did not work', words: refusal(state.error, user) };
  }

  return (own(endings, state.status) ?? endings.lost)(user);
}

const scopes = {
  openid: 'Proof that it is you',
  profile: 'Your name',
  email: 'Your e-mail address',
  phone: 'Your phone number',
  address: 'Your postal address',
  payment: 'Leave to take this payment',
  offline_access: 'Leave to act while you are away',
};

const meanings = {
  sub: scopes.openid,
  acr: 'How you proved that it is you',
  amr: 'How you proved that it is you',
  auth_time: 'When you proved that it is you',
  name: scopes.profile,
  email: scopes.email,
  phone_number: scopes.phone,
  address: scopes.address,
};

/** What a claim gives away. */
export const askedWords = claim => own(meanings, claim) ?? `What is known of you as “${claim}”`;

/** What a scope value gives away. */
export const scopeWords = scope => own(scopes, scope) ?? scope;

const outcomes = {
  approved: { icon: 'check', text: 'You approved' },
  denied: { icon: 'cross', text: 'You denied' },
  wrong: { icon: 'cross', text: 'Denied: that was another code' },
  blocked: { icon: 'block', text: 'You denied and blocked' },
  failed: { icon: 'cross', text: 'Failed' },
  expired: { icon: 'clock', text: 'Expired' },
  withdrawn: { icon: 'clock', text: 'Taken back' },
  gone: { icon: 'clock', text: 'No longer waiting' },
};

export const outcomeWords = outcome => own(outcomes, outcome) ?? outcomes.gone;

const claims = {
  iss: 'who vouches',
  sub: 'the customer',
  aud: 'for which client',
  amr: 'how the customer signed in',
  acr: 'how well',
  at_hash: 'fits the access token',
};

/** A claim's value, with what it means where that is not plain. */
export function claimWords(name, value) {
  if (['iat', 'exp', 'nbf', 'auth_time'].includes(name) && typeof value === 'number') {
    return `${new Date(value * 1000).toLocaleString('en-GB')} (${value})`;
  }

  const text = typeof value === 'string' ? value : Array.isArray(value) && value.every(item => typeof item === 'string') ? value.join(', ') : JSON.stringify(value);
  return own(claims, name) ? `${text} (${claims[name]})` : text;
}
