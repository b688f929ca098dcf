import { useEffect, useMemo } from 'preact/hooks';
import { compare_by, type KeyOf, LiveList } from './list';
import { live } from './live';

export interface ListQuery {
  topic: string;
  filter?: string | undefined;
  sort?: string | undefined;
  limit?: number | undefined;
}

/** A live list for as long as the component is there. A new filter keeps the old rows until the new ones come. */
export function use_list<T extends object>(query: ListQuery, key: KeyOf<T>): LiveList<T> {
  const { topic, filter = '', sort = '', limit = 200 } = query;
  const list = useMemo(() => new LiveList<T>(key), [topic]);
  useEffect(() => {
    list.set_compare(sort ? compare_by<T>(sort) : undefined);
    const what = { topic, limit, ...(filter ? { filter } : {}), ...(sort ? { sort } : {}) };
    const handler = {
      snapshot: list.snapshot.bind(list),
      delta: list.delta.bind(list),
      problem: (text: string) => {
        list.problem.value = text;
      },
    };
    return live.subscribe(what, handler as never);
  }, [list, topic, filter, sort, limit]);
  return list;
}

export const by_id = (row: { id: string }): string => row.id;
export const by_name = (row: { name: string }): string => row.name;
