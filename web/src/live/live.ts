// This tab's link and the lists that every page needs.
import { computed } from '@preact/signals';
import type { NodeView, Operation, Summary, TaskView } from '../api/types';
import { EventFeed } from './events';
import { compare_by, LiveList } from './list';
import { LiveSocket } from './socket';

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';

export const live = new LiveSocket({
  url: `${scheme}://${location.host}/api/v1/stream`,
  open: (url) => new WebSocket(url),
  random: Math.random,
});

export const is_live = computed(() => live.link.value === 'live');

export const summaries = new LiveList<Summary>(() => 'summary');
export const summary = computed<Summary | undefined>(() => summaries.all()[0]);
export const open_tasks = new LiveList<TaskView>((task) => task.id, compare_by('-created_at'));
export const operations = new LiveList<Operation>((operation) => operation.id, compare_by('-created_at'));
export const sick_nodes = new LiveList<NodeView>((node) => node.id, compare_by('name'));
export const events = new EventFeed();

/** "stack/service" → its open tasks. */
export const tasks_by_service = computed(() => {
  const map = new Map<string, TaskView[]>();
  for (const task of open_tasks.all()) {
    const key = `${task.stack}/${task.service}`;
    map.set(key, [...(map.get(key) ?? []), task]);
  }
  return map;
});

export const mean_progress = computed(() => {
  const tasks = open_tasks.all();
  if (!tasks.length) return 0;
  return Math.round(tasks.reduce((sum, task) => sum + task.progress, 0) / tasks.length);
});

export function start_live(): void {
  live.subscribe({ topic: 'summary' }, summaries as never);
  live.subscribe({ topic: 'tasks', filter: 'state:pending|assigned|running', limit: 500 }, open_tasks as never);
  live.subscribe({ topic: 'operations', limit: 50 }, operations as never);
  live.subscribe({ topic: 'nodes', filter: 'state:suspect|lost|offline', limit: 100 }, sick_nodes as never);
  live.subscribe({ topic: 'events' }, events as never);
  document.addEventListener('visibilitychange', () => {
    live.set_rate(document.visibilityState === 'visible' ? 4 : 1);
  });
  live.start();
}
