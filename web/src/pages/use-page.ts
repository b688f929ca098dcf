import { useMemo, useState } from 'preact/hooks';
import { Selection } from '../parts/selection';
import { use_query } from '../state/use-query';
import { parse_set, print_set } from '../state/url';

const window_size = 200;

/** What every list page has: filter, sort and open rows in the URL, ticks, the size of the window. */
export function use_page(standard_sort: string) {
  const [query, change] = use_query();
  const [limit, set_limit] = useState(window_size);
  const selection = useMemo(() => new Selection(), []);
  const open = useMemo(() => parse_set(query.open), [query.open]);
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    change({ open: print_set(next) });
  };
  return {
    filter: query.filter ?? '',
    sort: query.sort || standard_sort,
    standard: standard_sort,
    limit,
    open,
    selection,
    toggle,
    set_filter: (filter: string) => change({ filter }),
    set_sort: (sort: string | undefined) => change({ sort }),
    more: () => set_limit(Math.min(1000, limit + window_size)),
    change,
    query,
  };
}
