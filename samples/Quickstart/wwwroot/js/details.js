// What a request asks for beyond scopes (RFC 9396), drawn so that the user sees all of it.
import { element, money } from './page.js';

const rawNumber = JSON.rawJSON ?? (text => Number(text));

/** JSON whose numbers keep every digit that was sent. */
export const read = text => JSON.parse(text, (_, value, context) =>
  typeof value === 'number' && context?.source && context.source !== String(value) ? rawNumber(context.source) : value);

/** The sum and the creditor of a payment that has these members and no others; null for everything else. */
export function payment(detail) {
  const known = hasExactly(detail, ['type', 'instructedAmount'], ['creditorName'])
    && detail.type === 'payment_initiation'
    && hasExactly(detail.instructedAmount, ['amount', 'currency'])
    && matches(detail.instructedAmount.amount, /^\d{1,15}(\.\d{1,10})?$/)
    && matches(detail.instructedAmount.currency, /^[A-Z]{3}$/)
    && (!Object.hasOwn(detail, 'creditorName') || (matches(detail.creditorName, /^[^\p{C}\p{Z}\p{M}][^\p{C}\p{Z}]*( [^\p{C}\p{Z}]+)*$/u) && detail.creditorName.length <= 100));
  return known ? { sum: money(detail.instructedAmount.amount, detail.instructedAmount.currency), to: detail.creditorName } : null;
}

/** Draws each detail: a payment as one, everything else whole and marked as what the client says. */
export function drawDetails(place, details, client) {
  place.hidden = details.length === 0;
  place.replaceChildren(...details.map(detail => {
    const paid = payment(detail);
    return paid ? drawPayment(paid) : verbatim(detail, client);
  }));
}

function drawPayment({ sum, to }) {
  const list = element('dl', '', { class: 'payment' });
  list.append(pair('Amount', sum, 'sum'), ...(to === undefined ? [] : [pair('To', to)]));
  return list;
}

function pair(name, value, kind = '') {
  const group = document.createElement('div');
  group.append(element('dt', name), element('dd', value, { class: kind, dir: 'auto' }));
  return group;
}

function verbatim(detail, client) {
  const figure = element('figure', '', { class: 'verbatim' });
  const caption = element('figcaption', 'In the words of ');
  caption.append(element('bdi', client), ', as they came:');
  figure.append(caption, element('pre', visible(JSON.stringify(detail, null, 2)), { dir: 'ltr' }));
  return figure;
}

// All characters that leave no trace are written out, but for the two that several scripts need between letters.
const visible = text => text.replace(/(?![\n\u200c\u200d ])[\p{C}\p{Z}]/gu, sign => `\\u{${sign.codePointAt(0).toString(16)}}`);

function hasExactly(value, required, optional = []) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    && required.every(name => Object.hasOwn(value, name))
    && Object.keys(value).every(name => required.includes(name) || optional.includes(name));
}

const matches = (value, pattern) => typeof value === 'string' && pattern.test(value);
