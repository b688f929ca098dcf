// What the hub shows (docs/api.md). Times are RFC 3339, sizes bytes.

export type Time = string;

export interface NodeView {
  id: string;
  name: string;
  state: 'joined' | 'connecting' | 'online' | 'suspect' | 'lost' | 'offline';
  message: string;
  cordoned: boolean;
  draining: boolean;
  labels: Record<string, string>;
  version: string;
  version_match: VersionMatch;
  hostname: string;
  os: string;
  kernel: string;
  arch: string;
  address: string;
  level: string;
  cpus: number;
  memory: number;
  instances: number;
  running: number;
  failing: number;
  joined_at: Time;
  connected_at?: Time | null;
  last_seen?: Time | null;
}

export type VersionMatch = 'same' | 'patch' | 'minor' | 'incompatible' | 'unknown';

export type InstanceState =
  | 'waiting'
  | 'configuring'
  | 'starting'
  | 'ready'
  | 'unhealthy'
  | 'backoff'
  | 'restarting'
  | 'stopping'
  | 'stopped'
  | 'completed'
  | 'failed'
  | 'stuck'
  | 'lost'
  | 'unknown';

export interface InstanceView {
  id: string;
  name: string;
  stack: string;
  service: string;
  kind: 'service' | 'job';
  index: number;
  node: string;
  role: 'holder' | 'successor' | 'retired';
  desired: 'run' | 'stop' | 'gone';
  state: InstanceState;
  reason: string;
  since: Time;
  health: 'none' | 'unknown' | 'healthy' | 'unhealthy';
  fresh: boolean;
  as_of?: Time | null;
  revision: number;
  outdated: boolean;
  task?: string | null;
  task_type: string;
  pid?: number | null;
  started_at?: Time | null;
  ready_at?: Time | null;
  reloaded_at?: Time | null;
  next_try?: Time | null;
  restarts: number;
  last_exit: string;
  last_lines: string[];
  degraded?: string[];
  ports: Record<string, number>;
  incarnation: number;
  epoch: number;
}

export interface ServiceView {
  id: string; // "stack/service"
  name: string;
  stack: string;
  kind: 'service' | 'job';
  driver: string;
  state: InstanceState;
  reason: string;
  desired: number;
  instances: number;
  ready: number;
  failing: number;
  nodes: string[];
  ports: Record<string, number>;
  restarts: number;
  revision: number;
  depends_on: string[];
}

export interface StackView {
  name: string;
  state: 'ready' | 'deploying' | 'degraded' | 'failed' | 'stopped' | 'deleting';
  message: string;
  revision: number;
  services: number;
  instances: number;
  ready: number;
  failing: number;
  deployment?: string | null;
  created_at: Time;
  updated_at: Time;
}

export interface Revision {
  number: number;
  digest: string;
  who: Who;
  at: Time;
  succeeded: boolean;
  current: boolean;
}

export interface Who {
  actor: string;
  origin: string;
  correlation: string;
}

export type TaskState = 'pending' | 'assigned' | 'running' | 'completed' | 'failed' | 'cancelled';

export interface Attempt {
  number: number;
  assigned_at: Time;
  started_at?: Time | null;
  ended_at?: Time | null;
  outcome: string;
  error: string;
  output: string[];
}

export interface TaskView {
  id: string;
  type: string;
  state: TaskState;
  stack: string;
  service: string;
  instance: string;
  instance_id: string;
  node: string;
  priority: number;
  attempt: number;
  max_attempts: number;
  progress: number;
  message: string;
  cancel_requested: boolean;
  deployment?: string | null;
  operation?: string | null;
  retry_of?: string | null;
  depends_on: string[];
  actor: string;
  origin: string;
  correlation: string;
  created_at: Time;
  started_at?: Time | null;
  finished_at?: Time | null;
  attempts: Attempt[];
}

export interface Summary {
  hub_version: string;
  store_id: string;
  hub_state: 'ok' | 'read_only' | 'stopping';
  nodes: number;
  nodes_online: number;
  services: number;
  services_ok: number;
  services_failing: number;
  instances: number;
  instances_ready: number;
  instances_failing: number;
  tasks_open: number;
  tasks_failed: number;
  deployments_live: number;
  agent_versions: Record<string, number>;
}

export type OperationKind = 'start' | 'stop' | 'restart' | 'reload';

export interface OperationItem {
  instance: string;
  stack: string;
  instance_name: string;
  node: string;
  ok?: boolean | null;
  message: string;
}

export interface Operation {
  id: string;
  kind: OperationKind;
  state: 'running' | 'succeeded' | 'partial' | 'failed' | 'cancelled';
  scope: string;
  items: OperationItem[];
  who: Who;
  created_at: Time;
  finished_at?: Time | null;
}

export interface OperationPreview {
  items: OperationItem[];
  excluded: { instance: string; reason: string }[];
}

/** Why an instance is where it is, or nowhere. */
export interface WhyView {
  instance: string;
  state: string;
  summary: string;
  facts: string[];
  nodes: { node: string; fits: boolean; reason: string }[];
}

/** The last answers of an instance's probes, from its agent. */
export interface ProbesView {
  items: {
    probe: 'start' | 'ready' | 'live';
    kind: string;
    passed: boolean;
    results: { at: Time; took: string; ok: boolean; unrunnable: boolean; detail: string; incarnation: number }[];
  }[];
}

export interface EventView {
  seq: number;
  time: Time;
  type: string;
  subject: string;
  message: string;
  level: 'info' | 'warn' | 'error';
  stack: string;
  service: string;
  instance_name: string;
  node: string;
  who: Who;
}

export interface LogLine {
  time: Time;
  stream: string;
  line: string;
  instance?: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Me {
  user: string;
  role: string;
  how: string;
}
