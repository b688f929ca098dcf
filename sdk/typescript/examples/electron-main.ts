// The main process of an Electron application whose backend is a Python program.
//   development: uv run python -m my_app.server in the project
//   packaged:    resources/backend/my-backend[.exe], put there by extraResources of electron-builder
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { BackendManager, registerBackendIpc } from "@drover/sdk";
import { app, BrowserWindow, ipcMain } from "electron";

const backend = new BackendManager({
  name: "my-backend",
  port: 8882,
  apiKey: randomBytes(24).toString("hex"),
  environmentPrefix: "MY_APP", // MY_APP_HOST, MY_APP_PORT, MY_APP_API_KEY
  packaged: app.isPackaged,
  development: { command: ["uv", "run", "python", "-m", "my_app.server"], cwd: process.cwd() },
  stateDirectory: join(app.getPath("userData"), "backend"),
  onParentExit: "die",
});

function tellWindows(channel: string, ...values: unknown[]): void {
  for (const window of BrowserWindow.getAllWindows())
    if (!window.webContents.isDestroyed()) window.webContents.send(channel, ...values);
}

// backend:manager:start, :stop, :restart → {success, message}; backend:manager:status → the status
registerBackendIpc(ipcMain, backend);
backend.onStatusChangeListener((status) => tellWindows("backend:manager:status-changed", status));
backend.onLogListener((stream, data) => tellWindows("backend:manager:log", stream, data));

async function main(): Promise<void> {
  if (!app.requestSingleInstanceLock()) return app.quit(); // one application, one backend
  await app.whenReady();
  const window = new BrowserWindow({
    width: 1200,
    height: 800,
    webPreferences: { preload: join(app.getAppPath(), "preload.js") },
  });
  await window.loadFile("index.html"); // the window is there at once, and shows "starting"
  await backend.start().catch(() => undefined); // the status says what went wrong
}

let ending = false;
app.on("before-quit", (event) => {
  if (ending) return;
  ending = true;
  event.preventDefault(); // the backend gets its time to end
  void backend.close().finally(() => app.exit());
});
app.on("window-all-closed", () => app.quit());

void main();
