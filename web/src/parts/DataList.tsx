// The one list of the UI: virtual rows, columns, sort, ticks, expansion, keyboard. Rows repaint alone; what is
// ticked, open, sorted, scrolled or focused is never touched by an update (ui.md rules 1 and 2).
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { LiveList } from '../live/list';
import { count } from '../text/format';
import { DataRow } from './DataRow';
import { Heading } from './Heading';
import { list_keys } from './list-keys';
import { selected_count, type Selection } from './selection';
import { use_virtual } from './use-virtual';

export interface Column<T> {
  key: string;
  title: string;
  width: string; // a CSS grid track
  align?: 'end';
  sort?: string; // the hub's sort key
  /** In the narrow form: title line, right side, a line below, or not at all. */
  narrow?: 'title' | 'side' | 'line' | 'hide';
  cell: (row: T) => ComponentChildren;
}

export interface DataListProps<T extends object> {
  label: string;
  list: LiveList<T>;
  columns: Column<T>[];
  name_of: (row: T) => string;
  sort: string;
  standard: string; // the sort when the URL names none
  onSort: (sort: string | undefined) => void;
  selection?: Selection;
  open?: ReadonlySet<string>;
  onOpen?: (id: string) => void;
  detail?: (row: T) => ComponentChildren;
  activate?: (row: T) => void;
  row_class?: (row: T) => string;
  empty: ComponentChildren;
  limit: number;
  onMore?: () => void;
}

export function DataList<T extends object>(props: DataListProps<T>) {
  const { list, columns, selection, detail, open } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const focused = useSignal('');
  const scrolled = useRef(false);
  const over = useRef(false);
  const order = list.order.value;

  const virtual = use_virtual(scroller, {
    count: order.length,
    key: (index) => order[index] ?? String(index),
    estimate: () => 37,
    pinned: focused.value ? order.indexOf(focused.value) : -1,
  });

  const settle = () => list.hold(over.current || scrolled.current);
  useEffect(() => () => list.hold(false), [list]);
  useEffect(() => {
    if (!selection) return;
    const stop = selection.ids.subscribe((ids) => {
      selected_count.value = ids.size;
    });
    return () => {
      stop();
      selected_count.value = 0;
    };
  }, [selection]);
  useLayoutEffect(() => {
    scroller.current?.style.setProperty('--columns', track(columns, !!selection, !!detail));
  }, [columns, selection, detail]);

  const { matching } = list.counts.value;
  const show_new = () => {
    list.release();
    scroller.current?.scrollTo({ top: 0 });
  };
  return (
    <div
      class="data-list"
      onPointerEnter={(event) => {
        over.current = event.pointerType === 'mouse';
        settle();
      }}
      onPointerLeave={() => {
        over.current = false;
        settle();
      }}
    >
      {list.waiting.value.length ? (
        <button type="button" class="new-rows" onClick={show_new}>
          {count(list.waiting.value.length)} new · show
        </button>
      ) : null}
      <div
        ref={scroller}
        class="data-scroll"
        role="grid"
        aria-label={props.label}
        aria-rowcount={order.length + 1}
        aria-multiselectable={selection ? 'true' : undefined}
        tabIndex={order.length ? -1 : 0}
        onScroll={(event) => {
          const was = scrolled.current;
          scrolled.current = event.currentTarget.scrollTop > 4;
          if (was !== scrolled.current) settle();
        }}
        onKeyDown={(event) => list_keys(event, { props, order, focused, virtual, scroller })}
      >
        <Heading {...props} />
        <div class="data-body" role="rowgroup" style={{ height: `${virtual.getTotalSize()}px` }}>
          {virtual.getVirtualItems().map((item) => {
            const id = String(item.key);
            return (
              <DataRow
                key={id}
                id={id}
                index={item.index}
                top={item.start}
                measure={virtual.measureElement}
                open={open?.has(id) ?? false}
                current={focused.value ? focused.value === id : item.index === 0}
                onFocus={() => {
                  focused.value = id;
                }}
                props={props as unknown as DataListProps<object>}
              />
            );
          })}
        </div>
        {list.loaded.value && !order.length ? <div class="data-empty" role="row"><div role="gridcell">{props.empty}</div></div> : null}
        {list.loaded.value ? null : <div class="data-empty muted" role="row"><div role="gridcell">Waiting for the hub …</div></div>}
        {matching > order.length && order.length ? (
          <div class="data-more" role="row">
            <div role="gridcell">
              Showing {count(order.length)} of {count(matching)}.{' '}
              {props.onMore && props.limit < 1000 ? (
                <button type="button" class="link" onClick={props.onMore}>
                  Show more
                </button>
              ) : (
                'Narrow the filter to see others.'
              )}
            </div>
          </div>
        ) : null}
      </div>
    </div>
  );
}

function track(columns: Column<never>[] | Column<object>[] | unknown[], ticks: boolean, twist: boolean): string {
  const widths = (columns as Column<object>[]).map((column) => column.width);
  return [...(ticks ? ['34px'] : []), ...(twist ? ['26px'] : []), ...widths].join(' ');
}
