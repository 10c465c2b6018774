// A click is meant for what stood there when the hand set out: what has just come or moved takes none for half a second.

const settlingTime = 500;
const targets = 'button, a, label, summary, input[type=radio]';
const places = new WeakMap();

let timer;
let height = 0;
let top = 0;

/** Watches everything on the page that can be clicked. */
export function keepSteady() {
  new MutationObserver(() => survey()).observe(document.body, { childList: true, characterData: true, subtree: true, attributeFilter: ['hidden', 'open', 'data-look', 'data-state'] });
  new ResizeObserver(() => survey()).observe(document.body);
  document.addEventListener('scroll', () => { top = scrollY; }, { passive: true });
  document.addEventListener('click', guard, true);

  // Whoever comes back to this window has not seen what came meanwhile.
  document.addEventListener('visibilitychange', () => survey(!document.hidden));
  survey();
}

// A keyboard or a screen reader clicks where its focus is, which nothing moves; such a click has the detail 0.
function guard(event) {
  const target = event.target.closest(targets);
  if (!target || event.detail === 0) {
    return;
  }

  survey();
  const isSecond = event.detail > 1 && target.closest('#phone');
  if (isSecond || target.classList.contains('settling')) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

function survey(hasAllMoved = false) {
  const now = performance.now();

  // A page that has become shorter slides under the pointer where it was scrolled to its end.
  const hasSlid = document.documentElement.scrollHeight < height && scrollY !== top;
  height = document.documentElement.scrollHeight;
  top = scrollY;
  let isSettling = false;
  for (const target of document.querySelectorAll(targets)) {
    const place = placeOf(target);
    let known = places.get(target);
    if (known?.place !== place || hasSlid || hasAllMoved) {
      known = { place, since: now };
      places.set(target, known);
    }

    const settles = now - known.since < settlingTime;
    target.classList.toggle('settling', settles);
    isSettling ||= settles;
  }

  clearTimeout(timer);
  if (isSettling) {
    timer = setTimeout(survey, 50);
  }
}

// Where it is laid out on the page: animations do not change that, nor does scrolling, which the user does.
function placeOf(target) {
  if (target.getClientRects().length === 0) {
    return 'hidden';
  }

  let [x, y] = [0, 0];
  for (let node = target; node; node = node.offsetParent) {
    x += node.offsetLeft;
    y += node.offsetTop;
  }

  return `${x} ${y} ${target.offsetWidth} ${target.offsetHeight}`;
}
