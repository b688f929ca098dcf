// One live list: a window of rows that the hub keeps current. Rows are signals, so an update repaints its
// row and nothing else; the order changes only by what `hold` allows (ui.md rules 1 and 2).
import { batch, signal, type Signal } from '@preact/signals';

export interface Counts {
  total: number;
  matching: number;
}

export interface Snapshot<T> {
  items: T[];
  counts?: Counts;
  seq?: number;
}

export interface Delta<T> {
  set?: T[];
  del?: string[];
  counts?: Counts;
  seq?: number;
}

export type KeyOf<T> = (row: T) => string;
export type Compare<T> = (a: T, b: T) => number;

export class LiveList<T extends object> {
  /** Ids in the order of display. */
  readonly order = signal<readonly string[]>([]);
  /** New rows that wait behind the "n new" chip. */
  readonly waiting = signal<readonly string[]>([]);
  /** Rows that went away while the list is held: shown faded until it is released. */
  readonly gone = signal<ReadonlySet<string>>(new Set());
  readonly counts = signal<Counts>({ total: 0, matching: 0 });
  readonly loaded = signal(false);
  readonly problem = signal('');
  private readonly rows = new Map<string, Signal<T>>();
  private held = false;

  constructor(
    private readonly key: KeyOf<T>,
    private compare: Compare<T> | undefined = undefined,
  ) {}

  row(id: string): Signal<T> | undefined {
    return this.rows.get(id);
  }
  /** All rows in order; reading it subscribes to the order and to each row. */
  all(): T[] {
    return this.order.value.flatMap((id) => this.rows.get(id)?.value ?? []);
  }

  set_compare(compare: Compare<T> | undefined): void {
    this.compare = compare;
  }

  /** While held, nothing moves: new rows wait, rows that went away stay. Letting go shows them unless `keep`. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.release();
  }

  release(): void {
    if (!this.waiting.value.length && !this.gone.value.size) return;
    batch(() => {
      const gone = this.gone.value;
      let order = this.order.value.filter((id) => !gone.has(id));
      for (const id of gone) this.rows.delete(id);
      for (const id of this.waiting.value) order = this.insert(order, id);
      this.order.value = order;
      this.waiting.value = [];
      this.gone.value = new Set();
    });
  }

  /** A fresh window. Rows that are known keep their signals, so what is bound to them lives on. */
  snapshot({ items, counts }: Snapshot<T>): void {
    batch(() => {
      const ids = items.map(this.key);
      const keep = new Set(ids);
      for (const id of [...this.rows.keys()]) if (!keep.has(id)) this.rows.delete(id);
      for (const item of items) this.put(item);
      this.order.value = ids;
      this.waiting.value = [];
      this.gone.value = new Set();
      this.counts.value = counts ?? { total: ids.length, matching: ids.length };
      this.loaded.value = true;
      this.problem.value = '';
    });
  }

  delta({ set = [], del = [], counts }: Delta<T>): void {
    batch(() => {
      let order: readonly string[] = this.order.value;
      let gone: Set<string> | undefined;
      let waiting: readonly string[] = this.waiting.value;
      for (const item of set) {
        const id = this.key(item);
        const known = this.rows.has(id);
        this.put(item);
        if (known && this.gone.value.has(id)) (gone ??= new Set(this.gone.value)).delete(id);
        if (known) continue;
        if (this.held) waiting = [...waiting, id];
        else order = this.insert(order, id);
      }
      for (const id of del) {
        if (!this.rows.has(id)) continue;
        waiting = waiting.filter((other) => other !== id);
        if (this.held && order.includes(id)) {
          (gone ??= new Set(this.gone.value)).add(id);
        } else {
          this.rows.delete(id);
          order = order.filter((other) => other !== id);
        }
      }
      this.order.value = order;
      this.waiting.value = waiting;
      if (gone) this.gone.value = gone;
      if (counts) this.counts.value = counts;
    });
  }

  private put(item: T): void {
    const id = this.key(item);
    const row = this.rows.get(id);
    if (row) row.value = item;
    else this.rows.set(id, signal(item));
  }

  private insert(order: readonly string[], id: string): string[] {
    const fresh = this.rows.get(id)?.peek();
    if (!fresh) return [...order];
    const { compare } = this;
    const at = compare
      ? order.findIndex((other) => {
          const row = this.rows.get(other)?.peek();
          return row !== undefined && compare(fresh, row) < 0;
        })
      : -1;
    return at < 0 ? [...order, id] : [...order.slice(0, at), id, ...order.slice(at)];
  }
}

/** Compares by one member, as the hub does for `sort=key` and `sort=-key`. */
export function compare_by<T extends object>(sort: string): Compare<T> {
  const down = sort.startsWith('-');
  const key = (down ? sort.slice(1) : sort) as keyof T;
  return (a, b) => {
    const order = compare_values(a[key], b[key]);
    return down ? -order : order;
  };
}

function compare_values(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const x = String(a ?? '');
  const y = String(b ?? '');
  return x < y ? -1 : x > y ? 1 : 0;
}
