import { asBackendError } from "./failures.js";
import type { BackendManager } from "./manager.js";
import type { BackendStatus } from "./types.js";

/** Electron's ipcMain, as far as it is needed. */
export interface IpcMainLike {
  handle(channel: string, listener: () => unknown): void;
  removeHandler(channel: string): void;
}

export interface IpcResult {
  success: boolean;
  /** For people. A failure's first line is its name, the lines after it say more. */
  message: string;
}

const verbs = { start: "started", stop: "stopped", restart: "restarted" } as const;

/** One of the four calls, never throwing. */
export async function callBackend(manager: BackendManager, verb: keyof typeof verbs): Promise<IpcResult> {
  try {
    await manager[verb]();
    return { success: true, message: `Backend ${verbs[verb]} successfully` };
  } catch (error) {
    return { success: false, message: asBackendError(error).message };
  }
}

/**
 * Answers `backend:manager:start`, `…:stop` and `…:restart` with {success, message} and `…:status` with the status.
 * Several backends: a `channel` for each. Returns what takes the handlers away again.
 */
export function registerBackendIpc(
  ipc: IpcMainLike,
  manager: BackendManager,
  channel = "backend:manager",
): () => void {
  for (const verb of Object.keys(verbs) as (keyof typeof verbs)[])
    ipc.handle(`${channel}:${verb}`, () => callBackend(manager, verb));
  ipc.handle(`${channel}:status`, (): BackendStatus => manager.getStatus());
  return () => {
    for (const verb of [...Object.keys(verbs), "status"]) ipc.removeHandler(`${channel}:${verb}`);
  };
}
