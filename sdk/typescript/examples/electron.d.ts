// As much of Electron's types as electron-main.ts uses, so that the check needs no copy of Electron.
// An application has them from the package `electron`; leave this file away there.
declare module "electron" {
  export interface WebContents {
    send(channel: string, ...values: unknown[]): void;
    isDestroyed(): boolean;
  }
  export class BrowserWindow {
    constructor(options: {
      width?: number;
      height?: number;
      webPreferences?: { preload?: string; contextIsolation?: boolean };
    });
    static getAllWindows(): BrowserWindow[];
    readonly webContents: WebContents;
    loadFile(path: string): Promise<void>;
  }
  export const app: {
    readonly isPackaged: boolean;
    whenReady(): Promise<void>;
    quit(): void;
    exit(status?: number): void;
    getAppPath(): string;
    getPath(name: "userData"): string;
    requestSingleInstanceLock(): boolean;
    on(event: "before-quit", listener: (event: { preventDefault(): void }) => void): void;
    on(event: "window-all-closed", listener: () => void): void;
  };
  export const ipcMain: {
    handle(channel: string, listener: (event: unknown, ...values: unknown[]) => unknown): void;
    removeHandler(channel: string): void;
  };
}
