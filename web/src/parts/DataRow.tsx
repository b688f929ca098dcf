import type { DataListProps } from './DataList';
import { Icon } from './icons';

interface Props {
  id: string;
  index: number;
  top: number;
  open: boolean;
  current: boolean;
  measure: (element: HTMLElement | null) => void;
  onFocus: () => void;
  props: DataListProps<object>;
}

/** One row and what is open below it. Bound to its own signal. */
export function DataRow({ id, index, top, open, current, measure, onFocus, props }: Props) {
  const { list, columns, selection, detail, onOpen, name_of, activate } = props;
  const row = list.row(id)?.value;
  if (!row) return null;
  const name = name_of(row);
  const ticked = selection?.ids.value.has(id) ?? false;
  const gone = list.gone.value.has(id);
  return (
    <div
      class="slot"
      role="presentation"
      data-index={index}
      ref={measure}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div
        class={`row ${ticked ? 'ticked' : ''} ${gone ? 'gone' : ''} ${props.row_class?.(row) ?? ''}`}
        role="row"
        data-id={id}
        aria-rowindex={index + 2}
        aria-selected={selection ? ticked : undefined}
        data-open={detail && open ? '' : undefined}
        tabIndex={current ? 0 : -1}
        onFocusIn={onFocus}
        onDblClick={() => activate?.(row)}
      >
        {selection ? (
          <div class="cell tick" role="gridcell">
            <label class="hit">
              <input
                type="checkbox"
                aria-label={`Select ${name}`}
                checked={ticked}
                onClick={(event) => {
                  event.stopPropagation();
                  selection.toggle(id, event.shiftKey ? list.order.value : undefined);
                }}
              />
            </label>
          </div>
        ) : null}
        {detail ? (
          <div class="cell twist" role="gridcell">
            <button type="button" class="twister hit" aria-expanded={open} aria-label={`${open ? 'Close' : 'Open'} ${name}`} onClick={() => onOpen?.(id)}>
              <Icon name="chevron" size={14} />
            </button>
          </div>
        ) : null}
        {columns.map((column) => (
          <div
            key={column.key}
            role="gridcell"
            class={`cell c-${column.key} n-${column.narrow ?? 'line'} ${column.align === 'end' ? 'end' : ''}`}
            data-title={column.title}
          >
            {column.cell(row)}
          </div>
        ))}
      </div>
      {open && detail ? (
        <div class="row-detail" role="row">
          <div role="gridcell">{detail(row)}</div>
        </div>
      ) : null}
    </div>
  );
}
