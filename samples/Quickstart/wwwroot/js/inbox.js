// The requests on the phone: one card each, and what became of the others.
import { $, clockTime, complain, countDown, element, icon, money } from './page.js';
import { askedWords, outcomeWords, scopeWords } from './words.js';

const storage = 'quickstart-phone-history';
const cards = new Map();

let phone;
let owner;
let history = [];

/** Learns what the phone can do: post, speak, tell how far the provider's clock is ahead and what its issuer is. */
export function begin(host) {
  phone = host;
}

/** Another user, or nobody: nothing of the last one stays. */
export function clear(user) {
  [...cards.keys()].forEach(remove);
  owner = user;
  const saved = JSON.parse(sessionStorage.getItem(storage) ?? 'null');
  history = saved && saved.owner === user ? saved.history : [];
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
  if (cards.has(request.id)) {
    return;
  }

  const card = { request, node: $('request-template').content.firstElementChild.cloneNode(true) };
  cards.set(request.id, card);
  fill(card);

  // At the end: nothing moves under the finger that is about to approve.
  $('requests').append(card.node);
  count();
  phone.status(`${request.client_name} asks for your approval`);
}

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
  const name = part('.name');
  name.textContent = request.client_name;
  name.id = `name-${request.id}`;
  name.dir = 'auto';
  node.setAttribute('aria-labelledby', name.id);
  part('.asks').textContent = payment(request) ? 'asks you to approve a payment.' : 'wants to know that it is you.';
  logo(part('.logo'), request);
  details(part('.payment'), request.authorization_details ?? []);
  part('.shown').hidden = !request.binding_message;
  part('.code').textContent = request.binding_message ?? '';
  part('.code').classList.toggle('long', (request.binding_message ?? '').length > 12);
  choices(node, request);
  part('.scopes ul').replaceChildren(...gets(request).map(words => element('li', words)));

  const until = new Date(request.expires_at) - phone.offset();
  card.stop = countDown(part('progress'), part('.left'), until, new Date(request.expires_at) - new Date(request.created_at), () => phone.status(`Ten seconds left to answer ${request.client_name}`));
  part('.approve').addEventListener('click', () => approve(card));
  part('.deny').addEventListener('click', () => answer(card, 'deny', undefined, 'denied'));
  block(card, part('.block'));
}

/** What a yes gives away, in words that stand there once. */
const gets = request => [...new Set([
  ...request.scope.split(' ').map(scopeWords),
  ...(request.claims ?? []).map(askedWords),
  ...(request.resource ?? []).map(resource => `Access to ${resource}`),
])];

const payment = request => (request.authorization_details ?? []).find(detail => detail.type === 'payment_initiation' && detail.instructedAmount);

/** Only a logo that this provider serves itself, under whatever name: another's server is not to know when the phone looks. */
function logo(place, request) {
  const own = `${phone.issuer().replace(/\/$/, '')}/`;
  if (request.client_logo_uri?.startsWith(own)) {
    const image = element('img', '', { alt: '', src: request.client_logo_uri.slice(own.length) });
    image.addEventListener('error', () => { place.textContent = initial(request); });
    place.replaceChildren(image);
  } else {
    place.textContent = initial(request);
  }
}

const initial = request => [...request.client_name.trim()][0]?.toUpperCase() ?? '?';

/** RFC 9396: an amount is shown as one, everything else as it came. */
function details(list, all) {
  list.hidden = all.length === 0;
  list.replaceChildren(...all.flatMap(({ type, instructedAmount, creditorName, ...rest }) => [
    instructedAmount ? pair('Amount', money(instructedAmount.amount, instructedAmount.currency), 'sum') : pair('Kind', type),
    ...(creditorName ? [pair('To', creditorName)] : []),
    ...Object.entries(rest).map(([key, value]) => pair(key, typeof value === 'string' ? value : JSON.stringify(value))),
  ]));
}

function pair(name, value, kind = '') {
  const group = document.createElement('div');
  group.append(element('dt', name), element('dd', value, { class: kind, dir: 'auto' }));
  return group;
}

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
  const name = card.request.client_name;
  const rest = `Not me: block ${name}`;
  button.textContent = rest;
  button.addEventListener('click', () => {
    if (button.textContent !== rest) {
      answer(card, 'deny', { block_client: true }, 'blocked');
      return;
    }

    button.textContent = `Press again to deny and block ${name}`;
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
}

/** The card goes, and what became of it is remembered. */
function settle(id, outcome) {
  const card = cards.get(id);
  if (!card) {
    return;
  }

  const words = outcomeWords(outcome);
  const paid = payment(card.request)?.instructedAmount;
  history.unshift({ id, outcome, name: card.request.client_name, sum: paid ? money(paid.amount, paid.currency) : '', at: Date.now() });
  history.length = Math.min(history.length, 20);
  sessionStorage.setItem(storage, JSON.stringify({ owner, history }));
  const hadFocus = card.isAnswered || card.node.contains(document.activeElement);
  remove(id);
  showHistory();
  count();
  if (hadFocus) {
    $('inbox-title').focus();
  }

  phone.status(`${words.text}: ${card.request.client_name}`);
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
    text.append(element('strong', entry.name, { dir: 'auto' }), entry.sum ? `, ${entry.sum}` : '');
    item.append(icon(words.icon), text, element('time', clockTime(entry.at), { datetime: new Date(entry.at).toISOString() }));
    return item;
  }));
}

function count() {
  const waiting = cards.size;
  $('inbox-title').textContent = waiting === 0 ? 'Nothing to approve' : waiting === 1 ? 'One request waits for you' : `${waiting} requests wait for you`;
  $('inbox-help').textContent = waiting === 0 ? 'When somebody asks, it appears here by itself.' : 'Approve only what you have started yourself.';
  document.title = `${waiting > 0 ? `(${waiting}) ` : ''}Ask here, approve there · Ciba.AspNetCore`;
}
