// The events of the phone's requests: one stream for all windows of this browser, which over HTTP/1.1 has six connections to a host.

const types = ['requested', 'decided', 'expired', 'withdrawn'];

/**
 * Follows the user's stream: `hear` gets { type, data } for each event, and `open`, `lost` or `refused` for the line. The window
 * that holds the lock has the stream and tells the others. Returns what ends it.
 */
export function follow(user, hear) {
  const name = `quickstart-stream-${user}`;
  const self = crypto.randomUUID?.() ?? String(Math.random());
  const over = new AbortController();
  const channel = new BroadcastChannel(name);
  let source;

  channel.addEventListener('message', ({ data }) => {
    if (data.type === 'hello') {
      if (source?.readyState === EventSource.OPEN) {
        channel.postMessage({ type: 'open', to: data.from });
      }
    } else if (!data.to || data.to === self) {
      hear(data);
    }
  });

  const tell = message => {
    if (!over.signal.aborted) {
      channel.postMessage(message);
      hear(message);
    }
  };

  const lead = () => {
    source = new EventSource('device/events');
    source.addEventListener('open', () => tell({ type: 'open' }));
    source.addEventListener('error', () => tell({ type: source.readyState === EventSource.CLOSED ? 'refused' : 'lost' }));
    types.forEach(type => source.addEventListener(type, event => tell({ type, data: event.data })));
  };

  if (navigator.locks) {
    const untilOver = () => new Promise(resolve => {
      over.signal.addEventListener('abort', resolve);
      lead();
    });
    navigator.locks.request(name, { signal: over.signal }, untilOver).catch(() => {});
  } else {
    // Where the browser has no locks, which it keeps for https and this machine, each window has a stream.
    lead();
  }

  channel.postMessage({ type: 'hello', from: self });
  return () => {
    over.abort();
    source?.close();
    channel.close();
  };
}
