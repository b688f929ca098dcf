import { next_sort, parse_sort } from '../state/url';
import type { DataListProps } from './DataList';
import { Icon } from './icons';

/** The row of column titles: click to sort, tick to select what is shown. */
export function Heading<T extends object>({ columns, selection, detail, list, sort, standard, onSort }: DataListProps<T>) {
  const current = parse_sort(sort, standard);
  const order = list.order.value;
  const ticked = selection ? order.filter((id) => selection.ids.value.has(id)).length : 0;
  return (
    <div class="data-head" role="rowgroup">
      <div class="row" role="row" aria-rowindex={1}>
        {selection ? (
          <div role="columnheader" class="cell tick">
            <label class="hit">
              <input
                type="checkbox"
                aria-label="Select all shown"
                checked={ticked > 0 && ticked === order.length}
                ref={(box) => {
                  if (box) box.indeterminate = ticked > 0 && ticked < order.length;
                }}
                onChange={() => (ticked === order.length ? selection.clear() : selection.set(order))}
              />
            </label>
          </div>
        ) : null}
        {detail ? (
          <div role="columnheader" class="cell twist">
            <span class="visually-hidden">Open</span>
          </div>
        ) : null}
        {columns.map((column) => {
          const key = column.sort;
          const on = key !== undefined && key === current.key;
          return (
            <div
              key={column.key}
              role="columnheader"
              class={`cell c-${column.key} ${column.align === 'end' ? 'end' : ''}`}
              aria-sort={on ? (current.down ? 'descending' : 'ascending') : undefined}
            >
              {key === undefined ? (
                column.title || <span class="visually-hidden">Actions</span>
              ) : (
                <button type="button" class="sort" onClick={() => onSort(next_sort(current, key, standard))}>
                  {column.title}
                  {on ? <Icon name={current.down ? 'down' : 'up'} size={12} /> : null}
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
