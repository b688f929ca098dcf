import { query, send } from '../api/client';
import type { InstanceView, NodeView, Page, ServiceView, StackView } from '../api/types';
import { ask } from '../operate/request';
import { dialog } from './dialogs';
import { places } from './places';
import { apply_theme } from './theme';

export interface Hit {
  kind: string;
  title: string;
  icon: string;
  hint?: string;
  state?: string;
  path?: string;
  run?: () => void;
}

const fixed: Hit[] = [
  ...places.map((place) => ({
    kind: 'page',
    title: place.title,
    icon: place.icon === 'agent' ? 'drain' : place.icon,
    hint: `g ${place.key}`,
    path: place.path,
  })),
  { kind: 'command', title: 'Start all', icon: 'play', run: () => ask('start', 'all services', 'all') },
  { kind: 'command', title: 'Stop all', icon: 'stop', run: () => ask('stop', 'all services', 'all') },
  { kind: 'command', title: 'Restart all', icon: 'restart', run: () => ask('restart', 'all services', 'all') },
  { kind: 'command', title: 'Join a node', icon: 'plus', run: () => (dialog.value = 'join') },
  { kind: 'command', title: 'Theme: light', icon: 'sun', run: () => apply_theme('light') },
  { kind: 'command', title: 'Theme: dark', icon: 'moon', run: () => apply_theme('dark') },
  { kind: 'command', title: 'Theme: as the system', icon: 'auto', run: () => apply_theme('auto') },
  { kind: 'command', title: 'Keyboard shortcuts', icon: 'keyboard', run: () => (dialog.value = 'keys') },
];

/** Places and commands of which every word is found in the title. */
export function commands(text: string): Hit[] {
  const words = text.toLowerCase().replace(/^>/, '').split(/\s+/).filter(Boolean);
  return fixed.filter((hit) => words.every((word) => hit.title.toLowerCase().includes(word)));
}

async function list<T>(path: string, filter: string, signal: AbortSignal): Promise<T[]> {
  const response = await send(path + query({ filter, limit: 6 }), { signal });
  return ((await response.json()) as Page<T>).items;
}

/** Things of the fleet whose name matches, found by the hub. */
export async function find(text: string, signal: AbortSignal): Promise<Hit[]> {
  const filter = text.trim();
  if (!filter || filter.startsWith('>')) return [];
  const [services, instances, nodes, stacks] = await Promise.all([
    list<ServiceView>('/services', filter, signal),
    list<InstanceView>('/instances', filter, signal),
    list<NodeView>('/nodes', filter, signal),
    list<StackView>('/stacks', filter, signal),
  ]);
  return [
    ...services.map((s) => ({ kind: 'service', title: s.id, icon: 'services', state: s.state, path: `/services?filter=${s.name}&open=${s.id}` })),
    ...stacks.map((s) => ({ kind: 'stack', title: s.name, icon: 'stacks', state: s.state, path: `/stacks?filter=${s.name}` })),
    ...nodes.map((n) => ({ kind: 'node', title: n.name, icon: 'drain', state: n.state, path: `/nodes?filter=${n.name}` })),
    ...instances.map((i) => ({ kind: 'instance', title: `${i.stack}/${i.name}`, icon: 'logs', state: i.state, path: `/instances/${i.id}` })),
  ];
}
