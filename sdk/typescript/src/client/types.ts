import type { paths } from "./schema.js";

export type Method = "get" | "post" | "put" | "patch" | "delete";

type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;

/** The paths that know this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : unknown;

/** What the hub answers. */
export type Answer<M extends Method, P extends PathOf<M>> =
  Operation<P, M> extends { responses: { "2XX": infer Good } } ? Json<Good> : unknown;

/** What a request's body must be; unknown: any text or value, a stack file say. */
export type Body<M extends Method, P extends PathOf<M>> =
  Operation<P, M> extends { requestBody?: { content: { "application/json": infer Input } } }
    ? Input
    : unknown;

/** `{…}` in the path. */
export type PathParameters<M extends Method, P extends PathOf<M>> =
  Operation<P, M> extends { parameters: { path: infer Parameters } } ? Parameters : undefined;

/** The lists: GET answers {items, next}. */
export type ListPath = {
  [P in PathOf<"get">]: Answer<"get", P> extends { items: unknown[]; next: string | null } ? P : never;
}[PathOf<"get">];
export type Item<P extends ListPath> = Answer<"get", P> extends { items: (infer One)[] } ? One : never;

export type Node = Item<"/nodes">;
export type Stack = Item<"/stacks">;
export type Service = Item<"/services">;
export type Instance = Item<"/instances">;
export type Task = Item<"/tasks">;
export type Deployment = Item<"/deployments">;
export type Operations = Item<"/operations">;

/** Answer of an apply. */
export interface Applied {
  stack: string;
  revision: number;
  /** Empty when nothing had to be deployed. */
  deployment: string;
  /** False: it is what runs already. */
  changed: boolean;
  warnings: unknown[];
}

/** Something that happened, in its order. */
export interface DroverEvent {
  /** Where to go on after it: `events({ since: position })`. */
  position: string;
  seq: number;
  time: string;
  type: string;
  subject: string;
  /** One line for people. */
  message: string;
  level: "info" | "warn" | "error";
  stack: string;
  service: string;
  instance_name: string;
  node: string;
  data: Record<string, unknown>;
}

export interface LogLine {
  time: string;
  stream: "stdout" | "stderr";
  line: string;
  /** "stack/name"; only where several are read at once. */
  instance?: string;
}
