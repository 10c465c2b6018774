// The consumption device: asks through its backend, which holds the client's secret, and shows how the request fares.
import { payment } from './details.js';
import { $, announce, complain, countDown, element, money, send } from './page.js';
import { claimWords, ending, refusal } from './words.js';

const looks = { terminal: 'shop', desk: 'call-center' };
const amounts = { terminal: '12.50', desk: '' };
const lookAgainAfter = 500;
const steps = ['ask', 'waiting', 'result'];

let offer;
let asked;
let nextLook;
let stopClock = () => {};

const status = text => announce($('desk-status'), text);
const machine = document.querySelector('.machine');
const client = () => offer.clients.find(known => known.id === $('client').value);

await load();

async function load() {
  const answer = await send('GET', 'demo/desk');
  if (!answer.ok || answer.body.clients.length === 0) {
    $('ask').hidden = true;
    $('desk-empty').hidden = false;
    if (answer.status === 404) {
      $('desk-empty').textContent = 'This provider lets nobody act as its clients here. Its desk is there for demonstrations: in the Development environment, or with Quickstart:Demo.';
    } else if (!answer.ok) {
      $('desk-empty').textContent = refusal(answer.body?.error ?? 'unreachable');
    }

    return;
  }

  offer = answer.body;
  $('client').replaceChildren(...offer.clients.map(known => element('option', `${known.name} (${known.id})`, { value: known.id })));
  $('users').replaceChildren(...offer.users.map(user => element('option', user, { value: user })));
  $('user').value = offer.users[0] ?? '';
  $('expiry').max = offer.maxRequestLifetime;
  $('expiry').placeholder = offer.requestLifetime;
  $('code').maxLength = offer.numberMatching ? 8 : offer.maxBindingMessage;
  $('waiting-code-label').textContent = offer.numberMatching ? 'The customer picks this code on the phone' : 'The phone shows the same code';
  suggestCode();
  dress();
  document.querySelectorAll('[name=look]').forEach(radio => radio.addEventListener('change', dress));
  $('client').addEventListener('change', showClient);
  $('new-code').addEventListener('click', () => { suggestCode(); status(`Code ${$('code').value}`); });
  $('ask').addEventListener('submit', start);
  $('cancel').addEventListener('click', cancel);
  $('again').addEventListener('click', again);
}

/** Puts on the look that is chosen, with the client that belongs to it where it is there. */
function dress() {
  const look = document.querySelector('[name=look]:checked').value;
  machine.dataset.look = look;
  $('amount').value = amounts[look];
  $('start').textContent = look === 'terminal' ? 'Ask for approval' : 'Identify the caller';
  if (offer.clients.some(known => known.id === looks[look])) {
    $('client').value = looks[look];
  }

  showClient();
}

function showClient() {
  $('desk-name').textContent = client().name;
  $('desk-logo').src = `logos/${machine.dataset.look === 'terminal' ? 'shop' : 'call-center'}.svg`;
  $('user-code-field').hidden = !client().asksForUserCode;
  $('amount-help').hidden = client().payments;
}

/** A code that nobody misreads; where the phone offers three of them, two digits do. */
function suggestCode() {
  const [signs, length] = offer.numberMatching ? ['123456789', 2] : ['ABCDEFGHJKLMNPQRSTUVWXYZ23456789', 5];
  $('code').value = Array.from(crypto.getRandomValues(new Uint32Array(length)), random => signs[random % signs.length]).join('');
}

async function start(event) {
  event.preventDefault();
  const order = read();
  if (!order) {
    return;
  }

  $('start').disabled = true;
  const answer = await send('POST', 'demo/desk/requests', order);
  $('start').disabled = false;
  if (!answer.ok) {
    const error = answer.body?.error ?? (answer.status ? 'server_error' : 'unreachable');
    refuse(refusal(error, order.user), { unknown_user_id: 'user', missing_user_code: 'user-code', invalid_user_code: 'user-code', invalid_binding_message: 'code' }[error]);
    return;
  }

  asked = { ...order, id: answer.body.id };
  wait();
}

/** The order as it was typed, or undefined with a problem on the screen. */
function read() {
  const value = id => $(id).value.trim();
  document.querySelectorAll('#ask [aria-invalid]').forEach(field => field.removeAttribute('aria-invalid'));
  complain($('ask-error'), '');
  const amount = value('amount').replace(',', '.');
  if (amount && !/^\d{1,7}(\.\d{1,2})?$/.test(amount)) {
    return refuse('The amount is a number like 12.50.', 'amount');
  }

  if (!value('user')) {
    return refuse('Which customer is to be asked?', 'user');
  }

  if (offer.numberMatching && !/^[A-Za-z0-9]{2,8}$/.test(value('code'))) {
    return refuse('The code has 2 to 8 letters and digits, so that the customer can pick it on the phone.', 'code');
  }

  const expiry = value('expiry');
  if (!$('expiry').checkValidity()) {
    return refuse(`The time to answer is 1 to ${offer.maxRequestLifetime} seconds.`, 'expiry');
  }

  return {
    clientId: client().id,
    user: value('user'),
    bindingMessage: value('code') || null,
    amount: Number(amount) > 0 ? Number(amount) : null,
    userCode: client().asksForUserCode ? value('user-code') || null : null,
    requestedExpiry: expiry ? Number(expiry) : null,
  };
}

