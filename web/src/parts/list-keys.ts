import type { Signal } from '@preact/signals';
import type { Virtualizer } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import type { DataListProps } from './DataList';

interface Context<T extends object> {
  props: DataListProps<T>;
  order: readonly string[];
  focused: Signal<string>;
  virtual: Virtualizer<HTMLElement, HTMLElement>;
  scroller: RefObject<HTMLDivElement | null>;
}

/** j/k and arrows move, x ticks (with Shift: from the last one), Space opens, Enter goes there. */
export function list_keys<T extends object>(event: KeyboardEvent, context: Context<T>): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches('input:not([type=checkbox]),textarea')) return;
  const { props, order, focused } = context;
  const at = Math.max(0, order.indexOf(focused.value));
  const id = order[at];
  if (id === undefined) return;
  const on_row = target.matches('.row');
  const moves: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
  const step = event.key === 'Home' ? -order.length : event.key === 'End' ? order.length : moves[event.key];
  if (step !== undefined && (on_row || event.key.length === 1)) {
    move_to(context, Math.max(0, Math.min(order.length - 1, at + step)));
  } else if (event.key.toLowerCase() === 'x' && props.selection) {
    props.selection.toggle(id, event.shiftKey ? order : undefined);
  } else if (on_row && event.key === ' ' && props.detail) {
    props.onOpen?.(id);
  } else if (on_row && event.key === 'Enter') {
    const row = props.list.row(id)?.peek();
    if (!row) return;
    if (props.activate) props.activate(row);
    else props.onOpen?.(id);
  } else {
    return;
  }
  event.preventDefault();
}

function move_to<T extends object>({ order, focused, virtual, scroller }: Context<T>, index: number): void {
  const id = order[index];
  if (id === undefined) return;
  focused.value = id;
  virtual.scrollToIndex(index);
  requestAnimationFrame(() => {
    scroller.current?.querySelector<HTMLElement>(`.row[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  });
}
