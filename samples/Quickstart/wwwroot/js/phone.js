// The phone: signs its user in, and hears of requests by server-sent events.
import { $, announce, complain, element, icon, send } from './page.js';
import * as inbox from './inbox.js';

// Two windows of one browser are one phone: who signs in or out in one of them does so in all.
const windows = new BroadcastChannel('quickstart-phone');

const refusals = {
  too_many_sign_ins: 'Too many wrong passwords. Wait a minute, then try again.',
  https_required: 'This page needs https when it is not opened on the machine itself.',
};

let session = {};
let source;
let retry;

const status = text => announce($('phone-status'), text);

windows.addEventListener('message', () => load());
$('sign-in').addEventListener('submit', signIn);
$('sign-out').addEventListener('click', signOut);
showTime();
setInterval(showTime, 5000);
inbox.begin({ post, status, offset: () => session.offset, issuer: () => session.issuer, blocked: load });
await load();

function showTime() {
  $('phone-clock').textContent = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(Date.now());
}

/** Asks who is signed in. */
async function load(why) {
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
  const isAnother = answer.user !== session.user;
  session = { ...answer, offset: new Date(answer.now) - Date.now() };
  if (isAnother) {
    disconnect();
    inbox.clear(session.user);
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

async function signOut() {
  const answer = await post('demo/phone/sign-out');
  if (answer.ok) {
    take(answer.body);
    windows.postMessage('signed out');
    $('username').focus();
    status('Signed out');
  } else {
    await load();
  }
}

function showBlocked() {
  $('blocked').hidden = session.blocked.length === 0;
  $('blocked-clients').replaceChildren(...session.blocked.map(client => {
    const item = element('li', '');
    const button = element('button', 'Unblock', { type: 'button', class: 'link', 'aria-label': `Unblock ${client.name}` });
    button.addEventListener('click', () => unblock(client));
    item.append(icon('block'), element('strong', client.name, { dir: 'auto' }), button);
    return item;
  }));
}

async function unblock(client) {
  const answer = await post(`demo/phone/unblock/${encodeURIComponent(client.id)}`);
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
  if (source) {
    return;
  }

  line('lost', 'Connecting');
  source = new EventSource('device/events');
  source.addEventListener('open', opened);
  source.addEventListener('error', lost);
  source.addEventListener('requested', event => inbox.requested(JSON.parse(event.data)));
  source.addEventListener('decided', event => inbox.decided(JSON.parse(event.data)));
  source.addEventListener('expired', event => inbox.ended(JSON.parse(event.data), 'expired'));
  source.addEventListener('withdrawn', event => inbox.ended(JSON.parse(event.data), 'withdrawn'));
}

function disconnect() {
  clearTimeout(retry);
  source?.close();
  source = undefined;
}

/** What ended while the line was down is not told any more: the list says what is left. */
async function opened() {
  line('live', 'Connected: requests arrive by themselves');
  const before = inbox.known();
  if (before.length > 0) {
    const answer = await send('GET', 'device/requests');
    if (answer.ok) {
      inbox.keep(before, answer.body.map(request => request.id));
    }
  }
}

/** The browser connects again by itself, unless it was refused: then the session may be over. */
function lost() {
  line('lost', 'Connection lost, trying again');
  if (source?.readyState === EventSource.CLOSED) {
    disconnect();
    again();
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
