export {
  DroverClient,
  type CallOptions,
  type DroverClientOptions,
  type EventOptions,
  type LogOptions,
  type RequestOptions,
} from "./client/client.js";
export { DroverError, type ProblemPlace } from "./client/errors.js";
export type { Endpoint } from "./client/transport.js";
export type {
  Answer,
  Applied,
  Body,
  Deployment,
  DroverEvent,
  Instance,
  Item,
  ListPath,
  LogLine,
  Method,
  Node,
  Operations,
  PathOf,
  PathParameters,
  Service,
  Stack,
  Task,
} from "./client/types.js";
export type { paths } from "./client/schema.js";
export { BackendError, type BackendErrorCode } from "./backend/failures.js";
export { BackendManager, type LogListener, type StatusListener } from "./backend/manager.js";
export { callBackend, registerBackendIpc, type IpcMainLike, type IpcResult } from "./backend/ipc.js";
export type {
  BackendCommand,
  BackendManagerOptions,
  BackendState,
  BackendStatus,
  Clock,
  LogStream,
} from "./backend/types.js";
