import { signal } from '@preact/signals';

/** What is ticked in a list. Lives as long as its page; row updates never touch it. */
export class Selection {
  readonly ids = signal<ReadonlySet<string>>(new Set());
  /** Also all rows beyond the window that match the filter. */
  readonly all_matching = signal(false);
  private anchor = '';

  toggle(id: string, range_in?: readonly string[]): void {
    const ids = new Set(this.ids.value);
    const on = !ids.has(id);
    for (const each of range_in ? this.range(range_in, id) : [id]) {
      if (on) ids.add(each);
      else ids.delete(each);
    }
    this.anchor = id;
    this.ids.value = ids;
    this.all_matching.value = false;
  }
  set(ids: Iterable<string>): void {
    this.ids.value = new Set(ids);
    this.all_matching.value = false;
  }
  clear(): void {
    this.set([]);
  }

  private range(order: readonly string[], id: string): readonly string[] {
    const a = order.indexOf(this.anchor);
    const b = order.indexOf(id);
    return a < 0 || b < 0 ? [id] : order.slice(Math.min(a, b), Math.max(a, b) + 1);
  }
}

/** How many are ticked on the page that is open; the status bar shows it. */
export const selected_count = signal(0);
