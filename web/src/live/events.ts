// The newest events, newest first, at most `capacity`. The hub's topic sends new ones only; `fill` adds what
// was there before.
import { signal } from '@preact/signals';
import type { EventView } from '../api/types';

const capacity = 1000;

export class EventFeed {
  readonly items = signal<readonly EventView[]>([]);
  readonly filled = signal(false);

  /** The topic has no snapshot, but one that comes does no harm. */
  snapshot({ items }: { items: EventView[] }): void {
    this.add(items);
  }
  delta({ set = [] }: { set?: EventView[] }): void {
    this.add(set);
  }
  fill(items: EventView[]): void {
    this.add(items);
    this.filled.value = true;
  }

  private add(fresh: readonly EventView[]): void {
    if (!fresh.length) return;
    const known = new Set(this.items.value.map((event) => event.seq));
    const added = fresh.filter((event) => !known.has(event.seq));
    if (!added.length) return;
    const all = [...added, ...this.items.value].sort((a, b) => b.seq - a.seq);
    this.items.value = all.slice(0, capacity);
  }
}
