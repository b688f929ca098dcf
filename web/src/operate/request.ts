// What a person wants to do to many instances at once: shown in one sheet, first as a preview.
import { signal } from '@preact/signals';
import { get, query, write } from '../api/client';
import type { Operation, OperationKind, OperationPreview, Page } from '../api/types';

export interface OperationRequest {
  kind: OperationKind;
  /** For people: "all services", "3 services", "stack shop". */
  scope: string;
  all: boolean;
  targets: string[];
}

/** The request whose sheet is open. */
export const asked = signal<OperationRequest | undefined>(undefined);

export function ask(kind: OperationKind, scope: string, targets: string[] | 'all'): void {
  asked.value = { kind, scope, all: targets === 'all', targets: targets === 'all' ? [] : targets };
}

const body_of = ({ kind, all, targets }: OperationRequest) => ({ kind, all, targets });

export function preview(request: OperationRequest): Promise<OperationPreview> {
  return write<OperationPreview>('/operations?dry_run=true', { body: body_of(request) });
}

export function start(request: OperationRequest): Promise<Operation> {
  return write<Operation>('/operations', { body: body_of(request) });
}

const page_size = 1000;
const most_pages = 20;

/** The ids of all rows of a list that match a filter, beyond the window that is shown. */
export async function all_ids<T>(path: string, filter: string, id_of: (row: T) => string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < most_pages; page += 1) {
    const { items, next } = await get<Page<T>>(path + query({ filter, cursor, limit: page_size }));
    ids.push(...items.map(id_of));
    if (!next) break;
    cursor = next;
  }
  return ids;
}

export const verbs: Record<OperationKind, { title: string; doing: string; done: string; icon: string }> = {
  start: { title: 'Start', doing: 'Starting', done: 'started', icon: 'play' },
  stop: { title: 'Stop', doing: 'Stopping', done: 'stopped', icon: 'stop' },
  restart: { title: 'Restart', doing: 'Restarting', done: 'restarted', icon: 'restart' },
  reload: { title: 'Reload', doing: 'Reloading', done: 'reloaded', icon: 'reload' },
};

/** More than this many targets want a typed confirmation. */
export const typed_above = 20;
