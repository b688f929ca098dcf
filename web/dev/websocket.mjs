// The server's half of a WebSocket, as far as a tab needs it: text frames, ping, close.
import { createHash } from 'node:crypto';

export function accept(request, socket, onmessage) {
  const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  const client = { onclose: () => {}, send: (value) => socket.writable && socket.write(frame(Buffer.from(JSON.stringify(value)))) };
  let rest = Buffer.alloc(0);
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    for (let read = unframe(rest); read; read = unframe(rest)) {
      rest = rest.subarray(read.size);
      if (read.opcode === 8) socket.end();
      if (read.opcode === 1) onmessage(JSON.parse(read.payload.toString()));
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => client.onclose());
  return client;
}

function frame(payload) {
  const size = payload.length;
  const head = size < 126 ? Buffer.from([0x81, size]) : size < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x81;
  if (size >= 126 && size < 65536) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else if (size >= 65536) {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

function unframe(data) {
  if (data.length < 6) return undefined;
  let size = data[1] & 127;
  let at = 2;
  if (size === 126) {
    size = data.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (data.length < 14) return undefined;
    size = Number(data.readBigUInt64BE(2));
    at = 10;
  }
  if (data.length < at + 4 + size) return undefined;
  const mask = data.subarray(at, at + 4);
  const payload = Buffer.from(data.subarray(at + 4, at + 4 + size)).map((byte, i) => byte ^ mask[i & 3]);
  return { opcode: data[0] & 15, payload, size: at + 4 + size };
}
