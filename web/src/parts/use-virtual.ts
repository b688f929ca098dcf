import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useState } from 'preact/hooks';

export interface VirtualOptions {
  count: number;
  key: (index: number) => string;
  estimate: (index: number) => number;
  /** An index that stays in the document wherever the list is scrolled (the row with the focus). */
  pinned?: number;
  overscan?: number;
}

/** Rows that are near the visible part of `scroller`. */
export function use_virtual(scroller: RefObject<HTMLElement | null>, options: VirtualOptions) {
  const [, repaint] = useReducer((n: number) => n + 1, 0);
  const { pinned = -1 } = options;
  const settings = {
    count: options.count,
    getScrollElement: () => scroller.current,
    estimateSize: options.estimate,
    getItemKey: options.key,
    overscan: options.overscan ?? 8,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
      const indexes = defaultRangeExtractor(range);
      if (pinned < 0 || pinned >= options.count || indexes.includes(pinned)) return indexes;
      return [...indexes, pinned].sort((a, b) => a - b);
    },
    onChange: () => repaint(0),
  };
  const [virtual] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(settings));
  virtual.setOptions(settings as never);
  useEffect(() => virtual._didMount(), [virtual]);
  useLayoutEffect(() => virtual._willUpdate());
  return virtual;
}
