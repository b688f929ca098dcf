// The tab's one WebSocket to the hub: subscriptions, round trips, reconnection. What the hub sends for a
// subscription goes to its handler; after a reconnection every subscription is made again by itself.
import { signal } from '@preact/signals';

export type Link = 'connecting' | 'live' | 'waiting';

export interface Handler {
  snapshot(message: { items: never[]; counts?: never; seq?: number }): void;
  delta(message: { set?: never[]; del?: string[]; counts?: never; seq?: number }): void;
  problem?(text: string): void;
}

export interface Subscription {
  topic: string;
  filter?: string;
  sort?: string;
  limit?: number;
}

export interface Hello {
  hub_version: string;
  build: string;
  store_id: string;
}

/** What a test replaces. */
export interface World {
  open(url: string): WebSocket;
  random(): number;
  url: string;
}

const ping_every_ms = 5_000;
const silence_ms = 13_000;
const backoff_first_ms = 500;
const backoff_last_ms = 15_000;

export class LiveSocket {
  readonly link = signal<Link>('connecting');
  readonly rtt = signal<number | undefined>(undefined);
  readonly hello = signal<Hello | undefined>(undefined);
  /** Date.now() of the last message; values on the page are as of then while the link is not live. */
  readonly heard = signal(0);
  /** Date.now() of the next attempt while waiting. */
  readonly retry_at = signal(0);
  /** The hub's bundle changed since this page was loaded. */
  readonly updated = signal('');
  onlost: () => void = () => {};

  private socket: WebSocket | undefined;
  private readonly subscriptions = new Map<number, { what: Subscription; handler: Handler }>();
  private next_id = 1;
  private attempts = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pinger: ReturnType<typeof setInterval> | undefined;
  private first_build: string | undefined;
  private hz = 4;

  constructor(private readonly world: World) {}

  start(): void {
    if (this.socket) return;
    clearTimeout(this.timer);
    this.link.value = 'connecting';
    const socket = this.world.open(this.world.url);
    this.socket = socket;
    socket.onopen = () => this.opened(socket);
    socket.onmessage = (message) => this.message(String(message.data));
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  /** Ends the link for good (logged out). */
  stop(): void {
    clearTimeout(this.timer);
    clearInterval(this.pinger);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
    this.link.value = 'waiting';
  }

  /** Tries again now. */
  retry(): void {
    if (this.link.value === 'live') return;
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
    this.start();
  }

  subscribe(what: Subscription, handler: Handler): () => void {
    const id = this.next_id++;
    this.subscriptions.set(id, { what, handler });
    if (this.is_open()) this.send({ op: 'sub', id, ...what });
    return () => {
      if (this.subscriptions.delete(id) && this.is_open()) this.send({ op: 'unsub', id });
    };
  }

  /** How often a row may change here: 4 a second, 1 while nobody looks. */
  set_rate(hz: number): void {
    this.hz = hz;
    if (this.is_open()) this.send({ op: 'rate', hz });
  }

  private is_open(): boolean {
    return this.socket?.readyState === 1;
  }

  private send(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  private opened(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.heard.value = Date.now();
    for (const [id, { what }] of this.subscriptions) this.send({ op: 'sub', id, ...what });
    if (this.hz !== 4) this.send({ op: 'rate', hz: this.hz });
    this.ping();
    clearInterval(this.pinger);
    this.pinger = setInterval(() => this.ping(), ping_every_ms);
  }

  private ping(): void {
    if (Date.now() - this.heard.value > silence_ms) {
      const socket = this.socket;
      this.lost();
      socket?.close();
      return;
    }
    if (this.is_open()) this.send({ op: 'ping', at: Date.now() });
  }

  private lost(): void {
    clearInterval(this.pinger);
    this.socket = undefined;
    this.rtt.value = undefined;
    const limit = Math.min(backoff_last_ms, backoff_first_ms * 2 ** this.attempts);
    this.attempts = Math.min(this.attempts + 1, 10);
    const wait = Math.round(200 + this.world.random() * limit);
    this.link.value = 'waiting';
    this.retry_at.value = Date.now() + wait;
    this.timer = setTimeout(() => this.start(), wait);
    this.onlost();
  }

  private message(text: string): void {
    this.heard.value = Date.now();
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return;
    }
    if (message.op === 'hello') return this.greeted(message as unknown as Hello);
    if (message.op === 'pong') {
      this.rtt.value = Math.max(0, Date.now() - Number(message.at));
      return;
    }
    const handler = this.subscriptions.get(Number(message.id))?.handler;
    if (!handler) return;
    if (message.op === 'snapshot') handler.snapshot(message as never);
    else if (message.op === 'delta') handler.delta(message as never);
    else if (message.op === 'error') handler.problem?.(String(message.detail ?? message.message ?? 'refused'));
  }

  private greeted(hello: Hello): void {
    this.attempts = 0;
    this.link.value = 'live';
    this.hello.value = hello;
    this.first_build ??= hello.build;
    if (hello.build !== this.first_build) this.updated.value = hello.hub_version;
  }
}
