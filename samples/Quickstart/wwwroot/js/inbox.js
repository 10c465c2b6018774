// The requests on the phone: one card each, and what became of the others.
import { drawDetails, payment } from './details.js';
import { $, clockTime, complain, countDown, element, icon } from './page.js';
import { askedWords, outcomeWords, scopeWords } from './words.js';

const storage = 'quickstart-phone-history';
const cards = new Map();

// What has ended stays ended: a list that was read a moment before may still name it.
const over = new Set();

let phone;
let owner;
let history = [];

/** Learns what the phone can do: post, speak, tell how far the provider's clock is ahead and what its issuer is. */
export function begin(host) {
  phone = host;
}

/** Another user, by the identifier that no two of them share, or nobody: nothing of the last one stays. */
export function clear(user) {
  [...cards.keys()].forEach(remove);
  $('requests').replaceChildren();
  over.clear();
  owner = user;
  const saved = JSON.parse(sessionStorage.getItem(storage) ?? 'null');
  history = user && saved?.owner === user ? saved.history : [];
  if (!user) {
    sessionStorage.removeItem(storage);
  }

  showHistory();
  count();
}

export const known = () => [...cards.keys()];

/** Of those known before, only the ones that still wait stay. */
export function keep(before, waiting) {
  before.filter(id => !waiting.includes(id)).forEach(id => settle(id, 'gone'));
}

export function requested(request) {
  if (cards.has(request.id) || over.has(request.id)) {
    return;
  }

  const card = { request, name: nameOf(request), sums: '', stop: () => {}, node: newNode() };
  cards.set(request.id, card);
  try {
    fill(card);
  } catch (error) {
    console.info(error);
    card.node = newNode();
    fillUnreadable(card);
  }

  // At the end: nothing moves under the finger that is about to approve.
  $('requests').append(card.node);
  count();
  phone.status(`${card.name} asks for your approval`);
}

const newNode = () => $('request-template').content.firstElementChild.cloneNode(true);

const nameOf = request => [request.client_name, request.client_id].find(name => typeof name === 'string' && name.trim()) ?? 'A client';

export function decided({ id, outcome }) {
  if (!cards.get(id)?.isBusy) {
    settle(id, outcome);
  }
}

export function ended({ id }, outcome) {
  settle(id, outcome);
}

function fill(card) {
  const { request, node } = card;
  const part = selector => node.querySelector(selector);
  const details = request.authorization_details ?? [];
  const payments = details.map(payment).filter(Boolean);
  card.sums = payments.map(paid => paid.sum).join(', ');
  fillName(card);
  part('.asks').textContent = asks(details.length, payments.length);
  logo(part('.logo'), card);
  drawDetails(part('.details'), details, card.name);
  part('.shown').hidden = !request.binding_message;
  part('.code').textContent = request.binding_message ?? '';
  part('.code').classList.toggle('long', (request.binding_message ?? '').length > 12);
  choices(node, request);
  part('.scopes ul').replaceChildren(...gets(request).map(words => element('li', words)));

  const until = new Date(request.expires_at) - phone.offset();
  card.stop = countDown(part('progress'), part('.left'), until, new Date(request.expires_at) - new Date(request.created_at), () => phone.status(`Ten seconds left to answer ${card.name}`));
  part('.approve').addEventListener('click', () => approve(card));
  fillRefusals(card);
}

function fillName({ request, name, node }) {
  const place = node.querySelector('.name');
  place.textContent = name;
  place.id = `name-${request.id}`;
  place.dir = 'auto';
  node.setAttribute('aria-labelledby', place.id);
}

function fillRefusals(card) {
  card.node.querySelector('.deny').addEventListener('click', () => answer(card, 'deny', undefined, 'denied'));
  block(card, card.node.querySelector('.block'));
}

/** What cannot be drawn cannot be approved; all others go on. */
function fillUnreadable(card) {
  fillName(card);
  card.sums = '';
  card.node.querySelector('.logo').textContent = initial(card);
  card.node.querySelector('.asks').textContent = 'asks for something that cannot be shown here, so you can only deny it.';
  card.node.querySelectorAll('.details, .shown, .choices, .scopes, .clock, .approve').forEach(part => part.remove());
  fillRefusals(card);
}

const asks = (details, payments) => details === 0 ? 'wants to know that it is you.' : details === payments ? 'asks you to approve a payment.' : 'asks for your approval.';

/** What a yes gives away, in words that stand there once. */
const gets = request => [...new Set([
  ...request.scope.split(' ').map(scopeWords),
  ...(request.claims ?? []).map(askedWords),
  ...(request.resource ?? []).map(resource => `Access to ${resource}`),
])];

/** Only a logo that this provider serves itself, under whatever name: another's server is not to know when the phone looks. */
function logo(place, card) {
  const source = ownAddress(card.request.client_logo_uri);
  place.textContent = initial(card);
  if (source) {
    const image = element('img', '', { alt: '', src: source });
    image.addEventListener('error', () => { place.textContent = initial(card); });
    place.replaceChildren(image);
  }
}

/** The address, by which this page reaches it, of something under the issuer; null for everything else. */
function ownAddress(address) {
  const issuer = parseUrl(`${phone.issuer().replace(/\/$/, '')}/`);
  const url = typeof address === 'string' ? parseUrl(address) : null;
  if (!issuer || !url || url.origin !== issuer.origin || !url.pathname.startsWith(issuer.pathname)) {
    return null;
  }

  // The dot keeps a rest that begins with a slash or a scheme from being another place.
  const own = parseUrl(`./${url.pathname.slice(issuer.pathname.length)}${url.search}`, document.baseURI);
  return own?.origin === location.origin ? own.href : null;
}

