// Every state that the UI shows: its tone (colour), its shape (so that colour is never alone) and its word.

export type Tone = 'ok' | 'busy' | 'warn' | 'error' | 'idle';
export type Shape = 'dot' | 'ring' | 'spinner' | 'triangle' | 'square' | 'check' | 'question' | 'bar';

export interface Look {
  tone: Tone;
  shape: Shape;
  word: string;
}

const look = (tone: Tone, shape: Shape, word: string): Look => ({ tone, shape, word });

const looks: Record<string, Look> = {
  // instances and services
  ready: look('ok', 'dot', 'ready'),
  completed: look('ok', 'check', 'completed'),
  waiting: look('busy', 'ring', 'waiting'),
  configuring: look('busy', 'spinner', 'configuring'),
  starting: look('busy', 'spinner', 'starting'),
  restarting: look('busy', 'spinner', 'restarting'),
  stopping: look('busy', 'spinner', 'stopping'),
  backoff: look('warn', 'triangle', 'backoff'),
  unhealthy: look('warn', 'triangle', 'unhealthy'),
  stopped: look('idle', 'bar', 'stopped'),
  failed: look('error', 'square', 'failed'),
  stuck: look('error', 'square', 'stuck'),
  lost: look('error', 'question', 'lost'),
  unknown: look('warn', 'question', 'unknown'),
  // nodes
  online: look('ok', 'dot', 'online'),
  joined: look('idle', 'ring', 'joined'),
  connecting: look('busy', 'spinner', 'connecting'),
  suspect: look('warn', 'question', 'suspect'),
  offline: look('error', 'bar', 'offline'),
  // stacks
  deploying: look('busy', 'spinner', 'deploying'),
  degraded: look('warn', 'triangle', 'degraded'),
  deleting: look('busy', 'spinner', 'deleting'),
  // tasks, operations, deployments
  pending: look('idle', 'ring', 'pending'),
  assigned: look('busy', 'ring', 'assigned'),
  running: look('busy', 'spinner', 'running'),
  planned: look('idle', 'ring', 'planned'),
  paused: look('warn', 'bar', 'paused'),
  cancelled: look('idle', 'bar', 'cancelled'),
  superseded: look('idle', 'bar', 'superseded'),
  rolling_back: look('busy', 'spinner', 'rolling back'),
  rolled_back: look('warn', 'triangle', 'rolled back'),
  rollback_failed: look('error', 'square', 'rollback failed'),
  succeeded: look('ok', 'check', 'succeeded'),
  partial: look('warn', 'triangle', 'partly done'),
  // events
  info: look('idle', 'dot', 'info'),
  warn: look('warn', 'triangle', 'warning'),
  error: look('error', 'square', 'error'),
};

export function look_of(state: string): Look {
  return looks[state] ?? look('idle', 'question', state || 'unknown');
}

/** How bad a version difference is (four levels), with the words for the tooltip. */
export function version_look(match: string): Look {
  switch (match) {
    case 'same':
      return look('ok', 'dot', 'same as the hub');
    case 'patch':
      return look('busy', 'ring', 'a patch away from the hub');
    case 'minor':
      return look('warn', 'triangle', 'a minor version away from the hub');
    case 'incompatible':
      return look('error', 'square', 'incompatible with the hub');
    default:
      return look('idle', 'question', 'version unknown');
  }
}
