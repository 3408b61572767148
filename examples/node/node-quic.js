// SPDX-License-Identifier: Apache-2.0
// Reports every session of node:quic, without a change to the server:
//
//   node --experimental-quic --import ./node-quic.js server.js
//
// It needs a Node that was built with "./configure --experimental-quic": the
// released binaries have no node:quic (process.features.quic is false), and this
// file says so and does nothing. Durations of node:quic are nanoseconds.

import diagnostics from 'node:diagnostics_channel';
import { Pace, Reporter } from './tcpresume.js';

export function watchSessions(reporter = new Reporter()) {
  const live = new Map();
  let number = 0;
  const sample = (ev, session, stats = session.stats) => {
    const known = live.get(session);
    if (!known || !stats || !known.pace.due(ev, Number(stats.bytesSent))) return;
    const { address, port } = known.address;
    reporter.report({
      ev, id: known.id, ip: address, port, cwnd: stats.cwnd, ssthresh: stats.ssthresh, sent: stats.bytesSent, lost: stats.pktLost,
      min_rtt_us: Number(stats.minRtt) / 1000, srtt_us: Number(stats.smoothedRtt) / 1000,
    });
  };
  diagnostics.subscribe('quic.session.created.server', ({ session, address }) => {
    live.set(session, { address, id: `node-${process.pid}-${++number}`, pace: new Pace() });
  });
  diagnostics.subscribe('quic.session.path.validation', ({ session, newRemoteAddress }) => {
    if (live.has(session) && newRemoteAddress) live.get(session).address = newRemoteAddress;
  });
  diagnostics.subscribe('quic.session.closed', ({ session, stats }) => {
    sample('close', session, stats);
    live.delete(session);
  });
  return setInterval(() => live.forEach((_, session) => sample('tick', session)), 1000).unref();
}

if (process.features.quic) watchSessions();
else console.error('this Node has no node:quic: build it with ./configure --experimental-quic');