function parseUrl(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

const initial = card => [...card.name.trim()][0].toUpperCase();

function choices(node, request) {
  const offered = request.binding_message_choices ?? [];
  node.querySelector('.choices').hidden = offered.length === 0;
  node.querySelector('.three').replaceChildren(...offered.map(choice => {
    const label = document.createElement('label');
    const radio = element('input', '', { type: 'radio', name: `choice-${request.id}`, value: choice });
    label.append(radio, element('span', choice));
    return label;
  }));
}

/** Blocking is asked for twice: it is the one answer that reaches beyond this request. */
function block(card, button) {
  const rest = `Not me: block ${card.name}`;
  button.textContent = rest;
  button.addEventListener('click', () => {
    if (button.textContent !== rest) {
      answer(card, 'deny', { block_client: true }, 'blocked');
      return;
    }

    button.textContent = `Press again to deny and block ${card.name}`;
    phone.status(button.textContent);
  });
  button.addEventListener('blur', () => { button.textContent = rest; });
}

function approve(card) {
  const offered = card.request.binding_message_choices;
  const picked = card.node.querySelector('.three input:checked')?.value;
  if (offered && !picked) {
    complain(card.node.querySelector('.problem'), 'Pick the code that the other device shows.');
    card.node.querySelector('.three input').focus();
    return;
  }

  answer(card, 'approve', picked ? { binding_message: picked } : undefined, 'approved');
}

async function answer(card, verb, body, outcome) {
  if (card.isBusy) {
    return;
  }

  card.isBusy = card.isAnswered = true;
  const buttons = card.node.querySelectorAll('button');
  buttons.forEach(button => { button.disabled = true; });
  const { ok, status, body: problem } = await phone.post(`device/requests/${card.request.id}/${verb}`, body);
  card.isBusy = false;
  buttons.forEach(button => { button.disabled = false; });
  if (ok) {
    settle(card.request.id, outcome);
    if (outcome === 'blocked') {
      phone.blocked();
    }
  } else if (status === 409 && problem?.code !== 'acr_not_reached') {
    // The wrong one of three codes has denied the request; else somebody was quicker.
    settle(card.request.id, problem?.code === 'wrong_choice' ? 'wrong' : 'gone');
  } else if (status === 410) {
    settle(card.request.id, 'expired');
  } else if (status === 404) {
    settle(card.request.id, 'gone');
  } else {
    complain(card.node.querySelector('.problem'), problem?.detail ?? 'The provider cannot be reached. Try again.');
    card.node.querySelector(`.${verb}`)?.focus();
  }

  // A client can be blocked by a request that is over.
  if (problem?.client_blocked) {
    phone.blocked();
  }
}

/** The card goes, and what became of it is remembered. */
function settle(id, outcome) {
  over.add(id);
  const card = cards.get(id);
  if (!card) {
    return;
  }

  const words = outcomeWords(outcome);
  history.unshift({ id, outcome, client: String(card.request.client_id ?? ''), name: card.name, sum: card.sums, at: Date.now() });
  history.length = Math.min(history.length, 20);
  sessionStorage.setItem(storage, JSON.stringify({ owner, history }));
  const hadFocus = card.isAnswered || card.node.contains(document.activeElement);
  const focus = leave(id, words);
  showHistory();
  count();
  if (hadFocus) {
    focus.focus();
  }

  phone.status(`${words.text}: ${card.name}`);
}

/** An answered card keeps its room while others wait, so that none of them comes under the hand. Returns where the focus goes. */
function leave(id, words) {
  const { node, isAnswered } = cards.get(id);
  const answered = element('p', '', { class: 'answered', tabindex: '-1' });
  answered.append(icon(words.icon), element('span', words.text));
  answered.style.minHeight = `${node.offsetHeight}px`;
  if (isAnswered && cards.size > 1) {
    node.before(answered);
  }

  remove(id);
  if (cards.size === 0) {
    $('requests').replaceChildren();
  }

  return answered.isConnected ? answered : $('inbox-title');
}

function remove(id) {
  cards.get(id).stop();
  cards.get(id).node.remove();
  cards.delete(id);
}

function showHistory() {
  $('history').hidden = history.length === 0;
  $('decided').replaceChildren(...history.map(entry => {
    const words = outcomeWords(entry.outcome);
    const item = element('li', '', { 'data-outcome': entry.outcome });
    const text = element('span', `${words.text}: `);
    text.append(element('strong', entry.name, { dir: 'auto' }), entry.sum ? `, ${entry.sum}` : '', clientId(entry.client));
    item.append(icon(words.icon), text, element('time', clockTime(entry.at), { datetime: new Date(entry.at).toISOString() }));
    return item;
  }));
}

/** Two clients may have one name, but not one identifier. */
export const clientId = id => element('span', id, { class: 'client-id' });

function count() {
  const waiting = cards.size;
  $('inbox-title').textContent = waiting === 0 ? 'Nothing to approve' : waiting === 1 ? 'One request waits for you' : `${waiting} requests wait for you`;
  $('inbox-help').textContent = waiting === 0 ? 'When somebody asks, it appears here by itself.' : 'Approve only what you have started yourself.';
  document.title = `${waiting > 0 ? `(${waiting}) ` : ''}Ask here, approve there · Ciba.AspNetCore`;
}
