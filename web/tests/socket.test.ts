import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveSocket } from '../src/live/socket';

class Wire {
  static all: Wire[] = [];
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor() {
    Wire.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
    this.onclose?.();
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  get(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const make = () => new LiveSocket({ url: 'ws://hub', open: () => new Wire() as never, random: () => 1 });
const wire = () => Wire.all.at(-1) as Wire;
const nothing = { snapshot: () => {}, delta: () => {} };

beforeEach(() => {
  vi.useFakeTimers();
  Wire.all = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe('LiveSocket', () => {
  it('is live after hello, and tells each subscription what is its own', () => {
    const live = make();
    const got: unknown[] = [];
    live.start();
    wire().open();
    live.subscribe({ topic: 'services', limit: 200 }, { snapshot: (m) => got.push(m.items), delta: (m) => got.push(m.set) });
    expect(wire().sent.at(-1)).toEqual({ op: 'sub', id: 1, topic: 'services', limit: 200 });
    wire().get({ op: 'hello', hub_version: '1.0.0', build: 'b', store_id: 's' });
    expect(live.link.value).toBe('live');
    wire().get({ op: 'snapshot', id: 1, items: [1] });
    wire().get({ op: 'delta', id: 1, set: [2] });
    wire().get({ op: 'delta', id: 9, set: [3] });
    wire().onmessage?.({ data: 'not json' });
    expect(got).toEqual([[1], [2]]);
  });

  it('after a loss it waits longer each time, and subscribes again', () => {
    const live = make();
    live.subscribe({ topic: 'tasks' }, nothing);
    live.start();
    wire().open();
    wire().get({ op: 'hello', hub_version: '1', build: 'b', store_id: 's' });
    wire().close();
    expect(live.link.value).toBe('waiting');
    vi.advanceTimersByTime(699);
    expect(Wire.all.length).toBe(1);
    vi.advanceTimersByTime(2);
    expect(Wire.all.length).toBe(2);
    wire().close();
    vi.advanceTimersByTime(1_000);
    expect(Wire.all.length).toBe(2);
    vi.advanceTimersByTime(300);
    expect(Wire.all.length).toBe(3);
    wire().open();
    expect(wire().sent[0]).toEqual({ op: 'sub', id: 1, topic: 'tasks' });
  });

  it('never waits longer than 15 s', () => {
    const live = make();
    live.start();
    for (let n = 0; n < 12; n += 1) {
      wire().close();
      vi.advanceTimersByTime(15_300);
    }
    expect(Wire.all.length).toBe(13);
  });

  it('measures the round trip; a silent peer counts as lost', () => {
    const live = make();
    live.start();
    wire().open();
    wire().get({ op: 'hello', hub_version: '1', build: 'b', store_id: 's' });
    const at = Date.now();
    vi.advanceTimersByTime(40);
    wire().get({ op: 'pong', at });
    expect(live.rtt.value).toBe(40);
    vi.advanceTimersByTime(20_000);
    expect(live.link.value).not.toBe('live');
  });

  it('an unsubscribed handler hears nothing, also after a reconnection', () => {
    const live = make();
    live.start();
    wire().open();
    const stop = live.subscribe({ topic: 'nodes' }, nothing);
    stop();
    expect(wire().sent.at(-1)).toEqual({ op: 'unsub', id: 1 });
    wire().close();
    vi.advanceTimersByTime(1_000);
    wire().open();
    expect(wire().sent.some((message) => message.op === 'sub')).toBe(false);
  });

  it('tells when the hub comes back with another bundle', () => {
    const live = make();
    live.start();
    wire().open();
    wire().get({ op: 'hello', hub_version: '1.0.0', build: 'b1', store_id: 's' });
    expect(live.updated.value).toBe('');
    wire().close();
    vi.advanceTimersByTime(1_000);
    wire().open();
    wire().get({ op: 'hello', hub_version: '1.1.0', build: 'b2', store_id: 's' });
    expect(live.updated.value).toBe('1.1.0');
  });

  it('stop ends it for good', () => {
    const live = make();
    live.start();
    wire().open();
    live.stop();
    vi.advanceTimersByTime(60_000);
    expect(Wire.all.length).toBe(1);
  });
});
