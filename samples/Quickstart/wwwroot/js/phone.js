// The phone: signs its user in, and hears of requests by server-sent events.
import { read } from './details.js';
import { $, announce, complain, element, icon, send } from './page.js';
import * as inbox from './inbox.js';
import { keepSteady } from './steady.js';
import { follow } from './stream.js';

// Two windows of one browser are one phone: who signs in or out in one of them does so in all.
const windows = new BroadcastChannel('quickstart-phone');

const refusals = {
  too_many_sign_ins: 'Too many wrong passwords. Wait a minute, then try again.',
  https_required: 'This page needs https when it is not opened on the machine itself.',
};

let session = {};
let stopFollowing;
let isLeaving = false;
let retry;

const status = text => announce($('phone-status'), text);

windows.addEventListener('message', ({ data }) => { data === 'leaving' ? leaveAlone() : load(); });
$('sign-in').addEventListener('submit', signIn);
$('sign-out').addEventListener('click', signOut);
showTime();
setInterval(showTime, 5000);
keepSteady();
inbox.begin({ post, status, offset: () => session.offset, issuer: () => session.issuer, blocked: load });
await load();

function showTime() {
  $('phone-clock').textContent = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(Date.now());
}

/** Asks who is signed in. */
async function load(why) {
  clearTimeout(retry);
  const answer = await send('GET', 'demo/phone/session');
  complain($('phone-error'), answer.ok ? '' : 'The provider cannot be reached. The phone tries again by itself.');
  if (answer.ok) {
    take(answer.body, why);
  } else {
    again();
  }

  return answer.ok;
}

function take(answer, why) {
  const isAnother = answer.id !== session.id;
  session = { ...answer, offset: new Date(answer.now) - Date.now() };
  if (isLeaving && session.user) {
    return;
  }

  isLeaving = false;
  if (isAnother) {
    disconnect();
    inbox.clear(session.id);
  }

  $('who').hidden = !session.user;
  $('user-name').textContent = session.user ?? '';
  $('inbox').hidden = !session.user;
  showBlocked();
  $('sign-in').hidden = Boolean(session.user);
  if (session.user) {
    connect();
  } else {
    offerSignIn(why);
  }
}

function offerSignIn(why) {
  line('', 'Not signed in');
  $('sign-in-fields').hidden = !session.canSignIn;
  complain($('sign-in-error'), why ?? '');
  const help = $('sign-in-help');
  if (!session.canSignIn) {
    help.textContent = 'None of this provider’s users has a name and a password, so nobody can sign in here. Give one to a user in Quickstart:Users.';
  } else if (session.demoUsers.length > 0) {
    help.replaceChildren('Built in: ', ...session.demoUsers.flatMap((user, place) => [place ? ' and ' : '', element('code', user.username), ' with password ', element('code', user.password)]), '.');
  } else {
    help.textContent = 'With the name and password of Quickstart:Users. Users without a password cannot sign in.';
  }
}

async function signIn(event) {
  event.preventDefault();
  const credentials = { username: $('username').value.trim(), password: $('password').value };
  const answer = await send('POST', 'demo/phone/sign-in', credentials, { [session.tokenHeader]: session.requestToken });
  if (answer.body?.error === 'stale_page') {
    await load('This page was left open too long. Please sign in again.');
    return;
  }

  if (!answer.ok) {
    complain($('sign-in-error'), refusals[answer.body?.error] ?? (answer.status ? 'Name or password is wrong.' : 'The provider cannot be reached.'));
    $(credentials.username ? 'password' : 'username').focus();
    return;
  }

  $('sign-in').reset();
  take(answer.body);
  windows.postMessage('signed in');
  status(`Signed in as ${session.user}`);
  $('inbox-title').focus();
}

/** What the user should no longer see goes first, whatever the provider answers; until it has answered, the phone asks again. */
async function signOut() {
  leaveScreen();
  windows.postMessage('leaving');
  const answer = await post('demo/phone/sign-out');
  isLeaving &&= !answer.ok;
  if (answer.ok) {
    take(answer.body);
    windows.postMessage('signed out');
    $('username').focus();
    status('Signed out');
  } else if (isLeaving) {
    complain($('phone-error'), 'The provider cannot be reached to sign you out. The phone tries again by itself: leave this page open.');
    clearTimeout(retry);
    retry = setTimeout(signOut, 3000);
  }
}

function leaveScreen() {
  isLeaving = true;
  disconnect();
  inbox.clear();
  $('who').hidden = $('inbox').hidden = true;
  $('user-name').textContent = '';
  $('blocked-clients').replaceChildren();
  line('', 'Signing out');
  status('');
}

/** Another window signs this user out. Should it be closed before it can, the session is still there. */
function leaveAlone() {
  leaveScreen();
  isLeaving = false;
  session.id = undefined;
  retry = setTimeout(load, 3000);
}

function showBlocked() {
  $('blocked').hidden = session.blocked.length === 0;
  $('blocked-clients').replaceChildren(...session.blocked.map(client => {
    const item = element('li', '');
    const button = element('button', 'Unblock', { type: 'button', class: 'link', 'aria-label': `Unblock ${client.name}` });
    button.addEventListener('click', () => unblock(client));
    const name = element('span', '');
    name.append(element('strong', client.name, { dir: 'auto' }), inbox.clientId(client.id));
    item.append(icon('block'), name, button);
    return item;
  }));
}

async function unblock(client) {
  const answer = await post('demo/phone/unblock', { clientId: client.id });
  if (answer.ok) {
    take(answer.body);
    status(`${client.name} may ask again`);
    $('inbox-title').focus();
  }
}

/** Posts with the antiforgery token; one that is no longer good is fetched anew, once. */
async function post(url, body) {
  const answer = await send('POST', url, body, { [session.tokenHeader]: session.requestToken });
  const user = session.user;
  if (answer.status !== 400 || !(await load()) || session.user !== user) {
    return answer;
  }

  return send('POST', url, body, { [session.tokenHeader]: session.requestToken });
}

function connect() {
  if (!stopFollowing) {
    line('lost', 'Connecting');
    stopFollowing = follow(session.id, hear);
  }
}

function disconnect() {
  clearTimeout(retry);
  stopFollowing?.();
  stopFollowing = undefined;
}

/** Other windows may have the stream: what they pass on is as good. */
function hear({ type, data }) {
  switch (type) {
    case 'open':
      return opened();

    // The browser connects again by itself, unless it was refused: then the session may be over.
    case 'lost':
      return line('lost', 'Connection lost, trying again');
    case 'refused':
      line('lost', 'Connection lost, trying again');
      disconnect();
      return again();
    case 'requested':
      return inbox.requested(read(data));
    case 'decided':
      return inbox.decided(read(data));
    default:
      return inbox.ended(read(data), type);
  }
}

/** What came or ended while the line was down, or before this window listened, is not told any more: the list says what is there. */
async function opened() {
  line('live', 'Connected: requests arrive by themselves');
  const user = session.id;
  const before = inbox.known();
  const answer = await send('GET', 'device/requests', undefined, {}, read);
  if (answer.ok && user === session.id && stopFollowing) {
    inbox.keep(before, answer.body.map(request => request.id));
    answer.body.forEach(inbox.requested);
  }
}

function again() {
  clearTimeout(retry);
  retry = setTimeout(() => load('Your session has ended. Please sign in again.'), 3000);
}

function line(state, text) {
  $('line').dataset.state = state;
  $('line-text').textContent = text;
}
