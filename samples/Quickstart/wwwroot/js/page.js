// What both devices of the page use.

export const $ = id => document.getElementById(id);

/** Calls this provider; no answer at all has status 0. */
export async function send(method, url, body, headers = {}, read = JSON.parse) {
  try {
    const hasBody = body !== undefined;
    const response = await fetch(url, {
      method,
      cache: 'no-store',
      headers: hasBody ? { 'Content-Type': 'application/json', ...headers } : headers,
      body: hasBody ? JSON.stringify(body) : undefined,
    });
    const isJson = (response.headers.get('Content-Type') ?? '').includes('json');
    return { ok: response.ok, status: response.status, body: isJson ? read(await response.text()) : null };
  } catch {
    return { ok: false, status: 0, body: null };
  }
}

/** Says something to a screen reader, also when it has just said the same. */
export function announce(region, text) {
  region.textContent = '';
  setTimeout(() => { region.textContent = text; }, 100);
}

/** Shows a problem, or with no text takes it away. */
export function complain(element, text) {
  element.hidden = !text;
  element.textContent = text ?? '';
}

/** A decimal number in a currency as people write it, with every digit that was sent. */
export function money(amount, currency) {
  const digits = Math.max(2, (amount.split('.')[1] ?? '').length);
  return new Intl.NumberFormat('en', { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits }).format(amount);
}

export const clockTime = instant => new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(instant);

const clocks = new Set();
setInterval(() => clocks.forEach(step => step()), 1000);

/**
 * Shows the time that is left until an instant of this browser's clock, every second and silently; calls warn once when ten
 * seconds are left. Returns what stops it.
 */
export function countDown(progress, text, until, total, warn) {
  let warned = until - Date.now() <= 10_500;
  const step = () => {
    const left = Math.max(0, until - Date.now());
    progress.value = total > 0 ? Math.min(1, left / total) : 0;
    text.textContent = words(Math.ceil(left / 1000));
    if (!warned && left <= 10_000) {
      warned = true;
      warn?.();
    }
  };
  step();
  clocks.add(step);
  return () => clocks.delete(step);
}

const words = seconds => (seconds >= 60 ? `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s` : `${seconds} s`);

/** An icon of the sprite at the end of the page. */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

export function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}
