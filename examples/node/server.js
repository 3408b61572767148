// SPDX-License-Identifier: Apache-2.0
// A QUIC server (@matrixai/quic, without HTTP/3) and an HTTPS server that both
// answer with as many bytes as they are asked for. The QUIC connections report
// to the tcpresume agent, so that their clients' TCP connections start warm.
//
//   node server.js --cert cert.pem --key key.pem [--host 0.0.0.0] [--port 8443]

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { QUICServer, events } from '@matrixai/quic';
import Logger, { LogLevel } from '@matrixai/logger';
import { Pace, Reporter } from './tcpresume.js';

const { values: options } = parseArgs({
  options: { cert: { type: 'string' }, key: { type: 'string' }, host: { type: 'string', default: '0.0.0.0' }, port: { type: 'string', default: '8443' } },
});
if (!options.cert || !options.key) {
  console.error('give --cert and --key: PEM files, as README.md makes them');
  process.exit(2);
}
const [cert, key, port] = [readFileSync(options.cert, 'utf8'), readFileSync(options.key, 'utf8'), Number(options.port)];
const reporter = new Reporter({ onRefused: (problem) => console.error(`the agent refused: ${problem}`) });

/**
 * Makes one connection report; "conn" is a member that @matrixai/quic does not
 * document. quiche stamps packets with the time at which its pacer would have
 * them sent, for which the package does not wait: round trips come out too short
 * once much is sent. That of the handshake is right.
 */
function watch(connection, id) {
  const pace = new Pace();
  const active = () => connection.conn.pathStats().find((path) => path.active);
  const rtt = active()?.rtt ?? 0;
  const sample = (ev) => {
    const path = active();
    if (!path || !pace.due(ev, path.sentBytes)) return;
    const report = {
      ev, id, ip: path.peerHost.host, port: path.peerHost.port, cwnd: path.cwnd, sent: path.sentBytes, lost: path.lost,
      min_rtt_us: rtt * 1000, mss: path.pmtu, cc: 'cubic',
    };
    reporter.report(report);
    console.log(`${ev} ${report.ip}: cwnd ${report.cwnd}, ${report.lost} packets lost, handshake's rtt ${rtt} ms`);
  };
  const ticker = setInterval(() => sample('tick'), 1000);
  connection.addEventListener(events.EventQUICConnectionStopped.name, () => { clearInterval(ticker); sample('close'); }, { once: true });
  return sample;
}

/** Answers "GET 1000" with a thousand bytes. */
async function answer(stream, sampled) {
  const reader = stream.readable.getReader();
  const { value } = await reader.read();
  const [, size] = /^GET (\d{1,9})/.exec(Buffer.from(value ?? []).toString()) ?? [0, 0];
  const writer = stream.writable.getWriter();
  for (let left = Number(size); left > 0; left -= 65536) await writer.write(new Uint8Array(Math.min(left, 65536)));
  await writer.close();
  sampled('tick');
  await reader.cancel();
}

const secret = randomBytes(32);
const sign = async (k, data) => createHmac('sha256', Buffer.from(k)).update(Buffer.from(data)).digest().buffer;
const verify = async (k, data, signature) => timingSafeEqual(Buffer.from(await sign(k, data)), Buffer.from(signature));
const quic = new QUICServer({
  crypto: { key: secret.buffer.slice(secret.byteOffset, secret.byteOffset + 32), ops: { sign, verify } },
  config: { key, cert, verifyPeer: false, applicationProtos: ['bytes'], maxIdleTimeout: 30_000, maxSendUdpPayloadSize: 1350 },
  logger: new Logger('quic', LogLevel.ERROR),
});
let number = 0;
quic.addEventListener(events.EventQUICServerConnection.name, ({ detail: connection }) => {
  const sampled = watch(connection, `node-${process.pid}-${++number}`);
  connection.addEventListener(events.EventQUICConnectionStream.name, ({ detail: stream }) => {
    answer(stream, sampled).catch(() => {}); // the client has gone
  });
});

const web = https.createServer({ key, cert }, (request, response) => {
  const [, size] = /^\/bytes\/(\d{1,9})$/.exec(request.url) ?? [];
  if (size === undefined) response.writeHead(404).end('try /bytes/1000000\n');
  else response.writeHead(200, { 'content-length': size }).end(Buffer.alloc(Number(size)));
});
await quic.start({ host: options.host, port });
web.listen(port, options.host, () => console.log(`serving QUIC and HTTPS on ${options.host} port ${port}`));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    web.close();
    await quic.stop({ force: true }).catch(() => {});
    await reporter.close();
    process.exit(0);
  });
}