function refuse(text, field) {
  complain($('ask-error'), text);
  if (field) {
    $(field).setAttribute('aria-invalid', 'true');
    $(field).setAttribute('aria-errormessage', 'ask-error');
    if (field === 'expiry') {
      $(field).closest('details').open = true;
    }

    $(field).focus();
  }
}

function show(step) {
  steps.forEach(known => { $(known).hidden = known !== step; });
}

function wait() {
  $('waiting-title').textContent = `Waiting for ${asked.user}`;
  $('waiting-amount').textContent = asked.amount ? money(asked.amount.toFixed(2), 'EUR') : '';
  $('waiting-code').textContent = asked.bindingMessage ?? '';
  $('waiting-code').classList.toggle('long', (asked.bindingMessage ?? '').length > 12);
  $('waiting-code').parentElement.hidden = !asked.bindingMessage;
  $('waiting-polls').textContent = '';
  machine.dataset.state = 'waiting';
  show('waiting');
  $('waiting-title').focus();
  status(`The phone of ${asked.user} has been told.${asked.bindingMessage ? ` Code ${asked.bindingMessage}.` : ''}`);

  look();
}

/** Looks again and again, because a stream in each window would leave the browser no connection for anything else. */
async function look() {
  clearTimeout(nextLook);
  const answer = await send('GET', `demo/desk/requests/${asked.id}`);
  if (answer.ok) {
    follow(answer.body);
  } else if (answer.status === 404) {
    follow({ status: 'lost', steps: [] });
  } else {
    nextLook = setTimeout(look, lookAgainAfter);
  }
}

function follow(state) {
  trace(state.steps);
  if (state.status !== 'pending') {
    finish(state);
    return;
  }

  nextLook = setTimeout(look, lookAgainAfter);

  stopClock();
  stopClock = countDown($('waiting-progress'), $('waiting-left'), Date.now() + state.remaining * 1000, state.lifetime * 1000, () => status('Ten seconds left'));
  const pace = state.interval === 1 ? 'every second' : `every ${state.interval} seconds`;
  const sofar = state.polls === 0 ? '' : state.polls === 1 ? ': once so far' : `: ${state.polls} times so far`;
  $('waiting-polls').textContent = `Asks ${pace} whether there is an answer${sofar}.`;
}

function trace(lines) {
  $('wire').hidden = lines.length === 0;
  $('steps').replaceChildren(...lines.map(line => element('li', `${line.call} → ${line.status || 'no answer'} ${line.answer}`)));
}

function finish(state) {
  stopClock();
  const end = ending(state, asked.user);
  const verdict = document.querySelector('.verdict');
  verdict.dataset.kind = end.kind;
  verdict.querySelector('use').setAttribute('href', `#i-${end.icon}`);
  machine.dataset.state = end.kind === 'refused' ? 'refused' : '';
  $('result-title').textContent = end.title;
  $('result-words').textContent = [end.words, ...payments(state).map(paid => `${paid} may be charged.`)].join(' ');
  $('result-error').hidden = !state.error;
  $('result-error').textContent = state.error ? `${state.error}: ${state.description ?? ''}` : '';
  $('result-token').hidden = !state.idToken;
  if (state.idToken) {
    $('claims').replaceChildren(...Object.entries(state.idToken).flatMap(([name, value]) => [element('dt', name), element('dd', claimWords(name, value))]));
    $('raw').textContent = JSON.stringify({ header: state.idTokenHeader, claims: state.idToken, token_response: state.granted }, null, 2);
  }

  const focusWasHere = $('waiting').contains(document.activeElement);
  show('result');
  if (focusWasHere) {
    $('result-title').focus();
  }

  status(`${end.title}. ${$('result-words').textContent}`);
}

const payments = state => (state.granted?.authorization_details ?? []).map(payment).filter(Boolean).map(paid => paid.sum);

async function cancel() {
  $('cancel').disabled = true;
  await send('POST', `demo/desk/requests/${asked.id}/cancel`);
  $('cancel').disabled = false;
}

function again() {
  suggestCode();
  $('user-code').value = '';
  machine.dataset.state = '';
  trace([]);
  show('ask');
  $(machine.dataset.look === 'terminal' ? 'amount' : 'user').focus();
}
