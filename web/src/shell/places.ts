// Where one can go: the navigation, the `g` shortcuts and the command box come from this one table.
export interface Place {
  path: string;
  title: string;
  icon: string;
  key: string; // after `g`
}

export const places: readonly Place[] = [
  { path: '/', title: 'Overview', icon: 'overview', key: 'o' },
  { path: '/nodes', title: 'Fleet', icon: 'agent', key: 'h' },
  { path: '/services', title: 'Services', icon: 'services', key: 's' },
  { path: '/stacks', title: 'Stacks', icon: 'stacks', key: 'k' },
  { path: '/tasks', title: 'Tasks', icon: 'tasks', key: 't' },
  { path: '/events', title: 'Events', icon: 'events', key: 'e' },
];
